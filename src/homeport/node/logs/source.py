"""One container's output file: what has been read of it, what is on its way, what the server holds."""

import asyncio
import errno
import logging
import os
from collections import deque
from itertools import takewhile
from pathlib import Path

from msgspec.structs import replace

from homeport.kit import linux
from homeport.node.logs.batch import Batch, event_start, make_batch
from homeport.node.logs.lines import Line, LineReader
from homeport.node.store import LogSource

log = logging.getLogger(__name__)

MULTILINE_SECONDS = 5.0  # how long an event waits for its next line, as in Docker's driver

_CHUNK = 1024 * 1024
_PUNCH_BYTES = 1024 * 1024
_PAGE = 4096


class Source:
    """Reads ahead by at most a chunk; lines stay in memory until the server holds them."""

    def __init__(self, saved: LogSource) -> None:
        self.saved = saved
        self.in_flight: Batch | None = None
        self.sent_at = 0.0
        self.final_sent = False
        self.due = False  # a look at the file is scheduled
        self.closing: asyncio.TimerHandle | None = None  # the look at which an open event is taken as it is
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pattern = event_start(saved.target)
        self._open_event: tuple[int, float] | None = None  # where the open multi-line event began, and when
        self._punched = 0
        self.rewind()

    @property
    def path(self) -> Path:
        return Path(self.saved.path)

    def rewind(self) -> None:
        """Forget what was read: lines are found again from the last clean place."""
        self._reader = LineReader()
        self._read_to = self.saved.base
        self._lines: deque[Line] = deque()
        self._at_end = False

    def moved(self, offset: int) -> None:
        """Take the server's word that it holds *offset* bytes, whatever we thought."""
        self.saved = replace(self.saved, offset=offset, base=min(self.saved.base, offset))
        self.rewind()

    def advanced(self, batch: Batch) -> None:
        """Take note that the server holds *batch*."""
        self.saved = replace(self.saved, offset=batch.end, base=batch.base)
        while self._lines and self._lines[0].end <= batch.end:
            self._lines.popleft()

    def next_batch(self, now: float) -> tuple[Batch, bool]:
        """Return the next batch, perhaps of nothing, and whether it is the last there will ever be."""
        self._read()
        close = self._at_end or self._open_too_long(now)
        batch = make_batch(self._lines, self._pattern, start=self.saved.offset, base=self.saved.base, close=close)
        rest = len(self._lines) - sum(1 for _ in takewhile(lambda line: line.end <= batch.end, self._lines))
        if rest == 0:
            self._open_event = None
        return batch, self._at_end and rest == 0

    def wake_at(self) -> float | None:
        """Return when an open multi-line event will be taken as it is."""
        return self._open_event[1] + MULTILINE_SECONDS if self._open_event is not None else None

    def _open_too_long(self, now: float) -> bool:
        if self._pattern is None or not self._lines:
            self._open_event = None
            return False
        first = self._lines[0].end
        if self._open_event is None or self._open_event[0] != first:
            self._open_event = (first, now)
        return now >= self._open_event[1] + MULTILINE_SECONDS

    def _read(self) -> None:
        """Read on, until a chunk of lines waits or the file has no more."""
        if self._at_end:
            return
        try:
            descriptor = os.open(self.saved.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._at_end = self.saved.ended
            return
        try:
            size = os.fstat(descriptor).st_size
            while self._waiting() < _CHUNK and (data := os.pread(descriptor, _CHUNK, self._read_to)):
                whole = data.rfind(b"\n") + 1
                if whole == 0:
                    if len(data) < _CHUNK:
                        break  # a record that is being written
                    whole = len(data)  # not conmon's: no record is that long
                lines = self._reader.read(data[:whole], self._read_to)
                self._lines += (line for line in lines if line.end > self.saved.offset)
                self._read_to += whole
            else:
                if self._read_to < size:
                    return  # there is more, but enough for now
        finally:
            os.close(descriptor)
        if self.saved.ended:
            self._at_end = True
            self._lines += (line for line in self._reader.flush(size) if line.end > self.saved.offset)

    def _waiting(self) -> int:
        return self._lines[-1].end - self._lines[0].end if self._lines else 0

    def give_back(self) -> None:
        """
        Give the disk back what the server holds, a piece at a time.

        A hole keeps the file's size and every offset; conmon appends through its own descriptor and
        notices nothing.
        """
        end = self.saved.base // _PAGE * _PAGE
        if end - self._punched < _PUNCH_BYTES:
            return
        descriptor = os.open(self.saved.path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            linux.punch_hole(descriptor, 0, end)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                log.warning("%s: shipped output keeps its disk space: %s", self.path, error.strerror)
        finally:
            os.close(descriptor)
        self._punched = end
