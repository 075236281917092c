"""
What server and node say to each other.

The server sends desired state: the whole *assignment* of a node once per session, then numbered
changes of it.  The node sends what it observes.  Every message may be repeated, and is harmless then.
Frames are JSON documents, each behind its length as four bytes, most significant first.

Field names are the field's own; AWS's spelling is the business of the server's views.
"""

from enum import StrEnum

import msgspec

VERSION = 1


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Common settings: immutable, tagged with the class name, defaults left out."""


# --- Desired state: the network -------------------------------------------------------------------


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One security group rule.  An empty protocol means all; ports are inclusive, ICMP uses them as type and code."""

    protocol: str = ""  # "", "tcp", "udp", "icmp", "icmpv6" or a protocol number
    from_port: int = -1
    to_port: int = -1
    cidr: str = ""  # exactly one of cidr and group is set
    group: str = ""


class Vpc(_Message, frozen=True, kw_only=True):
    """A VPC: one router on each node that holds interfaces of it."""

    id: str
    cidrs: tuple[str, ...]
    dns: str  # the resolver's address, VPC+2
    domain: str  # "ec2.internal" or "REGION.compute.internal"
    internet_gateway: bool = False


class SecurityGroup(_Message, frozen=True, kw_only=True):
    """A security group with the rules in force."""

    id: str
    vpc: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


class Eni(_Message, frozen=True, kw_only=True):
    """
    A network interface that this node makes inside a task's namespace.

    `subnet_cidr` gives the prefix length and the gateway (the subnet's first address).
    `internet` says whether the subnet's route table leads 0.0.0.0/0 to an internet gateway.
    """

    id: str
    vpc: str
    subnet_cidr: str
    mac: str
    address: str
    dns_name: str
    groups: tuple[str, ...] = ()
    public_address: str = ""
    internet: bool = True


# --- Desired state: tasks -------------------------------------------------------------------------


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
    ports: tuple[str, ...] = ()  # "80/tcp", for the metadata endpoint
    log: LogTarget | None = None


class Task(_Message, frozen=True, kw_only=True):
    """A task to run on one interface; `stop` asks for its end, and is never taken back."""

    id: str
    arn: str
    cluster_arn: str
    family: str
    revision: int
    eni: str
    containers: tuple[Container, ...]
    cpu: int = 0  # task-level limit in CPU units, 0 means none
    memory: int = 0  # task-level limit in MiB, 0 means none
    launch_type: str = "FARGATE"
    availability_zone: str = ""
    region: str = ""
    service: str = ""
    group: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    pid_mode: str = ""  # "task" shares one PID namespace
    volumes: tuple[str, ...] = ()
    stop: bool = False


Item = Vpc | SecurityGroup | Eni | Task


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """An item that is no longer desired: its kind (the class name) and id."""

    kind: str
    id: str


# --- Server to node -------------------------------------------------------------------------------


class Welcome(_Message, frozen=True, kw_only=True):
    """The server's answer to Hello: what the node needs to know of this installation."""

    version: int
    registry_names: tuple[str, ...] = ()  # registries that are the node's own under another name
    registry_realm: str = ""  # URL of the registry's token service
    registry_certificate: str = ""  # PEM; the registry trusts tokens that it signed
    registry_password: str = ""  # for this node's own pulls, user name AWS


class Assignment(_Message, frozen=True, kw_only=True):
    """Everything this node shall have, as of *generation*; whatever is not in it shall go."""

    generation: int
    items: tuple[Item, ...]


class Change(_Message, frozen=True, kw_only=True):
    """What changed between *previous* and *generation*."""

    previous: int
    generation: int
    puts: tuple[Item, ...] = ()
    drops: tuple[Drop, ...] = ()


class ObservedAck(_Message, frozen=True, kw_only=True):
    """The server has durably recorded the task's observation number *sequence*."""

    task: str
    sequence: int


class LogAck(_Message, frozen=True, kw_only=True):
    """The server durably holds the source's output up to *offset*; continue there."""

    source: str
    offset: int


# --- Node to server -------------------------------------------------------------------------------


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the node is made of."""

    cpus: int
    memory: int  # MiB
    kernel: str
    registry: str = ""  # host:port under which the node's registry answers


class Hello(_Message, frozen=True, kw_only=True):
    """Opens a session."""

    version: int
    node: str
    facts: Facts


class TaskPhase(StrEnum):
    """How far a task has come on the node; only ever forward."""

    ACCEPTED = "accepted"
    NETWORK_READY = "network-ready"  # its interface exists
    RUNNING = "running"  # every container was started, or has ended without ending the task
    STOPPING = "stopping"
    STOPPED = "stopped"  # containers are gone; the interface is not yet
    GONE = "gone"  # nothing of it is left on the node


class StopCause(StrEnum):
    """Why the node ended a task; empty while it has not, or when it was asked to."""

    NONE = ""
    ESSENTIAL_EXITED = "essential-exited"
    FAILED_TO_START = "failed-to-start"


class ContainerObserved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One container as it is; times are seconds since the epoch."""

    name: str
    status: str = "PENDING"  # PENDING, RUNNING, STOPPED
    exit_code: int | None = None
    reason: str = ""
    image_digest: str = ""
    health: str = "UNKNOWN"
    started_at: float | None = None
    finished_at: float | None = None
    restarts: int = 0


class Observed(_Message, frozen=True, kw_only=True):
    """A task as it is, whole; a higher *sequence* replaces a lower one."""

    task: str
    sequence: int
    phase: TaskPhase
    containers: tuple[ContainerObserved, ...]
    cause: StopCause = StopCause.NONE
    reason: str = ""  # the task's stopped reason where the node knows it
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    started_at: float | None = None
    execution_stopped_at: float | None = None


class LogEvent(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One line: milliseconds since the epoch, text without the line's end."""

    timestamp: int
    message: str


class LogBatch(_Message, frozen=True, kw_only=True):
    """
    The lines of *source* (one container's output file) from byte *start* to byte *end*.

    The server takes it only where it continues what it holds, so no line is lost or doubled.
    """

    source: str  # TASKID/CONTAINER
    region: str
    group: str
    stream: str
    start: int
    end: int
    events: tuple[LogEvent, ...]
    final: bool = False  # nothing will follow: the container is gone


ToNode = Welcome | Assignment | Change | ObservedAck | LogAck
ToServer = Hello | Observed | LogBatch
