"""Desired state: tasks and their containers."""

from enum import StrEnum

import msgspec

from homeport.wire.base import Message


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """Start only once *container* meets *condition*: START, COMPLETE, SUCCESS or HEALTHY."""

    container: str
    condition: str


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A container health check; times in seconds, retries in failures in a row."""

    command: tuple[str, ...]
    interval: int = 30
    timeout: int = 5
    retries: int = 3
    start_period: int = 0


class Ulimit(msgspec.Struct, frozen=True, kw_only=True):
    """A resource limit, named as in setrlimit without the RLIMIT_ prefix, lower case."""

    name: str
    soft: int
    hard: int


class Tmpfs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tmpfs mount of *size* MiB."""

    path: str
    size: int
    options: tuple[str, ...] = ()


class Mount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the task's volumes, mounted into the container."""

    volume: str
    path: str
    read_only: bool = False


class RestartPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Restart an ended container in place unless its exit code is ignored or it ran under *period* seconds."""

    ignored_exit_codes: tuple[int, ...] = ()
    period: int = 300


class PortMapping(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A port that a container listens on, or with *last_port* the range of ports up to that.

    Only bridge mode publishes it, on the instance's *host_port*; 0 lets the node choose from the dynamic range,
    and a range is always chosen, one host port for each of its ports in a row.
    """

    container_port: int
    last_port: int = 0
    host_port: int = 0
    protocol: str = "tcp"


class LogTarget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a container's output goes: a log stream that the server has already made."""

    region: str
    group: str
    stream: str
    multiline_pattern: str = ""
    options: dict[str, str] = msgspec.field(default_factory=dict)  # as declared, for the metadata endpoint


class Container(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One container of a task.  None means: as the image says."""

    name: str
    arn: str
    runtime_id: str  # Fargate's form: TASKID-NNNNNNNNNN
    endpoint_id: str  # the capability in the metadata URIs
    image: str
    essential: bool = True
    command: tuple[str, ...] | None = None
    entry_point: tuple[str, ...] | None = None
    environment: dict[str, str] = msgspec.field(default_factory=dict)
    working_directory: str = ""
    user: str = ""
    cpu: int = 0  # CPU units, 1024 to a vCPU; a share, not a cap
    memory: int = 0  # MiB, hard limit; 0 means none
    memory_reservation: int = 0  # MiB
    read_only_root: bool = False
    init_process: bool = False
    interactive: bool = False
    pseudo_terminal: bool = False
    stop_timeout: int = 30
    start_timeout: int = 0  # seconds; 0 means none
    depends_on: tuple[Dependency, ...] = ()
    health_check: HealthCheck | None = None
    restart_policy: RestartPolicy | None = None
    ulimits: tuple[Ulimit, ...] = ()
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ()
    sysctls: dict[str, str] = msgspec.field(default_factory=dict)
    tmpfs: tuple[Tmpfs, ...] = ()
    mounts: tuple[Mount, ...] = ()
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    port_mappings: tuple[PortMapping, ...] = ()
    log: LogTarget | None = None
    hostname: str = ""  # this and the next five: not in awsvpc mode
    links: tuple[str, ...] = ()  # "container" or "container:alias"
    extra_hosts: tuple[tuple[str, str], ...] = ()  # name, address
    dns_servers: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    network_disabled: bool = False


class NetworkMode(StrEnum):
    """Where a task's containers have their network."""

    AWSVPC = "awsvpc"  # in one namespace with an interface of the task's own
    BRIDGE = "bridge"  # each in a namespace of its own, on the instance's docker0
    HOST = "host"  # in the instance's namespace
    NONE = "none"  # each in a namespace of its own, with nothing but a loopback


class Task(Message, frozen=True, kw_only=True):
    """
    A task to run; `stop` asks for its end, and is never taken back.

    On an `instance` it is part of that: inside its control group, gone when it is.  Without one it runs on Fargate's
    terms.  It has an `eni` in awsvpc mode only.
    """

    id: str
    arn: str
    cluster_arn: str
    family: str
    revision: int
    containers: tuple[Container, ...]
    eni: str = ""
    network_mode: NetworkMode = NetworkMode.AWSVPC
    instance: str = ""
    cpu: int = 0  # task-level limit in CPU units, 0 means none
    memory: int = 0  # task-level limit in MiB, 0 means none
    launch_type: str = "FARGATE"
    availability_zone: str = ""
    region: str = ""
    service: str = ""
    group: str = ""
    role: str = ""  # the ARN of the role that its containers act under
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    pid_mode: str = ""  # "task" shares one PID namespace
    volumes: tuple[str, ...] = ()
    stop: bool = False
