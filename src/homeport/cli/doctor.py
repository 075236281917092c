"""`homeport doctor`: what this machine has, and what each missing thing costs."""

import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from homeport.cli.supervisor import server_user
from homeport.kit import linux


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at; *cost* says what does not work without it."""

    name: str
    found: Callable[[], str]  # what was found; empty if it is missing
    cost: str
    needed: bool = True


def _tool(name: str) -> Callable[[], str]:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    return lambda: shutil.which(name, path=path) or ""


def _file(path: str) -> Callable[[], str]:
    return lambda: path if Path(path).exists() else ""


def cgroup_layout() -> str:
    """Return how control groups are mounted here: "v2", "v1", or "hybrid" (v1 with an empty v2 beside it)."""
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return "v2"
    if Path("/sys/fs/cgroup/unified").exists():
        return "hybrid"
    return "v1" if Path("/sys/fs/cgroup/memory").exists() else ""


def _in_new_namespace(probe: Callable[[], None]) -> bool:
    """Try something in a throw-away network namespace, in a child that cannot leave anything behind."""
    pid = os.fork()
    if pid == 0:
        try:
            linux.unshare(linux.CLONE_NEWNET)
            probe()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def _command(*argv: str) -> Callable[[], str]:
    """Return a probe that runs a program inside a throw-away network namespace."""

    def probe() -> None:
        if subprocess.run(argv, check=False, capture_output=True).returncode != 0:
            raise OSError

    return lambda: "works" if _in_new_namespace(probe) else ""


def _conntrack() -> str:
    return "present" if Path("/proc/sys/net/netfilter/nf_conntrack_max").exists() else ""


def _overlay() -> str:
    return "present" if "overlay" in Path("/proc/filesystems").read_text() else ""


def _bridge_netfilter() -> str:
    setting = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    return f"built in, default {setting.read_text().strip()}" if setting.exists() else "absent"


def _server_user() -> str:
    return "homeport" if server_user() is not None else ""


def _port_free() -> str:
    with socket.socket() as probe:
        return "free or ours" if probe.connect_ex(("127.0.0.1", 4566)) != 0 else "something answers"


CHECKS = (
    Check("root", lambda: "yes" if os.geteuid() == 0 else "", "containers and networks cannot be made"),
    Check("Linux", platform.release, "nothing works"),
    Check("cgroups", cgroup_layout, "task sizes cannot be enforced"),
    Check("overlayfs", _overlay, "containers have no root file system"),
    Check("nftables", _command("nft", "add", "table", "inet", "probe"), "security groups cannot be enforced"),
    Check("conntrack", _conntrack, "security groups cannot be stateful"),
    Check(
        "veth",
        _command("ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"),
        "tasks have no network interface",
    ),
    Check("podman", _tool("podman"), "images cannot be pulled or built"),
    Check("conmon", _tool("conmon"), "containers have no owner: no exit codes, no logs"),
    Check("crun", _tool("crun"), "containers cannot be started"),
    Check(
        "seccomp profile", _file("/usr/share/containers/seccomp.json"), "containers run without a system call filter"
    ),
    Check("setpriv", _tool("setpriv"), "the API server cannot give up its privileges"),
    Check("server user", _server_user, "the API server runs as root without capabilities", needed=False),
    Check("docker-registry", _tool("docker-registry"), "ECR has no registry behind it", needed=False),
    Check("tzdata", _file("/usr/share/zoneinfo/Europe/Berlin"), "schedules run by UTC only", needed=False),
    Check("haproxy", _tool("haproxy"), "load balancers cannot be made", needed=False),
    Check("catatonit", _tool("catatonit"), "initProcessEnabled is refused", needed=False),
    Check(
        "busybox-static", _file("/bin/busybox"), "no instance boots, and the demo image cannot be built", needed=False
    ),
    Check(
        "8021q",
        _command("ip", "link", "add", "link", "lo", "name", "probe0", "type", "vlan", "id", "5"),
        "trunks use VXLAN instead of VLAN devices",
        needed=False,
    ),
    Check(
        "vxlan",
        _command("ip", "link", "add", "probe0", "type", "vxlan", "id", "5", "dstport", "4789"),
        "no trunks without 8021q, no VPC across machines",
        needed=False,
    ),
    Check("bridge netfilter", _bridge_netfilter, "nothing", needed=False),
    Check("API port 4566", _port_free, "another --port is needed", needed=False),
)


def doctor(checks: Sequence[Check] = CHECKS) -> int:
    """Print every check; the exit code is 1 if something needed is missing."""
    broken = 0
    for check in checks:
        found = check.found()
        mark = "ok     " if found else ("MISSING" if check.needed else "without")
        print(f"{mark}  {check.name:<16} {found or check.cost}")
        broken += check.needed and not found
    if broken:
        print(f"\n{broken} needed things are missing; scripts/install-system installs what apt has.")
    return 1 if broken else 0
