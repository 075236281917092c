"""
The names of load balancers, and which aliases may stand for them.

A name has the addresses that the load balancer holds at that moment: public ones where it faces the internet, from inside
its VPC too, as on AWS.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from homeport.db.database import Tx
from homeport.services.elbv2 import targets
from homeport.services.elbv2.model.load_balancers import LoadBalancer
from homeport.services.elbv2.store import listeners, load_balancers
from homeport.services.route53.model import AliasTarget, Key, RecordSet
from homeport.wire.messages import EndpointCheck

TTL = 60
_PREFIX = "elb/"
_DUALSTACK = "dualstack."
_KINDS = frozenset({"A", "AAAA"})


def check_id(balancer: LoadBalancer) -> str:
    """Return the id under which nodes know whether a load balancer is healthy."""
    return _PREFIX + balancer.id


def is_balancer_check(check: str) -> bool:
    return check.startswith(_PREFIX)


def name_of(balancer: LoadBalancer) -> str:
    return f"{balancer.document.dns_name.lower()}."


def record_of(balancer: LoadBalancer) -> RecordSet | None:
    """Return what a load balancer's name says, None while it has no address."""
    addresses = [zone.public_address if balancer.public else zone.address for zone in balancer.live_zones]
    values = tuple(sorted(address for address in addresses if address))
    if balancer.deleted_at is not None or not values:
        return None
    return RecordSet(name=name_of(balancer), kind="A", ttl=TTL, values=values, health_check=check_id(balancer))


@dataclass(frozen=True, slots=True)
class Plan:
    """How the records of load balancers must change."""

    puts: Sequence[RecordSet] = ()
    deletes: Sequence[Key] = field(default=())


def plan(present: Iterable[RecordSet], balancers: Iterable[LoadBalancer]) -> Plan:
    """Turn the records that there are into those that there should be."""
    wanted = {record.key: record for balancer in balancers if (record := record_of(balancer)) is not None}
    known = {record.key: record for record in present if is_balancer_check(record.health_check)}
    return Plan(
        puts=[record for key, record in wanted.items() if known.get(key) != record],
        deletes=[key for key in known if key not in wanted],
    )


async def health_of(tx: Tx, balancer: LoadBalancer) -> EndpointCheck:
    """
    Say whether a load balancer is healthy as Route 53 reckons it: every group that it forwards to has a healthy target.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-alias-common.html
    """
    groups = await listeners.groups_behind(tx, balancer.arn)
    states = [await targets.states(tx, group) for group in groups]
    healthy = bool(states) and all(any(state.state == "healthy" for state in of.values()) for of in states)
    return EndpointCheck(id=check_id(balancer), decided=healthy)


async def known_targets(tx: Tx, aliases: Iterable[AliasTarget]) -> Mapping[tuple[str, str], bool]:
    """Return those of *aliases* that stand for load balancers, by zone and name."""
    found = {}
    for alias in aliases:
        name = plain_name(alias.name)
        balancer = await find_balancer(tx, name)
        if balancer is not None and balancer.hosted_zone == alias.zone:
            found[alias.zone, alias.name] = True
    return found


def is_target(known: Mapping[tuple[str, str], bool], zone: str, name: str, kind: str) -> bool:
    return kind in _KINDS and (zone, name) in known


def plain_name(name: str) -> str:
    """Return the name that a load balancer has, without the word that AWS's console puts before it."""
    return name.removeprefix(_DUALSTACK)


async def find_balancer(tx: Tx, name: str) -> LoadBalancer | None:
    """Find the load balancer with a name NAME-DIGITS.elb.REGION.homeport.internal. (canonical)."""
    host, _, rest = name.partition(".")
    parts = rest.split(".")
    if len(parts) < 2 or parts[0] != "elb":
        return None
    stem = host.rpartition("-")[0]
    for candidate in (stem, stem.removeprefix("internal-")):
        found = await load_balancers.find_by_name(tx, parts[1], candidate)
        if found is not None and name_of(found) == name:
            return found
    return None
