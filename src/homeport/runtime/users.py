"""Who a container's process is: the image's own passwd and group files, read as Docker reads them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from homeport.kit import linux
from homeport.runtime.protocol import ProcessFailed

_LIMIT = 1 << 20  # bytes of a passwd or group file that are looked at
_HIGHEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class User:
    """The numbers a process runs under, and its home directory."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


def read_in_root(root: Path, path: str) -> str:
    """Return a file's text with *root* as the root directory; empty where there is no such file."""
    directory = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        descriptor = linux.open_in_root(directory, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    finally:
        os.close(directory)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_LIMIT).decode(errors="replace")


def find_user(user: str, passwd: str, group: str) -> User:
    """
    Resolve "", "name", "uid", "name:group" or "uid:gid" (and mixtures).

    A number need not be in the files.  Supplementary groups come from the group file, unless
    a group was named: then it is the only one.
    """
    name, _, group_name = user.partition(":")
    name = name or "0"
    entry = _find_passwd(name, passwd)
    if entry is None:
        if (uid := _number(name)) is None:
            raise ProcessFailed(f"unable to find user {name}: no matching entries in passwd file")
        entry = ("", uid, 0, "/")
    login, uid, gid, home = entry
    if group_name:
        return User(uid, _find_group(group_name, group), (), home)
    groups = tuple(sorted({number for _, number, members in _groups(group) if login and login in members}))
    return User(uid, gid, groups, home)


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()):
        return None
    if int(text) > _HIGHEST_ID:
        raise ProcessFailed(f"uids and gids must be in range 0-{_HIGHEST_ID}")
    return int(text)


def _find_passwd(name: str, passwd: str) -> tuple[str, int, int, str] | None:
    number = _number(name)
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) < 6 or not fields[2].isdigit() or not fields[3].isdigit():
            continue
        if fields[0] == name or int(fields[2]) == number:
            return fields[0], int(fields[2]), int(fields[3]), fields[5] or "/"
    return None


def _find_group(name: str, group: str) -> int:
    number = _number(name)
    for found, gid, _ in _groups(group):
        if found == name or gid == number:
            return gid
    if number is None:
        raise ProcessFailed(f"unable to find group {name}: no matching entries in group file")
    return number


def _groups(group: str) -> Iterator[tuple[str, int, list[str]]]:
    for line in group.splitlines():
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdigit():
            yield fields[0], int(fields[2]), fields[3].split(",")
