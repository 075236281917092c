"""The kernel's word that files have changed, on the event loop: nothing here looks twice, or by the clock."""

import asyncio
import os
import struct
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from homeport.kit import linux

_EVENT = struct.Struct("iIII")
_BUFFER = 64 * 1024


class Inotify:
    """One inotify descriptor with callbacks per watched directory; usable as a context manager."""

    def __init__(self) -> None:
        self._fd = linux.inotify_init()
        self._callbacks: dict[int, Callable[[str], None]] = {}
        self._overflow: list[Callable[[], None]] = []
        asyncio.get_running_loop().add_reader(self._fd, self._ready)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def watch_names(self, directory: Path, appeared: Callable[[str], None]) -> None:
        """Call back with the name of every file that appears in *directory*."""
        self._watch(directory, linux.IN_CREATE | linux.IN_MOVED_TO, appeared)

    def watch_writes(self, directory: Path, written: Callable[[str], None], overflowed: Callable[[], None]) -> None:
        """Call back with the name of every file in *directory* that is written to, or when events were lost."""
        self._watch(directory, linux.IN_MODIFY, written)
        self._overflow.append(overflowed)

    def _watch(self, directory: Path, mask: int, callback: Callable[[str], None]) -> None:
        self._callbacks[linux.inotify_add_watch(self._fd, directory, mask)] = callback

    def _ready(self) -> None:
        try:
            data = os.read(self._fd, _BUFFER)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, at)
            name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
            at += _EVENT.size + length
            if mask & linux.IN_Q_OVERFLOW:
                for callback in self._overflow:
                    callback()
            elif (known := self._callbacks.get(watch)) is not None:
                known(os.fsdecode(name))
