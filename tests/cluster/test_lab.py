"""A lab returns its command's exit code and leaves nothing, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cgroups import fresh_cgroup_root
from tests.cluster.conftest import until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

LAB = [sys.executable, "-m", "homeport.cli.main", "lab", "--"]


def lab(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([*LAB, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def traces(folder: str) -> list[str]:
    """What of a lab is still on the machine."""
    found = [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/{folder}*")]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if folder in line]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if folder.encode() in command:
            found.append(command.decode(errors="replace"))
    if Path("/var/tmp", folder).exists():
        found.append(f"/var/tmp/{folder}")
    return found


def test_the_command_s_exit_code_is_ours_and_the_box_is_closed() -> None:
    script = "ip route; ip -o link | wc -l; echo $HOMEPORT_RUN; env | grep -c ^AWS_; exit 7"
    process = lab("sh", "-c", script)
    output, errors = process.communicate(timeout=180)
    assert process.returncode == 7, errors
    lines = output.splitlines()
    assert not any(line.startswith("default") for line in lines), "a lab has no default route"
    assert "eth0" not in output
    assert traces(Path(lines[-2]).parent.name) == []


def test_a_command_that_cannot_run_is_told_as_a_shell_would() -> None:
    process = lab("/no/such/program")
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 127
    assert "/no/such/program" in errors


def test_two_labs_run_side_by_side() -> None:
    script = "aws=1; echo $HOMEPORT_RUN; read line"
    labs = [
        subprocess.Popen([*LAB, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    runs = []
    for process in labs:
        assert process.stdout is not None
        runs.append(process.stdout.readline().strip())
    assert len(set(runs)) == 2
    for process in labs:
        process.communicate("go\n", timeout=180)
        assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_lab_that_is_ended_from_outside_leaves_nothing(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    process = lab("sh", "-c", "echo $HOMEPORT_RUN; exec sleep 600")
    assert process.stdout is not None
    run = Path(process.stdout.readline().strip())
    folder = run.parent.name
    monkeypatch.setenv("HOMEPORT_RUN", str(run))
    made = [hierarchy / fresh_cgroup_root() for hierarchy in Path("/sys/fs/cgroup").glob("pids")]
    for group in made:
        group.mkdir()  # as a test in the lab would
    assert {str(group) for group in made} < set(traces(folder))
    os.kill(process.pid, number)
    process.communicate(timeout=180)

    def left() -> list[str]:
        return [trace for trace in traces(folder) if number == signal.SIGTERM or "python" in trace]

    until("the lab to be gone", lambda: not left())
    if (
        number == signal.SIGKILL
    ):  # nobody was left to remove the state: the next lab does, or another test's, which is at it
        lab("true").communicate(timeout=180)
        until("its state to be removed", lambda: not traces(folder))
