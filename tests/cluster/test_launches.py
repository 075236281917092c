"""Many tasks at once, and stops at every moment of a task's life."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
from tests.cluster.conftest import Lab, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def launch(lab: Lab, definition: str, count: int) -> list[str]:
    subnets = [subnet["SubnetId"] for subnet in lab.subnets()]
    answer = lab.ecs.run_task(
        taskDefinition=definition,
        count=count,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
    )
    assert answer["failures"] == []
    arns = [task["taskArn"] for task in answer["tasks"]]
    lab.tasks += arns
    return arns


def described(lab: Lab, tasks: list[str]) -> list[dict[str, Any]]:
    return list(lab.ecs.describe_tasks(tasks=tasks)["tasks"])


def all_are(lab: Lab, tasks: list[str], status: str) -> bool:
    return Counter(task["lastStatus"] for task in described(lab, tasks)) == {status: len(tasks)}


def test_thirty_tasks_at_once_run_and_end(lab: Lab) -> None:
    web = lab.define({"name": "web", "stopTimeout": 100})
    tasks = [task for _ in range(3) for task in launch(lab, web, 10)]
    until("all to run", lambda: all_are(lab, tasks, "RUNNING"))
    found = described(lab, tasks)
    assert min(Counter(task["availabilityZone"] for task in found).values()) >= 8
    assert len({lab_address(task) for task in found}) == 30
    until("all to hear signals", lambda: all(lab.lines(task, "web") for task in tasks))
    for task in tasks:
        lab.ecs.stop_task(task=task)
    until("all to stop", lambda: all_are(lab, tasks, "STOPPED"))
    assert {task["containers"][0]["exitCode"] for task in described(lab, tasks)} == {0}


def lab_address(task: dict[str, Any]) -> str:
    details = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
    return str(details["privateIPv4Address"])


@pytest.mark.parametrize("status", ["PROVISIONING", "PENDING", "RUNNING", "STOPPED"])
def test_a_stop_ends_a_task_whatever_it_is_doing(lab: Lab, status: str) -> None:
    order = ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "STOPPED"]
    web = lab.define({"name": "web", "stopTimeout": 2})

    def has_come(task: str) -> bool:
        return order.index(lab.describe(task)["lastStatus"]) >= order.index(status)

    for task in launch(lab, web, 5):
        if status == "STOPPED":
            lab.ecs.stop_task(task=task, reason="once")
            lab.stopped(task)
        until(status, partial(has_come, task))
        lab.ecs.stop_task(task=task, reason="once")
        lab.ecs.stop_task(task=task, reason="again")
        ended = lab.stopped(task)
        assert (ended["stopCode"], ended["stoppedReason"]) == ("UserInitiated", "once")
        assert ended["attachments"][0]["status"] == "DELETED"


def test_a_pull_that_takes_for_ever_can_be_stopped(lab: Lab) -> None:
    """Nobody answers at this address, and nobody refuses."""
    slow = lab.run(lab.define({"name": "web", "image": "198.51.100.1/never:latest"}))
    until("the pull to begin", lambda: lab.describe(slow)["lastStatus"] != "PROVISIONING")
    lab.ecs.stop_task(task=slow)
    lab.stopped(slow)
