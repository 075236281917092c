"""
A complete, fresh Homeport inside namespaces of its own, for as long as one command runs.

The lab's network namespace has a loopback interface and nothing else: no default route, no link to
the machine.  Its first process is number 1 of a PID namespace, so when that ends, for whatever
reason, the kernel takes every process, mount and network namespace of the lab with it.  What the
kernel does not take (cgroups and the state directory) is removed by the lab's owner, or by the next
lab if the owner was killed.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from homeport.cli.supervisor import StartFailed, Supervisor, programs_of
from homeport.kit import linux
from homeport.kit.installation import Installation, client_environment, read_credentials
from homeport.kit.objectstore import BadStore, check_store

_PREFIX = "homeport-lab-"
_DNS_PORT = 53  # the port that programs ask at: nobody else has it in a namespace of the lab's own
_CGROUPS = Path("/sys/fs/cgroup")


def run(command: Sequence[str], *, keep: bool, s3_endpoint: str = "", s3_credentials: str = "") -> int:
    """Run *command* in a new lab and return its exit code; with *keep* its state and logs stay on disk."""
    if os.geteuid() != 0:
        print("homeport: a lab makes namespaces, which needs root", file=sys.stderr)
        return 1
    try:
        check_store(s3_endpoint, s3_credentials)
    except BadStore as problem:
        print(f"homeport: {problem}", file=sys.stderr)
        return 1
    ensure_demo_image()
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_parent()))
    folder.chmod(0o755)
    with _locked(folder):
        try:
            return _enter(folder, _installation(folder, s3_endpoint, s3_credentials), command)
        finally:
            _remove_cgroups(folder.name)
            _sweep()  # of labs that were started in this one and died with it
            if keep:
                print(f"homeport: the lab's state and logs are kept in {folder}", file=sys.stderr)
            else:
                shutil.rmtree(folder, ignore_errors=True)


def ensure_demo_image() -> None:
    """Have homeport/web:latest in the shared store; a lab works without it, so a failure is only told."""
    store = Path(Installation().shared_images)
    if not any((store / "podman").glob("demo-*")):
        from homeport.cli.images import demo

        demo()


def _parent() -> str:
    """Return where labs keep their state: not a tmpfs, because overlay mounts and images live there."""
    return "/var/tmp"  # noqa: S108 - the folder in it is made by mkdtemp


def _installation(folder: Path, s3_endpoint: str, s3_credentials: str) -> Installation:
    return Installation(
        state=str(folder / "state"),
        run=str(folder / "run"),
        cgroup_root=folder.name,
        node="lab",
        dns_port=_DNS_PORT,
        s3_endpoint=s3_endpoint,
        s3_credentials=s3_credentials,
    )


def _enter(folder: Path, installation: Installation, command: Sequence[str]) -> int:
    """Fork the lab's first process and wait for it."""
    sys.stdout.flush()
    sys.stderr.flush()
    owner = os.fork()  # unshare would put every later child of ours into the lab's PID namespace
    if owner == 0:
        os._exit(_own(folder, installation, command))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(owner, number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command in the foreground gets it, and decides
    return _wait(owner)


def _own(folder: Path, installation: Installation, command: Sequence[str]) -> int:
    linux.die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    linux.unshare(linux.CLONE_NEWNET | linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS)
    first = os.fork()
    if first == 0:
        try:
            linux.die_with_parent(signal.SIGKILL)
            os._exit(_live(folder, installation, command))
        except BaseException:  # noqa: BLE001 - the fork's copy of the caller's stack must never run on
            sys.excepthook(*sys.exc_info())
            os._exit(70)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(first, number))
    return _wait(first)


def _wait(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _live(folder: Path, installation: Installation, command: Sequence[str]) -> int:
    """Be process 1 of the lab: Homeport first, then the command, then nothing."""
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    _loopback_up()
    socket.sethostname("homeport-lab")
    _resolve_here(folder)
    supervisor = Supervisor(installation, programs_of(installation))
    try:
        supervisor.start()
    except StartFailed as failure:
        print(f"homeport: {failure}", file=sys.stderr)
        return 1
    credentials = read_credentials(installation)
    assert credentials is not None, "a server that answers has written its keys"
    environment = {**os.environ, **client_environment(installation, credentials)}
    # What lies beside our Python (homeport, aws) is found in the lab without being asked for.
    environment["PATH"] = os.pathsep.join((environment.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        environment.pop(name, None)
    try:
        return supervisor.run_command(command, environment)
    finally:
        _release_cpu(folder.name)


def _resolve_here(folder: Path) -> None:
    """Have the lab's programs ask the lab's own resolver for names; there is no other that they could reach."""
    own = folder / "resolv.conf"
    own.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:3\n")
    with contextlib.suppress(OSError):  # a machine without /etc/resolv.conf asks 127.0.0.1 anyhow
        linux.mount(str(own), str(Path("/etc/resolv.conf").resolve()), None, linux.MS_BIND)


def _loopback_up() -> None:
    """Set the flag by ioctl: importing a netlink library would cost more than the rest of the lab's start."""
    siocgifflags, siocsifflags, iff_up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = fcntl.ioctl(sock, siocgifflags, struct.pack("16sh14x", b"lo", 0))
        _, flags = struct.unpack("16sh14x", request)
        fcntl.ioctl(sock, siocsifflags, struct.pack("16sh14x", b"lo", flags | iff_up))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lab's lock; whoever can take it knows that the lab is dead."""
    unseen = folder / "lock.new"  # nobody may find a lock that is not held yet
    descriptor = os.open(unseen, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        unseen.rename(folder / "lock")
        yield
    finally:
        os.close(descriptor)


def _sweep() -> None:
    """Remove what labs left whose owner was killed; those whose lock is held are alive."""
    for folder in Path(_parent()).glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_cgroups(folder.name)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _cgroups(name: str) -> set[Path]:
    """Return the lab's cgroups, in every hierarchy, and those that a program in it made beside them: NAME-ANYTHING."""
    patterns = (name, f"{name}-*")
    return {root for each in patterns for root in (*_CGROUPS.glob(each), *_CGROUPS.glob(f"*/{each}"))}


def _release_cpu(name: str) -> None:
    """Take the caps off the lab's tasks: a killed process waits for its share of CPU time before it dies."""
    for file, unlimited in (("cpu.cfs_quota_us", "-1"), ("cpu.max", "max")):
        for root in _cgroups(name):
            for path in root.rglob(file):
                with contextlib.suppress(OSError):
                    path.write_text(unlimited)


def _remove_cgroups(name: str) -> None:
    """Remove the lab's cgroups from every hierarchy; their processes are gone, or soon will be."""
    _release_cpu(name)
    for root in _cgroups(name):
        for parent, folders, _ in os.walk(root, topdown=False):
            for folder in folders:
                with contextlib.suppress(OSError):
                    Path(parent, folder).rmdir()
        with contextlib.suppress(OSError):
            root.rmdir()
