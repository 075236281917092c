"""A supervisor keeps its programs running, and passes on what its command says and what it is told."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Begin = Callable[..., "subprocess.Popen[str]"]

SCRIPT = Path(__file__).with_name("supervised.py")
SERVER = "printf S >/proc/self/fd/$HOMEPORT_READY_FD; exec sleep 600"
NODE = "printf N >/proc/self/fd/$HOMEPORT_READY_FD; exec sleep 600"
SECONDS = 60  # for what takes less than one


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    begun: list[subprocess.Popen[str]] = []

    def supervise(*command: str, server: str = SERVER, node: str = NODE) -> "subprocess.Popen[str]":
        argv = [sys.executable, str(SCRIPT), str(tmp_path), server, node, *command]
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}
        )
        begun.append(process)
        return process

    yield supervise
    for process in begun:
        process.kill()
        process.communicate(timeout=SECONDS)


def end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


def programs(folder: Path) -> list[int]:
    return [int((folder / "run" / f"{name}.pid").read_text()) for name in ("server", "node")]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_the_commands_end_is_ours_as_a_shell_tells_it(begin: Begin, tmp_path: Path, script: str, code: int) -> None:
    assert end(begin("sh", "-c", script))[0] == code
    assert not any(alive(pid) for pid in programs(tmp_path))


def test_a_command_that_is_not_there_is_127(begin: Begin) -> None:
    code, _, err = end(begin("no-such-command"))
    assert (code, err) == (127, "homeport: no-such-command: No such file or directory\n")


@pytest.mark.parametrize("name", ["server", "node"])
def test_a_program_that_dies_is_started_again(begin: Begin, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "births")
    program = {"server": SERVER, "node": NODE}[name].replace("exec", "echo $$ >births; exec")
    watch = "exec 3<>births; read first <&3; kill $first; read second <&3; echo $first $second"
    code, out, _ = end(begin("sh", "-c", watch, **{name: program}))
    first, second = out.split()
    assert code == 0
    assert first != second
    assert programs(tmp_path)[name == "node"] == int(second)


def test_a_start_that_fails_quotes_the_logs(begin: Begin, tmp_path: Path) -> None:
    code, out, _ = end(begin("true", server="echo the port is taken >&2; exit 3"))
    assert code == 99
    assert out.startswith("Homeport did not start; the ends of its logs:\n")
    assert f"--- {tmp_path}/state/log/server.log\nthe port is taken\n" in out
    assert not any(alive(pid) for pid in programs(tmp_path))


def test_a_signal_is_the_commands(begin: Begin, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")
    process = begin("sh", "-c", "trap 'echo told; exit 5' TERM; echo ready; while :; do read line <never; done")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert end(process)[:2] == (5, "told\n")
    assert not any(alive(pid) for pid in programs(tmp_path))
