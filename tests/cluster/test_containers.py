"""What a container definition declares is what the container is."""

from typing import Any

import pytest
from tests.cluster.conftest import Lab, awslogs, part, shell, side, until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def on(container: str, condition: str) -> list[dict[str, str]]:
    return [{"containerName": container, "condition": condition}]


def test_restarts_are_in_place(lab: Lab) -> None:
    """The shortest period that AWS allows is a minute, and so long this takes."""
    policy = {"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [9]}
    count = "wget -q -O - $ECS_CONTAINER_METADATA_URI_V4 | grep -o 'RestartCount\":[0-9]*'"
    shared: dict[str, Any] = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
    again = side(
        f"{count}; ls /mark 2>/dev/null || echo absent; echo >> /data/again; touch /mark; sleep 60.5; exit 3",
        "again",
        restartPolicy=policy,
        **shared,
    )
    ignored = side("echo once; sleep 60.5; touch /data/ignored; exit 9", "ignored", restartPolicy=policy, **shared)
    early = side("echo once; exit 3", "early", restartPolicy=policy)
    main = shell(
        "until [ $(wc -l < /data/again) = 2 ] && [ -e /data/ignored ]; do sleep 0.1; done 2>/dev/null; sleep 1",
        **shared,
    )
    task = lab.run(lab.define(main, again, ignored, early, volumes=[{"name": "data"}]))
    until("the minute to pass", lambda: lab.describe(task)["lastStatus"] == "STOPPED")
    ended = lab.stopped(task)
    assert lab.lines(task, "again") == [
        'RestartCount":0',
        "absent",
        'RestartCount":1',
        "/mark",
    ]
    assert lab.lines(task, "ignored") == lab.lines(task, "early") == ["once"]
    assert [part(ended, name)["exitCode"] for name in ("ignored", "early")] == [9, 3]


@pytest.mark.parametrize(
    ("dependency", "condition", "reason"),
    [
        (
            side("exit 5"),
            "SUCCESS",
            "as dependency did not exit successfully.",
        ),
        (
            side("sleep 100", startTimeout=2),
            "COMPLETE",
            "has timed out.",
        ),
        (
            side("sleep 1", healthCheck={"command": ["CMD", "false"]}),
            "HEALTHY",
            "because dependency will never start",
        ),
        (
            {"name": "side", "essential": False, "entryPoint": ["/nope"]},
            "START",
            "because dependency will never start",
        ),
    ],
)
def test_a_dependency_that_cannot_hold_ends_the_wait(
    lab: Lab, dependency: dict[str, object], condition: str, reason: str
) -> None:
    task = lab.outcome(shell("echo ran", dependsOn=on("side", condition)), dependency)
    assert task["stopCode"] == "EssentialContainerExited"
    told = part(task, "main")["reason"]
    assert told.startswith("CannotStartContainerError: dependency graph: ")
    assert told.endswith(f"container ordering dependency [side] for target [main] {reason}")
    assert part(task, "main")["exitCode"] == 143
    assert lab.lines(task["taskArn"], "main") == []


def test_a_volume_is_shared_as_declared(lab: Lab) -> None:
    mount = {"sourceVolume": "data", "containerPath": "/data"}
    writer = side("echo written > /data/x", "writer", mountPoints=[mount])
    reader = shell(
        "cat /data/x; touch /data/y 2>/dev/null || echo read-only",
        mountPoints=[{**mount, "readOnly": True}],
        dependsOn=on("writer", "SUCCESS"),
    )
    borrower = side(
        "cat /data/x; touch /data/y 2>/dev/null || echo read-only",
        "borrower",
        volumesFrom=[{"sourceContainer": "writer", "readOnly": True}],
        dependsOn=on("writer", "COMPLETE"),
    )
    reader["dependsOn"] += on("borrower", "COMPLETE")
    task = lab.outcome(reader, writer, borrower, volumes=[{"name": "data"}])
    for name in ("main", "borrower"):
        lines = lab.lines(task["taskArn"], name)
        assert (lines[0], lines[-1]) == ("written", "read-only")


def test_whoever_ignores_the_stop_is_killed(lab: Lab) -> None:
    stubborn = side('trap "" TERM; while true; do sleep 0.1; done', "stubborn", stopTimeout=2)
    task = lab.outcome(shell("sleep 1"), stubborn)
    assert part(task, "stubborn")["exitCode"] == 137


def test_limits_mounts_and_rights_are_as_declared(lab: Lab) -> None:
    lines = lab.output(
        shell(
            "ulimit -Sn; ulimit -Hn; grep CapEff /proc/self/status; tr '\\0' ' ' </proc/1/cmdline; echo;"
            "grep /scratch /proc/mounts; cat /proc/sys/net/core/somaxconn; pwd; id -un; echo $HOME; echo $A $B",
            ulimits=[{"name": "nofile", "softLimit": 1234, "hardLimit": 4321}],
            user="web",
            workingDirectory="/not/yet/there",
            systemControls=[{"namespace": "net.core.somaxconn", "value": "999"}],
            environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "two words"}],
            linuxParameters={
                "initProcessEnabled": True,
                "capabilities": {"drop": ["ALL"], "add": ["SYS_PTRACE"]},
                "tmpfs": [{"containerPath": "/scratch", "size": 16, "mountOptions": ["noexec"]}],
            },
        )
    )
    assert lines[:3] == ["1234", "4321", "CapEff:\t0000000000000000"]  # a plain user holds none
    assert lines[3].startswith("/dev/init -- sh -c ")
    assert "size=16384k" in lines[4]
    assert "noexec" in lines[4]
    assert lines[5:] == ["999", "/not/yet/there", "web", "/tmp", "1 two words"]


def test_containers_of_one_pid_namespace_see_each_other(lab: Lab) -> None:
    main = shell("until ps | grep -v grep | grep -q 'sleep 3333'; do sleep 0.1; done; echo seen")
    assert lab.output(main, side("sleep 3333"), pidMode="task") == ["seen"]


def test_with_the_first_container_of_a_pid_namespace_the_others_end(lab: Lab) -> None:
    stubborn = side('trap "" TERM; while true; do sleep 0.1; done', "stubborn", stopTimeout=30)
    task = lab.outcome(shell("sleep 1; exit 7"), stubborn, pidMode="task")
    assert part(task, "main")["exitCode"] == 7
    assert part(task, "stubborn")["exitCode"] == 137


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"entryPoint": ["/nope"]}, "CannotStartContainerError: executable file `/nope` not found"),
        ({"entryPoint": ["/etc/passwd"]}, "CannotStartContainerError: "),
        ({"user": "nobodys"}, "CannotStartContainerError: unable to find user nobodys"),
        ({"image": "No:Such"}, "CannotPullContainerError: invalid reference format"),
        ({"image": "x" * 300}, "CannotPullContainerError: "),
        (
            {"logConfiguration": awslogs("/tests", **{"awslogs-multiline-pattern": "["})},
            'ResourceInitializationError: failed to validate logger args: awslogs could not parse multiline pattern key "["',
        ),
    ],
)
def test_what_cannot_start_says_why(lab: Lab, container: dict[str, object], reason: str) -> None:
    task = lab.outcome({"name": "main", **container})
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith(reason)
    assert "exitCode" not in part(task, "main")


def test_memory_is_the_task_s_and_the_guilty_container_s_end(lab: Lab) -> None:
    greedy = side("dd if=/dev/zero of=/dev/null bs=700M count=1", "greedy")
    task = lab.outcome(shell("true", dependsOn=on("greedy", "COMPLETE")), greedy)
    assert part(task, "greedy")["reason"] == "OutOfMemoryError: Container killed due to memory usage"
    assert part(task, "greedy")["exitCode"] == 137
    assert part(task, "main")["exitCode"] == 0


def test_cpu_time_is_the_task_s(lab: Lab) -> None:
    """Two busy containers of a quarter of a CPU get it, together, and no more."""
    together = "touch /data/$0; until [ -e /data/main ] && [ -e /data/side ]; do sleep 0.01; done; "
    busy = together + (
        "read start _ < /proc/uptime; i=0; while read now _ < /proc/uptime; [ $((${now%.*} - ${start%.*})) -lt 4 ]; "
        "do i=$((i + 1)); done; cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null "
        "|| sed -n 's/usage_usec \\(.*\\)/\\1000/p' /sys/fs/cgroup/cpu.stat"
    )
    shared: dict[str, Any] = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
    main = shell(busy + "; until [ -e /data/done ]; do sleep 0.1; done", **shared)
    other = side(busy + "; touch /data/done; sleep 1000", **shared)
    main["command"], other["command"] = [*main["command"], "main"], [*other["command"], "side"]
    task = lab.outcome(main, other, volumes=[{"name": "data"}])
    used = [int(lab.lines(task["taskArn"], name)[0]) for name in ("main", "side")]
    assert 0.1 < sum(used) / 1e9 < 1.5


def test_health_is_told_of_containers_and_task(lab: Lab) -> None:
    checked = {"interval": 5, "retries": 1}
    well = shell("sleep 100", "well", healthCheck={"command": ["CMD", "true"], **checked})
    ill = shell("sleep 100", "ill", healthCheck={"command": ["CMD-SHELL", "echo bad; exit 1"], **checked})
    arn = lab.run(lab.define(well, ill))
    until("one to be ill", lambda: lab.describe(arn).get("healthStatus") == "UNHEALTHY")
    until("one to be well", lambda: part(lab.describe(arn), "well")["healthStatus"] == "HEALTHY")
    assert part(lab.describe(arn), "ill")["healthStatus"] == "UNHEALTHY"


def test_a_fork_bomb_stays_in_its_task_and_ends_with_it(lab: Lab) -> None:
    bomb = lab.run(lab.define(shell("f() { f | f & }; f; sleep 1000")))
    lab.running(bomb)
    assert lab.output(shell("echo fine")) == ["fine"]
    lab.ecs.stop_task(task=bomb)
    assert part(lab.stopped(bomb), "main")["exitCode"] == 137
