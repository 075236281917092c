"""What an account finds in every region, and what every VPC is born with."""

from dataclasses import replace
from ipaddress import IPv4Network

from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.ec2.model import (
    PUBLIC_POOL,
    PUBLIC_POOL_CIDR,
    Association,
    InternetGateway,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
    new_id,
)
from homeport.services.ec2.regions import REGIONS, zones
from homeport.services.ec2.store import addresses, routes, security_groups, vpcs

DEFAULT_CIDR = "172.31.0.0/16"
DEFAULT_SUBNET_PREFIX = 20


async def initialise(tx: Tx, *, ids: Ids, public_pool: str = PUBLIC_POOL_CIDR) -> None:
    """
    Make what must exist before the first call: every region's default VPC, and the public address pool.

    To be called at every start.  All regions at once, because a Describe call only reads.
    """
    await addresses.ensure_pool(tx, PUBLIC_POOL, public_pool)
    for region in REGIONS:
        await ensure_default_vpc(tx, region, ids)


async def ensure_default_vpc(tx: Tx, region: str, ids: Ids) -> None:
    """Give the region its default VPC, once: one that its user deleted stays deleted."""
    if await tx.fetch_one("SELECT 1 FROM ec2_regions WHERE name = ?", region) is None:
        await tx.execute("INSERT INTO ec2_regions (name, dhcp_options) VALUES (?, ?)", region, new_id(ids, "dopt"))
        await create_default_vpc(tx, region, ids)


async def create_default_vpc(tx: Tx, region: str, ids: Ids) -> Vpc:
    """Make a default VPC: a public subnet in each zone, routed to an internet gateway."""
    vpc = await create_vpc(tx, _new_vpc(region, DEFAULT_CIDR, ids, is_default=True), ids)
    gateway = InternetGateway(new_id(ids, "igw"), region, vpc.id)
    await routes.insert_gateway(tx, gateway)
    main = await routes.main_table(tx, vpc.id)
    await routes.put_route(tx, main.id, Route("0.0.0.0/0", gateway.id, active=True))
    for zone, cidr in zip(zones(region), IPv4Network(vpc.cidr).subnets(new_prefix=DEFAULT_SUBNET_PREFIX), strict=False):
        await vpcs.insert_subnet(tx, default_subnet(vpc, zone.name, str(cidr), ids))
    return vpc


def default_subnet(vpc: Vpc, zone: str, cidr: str, ids: Ids) -> Subnet:
    """Return a new default subnet of *zone*."""
    return replace(new_subnet(vpc, zone, cidr, ids), default_for_zone=True, map_public_ip=True)


def new_subnet(vpc: Vpc, zone: str, cidr: str, ids: Ids) -> Subnet:
    return Subnet(new_id(ids, "subnet"), vpc.region, vpc.id, cidr, zone, new_id(ids, "aclassoc"))


def _new_vpc(region: str, cidr: str, ids: Ids, *, is_default: bool) -> Vpc:
    return Vpc(
        id=new_id(ids, "vpc"),
        region=region,
        cidr=cidr,
        cidr_association=new_id(ids, "vpc-cidr-assoc"),
        network_acl=new_id(ids, "acl"),
        is_default=is_default,
        dns_hostnames=is_default,
    )


def new_vpc(region: str, cidr: str, ids: Ids) -> Vpc:
    return _new_vpc(region, cidr, ids, is_default=False)


async def create_vpc(tx: Tx, vpc: Vpc, ids: Ids) -> Vpc:
    """Store *vpc* with what every VPC is born with: a main route table and a default security group."""
    await vpcs.insert_vpc(tx, vpc)
    table = new_id(ids, "rtb")
    main = Association(new_id(ids, "rtbassoc"), table)
    await routes.insert_table(tx, RouteTable(table, vpc.region, vpc.id, vpc.cidr, associations=(main,)))
    group = SecurityGroup(new_id(ids, "sg"), vpc.region, vpc.id, "default", "default VPC security group")
    inside = SecurityGroupRule(
        new_id(ids, "sgr"), vpc.region, group.id, egress=False, protocol="-1", from_port=-1, to_port=-1, source=group.id
    )
    await security_groups.insert_group(tx, replace(group, rules=(inside, allow_all_egress(group, ids))))
    return await vpcs.get_vpc(tx, vpc.region, vpc.id)


def allow_all_egress(group: SecurityGroup, ids: Ids) -> SecurityGroupRule:
    """Return the rule that every group is born with."""
    return SecurityGroupRule(
        new_id(ids, "sgr"),
        group.region,
        group.id,
        egress=True,
        protocol="-1",
        from_port=-1,
        to_port=-1,
        source="0.0.0.0/0",
    )
