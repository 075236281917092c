"""The few system calls that Python does not offer, with errors as OSError."""

import ctypes
import os
import struct

MS_RDONLY = 1
MS_REC = 0x4000
MS_SLAVE = 1 << 19
MNT_DETACH = 2
CLONE_NEWNS = 0x00020000
_RESOLVE_IN_ROOT = 0x10
_SYS_OPENAT2 = 437  # the same on every architecture

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.unshare.argtypes = [ctypes.c_int]
_libc.syscall.restype = ctypes.c_long


def _check(result: int, name: str) -> int:
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno), name)
    return result


def mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    _check(_libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()), target)


def unmount(target: str) -> None:
    """Detach the mount at *target* from this namespace; whoever still uses it keeps it."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), target)


def leave_mount_namespace() -> None:
    """
    Give the calling thread mounts, and a working directory, of its own.

    Mounts made outside later still arrive where the outside shares them; nothing goes back.
    """
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", "", MS_REC | MS_SLAVE, "")


def open_in_root(root: int, path: str, flags: int) -> int:
    """
    Open *path* as a process whose root directory is the descriptor *root* would.

    An image's symbolic links, absolute ones too, can then never lead out into the machine.
    """
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT)
    number = ctypes.c_long(_SYS_OPENAT2)
    return _check(
        _libc.syscall(number, ctypes.c_long(root), ctypes.c_char_p(path.encode()), how, ctypes.c_size_t(len(how))),
        path,
    )
