"""
What is told of a target, from what its proxy has seen of it.  Pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
"""

from dataclasses import dataclass

from homeport.node.balancing.admin import ServerSeen
from homeport.wire.messages import TargetState

_TIMEOUTS = frozenset({"L4TOUT", "L6TOUT", "L7TOUT"})


@dataclass(frozen=True, slots=True)
class Health:
    """A state, with AWS's reason code and description; both are empty where all is well."""

    state: TargetState
    reason: str = ""
    description: str = ""


REGISTERING = Health(TargetState.INITIAL, "Elb.RegistrationInProgress", "Target registration is in progress")
CHECKING = Health(TargetState.INITIAL, "Elb.InitialHealthChecking", "Initial health checks in progress")
HEALTHY = Health(TargetState.HEALTHY)
DRAINING = Health(TargetState.DRAINING, "Target.DeregistrationInProgress", "Target deregistration is in progress")
DRAINED = Health(TargetState.DRAINED, DRAINING.reason, DRAINING.description)
TIMED_OUT = Health(TargetState.UNHEALTHY, "Target.Timeout", "Request timed out")
FAILED = Health(TargetState.UNHEALTHY, "Target.FailedHealthChecks", "Health checks failed")


def health(seen: ServerSeen | None, before: Health) -> Health:
    """Return the health of a target that is not draining, which was *before*."""
    word = seen.status.partition(" ")[0] if seen is not None else ""
    match word:
        case "UP":
            return HEALTHY
        case "DOWN":
            assert seen is not None, "a word came from somewhere"
            return before if _code_to_come(seen) else unhealthy(seen)
        case "NOLB":
            return CHECKING
    # in maintenance, or not there: it is about to be told to the proxy, which may have been restarted
    return REGISTERING if before.state in (TargetState.DRAINING, TargetState.DRAINED) else before


def _code_to_come(seen: ServerSeen) -> bool:
    """Tell whether the next check is under way: how the last one ended is still said then, but not with which code."""
    return seen.check == "L7STS" and seen.code in ("", "0")


def unhealthy(seen: ServerSeen) -> Health:
    """Return why a target is unhealthy, by the end of its last check."""
    if seen.check == "L7STS":
        return Health(
            TargetState.UNHEALTHY,
            "Target.ResponseCodeMismatch",
            f"Health checks failed with these codes: [{seen.code}]",
        )
    return TIMED_OUT if seen.check in _TIMEOUTS else FAILED
