"""What the agent asks of a container runtime."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class RuntimeFailed(Exception):
    """The runtime could not do it; the message is fit to be shown to a user."""


class ProcessFailed(RuntimeFailed):
    """
    The container's first process could not be made: no such program, no such user, no such directory.

    Here that shows when the container is created; with Docker, when it is started.
    """


class ImagePullFailed(RuntimeFailed):
    """An image could not be had; the message says from where and why, without the error's name."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is on this machine: its layers to mount and its defaults."""

    id: str
    digest: str  # sha256:... of the manifest
    size: int
    layers: tuple[Path, ...]  # overlay lower directories, topmost first
    command: tuple[str, ...] = ()
    entry_point: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()  # "NAME=value"
    working_directory: str = ""
    user: str = ""
    stop_signal: str = "SIGTERM"
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()  # "80/tcp"


class Images(Protocol):
    """The machine's image store."""

    async def find(self, reference: str) -> Image | None:
        """Return the image if it is on this machine, without asking any registry."""

    async def pull(self, reference: str, *, username: str = "", password: str = "") -> Image:
        """
        Fetch *reference* (tag or digest) and return it; simultaneous pulls of one reference share the work.

        A reference without a registry names a local image first, then Docker Hub, as Docker does.
        Raises ImagePullFailed.
        """

    def use_registry(self, names: Iterable[str], location: str) -> None:
        """Fetch references whose registry is one of *names* from *location*, HOST:PORT, over plain HTTP."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the host inside the container, or a tmpfs when *source* is None."""

    target: str
    source: Path | None = None
    read_only: bool = False
    options: tuple[str, ...] = ()  # for a tmpfs: "size=65536k", "noexec", ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Resource limits of a cgroup; None leaves the resource unlimited."""

    cpu_quota: float | None = None  # CPUs' worth of time
    cpu_shares: int | None = None  # weight, 1024 is one CPU unit's worth of one vCPU
    memory_bytes: int | None = None
    memory_reservation_bytes: int | None = None
    pids: int | None = None


@dataclass(frozen=True, slots=True)
class Rlimit:
    """A POSIX resource limit by its setrlimit name, lower case, without RLIMIT_."""

    name: str
    soft: int
    hard: int
    lower: bool = False  # a default of ours: lowered to what the machine allows; a user's own is refused then


@dataclass(frozen=True, slots=True)
class Spec:
    """A container to make: everything resolved, nothing left to the image's defaults."""

    id: str
    group: str  # made by `ensure_group`
    image: Image
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    network_namespace: Path
    log_path: Path  # conmon's k8s-file: "TIMESTAMP STREAM F|P TEXT" a line
    hostname: str = ""
    working_directory: str = "/"
    user: str = ""  # as in a Dockerfile: name, uid, name:group, uid:gid
    mounts: tuple[Mount, ...] = ()
    limits: Limits = field(default_factory=Limits)
    rlimits: tuple[Rlimit, ...] = ()
    capabilities_add: tuple[str, ...] = ()  # without CAP_, on top of Docker's default set
    capabilities_drop: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    read_only_root: bool = False
    init: bool = False  # a small init as process 1, reaping children
    tty: bool = False
    open_stdin: bool = False
    pid_namespace_of: str = ""  # the id of a running container whose PID namespace to share
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended.  `code` is None if its monitor died first: then nobody can know."""

    code: int | None
    out_of_memory: bool
    finished_at: float


@dataclass(frozen=True, slots=True)
class Running:
    """A container that is alive."""

    pid: int
    started_at: float


@dataclass(frozen=True, slots=True)
class Existing:
    """What is on the machine under one container id, read back after a restart of ours."""

    id: str
    group: str
    state: Running | Exit | None  # None: created but never started


@dataclass(frozen=True, slots=True)
class ExecResult:
    """A finished command inside a container; output is cut at 4 KiB."""

    code: int
    output: str


@dataclass(frozen=True, slots=True)
class Stats:
    """A container's consumption, from its cgroup."""

    cpu_nanoseconds: int
    memory_bytes: int
    memory_limit_bytes: int
    memory_peak_bytes: int = 0
    pids: int = 0
    block_read_bytes: int = 0
    block_write_bytes: int = 0
    memory_inactive_file_bytes: int = 0  # page cache that memory_bytes counts but nobody misses


class Runtime(Protocol):
    """
    Containers, by id.

    A container outlives this object and its process: `conmon` owns it, writes its output and its
    exit code.  Every verb may be repeated; `remove` of what is gone is success.
    """

    async def ensure_group(self, group: str, limits: Limits) -> None:
        """
        Make the cgroup that a task's containers share, or give it other limits.  Raises RuntimeFailed.

        OUTER/INNER lies in the group OUTER, which must exist and whose limits hold for everything in it.
        """

    async def remove_group(self, group: str) -> None:
        """Remove the cgroup, and kill whatever is left in it or in groups inside it."""

    async def create(self, spec: Spec) -> None:
        """Prepare everything up to, but not including, the first instruction.  Raises RuntimeFailed."""

    async def start(self, container: str) -> Running:
        """
        Let the container's process run.  Raises RuntimeFailed.

        A container that has ended is started again in place: same id, same filesystem, same network.
        """

    async def wait(self, container: str) -> Exit:
        """Return when the container has ended; at once if it already has."""

    async def signal(self, container: str, signal: str) -> None:
        """Send a signal such as SIGTERM to the container's first process; nothing if it has ended."""

    async def remove(self, container: str) -> None:
        """Kill the container if it runs, then remove its root, its cgroup and its files (not its log)."""

    async def execute(self, container: str, argv: tuple[str, ...], timeout_seconds: float) -> ExecResult:
        """Run a command inside, as the container's user; a command over its time is killed: TimeoutError."""

    async def stats(self, container: str) -> Stats:
        """Return the container's consumption now."""

    async def existing(self) -> list[Existing]:
        """Return every container that is on this machine, running or ended."""

    async def destroy(self) -> None:
        """Remove every container, mount and cgroup of this runtime, with no knowledge of what was desired."""
