"""AWS's sentences about services whose tasks cannot be started (reference, 4.3).  Pure."""

from collections.abc import Sequence

from homeport.services.ecs.placement.filters import Reason, Refusal

_GUIDE = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."

#: The reasons from the farthest from fitting to the closest to it, as filters come.
_CLOSENESS = (
    Reason.AGENT,
    Reason.INACTIVE,
    Reason.ATTRIBUTE,
    Reason.LOCATION,
    Reason.MEMBER_OF,
    Reason.DISTINCT_INSTANCE,
    Reason.CPU,
    Reason.MEMORY,
    Reason.PORTS,
    Reason.ENI,
)
_WORDS = {
    Reason.CPU: "has insufficient CPU units available.",
    Reason.MEMORY: "has insufficient memory available.",
    Reason.PORTS: "is already using a port required by your task.",
    Reason.ATTRIBUTE: "is missing an attribute required by your task.",
}


def no_place(service: str, refusals: Sequence[Refusal], zone: str = "") -> str:
    """Say that no container instance takes a task, or none of a zone, and what the one lacks that comes closest."""
    if zone:
        return (
            f"service ({service}) is unable to place a task in {zone} because no container instance met all of its"
            " requirements."
        )
    if not refusals:
        why = "Reason: No Container Instances were found in your cluster."
    else:
        closest = max(refusals, key=lambda refusal: _CLOSENESS.index(refusal.reason))
        words = _WORDS.get(closest.reason, f'encountered error "{closest.reason.value}".')
        why = f"The closest matching (container-instance {closest.instance.rpartition('/')[2]}) {words}"
    return (
        f"(service {service}) was unable to place a task because no container instance met all of its requirements."
        f" {why} {_GUIDE}"
    )


def not_shifted(service: str, error: str) -> str:
    return f"(service {service}) failed to shift traffic with (error {error})."  # unconfirmed


def not_launched(service: str, error: str) -> str:
    return f"(service {service}) failed to launch a task with (error {error})."
