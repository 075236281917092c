"""
What server and node say to each other.

The server sends desired state: the whole *assignment* of a node once per session, then numbered
changes of it.  The node sends what it observes.  Every message may be repeated, and is harmless then.
Frames are JSON documents, each behind its length as four bytes, most significant first.

Field names are the field's own; AWS's spelling is the business of the server's views.

What is large stands in a module of its own beside this one; everybody imports it from here.
"""

from enum import StrEnum

import msgspec

from homeport.wire.balancing import (
    AccessLog,
    AccessLogAck,
    AccessLogFile,
    Action,
    BalancerAck,
    BalancerObserved,
    BalancerState,
    Certificate,
    Condition,
    FixedResponse,
    Forward,
    GroupStickiness,
    HostHeader,
    HttpHeader,
    Listener,
    ListenerRule,
    LoadBalancer,
    PathPattern,
    QueryPair,
    QueryString,
    Redirect,
    RequestMethod,
    SourceIp,
    Target,
    TargetAck,
    TargetGroup,
    TargetHealthCheck,
    TargetObserved,
    TargetState,
    WeightedGroup,
)
from homeport.wire.base import Message
from homeport.wire.metrics import BalancerTraffic, GroupTraffic, TaskUsage, Usage
from homeport.wire.naming import Alias, CheckAck, CheckObserved, EndpointCheck, Geography, NamesTaken, RecordSet, Zone
from homeport.wire.protection import ProtectionAnswer, ProtectionRequest
from homeport.wire.tasks import (
    Container,
    Dependency,
    HealthCheck,
    LogTarget,
    Mount,
    NetworkMode,
    PortMapping,
    RestartPolicy,
    Task,
    Tmpfs,
    Ulimit,
)

__all__ = (
    "VERSION",
    "AccessLog",
    "AccessLogAck",
    "AccessLogFile",
    "Action",
    "Alias",
    "Assignment",
    "BalancerAck",
    "BalancerObserved",
    "BalancerState",
    "BalancerTraffic",
    "Binding",
    "Certificate",
    "Change",
    "CheckAck",
    "CheckObserved",
    "Condition",
    "Container",
    "ContainerObserved",
    "Dependency",
    "Drop",
    "EndpointCheck",
    "Eni",
    "EniKind",
    "Facts",
    "FixedResponse",
    "Forward",
    "Geography",
    "GroupStickiness",
    "GroupTraffic",
    "HealthCheck",
    "Hello",
    "HostHeader",
    "HttpHeader",
    "Instance",
    "InstanceAck",
    "InstanceMetadata",
    "InstanceObserved",
    "InstancePhase",
    "Item",
    "Listener",
    "ListenerRule",
    "LoadBalancer",
    "LogAck",
    "LogBatch",
    "LogEvent",
    "LogTarget",
    "Mount",
    "NamesTaken",
    "NetworkMode",
    "Observed",
    "ObservedAck",
    "PathPattern",
    "PortMapping",
    "ProtectionAnswer",
    "ProtectionRequest",
    "QueryPair",
    "QueryString",
    "RecordSet",
    "Redirect",
    "RequestMethod",
    "RestartPolicy",
    "Rule",
    "SecurityGroup",
    "SourceIp",
    "StopCause",
    "Target",
    "TargetAck",
    "TargetGroup",
    "TargetHealthCheck",
    "TargetObserved",
    "TargetState",
    "Task",
    "TaskPhase",
    "TaskUsage",
    "Tmpfs",
    "ToNode",
    "ToServer",
    "Ulimit",
    "Usage",
    "Vpc",
    "WeightedGroup",
    "Welcome",
    "Zone",
)

VERSION = 5


# --- Desired state: the network -------------------------------------------------------------------


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One security group rule.  An empty protocol means all; ports are inclusive, ICMP uses them as type and code."""

    protocol: str = ""  # "", "tcp", "udp", "icmp", "icmpv6" or a protocol number
    from_port: int = -1
    to_port: int = -1
    cidr: str = ""  # exactly one of cidr and group is set
    group: str = ""


class Vpc(Message, frozen=True, kw_only=True):
    """A VPC: one router on each node that holds interfaces of it."""

    id: str
    cidrs: tuple[str, ...]
    dns: str  # the resolver's address, VPC+2
    domain: str  # "ec2.internal" or "REGION.compute.internal"
    internet_gateway: bool = False


class SecurityGroup(Message, frozen=True, kw_only=True):
    """A security group with the rules in force."""

    id: str
    vpc: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


class EniKind(StrEnum):
    """How an interface hangs on its VPC: by a link of its own, as a link that carries others, or on such a link."""

    INTERFACE = "interface"
    TRUNK = "trunk"
    BRANCH = "branch"


class Eni(Message, frozen=True, kw_only=True):
    """
    A network interface that this node makes inside a task's or an instance's namespace.

    `subnet_cidr` gives the prefix length and the gateway (the subnet's first address), `subnet` the subnet's id.
    `internet` says whether the subnet's route table leads 0.0.0.0/0 to an internet gateway.
    With an `instance` it is attached to that and lies in its namespace, as device number `device_index`, and in the
    same way with a `balancer` in that load balancer's; without either it has a namespace of its own, which is a task's.  A branch names the trunk it is carried by
    and its VLAN id there.  `block_metadata` keeps the task from its instance's metadata.
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
    kind: EniKind = EniKind.INTERFACE
    instance: str = ""
    device_index: int = 0
    trunk: str = ""
    vlan: int = 0
    block_metadata: bool = False
    subnet: str = ""
    balancer: str = ""


# --- Desired state: instances ---------------------------------------------------------------------


class InstanceMetadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What the instance metadata service says, beyond what the interfaces say themselves.

    `identity` is the identity document as signed, `identity_signature` and `identity_pkcs7` are base64.
    `tags` are there only where the instance shows its tags in its metadata.
    """

    account: str
    region: str
    availability_zone: str
    availability_zone_id: str
    image: str
    instance_type: str
    reservation: str
    launch_index: int = 0
    key_name: str = ""
    launched_at: float = 0.0
    profile_arn: str = ""
    profile_id: str = ""
    groups: tuple[str, ...] = ()  # names of the primary interface's security groups
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    identity: str = ""
    identity_signature: str = ""
    identity_pkcs7: str = ""
    endpoint: bool = True  # whether the service answers at all
    tokens_required: bool = False  # whether version 1, without a token, is refused
    hop_limit: int = 1


class Instance(Message, frozen=True, kw_only=True):
    """
    An EC2 instance: a network namespace with its interfaces, a control group of its size, a docker0 bridge.

    `interface` is its primary interface, an Eni of its own.  What is not `running` is stopped: nothing of it runs,
    and what is on its disk stays.  `user_data` runs at the first start.
    """

    id: str
    interface: str
    cpus: int  # vCPUs
    memory: int  # MiB
    metadata: InstanceMetadata
    running: bool = True
    user_data: bytes = b""


# --- Desired state as a whole ----------------------------------------------------------------------

Item = (
    Vpc | SecurityGroup | Eni | Instance | Task | LoadBalancer | TargetGroup | Target | Zone | RecordSet | EndpointCheck
)


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """An item that is no longer desired: its kind (the class name) and id."""

    kind: str
    id: str


# --- Server to node -------------------------------------------------------------------------------


class Welcome(Message, frozen=True, kw_only=True):
    """The server's answer to Hello: what the node needs to know of this installation."""

    version: int
    registry_names: tuple[str, ...] = ()  # registries that are the node's own under another name
    registry_realm: str = ""  # URL of the registry's token service
    registry_certificate: str = ""  # PEM; the registry trusts tokens that it signed
    registry_password: str = ""  # for this node's own pulls, user name AWS


class Assignment(Message, frozen=True, kw_only=True):
    """Everything this node shall have, as of *generation*; whatever is not in it shall go."""

    generation: int
    items: tuple[Item, ...]


class Change(Message, frozen=True, kw_only=True):
    """What changed between *previous* and *generation*."""

    previous: int
    generation: int
    puts: tuple[Item, ...] = ()
    drops: tuple[Drop, ...] = ()


class ObservedAck(Message, frozen=True, kw_only=True):
    """The server has durably recorded the task's observation number *sequence*."""

    task: str
    sequence: int


class InstanceAck(Message, frozen=True, kw_only=True):
    """The server has durably recorded the instance's observation number *sequence*."""

    instance: str
    sequence: int


class LogAck(Message, frozen=True, kw_only=True):
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


class Hello(Message, frozen=True, kw_only=True):
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
    HOST_LOST = "host-lost"  # its instance was stopped or terminated


class Binding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A container's port, or with *last_port* a range, and where the instance publishes it."""

    container_port: int
    host_port: int
    last_port: int = 0
    last_host_port: int = 0
    protocol: str = "tcp"
    address: str = "0.0.0.0"  # noqa: S104 - said of a task, not listened on


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
    bindings: tuple[Binding, ...] = ()  # in bridge mode


class Observed(Message, frozen=True, kw_only=True):
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


class InstancePhase(StrEnum):
    """How far an instance has come on the node; STOPPED leads back to PENDING, all else forward only."""

    PENDING = "pending"
    RUNNING = "running"  # its user data has been run
    STOPPING = "stopping"
    STOPPED = "stopped"  # nothing of it runs, its disk is there
    GONE = "gone"  # nothing of it is left on the node


class InstanceObserved(Message, frozen=True, kw_only=True):
    """
    An instance as it is, whole; a higher *sequence* replaces a lower one.

    *agent* is what user data has left in /etc/ecs/ecs.config, as soon as the instance runs.
    """

    instance: str
    sequence: int
    phase: InstancePhase
    agent: dict[str, str] = msgspec.field(default_factory=dict)
    reason: str = ""  # why it could not be made, or what of its user data failed


class LogEvent(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One line: milliseconds since the epoch, text without the line's end."""

    timestamp: int
    message: str


class LogBatch(Message, frozen=True, kw_only=True):
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


ToNode = (
    Welcome
    | Assignment
    | Change
    | ObservedAck
    | InstanceAck
    | LogAck
    | BalancerAck
    | TargetAck
    | CheckAck
    | AccessLogAck
    | ProtectionAnswer
)
ToServer = (
    Hello
    | Observed
    | InstanceObserved
    | LogBatch
    | Usage
    | BalancerTraffic
    | BalancerObserved
    | TargetObserved
    | CheckObserved
    | NamesTaken
    | AccessLogFile
    | ProtectionRequest
)
