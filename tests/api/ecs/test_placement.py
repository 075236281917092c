"""What placement and the reports of nodes make of tasks."""

import time
from typing import Any

from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2
from homeport.services.logs import store as log_groups
from homeport.wire.messages import Eni, Task

ROLE = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole"


def logging(group: str, **options: str) -> dict[str, Any]:
    """Return a container that logs to *group*."""
    given = {"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"} | options
    return {"name": "web", "image": "web", "logConfiguration": {"logDriver": "awslogs", "options": given}}


def run_logging(ecs: Any, group: str, **options: str) -> Any:
    return ecs.run(taskDefinition=ecs.register(logging(group, **options), executionRoleArn=ROLE))


def streams(ecs: Any, group: str) -> list[str]:
    async def find(tx: Any) -> list[str]:
        found = await log_groups.get_group(tx, "us-east-1", group)
        listed = await log_groups.list_streams(tx, found, after=None, descending=False, limit=10)
        return [stream.name for stream in listed]

    names: list[str] = ecs.in_transaction(find)
    return names


def test_missing_log_group_ends_the_task_with_fargates_reason_and_leaves_nothing(ecs: Any) -> None:
    task = run_logging(ecs, "/ecs/nowhere")
    ecs.place()
    ended = ecs.describe(task)
    assert (ended["lastStatus"], ended["desiredStatus"]) == ("STOPPED", "STOPPED")
    assert ended["stopCode"] == "TaskFailedToStart"
    assert ended["stoppedReason"] == (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
        "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. "
        ": exit status 1"
    )
    assert ecs.assigned(Task) == ecs.assigned(Eni) == []


def test_log_group_is_made_when_asked_for(ecs: Any) -> None:
    task = run_logging(ecs, "/ecs/web", **{"awslogs-create-group": "true"})
    ecs.place()
    assert streams(ecs, "/ecs/web") == ["web/web/" + task["taskArn"][-32:]]
    assert ecs.assigned_task(task) is not None


def test_failed_task_takes_nothing_of_its_batch_with_it(ecs: Any) -> None:
    bad = ecs.register(
        logging("/ecs/made", **{"awslogs-create-group": "true"}),
        logging("/ecs/nowhere") | {"name": "side", "essential": False},
        executionRoleArn=ROLE,
    )
    tasks = [ecs.run(), ecs.run(taskDefinition=bad), ecs.run(taskDefinition="web:2")]
    ecs.place()
    assert [ecs.describe(task)["desiredStatus"] for task in tasks] == ["RUNNING", "STOPPED", "RUNNING"]

    async def made(tx: Any) -> Any:
        return await log_groups.find_group(tx, "us-east-1", "/ecs/made")

    assert ecs.in_transaction(made) is None


def small_subnet(ecs: Any, cidr: str) -> str:
    """Make a subnet of the default VPC by hand; a /28 lends eleven addresses."""
    from homeport.services.ec2.store import vpcs

    async def make(tx: Any) -> str:
        vpc = await ec2.get_vpc(tx, "us-east-1", ecs.subnets[0].vpc)
        subnet = ec2_new_subnet(vpc, "us-east-1a", cidr)
        await vpcs.insert_subnet(tx, subnet)
        return str(subnet.id)

    return str(ecs.in_transaction(make))


def ec2_new_subnet(vpc: Any, zone: str, cidr: str) -> Any:
    from homeport.services.ec2.store.defaults import new_subnet

    return new_subnet(vpc, zone, cidr, RandomIds())


def test_full_subnet_passes_the_task_on_to_the_next(ecs: Any) -> None:
    small, large = small_subnet(ecs, "172.31.240.0/28"), ecs.subnets[1].id
    ecs.register()

    def run(*subnets: str) -> Any:
        return ecs.run(taskDefinition="web", networkConfiguration={"awsvpcConfiguration": {"subnets": list(subnets)}})

    for _ in range(11):
        run(small)
    overflow = run(small)
    passed_on = run(small, large)
    ecs.place()
    ended = ecs.describe(overflow)
    assert (ended["lastStatus"], ended["stopCode"]) == ("STOPPED", "TaskFailedToStart")
    assert ended["stoppedReason"] == (
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled "
        f"in subnet '{small}': InsufficientFreeAddressesInSubnet"
    )
    placed = ecs.describe(passed_on)
    assert placed["attachments"][0]["details"][0] == {"name": "subnetId", "value": large}
    assert placed["availabilityZone"] == ecs.subnets[1].zone


def test_public_address_reaches_the_interface(ecs: Any) -> None:
    task = ecs.run(networkConfiguration=ecs.network(assignPublicIp="ENABLED"))
    plain = ecs.run(taskDefinition="web")
    ecs.place()
    assert ecs.assigned_eni(task).public_address
    assert ecs.assigned_eni(plain).public_address == ""


def test_interface_belongs_to_ecs_and_names_its_attachment(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    eni = ecs.assigned_eni(task)

    async def find(tx: Any) -> Any:
        return await ec2.find_interface(tx, eni.id)

    interface = ecs.in_transaction(find)
    attachment = ecs.describe(task)["attachments"][0]["id"]
    assert interface.description == f"arn:aws:ecs:us-east-1:123456789012:attachment/{attachment}"
    assert interface.requester == "amazon-ecs"
    assert [group.name for group in interface.groups] == ["default"]


def test_task_waits_for_a_node_and_is_given_up_after_a_while(ecs: Any) -> None:
    ecs.connected = frozenset()
    task = ecs.run()
    ecs.place()
    assert ecs.describe(task)["lastStatus"] == "PROVISIONING"
    ecs.clock.advance(130)
    ecs.place()
    assert ecs.describe(task)["stoppedReason"].startswith("Capacity is unavailable at this time.")


def test_more_tasks_than_a_batch_are_placed_in_one_pass(ecs: Any) -> None:
    definition = ecs.register()
    for _ in range(7):
        ecs.client.run_task(
            taskDefinition=definition, launchType="FARGATE", networkConfiguration=ecs.network(), count=10
        )
    ecs.place()
    assert len(ecs.assigned(Task)) == 70
    assert len({eni.address for eni in ecs.assigned(Eni)}) == 70


def test_essential_exit_is_told_with_its_code(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    ecs.report(task, "running", containers={"web": {"status": "RUNNING", "started_at": time.time()}})
    ended = {"status": "STOPPED", "exit_code": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}
    ecs.report(task, "stopping", cause="essential-exited", containers={"web": ended})
    stopping = ecs.describe(task)
    assert (stopping["lastStatus"], stopping["desiredStatus"]) == ("STOPPING", "STOPPED")
    assert (stopping["stopCode"], stopping["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert stopping["containers"][0]["exitCode"] == 137
    assert stopping["containers"][0]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_failed_start_is_told_with_its_reason(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    reason = "CannotPullContainerError: no such image"
    ecs.report(task, "gone", cause="failed-to-start", reason=reason, containers={"web": {"reason": reason}})
    ended = ecs.describe(task)
    assert (ended["stopCode"], ended["stoppedReason"]) == ("TaskFailedToStart", reason)
    assert "exitCode" not in ended["containers"][0]
    assert ended["containers"][0]["reason"] == reason


def test_health_of_a_task_is_that_of_its_essential_containers(ecs: Any) -> None:
    check = {"command": ["CMD", "true"]}
    task = ecs.run(
        taskDefinition=ecs.register(
            {"name": "web", "image": "web", "healthCheck": check},
            {"name": "side", "image": "side", "healthCheck": check, "essential": False},
            {"name": "plain", "image": "plain"},
        )
    )
    ecs.place()

    def health(web: str, side: str) -> Any:
        ecs.report(task, "running", containers={"web": {"health": web}, "side": {"health": side}})
        described = ecs.describe(task)
        return described["healthStatus"], [container["healthStatus"] for container in described["containers"]]

    assert health("UNKNOWN", "UNHEALTHY") == ("UNKNOWN", ["UNKNOWN", "UNHEALTHY", "UNKNOWN"])
    assert health("HEALTHY", "UNHEALTHY") == ("HEALTHY", ["HEALTHY", "UNHEALTHY", "UNKNOWN"])
    assert health("UNHEALTHY", "HEALTHY") == ("UNHEALTHY", ["UNHEALTHY", "HEALTHY", "UNKNOWN"])


def test_repeated_and_older_reports_change_nothing(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    ecs.report(task, "running", sequence=5)
    described = ecs.describe(task)
    ecs.report(task, "running", sequence=5, containers={"web": {"health": "HEALTHY"}})
    ecs.report(task, "network-ready", sequence=2)
    assert ecs.describe(task) == described


def test_node_that_forgot_its_count_still_moves_the_task_on(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    ecs.report(task, "running", sequence=50)
    ecs.report(task, "gone", sequence=1)
    assert ecs.describe(task)["lastStatus"] == "STOPPED"


def test_report_of_a_node_that_does_not_have_the_task_changes_nothing(ecs: Any) -> None:
    task = ecs.run()
    ecs.place()
    ecs.report(task, "gone", node="node-2")
    ecs.report({"taskArn": "task/default/" + "f" * 32}, "gone")
    assert ecs.describe(task)["lastStatus"] == "PROVISIONING"
    assert ecs.assigned_task(task) is not None
