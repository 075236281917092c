"""A container's OCI configuration, from what the agent asked for.  Pure: no file is read here."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeport.runtime.protocol import Mount, RuntimeFailed, Spec
from homeport.runtime.users import User

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INIT_TARGET = "/dev/init"

# Docker's default set.
DEFAULT_CAPABILITIES = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
# In the kernel's order: the index is the capability's number.
CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    "CHECKPOINT_RESTORE",
)
_MASKED = (
    *("/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list"),
    *("/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"),
)
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_OPPOSITES = {"noexec": "exec", "nosuid": "suid", "nodev": "dev"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of a container's configuration the machine decides, not the agent."""

    root: Path
    network_namespace: str
    pid_namespace: str = ""  # path of the one to join; empty for a new one
    init: Path | None = None
    linux: Mapping[str, Any] | None = None  # more for the `linux` section: cgroups, seccomp
    cgroup_mounts: Sequence[Mapping[str, Any]] = ()
    cgroup_namespace: bool = False
    seccomp_filter: str = ""  # ready-made, base64


def plan_capabilities(add: Iterable[str], drop: Iterable[str], allowed: frozenset[str]) -> tuple[str, ...]:
    """
    Return the capabilities of a container, with CAP_.

    As in Docker, dropping ALL leaves what is added, and adding ALL gives all but what is dropped.
    *allowed* is what this machine can give; asking for another one by name is refused.
    """
    added, dropped = ([name.upper().removeprefix("CAP_") for name in names] for names in (add, drop))
    if unknown := set(added + dropped) - {*CAPABILITIES, "ALL"}:
        raise RuntimeFailed(f"unknown capability {min(unknown)}")
    if beyond := set(added) - {"ALL"} - allowed:
        raise RuntimeFailed(f"this machine cannot give the capability {min(beyond)}: the node itself lacks it")
    base: set[str] = set() if "ALL" in dropped else set(DEFAULT_CAPABILITIES) & allowed
    if "ALL" in added:
        base = set(allowed)
    else:
        base |= set(added)
    if "ALL" not in dropped:
        base -= set(dropped)
    return tuple(f"CAP_{name}" for name in CAPABILITIES if name in base)


def oci_config(
    spec: Spec, user: User, capabilities: Sequence[str], rlimits: Sequence[Mapping[str, Any]], around: Surroundings
) -> dict[str, Any]:
    """Return the whole config.json."""
    if forbidden := [name for name in spec.annotations if name.startswith("run.oci.")]:
        raise RuntimeFailed(f"the annotation {forbidden[0]} is the runtime's own")
    annotations = dict(spec.annotations)
    if around.seccomp_filter:
        annotations["run.oci.seccomp_bpf_data"] = around.seccomp_filter
    namespaces: list[dict[str, str]] = [
        {"type": "pid", "path": around.pid_namespace} if around.pid_namespace else {"type": "pid"},
        {"type": "network", "path": around.network_namespace},
        {"type": "ipc"},
        {"type": "uts"},
        {"type": "mount"},
    ]
    if around.cgroup_namespace:
        namespaces.append({"type": "cgroup"})
    return {
        "ociVersion": "1.0.2",
        "process": _process(spec, user, capabilities, rlimits, around),
        "root": {"path": str(around.root), "readonly": spec.read_only_root},
        "hostname": spec.hostname,
        "mounts": _mounts(spec, around),
        "annotations": annotations,
        "linux": {
            "namespaces": namespaces,
            "sysctl": dict(spec.sysctls),
            "maskedPaths": list(_MASKED),
            "readonlyPaths": list(_READ_ONLY),
            **(around.linux or {}),
        },
    }


def _process(
    spec: Spec, user: User, capabilities: Sequence[str], rlimits: Sequence[Mapping[str, Any]], around: Surroundings
) -> dict[str, Any]:
    if not spec.argv:
        raise RuntimeFailed("no command specified")
    environment = {"PATH": DEFAULT_PATH, "HOME": user.home}
    if spec.hostname:
        environment["HOSTNAME"] = spec.hostname
    if spec.tty:
        environment["TERM"] = "xterm"
    environment |= spec.environment
    argv = list(spec.argv)
    if spec.init:
        assert around.init, "an init was asked for, and whoever asks finds one first"
        argv = [INIT_TARGET, "--", *argv]
    # A process that is not root gets only what its files give it, as after execve.
    active = list(capabilities) if user.uid == 0 else []
    return {
        "terminal": spec.tty,
        "user": {"uid": user.uid, "gid": user.gid, "additionalGids": list(user.groups), "umask": 0o022},
        "args": argv,
        "env": [f"{name}={value}" for name, value in environment.items()],
        "cwd": spec.working_directory or "/",
        "capabilities": {"bounding": list(capabilities), "effective": active, "permitted": active},
        "rlimits": list(rlimits),
        "noNewPrivileges": False,
    }


def _mounts(spec: Spec, around: Surroundings) -> list[dict[str, Any]]:
    base: list[dict[str, Any]] = [
        _mount("/proc", "proc", "nosuid", "noexec", "nodev"),
        _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
        *(dict(mount) for mount in around.cgroup_mounts),
        _mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),  # noqa: S108 - the container's
    ]
    if spec.init and around.init:
        base.append(_bind(INIT_TARGET, around.init, "ro"))
    own = [_own_mount(mount) for mount in spec.mounts]
    targets = {mount["destination"] for mount in own}
    kept = [mount for mount in base if mount["destination"] not in targets]
    # A mount inside another's target must come after it.
    return [*kept, *sorted(own, key=lambda mount: mount["destination"].count("/"))]


def _mount(target: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": target, "type": kind, "source": kind, "options": list(options)}


def _bind(target: str, source: Path, *options: str) -> dict[str, Any]:
    return {"destination": target, "type": "bind", "source": str(source), "options": ["rbind", "rprivate", *options]}


def _own_mount(mount: Mount) -> dict[str, Any]:
    target = "/" + posixpath.normpath(mount.target).lstrip("/")
    if not mount.target.startswith("/") or target == "/":
        raise RuntimeFailed(f"invalid mount path: '{mount.target}' mount path must be absolute and not '/'")
    if mount.source is not None:
        return _bind(target, mount.source, "ro" if mount.read_only else "rw", *mount.options)
    given = set(mount.options)
    defaults = [name for name, opposite in _OPPOSITES.items() if opposite not in given and name not in given]
    return _mount(target, "tmpfs", *defaults, *mount.options, *(("ro",) if mount.read_only else ()))
