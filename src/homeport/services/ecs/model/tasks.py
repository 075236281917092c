"""
Tasks as the API shows them, and what Homeport keeps beside that to run them.

The structs carry AWS's member names in their JSON form, so that a task's row answers DescribeTasks
as it stands.  A member that is UNSET is absent from the document, as AWS leaves it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from homeport.services.ecs.model.container_instances import Share


class Status(StrEnum):
    """How far a task has come, in AWS's words; a task only ever moves down this list."""

    PROVISIONING = "PROVISIONING"
    PENDING = "PENDING"
    ACTIVATING = "ACTIVATING"
    RUNNING = "RUNNING"
    DEACTIVATING = "DEACTIVATING"
    STOPPING = "STOPPING"
    DEPROVISIONING = "DEPROVISIONING"
    STOPPED = "STOPPED"


#: The place of each status in a task's life.
RANK = {status: rank for rank, status in enumerate(Status)}


class Desired(StrEnum):
    """What a task is meant to do."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class StopCode(StrEnum):
    """Why a task was stopped."""

    FAILED_TO_START = "TaskFailedToStart"
    ESSENTIAL_EXITED = "EssentialContainerExited"
    USER = "UserInitiated"
    SERVICE = "ServiceSchedulerInitiated"
    TERMINATION_NOTICE = "TerminationNotice"


class _Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Common settings: immutable, AWS's spelling in JSON."""


class Pair(_Document, frozen=True, kw_only=True):
    """One entry of the API's many lists of names and values."""

    name: str
    value: str


class Attachment(_Document, frozen=True, kw_only=True):
    """A task's network interface on its way from asked-for to deleted."""

    id: str
    type: str = "ElasticNetworkInterface"
    status: str = "PRECREATED"
    details: tuple[Pair, ...] = ()

    def detail(self, name: str) -> str:
        """Return a detail's value, or "" while it is not known."""
        return next((pair.value for pair in self.details if pair.name == name), "")


class ContainerInterface(_Document, frozen=True, kw_only=True):
    """The task's interface as each of its containers shows it."""

    attachment_id: str
    private_ipv4_address: str


class NetworkBinding(_Document, frozen=True, kw_only=True):
    """A container's port, or a range of them, and where its instance publishes it."""

    bind_ip: str = msgspec.field(name="bindIP", default="0.0.0.0")  # noqa: S104 - told, not listened on
    container_port: int | UnsetType = UNSET
    host_port: int | UnsetType = UNSET
    protocol: str = "tcp"
    container_port_range: str | UnsetType = UNSET
    host_port_range: str | UnsetType = UNSET


class Container(_Document, frozen=True, kw_only=True):
    """One container of a task."""

    container_arn: str
    task_arn: str
    name: str
    image: str
    image_digest: str | UnsetType = UNSET
    runtime_id: str | UnsetType = UNSET
    last_status: str = "PENDING"
    exit_code: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    network_bindings: tuple[NetworkBinding, ...] | UnsetType = UNSET
    network_interfaces: tuple[ContainerInterface, ...] = ()
    health_status: str | UnsetType = UNSET
    cpu: str = "0"
    memory: str | UnsetType = UNSET
    memory_reservation: str | UnsetType = UNSET


class Storage(_Document, frozen=True, kw_only=True):
    """A task's scratch space."""

    size: int = msgspec.field(name="sizeInGiB", default=20)


class Task(_Document, frozen=True, kw_only=True):
    """A task, member for member as DescribeTasks shows it but for its tags."""

    attachments: tuple[Attachment, ...]
    attributes: tuple[Pair, ...]
    availability_zone: str
    capacity_provider_name: str | UnsetType = UNSET
    cluster_arn: str
    connectivity: str | UnsetType = UNSET
    connectivity_at: float | UnsetType = UNSET
    container_instance_arn: str | UnsetType = UNSET
    containers: tuple[Container, ...]
    cpu: str
    created_at: float
    desired_status: Desired = Desired.RUNNING
    enable_execute_command: bool = False
    execution_stopped_at: float | UnsetType = UNSET
    group: str
    health_status: str | UnsetType = UNSET
    last_status: Status = Status.PROVISIONING
    launch_type: str
    memory: str
    overrides: dict[str, Any]
    platform_version: str | UnsetType = UNSET
    platform_family: str | UnsetType = UNSET
    pull_started_at: float | UnsetType = UNSET
    pull_stopped_at: float | UnsetType = UNSET
    started_at: float | UnsetType = UNSET
    started_by: str | UnsetType = UNSET
    stop_code: StopCode | UnsetType = UNSET
    stopped_at: float | UnsetType = UNSET
    stopped_reason: str | UnsetType = UNSET
    stopping_at: float | UnsetType = UNSET
    task_arn: str
    task_definition_arn: str
    version: int = 1
    ephemeral_storage: Storage | UnsetType = UNSET
    fargate_ephemeral_storage: Storage | UnsetType = UNSET

    @property
    def id(self) -> str:
        return self.task_arn.rpartition("/")[2]

    @property
    def region(self) -> str:
        return self.task_arn.split(":", 4)[3]


class ContainerLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """What one container needs beside its definition."""

    name: str
    runtime_id: str
    essential: bool = True
    checked: bool = False  # it has a health check that counts
    endpoint_id: str = ""  # of its metadata; "" on Fargate, where it is the runtime id
    host_ports: tuple[NetworkBinding, ...] = ()  # in host mode, where they are known beforehand


class Registry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The Cloud Map service that lists a service's tasks, and what port it is told with their addresses."""

    arn: str
    service: str  # the name of the ECS service
    container: str = ""
    container_port: int | None = None
    port: int | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A target: the ARN of its group, the address or instance it is known by there, and its port."""

    group: str
    id: str
    port: int


class Balancing(StrEnum):
    """How far a task is behind its load balancers."""

    REGISTERED = "registered"
    DEREGISTERED = "deregistered"  # what is in flight is finished
    DRAINING = "draining"  # the same, and its service has said so


class Balanced(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task of a service is a target, from when it is registered until nothing to it is in flight any more."""

    places: tuple[Place, ...]
    stage: Balancing = Balancing.REGISTERED


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What placement and later observations need and the API does not show."""

    family: str
    revision: int
    subnets: tuple[str, ...]
    groups: tuple[str, ...]  # empty: the default group of the VPC
    public_address: bool
    containers: tuple[ContainerLaunch, ...]
    interface: str = ""  # the network interface, once it is allocated
    container_instance: str = ""  # this and the rest: on EC2 only
    ec2_instance: str = ""
    share: Share | None = None  # what the task has of its container instance now
    service: str = ""  # the ARN of the service that started it; this and the rest: for tasks of services only
    revision_of_service: str = ""  # its ARN
    proven: bool = False  # it has counted as healthy for its service
    registry: Registry | None = None
    balanced: Balanced | None = None
    rebalances: bool = False  # it was started so that another zone has one less

    @property
    def leaving(self) -> bool:
        """Whether load balancers give it nothing new, and what they gave it before may be in flight still."""
        return self.balanced is not None and self.balanced.stage is not Balancing.REGISTERED


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task with all that is kept of it."""

    task: Task
    launch: Launch
    tags: Mapping[str, str]
    node: str | None = None
    waiting: bool = True
    observed_sequence: int = 0
    protected_until: float | None = None  # for tasks of services: neither scaling in nor a deployment ends it before
