"""A deployment in the terminal: how far it is, its tasks, what it waits for and what was said last.  Pure."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from homeport.cli.deploy.reading import Document
from homeport.cli.deploy.watching import Look, Outcome, sentences
from homeport.services.ecs.deployments.health import Verdict, failing_target
from homeport.services.ecs.deployments.model import Health, Phase, Task
from homeport.services.ecs.deployments.view import Judged

_BAR = 40  # columns
_TASKS = 24  # that are listed
_EVENTS = 8  # that are shown

_STYLES = {
    Verdict.HEALTHY: "green",
    Verdict.SETTLING: "yellow",
    Verdict.STARTING: "cyan",
    Verdict.UNHEALTHY: "red",
    Verdict.LEAVING: "dim",
}
_OUTCOMES = {
    Outcome.UNDERWAY: ("in progress", "cyan"),
    Outcome.COMPLETED: ("completed", "green"),
    Outcome.ROLLED_BACK: ("failed, rolled back", "red"),
    Outcome.FAILED: ("failed", "red"),
    Outcome.GONE: ("deleted", "dim"),
}


def render(seen: Look, events: Sequence[Document]) -> RenderableType:
    """Draw what is seen; of *events*, the oldest first, the last ones."""
    parts: list[RenderableType] = [_title(seen), _progress(seen), Text(), _tasks(seen)]
    waits = [Text(f"  {sentence}", style="yellow") for sentence in sentences(seen)]
    if waits:
        parts += [Text(), Text("Waiting", style="bold"), *waits]
    if events:
        parts += [Text(), Text("Events", style="bold")]
        parts += [_event(event) for event in events[-_EVENTS:]]
    return Group(*parts)


def _title(seen: Look) -> Text:
    shown = seen.answers.service
    word, style = _OUTCOMES[seen.outcome]
    primary, *others = shown["deployments"]
    title = Text.assemble((shown["serviceName"], "bold"), "  ", (word, style), f"  {primary['id']} {_name(primary)}")
    if others:
        replaced = ", ".join(f"{other['id']} {_name(other)}" for other in others)
        title.append(f"  replaces {replaced}")
    return title


def _progress(seen: Look) -> Text:
    """Draw a bar of the desired tasks, each part as long as its share."""
    counts = seen.counts
    parts = [
        (counts.healthy, Verdict.HEALTHY),
        (counts.settling, Verdict.SETTLING),
        (counts.starting, Verdict.STARTING),
        (counts.unhealthy, Verdict.UNHEALTHY),
    ]
    whole = max(1, counts.desired, sum(number for number, _ in parts))
    bar = Text()
    filled = drawn = 0
    for number, verdict in parts:
        filled += number
        until = filled * _BAR // whole
        bar.append("━" * (until - drawn), style=_STYLES[verdict])
        drawn = until
    bar.append("━" * (_BAR - drawn), style="bright_black")
    return bar.append(f"  {counts}")


def _tasks(seen: Look) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("TASK", "REVISION", "ZONE", "STATUS", "HEALTH"):
        table.add_column(heading, header_style="bold")
    documents = {each["taskArn"].rpartition("/")[2]: each for each in seen.answers.tasks}
    rows = list(_rows(seen))
    for one in rows[:_TASKS]:
        task = one.task
        table.add_row(
            task.id[:12],
            f"{'new' if one.current else 'old'} {documents[task.id]['taskDefinitionArn'].rpartition('/')[2]}",
            task.zone,
            documents[task.id]["lastStatus"] if task.phase is not Phase.STOPPING else "STOPPING",
            Text(_health(one), style=_STYLES[one.verdict]),
        )
    if len(rows) > _TASKS:
        table.add_row(f"and {len(rows) - _TASKS} more")
    return table


def _rows(seen: Look) -> Iterator[Judged]:
    """Yield the new tasks, the old ones, and those on their way out; in each the oldest first."""
    yield from sorted(seen.view.current, key=lambda one: (one.task.created_at, one.task.id))
    yield from sorted(seen.view.old, key=lambda one: (one.task.created_at, one.task.id))
    leaving = [task for task in seen.service.tasks if task.phase is Phase.STOPPING]
    for task in sorted(leaving, key=lambda task: (task.created_at, task.id)):
        yield Judged(task, Verdict.LEAVING, task.revision == seen.service.primary.revision)


def _health(one: Judged) -> str:
    if one.verdict is Verdict.SETTLING and one.task.running_since is not None:
        return f"settling{_checks(one.task)}"
    if one.verdict is Verdict.UNHEALTHY:
        target = failing_target(one.task)
        why = target.reason if target is not None else "container health check"
        return f"unhealthy: {why}"
    return {Verdict.STARTING: "", Verdict.LEAVING: "draining"}.get(one.verdict, one.verdict.value.lower())


def _checks(task: Task) -> str:
    """Say which checks of a task have yet to pass."""
    left = [f"target {target.state.value}" for target in task.targets if target.state.value != "healthy"]
    if task.container_health not in {None, Health.HEALTHY}:
        left.append(f"containers {task.container_health.value}" if task.container_health else "")
    return f": {', '.join(left)}" if left else ""


def _event(event: Document) -> Text:
    return Text.assemble((f"  {event['createdAt']:%H:%M:%S} ", "dim"), event["message"], overflow="fold")


def _name(shown: Document) -> str:
    return str(shown["taskDefinition"]).rpartition("/")[2]
