"""
Network namespaces that outlive us: each is held by a bind mount and reached by its file.

A thread has a network namespace of its own, so entering one concerns only the calling thread.  It
must never be left behind in a foreign one: all later sockets of the thread would be made there.
Where the way home fails the process ends.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homeport.kit import linux


class Namespaces:
    """The network namespaces under one directory, by name."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self.home)

    def path(self, name: str) -> Path:
        return self._directory / name

    def names(self) -> list[str]:
        """Return every name in use, whether or not a namespace is behind it."""
        return sorted(path.name for path in self._directory.iterdir()) if self._directory.is_dir() else []

    def exists(self, name: str) -> bool:
        """Tell whether a namespace is behind the name: a crash can leave the bare file."""
        try:
            return self.path(name).stat().st_dev == os.fstat(self.home).st_dev
        except FileNotFoundError:
            return False

    def open(self, name: str) -> int:
        """Return a file descriptor that stands for the namespace."""
        return os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)

    @contextmanager
    def within(self, namespace: int) -> Iterator[None]:
        """Have the calling thread live in *namespace* for the body, which must not await."""
        linux.setns(namespace, linux.CLONE_NEWNET)
        try:
            yield
        finally:
            self._return()

    @contextmanager
    def blank(self) -> Iterator[int]:
        """
        Make a namespace and have the calling thread live in it for the body, which gets its descriptor.

        It lives as long as the descriptor, or whatever else is made to hold it.
        """
        linux.unshare(linux.CLONE_NEWNET)
        try:
            yield os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            self._return()

    def hold(self, namespace: int, name: str) -> None:
        """Give a namespace a name under which it outlives us."""
        path = self.path(name)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o400)
        linux.mount(f"/proc/self/fd/{namespace}", path, None, linux.MS_BIND)

    def remove(self, name: str) -> None:
        """Let go of the namespace; the kernel ends it when nothing lives in it any more."""
        path = self.path(name)
        while self.exists(name):  # a mount may lie upon another where two of us raced
            linux.unmount(path)
        path.unlink(missing_ok=True)

    def remove_directory(self) -> None:
        """Remove the directory, once nothing is in it."""
        if self._directory.is_dir():
            self._directory.rmdir()

    def _return(self) -> None:
        try:
            linux.setns(self.home, linux.CLONE_NEWNET)
        except OSError:
            os.abort()


def write_sysctl(name: str, value: str) -> None:
    """Set a sysctl of the calling thread's network namespace, by its path below /proc/sys/net."""
    descriptor = os.open(f"/proc/sys/net/{name}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)
