"""Rows of listeners, of their rules, and of which target groups these forward to."""

from collections.abc import Sequence

import msgspec

from homeport.db.database import Row, Tx, Value
from homeport.services.elbv2.model.load_balancers import (
    DEFAULT_PRIORITY,
    Listener,
    ListenerDocument,
    Rule,
    RuleDocument,
)
from homeport.services.elbv2.store import tags

_LISTENER = "arn, load_balancer, port, document"
_RULE = "arn, listener, load_balancer, priority, document"
_encode = msgspec.json.Encoder().encode
_decode_listener = msgspec.json.Decoder(ListenerDocument).decode
_decode_rule = msgspec.json.Decoder(RuleDocument).decode


def _read_listener(row: Row) -> Listener:
    arn, balancer, port, document = row
    return Listener(arn, balancer, port, _decode_listener(document))


def _read_rule(row: Row) -> Rule:
    arn, listener, balancer, priority, document = row
    return Rule(arn, listener, balancer, priority, _decode_rule(document))


# --- Listeners


async def put_listener(tx: Tx, listener: Listener) -> None:
    """Write a listener as it is given, whether or not there was one."""
    await tx.execute(
        f"""INSERT INTO elbv2_listeners ({_LISTENER}) VALUES (?, ?, ?, ?)
            ON CONFLICT (arn) DO UPDATE SET port = excluded.port, document = excluded.document""",
        *(listener.arn, listener.load_balancer, listener.port, _encode(listener.document).decode()),
    )


async def find_listener(tx: Tx, arn: str) -> Listener | None:
    row = await tx.fetch_one(f"SELECT {_LISTENER} FROM elbv2_listeners WHERE arn = ?", arn)
    return None if row is None else _read_listener(row)


async def find_on_port(tx: Tx, load_balancer: str, port: int) -> Listener | None:
    row = await tx.fetch_one(
        f"SELECT {_LISTENER} FROM elbv2_listeners WHERE load_balancer = ? AND port = ?", load_balancer, port
    )
    return None if row is None else _read_listener(row)


async def listeners_of(tx: Tx, load_balancer: str) -> list[Listener]:
    """Return a load balancer's listeners by port; they are few."""
    rows = await tx.fetch(
        f"SELECT {_LISTENER} FROM elbv2_listeners WHERE load_balancer = ? ORDER BY port", load_balancer
    )
    return [_read_listener(row) for row in rows]


async def delete_listener(tx: Tx, listener: Listener) -> set[str]:
    """Delete a listener with its rules; returns the target groups that they forwarded to."""
    groups: set[str] = set()
    for rule in await rules_of(tx, listener.arn):
        groups |= set(rule.target_groups)
        await delete_rule(tx, rule)
    await tx.execute("DELETE FROM elbv2_listeners WHERE arn = ?", listener.arn)
    await tags.forget(tx, listener.arn)
    return groups


# --- Rules


async def put_rule(tx: Tx, rule: Rule) -> None:
    """Write a rule as it is given, whether or not there was one."""
    await tx.execute(
        f"""INSERT INTO elbv2_rules ({_RULE}) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (arn) DO UPDATE SET priority = excluded.priority, document = excluded.document""",
        *(rule.arn, rule.listener, rule.load_balancer, rule.priority, _encode(rule.document).decode()),
    )
    await tx.execute("DELETE FROM elbv2_forwards WHERE rule = ?", rule.arn)
    for group in rule.target_groups:
        await tx.execute(
            "INSERT INTO elbv2_forwards (rule, target_group, load_balancer) VALUES (?, ?, ?)",
            *(rule.arn, group, rule.load_balancer),
        )


async def find_rule(tx: Tx, arn: str) -> Rule | None:
    row = await tx.fetch_one(f"SELECT {_RULE} FROM elbv2_rules WHERE arn = ?", arn)
    return None if row is None else _read_rule(row)


async def find_with_priority(tx: Tx, listener: str, priority: int) -> Rule | None:
    row = await tx.fetch_one(f"SELECT {_RULE} FROM elbv2_rules WHERE listener = ? AND priority = ?", listener, priority)
    return None if row is None else _read_rule(row)


async def default_rule(tx: Tx, listener: str) -> Rule:
    """Return the rule that every listener has."""
    rule = await find_with_priority(tx, listener, DEFAULT_PRIORITY)
    assert rule is not None, f"{listener} has no default rule"
    return rule


async def rules_of(tx: Tx, listener: str) -> list[Rule]:
    """Return a listener's rules by priority, the default rule last."""
    rows = await tx.fetch(f"SELECT {_RULE} FROM elbv2_rules WHERE listener = ? ORDER BY priority", listener)
    return [_read_rule(row) for row in rows]


async def rules_page(tx: Tx, listener: str, *, condition: str, values: Sequence[Value], limit: int) -> list[Rule]:
    """Return a listener's rules by priority; *condition* is where a page starts."""
    rows = await tx.fetch(
        f"SELECT {_RULE} FROM elbv2_rules WHERE listener = ?{condition} ORDER BY priority LIMIT ?",
        *(listener, *values, limit),
    )
    return [_read_rule(row) for row in rows]


async def count_rules(tx: Tx, load_balancer: str) -> int:
    """Return how many rules a load balancer has beside the default ones."""
    row = await tx.fetch_one(
        "SELECT COUNT(*) FROM elbv2_rules WHERE load_balancer = ? AND priority < ?", load_balancer, DEFAULT_PRIORITY
    )
    assert row is not None, "a count is always one row"
    return int(row[0])


async def vacate_priorities(tx: Tx, rules: Sequence[Rule]) -> None:
    """Move rules out of the way before they are written with other priorities, which may be one another's."""
    for position, rule in enumerate(rules):
        await tx.execute("UPDATE elbv2_rules SET priority = ? WHERE arn = ?", -1 - position, rule.arn)


async def delete_rule(tx: Tx, rule: Rule) -> None:
    await tx.execute("DELETE FROM elbv2_forwards WHERE rule = ?", rule.arn)
    await tx.execute("DELETE FROM elbv2_rules WHERE arn = ?", rule.arn)
    await tags.forget(tx, rule.arn)


# --- Who forwards to whom


async def balancers_of(tx: Tx, group: str) -> list[str]:
    """Return the ARNs of the load balancers that forward to a target group: one, or none."""
    rows = await tx.fetch(
        "SELECT DISTINCT load_balancer FROM elbv2_forwards WHERE target_group = ? ORDER BY load_balancer", group
    )
    return [row[0] for row in rows]


async def groups_behind(tx: Tx, load_balancer: str) -> list[str]:
    """Return the ARNs of the target groups that a load balancer forwards to."""
    rows = await tx.fetch(
        "SELECT DISTINCT target_group FROM elbv2_forwards WHERE load_balancer = ? ORDER BY target_group", load_balancer
    )
    return [row[0] for row in rows]
