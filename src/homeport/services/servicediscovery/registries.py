"""
The serviceRegistries of an ECS service, held against its task definition and the Cloud Map service.  Pure.

The sentences marked [P] are AWS's, as users were shown them; the others are unconfirmed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homeport.services.servicediscovery.model import DiscoverableService


@dataclass(frozen=True, slots=True)
class Registry:
    """A service registry as declared: which service, and where its port comes from."""

    arn: str
    container_name: str = ""
    container_port: int | None = None
    port: int | None = None


class Unfit(Exception):
    """A registry does not fit; the argument is the sentence."""


def check_registry(
    registry: Registry,
    service: DiscoverableService,
    *,
    network_mode: str,
    ports: Mapping[str, Sequence[int]],
) -> None:
    """
    Raise Unfit where AWS would refuse *registry*.

    *ports* are the container ports of the task definition by container name.
    """
    named = registry.container_name, registry.container_port
    if (registry.container_name == "") != (registry.container_port is None):
        raise Unfit("The values for 'containerName' and 'containerPort' must be specified together.")
    if registry.port is not None and any(named):
        raise Unfit("Specify either a 'port' or a 'containerName' and 'containerPort' combination, not both.")
    if registry.container_name and registry.container_port not in ports.get(registry.container_name, ()):
        raise Unfit(
            f"The container {registry.container_name} did not have a container port {registry.container_port} defined."
        )
    types = frozenset() if service.document.dns is None else service.document.dns.types
    if network_mode == "awsvpc":
        _check_awsvpc(registry, types)
        return
    for type_ in sorted(types - {"SRV"}):  # [P]
        raise Unfit(
            f"serviceRegistries value is configured to use a type '{type_}' DNS record, which is not supported when "
            "specifying 'host' or 'bridge' for networkMode."
        )
    if not registry.container_name:  # [P]
        raise Unfit(
            "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be "
            "specified from the task definition."
        )


def _check_awsvpc(registry: Registry, types: frozenset[str]) -> None:
    if "CNAME" in types:
        raise Unfit("Service discovery supports services with A or SRV records.")
    if "AAAA" in types:
        raise Unfit("Homeport does not support service discovery with AAAA records: tasks have no IPv6 address.")
    if "SRV" in types and registry.port is None and registry.container_port is None:
        raise Unfit(
            "The service has SRV records: specify a 'port' or a 'containerName' and 'containerPort' combination."
        )
    if types == {"A"} and registry.container_port is not None:  # [P]
        raise Unfit("The values specified for serviceRegistries do not require a value for 'containerPort'")
