"""
The seccomp filter, compiled ahead.

Compiling the profile is half of an OCI runtime's start, and the result depends only on the
profile, the capabilities and the architecture.  So it is compiled once, kept on disk, and handed
to crun ready-made (its annotation run.oci.seccomp_bpf_data).
"""

import base64
import ctypes
import ctypes.util
import hashlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

PROFILE = Path("/usr/share/containers/seccomp.json")

_ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_OPERATORS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
# What Docker's profile keeps for CAP_SYS_ADMIN and containers-common's does not, because it also serves
# containers in containers: with a user namespace a process has every capability again, over less.
_ADMIN = frozenset(
    {
        *("clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr"),
        *("move_mount", "open_tree", "pivot_root", "quotactl", "quotactl_fd", "setdomainname", "sethostname"),
        *("setns", "umount", "umount2", "unshare"),
    }
)
# Root's keyring is one for all containers of a machine: never allowed, as in Docker.
_KEYRINGS = frozenset({"add_key", "keyctl", "request_key"})
_NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW flag of clone
_ENOSYS = 38  # of clone3, whose flags no filter can see: C libraries then use clone
_WITH_ERRNO = ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
_EPERM = 1
_UNKNOWN_SYSCALL = -1
_EXISTS = -17

# uname's machine -> the name in profiles' `arches`, and the token in their `archMap`
_MACHINES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
}


def resolve_profile(
    profile: Mapping[str, Any], capabilities: Iterable[str], machine: str, kernel: tuple[int, int]
) -> dict[str, Any]:
    """
    Turn a profile with conditions into the `linux.seccomp` section of an OCI configuration.

    *capabilities* are the container's, with CAP_; *kernel* is its major and minor version.
    """
    arch, token = _MACHINES[machine]
    held = set(capabilities)

    def applies(rule: Mapping[str, Any]) -> bool:
        includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
        if (arches := includes.get("arches")) and arch not in arches:
            return False
        if not held.issuperset(includes.get("caps") or ()):
            return False
        if (least := includes.get("minKernel")) and kernel < _version(least):
            return False
        return arch not in (excludes.get("arches") or ()) and held.isdisjoint(excludes.get("caps") or ())

    arches = [token]
    for entry in profile.get("archMap") or ():
        if entry["architecture"] == token:
            arches += entry.get("subArchitectures") or ()
    section: dict[str, Any] = {"defaultAction": profile["defaultAction"], "architectures": arches, "syscalls": []}
    if "defaultErrnoRet" in profile:
        section["defaultErrnoRet"] = profile["defaultErrnoRet"]
    for rule in filter(applies, profile["syscalls"]):
        resolved: dict[str, Any] = {"names": rule["names"], "action": rule["action"]}
        if "errnoRet" in rule:
            resolved["errnoRet"] = rule["errnoRet"]
        if rule.get("args"):
            resolved["args"] = rule["args"]
        section["syscalls"].append(resolved)
    return section


def restrict(section: Mapping[str, Any], capabilities: Iterable[str]) -> dict[str, Any]:
    """Return a resolved profile without what Docker's does not allow a container with *capabilities*."""
    denied = _KEYRINGS if "CAP_SYS_ADMIN" in set(capabilities) else _KEYRINGS | _ADMIN
    kept = ({**rule, "names": [n for n in rule["names"] if n not in denied]} for rule in section["syscalls"])
    rules: list[dict[str, Any]] = [rule for rule in kept if rule["names"]]
    refused = sorted(denied - {"clone", "clone3"})
    rules.append({"names": refused, "action": "SCMP_ACT_ERRNO", "errnoRet": _EPERM})
    if "clone" in denied:
        plain = {"index": 0, "value": _NEW_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
        rules.append({"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [plain]})
        rules.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS})
    return {**section, "syscalls": rules}


def _version(text: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", text)
    if not found:
        raise ValueError(f"not a kernel version: {text}")
    return int(found[1]), int(found[2])


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    library.seccomp_arch_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return library


def _action(name: str, errno: int | None) -> int:
    value = _ACTIONS[name]
    return value | (_EPERM if errno is None else errno) if name in _WITH_ERRNO else value


def compile_filter(section: Mapping[str, Any]) -> bytes:
    """Compile an OCI `linux.seccomp` section to the kernel's filter, rule by rule as crun does."""
    library = _library()
    default = _action(section["defaultAction"], section.get("defaultErrnoRet"))
    context = library.seccomp_init(default)
    if not context:
        raise OSError("seccomp_init failed")
    try:
        for arch in section["architectures"]:
            token = library.seccomp_arch_resolve_name(arch.removeprefix("SCMP_ARCH_").lower().encode())
            _check(library.seccomp_arch_add(context, token), arch, allowed=_EXISTS)
        for rule in section["syscalls"]:
            action = _action(rule["action"], rule.get("errnoRet"))
            if action == default:
                continue  # libseccomp refuses rules that change nothing
            for name in rule["names"]:
                _add(library, context, action, name, rule.get("args") or ())
        with tempfile.TemporaryFile() as file:
            _check(library.seccomp_export_bpf(context, file.fileno()), "export")
            file.seek(0)
            return file.read()
    finally:
        library.seccomp_release(context)


def _check(result: int, what: str, allowed: int = 0) -> None:
    if result < 0 and result != allowed:
        raise OSError(-result, os.strerror(-result), what)


def _add(library: ctypes.CDLL, context: int, action: int, name: str, args: Sequence[Mapping[str, Any]]) -> None:
    number = library.seccomp_syscall_resolve_name(name.encode())
    if number == _UNKNOWN_SYSCALL:
        return  # a call this libseccomp does not know keeps the default action
    comparisons = [_Comparison(a["index"], _OPERATORS[a["op"]], a["value"], a.get("valueTwo") or 0) for a in args]
    # Conditions on one argument are alternatives; conditions on several must all hold.
    alternatives = len({c.arg for c in comparisons}) < len(comparisons)
    for group in [[c] for c in comparisons] if alternatives else [comparisons]:
        array = (_Comparison * len(group))(*group)
        _check(library.seccomp_rule_add_array(context, action, number, len(group), array), name)


class Filters:
    """Compiled filters by capability set, kept under *directory* between runs."""

    def __init__(self, directory: Path, profile: Path = PROFILE) -> None:
        self._directory = directory
        self._text = profile.read_bytes()
        self._ready: dict[tuple[str, ...], str] = {}

    def annotation(self, capabilities: Sequence[str]) -> str:
        """Return the filter for a container with *capabilities*, in base64, compiling it if it is new."""
        key = tuple(sorted(capabilities))
        if (ready := self._ready.get(key)) is None:
            ready = self._ready[key] = base64.b64encode(self._load(key)).decode()
        return ready

    def section(self, capabilities: Sequence[str]) -> dict[str, Any]:
        """Return the same filter as an OCI `linux.seccomp` section, for a runtime to compile itself."""
        system = os.uname()
        profile = json.loads(self._text)
        resolved = resolve_profile(profile, capabilities, system.machine, _version(system.release))
        return restrict(resolved, capabilities)

    def _load(self, key: tuple[str, ...]) -> bytes:
        section = self.section(key)
        path = self._directory / f"{hashlib.sha256(json.dumps(section).encode()).hexdigest()[:32]}.bpf"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            compiled = compile_filter(section)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        fresh.write_bytes(compiled)
        fresh.replace(path)
        return compiled
