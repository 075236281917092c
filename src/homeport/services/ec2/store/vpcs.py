"""VPCs, subnets, and the network ACLs and DHCP options that come with them."""

from collections.abc import Iterable, Sequence

from homeport.db.database import Row, Tx
from homeport.services.ec2.model import DhcpOptions, NetworkAcl, Subnet, Vpc
from homeport.services.ec2.regions import internal_domain, zone_id
from homeport.services.ec2.store import addresses, tags
from homeport.services.ec2.store.selection import Field, Kind, absent, get, get_all, marks, simply

_VPC = """id, region, cidr, cidr_association, network_acl, is_default, dns_hostnames,
    (SELECT dhcp_options FROM ec2_regions r WHERE r.name = ec2_vpcs.region)"""
_SUBNET = """id, region, vpc, cidr, zone, network_acl_association, default_for_zone, map_public_ip,
    (SELECT lent FROM ec2_address_pools p WHERE p.id = ec2_subnets.id)"""


def flag(value: object) -> str:
    """Return a boolean as filters spell it."""
    return "true" if value else "false"


def _read_vpc(row: Row) -> Vpc:
    id_, region, cidr, association, acl, is_default, hostnames, options = row
    return Vpc(id_, region, cidr, association, acl, bool(is_default), bool(hostnames), options)


def _read_subnet(row: Row) -> Subnet:
    id_, region, vpc, cidr, zone, association, default, public, lent = row
    return Subnet(id_, region, vpc, cidr, zone, association, bool(default), bool(public), lent)


async def _load_acls(tx: Tx, rows: Sequence[Row]) -> list[NetworkAcl]:
    vpcs = [row[2] for row in rows]
    subnets: dict[str, dict[str, str]] = {vpc: {} for vpc in vpcs}
    for vpc, association, subnet in await tx.fetch(
        f"SELECT vpc, network_acl_association, id FROM ec2_subnets WHERE vpc IN ({marks(vpcs)}) ORDER BY id", *vpcs
    ):
        subnets[vpc][association] = subnet
    return [NetworkAcl(id_, region, vpc, subnets[vpc]) for id_, region, vpc in rows]


_cidr: Field[Vpc] = Field(lambda v: [v.cidr])
_default: Field[Vpc] = Field(lambda v: [flag(v.is_default)])

VPCS: Kind[Vpc] = Kind(
    "ec2_vpcs",
    _VPC,
    simply(_read_vpc),
    {
        "cidr": _cidr,
        "cidr-block-association.cidr-block": _cidr,
        "cidr-block-association.association-id": Field(lambda v: [v.cidr_association]),
        "cidr-block-association.state": Field(lambda _: ["associated"]),
        "dhcp-options-id": Field(lambda v: [v.dhcp_options]),
        "is-default": _default,
        "isDefault": _default,
        "state": Field(lambda _: ["available"]),
        "vpc-id": Field(lambda v: [v.id], "id IN ({})"),
        **absent(
            "ipv6-cidr-block-association.association-id",
            "ipv6-cidr-block-association.ipv6-cidr-block",
            "ipv6-cidr-block-association.ipv6-pool",
            "ipv6-cidr-block-association.state",
        ),
    },
    "vpc",
    "vpc ID",
    "InvalidVpcID.NotFound",
)

_zone: Field[Subnet] = Field(lambda s: [s.zone])
_zone_id: Field[Subnet] = Field(lambda s: [zone_id(s.zone)])
_subnet_cidr: Field[Subnet] = Field(lambda s: [s.cidr])
_subnet_default: Field[Subnet] = Field(lambda s: [flag(s.default_for_zone)])

SUBNETS: Kind[Subnet] = Kind(
    "ec2_subnets",
    _SUBNET,
    simply(_read_subnet),
    {
        "availability-zone": _zone,
        "availabilityZone": _zone,
        "availability-zone-id": _zone_id,
        "availabilityZoneId": _zone_id,
        "available-ip-address-count": Field(lambda s: [str(s.free)]),
        "cidr-block": _subnet_cidr,
        "cidr": _subnet_cidr,
        "cidrBlock": _subnet_cidr,
        "default-for-az": _subnet_default,
        "defaultForAz": _subnet_default,
        "map-public-ip-on-launch": Field(lambda s: [flag(s.map_public_ip)]),
        "state": Field(lambda _: ["available"]),
        "subnet-id": Field(lambda s: [s.id], "id IN ({})"),
        "vpc-id": Field(lambda s: [s.vpc], "vpc IN ({})"),
        "enable-dns64": Field(lambda _: ["false"]),
        "ipv6-native": Field(lambda _: ["false"]),
        "map-customer-owned-ip-on-launch": Field(lambda _: ["false"]),
        "private-dns-name-options-on-launch.hostname-type": Field(lambda _: ["ip-name"]),
        "private-dns-name-options-on-launch.enable-resource-name-dns-a-record": Field(lambda _: ["false"]),
        "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": Field(lambda _: ["false"]),
        **absent(
            "customer-owned-ipv4-pool",
            "enable-lni-at-device-index",
            "ipv6-cidr-block-association.association-id",
            "ipv6-cidr-block-association.ipv6-cidr-block",
            "ipv6-cidr-block-association.state",
            "outpost-arn",
        ),
    },
    "subnet",
    "subnet ID",
    "InvalidSubnetID.NotFound",
)

NETWORK_ACLS: Kind[NetworkAcl] = Kind(
    "(SELECT network_acl AS id, region, id AS vpc FROM ec2_vpcs) acls",
    "id, region, vpc",
    _load_acls,
    {
        "association.association-id": Field(lambda a: a.subnets),
        "association.network-acl-id": Field(lambda a: [a.id] if a.subnets else []),
        "association.subnet-id": Field(
            lambda a: a.subnets.values(), "vpc IN (SELECT vpc FROM ec2_subnets s WHERE s.id IN ({}))"
        ),
        "default": Field(lambda _: ["true"]),
        "entry.cidr": Field(lambda _: ["0.0.0.0/0"]),
        "entry.egress": Field(lambda _: ["true", "false"]),
        "entry.protocol": Field(lambda _: ["-1"]),
        "entry.rule-action": Field(lambda _: ["allow", "deny"]),
        "entry.rule-number": Field(lambda _: ["100", "32767"]),
        "network-acl-id": Field(lambda a: [a.id], "id IN ({})"),
        "vpc-id": Field(lambda a: [a.vpc], "vpc IN ({})"),
        **absent(
            "entry.icmp.code", "entry.icmp.type", "entry.ipv6-cidr", "entry.port-range.from", "entry.port-range.to"
        ),
    },
    "acl",
    "network acl ID",
    "InvalidNetworkAclID.NotFound",
)

DHCP_OPTIONS: Kind[DhcpOptions] = Kind(
    "(SELECT dhcp_options AS id, name AS region FROM ec2_regions) options",
    "id, region",
    simply(lambda row: DhcpOptions(row[0], row[1])),
    {
        "dhcp-options-id": Field(lambda d: [d.id], "id IN ({})"),
        "key": Field(lambda _: ["domain-name", "domain-name-servers"]),
        "value": Field(lambda d: [internal_domain(d.region), "AmazonProvidedDNS"]),
    },
    "dopt",
    "dhcpOptions ID",
    "InvalidDhcpOptionID.NotFound",
)


async def get_vpc(tx: Tx, region: str, vpc: str) -> Vpc:
    """Return a VPC, or raise InvalidVpcID.NotFound."""
    return await get(tx, VPCS, region, vpc)


async def find_vpcs(tx: Tx, ids: Iterable[str]) -> list[Vpc]:
    """Return those of *ids* that exist, in any region, by id."""
    wanted = sorted(set(ids))
    rows = await tx.fetch(f"SELECT {_VPC} FROM ec2_vpcs WHERE id IN ({marks(wanted)}) ORDER BY id", *wanted)
    return [_read_vpc(row) for row in rows]


async def find_default_vpc(tx: Tx, region: str) -> Vpc | None:
    row = await tx.fetch_one(f"SELECT {_VPC} FROM ec2_vpcs WHERE region = ? AND is_default = 1", region)
    return None if row is None else _read_vpc(row)


async def get_subnets(tx: Tx, region: str, ids: Sequence[str]) -> list[Subnet]:
    """Return subnets in the order of *ids*, or raise InvalidSubnetID.NotFound."""
    return await get_all(tx, SUBNETS, region, ids)


async def default_subnets(tx: Tx, region: str) -> list[Subnet]:
    """Return the default subnet of each zone that has one, by zone."""
    rows = await tx.fetch(
        f"SELECT {_SUBNET} FROM ec2_subnets WHERE region = ? AND default_for_zone = 1 ORDER BY zone", region
    )
    return [_read_subnet(row) for row in rows]


async def subnets_of(tx: Tx, vpc: str) -> list[Subnet]:
    """Return a VPC's subnets."""
    return [_read_subnet(row) for row in await tx.fetch(f"SELECT {_SUBNET} FROM ec2_subnets WHERE vpc = ?", vpc)]


async def dhcp_options(tx: Tx, region: str) -> str:
    """Return the id of the region's DHCP options."""
    row = await tx.fetch_one("SELECT dhcp_options FROM ec2_regions WHERE name = ?", region)
    assert row is not None, f"{region} was not initialised"
    return str(row[0])


async def insert_vpc(tx: Tx, vpc: Vpc) -> None:
    await tx.execute(
        """INSERT INTO ec2_vpcs (id, region, cidr, cidr_association, network_acl, is_default, dns_hostnames)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        vpc.id,
        vpc.region,
        vpc.cidr,
        vpc.cidr_association,
        vpc.network_acl,
        int(vpc.is_default),
        int(vpc.dns_hostnames),
    )


async def set_dns_hostnames(tx: Tx, vpc: str, *, value: bool) -> None:
    await tx.execute("UPDATE ec2_vpcs SET dns_hostnames = ? WHERE id = ?", int(value), vpc)


async def delete_vpc(tx: Tx, vpc: Vpc) -> None:
    """Delete a VPC that nothing but its main route table and default security group depends on."""
    await tx.execute("DELETE FROM ec2_vpcs WHERE id = ?", vpc.id)
    await tags.forget(tx, vpc.network_acl)
    await tags.forget(tx, vpc.id)


async def insert_subnet(tx: Tx, subnet: Subnet) -> None:
    """Add a subnet, with a pool that lends its addresses."""
    await tx.execute(
        """INSERT INTO ec2_subnets
           (id, region, vpc, cidr, zone, network_acl_association, default_for_zone, map_public_ip)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        subnet.id,
        subnet.region,
        subnet.vpc,
        subnet.cidr,
        subnet.zone,
        subnet.network_acl_association,
        int(subnet.default_for_zone),
        int(subnet.map_public_ip),
    )
    await addresses.ensure_pool(tx, subnet.id, subnet.cidr)


async def set_map_public_ip(tx: Tx, subnet: str, *, value: bool) -> None:
    await tx.execute("UPDATE ec2_subnets SET map_public_ip = ? WHERE id = ?", int(value), subnet)


async def delete_subnet(tx: Tx, subnet: Subnet) -> None:
    """Delete a subnet that has no interface, and its association with a route table."""
    await tx.execute("DELETE FROM ec2_route_table_associations WHERE subnet = ?", subnet.id)
    await tx.execute("DELETE FROM ec2_subnets WHERE id = ?", subnet.id)
    await addresses.delete_pool(tx, subnet.id)
    await tags.forget(tx, subnet.id)
