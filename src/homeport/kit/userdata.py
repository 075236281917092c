"""
What an instance's user data asks for, in the manner of cloud-init.  Pure.

There are scripts (`#!`), `#cloud-config` documents with a few simple keys, and MIME multi-part archives of both, each
also compressed by gzip.  All of them come to scripts in the end, which the instance itself runs: some at every
boot, most at the first one only.  What is neither is refused: cloud-init would warn in a log, and do nothing.
"""

import base64
import binascii
import email
import email.policy
import shlex
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import yaml

_UNPACKED_LIMIT = 1 << 20  # bytes, of compressed user data and of each compressed part
_PARTS_LIMIT = 100
_GZIP = b"\x1f\x8b"
_SHELL = b"#!/bin/sh\n"
_SCRIPT_TYPES = ("text/x-shellscript", "text/x-shellscript-per-instance")
_GUESSED_TYPES = ("text/plain", "text/x-not-multipart", "application/octet-stream")
_GZIP_TYPES = ("application/gzip", "application/x-gzip", "application/gzip-compressed", "application/x-compressed")
_BINARY = ("b64", "base64")
_PACKED = ("gz", "gzip")
_PACKED_BINARY = tuple(f"{packed}+{binary}" for packed in _PACKED for binary in _BINARY)


class UnsupportedUserData(ValueError):
    """The user data asks for something that cannot be done; the message says what, fit to be shown to its author."""


@dataclass(frozen=True, slots=True)
class Script:
    """A program that the instance runs, with its first line saying by what."""

    name: str  # a file name
    content: bytes


@dataclass(frozen=True, slots=True)
class UserData:
    """The scripts that are run at every boot, and then those of the first boot only, each in the order of their names."""

    always: tuple[Script, ...] = ()
    once: tuple[Script, ...] = ()


def parse_user_data(data: bytes) -> UserData:
    """Return what *data*, decoded from the API's base64, asks for.  Raises UnsupportedUserData."""
    found = _Found()
    _take(_unpacked(data), found)
    return found.user_data()


@dataclass(slots=True)
class _Found:
    """What has been met on the way through the parts."""

    bootcmd: list[Any]
    files: list[bytes]
    runcmd: list[Any]
    scripts: list[bytes]
    parts: int

    def __init__(self) -> None:
        self.bootcmd, self.files, self.runcmd, self.scripts, self.parts = [], [], [], [], 0

    def user_data(self) -> UserData:
        always = [Script("bootcmd", _commands(self.bootcmd, "bootcmd"))] if self.bootcmd else []
        once = [Script("000-write_files", _SHELL + b"".join(self.files))] if self.files else []
        once += [Script(f"part-{number:03}", script) for number, script in enumerate(self.scripts, start=1)]
        once += [Script("runcmd", _commands(self.runcmd, "runcmd"))] if self.runcmd else []
        return UserData(tuple(always), tuple(once))


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = reader.decompress(data, _UNPACKED_LIMIT)
    except zlib.error as error:
        raise UnsupportedUserData(f"the user data is compressed, but not by gzip as a whole: {error}") from error
    if not reader.eof:
        raise UnsupportedUserData(f"the user data is cut short or unpacks to more than {_UNPACKED_LIMIT} bytes")
    return unpacked


def _take(data: bytes, found: _Found) -> None:
    found.parts += 1
    if found.parts > _PARTS_LIMIT:
        raise UnsupportedUserData(f"the user data has more than {_PARTS_LIMIT} parts")
    text = data.lstrip()
    first = text.split(b"\n", 1)[0].strip()
    if not text:
        return
    if text.startswith(b"#!"):
        found.scripts.append(text)
    elif first == b"#cloud-config":
        _take_config(text, found)
    elif text[:13].lower() == b"content-type:" or text[:13].lower() == b"mime-version:":
        _take_message(text, found)
    else:
        word = first.decode(errors="replace")[:40]
        raise UnsupportedUserData(
            "user data must begin with #!, #cloud-config or the header of a MIME multi-part archive"
            f" of these, but begins with {word!r}"
        )


# --- MIME archives


def _take_message(text: bytes, found: _Found) -> None:
    message = email.message_from_bytes(text, policy=email.policy.default)
    assert isinstance(message, EmailMessage), "the policy makes messages of this class"
    for part in message.walk():
        if not part.is_multipart():
            _take_part(part, found)


def _take_part(part: Any, found: _Found) -> None:
    kind = part.get_content_type()
    payload = part.get_payload(decode=True) or b""
    content = _unpacked(payload).lstrip()
    if not content:
        return
    if kind in _SCRIPT_TYPES:
        if not content.startswith(b"#!"):
            raise UnsupportedUserData(f"a part of type {kind} does not begin with #!")
        _take(content, found)
    elif kind == "text/cloud-config":
        found.parts += 1
        _take_config(content, found)
    elif kind in (*_GUESSED_TYPES, *_GZIP_TYPES):
        _take(content, found)
    else:
        raise UnsupportedUserData(f"a part of the user data has the type {kind}, which is not supported")


# --- cloud-config


def _take_config(text: bytes, found: _Found) -> None:
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UnsupportedUserData(f"the cloud-config document is not YAML: {error}") from error
    if config is None:
        return
    if not isinstance(config, dict):
        raise UnsupportedUserData("a cloud-config document must be a mapping")
    readers: dict[str, Callable[[list[Any]], None]] = {
        "bootcmd": found.bootcmd.extend,
        "runcmd": found.runcmd.extend,
        "write_files": lambda files: found.files.extend(_file(each) for each in files),
    }
    for key, value in config.items():
        if key not in readers:
            raise UnsupportedUserData(
                f"the cloud-config key {key!r} is not supported; these are: {', '.join(sorted(readers))}"
            )
        if not isinstance(value, list):
            raise UnsupportedUserData(f"the cloud-config key {key!r} must be a list")
        readers[key](value)
    for name, commands in (("bootcmd", found.bootcmd), ("runcmd", found.runcmd)):
        _commands(commands, name)


def _commands(commands: Sequence[Any], key: str) -> bytes:
    """Return the shell script of a list of commands; a list among them is a command in single words."""
    lines = []
    for command in commands:
        if isinstance(command, str):
            lines.append(command)
        elif isinstance(command, list) and all(isinstance(word, str | int | float) for word in command):
            lines.append(shlex.join(str(word) for word in command))
        else:
            raise UnsupportedUserData(f"each command of {key} must be a string or a list of words")
    return _SHELL + "".join(f"{line}\n" for line in lines).encode()


def _file(entry: Any) -> bytes:
    """Return the piece of a shell script that writes one file."""
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str) or not entry["path"].startswith("/"):
        raise UnsupportedUserData("each entry of write_files must be a mapping with an absolute path")
    allowed = ("path", "content", "encoding", "owner", "permissions", "append")
    if unknown := sorted(str(key) for key in entry if key not in allowed):
        raise UnsupportedUserData(f"write_files: {unknown[0]!r} is not supported")
    path = shlex.quote(entry["path"])
    content = base64.b64encode(_content(entry)).decode()
    lines = [
        f"mkdir -p {shlex.quote(entry['path'].rpartition('/')[0] or '/')}",
        f"echo {content} | base64 -d {'>>' if entry.get('append') is True else '>'}{path}",
        f"chmod {_permissions(entry.get('permissions', '0644'))} {path}",
    ]
    if owner := entry.get("owner"):
        lines.append(f"chown {shlex.quote(str(owner))} {path}")
    return "".join(f"{line}\n" for line in lines).encode()


def _permissions(given: Any) -> str:
    """Return the octal mode; a bare 0644 in YAML is a number already, as it is for cloud-init."""
    text = f"{given:o}" if isinstance(given, int) and not isinstance(given, bool) else str(given)
    if not text or len(text) > 5 or set(text) - set("01234567"):
        raise UnsupportedUserData(f"write_files: the permissions {given!r} are no octal number")
    return text


def _content(entry: dict[str, Any]) -> bytes:
    given, encoding = entry.get("content", ""), str(entry.get("encoding", "text/plain")).lower()
    data = given if isinstance(given, bytes) else str(given).encode()
    try:
        if encoding in _BINARY:
            return base64.b64decode(data)
        if encoding in _PACKED:
            return _unpacked(data)
        if encoding in _PACKED_BINARY:
            return _unpacked(base64.b64decode(data))
    except binascii.Error as error:
        raise UnsupportedUserData(f"write_files: the content of {entry['path']} is not base64: {error}") from error
    if encoding != "text/plain":
        raise UnsupportedUserData(f"write_files: the encoding {encoding!r} is not supported")
    return data
