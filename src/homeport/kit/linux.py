"""The system calls that Python 3.11 does not offer, one function each; what fails is an OSError that says where."""

import ctypes
import os
import struct
from dataclasses import dataclass

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
_MNT_DETACH = 2

IN_MODIFY = 0x2
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_Q_OVERFLOW = 0x4000

_FALLOC_FL_KEEP_SIZE = 1
_FALLOC_FL_PUNCH_HOLE = 2
_PR_SET_PDEATHSIG = 1
_RESOLVE_IN_ROOT = 0x10
_SYS_OPENAT2 = 437  # the same on every architecture
_TIME_ERROR = 5

StrPath = str | os.PathLike[str]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
_libc.inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
_libc.syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Give the calling thread namespaces of its own; with CLONE_NEWPID its next child is the first process there."""
    _check(_libc.unshare(flags), "unshare")


def setns(namespace: int, kind: int) -> None:
    """Move the calling thread into the namespace behind a descriptor."""
    _check(_libc.setns(namespace, kind), "setns")


def mount(source: StrPath, target: StrPath, kind: str | None, flags: int = 0, options: str | None = None) -> None:
    """Mount, as mount(2) says."""
    kind_bytes = kind.encode() if kind is not None else None
    option_bytes = options.encode() if options is not None else None
    result = _libc.mount(os.fsencode(source), os.fsencode(target), kind_bytes, flags, option_bytes)
    _check(result, f"mount {target}")


def unmount(target: StrPath) -> None:
    """Detach the mount at *target* from this namespace; whoever still uses it keeps it."""
    _check(_libc.umount2(os.fsencode(target), _MNT_DETACH), f"unmount {target}")


def open_in_root(root: int, path: str, flags: int) -> int:
    """
    Open *path* as a process whose root directory is the descriptor *root* would.

    An image's symbolic links, absolute ones too, can then never lead out into the machine.
    """
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT)
    number = ctypes.c_long(_SYS_OPENAT2)
    name = ctypes.c_char_p(os.fsencode(path))
    result: int = _libc.syscall(number, ctypes.c_long(root), name, how, ctypes.c_size_t(len(how)))
    return _check(result, f"open {path}")


def punch_hole(descriptor: int, start: int, length: int) -> None:
    """Give the disk a part of a file back: it reads as zeros, and the file's size and offsets stay."""
    mode = _FALLOC_FL_PUNCH_HOLE | _FALLOC_FL_KEEP_SIZE
    _check(_libc.fallocate(descriptor, mode, start, length), "punch hole")


def inotify_init() -> int:
    """Return a new inotify descriptor, whose reads do not block."""
    return _check(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "inotify_init1")


def inotify_add_watch(descriptor: int, path: StrPath, mask: int) -> int:
    """Return the watch that reports the events of *mask* at *path*."""
    return _check(_libc.inotify_add_watch(descriptor, os.fsencode(path), mask), f"watch {path}")


class _Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)); the rest is room for what the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


@dataclass(frozen=True, slots=True)
class ClockState:
    """The largest error the clock can have, and whether something keeps it right."""

    error_microseconds: int
    synchronized: bool


def clock_state() -> ClockState:
    """Return what the kernel knows of its clock."""
    timex = _Timex(modes=0)
    result = _check(_libc.adjtimex(ctypes.byref(timex)), "adjtimex")
    return ClockState(timex.maxerror, result != _TIME_ERROR)


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel for *signal_number* once the parent process is gone."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")
