"""Do every check at its interval, keep the verdicts, and tell whoever goes by them."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping

from homeport.kit.clock import Clock
from homeport.node.checks.probe import Result
from homeport.node.checks.verdict import Verdict, states
from homeport.wire.messages import CheckObserved, EndpointCheck

log = logging.getLogger(__name__)

_AT_ONCE = 32  # probes under way
_REPORT_SECONDS = 30.0  # results that say nothing new are told this seldom

Probe = Callable[[EndpointCheck], Awaitable[Result]]


class Checks:
    """
    The checks of one node.

    *remember* writes a verdict down where the next process finds it (None: the check is gone), *changed* takes the states
    of all checks whenever one differs, *send* tells the server.
    """

    def __init__(
        self,
        probe: Probe,
        clock: Clock,
        *,
        saved: Mapping[str, Verdict],
        remember: Callable[[Mapping[str, Verdict | None]], None],
        changed: Callable[[Mapping[str, bool]], None],
        send: Callable[[CheckObserved], None],
    ) -> None:
        self._probe = probe
        self._clock = clock
        self._verdicts = dict(saved)
        self._remember = remember
        self._changed = changed
        self._send = send
        self._checks: dict[str, EndpointCheck] = {}
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._reports: dict[str, CheckObserved] = {}
        self._acked: dict[str, int] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def assign(self, checks: Iterable[EndpointCheck]) -> None:
        """Take these for all checks there are."""
        wanted = {check.id: check for check in checks}
        if wanted == self._checks:
            return
        for id_ in [id_ for id_ in self._loops if wanted.get(id_) != self._checks[id_]]:
            self._loops.pop(id_).cancel()
        gone = (self._verdicts.keys() | self._reports.keys()) - wanted.keys()
        self._checks = wanted
        self._forget(gone)
        for check in wanted.values():
            if check.probe and not check.disabled and check.id not in self._loops:
                self._loops[check.id] = asyncio.get_running_loop().create_task(self._look(check))
        self._changed(states(self._checks, self._verdicts))

    def _forget(self, gone: Iterable[str]) -> None:
        for id_ in gone:
            self._verdicts.pop(id_, None)
            self._reports.pop(id_, None)
            self._acked.pop(id_, None)
        if gone:
            self._remember(dict.fromkeys(gone))

    def acked(self, check: str, sequence: int) -> None:
        """Take the server's word that it has recorded an observation."""
        self._acked[check] = max(sequence, self._acked.get(check, 0))

    def unacked(self) -> list[CheckObserved]:
        """Return what the server has not said to have recorded."""
        return [report for id_, report in self._reports.items() if report.sequence > self._acked.get(id_, 0)]

    def close(self) -> None:
        """Stop looking."""
        for loop in self._loops.values():
            loop.cancel()
        self._loops.clear()

    async def _look(self, check: EndpointCheck) -> None:
        """Look at one endpoint until told otherwise."""
        await asyncio.sleep(random.uniform(0.0, 1.0))  # noqa: S311 - spreads the probes of a node that starts
        while True:
            try:
                async with self._turns:
                    result = await self._probe(check)
            except Exception:  # the boundary: a check that fails in a way nobody thought of must go on
                log.exception("the health check %s could not be done", check.id)
                result = Result(passed=False, status="Failure: The check could not be done")
            self._take(check, result)
            await asyncio.sleep(check.interval)

    def _take(self, check: EndpointCheck, result: Result) -> None:
        before = self._verdicts.get(check.id, Verdict())
        after = before.after(passed=result.passed, threshold=check.threshold)
        self._verdicts[check.id] = after
        if after != before:
            self._remember({check.id: after})
        if after.healthy != before.healthy:
            log.info("the health check %s: %s", check.id, "healthy" if after.healthy else "unhealthy")
            self._changed(states(self._checks, self._verdicts))
        self._report(check, after, result)

    def _report(self, check: EndpointCheck, verdict: Verdict, result: Result) -> None:
        now = self._clock.now()
        report = CheckObserved(
            check=check.id, sequence=int(now * 1000), healthy=verdict.healthy, status=result.status, checked_at=now
        )
        last = self._reports.get(check.id)
        news = last is None or (last.healthy, last.status) != (report.healthy, report.status)
        if news or (last is not None and now - last.checked_at >= _REPORT_SECONDS):
            self._reports[check.id] = report
            self._send(report)
