"""A task from RunTask to its end, as DescribeTasks shows it."""

import re
import time
from typing import Any

from homeport.wire.messages import SecurityGroup, Task, Vpc


def test_task_is_shown_as_fargate_shows_it_from_start_to_end(ecs: Any) -> None:
    task = ecs.run(startedBy="a-person")
    assert re.fullmatch(r"arn:aws:ecs:us-east-1:123456789012:task/default/[0-9a-f]{32}", task["taskArn"])
    assert task["lastStatus"] == "PROVISIONING"
    assert task["desiredStatus"] == "RUNNING"
    assert task["version"] == 1
    assert task["attachments"][0]["status"] == "PRECREATED"
    assert [detail["name"] for detail in task["attachments"][0]["details"]] == ["subnetId"]
    assert task["containers"][0]["lastStatus"] == "PENDING"
    assert task["containers"][0]["networkInterfaces"] == []
    assert task["overrides"] == {"containerOverrides": [{"name": "web"}], "inferenceAcceleratorOverrides": []}
    assert task["group"] == "family:web"
    assert "ecs.placement" in ecs.wakes

    ecs.place()
    placed = ecs.describe(task)
    eni = ecs.assigned_eni(task)
    assert placed["version"] == 2
    assert placed["attachments"][0]["status"] == "ATTACHING"
    assert {detail["name"]: detail["value"] for detail in placed["attachments"][0]["details"]} == {
        "subnetId": ecs.subnet,
        "networkInterfaceId": eni.id,
        "macAddress": eni.mac,
        "privateDnsName": eni.dns_name,
        "privateIPv4Address": eni.address,
    }
    assert ecs.assigned(Vpc)
    assert ecs.assigned(SecurityGroup)
    assert "fleet.sessions" in ecs.wakes

    ecs.report(task, "network-ready")
    pending = ecs.describe(task)
    assert (pending["lastStatus"], pending["connectivity"]) == ("PENDING", "CONNECTED")
    assert pending["attachments"][0]["status"] == "ATTACHED"

    now = time.time()
    ecs.report(
        task, "running", containers={"web": {"status": "RUNNING", "started_at": now, "image_digest": "sha256:1"}}
    )
    running = ecs.describe(task)
    assert running["lastStatus"] == "RUNNING"
    assert running["containers"][0]["imageDigest"] == "sha256:1"
    assert running["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] == eni.address
    assert running["containers"][0]["runtimeId"].startswith(task["taskArn"][-32:] + "-")
    assert running["version"] == 4

    stopping = ecs.client.stop_task(task=task["taskArn"], reason="enough")["task"]
    assert (stopping["lastStatus"], stopping["desiredStatus"]) == ("RUNNING", "STOPPED")
    assert (stopping["stopCode"], stopping["stoppedReason"]) == ("UserInitiated", "enough")
    assert ecs.assigned_task(task).stop

    ecs.report(task, "stopped", containers={"web": {"status": "STOPPED", "exit_code": 143, "started_at": now}})
    assert ecs.describe(task)["lastStatus"] == "DEPROVISIONING"
    assert ecs.assigned_task(task) is None

    ecs.report(task, "gone", containers={"web": {"status": "STOPPED", "exit_code": 143, "started_at": now}})
    ended = ecs.describe(task)
    assert ended["lastStatus"] == "STOPPED"
    assert ended["stopCode"] == "UserInitiated"
    assert ended["containers"][0]["exitCode"] == 143
    assert ended["attachments"][0]["status"] == "DELETED"
    assert ended["stoppedAt"] >= ended["executionStoppedAt"] >= ended["createdAt"]
    assert ecs.assigned(Task) == []


def test_stopped_task_returns_its_address(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    eni = ecs.assigned_eni(task)
    ecs.report(task, "gone")

    async def interface(tx: Any) -> Any:
        return await tx.fetch_one("SELECT id FROM ec2_interfaces WHERE id = ?", eni.id)

    assert ecs.in_transaction(interface) is None
