"""What the files of a run say, and what a monitor that ends meanwhile leaves to say."""

import asyncio
import itertools
import os
from pathlib import Path

import pytest

from homeport.runtime import conmon
from homeport.runtime.conmon import Run
from homeport.runtime.protocol import Exit, RuntimeFailed
from homeport.runtime.records import Records, run_state


@pytest.fixture
def run(tmp_path: Path) -> Run:
    for name in ("run", "record"):
        (tmp_path / name).mkdir()
    return Run("c-1", 1, tmp_path / "run", tmp_path / "record")


@pytest.mark.parametrize("last", range(4))
def test_a_container_that_ends_at_once_was_started(run: Run, last: int, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()

    def look(run: Run) -> int | None:
        if next(looks) < last:
            return os.getpid()
        run.exit_file.write_text("0")  # as the monitor's last deed
        return None

    monkeypatch.setattr(Run, "conmon_pid", look)
    asyncio.run(conmon.open_gate(run))


def test_a_container_that_vanished_was_not_started(run: Run) -> None:
    with pytest.raises(RuntimeFailed, match="ended before it was started"):
        asyncio.run(conmon.open_gate(run))


def test_a_container_that_is_killed_while_its_gate_is_opened_has_ended(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.gate.parent.mkdir(parents=True)
    os.mkfifo(run.gate)
    reader = os.open(run.gate, os.O_RDONLY | os.O_NONBLOCK)
    write = os.write

    def late(descriptor: int, data: bytes) -> int:
        os.close(reader)
        return write(descriptor, data)

    monkeypatch.setattr(Run, "waits", lambda _: True)
    monkeypatch.setattr(Run, "conmon_pid", lambda _: os.getpid())
    monkeypatch.setattr(os, "write", late)
    asyncio.run(conmon.open_gate(run))
    assert not run.gate.exists()


def test_what_ended_at_its_gate_has_not_begun(run: Run) -> None:
    run.exit_file.write_text("137")
    assert run_state(run) is None
    run.record_start(1_000.0)
    assert isinstance(run_state(run), Exit)


def test_a_start_is_recorded_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a write that was cut short leaves a file with nothing in it, which would still count as a start."""
    records = Records(tmp_path / "state", tmp_path / "run")
    (records.state / "c-1").mkdir()
    run = records.new_run("c-1")

    def cut_short(path: Path, text: str) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", cut_short)
        with pytest.raises(KeyboardInterrupt):
            run.record_start(1_000.0)
    assert records.find_state("c-1") is None
    run.record_start(1_000.0)
    assert isinstance(records.find_state("c-1"), Exit)
