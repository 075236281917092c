"""Describing, listing and stopping tasks."""

from typing import Any

import pytest

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/default"


def ids(arns: list[str]) -> list[str]:
    return [arn.rpartition("/")[2] for arn in arns]


def test_tasks_are_described_by_id_and_arn_once_each(ecs: Any) -> None:
    task = ecs.run()
    (task_id,) = ids([task["taskArn"]])
    answer = ecs.client.describe_tasks(tasks=[task_id, task["taskArn"]], cluster=CLUSTER)
    assert [found["taskArn"] for found in answer["tasks"]] == [task["taskArn"]]
    assert answer["failures"] == []


def test_missing_tasks_are_failures_with_their_full_arn(ecs: Any) -> None:
    ecs.client.create_cluster(clusterName="web")
    elsewhere = ecs.run(cluster="web")["taskArn"]
    unknown = "f" * 32
    foreign = f"arn:aws:ecs:eu-west-1:123456789012:task/default/{unknown}"
    answer = ecs.client.describe_tasks(tasks=[unknown, elsewhere, *ids([elsewhere]), foreign])
    assert answer["tasks"] == []
    assert {(failure["arn"], failure["reason"]) for failure in answer["failures"]} == {
        (f"arn:aws:ecs:us-east-1:123456789012:task/default/{unknown}", "MISSING"),
        (elsewhere, "MISSING"),
        (f"arn:aws:ecs:us-east-1:123456789012:task/default/{ids([elsewhere])[0]}", "MISSING"),
        (foreign, "MISSING"),
    }


@pytest.mark.parametrize("tasks", [["x"], [], ["f" * 32] * 101])
def test_impossible_describes_are_refused(ecs: Any, tasks: list[str]) -> None:
    assert ecs.refusal(ecs.unchecked.describe_tasks, tasks=tasks)[0] == "InvalidParameterException"


def test_lists_filter_by_what_tasks_were_started_with(ecs: Any) -> None:
    ecs.register(family="api")
    api = ecs.run(taskDefinition="api", startedBy="cron")["taskArn"]
    web = ecs.run()["taskArn"]
    ecs.client.create_cluster(clusterName="other")
    ecs.run(cluster="other")

    def listed(**filters: Any) -> set[str]:
        return set(ecs.client.list_tasks(**filters)["taskArns"])

    assert listed() == {api, web}
    assert listed(family="api") == {api}
    assert listed(startedBy="cron") == {api}
    assert listed(startedBy="cron", family="web") == set()
    assert listed(launchType="FARGATE") == {api, web}
    assert listed(launchType="EC2") == set()
    assert listed(desiredStatus="STOPPED") == set()
    assert listed(desiredStatus="PENDING") == set()


def test_stopping_task_is_listed_under_stopped_alone(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    ecs.report(task, "running")
    ecs.client.stop_task(task=task["taskArn"])
    assert ecs.client.list_tasks()["taskArns"] == []
    assert ecs.client.list_tasks(desiredStatus="STOPPED")["taskArns"] == [task["taskArn"]]
    assert ecs.describe(task)["lastStatus"] == "RUNNING"


def test_list_pages_hold_every_task_once_in_order_of_creation(ecs: Any) -> None:
    definition = ecs.register()
    started = [ecs.run(taskDefinition=definition)["taskArn"] for _ in range(7)]
    pages = list(ecs.client.get_paginator("list_tasks").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["taskArns"]) for page in pages] == [3, 3, 1]
    assert [arn for page in pages for arn in page["taskArns"]] == started


@pytest.mark.parametrize("results", [0, 101])
def test_page_sizes_are_one_to_a_hundred(ecs: Any, results: int) -> None:
    assert ecs.refusal(ecs.unchecked.list_tasks, maxResults=results)[0] == "InvalidParameterException"


def test_list_by_what_does_not_exist_is_refused(ecs: Any) -> None:
    assert ecs.refusal(ecs.client.list_tasks, cluster="nowhere")[0] == "ClusterNotFoundException"
    assert ecs.refusal(ecs.client.list_tasks, serviceName="web") == ("ServiceNotFoundException", "Service not found.")
    assert ecs.refusal(ecs.client.list_tasks, containerInstance="x")[0] == "InvalidParameterException"


@pytest.mark.parametrize(
    "filters",
    [
        ["cluster"],
        ["cluster", "family"],
        ["cluster", "started_by"],
        ["cluster", "launch_type"],
    ],
)
def test_lists_are_read_from_an_index_in_its_order(ecs: Any, filters: list[str]) -> None:
    clauses = " AND ".join(f"{column} = ?" for column in filters)

    async def explain(tx: Any) -> str:
        rows = await tx.fetch(
            f"""EXPLAIN QUERY PLAN SELECT position, id FROM ecs_tasks WHERE {clauses} AND desired_status = ?
                AND position > ? ORDER BY position LIMIT ?""",
            *["x"] * len(filters), "RUNNING", "", 10,
        )  # fmt: skip
        return " ".join(row[3] for row in rows)

    plan = ecs.in_transaction(explain)
    assert "USING INDEX" in plan
    assert "TEMP B-TREE" not in plan
    assert all(f"{column}=?" in plan for column in filters)


def test_stop_gives_its_reason_at_once(ecs: Any) -> None:
    task = ecs.run()
    stopped = ecs.client.stop_task(task=task["taskArn"])["task"]
    assert (stopped["desiredStatus"], stopped["lastStatus"]) == ("STOPPED", "PROVISIONING")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "Task stopped by user")
    assert stopped["stoppingAt"] >= stopped["createdAt"]
    assert stopped["version"] == 2


def test_task_stopped_before_it_was_placed_never_reaches_a_node(ecs: Any) -> None:
    task = ecs.run()
    ecs.client.stop_task(task=task["taskArn"])
    ecs.place()
    ended = ecs.describe(task)
    assert (ended["lastStatus"], ended["stopCode"]) == ("STOPPED", "UserInitiated")
    assert ended["attachments"][0]["status"] == "DELETED"
    assert ended["containers"][0]["lastStatus"] == "STOPPED"
    assert "startedAt" not in ended
    assert ecs.assigned_task(task) is None


def test_second_stop_keeps_the_first_reason(ecs: Any) -> None:
    task = ecs.run()
    first = ecs.client.stop_task(task=task["taskArn"], reason="one")["task"]
    assert ecs.client.stop_task(task=task["taskArn"], reason="two")["task"] == first


def test_stop_of_an_ended_task_puts_nothing_back_on_the_node(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    ecs.report(task, "stopped", cause="essential-exited")
    ecs.client.stop_task(task=task["taskArn"])
    assert ecs.assigned_task(task) is None
    assert ecs.describe(task)["stopCode"] == "EssentialContainerExited"


@pytest.mark.parametrize("task", ["f" * 32, "arn:aws:ecs:us-east-1:123456789012:task/other/" + "f" * 32])
def test_stop_of_an_unknown_task_is_refused(ecs: Any, task: str) -> None:
    assert ecs.refusal(ecs.client.stop_task, task=task) == (
        "InvalidParameterException",
        "The referenced task was not found.",
    )


def test_stopped_task_can_be_described_for_an_hour(ecs: Any) -> None:
    task = ecs.run()
    ecs.client.stop_task(task=task["taskArn"])
    ecs.place()
    running = ecs.run(taskDefinition="web")
    ecs.cleanup(later=3_500)
    assert ecs.describe(task)["lastStatus"] == "STOPPED"
    ecs.cleanup(later=3_700)
    answer = ecs.client.describe_tasks(tasks=[task["taskArn"], running["taskArn"]])
    assert [found["taskArn"] for found in answer["tasks"]] == [running["taskArn"]]
    assert answer["failures"] == [{"arn": task["taskArn"], "reason": "MISSING"}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT document FROM ecs_tasks WHERE id IN ('a', 'b')",
        "SELECT document FROM ecs_tasks WHERE waiting = 1 ORDER BY position LIMIT 64",
        "SELECT last_status, COUNT(*) FROM ecs_tasks WHERE cluster = 'c' AND stopped_at IS NULL GROUP BY last_status",
        "SELECT 1 FROM ecs_tasks WHERE family = 'f' AND revision = 1 AND stopped_at IS NULL LIMIT 1",
        "SELECT id FROM ecs_tasks WHERE stopped_at < 1 ORDER BY stopped_at LIMIT 500",
        "SELECT 1 FROM ecs_tasks WHERE cluster = 'c' AND capacity_provider IN ('f') AND stopped_at IS NULL LIMIT 1",
    ],
)
def test_no_question_reads_all_tasks(ecs: Any, query: str) -> None:
    async def explain(tx: Any) -> list[str]:
        return [row[3] for row in await tx.fetch(f"EXPLAIN QUERY PLAN {query}")]

    for step in ecs.in_transaction(explain):
        assert not step.startswith("SCAN"), step
        assert "TEMP B-TREE" not in step
