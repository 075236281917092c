"""All tasks on the node: which the server wants, which are there, and which of them asked."""

import logging
from collections.abc import Awaitable, Iterable, Iterator

from homeport.kit.clock import Clock
from homeport.kit.supervise import Tasks
from homeport.node.assignment import Assignment
from homeport.node.reports import Reports
from homeport.node.store import TaskRecord
from homeport.node.tasks.container import group_name
from homeport.node.tasks.model import new_state
from homeport.node.tasks.observe import observed
from homeport.node.tasks.perform import Machine, Performer, named
from homeport.node.tasks.recover import recover
from homeport.node.tasks.runner import Runner
from homeport.runtime.protocol import Existing, RuntimeFailed
from homeport.wire.messages import Container, Task

log = logging.getLogger(__name__)


class Roster:
    """The runners of all tasks, from a task's arrival until the server has recorded that it is gone."""

    def __init__(self, machine: Machine, assignment: Assignment, reports: Reports, clock: Clock) -> None:
        self._machine = machine
        self._assignment = assignment
        self._reports = reports
        self._clock = clock
        self._work = Tasks()
        self._runners: dict[str, Runner] = {}
        self._by_endpoint: dict[str, tuple[Runner, Container]] = {}
        self._by_address: dict[tuple[str, str], Runner] = {}
        self._by_instance: dict[str, dict[str, Runner]] = {}

    def __iter__(self) -> Iterator[Runner]:
        return iter(self._runners.values())

    def find_endpoint(self, endpoint_id: str) -> tuple[Runner, Container] | None:
        """Return the container whose metadata id that is."""
        return self._by_endpoint.get(endpoint_id)

    def find_address(self, vpc: str, address: str) -> Runner | None:
        """Return the task whose interface has *address* in *vpc*."""
        return self._by_address.get((vpc, address))

    def find_sandbox(self, instance: str, address: str) -> tuple[Runner, Container] | None:
        """Return the container that has *address* on the instance's bridge."""
        holder = self._machine.networks.claims.holder(instance, address)
        if holder is None:
            return None
        task, name = holder
        runner = self._runners[task]
        return runner, named(runner.spec, name)

    def tasks_on(self, instance: str) -> list[Runner]:
        """Return the tasks on an instance, also those that have ended; see `Runner.on_instance`."""
        return list(self._by_instance.get(instance, {}).values())

    def hosts_changed(self) -> None:
        """Take what the instances are like now: tasks begin on those that run, and end on those that shall not."""
        for instance, runners in self._by_instance.items():
            host = self._machine.networks.hosts.find(instance)
            for runner in runners.values():
                runner.look_at(host)

    async def recover(self, records: Iterable[TaskRecord], existing: Iterable[Existing]) -> None:
        """Go on with the tasks that are remembered; what is on the machine and belongs to none is removed."""
        found = {item.id: item for item in existing}
        groups = {item.group for item in found.values() if item.group}  # none: it was killed while being made
        begun = []
        for record in records:
            own = {c.name: found.pop(c.runtime_id) for c in record.spec.containers if c.runtime_id in found}
            groups.discard(group_name(record.spec))
            result = recover(record.state, own, self._clock.now())
            for name in result.remove:
                await self._tidy(self._machine.runtime.remove(own[name].id))
            runner = self._add(
                TaskRecord(
                    spec=record.spec,
                    state=result.state,
                    observed=record.observed,
                    acked=record.acked,
                    eni=record.eni,
                    vpc=record.vpc,
                )
            )
            runner.go_on()
            begun.append((runner, result.events))
        await self._remove_orphans(found.values(), groups)
        for runner, events in begun:
            runner.begin(events)

    async def _remove_orphans(self, orphans: Iterable[Existing], groups: Iterable[str]) -> None:
        for orphan in orphans:
            log.warning("container %s belongs to no task and is removed", orphan.id)
            await self._tidy(self._machine.runtime.remove(orphan.id))
        for group in groups:
            await self._tidy(self._machine.runtime.remove_group(group))

    async def _tidy(self, removal: Awaitable[None]) -> None:
        """What cannot be removed must not keep the tasks from going on; the next start tries again."""
        try:
            await removal
        except RuntimeFailed as error:
            log.error("an orphan stays: %s", error)  # noqa: TRY400 - the message says it all

    def assign(self) -> None:
        """Take the assignment as it is now: new tasks begin, missing ones end, others take what changed."""
        wanted = self._assignment.tasks
        for task in wanted.values():
            eni = self._assignment.enis.get(task.eni)
            vpc = self._assignment.vpcs.get(eni.vpc) if eni is not None else None
            if (runner := self._runners.get(task.id)) is not None:
                runner.update(task, eni, vpc)
                continue
            state = new_state(tuple(c.name for c in task.containers))
            record = TaskRecord(spec=task, state=state, observed=observed(task, state, 1), eni=eni, vpc=vpc)
            self._add(record).begin()
        for runner in [r for r in self._runners.values() if r.spec.id not in wanted]:
            runner.drop()
            self._forget_if_done(runner)
        self.hosts_changed()

    def _add(self, record: TaskRecord) -> Runner:
        performer = Performer(self._machine, record.spec.id)
        runner = Runner(record, performer, self._reports, self._clock, self._work)
        self._runners[record.spec.id] = runner
        for container in record.spec.containers:
            self._by_endpoint[container.endpoint_id] = (runner, container)
        if record.eni is not None:
            self._by_address[record.eni.vpc, record.eni.address] = runner
        if instance := record.spec.instance:
            self._by_instance.setdefault(instance, {})[record.spec.id] = runner
        return runner

    def acked(self, task: str, sequence: int) -> None:
        """The server has recorded an observation of *task*."""
        if (runner := self._runners.get(task)) is not None:
            runner.ack(sequence)
            self._forget_if_done(runner)

    def _forget_if_done(self, runner: Runner) -> None:
        """A task is forgotten when the server knows it is gone and wants nothing of it: never before."""
        task: Task = runner.spec
        if not (runner.gone and runner.acked) or task.id in self._assignment.tasks:
            return
        runner.forget()
        runner.close()
        del self._runners[task.id]
        for container in task.containers:
            self._by_endpoint.pop(container.endpoint_id, None)
        if runner.eni is not None and self._by_address.get((runner.eni.vpc, runner.eni.address)) is runner:
            del self._by_address[runner.eni.vpc, runner.eni.address]
        self._forget_on_instance(task)

    def _forget_on_instance(self, task: Task) -> None:
        others = self._by_instance.get(task.instance, {})
        others.pop(task.id, None)
        if task.instance and not others:
            del self._by_instance[task.instance]
            if self._machine.networks.hosts.find(task.instance) is None:
                self._machine.networks.claims.forget(task.instance)

    async def close(self) -> None:
        """Stop looking after the tasks; their containers live on."""
        for runner in self._runners.values():
            runner.close()
        await self._work.close()
