"""What ECS does to keep a registry true, seen through the API."""

import time
from dataclasses import replace
from typing import Any

import pytest

from homeport.services.servicediscovery import tasks
from homeport.services.servicediscovery.tasks import TaskInstance

REGION = "us-east-1"


def task(id_="aa11", address: str = "10.0.0.7", **others: Any) -> TaskInstance:
    known = TaskInstance(
        id=id_, address=address, port=8080, zone="us-east-1a", cluster="shop", service="front", family="web"
    )
    return replace(known, **others)


@pytest.fixture
def ecs_does(api):
    """Run functions of the registry in one transaction of the server's."""

    def run(*steps):
        async def transaction():
            async with api.database.transaction() as tx:
                return [await function(tx, REGION, *arguments) for function, *arguments in steps]

        return api.run(transaction())

    return run


@pytest.fixture
def web(cloudmap, service):
    """Make a service and return its ARN."""

    def make(**others):
        return cloudmap.get_service(Id=service(**others))["Service"]["Arn"]

    return make


@pytest.fixture
def found(cloudmap):
    def discover(**others):
        return cloudmap.discover_instances(NamespaceName="shop", ServiceName="web", **others)["Instances"]

    return discover


def test_a_task_has_the_attributes_that_ecs_gives_it(ecs_does, web, found):
    arn = web()
    assert ecs_does(
        (tasks.register, arn, task("on-fargate", port=None), time.time()),
        (tasks.register, arn, task("on-ec2", ec2_instance="i-0123", address="10.0.0.8"), time.time()),
    ) == ["", ""]
    by_id = {one["InstanceId"]: one["Attributes"] for one in found()}
    common = {
        "AVAILABILITY_ZONE": "us-east-1a",
        "REGION": "us-east-1",
        "ECS_CLUSTER_NAME": "shop",
        "ECS_SERVICE_NAME": "front",
        "ECS_TASK_DEFINITION_FAMILY": "web",
    }
    assert by_id == {
        "on-fargate": common | {"AWS_INSTANCE_IPV4": "10.0.0.7"},
        "on-ec2": common | {"AWS_INSTANCE_IPV4": "10.0.0.8", "AWS_INSTANCE_PORT": "8080", "EC2_INSTANCE_ID": "i-0123"},
    }


def test_health_is_the_task_s_where_the_service_keeps_it(ecs_does, web, found):
    arn = web(HealthCheckCustomConfig={})
    ecs_does(
        (tasks.register, arn, task("a"), time.time()),
        (tasks.register, arn, task("b", health="UNHEALTHY"), time.time()),
    )
    assert {one["InstanceId"]: one["HealthStatus"] for one in found()} == {"a": "HEALTHY", "b": "UNHEALTHY"}
    assert found()[0]["Attributes"]["AWS_INIT_HEALTH_STATUS"] in {"HEALTHY", "UNHEALTHY"}
    ecs_does(
        (tasks.set_health, arn, "a", "UNHEALTHY", time.time()), (tasks.set_health, arn, "b", "HEALTHY", time.time())
    )
    assert [one["InstanceId"] for one in found(HealthStatus="HEALTHY")] == ["b"]
    assert ecs_does((tasks.registered, arn)) == [{"a": "UNHEALTHY", "b": "HEALTHY"}]


def test_where_no_health_is_kept_saying_it_changes_nothing(ecs_does, web, found):
    arn = web()
    ecs_does((tasks.register, arn, task("a"), time.time()), (tasks.set_health, arn, "a", "UNHEALTHY", time.time()))
    assert [one["HealthStatus"] for one in found()] == ["UNKNOWN"]


def test_a_task_is_gone_when_the_transaction_is_in_which_it_was_taken_away(ecs_does, web, found, api):
    arn = web()
    ecs_does((tasks.register, arn, task("a"), time.time()))

    async def fails():
        async with api.database.transaction() as tx:
            await tasks.deregister(tx, REGION, arn, "a", time.time())
            raise InterruptedError

    with pytest.raises(InterruptedError):
        api.run(fails())
    assert [one["InstanceId"] for one in found()] == ["a"], "what was undone had no effect"
    ecs_does((tasks.deregister, arn, "a", time.time()), (tasks.deregister, arn, "a", time.time()))
    assert found() == []


def test_an_address_that_went_on_belongs_to_one_task_alone(ecs_does, web, found):
    """A task ends and its address is lent again in one transaction: nobody ever sees two holders, or the old one."""
    arn = web()
    ecs_does((tasks.register, arn, task("old"), time.time()))
    for number in range(5):
        before, after = ("old" if number == 0 else f"new-{number - 1}"), f"new-{number}"
        ecs_does((tasks.deregister, arn, before, time.time()), (tasks.register, arn, task(after), time.time()))
        assert [(one["InstanceId"], one["Attributes"]["AWS_INSTANCE_IPV4"]) for one in found()] == [(after, "10.0.0.7")]


def test_what_a_user_took_away_is_not_missed(ecs_does, web, found, cloudmap):
    arn = web()
    ecs_does((tasks.register, arn, task("a"), time.time()))
    cloudmap.deregister_instance(ServiceId=arn, InstanceId="a")
    cloudmap.delete_service(Id=arn)
    assert ecs_does(
        (tasks.set_health, arn, "a", "HEALTHY", time.time()),
        (tasks.deregister, arn, "a", time.time()),
        (tasks.registered, arn),
        (tasks.register, arn, task("b"), time.time()),
    ) == [None, None, {}, f"the service {arn} does not exist"]


def test_a_full_service_says_so_and_harms_nothing(ecs_does, web, found, api):
    arn = web()

    async def fill():
        async with api.database.transaction() as tx:
            await tx.execute("UPDATE servicediscovery_services SET instance_count = 1000")

    api.run(fill())
    [reason] = ecs_does((tasks.register, arn, task("a"), time.time()))
    assert reason == "A service can have at most 1000 instances."
    assert found() == []
