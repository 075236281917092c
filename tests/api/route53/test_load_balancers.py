"""Load balancers have names that nodes know, and aliases may stand for them."""

import pytest
from tests.api.route53.conftest import record

from homeport.fleet import assignments
from homeport.kit.clock import SystemClock
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2_store
from homeport.services.ec2.model import PUBLIC_POOL, PUBLIC_POOL_CIDR
from homeport.services.ec2.store.addresses import ensure_pool
from homeport.services.route53.own import OWN
from homeport.services.route53.reconcilers.balancers import BalancerNames
from homeport.wire.messages import Alias


@pytest.fixture
def elb(api):
    return api.client("elbv2")


@pytest.fixture
def make(api, elb):
    """Make a load balancer in the default VPC; its description is returned."""

    async def prepare() -> list[str]:
        async with api.database.transaction() as tx:
            await ensure_pool(tx, PUBLIC_POOL, PUBLIC_POOL_CIDR)
            await ec2_store.ensure_default_vpc(tx, api.region, RandomIds())
            return [subnet.id for subnet in await ec2_store.default_subnets(tx, api.region)]

    subnets = api.run(prepare())

    def made(name: str = "web", scheme: str = "internet-facing", kind: str = "application"):
        answer = elb.create_load_balancer(Name=name, Subnets=subnets[:2], Scheme=scheme, Type=kind)
        return answer["LoadBalancers"][0]

    return made


@pytest.fixture
def tell(api, fleet):
    """Let names follow load balancers, and nodes be told."""

    def run() -> None:
        async def follow() -> None:
            await BalancerNames(api.database, SystemClock(), RandomIds(), lambda _: None).pass_()

        api.run(follow())
        fleet.tell()

    return run


def names(api, fleet) -> dict[str, set[str]]:
    async def read():
        async with api.database.snapshot() as tx:
            return await assignments.items(tx, "n1", "RecordSet")

    found = [item for item in api.run(read()) if item.zone == OWN.id and item.health_check]
    return {item.name: set(item.values) for item in found}


def addresses(api, load_balancer, *, public: bool) -> set[str]:
    identity = load_balancer["LoadBalancerArn"].partition("loadbalancer/")[2]
    filters = [{"Name": "description", "Values": [f"ELB {identity}"]}]
    found = api.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    return {each["Association"]["PublicIp"] if public else each["PrivateIpAddress"] for each in found}


def test_a_name_has_the_addresses_of_its_scheme_until_the_load_balancer_goes(api, elb, make, fleet, tell):
    fleet.join()
    facing, internal = make("web"), make("inside", scheme="internal")
    tell()
    assert names(api, fleet) == {
        f"{facing['DNSName']}.".lower(): addresses(api, facing, public=True),
        f"{internal['DNSName']}.".lower(): addresses(api, internal, public=False),
    }
    elb.delete_load_balancer(LoadBalancerArn=facing["LoadBalancerArn"])
    tell()
    assert list(names(api, fleet)) == [f"{internal['DNSName']}.".lower()]


def test_an_alias_stands_for_a_load_balancer(route53, make, make_zone, change, fleet, tell, refused):
    fleet.join()
    load_balancer, zone = make(), make_zone()
    target = {
        "HostedZoneId": load_balancer["CanonicalHostedZoneId"],
        "DNSName": f"dualstack.{load_balancer['DNSName']}",
        "EvaluateTargetHealth": True,
    }
    for kind in ("A", "AAAA"):
        change(zone, ("CREATE", record("example.com", kind, AliasTarget=target)))
    shown = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"][0]
    assert shown["AliasTarget"] == target | {"DNSName": f"{target['DNSName']}.".lower()}
    tell()
    (told,) = [item for item in fleet.items("RecordSet") if item.kind == "A"]
    assert told.alias == Alias(zone=OWN.id, name=f"{load_balancer['DNSName']}.".lower(), evaluate_health=True)
    for wrong in (
        target | {"DNSName": f"no{load_balancer['DNSName']}"},
        target | {"HostedZoneId": "Z0000000000000"},
        target | {"DNSName": "elb.us-east-1.homeport.internal"},
    ):
        code, message = refused(change, zone, ("CREATE", record("b.example.com", "A", AliasTarget=wrong)))
        assert (code, "but that target was not found" in message) == ("InvalidChangeBatch", True)
    mail = record("b.example.com", "MX", AliasTarget=target)
    assert "but that target was not found" in refused(change, zone, ("CREATE", mail))[1]


def test_a_load_balancer_without_a_healthy_target_is_said_to_be_unhealthy(elb, make, fleet, tell):
    fleet.join("n1")
    fleet.join("n2")
    load_balancer = make()
    tell()
    for node in ("n1", "n2"):
        (check,) = fleet.items("EndpointCheck", node)
        assert check.decided is False
    elb.delete_load_balancer(LoadBalancerArn=load_balancer["LoadBalancerArn"])
    tell()
    assert fleet.items("EndpointCheck", "n2") == []
