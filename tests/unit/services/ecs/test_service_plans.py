"""No call on services costs more than what it returns: every query is answered from an index."""

from dataclasses import replace
from typing import Any

from tests.unit.services.explained import Explained

from homeport.services.ecs.model.services import (
    Declared,
    Deployment,
    DeploymentConfiguration,
    Moved,
    ServiceEvent,
    ServiceRecord,
    ServiceStatus,
)
from homeport.services.ecs.store import deployments, service_events, services, tasks

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/default"
ARN = "arn:aws:ecs:us-east-1:123456789012:service/default/web"


def test_services_are_read_and_written_by_index(in_store: Any) -> None:
    async def work(database: Any) -> None:
        declared = Declared(desired_count=1, configuration=DeploymentConfiguration())
        made = ServiceRecord(ARN, "us-east-1", CLUSTER, "web", declared, launch_type="FARGATE")
        async with database.transaction() as tx:
            watched = Explained(tx)
            await services.put(watched, made)
            await deployments.put(
                watched, Deployment(id="ecs-svc/1", service=ARN, revision="r", created_at=1.0, updated_at=1.0)
            )
            for number in range(3):
                await service_events.add(watched, ARN, ServiceEvent(str(number), float(number), "something happened"))
            for filters in ({}, {"launch_type": "FARGATE"}, {"scheduling_strategy": "REPLICA"}):
                assert await services.page(watched, CLUSTER, after="", limit=9, filters=filters) == [("web", ARN)]
            assert await services.due(watched, 1.0, 9) == [ARN]
            assert await services.counts(watched, CLUSTER) == {("FARGATE", "ACTIVE"): 1}
            await services.among(watched, [ARN, "other"])
            await services.mark_due(watched, ARN)
            await services.mark_cluster_due(watched, CLUSTER)
            await services.mark_target_group_due(watched, "group")
            assert [each.id for each in await deployments.of_service(watched, ARN)] == ["ecs-svc/1"]
            await deployments.revisions(watched, ["r"])
            await deployments.latest_move(watched, ARN)
            await deployments.page_of_moves(
                watched, ARN, statuses=[Moved.SUCCESSFUL], since=0.0, until=9.0, after=(5.0, "a"), limit=9
            )
            assert len(await service_events.newest(watched, ARN)) == 3
            assert await tasks.watched(watched, ARN) == []
            await tasks.counts_of_service(watched, ARN)
            await services.put(watched, replace(made, status=ServiceStatus.INACTIVE), inactive_since=1.0)
            assert await services.inactive(watched, 2.0, 9) == [ARN]
            assert watched.scanned == []
            assert watched.asked > 20

    in_store(work)
