"""AWS's sentences about services: events, rollout state reasons, stopped reasons (reference, 4.1, 4.3 and 3.5)."""

from collections.abc import Iterable, Mapping, Sequence

COMPLETED = "ECS deployment {} completed."
IN_PROGRESS = "ECS deployment {} in progress."
BREAKER_FAILED = "ECS deployment circuit breaker: tasks failed to start."
#: The deployment it names is the rollback itself, whose id is known once it is made.
BREAKER_ROLLS_BACK = "ECS deployment circuit breaker: rolling back to deploymentId {}."

CONTAINER_HEALTH = "Task failed container health checks"
TARGET_HEALTH = "Task failed ELB health checks in (target-group {})"
SCALING = "Scaling activity initiated by (deployment {})"


def _tasks(ids: Iterable[str]) -> str:
    return " ".join(f"(task {task})" for task in ids)


def started(service: str, ids: Sequence[str], replaced: int = 0) -> str:
    text = f"(service {service}) has started {len(ids)} tasks: {_tasks(ids)}."
    return f"{text} Amazon ECS replaced {replaced} tasks due to an unhealthy status." if replaced else text


def stopped_running(service: str, ids: Sequence[str]) -> str:
    return f"(service {service}) has stopped {len(ids)} running tasks: {_tasks(ids)}."


def stopped_pending(service: str, count: int) -> str:
    return f"(service {service}) stopped {count} pending tasks."


def started_in_zone(service: str, zone: str, ids: Sequence[str]) -> str:
    return f"(service {service}) has started {len(ids)} tasks in {zone} to AZ Rebalance: {_tasks(ids)}."


def stopped_in_zone(service: str, zone: str, ids: Sequence[str]) -> str:
    """Say what AWS documents without the ids' parentheses and (service ...); those are as in its other sentences."""
    return f"(service {service}) has stopped {len(ids)} running tasks in {zone} due to AZ rebalancing: {_tasks(ids)}."


def _zones(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} tasks in {zone}" for zone, count in counts.items())


#: What `unbalanced` begins with, whatever the counts.
UNBALANCED = "(service {}) is not AZ balanced with "


def unbalanced(service: str, counts: Mapping[str, int]) -> str:
    return f"{UNBALANCED.format(service)}{_zones(counts)}. AZ Rebalancing in progress."


def balanced(service: str, counts: Mapping[str, int]) -> str:
    return f"(service {service}) is AZ balanced with {_zones(counts)}."


def registered(service: str, count: int, group: str) -> str:
    return f"(service {service}) registered {count} targets in (target-group {group})"


def deregistered(service: str, count: int, group: str) -> str:
    return f"(service {service}) deregistered {count} targets in (target-group {group})"


def failed_to_register(service: str, group: str, reason: str) -> str:
    return f"(service {service}) failed to register targets in (target-group {group}) with (error {reason})"


def draining(service: str, deployment: str, count: int) -> str:
    return f"(service {service}, taskSet {deployment}) has begun draining connections on {count} tasks."


def failed_container_health(service: str, task: str) -> str:
    return f"(service {service}) (task {task}) failed container health checks."


def unhealthy_target(service: str, task: str, port: int, group: str, reason: str) -> str:
    return f"(service {service}) (task {task}) (port {port}) is unhealthy in (target-group {group}) due to (reason {reason})."


def completed(service: str, deployment: str) -> str:
    return f"(service {service}) (deployment {deployment}) deployment completed."


def failed(service: str, deployment: str) -> str:
    return f"(service {service}) (deployment {deployment}) deployment failed: tasks failed to start."


def rolling_back(service: str, deployment: str) -> str:
    """Say where a failed deployment goes; the deployment named is the new one, as in the rollout state reason."""
    return f"(service {service}) rolling back to deployment {deployment}."


def steady(service: str) -> str:
    return f"(service {service}) has reached a steady state."


def stuck(service: str) -> str:
    return (
        f"(service {service}) was unable to stop or start tasks during a deployment because of the service deployment"
        " configuration. Update the minimumHealthyPercent or maximumPercent value and try again."
    )


def impaired(service: str) -> str:
    return (
        f"(service {service}) is unable to consistently start tasks successfully. For more information, see the"
        " Troubleshooting section of the Amazon ECS Developer Guide."
    )


def protected(service: str, deployment: str, count: int) -> str:
    return (
        f"(service {service}) was unable to reach steady state because (taskSet {deployment}) was unable to scale in"
        f" due to (reason {count} tasks under protection)"
    )
