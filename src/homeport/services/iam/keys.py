"""Access keys in the store, remembered in memory: every request needs one."""

import secrets
import string

from homeport.aws.call import Principal
from homeport.aws.credentials import Credential
from homeport.db.database import Database

_KEY_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"


class AccessKeys:
    """The installation's access keys; implements the gateway's CredentialStore."""

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account
        self._known: dict[str, Credential] = {}

    async def find(self, access_key_id: str) -> Credential | None:
        if (known := self._known.get(access_key_id)) is not None:
            return known
        async with self._database.snapshot() as tx:
            row = await tx.fetch_one(
                "SELECT secret, principal_arn, user_id FROM access_keys WHERE id = ?", access_key_id
            )
        if row is None:
            return None  # not remembered: the key may be made a moment later
        secret, arn, user_id = row
        credential = Credential(access_key_id, secret, Principal(arn=arn, user_id=user_id, account=self._account))
        self._known[access_key_id] = credential
        return credential

    async def root(self, now: float) -> Credential:
        """Return the root user's key, which is made if there is none."""
        arn = f"arn:aws:iam::{self._account}:root"
        async with self._database.transaction() as tx:
            row = await tx.fetch_one("SELECT id FROM access_keys WHERE principal_arn = ? ORDER BY created_at", arn)
            if row is None:
                key = "AKIA" + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16))
                secret = "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))
                await tx.execute(
                    "INSERT INTO access_keys (id, secret, principal_arn, user_id, created_at) VALUES (?, ?, ?, ?, ?)",
                    key,
                    secret,
                    arn,
                    self._account,
                    now,
                )
                row = (key,)
        credential = await self.find(row[0])
        assert credential is not None, "the key was found or made a moment ago"
        return credential
