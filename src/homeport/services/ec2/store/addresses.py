"""
Lend addresses, each to one borrower at a time.

An address is taken in the transaction that needs it and given back in the one that ends the need,
so a crash can delay an address but never lend it twice.  What was given back waits until every
address never lent has had its turn, and then for everything given back before it: a peer that still
talks to the old borrower has the longest possible time to notice.  Both steps cost the same however
many addresses are lent.
"""

from ipaddress import IPv4Address

from homeport.db.database import Tx
from homeport.services.ec2.model import usable


async def ensure_pool(tx: Tx, pool: str, cidr: str) -> None:
    """Make *pool* lend the addresses of *cidr*; those lent from another range before stay lent."""
    first, last = usable(cidr)
    row = await tx.fetch_one("SELECT first_address, last_address FROM ec2_address_pools WHERE id = ?", pool)
    if row is None:
        await tx.execute("INSERT INTO ec2_address_pools VALUES (?, ?, ?, ?, 0, 0)", pool, first, last, first)
    elif tuple(row) != (first, last):
        await tx.execute("DELETE FROM ec2_addresses WHERE pool = ? AND returned IS NOT NULL", pool)
        await tx.execute(
            "UPDATE ec2_address_pools SET first_address = ?, last_address = ?, upcoming = ? WHERE id = ?",
            first,
            last,
            first,
            pool,
        )


async def pool_range(tx: Tx, pool: str) -> tuple[IPv4Address, IPv4Address]:
    """Return the first and last address that a pool lends."""
    row = await tx.fetch_one("SELECT first_address, last_address FROM ec2_address_pools WHERE id = ?", pool)
    assert row is not None, f"there is no address pool {pool}"
    return IPv4Address(row[0]), IPv4Address(row[1])


async def delete_pool(tx: Tx, pool: str) -> None:
    """Forget a pool that has lent nothing."""
    await tx.execute("DELETE FROM ec2_addresses WHERE pool = ?", pool)
    await tx.execute("DELETE FROM ec2_address_pools WHERE id = ?", pool)


async def lend(tx: Tx, pool: str) -> int | None:
    """Take the address that has been unused for longest, or return None when all are lent."""
    row = await tx.fetch_one("SELECT upcoming, last_address FROM ec2_address_pools WHERE id = ?", pool)
    assert row is not None, f"there is no address pool {pool}"
    upcoming, last = row
    # An address asked for by name may lie ahead of the others' turn: each is skipped here once.
    while upcoming <= last and await _is_lent(tx, pool, upcoming):
        upcoming += 1
    if upcoming <= last:
        await tx.execute("INSERT INTO ec2_addresses (pool, address) VALUES (?, ?)", pool, upcoming)
        await _count(tx, pool, upcoming + 1, change=1)
        return int(upcoming)
    row = await tx.fetch_one(
        "SELECT address FROM ec2_addresses WHERE pool = ? AND returned IS NOT NULL ORDER BY returned LIMIT 1", pool
    )
    if row is None:
        return None
    await tx.execute("UPDATE ec2_addresses SET returned = NULL WHERE pool = ? AND address = ?", pool, row[0])
    await _count(tx, pool, upcoming, change=1)
    return int(row[0])


async def lend_exactly(tx: Tx, pool: str, address: int) -> bool:
    """Take *address*, which is one of the pool's; False if it is lent already."""
    row = await tx.fetch_one("SELECT returned FROM ec2_addresses WHERE pool = ? AND address = ?", pool, address)
    if row is None:
        await tx.execute("INSERT INTO ec2_addresses (pool, address) VALUES (?, ?)", pool, address)
    elif row[0] is None:
        return False
    else:
        await tx.execute("UPDATE ec2_addresses SET returned = NULL WHERE pool = ? AND address = ?", pool, address)
    await tx.execute("UPDATE ec2_address_pools SET lent = lent + 1 WHERE id = ?", pool)
    return True


async def give_back(tx: Tx, pool: str, address: int) -> None:
    """Return a lent address to its pool."""
    row = await tx.fetch_one(
        "SELECT first_address, last_address, upcoming, returns FROM ec2_address_pools WHERE id = ?", pool
    )
    assert row is not None, f"there is no address pool {pool}"
    first, last, upcoming, returns = row
    if first <= address < min(upcoming, last + 1):
        changed = await tx.execute(
            "UPDATE ec2_addresses SET returned = ? WHERE pool = ? AND address = ? AND returned IS NULL",
            returns,
            pool,
            address,
        )
    else:  # its turn is still to come, or it is from a range the pool had before
        changed = await tx.execute(
            "DELETE FROM ec2_addresses WHERE pool = ? AND address = ? AND returned IS NULL", pool, address
        )
    assert changed == 1, f"{address} of {pool} was given back and had not been lent"
    await tx.execute("UPDATE ec2_address_pools SET lent = lent - 1, returns = returns + 1 WHERE id = ?", pool)


async def _is_lent(tx: Tx, pool: str, address: int) -> bool:
    row = await tx.fetch_one("SELECT 1 FROM ec2_addresses WHERE pool = ? AND address = ?", pool, address)
    return row is not None


async def _count(tx: Tx, pool: str, upcoming: int, *, change: int) -> None:
    await tx.execute("UPDATE ec2_address_pools SET upcoming = ?, lent = lent + ? WHERE id = ?", upcoming, change, pool)
