"""Task protection: what it keeps from ending, and for how long."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeport.services.ecs.protecting import answer_task
from homeport.wire.messages import ProtectionAnswer, ProtectionRequest

from .conftest import NODE
from .services import Service


def protect(ecs: Any, task: dict[str, Any], **more: Any) -> dict[str, Any]:
    arguments = {"cluster": "default", "tasks": [task["taskArn"]], "protectionEnabled": True} | more
    answered: dict[str, Any] = ecs.client.update_task_protection(**arguments)
    return answered


def test_a_protected_task_is_kept_until_its_protection_ends(ecs: Any) -> None:
    service = Service(ecs)
    service.become_steady()
    kept, other = service.tasks()
    (told,) = protect(ecs, kept, expiresInMinutes=10)["protectedTasks"]
    assert told["protectionEnabled"] is True
    assert abs(told["expirationDate"] - datetime.now(UTC) - timedelta(minutes=10)) < timedelta(seconds=30)
    assert ecs.client.get_task_protection(cluster="default", tasks=[kept["taskArn"]])["protectedTasks"] == [told]
    service.update(desiredCount=1)
    assert [task["taskArn"] for task in service.tasks()] == [kept["taskArn"]]
    service.update(desiredCount=0)
    assert [task["taskArn"] for task in service.tasks()] == [kept["taskArn"]]
    assert any("(reason 1 tasks under protection)" in event for event in service.events())
    ecs.clock.advance(600)
    ecs.keep()
    assert service.tasks() == []
    assert other["taskArn"] in {task["taskArn"] for task in service.tasks("STOPPED")}


def test_protection_can_be_taken_back(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    (task,) = service.tasks()
    protect(ecs, task)
    service.update(desiredCount=0)
    assert len(service.tasks()) == 1
    assert protect(ecs, task, protectionEnabled=False)["protectedTasks"] == [
        {"taskArn": task["taskArn"], "protectionEnabled": False}
    ]
    ecs.keep()
    assert service.tasks() == []


def test_tasks_that_cannot_be_protected_are_named(ecs: Any) -> None:
    service = Service(ecs, desiredCount=2)
    service.update(desiredCount=2)
    first, second = service.tasks()
    alone = ecs.run(taskDefinition="web")
    missing = {"taskArn": first["taskArn"][:-32] + "f" * 32}
    for task, reason in ((alone, "TASK_NOT_VALID"), (missing, "MISSING")):
        assert protect(ecs, task)["failures"] == [{"arn": task["taskArn"], "reason": reason}]
    assert protect(ecs, first)["failures"] == []
    service.update(desiredCount=1)
    failures = protect(ecs, second)["failures"]
    assert [failure["reason"] for failure in failures] in (["DEPLOYMENT_BLOCKED"], ["TASK_NOT_VALID"])
    refused = ecs.refusal(
        ecs.client.update_task_protection,
        cluster="default",
        tasks=[first["taskArn"]],
        protectionEnabled=True,
        expiresInMinutes=2881,
    )
    assert refused == ("InvalidParameterException", "expiresInMinutes must be between 1 and 2880.")


def test_no_more_tasks_are_protected_than_the_service_shall_have(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    (old,) = service.tasks()
    service.update(forceNewDeployment=True)
    (new,) = [task for task in service.tasks() if task["taskArn"] != old["taskArn"]]
    assert protect(ecs, old)["failures"] == []
    assert protect(ecs, new)["failures"] == [{"arn": new["taskArn"], "reason": "DEPLOYMENT_BLOCKED"}]


def asked(ecs: Any, task: dict[str, Any], node: str = NODE, **wanted: Any) -> ProtectionAnswer:
    """Have the task ask for itself, through its node."""
    request = ProtectionRequest(id="r", task=task["taskArn"].rpartition("/")[2], **wanted)
    answer: ProtectionAnswer = ecs.in_transaction(lambda tx: answer_task(tx, node, request, ecs.clock.now()))
    assert answer.request == "r"
    return answer


def test_a_task_protects_itself(ecs: Any) -> None:
    service = Service(ecs)
    service.become_steady()
    kept, _ = service.tasks()
    assert asked(ecs, kept) == ProtectionAnswer(request="r")
    until = asked(ecs, kept, enabled=True, minutes=10).until
    assert until is not None
    assert until == ecs.clock.now() + 600
    assert asked(ecs, kept).until == until
    (told,) = ecs.client.get_task_protection(cluster="default", tasks=[kept["taskArn"]])["protectedTasks"]
    assert abs(told["expirationDate"] - datetime.fromtimestamp(until, UTC)) < timedelta(seconds=1)
    service.update(desiredCount=0)
    assert [task["taskArn"] for task in service.tasks()] == [kept["taskArn"]]
    assert asked(ecs, kept, enabled=False) == ProtectionAnswer(request="r")
    ecs.keep()
    assert service.tasks() == []


def test_protection_that_has_ended_is_none(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    (task,) = service.tasks()
    assert asked(ecs, task, enabled=True).until == ecs.clock.now() + 7200
    ecs.clock.advance(7200)
    assert asked(ecs, task).until is None


def test_what_a_task_cannot_have_it_is_told(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1)
    service.become_steady()
    (task,) = service.tasks()
    alone = ecs.run(taskDefinition="web")
    ecs.place()
    assert asked(ecs, alone).failure == "TASK_NOT_VALID"
    assert asked(ecs, alone, enabled=True).failure == "TASK_NOT_VALID"
    assert asked(ecs, task, node="another", enabled=True).failure == "MISSING"
    assert asked(ecs, {"taskArn": "task/c/none"}).failure == "MISSING"
    for minutes in (0, 2881):
        refused = asked(ecs, task, enabled=True, minutes=minutes)
        assert (refused.error, refused.status) == ("InvalidParameterException", 400)
        assert refused.message == "expiresInMinutes must be between 1 and 2880."
    service.update(forceNewDeployment=True)
    (new,) = [each for each in service.tasks() if each["taskArn"] != task["taskArn"]]
    ecs.place()
    assert asked(ecs, task, enabled=True).failure == ""
    assert asked(ecs, new, enabled=True).failure == "DEPLOYMENT_BLOCKED"
    assert asked(ecs, new).until is None


def test_a_node_knows_the_role_under_which_a_task_acts(ecs: Any) -> None:
    role = "arn:aws:iam::123456789012:role/web"
    bare = ecs.run()
    acting = ecs.run(taskDefinition=ecs.register(taskRoleArn=role))
    other = ecs.run(taskDefinition="web", overrides={"taskRoleArn": role + "-other"})
    ecs.place()
    assert [ecs.assigned_task(task).role for task in (bare, acting, other)] == ["", role, role + "-other"]
