"""
How a deployment goes on, from one look at the API to the next.  Pure.

A look knows no more than what it is shown; that a service was rolled back is remembered, because nothing shows it once
the rollback is complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from homeport.cli.deploy.reading import Answers, Document, NotThere
from homeport.cli.deploy.seen import service_of
from homeport.services.ecs.deployments.health import Verdict
from homeport.services.ecs.deployments.model import Plan, Service
from homeport.services.ecs.deployments.plan import plan
from homeport.services.ecs.deployments.texts import BREAKER_ROLLS_BACK
from homeport.services.ecs.deployments.view import View, count, look

_ROLLS_BACK = BREAKER_ROLLS_BACK.partition("{}")[0]


class Outcome(StrEnum):
    """How a deployment stands."""

    UNDERWAY = "UNDERWAY"
    COMPLETED = "COMPLETED"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"
    GONE = "GONE"  # the service is being deleted, or is


@dataclass(frozen=True, slots=True)
class Counts:
    """A deployment in numbers: the new tasks by what they are worth, and those that have to go."""

    desired: int
    healthy: int
    settling: int
    starting: int
    unhealthy: int
    old: int
    leaving: int

    def __str__(self) -> str:
        parts = {
            "settling": self.settling,
            "starting": self.starting,
            "unhealthy": self.unhealthy,
            "old": self.old,
            "leaving": self.leaving,
        }
        others = "".join(f", {number} {name}" for name, number in parts.items() if number)
        return f"{self.healthy} of {self.desired} healthy{others}"


@dataclass(frozen=True, slots=True)
class Look:
    """A service at one moment, and what that means."""

    answers: Answers
    service: Service
    view: View
    plan: Plan
    outcome: Outcome
    events: tuple[Document, ...] = ()  # those that were not shown before, the oldest first

    @property
    def counts(self) -> Counts:
        view = self.view
        return Counts(
            desired=view.desired,
            healthy=count(view.current, Verdict.HEALTHY),
            settling=count(view.current, Verdict.SETTLING),
            starting=count(view.current, Verdict.STARTING),
            unhealthy=count(view.current, Verdict.UNHEALTHY),
            old=len(view.old),
            leaving=view.leaving,
        )


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered from look to look."""

    rolled_back: bool = False
    events: frozenset[str] = field(default_factory=frozenset)
    said: str = ""

    def look(self, answers: Answers, now: float) -> tuple["Watch", Look]:
        """Return what is seen now, and the watch for the next time; raises NotThere."""
        shown = answers.service
        if not shown["deployments"]:
            raise NotThere(f"the service {shown['serviceName']} was deleted")
        primary = shown["deployments"][0]
        service = service_of(answers)
        back = self.rolled_back or primary.get("rolloutStateReason", "").startswith(_ROLLS_BACK)
        news = tuple(event for event in reversed(shown["events"]) if event["id"] not in self.events)
        if not self.events:  # what was said of deployments before is not told
            news = tuple(event for event in news if event["createdAt"] >= primary["createdAt"])
        seen = Look(
            answers=answers,
            service=service,
            view=look(service, now),
            plan=plan(service, now),
            outcome=_outcome(shown, rolled_back=back),
            events=news,
        )
        return replace(self, rolled_back=back, events=frozenset(event["id"] for event in shown["events"])), seen

    def lines(self, seen: Look) -> tuple["Watch", list[str]]:
        """Return what is new in words, for where nothing can be drawn: events, and numbers once they change."""
        lines = [event["message"] for event in seen.events]
        numbers = f"{seen.service.primary.id}: {seen.counts}"
        if numbers == self.said:
            return self, lines
        return replace(self, said=numbers), [*lines, numbers]


def _outcome(shown: Document, *, rolled_back: bool) -> Outcome:
    if shown["status"] != "ACTIVE":
        return Outcome.GONE
    primary, *others = shown["deployments"]
    state = primary.get("rolloutState", "IN_PROGRESS")
    if state == "FAILED":
        return Outcome.FAILED
    if state == "COMPLETED" and not others:
        return Outcome.ROLLED_BACK if rolled_back else Outcome.COMPLETED
    return Outcome.UNDERWAY


def sentences(seen: Look) -> Iterator[str]:
    """Yield what the service waits for."""
    for wait in seen.plan.waits:
        due = f" ({max(1, round(wait.until - seen.view.now))} s)" if wait.until is not None else ""
        yield f"{wait.sentence[0].upper()}{wait.sentence[1:].rstrip('.')}{due}."
