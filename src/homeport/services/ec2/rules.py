"""
Security group rules as AWS splits, checks and shows them.  Pure.

A request's permission is a protocol and ports with any number of sources; each pair is a rule of its
own, with an id of its own, and Describe puts those of the same protocol and ports together again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, IPv6Network, NetmaskValueError

from homeport.aws.fields import Fields
from homeport.kit.ids import Ids
from homeport.services.ec2 import errors
from homeport.services.ec2.model import RULES_PER_GROUP, SecurityGroup, SecurityGroupRule, new_id
from homeport.services.ec2.validation import check_rule_description

ALL = "-1"
_BY_NUMBER = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_NAMES = frozenset(_BY_NUMBER.values())
_PORTED = frozenset({"tcp", "udp"})
_ICMP = frozenset({"icmp", "icmpv6"})


@dataclass(frozen=True, slots=True)
class Spec:
    """What a rule allows, before it has an id; *source* is a CIDR, a group's id, or `name:` and a group's name."""

    protocol: str
    from_port: int
    to_port: int
    source: str
    description: str = ""

    @property
    def identity(self) -> tuple[str, int, int, str]:
        return self.protocol, self.from_port, self.to_port, self.source


def split_permissions(permissions: Sequence[dict[str, object]], account: str) -> list[Spec]:
    """Return a request's IpPermissions as single rules."""
    if not permissions:
        raise errors.missing("ipPermissions")
    specs: list[Spec] = []
    for number, permission in enumerate(permissions, 1):
        with Fields(permission, f"IpPermissions.{number}") as fields:
            specs += _split(fields, account)
    if any(count > 1 for count in Counter(spec.identity for spec in specs).values()):
        raise errors.InvalidParameterValue("The same permission must not appear multiple times")
    return specs


def _split(fields: Fields, account: str) -> Iterator[Spec]:
    protocol = parse_protocol(fields.take("IpProtocol", str, ""))
    ports = check_ports(protocol, fields.take("FromPort", int, None), fields.take("ToPort", int, None))
    sources = [*_ranges(fields, "IpRanges", "CidrIp"), *_ranges(fields, "Ipv6Ranges", "CidrIpv6")]
    sources += [_pair(pair, account) for pair in fields.take_each("UserIdGroupPairs")]
    for _ in fields.take("PrefixListIds", list, []):
        raise errors.UnsupportedOperation("Homeport has no prefix lists: a rule cannot name one.")
    if not sources:
        raise errors.MissingParameter("Source group missing.")
    for source, description in sources:
        check_rule_description(description)
        yield Spec(protocol, *ports, source, description)


def _ranges(fields: Fields, name: str, member: str) -> Iterator[tuple[str, str]]:
    for item in fields.take_each(name):
        yield parse_source(item.take(member, str, "")), item.take("Description", str, "")


def _pair(pair: Fields, account: str) -> tuple[str, str]:
    owner = pair.take("UserId", str, account)
    group, name = pair.take("GroupId", str, ""), pair.take("GroupName", str, "")
    pair.ignore("VpcId", "PeeringStatus")  # clients send back what Describe showed
    if not group and not name:
        raise errors.missing("groupId")
    if owner != account:
        raise errors.not_found("InvalidGroup.NotFound", "security group", [group or name])
    return group or f"name:{name}", pair.take("Description", str, "")


def parse_protocol(text: str) -> str:
    """Return a protocol by its name where it has one, else by its number; -1 is all."""
    lowered = text.lower()
    if not text:
        raise errors.missing("ipProtocol")
    if lowered in {ALL, "all"}:
        return ALL
    if lowered in _NAMES:
        return lowered
    if not (lowered.isascii() and lowered.isdigit() and int(lowered) <= 255):
        raise errors.InvalidParameterValue(f"Invalid value '{text}' for IP protocol. Unknown protocol.")
    number = str(int(lowered))
    return _BY_NUMBER.get(number, number)


def check_ports(protocol: str, first: int | None, last: int | None) -> tuple[int, int]:
    """Return a rule's ports (ICMP: type and code), -1 and -1 where the protocol has none."""
    if protocol in _ICMP:
        return _check_icmp(protocol, first, last)
    if protocol not in _PORTED:
        return -1, -1
    if first is None or last is None:
        raise errors.InvalidParameterValue(
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."
        )
    for port in (first, last):
        if not 0 <= port <= 65535:
            raise errors.InvalidParameterValue(f"TCP/UDP port ({port}) out of range")
    if first > last:
        raise errors.InvalidParameterValue(f"Invalid value '{first}-{last}' for portRange. From port is above to port.")
    return first, last


def _check_icmp(protocol: str, kind: int | None, code: int | None) -> tuple[int, int]:
    if kind is None and code is None and protocol == "icmpv6":
        return -1, -1
    if kind is None or code is None:
        raise errors.InvalidParameterValue("Invalid value 'Must specify both type and code with ICMP.' for portRange.")
    if not -1 <= kind <= 255:
        raise errors.InvalidParameterValue(f"ICMP type ({kind}) out of range")
    if not -1 <= code <= 255:
        raise errors.InvalidParameterValue(f"ICMP code ({code}) out of range")
    if kind == -1 and code != -1:
        raise errors.InvalidParameterValue(f"ICMP code ({code}) cannot be given for all types")
    return kind, code


def parse_source(text: str) -> str:
    """Return a CIDR of either family in its usual form, host bits cleared."""
    try:
        if "/" not in text:
            raise AddressValueError
        return str(IPv6Network(text, strict=False) if ":" in text else IPv4Network(text, strict=False))
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise errors.InvalidParameterValue(f"CIDR block {text} is malformed") from error


def plan_authorize(group: SecurityGroup, egress: bool, specs: Iterable[Spec], ids: Ids) -> list[SecurityGroupRule]:
    """Return the rules that *specs* add to a group, none of which it may have already."""
    present = {rule.identity for rule in group.rules}
    added = [to_rule(group, egress, spec, ids) for spec in specs]
    for rule in added:
        if rule.identity in present:
            raise errors.InvalidParameterValue(
                f'the specified rule "{_sentence(rule)}" already exists', code="InvalidPermission.Duplicate"
            )
    after = [rule for rule in [*group.rules, *added] if rule.egress == egress]
    for family in (True, False):
        if sum(rule.is_ipv6 == family for rule in after) > RULES_PER_GROUP:
            raise errors.InvalidParameterValue(
                "The maximum number of rules per security group has been reached.",
                code="RulesPerSecurityGroupLimitExceeded",
            )
    return added


def to_rule(group: SecurityGroup, egress: bool, spec: Spec, ids: Ids) -> SecurityGroupRule:
    return SecurityGroupRule(
        new_id(ids, "sgr"),
        group.region,
        group.id,
        egress,
        spec.protocol,
        spec.from_port,
        spec.to_port,
        spec.source,
        spec.description,
    )


def plan_revoke(
    group: SecurityGroup, egress: bool, specs: Iterable[Spec]
) -> tuple[list[SecurityGroupRule], list[Spec]]:
    """Return the group's rules that *specs* mean, whatever their descriptions, and the specs that mean none."""
    present = {rule.identity: rule for rule in group.rules}
    revoked: list[SecurityGroupRule] = []
    unknown: list[Spec] = []
    for spec in specs:
        rule = present.get((egress, *spec.identity))
        if rule is None:
            unknown.append(spec)
        else:
            revoked.append(rule)
    return revoked, unknown


def together(rules: Iterable[SecurityGroupRule | Spec]) -> dict[tuple[str, int, int], list[SecurityGroupRule | Spec]]:
    """Return rules by protocol and ports, as Describe shows them."""
    grouped: dict[tuple[str, int, int], list[SecurityGroupRule | Spec]] = {}
    for rule in sorted(rules, key=lambda rule: (rule.protocol, rule.from_port, rule.to_port, rule.source)):
        grouped.setdefault((rule.protocol, rule.from_port, rule.to_port), []).append(rule)
    return grouped


def _sentence(rule: SecurityGroupRule) -> str:
    """Return a rule as the error for duplicates quotes it."""
    if rule.protocol == ALL:
        return f"peer: {rule.source}, ALL, ALLOW"
    name = rule.protocol.upper()
    if rule.protocol in _ICMP:
        return f"peer: {rule.source}, {name}, type: {rule.from_port}, code: {rule.to_port}, ALLOW"
    if rule.protocol not in _PORTED:
        return f"peer: {rule.source}, {name}, ALLOW"
    return f"peer: {rule.source}, {name}, from port: {rule.from_port}, to port: {rule.to_port}, ALLOW"
