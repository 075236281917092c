"""Security groups and their rules."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from homeport.db.database import Row, Tx
from homeport.services.ec2.model import SecurityGroup, SecurityGroupRule
from homeport.services.ec2.store import tags
from homeport.services.ec2.store.selection import Field, Kind, absent, get_all, marks, simply
from homeport.services.ec2.store.vpcs import flag

_GROUP = "id, region, vpc, name, description"
_RULE = "id, region, group_id, egress, protocol, from_port, to_port, source, description"


def _read_rule(row: Row) -> SecurityGroupRule:
    id_, region, group, egress, protocol, from_port, to_port, source, description = row
    return SecurityGroupRule(id_, region, group, bool(egress), protocol, from_port, to_port, source, description)


async def _load_groups(tx: Tx, rows: Sequence[Row]) -> list[SecurityGroup]:
    rules: dict[str, list[SecurityGroupRule]] = {row[0]: [] for row in rows}
    for row in await tx.fetch(
        f"SELECT {_RULE} FROM ec2_security_group_rules WHERE group_id IN ({marks(rules)}) ORDER BY id", *rules
    ):
        rules[row[2]].append(_read_rule(row))
    return [
        SecurityGroup(id_, region, vpc, name, description, tuple(rules[id_]))
        for id_, region, vpc, name, description in rows
    ]


def _permission_fields() -> Mapping[str, Field[SecurityGroup]]:
    """Return the filters on a group's rules, ingress as ip-permission.x and egress as egress.ip-permission.x."""
    values: Mapping[str, Callable[[SecurityGroupRule], Iterable[str]]] = {
        "cidr": lambda r: [] if r.references_group or r.is_ipv6 else [r.source],
        "ipv6-cidr": lambda r: [r.source] if r.is_ipv6 else [],
        "group-id": lambda r: [r.source] if r.references_group else [],
        "from-port": lambda r: [] if r.protocol == "-1" else [str(r.from_port)],
        "to-port": lambda r: [] if r.protocol == "-1" else [str(r.to_port)],
        "protocol": lambda r: [r.protocol],
    }
    return {
        f"{prefix}ip-permission.{name}": _of_rules(value, egress=egress)
        for name, value in values.items()
        for prefix, egress in (("", False), ("egress.", True))
    }


def _of_rules(value: Callable[[SecurityGroupRule], Iterable[str]], *, egress: bool) -> Field[SecurityGroup]:
    return Field(lambda group: [v for rule in group.rules if rule.egress == egress for v in value(rule)])


GROUPS: Kind[SecurityGroup] = Kind(
    "ec2_security_groups",
    _GROUP,
    _load_groups,
    {
        "description": Field(lambda g: [g.description]),
        "group-id": Field(lambda g: [g.id], "id IN ({})"),
        "group-name": Field(lambda g: [g.name]),
        "vpc-id": Field(lambda g: [g.vpc], "vpc IN ({})"),
        **_permission_fields(),
        **absent("ip-permission.prefix-list-id", "egress.ip-permission.prefix-list-id"),
    },
    "sg",
    "security group",
    "InvalidGroup.NotFound",
    "InvalidGroupId.Malformed",
)

RULES: Kind[SecurityGroupRule] = Kind(
    "ec2_security_group_rules",
    _RULE,
    simply(_read_rule),
    {
        "group-id": Field(lambda r: [r.group], "group_id IN ({})"),
        "security-group-rule-id": Field(lambda r: [r.id], "id IN ({})"),
        "is-egress": Field(lambda r: [flag(r.egress)]),
    },
    "sgr",
    "security group rule ID",
    "InvalidSecurityGroupRuleId.NotFound",
    "InvalidSecurityGroupRuleId.Malformed",
)


async def get_security_groups(tx: Tx, region: str, ids: Sequence[str]) -> list[SecurityGroup]:
    """Return groups with their rules in the order of *ids*, or raise InvalidGroup.NotFound."""
    return await get_all(tx, GROUPS, region, ids)


async def find_security_groups(tx: Tx, ids: Iterable[str]) -> list[SecurityGroup]:
    """Return those of *ids* that exist, in any region, by id."""
    wanted = sorted(set(ids))
    rows = await tx.fetch(
        f"SELECT {_GROUP} FROM ec2_security_groups WHERE id IN ({marks(wanted)}) ORDER BY id", *wanted
    )
    return await _load_groups(tx, rows)


async def find_by_name(tx: Tx, vpc: str, name: str) -> SecurityGroup | None:
    rows = await tx.fetch(f"SELECT {_GROUP} FROM ec2_security_groups WHERE vpc = ? AND name = ?", vpc, name)
    groups = await _load_groups(tx, rows)
    return groups[0] if groups else None


async def default_security_group(tx: Tx, vpc: str) -> SecurityGroup:
    """Return the group that a VPC is born with and cannot lose."""
    group = await find_by_name(tx, vpc, "default")
    assert group is not None, f"{vpc} has no default security group"
    return group


async def has_security_groups(tx: Tx, vpc: str) -> bool:
    """Say whether the VPC has groups beside its default one."""
    row = await tx.fetch_one("SELECT 1 FROM ec2_security_groups WHERE vpc = ? AND name <> 'default'", vpc)
    return row is not None


async def is_used(tx: Tx, group: str) -> bool:
    """Say whether an interface or another group's rule needs the group."""
    return (
        await tx.fetch_one("SELECT 1 FROM ec2_interface_groups WHERE group_id = ?", group) is not None
        or await tx.fetch_one("SELECT 1 FROM ec2_security_group_rules WHERE source = ? AND group_id <> ?", group, group)
        is not None
    )


async def insert_group(tx: Tx, group: SecurityGroup) -> None:
    """Add a group with its rules."""
    await tx.execute(
        f"INSERT INTO ec2_security_groups ({_GROUP}) VALUES (?, ?, ?, ?, ?)",
        group.id,
        group.region,
        group.vpc,
        group.name,
        group.description,
    )
    for rule in group.rules:
        await insert_rule(tx, rule)


async def delete_group(tx: Tx, group: SecurityGroup) -> None:
    """Delete a group that nothing uses, with its rules."""
    for rule in group.rules:
        await delete_rule(tx, rule)
    await tx.execute("DELETE FROM ec2_security_groups WHERE id = ?", group.id)
    await tags.forget(tx, group.id)


async def insert_rule(tx: Tx, rule: SecurityGroupRule) -> None:
    await tx.execute(
        f"INSERT INTO ec2_security_group_rules ({_RULE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rule.id,
        rule.region,
        rule.group,
        int(rule.egress),
        rule.protocol,
        rule.from_port,
        rule.to_port,
        rule.source,
        rule.description,
    )


async def replace_rules(tx: Tx, rules: Sequence[SecurityGroupRule]) -> None:
    """Give the rules with these ids other meanings; two of them may trade theirs."""
    for rule in rules:
        await tx.execute("DELETE FROM ec2_security_group_rules WHERE id = ?", rule.id)
    for rule in rules:
        await insert_rule(tx, rule)


async def delete_rule(tx: Tx, rule: SecurityGroupRule) -> None:
    await tx.execute("DELETE FROM ec2_security_group_rules WHERE id = ?", rule.id)
    await tags.forget(tx, rule.id)
