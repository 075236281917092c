"""Instances found by the names of their namespace and service."""

import time
from typing import Any

import boto3
import pytest
from botocore.config import Config

from homeport.fleet import assignments
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2_store
from homeport.services.ec2.images import ecs_optimised_image
from homeport.wire.messages import Facts

CUSTOM: dict[str, Any] = {"HealthCheckCustomConfig": {}}


@pytest.fixture
def discover(cloudmap):
    """Return the ids that DiscoverInstances finds."""

    def call(**others):
        answer = cloudmap.discover_instances(NamespaceName="shop", ServiceName="web", **others)
        found = [one["InstanceId"] for one in answer["Instances"]]
        assert len(set(found)) == len(found)
        return set(found)

    return call


def test_an_instance_is_found_by_name(cloudmap, service, register):
    web = service()
    register(web, "one", AWS_INSTANCE_IPV4="10.0.0.7", version="1")
    answer = cloudmap.discover_instances(NamespaceName="shop", ServiceName="web")
    assert answer["Instances"] == [
        {
            "InstanceId": "one",
            "NamespaceName": "shop",
            "ServiceName": "web",
            "HealthStatus": "UNKNOWN",
            "Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.7", "version": "1"},
        }
    ]


def test_a_host_with_the_prefix_of_aws_is_answered(api, service, register):
    register(service(), "one", version="1")
    url = f"http://127.0.0.1:{api.port}"
    client = boto3.client(
        "servicediscovery",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIAHOMEPORTROOT0001",
        aws_secret_access_key="root-secret-of-the-tests",
        config=Config(inject_host_prefix=True, retries={"total_max_attempts": 1}),
    )
    asked = []

    def resolve(request, **_):
        """Stand in for a resolver that knows the name."""
        asked.append(request.url)
        request.headers["Host"] = f"data-127.0.0.1:{api.port}"
        request.url = request.url.replace("//data-", "//")

    client.meta.events.register("before-send.servicediscovery", resolve)
    found = client.discover_instances(NamespaceName="shop", ServiceName="web")["Instances"]
    assert [one["InstanceId"] for one in found] == ["one"]
    assert asked[0].startswith("http://data-127.0.0.1:")


def test_attributes_filter_and_optional_ones_do_where_they_can(discover, service, register):
    web = service()
    register(web, "a", version="1", zone="a")
    register(web, "b", version="1", zone="b")
    register(web, "c", version="2", zone="c")
    assert discover() == {"a", "b", "c"}
    assert discover(QueryParameters={"version": "1"}) == {"a", "b"}
    assert discover(QueryParameters={"version": "1", "zone": "c"}) == set()
    assert discover(QueryParameters={"version": "1"}, OptionalParameters={"zone": "b"}) == {"b"}
    assert discover(QueryParameters={"version": "1"}, OptionalParameters={"zone": "c"}) == {"a", "b"}
    assert discover(OptionalParameters={"zone": "c"}) == {"c"}


def test_health_filters_where_there_is_a_check(discover, cloudmap, service, register):
    web = service(**CUSTOM)
    register(web, "a", version="1")
    register(web, "b", AWS_INIT_HEALTH_STATUS="UNHEALTHY")
    assert discover() == discover(HealthStatus="ALL") == {"a", "b"}
    assert discover(HealthStatus="HEALTHY") == discover(HealthStatus="HEALTHY_OR_ELSE_ALL") == {"a"}
    assert discover(HealthStatus="UNHEALTHY") == {"b"}
    cloudmap.update_instance_custom_health_status(ServiceId=web, InstanceId="a", Status="UNHEALTHY")
    assert discover(HealthStatus="HEALTHY") == set()
    assert discover(HealthStatus="HEALTHY_OR_ELSE_ALL") == {"a", "b"}


def test_health_does_not_filter_where_there_is_no_check(discover, service, register):
    register(service(), "a", version="1")
    assert discover(HealthStatus="HEALTHY") == discover(HealthStatus="UNHEALTHY") == {"a"}


def test_the_order_differs_and_a_limit_holds(cloudmap, service, register):
    web = service()
    for number in range(12):
        register(web, f"i-{number}", number=str(number))
    orders = set()
    for _ in range(10):
        answer = cloudmap.discover_instances(NamespaceName="shop", ServiceName="web", MaxResults=4)
        assert len(answer["Instances"]) == 4
        orders.add(tuple(one["InstanceId"] for one in answer["Instances"]))
    assert len(orders) > 1


def test_the_revision_grows_with_what_is_registered_and_not_with_health(cloudmap, namespace, service, register):
    def revision():
        asked = {"NamespaceName": "shop", "ServiceName": "web"}
        found = cloudmap.discover_instances_revision(**asked)["InstancesRevision"]
        assert cloudmap.discover_instances(**asked)["InstancesRevision"] == found
        return found

    home = namespace()
    web = service(NamespaceId=home, **CUSTOM)
    seen = [revision()]
    register(web, "a", version="1")
    seen.append(revision())
    register(web, "a", version="2")
    seen.append(revision())
    cloudmap.update_instance_custom_health_status(ServiceId=web, InstanceId="a", Status="UNHEALTHY")
    assert revision() == seen[-1]
    cloudmap.deregister_instance(ServiceId=web, InstanceId="a")
    seen.append(revision())
    assert seen == sorted(set(seen))
    cloudmap.delete_service(Id=web)
    service(NamespaceId=home)
    assert revision() >= seen[-1]


def test_names_that_nothing_has_are_told_apart(cloudmap, service, refused):
    service()
    assert refused(cloudmap.discover_instances, NamespaceName="no", ServiceName="web")[0] == "NamespaceNotFound"
    assert refused(cloudmap.discover_instances, NamespaceName="shop", ServiceName="no")[0] == "ServiceNotFound"
    assert refused(cloudmap.discover_instances_revision, NamespaceName="shop", ServiceName="no")[0] == "ServiceNotFound"
    theirs = {"NamespaceName": "shop", "ServiceName": "web", "OwnerAccount": "000000000000"}
    assert refused(cloudmap.discover_instances, **theirs)[0] == "NamespaceNotFound"


def test_an_ec2_instance_brings_its_address(cloudmap, service, register, api):
    async def furnish():
        async with api.database.transaction() as tx:
            await ec2_store.initialise(tx, ids=RandomIds())
            await assignments.register(tx, "node-1", Facts(cpus=2, memory=4096, kernel="6.1"), time.time())

    api.run(furnish())
    ec2 = api.client("ec2")
    image = ecs_optimised_image(api.region).id
    [made] = ec2.run_instances(ImageId=image, InstanceType="c5.large", MinCount=1, MaxCount=1)["Instances"]
    register(service(), "one", AWS_EC2_INSTANCE_ID=made["InstanceId"])
    [found] = cloudmap.discover_instances(NamespaceName="shop", ServiceName="web")["Instances"]
    assert found["Attributes"] == {
        "AWS_EC2_INSTANCE_ID": made["InstanceId"],
        "AWS_INSTANCE_IPV4": made["PrivateIpAddress"],
    }
