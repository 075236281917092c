"""Route tables, routes and associations."""

import pytest

from .conftest import only, refused


@pytest.fixture
def table(ec2, vpc):
    return ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]


@pytest.fixture
def gateway(ec2, vpc):
    made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
    return made


def routes_of(ec2, table):
    (shown,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    return [(r["DestinationCidrBlock"], r["GatewayId"], r["State"]) for r in shown["Routes"]]


def test_table_is_born_with_the_local_route(ec2, table, vpc, api):
    (shown,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    local = {
        "DestinationCidrBlock": "10.0.0.0/16",
        "GatewayId": "local",
        "Origin": "CreateRouteTable",
        "State": "active",
    }
    assert shown == {
        "RouteTableId": table,
        "VpcId": vpc,
        "OwnerId": api.account,
        "Routes": [local],
        "Associations": [],
        "PropagatingVgws": [],
        "Tags": [],
    }


def test_same_token_makes_one_table(ec2, vpc):
    first, again = (ec2.create_route_table(VpcId=vpc, ClientToken="once")["RouteTable"] for _ in range(2))
    assert first == again


def test_route_to_the_gateway(ec2, table, gateway, api):
    assert ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)["Return"]
    assert api.wakes[-1] == "ec2.network"
    assert ("0.0.0.0/0", gateway, "active") in routes_of(ec2, table)
    with refused("RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists."):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    assert [destination for destination, _, _ in routes_of(ec2, table)] == ["10.0.0.0/16"]
    with refused("InvalidRoute.NotFound", f"no route with destination-cidr-block 0.0.0.0/0 in route table {table}"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")


def test_route_is_a_black_hole_without_its_gateway(ec2, vpc, table, gateway):
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert ("0.0.0.0/0", gateway, "blackhole") in routes_of(ec2, table)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    assert ("0.0.0.0/0", gateway, "blackhole") in routes_of(ec2, table)
    assert ec2.describe_route_tables(Filters=only("route.state", "blackhole"))["RouteTables"]


def test_route_can_be_replaced(ec2, table, gateway):
    with refused("InvalidParameterValue") as refusal:
        ec2.replace_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", GatewayId=gateway)
    assert "Use CreateRoute instead." in refusal.message
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", GatewayId=gateway)
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="192.0.2.0/24", GatewayId=gateway)
    assert ("192.0.2.0/24", gateway, "active") in routes_of(ec2, table)


def test_routes_that_are_refused(ec2, table, gateway, default_vpc):
    with refused("UnsupportedOperation"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId="nat-1")
    with refused("UnsupportedOperation"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId="vgw-1")
    with refused("UnsupportedOperation"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.0.1.0/24", GatewayId=gateway)
    with refused("RouteAlreadyExists"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/16", GatewayId=gateway)
    with refused("InvalidParameterValue"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="everywhere", GatewayId=gateway)
    with refused("MissingParameter"):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    with refused("InvalidParameterValue", f"cannot remove local route 10.0.0.0/16 in route table {table}"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/16")
    (other,) = ec2.describe_internet_gateways(Filters=only("attachment.vpc-id", default_vpc))["InternetGateways"]
    with refused("InvalidParameterValue") as refusal:
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=other["InternetGatewayId"])
    assert "belong to different networks" in refusal.message


def test_association_with_a_subnet(ec2, vpc, subnet, table):
    made = ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    assert made["AssociationState"] == {"State": "associated"}
    assert ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"] == made["AssociationId"]
    (shown,) = ec2.describe_route_tables(Filters=only("association.subnet-id", subnet))["RouteTables"]
    assert shown["Associations"] == [
        {
            "RouteTableAssociationId": made["AssociationId"],
            "RouteTableId": table,
            "SubnetId": subnet,
            "Main": False,
            "AssociationState": {"State": "associated"},
        }
    ]
    with refused("DependencyViolation", f"The routeTable '{table}' has dependencies and cannot be deleted."):
        ec2.delete_route_table(RouteTableId=table)
    other = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    with refused("Resource.AlreadyAssociated"):
        ec2.associate_route_table(RouteTableId=other, SubnetId=subnet)
    moved = ec2.replace_route_table_association(AssociationId=made["AssociationId"], RouteTableId=other)
    ec2.delete_route_table(RouteTableId=table)
    ec2.disassociate_route_table(AssociationId=moved["NewAssociationId"])
    ec2.delete_route_table(RouteTableId=other)


def test_association_ends_with_its_subnet(ec2, subnet, table):
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.delete_subnet(SubnetId=subnet)
    assert ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Associations"] == []


def test_main_table_can_be_replaced_but_not_left_out(ec2, vpc, table):
    filters = [*only("vpc-id", vpc), *only("association.main", "true")]
    (main,) = ec2.describe_route_tables(Filters=filters)["RouteTables"]
    association = main["Associations"][0]["RouteTableAssociationId"]
    with refused("InvalidParameterValue", f"cannot disassociate the main route table association {association}"):
        ec2.disassociate_route_table(AssociationId=association)
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=main["RouteTableId"])
    ec2.replace_route_table_association(AssociationId=association, RouteTableId=table)
    assert ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"] == table
    ec2.delete_route_table(RouteTableId=main["RouteTableId"])


def test_unknown_things(ec2, subnet, table, default_vpc):
    with refused("InvalidRouteTableID.NotFound", "The routeTable ID 'rtb-0123456789abcdef0' does not exist"):
        ec2.delete_route_table(RouteTableId="rtb-0123456789abcdef0")
    with refused("InvalidRouteTableId.Malformed"):
        ec2.describe_route_tables(RouteTableIds=["table"])
    with refused("InvalidAssociationID.NotFound"):
        ec2.disassociate_route_table(AssociationId="rtbassoc-0123456789abcdef0")
    elsewhere = ec2.describe_subnets(Filters=only("vpc-id", default_vpc))["Subnets"][0]["SubnetId"]
    with refused("InvalidParameterValue"):
        ec2.associate_route_table(RouteTableId=table, SubnetId=elsewhere)
