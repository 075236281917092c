"""Internet gateways and route tables."""

from collections.abc import Sequence

from homeport.db.database import Row, Tx
from homeport.services.ec2.model import Association, InternetGateway, Route, RouteTable
from homeport.services.ec2.store import tags
from homeport.services.ec2.store.selection import Field, Kind, absent, marks, simply
from homeport.services.ec2.store.vpcs import flag

_GATEWAY = "id, region, vpc"
_TABLE = "id, region, vpc, (SELECT cidr FROM ec2_vpcs v WHERE v.id = ec2_route_tables.vpc)"


def _read_gateway(row: Row) -> InternetGateway:
    return InternetGateway(row[0], row[1], row[2] or "")


async def _load_tables(tx: Tx, rows: Sequence[Row]) -> list[RouteTable]:
    routes: dict[str, list[Route]] = {row[0]: [] for row in rows}
    associations: dict[str, list[Association]] = {row[0]: [] for row in rows}
    for table, destination, gateway, active in await tx.fetch(
        f"""SELECT r.route_table, r.destination, r.gateway, COALESCE(g.vpc = t.vpc, FALSE)
            FROM ec2_routes r JOIN ec2_route_tables t ON t.id = r.route_table
            LEFT JOIN ec2_internet_gateways g ON g.id = r.gateway
            WHERE r.route_table IN ({marks(routes)}) ORDER BY r.destination""",
        *routes,
    ):
        routes[table].append(Route(destination, gateway, bool(active)))
    for id_, table, subnet in await tx.fetch(
        f"""SELECT id, route_table, subnet FROM ec2_route_table_associations
            WHERE route_table IN ({marks(routes)}) ORDER BY id""",
        *routes,
    ):
        associations[table].append(Association(id_, table, subnet or ""))
    return [
        RouteTable(id_, region, vpc, cidr, tuple(routes[id_]), tuple(associations[id_]))
        for id_, region, vpc, cidr in rows
    ]


GATEWAYS: Kind[InternetGateway] = Kind(
    "ec2_internet_gateways",
    _GATEWAY,
    simply(_read_gateway),
    {
        "attachment.state": Field(lambda g: ["available"] if g.vpc else []),
        "attachment.vpc-id": Field(lambda g: [g.vpc] if g.vpc else [], "vpc IN ({})"),
        "internet-gateway-id": Field(lambda g: [g.id], "id IN ({})"),
    },
    "igw",
    "internetGateway ID",
    "InvalidInternetGatewayID.NotFound",
    "InvalidInternetGatewayId.Malformed",
)

TABLES: Kind[RouteTable] = Kind(
    "ec2_route_tables",
    _TABLE,
    _load_tables,
    {
        "association.main": Field(lambda t: [flag(not a.subnet) for a in t.associations]),
        "association.route-table-association-id": Field(
            lambda t: [a.id for a in t.associations],
            "id IN (SELECT route_table FROM ec2_route_table_associations a WHERE a.id IN ({}))",
        ),
        "association.route-table-id": Field(lambda t: [t.id] if t.associations else [], "id IN ({})"),
        "association.subnet-id": Field(
            lambda t: [a.subnet for a in t.associations if a.subnet],
            "id IN (SELECT route_table FROM ec2_route_table_associations a WHERE a.subnet IN ({}))",
        ),
        "route-table-id": Field(lambda t: [t.id], "id IN ({})"),
        "route.destination-cidr-block": Field(lambda t: [t.vpc_cidr, *(r.destination for r in t.routes)]),
        "route.gateway-id": Field(lambda t: ["local", *(r.gateway for r in t.routes)]),
        "route.origin": Field(lambda t: ["CreateRouteTable", *("CreateRoute" for _ in t.routes)]),
        "route.state": Field(lambda t: ["active", *("active" if r.active else "blackhole" for r in t.routes)]),
        "vpc-id": Field(lambda t: [t.vpc], "vpc IN ({})"),
        **absent(
            "association.gateway-id",
            "route.destination-ipv6-cidr-block",
            "route.destination-prefix-list-id",
            "route.egress-only-internet-gateway-id",
            "route.instance-id",
            "route.nat-gateway-id",
            "route.transit-gateway-id",
            "route.vpc-peering-connection-id",
        ),
    },
    "rtb",
    "routeTable ID",
    "InvalidRouteTableID.NotFound",
    "InvalidRouteTableId.Malformed",
)


async def insert_gateway(tx: Tx, gateway: InternetGateway) -> None:
    await tx.execute(
        f"INSERT INTO ec2_internet_gateways ({_GATEWAY}) VALUES (?, ?, ?)",
        gateway.id,
        gateway.region,
        gateway.vpc or None,
    )


async def attach_gateway(tx: Tx, gateway: str, vpc: str | None) -> None:
    """Attach a gateway to a VPC, or to none."""
    await tx.execute("UPDATE ec2_internet_gateways SET vpc = ? WHERE id = ?", vpc, gateway)


async def find_gateway_of(tx: Tx, vpc: str) -> InternetGateway | None:
    """Return the gateway attached to a VPC."""
    row = await tx.fetch_one(f"SELECT {_GATEWAY} FROM ec2_internet_gateways WHERE vpc = ?", vpc)
    return None if row is None else _read_gateway(row)


async def has_internet_gateway(tx: Tx, vpc: str) -> bool:
    """Say whether the internet can reach the VPC at all."""
    return await find_gateway_of(tx, vpc) is not None


async def delete_gateway(tx: Tx, gateway: str) -> None:
    """Delete a detached gateway; routes that name it stay, as black holes."""
    await tx.execute("DELETE FROM ec2_internet_gateways WHERE id = ?", gateway)
    await tags.forget(tx, gateway)


async def insert_table(tx: Tx, table: RouteTable) -> None:
    """Add a route table with its routes and associations."""
    await tx.execute(
        "INSERT INTO ec2_route_tables (id, region, vpc) VALUES (?, ?, ?)", table.id, table.region, table.vpc
    )
    for route in table.routes:
        await put_route(tx, table.id, route)
    for association in table.associations:
        await put_association(tx, table.vpc, association)


async def delete_table(tx: Tx, table: RouteTable) -> None:
    """Delete a table with its routes and associations."""
    await tx.execute("DELETE FROM ec2_routes WHERE route_table = ?", table.id)
    await tx.execute("DELETE FROM ec2_route_table_associations WHERE route_table = ?", table.id)
    await tx.execute("DELETE FROM ec2_route_tables WHERE id = ?", table.id)
    await tags.forget(tx, table.id)


async def put_route(tx: Tx, table: str, route: Route) -> None:
    """Add a route, or give its destination another gateway."""
    await tx.execute(
        """INSERT INTO ec2_routes (route_table, destination, gateway) VALUES (?, ?, ?)
           ON CONFLICT (route_table, destination) DO UPDATE SET gateway = excluded.gateway""",
        table,
        route.destination,
        route.gateway,
    )


async def delete_route(tx: Tx, table: str, destination: str) -> None:
    await tx.execute("DELETE FROM ec2_routes WHERE route_table = ? AND destination = ?", table, destination)


async def put_association(tx: Tx, vpc: str, association: Association) -> None:
    await tx.execute(
        "INSERT INTO ec2_route_table_associations (id, vpc, route_table, subnet) VALUES (?, ?, ?, ?)",
        association.id,
        vpc,
        association.route_table,
        association.subnet or None,
    )


async def delete_association(tx: Tx, association: str) -> None:
    await tx.execute("DELETE FROM ec2_route_table_associations WHERE id = ?", association)


async def find_association(tx: Tx, region: str, association: str) -> Association | None:
    row = await tx.fetch_one(
        """SELECT a.id, a.route_table, a.subnet FROM ec2_route_table_associations a
           JOIN ec2_route_tables t ON t.id = a.route_table WHERE a.id = ? AND t.region = ?""",
        association,
        region,
    )
    return None if row is None else Association(row[0], row[1], row[2] or "")


async def find_association_of(tx: Tx, subnet: str) -> Association | None:
    """Return the association of a subnet that has one of its own."""
    row = await tx.fetch_one(
        "SELECT id, route_table, subnet FROM ec2_route_table_associations WHERE subnet = ?", subnet
    )
    return None if row is None else Association(*row)


async def main_table(tx: Tx, vpc: str) -> RouteTable:
    """Return the table of all the VPC's subnets that have none of their own."""
    rows = await tx.fetch(
        f"""SELECT {_TABLE} FROM ec2_route_tables WHERE id =
            (SELECT route_table FROM ec2_route_table_associations WHERE vpc = ? AND subnet IS NULL)""",
        vpc,
    )
    tables = await _load_tables(tx, rows)
    assert tables, f"{vpc} has no main route table"
    return tables[0]


async def has_other_tables(tx: Tx, vpc: str) -> bool:
    """Say whether the VPC has route tables beside its main one."""
    rows = await tx.fetch("SELECT id FROM ec2_route_tables WHERE vpc = ? LIMIT 2", vpc)
    return len(rows) > 1


async def leads_to_internet(tx: Tx, vpc: str, subnet: str) -> bool:
    """Say whether the subnet's route table sends the rest of the world to the VPC's attached gateway."""
    row = await tx.fetch_one(
        """SELECT 1 FROM ec2_routes r JOIN ec2_internet_gateways g ON g.id = r.gateway AND g.vpc = ?
           WHERE r.destination = '0.0.0.0/0' AND r.route_table = COALESCE(
               (SELECT route_table FROM ec2_route_table_associations WHERE subnet = ?),
               (SELECT route_table FROM ec2_route_table_associations WHERE vpc = ? AND subnet IS NULL))""",
        vpc,
        subnet,
        vpc,
    )
    return row is not None
