"""How tasks end, in AWS's words; and that nothing of them stays."""

import pytest
from tests.cluster.conftest import Lab, awslogs, hears, shell, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_an_essential_container_that_exits_ends_its_task(lab: Lab) -> None:
    side = {"name": "side", "entryPoint": ["sleep"], "command": ["1000"], "stopTimeout": 2}
    main = shell("echo done; exit 3", dependsOn=[{"containerName": "side", "condition": "START"}])
    task = lab.stopped(lab.run(lab.define(main, side)))
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    codes = {container["name"]: container["exitCode"] for container in task["containers"]}
    assert codes["main"] == 3
    assert codes["side"] in (137, 143)
    assert lab.lines(task["taskArn"], "main") == ["done"]
    assert task["attachments"][0]["status"] == "DELETED"


def test_a_missing_image_is_told(lab: Lab) -> None:
    definition = lab.define(shell("true", image="127.0.0.1:1/absent:latest"))
    task = lab.stopped(lab.run(definition))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert task["containers"][0]["reason"].startswith("CannotPullContainerError: ")
    assert "exitCode" not in task["containers"][0]


def test_a_missing_log_group_keeps_a_task_from_starting(lab: Lab) -> None:
    task = lab.stopped(lab.run(lab.define(shell("true", logConfiguration=awslogs("/not/there")))))
    assert task["stopCode"] == "TaskFailedToStart"
    assert "The specified log group does not exist." in task["stoppedReason"]
    assert task["stoppedReason"].startswith("ResourceInitializationError: failed to validate logger args")


def test_a_log_group_is_made_when_asked_for(lab: Lab) -> None:
    options = awslogs("/made/by/a/task", **{"awslogs-create-group": "true"})
    lab.stopped(lab.run(lab.define(shell("echo hello", logConfiguration=options))))
    events = lab.logs.filter_log_events(logGroupName="/made/by/a/task")["events"]
    assert "hello" in [event["message"] for event in events]


def test_running_out_of_memory_is_told(lab: Lab) -> None:
    hungry = "x=a; while true; do x=$x$x; done"
    task = lab.stopped(lab.run(lab.define(shell(hungry, memory=64))))
    container = task["containers"][0]
    assert container["exitCode"] == 137
    assert container["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_containers_of_a_task_share_localhost_and_start_in_order(lab: Lab) -> None:
    web = {
        "name": "web",
        "healthCheck": {"command": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1/healthz"], "interval": 5},
        "stopTimeout": 2,
    }
    main = shell(
        "wget -q -O - http://localhost/healthz; hostname; cat /etc/resolv.conf",
        dependsOn=[{"containerName": "web", "condition": "HEALTHY"}],
    )
    arn = lab.run(lab.define(web, main))
    task = lab.stopped(arn)
    lines = lab.lines(arn, "main")
    assert lines[0] == "ok"
    details = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
    assert lines[1] == details["privateDnsName"].split(".")[0]
    assert "nameserver 172.31.0.2" in lines


def test_names_resolve_inside_the_vpc(lab: Lab) -> None:
    web = lab.run(lab.define({"name": "web", "stopTimeout": 2}), groups=[lab.security_group(port=80)])
    lab.running(web)
    name = lab.interface(web)["PrivateDnsName"]
    arn = lab.run(lab.define(shell(f"{hears(f'{name}/healthz')}; nslookup absent.ec2.internal; true")))
    lab.stopped(arn)
    assert "ok" in lab.lines(arn, "main")


def test_a_user_s_stop_waits_for_the_containers(lab: Lab) -> None:
    patient = 'trap "echo bye; exit 0" TERM; echo ready; while true; do sleep 0.1; done'
    arn = lab.run(lab.define(shell(patient, stopTimeout=30)))
    lab.running(arn)
    until("it to hear signals", lambda: lab.lines(arn, "main"))
    answer = lab.ecs.stop_task(task=arn, reason="enough")["task"]
    assert (answer["desiredStatus"], answer["stopCode"], answer["stoppedReason"]) == (
        "STOPPED",
        "UserInitiated",
        "enough",
    )
    task = lab.stopped(arn)
    assert task["containers"][0]["exitCode"] == 0
    assert lab.lines(arn, "main")[-1] == "bye"


def test_a_read_only_root_and_a_user_are_honoured(lab: Lab) -> None:
    definition = lab.define(
        shell(
            "id -u; echo x > /etc/x || echo read-only; pwd",
            user="1000:1000",
            workingDirectory="/tmp",
            readonlyRootFilesystem=True,
        )
    )
    arn = lab.run(definition)
    lab.stopped(arn)
    lines = lab.lines(arn, "main")
    assert "1000" in lines
    assert "read-only" in lines
    assert "/tmp" in lines
