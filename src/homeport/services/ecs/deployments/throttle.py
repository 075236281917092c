"""
How long to wait before starting tasks again, when those before did not become healthy (reference, 4.4).

AWS documents it for tasks that never reached RUNNING.  For those that crash after it the wait does not grow, because
each that runs ends the row: it only keeps a machine of ours from starting them many times a second.

Only the longest delay is documented; how it grows to that is our choice.  It grows with the rounds that
failed, not with the tasks: a round is as many tasks as the service is meant to have.
"""

from homeport.services.ecs.deployments.model import Deployment

FIRST_SECONDS = 5.0
#: AWS's longest delay since 2024; it was 15 minutes before.
LONGEST_SECONDS = 27 * 60.0
#: After so many rounds the service says that its tasks do not start.
IMPAIRED_ROUNDS = 3


def rounds(deployment: Deployment, desired: int) -> int:
    """Return how often in a row all tasks of the service might have failed to start."""
    return -(-deployment.launch_failures // max(1, desired))


def delay(deployment: Deployment, desired: int) -> float:
    """Return how many seconds have to pass after the last failure."""
    failed = rounds(deployment, desired)
    return min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(failed - 1, 16)) if failed else 0.0


def free_at(deployment: Deployment, desired: int) -> float:
    """Return when tasks may be started again."""
    return deployment.last_failure_at + delay(deployment, desired)
