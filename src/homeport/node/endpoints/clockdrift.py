"""What the kernel knows of the clock's error, as the metadata endpoint of Fargate tells it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from homeport.kit import linux


@dataclass(frozen=True, slots=True)
class ClockDrift:
    """The largest error the clock can have, in milliseconds, and whether something keeps it right."""

    error_bound: float
    synchronized: bool
    at: float

    def view(self) -> dict[str, object]:
        moment = datetime.fromtimestamp(int(self.at), UTC).isoformat().replace("+00:00", "Z")
        return {
            "ClockErrorBound": self.error_bound,
            "ReferenceTimestamp": moment,
            "ClockSynchronizationStatus": "SYNCHRONIZED" if self.synchronized else "NOT_SYNCHRONIZED",
        }


def read(now: float) -> ClockDrift | None:
    """Return the clock's state, or None where the kernel does not tell."""
    try:
        state = linux.clock_state()
    except OSError:
        return None
    return ClockDrift(state.error_microseconds / 1000, state.synchronized, now)
