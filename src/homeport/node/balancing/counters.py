"""What a load balancer has counted since the node began, whichever process did it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from homeport.node.balancing.admin import Count, Seen
from homeport.node.balancing.model import backend_of, open_backend_of


@dataclass(frozen=True, slots=True)
class Counters:
    """By listener port and by target group."""

    listeners: Mapping[int, Count] = field(default_factory=dict)
    groups: Mapping[str, Count] = field(default_factory=dict)


class Tally:
    """Adds up what processes count one after the other, each from nothing."""

    def __init__(self) -> None:
        self._run = ""
        self._last: dict[str, Count] = {}
        self._sums: dict[str, Count] = {}

    def take(self, run: str, seen: Seen) -> None:
        """Take the counts of a process."""
        if run != self._run:
            self._run, self._last = run, {}
        now = {**seen.listeners, **seen.backends}
        for name, count in now.items():
            grown = _plus(count, self._last.get(name, Count()), -1)
            self._sums[name] = _plus(self._sums.get(name, Count()), grown, 1)
        self._last = now

    def counters(self, groups: frozenset[str]) -> Counters:
        """Return the sums; those of *groups* by the groups' ids."""
        listeners = {int(name[5:]): count for name, count in self._sums.items() if name.startswith("port-")}
        both = {
            group: _plus(self._sums.get(backend_of(group), Count()), self._sums.get(open_backend_of(group), Count()), 1)
            for group in groups
        }
        return Counters(listeners, both)


def difference(now: Count, before: Count) -> Count:
    """Return what was counted since *before*."""
    return _plus(now, before, -1)


def total(counts: Iterable[Count]) -> Count:
    """Return the sum of *counts*."""
    whole = Count()
    for count in counts:
        whole = _plus(whole, count, 1)
    return whole


def _plus(one: Count, other: Count, sign: int) -> Count:
    a, b, c, d = (mine + sign * its for mine, its in zip(one.responses, other.responses, strict=True))
    # An average is no count: of two the newer one is taken, and of what is taken away nothing.
    latest = (other.response_seconds or one.response_seconds) if sign > 0 else one.response_seconds
    return Count(one.requests + sign * other.requests, (a, b, c, d), one.failures + sign * other.failures, latest)
