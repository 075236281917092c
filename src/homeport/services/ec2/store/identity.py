"""The key that signs instance identity documents."""

from typing import NamedTuple

from homeport.db.database import Tx


class Key(NamedTuple):
    """A key and its certificate, both PEM."""

    signing_key: str
    certificate: str


async def find_key(tx: Tx) -> Key | None:
    row = await tx.fetch_one("SELECT signing_key, certificate FROM ec2_identity WHERE id = 1")
    return None if row is None else Key(*row)


async def add_key(tx: Tx, key: Key) -> None:
    await tx.execute("INSERT INTO ec2_identity (id, signing_key, certificate) VALUES (1, ?, ?)", *key)
