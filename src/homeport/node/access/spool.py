"""
Lines of access logs on the disk: a file for each address of a load balancer and each period.

A file is written (.log), finished (.cut) and, compressed in a thread, ready for the server (.gz); each begins with a line
that says what it is.  What a process of ours left when it was killed is finished by the next.  There is a limit to what is
kept: of files that wait the oldest go.
"""

import contextlib
import gzip
import logging
import secrets
import string
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from homeport.kit.clock import Clock
from homeport.wire.messages import AccessLogFile

log = logging.getLogger(__name__)

PERIOD_SECONDS = 300
FILE_BYTES = 8 * 1024 * 1024  # of lines: a busy load balancer has several files a period, as on AWS
KEPT_BYTES = 64 * 1024 * 1024  # compressed, of files that wait for the server
_ALPHABET = string.ascii_lowercase + string.digits


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """Whose lines a file holds, and where they shall go."""

    balancer: str
    destination: str
    address: str


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """A file's first line."""

    heading: Heading
    ended: int


class _Open:
    """A file that is being written."""

    def __init__(self, path: Path, told: _Told) -> None:
        self.path, self.ended = path, told.ended
        self._file = path.open("xb", buffering=0)
        self._file.write(msgspec.json.encode(told) + b"\n")
        self.size = 0

    def write(self, lines: bytes) -> None:
        self._file.write(lines)
        self.size += len(lines)

    def close(self) -> None:
        self._file.close()


class Spool:
    """The files in *directory*; *finished* is called when there are some to be compressed."""

    def __init__(self, directory: Path, clock: Clock, finished: Callable[[], None]) -> None:
        self._directory = directory
        self._clock = clock
        self._finished = finished
        self._open: dict[Heading, _Open] = {}
        self._cut: deque[Path] = deque()
        self._ready: dict[str, int] = {}  # and how large they are, the oldest first
        self.dropped = 0  # lines and files that were over a limit, or could not be written
        self._recover()

    def _recover(self) -> None:
        if not self._directory.is_dir():
            return
        found = sorted(self._directory.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in found:
            match path.suffix:
                case ".log" | ".cut":
                    self._cut.append(path.rename(path.with_suffix(".cut")))
                case ".gz":
                    self._ready[path.stem] = path.stat().st_size
                case _:
                    path.unlink()

    @property
    def unfinished(self) -> bool:
        """Whether there are files to be compressed."""
        return bool(self._cut)

    @property
    def ready(self) -> str | None:
        """The file that the server shall have next."""
        return next(iter(self._ready), None)

    # --- Writing

    def write(self, heading: Heading, lines: Iterable[str]) -> None:
        """Add lines of requests that were answered just now."""
        text = "".join(f"{each}\n" for each in lines).encode()
        try:
            self._file(heading).write(text)
        except OSError as error:
            self.drop(text.count(b"\n"), error.strerror or "unknown")
            self._close(heading)

    def _file(self, heading: Heading) -> _Open:
        found, ended = self._open.get(heading), self.period_end()
        if found is not None and (found.ended != ended or found.size >= FILE_BYTES):
            self._close(heading)
            found = None
        if found is None:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            name = "".join(secrets.choice(_ALPHABET) for _ in range(8))
            found = _Open(self._directory / f"{name}.log", _Told(heading=heading, ended=ended))
            self._open[heading] = found
        return found

    def period_end(self) -> int:
        """Return when the period that runs is over."""
        return (int(self._clock.now()) // PERIOD_SECONDS + 1) * PERIOD_SECONDS

    def close_ended(self) -> None:
        """Finish the files of periods that are over."""
        now = self._clock.now()
        for heading in [heading for heading, file in self._open.items() if file.ended <= now]:
            self._close(heading)

    def close_all(self, balancer: str) -> None:
        """Finish the files of a load balancer: no more is logged, or elsewhere."""
        for heading in [heading for heading in self._open if heading.balancer == balancer]:
            self._close(heading)

    def _close(self, heading: Heading) -> None:
        if (file := self._open.pop(heading, None)) is None:
            return
        file.close()
        with contextlib.suppress(OSError):
            self._cut.append(file.path.rename(file.path.with_suffix(".cut")))
            self._finished()

    # --- Compressing

    def compress(self) -> tuple[Path, int]:
        """Compress the oldest file that is finished, and return what came of it; may be called in a thread."""
        path = self._cut[0]
        with path.open("rb") as source:
            told = source.readline()
            body = gzip.compress(source.read(), compresslevel=6)
        temporary = path.with_suffix(".new")
        temporary.write_bytes(told + body)
        return temporary.rename(path.with_suffix(".gz")), len(body)

    def compressed(self, path: Path, size: int) -> None:
        """Take note of a file that was compressed."""
        self._cut.popleft().unlink(missing_ok=True)
        self._ready[path.stem] = size
        while sum(self._ready.values()) > KEPT_BYTES:
            self.drop(1, "too many files wait for the server")
            self.forget(next(iter(self._ready)))

    def give_up(self, reason: str) -> None:
        """Take note that the oldest file that is finished cannot be compressed."""
        self._cut.popleft().unlink(missing_ok=True)
        self.drop(1, reason)

    def drop(self, number: int, reason: str) -> None:
        """Count what is lost; the first of it since files were last finished is told."""
        if not self.dropped:
            log.warning("access logs are not complete: %s", reason)
        self.dropped += number

    def tell_dropped(self) -> None:
        """Say how much was lost since this was last asked."""
        if self.dropped:
            log.warning("access logs lack %d lines or files", self.dropped)
            self.dropped = 0

    # --- Handing over

    def read(self, name: str) -> AccessLogFile | None:
        """Return a file that is ready; None if it cannot be read, and is forgotten."""
        try:
            first, _, body = (self._directory / f"{name}.gz").read_bytes().partition(b"\n")
            told = msgspec.json.decode(first, type=_Told)
        except (OSError, msgspec.DecodeError) as error:
            self.forget(name)
            self.drop(1, str(error))
            return None
        heading = told.heading
        return AccessLogFile(
            id=name,
            balancer=heading.balancer,
            destination=heading.destination,
            address=heading.address,
            ended=told.ended,
            body=body,
        )

    def forget(self, name: str) -> None:
        """Remove a file that was ready: the server has it."""
        self._ready.pop(name, None)
        with contextlib.suppress(OSError):
            (self._directory / f"{name}.gz").unlink()

    def close(self) -> None:
        """Let go of the files; the next process goes on from them."""
        for file in self._open.values():
            file.close()
