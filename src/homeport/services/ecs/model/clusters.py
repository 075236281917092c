"""Clusters and capacity provider strategies."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


class Strategy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One item of a capacity provider strategy."""

    capacity_provider: str
    weight: int = 0
    base: int = 0


class ClusterDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the user declared of a cluster."""

    capacity_providers: tuple[str, ...] = ()
    default_capacity_provider_strategy: tuple[Strategy, ...] = ()
    container_insights: str = "disabled"
    execute_command: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A named place for tasks.  INACTIVE ones are only there to be described for a while."""

    arn: str
    name: str
    status: str = "ACTIVE"
    document: ClusterDocument = field(default_factory=ClusterDocument)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a cluster has: container instances, and its live tasks and its services by launch type and status."""

    container_instances: int = 0
    tasks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    services: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def of(self, *statuses: str, launch_type: str = "") -> int:
        """Count the tasks with one of these statuses, of one launch type or of all."""
        return sum(
            count for (kind, status), count in self.tasks.items() if status in statuses and launch_type in {"", kind}
        )

    def services_of(self, status: str, launch_type: str = "") -> int:
        """Count the services of a status, of one launch type or of all."""
        return sum(count for (kind, of), count in self.services.items() if of == status and launch_type in {"", kind})
