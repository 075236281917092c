"""Application Auto Scaling as boto3 sees it, over ECS services whose metrics and time the test makes."""

import time
from collections.abc import Iterable
from typing import Any

import pytest
from tests.api.ecs.conftest import NODE, Installation
from tests.api.ecs.services import Service

from homeport.fleet import assignments
from homeport.kit.ids import RandomIds
from homeport.services.applicationautoscaling.reconcilers.scaling import Scaling
from homeport.services.cloudwatch.distribution import of_values
from homeport.services.cloudwatch.model import Datum, Metric, metric_of
from homeport.services.cloudwatch.reconcilers.alarms import Alarms
from homeport.services.cloudwatch.store import datapoints
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.model import PUBLIC_POOL, PUBLIC_POOL_CIDR
from homeport.services.ec2.store.addresses import ensure_pool
from homeport.services.ecs.handlers.clusters import ensure_default_cluster
from homeport.wire.messages import Facts

WEB = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/default/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
CPU = metric_of("AWS/ECS", "CPUUtilization", {"ClusterName": "default", "ServiceName": "web"})


class Scaled:
    """A service, its scaling, and the minutes that pass."""

    def __init__(self, api: Any, ecs: Installation, service: Service) -> None:
        self.api = api
        self.ecs = ecs
        self.service = service
        self.client = api.client("application-autoscaling")
        self.cloudwatch = api.client("cloudwatch")
        self.clock = ecs.clock
        self.clock.seconds = self.clock.seconds // 60 * 60 + 60
        self._alarms = Alarms(api.database, self.clock, api.wakes.append)
        self._scaling = Scaling(api.database, self.clock, RandomIds(), api.account, api.wakes.append)

    @property
    def desired(self) -> int:
        count: int = self.service.shown()["desiredCount"]
        return count

    def publish(self, metric: Metric, *values: float) -> None:
        """Publish samples of the minute that has just begun."""
        data = [Datum(metric, self.clock.now(), of_values({value: 1.0}), "Percent") for value in values]
        self.ecs.in_transaction(lambda tx: datapoints.publish(tx, self.api.region, data))

    def look(self) -> None:
        self.api.run(self._alarms.pass_())
        self.api.run(self._scaling.pass_())

    def minutes(self, values: Iterable[float], metric: Metric = CPU) -> list[int]:
        """Let a minute pass per value; return the desired count at the end of each."""
        counts = []
        for value in values:
            self.publish(metric, value)
            for _ in range(6):
                self.clock.advance(10)
                self.look()
            counts.append(self.desired)
        return counts

    def activities(self, **more: Any) -> list[dict[str, Any]]:
        """Return all activities, the oldest first."""
        found: list[dict[str, Any]] = self.client.describe_scaling_activities(ServiceNamespace="ecs", **more)[
            "ScalingActivities"
        ]
        return found[::-1]


@pytest.fixture
def ecs(api: Any) -> Installation:
    """Give an ECS with a default VPC, the default cluster and one connected node, beside all other services."""

    async def prepare() -> list[Any]:
        async with api.database.transaction() as tx:
            await ec2.ensure_default_vpc(tx, api.region, RandomIds())
            await ensure_pool(tx, PUBLIC_POOL, PUBLIC_POOL_CIDR)
            await ensure_default_cluster(tx, api.account, api.region)
            await assignments.register(tx, NODE, Facts(cpus=2, memory=4096, kernel="6.1"), time.time())
            return list(await ec2.default_subnets(tx, api.region))

    return Installation(api, api.run(prepare()))


@pytest.fixture
def web(ecs: Installation) -> Service:
    """Give a service of two tasks, called web."""
    return Service(ecs)


@pytest.fixture
def scaled(api: Any, ecs: Installation, web: Service) -> Scaled:
    """Give the service, as a scalable target of one to ten tasks."""
    made = Scaled(api, ecs, web)
    made.client.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=10)
    return made


@pytest.fixture
def client(api: Any) -> Any:
    return api.client("application-autoscaling")
