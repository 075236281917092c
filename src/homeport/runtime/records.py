"""
What is on disk of each container, and what it means.

`state/containers/ID` outlives a reboot: the definition, the writable layer, and when runs were
started.  `run/containers/ID/N` is one run, gone after a reboot with the processes it names.  There
is no other memory: after a crash at any point these directories and /proc say how far things got.
"""

import shutil
from pathlib import Path
from typing import Any

import msgspec

from homeport.runtime.conmon import Run
from homeport.runtime.protocol import Exit, Running, RuntimeFailed, Spec


def _encode(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError


def _decode(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError


_encoder = msgspec.json.Encoder(enc_hook=_encode)
_decoder = msgspec.json.Decoder(Spec, dec_hook=_decode)


class Records:
    """The directories of all containers of one runtime."""

    def __init__(self, state: Path, run: Path) -> None:
        self.state = state / "containers"
        self.run = run / "containers"
        for directory in (self.state, self.run):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def ids(self) -> list[str]:
        return sorted({path.name for base in (self.state, self.run) for path in base.iterdir()})

    def put(self, spec: Spec) -> None:
        """Record a container that is about to be made, with an empty writable layer."""
        directory = self.state / spec.id
        for part in (directory / "upper", self.run / spec.id / "rootfs"):
            part.mkdir(parents=True)
        fresh = directory / "record.new"
        fresh.write_bytes(_encoder.encode(spec))
        fresh.rename(directory / "record.json")

    def find(self, container: str) -> Spec | None:
        """Return a container's definition; None also if its recording was cut short."""
        try:
            return _decoder.decode((self.state / container / "record.json").read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def get(self, container: str) -> Spec:
        """Return a container's definition.  Raises RuntimeFailed."""
        if (spec := self.find(container)) is None:
            raise RuntimeFailed(f"no such container: {container}")
        return spec

    def runs(self, container: str) -> list[Run]:
        """Return the container's runs, the latest last."""
        base = self.run / container
        numbers = [int(path.name) for path in base.iterdir() if path.name.isdigit()] if base.exists() else []
        return [self._run(container, number) for number in sorted(numbers)]

    def new_run(self, container: str) -> Run:
        """Make the directories of the container's next run; of the earlier ones the last stays."""
        earlier = self.runs(container)
        for run in earlier[:-1]:
            shutil.rmtree(run.directory)
        record = self.state / container
        started = [int(path.suffix[1:]) for path in record.glob("started.*")]
        run = self._run(container, 1 + max([*started, *(run.number for run in earlier)], default=0))
        work = record / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        run.directory.mkdir(parents=True)
        (self.run / container / "rootfs").mkdir(exist_ok=True)
        return run

    def _run(self, container: str, number: int) -> Run:
        return Run(container, number, self.run / container / str(number), self.state / container)

    def find_state(self, container: str) -> Running | Exit | None:
        """
        Return what the container does; None if it was never started.

        A restart that was cut short counts for nothing: the run before it is what happened.
        """
        runs = self.runs(container)
        for run in reversed(runs):
            if (state := run_state(run)) is not None:
                return state
        # The machine was started anew since: the run is gone, that there was one is not.  A run that is there
        # and still waits at its gate has not begun, though we may have been killed after recording its start.
        waiting = {run.started_file for run in runs}
        begun = (path for path in (self.state / container).glob("started.*") if path not in waiting)
        started = sorted(begun, key=lambda path: path.stat().st_mtime)
        return Exit(None, out_of_memory=False, finished_at=started[-1].stat().st_mtime) if started else None

    def remove(self, container: str) -> None:
        """Forget the container with its writable layer; the definition goes last, so that a crash can be resumed."""
        for directory in (self.run / container, self.state / container / "upper", self.state / container):
            if directory.exists():
                shutil.rmtree(directory)


def run_state(run: Run) -> Running | Exit | None:
    """Return what a run has come to; None if it has not begun.  Out-of-memory is for its cgroup to say."""
    conmon = run.conmon_pid()  # first: it writes the exit file before it ends
    try:
        started_at = float(run.started_file.read_text())
    except (FileNotFoundError, ValueError):
        return None  # also if it ended while it waited to be started
    if (ended := _exit(run)) is not None:
        return ended
    if conmon is None:
        return Exit(None, out_of_memory=False, finished_at=run.lost_at())
    return None if run.waits() else Running(run.init_pid() or conmon, started_at)


def _exit(run: Run) -> Exit | None:
    try:
        return Exit(int(run.exit_file.read_text()), out_of_memory=False, finished_at=run.exit_file.stat().st_mtime)
    except (FileNotFoundError, ValueError):
        return None
