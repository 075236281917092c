"""
When a deployment whose tasks fail is given up (reference, 4.5).

A failure is a task that ends by itself before it was ever healthy, or one that is stopped because a health check
failed.  What AWS documents speaks of tasks that do not reach RUNNING; that one which runs for a moment and crashes
counts as well is what its users see (unconfirmed).
"""

from homeport.services.ecs.deployments.health import Verdict
from homeport.services.ecs.deployments.model import Account, Breaker, Prove, Rollout, Service, Task, ThresholdType
from homeport.services.ecs.deployments.view import View

_LEAST, _MOST = 3, 200


def threshold(breaker: Breaker, desired: int) -> int:
    """Return how many failures are too many for a service of *desired* tasks; at least one."""
    if breaker.threshold_type is ThresholdType.COUNT:
        return max(1, breaker.threshold_value)
    percent = -(-desired * breaker.threshold_value // 100)
    if breaker.threshold_type is ThresholdType.BOUNDED_PERCENT:
        return min(max(percent, _LEAST), _MOST)
    return max(1, percent)


def trips(service: Service, desired: int, failed_tasks: int) -> bool:
    """Whether *failed_tasks* are too many for the deployment in progress."""
    if service.breaker is None or service.primary.rollout is not Rollout.IN_PROGRESS:
        return False
    return failed_tasks >= threshold(service.breaker, desired)


def account(view: View) -> list[Account]:
    """Account for the tasks that are over."""
    return [
        Account(
            task=task.id,
            deployment=view.counts_for(task),
            failed=_is_failure(task),
            at=view.now,
        )
        for task in view.over
    ]


def prove(view: View) -> list[Prove]:
    """Take note of tasks that are healthy for the first time, which ends a row of failures if the breaker says so."""
    breaker = view.service.breaker
    reset = breaker is None or breaker.reset_on_healthy_task
    return [
        Prove(one.task.id, view.counts_for(one.task), reset)
        for one in view.present
        if one.verdict is Verdict.HEALTHY and not one.task.proven
    ]


def _is_failure(task: Task) -> bool:
    return not task.told and not task.proven
