"""Namespaces with a hosted zone, and the record sets of instances in it."""

import time

import pytest

from homeport.fleet import assignments
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2_store
from homeport.services.route53.reconcilers import names
from homeport.services.servicediscovery import tasks
from homeport.services.servicediscovery.tasks import TaskInstance
from homeport.wire.messages import Facts, RecordSet

REGION = "us-east-1"


@pytest.fixture
def vpc(api):
    async def furnish():
        async with api.database.transaction() as tx:
            await ec2_store.initialise(tx, ids=RandomIds())

    api.run(furnish())
    return api.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def private(cloudmap, done, vpc):
    """Make a private namespace for the VPC and return its id."""

    def make(name="shop.internal", **others):
        return done(cloudmap.create_private_dns_namespace(**{"Name": name, "Vpc": vpc} | others))["NAMESPACE"]

    return make


@pytest.fixture
def zone_of(cloudmap):
    def find(namespace):
        return cloudmap.get_namespace(Id=namespace)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]

    return find


@pytest.fixture
def dns_service(cloudmap):
    """Make a service with records of the types given and return its id."""

    def make(namespace, *types, name="web", policy=None, **others):
        config = {"DnsRecords": [{"Type": type_, "TTL": 10} for type_ in types]}
        if policy:
            config["RoutingPolicy"] = policy
        return cloudmap.create_service(Name=name, NamespaceId=namespace, DnsConfig=config, **others)["Service"]["Id"]

    return make


@pytest.fixture
def records(api, zone_of):
    """Return a namespace's record sets other than SOA and NS: (name, type, identifier) to value."""

    def read(namespace):
        pages = api.client("route53").get_paginator("list_resource_record_sets")
        found = pages.paginate(HostedZoneId=zone_of(namespace)).build_full_result()["ResourceRecordSets"]
        return {
            (each["Name"], each["Type"], each.get("SetIdentifier", "")): each["ResourceRecords"][0]["Value"]
            for each in found
            if each["Type"] not in {"SOA", "NS"}
        }

    return read


def test_a_private_namespace_has_a_zone_of_its_own(cloudmap, private, zone_of, vpc, api):
    id_ = private(Description="names of the shop")
    found = cloudmap.get_namespace(Id=id_)["Namespace"]
    assert found["Type"] == "DNS_PRIVATE"
    zone = zone_of(id_)
    assert found["Properties"] == {
        "DnsProperties": {"HostedZoneId": zone, "SOA": {"TTL": 15}},
        "HttpProperties": {"HttpName": "shop.internal"},
    }
    route53 = api.client("route53")
    kept = route53.get_hosted_zone(Id=zone)
    assert kept["HostedZone"]["Name"] == "shop.internal."
    assert kept["HostedZone"]["LinkedService"]["ServicePrincipal"] == "servicediscovery.amazonaws.com"
    assert kept["VPCs"] == [{"VPCRegion": REGION, "VPCId": vpc}]
    assert cloudmap.list_namespaces(Filters=[{"Name": "TYPE", "Values": ["DNS_PRIVATE"]}])["Namespaces"][0]["Id"] == id_


def test_nobody_else_changes_the_zone(private, zone_of, api, refused):
    route53 = api.client("route53")
    zone = zone_of(private())
    record = {"Name": "x.shop.internal", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    assert refused(route53.change_resource_record_sets, HostedZoneId=zone, ChangeBatch=batch)[0] == "AccessDenied"
    assert refused(route53.delete_hosted_zone, Id=zone)[0] == "AccessDenied"


def test_a_zone_that_cannot_be_made_fails_the_operation(cloudmap, private, vpc, api, refused):
    api.client("route53").create_hosted_zone(
        Name="taken.internal", CallerReference="x", VPC={"VPCRegion": REGION, "VPCId": vpc}
    )
    for name, where in (("taken.internal", vpc), ("other.internal", "vpc-00000000")):
        answer = cloudmap.create_private_dns_namespace(Name=name, Vpc=where)
        operation = cloudmap.get_operation(OperationId=answer["OperationId"])["Operation"]
        assert operation["Status"] == "FAIL"
        assert operation["ErrorCode"] == "CANNOT_CREATE_HOSTED_ZONE"
        assert where in operation["ErrorMessage"]
    assert cloudmap.list_namespaces()["Namespaces"] == []
    assert cloudmap.list_operations(Filters=[{"Name": "STATUS", "Values": ["FAIL"]}])["Operations"]
    private("shop.internal")
    again = {"Name": "shop.internal", "Vpc": vpc}
    assert refused(cloudmap.create_private_dns_namespace, **again)[0] == "NamespaceAlreadyExists"
    assert refused(cloudmap.create_private_dns_namespace, Name="a..b", Vpc=vpc)[0] == "InvalidInput"


def test_a_name_that_is_used_again_has_another_http_name(cloudmap, private, namespace):
    first = private("shop.internal")
    other = namespace("shop.internal")
    names_of = [
        cloudmap.get_namespace(Id=id_)["Namespace"]["Properties"]["HttpProperties"]["HttpName"]
        for id_ in (first, other)
    ]
    assert names_of[0] == "shop.internal"
    assert names_of[1].startswith("shop.internal-")


def test_a_public_namespace_has_a_public_zone(cloudmap, done, zone_of, api):
    properties = {"DnsProperties": {"SOA": {"TTL": 60}}}
    id_ = done(cloudmap.create_public_dns_namespace(Name="shop.example", Properties=properties))["NAMESPACE"]
    route53 = api.client("route53")
    assert route53.get_hosted_zone(Id=zone_of(id_))["HostedZone"]["Config"]["PrivateZone"] is False
    change = {"Description": "new", "Properties": {"DnsProperties": {"SOA": {"TTL": 30}}}}
    assert done(cloudmap.update_public_dns_namespace(Id=id_, Namespace=change)) == {"NAMESPACE": id_}
    found = cloudmap.get_namespace(Id=id_)["Namespace"]
    assert (found["Description"], found["Properties"]["DnsProperties"]["SOA"]["TTL"]) == ("new", 30)
    [soa] = [
        each
        for each in route53.list_resource_record_sets(HostedZoneId=zone_of(id_))["ResourceRecordSets"]
        if each["Type"] == "SOA"
    ]
    assert soa["TTL"] == 30


def test_only_its_own_kind_of_update_changes_a_namespace(cloudmap, private, namespace, refused, done):
    one, http = private(), namespace("http")
    change = {"Description": "new"}
    assert refused(cloudmap.update_public_dns_namespace, Id=one, Namespace=change)[0] == "InvalidInput"
    assert refused(cloudmap.update_http_namespace, Id=one, Namespace=change)[0] == "InvalidInput"
    assert refused(cloudmap.update_private_dns_namespace, Id=http, Namespace=change)[0] == "InvalidInput"
    done(cloudmap.update_private_dns_namespace(Id=one, Namespace=change))
    assert cloudmap.get_namespace(Id=one)["Namespace"]["Description"] == "new"


def test_the_zone_goes_with_the_namespace(cloudmap, private, zone_of, api, done, refused):
    id_ = private()
    zone = zone_of(id_)
    done(cloudmap.delete_namespace(Id=id_))
    assert refused(api.client("route53").get_hosted_zone, Id=zone)[0] == "NoSuchHostedZone"
    private()


def test_a_service_shows_its_records(cloudmap, private, dns_service):
    home = private()
    found = cloudmap.get_service(Id=dns_service(home, "A"))["Service"]
    assert found["Type"] == "DNS_HTTP"
    assert found["DnsConfig"] == {
        "NamespaceId": home,
        "RoutingPolicy": "MULTIVALUE",
        "DnsRecords": [{"Type": "A", "TTL": 10}],
    }
    older = {"NamespaceId": home, "DnsRecords": [{"Type": "A", "TTL": 10}]}
    assert cloudmap.create_service(Name="older", DnsConfig=older)["Service"]["NamespaceId"] == home


@pytest.mark.parametrize(
    ("types", "policy"),
    [((), None), (("A", "SRV"), None), (("A", "A"), None), (("CNAME",), None), (("CNAME", "A"), "WEIGHTED")],
)
def test_records_that_make_no_sense_are_refused(private, dns_service, refused, types, policy):
    assert refused(dns_service, private(), *types, policy=policy)[0] == "InvalidInput"


def test_names_of_services_are_names_of_dns(cloudmap, private, dns_service, refused):
    home = private()
    dns_service(home, "A", name="web")
    assert refused(dns_service, home, "A", name="WEB")[0] == "ServiceAlreadyExists"
    assert refused(cloudmap.create_service, Name="web", NamespaceId=home, Type="HTTP")[0] == "ServiceAlreadyExists"
    assert refused(cloudmap.create_service, Name="other", NamespaceId=home)[0] == "InvalidInput"
    only_asked = cloudmap.create_service(Name="other", NamespaceId=home, Type="HTTP")["Service"]
    assert only_asked["Type"] == "HTTP"


def test_addresses_are_multivalue_records(private, dns_service, register, records, cloudmap, api, zone_of):
    home = private()
    web = dns_service(home, "A", "AAAA")
    register(web, "one", AWS_INSTANCE_IPV4="10.0.0.7", AWS_INSTANCE_IPV6="2001:db8::7")
    register(web, "two", AWS_INSTANCE_IPV4="10.0.0.8", AWS_INSTANCE_IPV6="2001:db8::8")
    name = "web.shop.internal."
    assert records(home) == {
        (name, "A", "one"): "10.0.0.7",
        (name, "A", "two"): "10.0.0.8",
        (name, "AAAA", "one"): "2001:db8::7",
        (name, "AAAA", "two"): "2001:db8::8",
    }
    found = api.client("route53").list_resource_record_sets(HostedZoneId=zone_of(home))["ResourceRecordSets"]
    assert all(each["MultiValueAnswer"] and each["TTL"] == 10 for each in found if "SetIdentifier" in each)
    register(web, "one", AWS_INSTANCE_IPV4="10.0.0.9", AWS_INSTANCE_IPV6="2001:db8::7")
    assert records(home)[name, "A", "one"] == "10.0.0.9"
    cloudmap.deregister_instance(ServiceId=web, InstanceId="one")
    assert records(home) == {(name, "A", "two"): "10.0.0.8", (name, "AAAA", "two"): "2001:db8::8"}
    assert {
        one["InstanceId"]
        for one in cloudmap.discover_instances(NamespaceName="shop.internal", ServiceName="web")["Instances"]
    } == {"two"}


def test_weighted_records_and_names_of_others(private, dns_service, register, records, api, zone_of, refused):
    home = private()
    web = dns_service(home, "CNAME", policy="WEIGHTED")
    register(web, "one", AWS_INSTANCE_CNAME="www.example.com")
    assert records(home) == {("web.shop.internal.", "CNAME", "one"): "www.example.com"}
    found = api.client("route53").list_resource_record_sets(HostedZoneId=zone_of(home))["ResourceRecordSets"]
    assert [each["Weight"] for each in found if "SetIdentifier" in each] == [1]
    assert refused(register, web, "two", AWS_INSTANCE_IPV4="10.0.0.1")[0] == "InvalidInput"


def test_an_alias_stands_for_a_load_balancer(private, dns_service, register, records, api, zone_of, refused, vpc):
    ec2 = api.client("ec2")
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")["Subnet"]
        for number, zone in enumerate("ab")
    ]
    [balancer] = api.client("elbv2").create_load_balancer(
        Name="web", Scheme="internal", Subnets=[subnet["SubnetId"] for subnet in subnets]
    )["LoadBalancers"]
    home = private()
    web = dns_service(home, "A", "AAAA", policy="WEIGHTED")
    alias = {"AWS_ALIAS_DNS_NAME": balancer["DNSName"]}
    register(web, "one", **alias, version="1")
    found = api.client("route53").list_resource_record_sets(HostedZoneId=zone_of(home))["ResourceRecordSets"]
    target = {
        "HostedZoneId": balancer["CanonicalHostedZoneId"],
        "DNSName": f"{balancer['DNSName']}.",
        "EvaluateTargetHealth": True,
    }
    assert [(each["Type"], each["Weight"], each["AliasTarget"]) for each in found if "SetIdentifier" in each] == [
        ("A", 1, target),
        ("AAAA", 1, target),
    ]
    assert (
        refused(register, web, "two", AWS_ALIAS_DNS_NAME="web-1.elb.us-east-1.homeport.internal")[0] == "InvalidInput"
    )
    assert refused(register, web, "two", **alias, AWS_INSTANCE_IPV4="10.0.0.1")[0] == "InvalidInput"
    assert refused(register, dns_service(home, "A", name="many"), "two", **alias)[0] == "InvalidInput"
    register(web, "one", AWS_INSTANCE_IPV4="10.0.0.1", AWS_INSTANCE_IPV6="2001:db8::1")
    assert records(home)["web.shop.internal.", "A", "one"] == "10.0.0.1"


def test_srv_records_lead_to_names_of_the_instances(private, dns_service, register, records, cloudmap, refused):
    home = private()
    web = dns_service(home, "SRV", name="_web._tcp")
    register(web, "one", AWS_INSTANCE_IPV4="10.0.0.7", AWS_INSTANCE_PORT="8080")
    host = "one._web._tcp.shop.internal."
    assert records(home) == {
        ("_web._tcp.shop.internal.", "SRV", "one"): f"1 1 8080 {host}",
        (host, "A", ""): "10.0.0.7",
    }
    assert refused(register, web, "two", AWS_INSTANCE_IPV4="10.0.0.8")[0] == "InvalidInput"
    assert refused(register, web, "two", AWS_INSTANCE_PORT="80")[0] == "InvalidInput"
    long = {"AWS_INSTANCE_IPV4": "10.0.0.8", "AWS_INSTANCE_PORT": "80"}
    assert refused(register, web, "x" * 64, **long)[0] == "InvalidInput"
    cloudmap.deregister_instance(ServiceId=web, InstanceId="one")
    assert records(home) == {}


def test_what_is_unhealthy_is_not_found_unless_nothing_is_healthy(private, dns_service, register, records, cloudmap):
    home = private()
    web = dns_service(home, "A", HealthCheckCustomConfig={})

    def published():
        return {identifier for _, _, identifier in records(home)}

    def say(instance, status):
        cloudmap.update_instance_custom_health_status(ServiceId=web, InstanceId=instance, Status=status)

    register(web, "a", AWS_INSTANCE_IPV4="10.0.0.1", AWS_INIT_HEALTH_STATUS="UNHEALTHY")
    assert published() == {"a"}, "nothing is healthy"
    register(web, "b", AWS_INSTANCE_IPV4="10.0.0.2")
    assert published() == {"b"}
    register(web, "c", AWS_INSTANCE_IPV4="10.0.0.3")
    say("b", "UNHEALTHY")
    assert published() == {"c"}
    say("c", "UNHEALTHY")
    assert published() == {"a", "b", "c"}
    say("a", "HEALTHY")
    assert published() == {"a"}
    cloudmap.deregister_instance(ServiceId=web, InstanceId="a")
    assert published() == {"b", "c"}
    cloudmap.deregister_instance(ServiceId=web, InstanceId="b")
    say("c", "HEALTHY")
    assert published() == {"c"}


def test_updating_a_service_changes_its_records(
    private, dns_service, register, cloudmap, api, zone_of, records, refused
):
    home = private()
    web = dns_service(home, "A", "AAAA", Description="old")
    register(web, "one", AWS_INSTANCE_IPV4="10.0.0.7", AWS_INSTANCE_IPV6="2001:db8::7")
    change = {"Description": "new", "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 99}]}}
    cloudmap.update_service(Id=web, Service=change)
    found = cloudmap.get_service(Id=web)["Service"]
    assert found["Description"] == "new"
    assert found["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 99}]
    assert records(home) == {("web.shop.internal.", "A", "one"): "10.0.0.7"}
    listed = api.client("route53").list_resource_record_sets(HostedZoneId=zone_of(home))["ResourceRecordSets"]
    assert [each["TTL"] for each in listed if each["Type"] == "A"] == [99]
    other = {"DnsConfig": {"DnsRecords": [{"Type": "SRV", "TTL": 99}]}}
    assert refused(cloudmap.update_service, Id=web, Service=other)[0] == "InvalidInput"
    cloudmap.update_service(Id=web, Service={"Description": "no names"})
    assert records(home) == {}
    assert cloudmap.get_service(Id=web)["Service"]["Type"] == "HTTP"
    assert cloudmap.get_service(Id=web)["Service"]["InstanceCount"] == 1


def test_a_service_of_an_http_namespace_is_not_updated(cloudmap, service, refused):
    assert refused(cloudmap.update_service, Id=service(), Service={"Description": "new"})[0] == "InvalidInput"


def test_no_node_knows_an_address_that_was_lent_to_somebody_else(private, dns_service, cloudmap, api):
    """Between any two transactions: a name that nodes know belongs to the task that has the address."""
    arn = cloudmap.get_service(Id=dns_service(private(), "A"))["Service"]["Arn"]

    def task(id_, address):
        return TaskInstance(id=id_, address=address, port=None, zone="us-east-1a", cluster="c", service="s", family="f")

    async def transaction(work):
        async with api.database.transaction() as tx:
            return await work(tx)

    async def known(tx):
        items = await assignments.items(tx, "node-1", "RecordSet")
        return {
            (item.set_identifier, value)
            for item in items
            if isinstance(item, RecordSet) and item.kind == "A"
            for value in item.values
        }

    def run(work):
        return api.run(transaction(work))

    run(lambda tx: assignments.register(tx, "node-1", Facts(cpus=2, memory=4096, kernel="6.1"), time.time()))

    class Clock:
        now = staticmethod(time.time)

    lent: dict[str, str] = {}
    for number in range(6):
        id_, address = f"task-{number}", f"10.0.0.{number % 2}"
        for holder in [each for each, has in lent.items() if has == address]:
            run(lambda tx, holder=holder: tasks.deregister(tx, REGION, arn, holder, time.time()))
            del lent[holder]
            assert run(known) <= set(lent.items()), "before any reconciler had a turn"
        lent[id_] = address
        new = task(id_, address)
        run(lambda tx, new=new: tasks.register(tx, REGION, arn, new, time.time()))
        assert run(known) <= set(lent.items())
        api.run(names.one_pass(api.database, Clock, lambda _: None))
        assert run(known) == set(lent.items()), "and what is there is known in the end"
