"""What the kernel knows of the clock's error, as the metadata endpoint of Fargate tells it."""

import ctypes
from dataclasses import dataclass
from datetime import UTC, datetime

_TIME_ERROR = 5
_libc = ctypes.CDLL(None, use_errno=True)


class _Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)); the rest is room for what the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


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
    timex = _Timex(modes=0)
    result = _libc.adjtimex(ctypes.byref(timex))
    if result < 0:
        return None
    return ClockDrift(timex.maxerror / 1000, result != _TIME_ERROR, now)
