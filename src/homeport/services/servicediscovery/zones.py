"""The hosted zones of DNS namespaces: made, changed and deleted with them."""

from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.ec2.store import vpcs
from homeport.services.route53 import errors as route53_errors
from homeport.services.route53 import keeping
from homeport.services.route53.model import HostedZone, Owner
from homeport.services.route53.names import BadName, canonical_name
from homeport.services.route53.store import zones
from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.model import DNS_PRIVATE, Namespace

_PRINCIPAL = "servicediscovery.amazonaws.com"


def domain_of(name: str) -> str:
    """Return the domain of a namespace called *name*, or raise InvalidInput if it cannot be one."""
    try:
        domain = canonical_name(name)
    except BadName as problem:
        raise InvalidInput(str(problem)) from None
    if domain == ".":
        raise InvalidInput("The root of all names cannot be a namespace.")
    return domain


async def impediment(tx: Tx, region: str, domain: str, vpc: str) -> str:
    """Return why Route 53 would refuse a private zone of that name for the VPC, or nothing."""
    found = await vpcs.find_vpcs(tx, [vpc])
    if not found or found[0].region != region:
        return route53_errors.vpc_invalid(vpc, region).message
    present = await zones.find_association(tx, vpc, domain)
    return "" if present is None else route53_errors.domain_conflicts(vpc, region, present.zone).message


async def create(tx: Tx, region: str, namespace: Namespace, arn: str, *, ids: Ids) -> None:
    """Make the zone of *namespace*, whose document names it already; nothing stands in its way (`impediment`)."""
    document = namespace.document
    zone = HostedZone(
        id=document.hosted_zone,
        name=domain_of(namespace.name),
        caller_reference=namespace.id,
        private=document.type == DNS_PRIVATE,
        created=document.created,
        comment=document.description or None,
        owner=Owner(_PRINCIPAL, "AWS Cloud Map", arn, f"Created by AWS Cloud Map namespace with ARN {arn}"),
    )
    change = await keeping.start_change(tx, ids, document.created)
    places = [(document.vpc, region)] if zone.private else []
    assert document.soa_ttl is not None, "a DNS namespace has one"
    await keeping.create_zone(tx, zone, places, change, soa_ttl=document.soa_ttl)


async def set_soa_ttl(tx: Tx, namespace: Namespace, ttl: int, *, ids: Ids, now: float) -> None:
    zone = await keeping.get_zone(tx, namespace.document.hosted_zone)
    await keeping.set_soa_ttl(tx, zone, ttl, await keeping.start_change(tx, ids, now))


async def delete(tx: Tx, namespace: Namespace, *, ids: Ids, now: float) -> None:
    zone = await keeping.get_zone(tx, namespace.document.hosted_zone)
    await keeping.delete_zone(tx, zone, await keeping.start_change(tx, ids, now))
