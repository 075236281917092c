"""Services whose instances Route 53 checks."""

import time

import pytest

from homeport.fleet import assignments
from homeport.services.ec2.model import PUBLIC_POOL, PUBLIC_POOL_CIDR
from homeport.services.ec2.store.addresses import ensure_pool
from homeport.services.route53.observe import observe_check
from homeport.wire.messages import CheckObserved, Facts

CHECK = {"Type": "HTTP", "ResourcePath": "/healthz", "FailureThreshold": 2}
REACHABLE = {"AWS_INSTANCE_IPV4": "198.18.0.7", "AWS_INSTANCE_PORT": "8080"}


@pytest.fixture
def run(api):
    def in_transaction(work):
        async def transaction():
            async with api.database.transaction() as tx:
                return await work(tx)

        return api.run(transaction())

    async def furnish(tx):
        await ensure_pool(tx, PUBLIC_POOL, PUBLIC_POOL_CIDR)
        await assignments.register(tx, "node-1", Facts(cpus=2, memory=4096, kernel="6.1"), time.time())

    in_transaction(furnish)
    return in_transaction


@pytest.fixture
def public(cloudmap, done, run):
    """Give a public namespace."""
    return done(cloudmap.create_public_dns_namespace(Name="shop.example"))["NAMESPACE"]


@pytest.fixture
def web(cloudmap, public):
    config = {"DnsRecords": [{"Type": "A", "TTL": 5}]}
    return cloudmap.create_service(Name="web", NamespaceId=public, DnsConfig=config, HealthCheckConfig=CHECK)["Service"]


@pytest.fixture
def checks(api):
    """Return the health checks that Route 53 has, by address."""

    def read():
        found = api.client("route53").list_health_checks()["HealthChecks"]
        return {each["HealthCheckConfig"]["IPAddress"]: each for each in found}

    return read


def health(cloudmap, service):
    return cloudmap.get_instances_health_status(ServiceId=service["Id"])["Status"]


def test_each_instance_has_a_check_of_its_own(cloudmap, public, web, register, checks, api):
    assert web["HealthCheckConfig"] == CHECK
    register(web["Id"], "one", **REACHABLE)
    [check] = checks().values()
    kept = {name: check["HealthCheckConfig"][name] for name in ("Type", "ResourcePath", "FailureThreshold", "Port")}
    assert kept == {**CHECK, "Port": 8080}
    zone = cloudmap.get_namespace(Id=public)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
    found = api.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [each["HealthCheckId"] for each in found if each["Type"] == "A"] == [check["Id"]]
    register(web["Id"], "one", **{**REACHABLE, "AWS_INSTANCE_IPV4": "198.18.0.8"})
    assert set(checks()) == {"198.18.0.8"}
    cloudmap.deregister_instance(ServiceId=web["Id"], InstanceId="one")
    assert checks() == {}


def test_what_nodes_find_is_the_instance_s_health(cloudmap, web, register, checks, run):
    register(web["Id"], "one", **REACHABLE)
    register(web["Id"], "two", **{**REACHABLE, "AWS_INSTANCE_IPV4": "198.18.0.8"})
    assert health(cloudmap, web) == {"one": "UNKNOWN", "two": "UNKNOWN"}

    def find(address, sequence, healthy):
        status = "Success: HTTP Status Code 200, OK" if healthy else "Failure: Connection refused"
        said = CheckObserved(
            check=checks()[address]["Id"], sequence=sequence, healthy=healthy, status=status, checked_at=time.time()
        )
        run(lambda tx: observe_check(tx, "node-1", said))

    def discovered(wanted):
        found = cloudmap.discover_instances(NamespaceName="shop.example", ServiceName="web", HealthStatus=wanted)
        return {one["InstanceId"]: one["HealthStatus"] for one in found["Instances"]}

    find("198.18.0.7", 1, healthy=True)
    find("198.18.0.8", 1, healthy=False)
    assert health(cloudmap, web) == {"one": "HEALTHY", "two": "UNHEALTHY"}
    assert discovered("HEALTHY") == {"one": "HEALTHY"}
    assert discovered("UNHEALTHY") == {"two": "UNHEALTHY"}
    find("198.18.0.7", 2, healthy=False)
    assert discovered("HEALTHY") == {}
    assert set(discovered("HEALTHY_OR_ELSE_ALL")) == {"one", "two"}
    find("198.18.0.8", 2, healthy=True)
    assert discovered("HEALTHY_OR_ELSE_ALL") == {"two": "HEALTHY"}


def test_an_update_changes_all_checks_or_takes_them_away(cloudmap, public, web, register, checks, api):
    register(web["Id"], "one", **REACHABLE)
    records = {"DnsRecords": [{"Type": "A", "TTL": 5}]}
    before = checks()["198.18.0.7"]["Id"]
    cloudmap.update_service(Id=web["Id"], Service={"DnsConfig": records, "HealthCheckConfig": {"Type": "TCP"}})
    after = checks()["198.18.0.7"]
    assert after["Id"] != before
    assert after["HealthCheckConfig"]["Type"] == "TCP"
    found = cloudmap.get_service(Id=web["Id"])["Service"]["HealthCheckConfig"]
    assert found == {"Type": "TCP", "FailureThreshold": 1}
    cloudmap.update_service(Id=web["Id"], Service={"DnsConfig": records})
    assert checks() == {}
    zone = cloudmap.get_namespace(Id=public)["Namespace"]["Properties"]["DnsProperties"]["HostedZoneId"]
    listed = api.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [each.get("HealthCheckId") for each in listed if each["Type"] == "A"] == [None]


def test_an_http_namespace_may_have_checks_too(cloudmap, namespace, register, checks, run, refused):
    made = cloudmap.create_service(Name="web", NamespaceId=namespace(), HealthCheckConfig={"Type": "HTTP"})["Service"]
    assert made["HealthCheckConfig"] == {"Type": "HTTP", "ResourcePath": "/", "FailureThreshold": 1}
    register(made["Id"], "one", **REACHABLE)
    assert set(checks()) == {"198.18.0.7"}
    for wrong in (
        {"AWS_INSTANCE_IPV4": "198.18.0.9"},
        {"AWS_INSTANCE_PORT": "80"},
        {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"},
    ):
        assert refused(register, made["Id"], "one", **wrong)[0] == "InvalidInput"
    assert set(checks()) == {"198.18.0.7"}, "what was refused changed nothing"


def test_a_private_namespace_has_none(cloudmap, done, run, api, refused):
    vpc = api.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    home = done(cloudmap.create_private_dns_namespace(Name="shop.internal", Vpc=vpc))["NAMESPACE"]
    config = {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 5}]}, "HealthCheckConfig": CHECK}
    assert refused(cloudmap.create_service, Name="web", NamespaceId=home, **config)[0] == "InvalidInput"
