"""All instances on the node: which the server wants, which are there, and which of them is meant."""

import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

from homeport.kit.clock import Clock
from homeport.kit.supervise import Tasks
from homeport.network.protocol import NetworkError
from homeport.node.assignment import Assignment
from homeport.node.instances.model import InstanceState
from homeport.node.instances.observe import observed
from homeport.node.instances.perform import InstanceMachine, Performer, system_container
from homeport.node.instances.recover import recover
from homeport.node.instances.runner import InstanceRunner
from homeport.node.reports import InstanceReports
from homeport.node.store import InstanceRecord
from homeport.runtime.protocol import Existing
from homeport.wire.messages import Eni, Instance, Vpc


class Occupant(Protocol):
    """A task, as far as its instance has to know it."""

    @property
    def on_instance(self) -> bool:
        """Whether anything of it may still be on its instance: processes, namespaces, ports."""


class Occupants(Protocol):
    """Whoever runs the tasks on the instances."""

    def tasks_on(self, instance: str) -> Collection[Occupant]:
        """Return the tasks on an instance, also those that are ending."""

    def hosts_changed(self) -> None:
        """Look again at what is wanted of every task's instance."""


class InstanceRoster:
    """The runners of all instances, from an instance's arrival until the server has recorded that it is gone."""

    def __init__(
        self,
        machine: InstanceMachine,
        assignment: Assignment,
        reports: InstanceReports,
        clock: Clock,
    ) -> None:
        self._machine = machine
        self._assignment = assignment
        self._reports = reports
        self._clock = clock
        self._work = Tasks()
        self._runners: dict[str, InstanceRunner] = {}
        self._occupants: Occupants | None = None

    def serve(self, occupants: Occupants) -> None:
        """Run beside these tasks; before anything is recovered or assigned."""
        self._occupants = occupants

    def __iter__(self) -> Iterator[InstanceRunner]:
        return iter(self._runners.values())

    def find(self, instance: str) -> InstanceRunner | None:
        """Return the instance of that id, if it is on this node."""
        return self._runners.get(instance)

    def find_address(self, vpc: str, address: str) -> InstanceRunner | None:
        """Return the instance that has an interface with *address* in *vpc*."""
        for runner in self._runners.values():
            if any((eni.vpc, eni.address) == (vpc, address) for eni in runner.enis):
                return runner
        return None

    def recover(self, records: Iterable[InstanceRecord], existing: Mapping[str, Existing]) -> set[str]:
        """
        Take up the instances that are remembered and keep what exists of them; `resume` goes on with them.

        Returns the ids of the containers among *existing* that are theirs.
        """
        own = set()
        for record in records:
            container = system_container(record.spec.id)
            state, found = recover(record.state, existing.get(container)), container in existing
            if found:
                own.add(container)
            runner = self._add(
                InstanceRecord(
                    spec=record.spec,
                    state=state,
                    observed=record.observed,
                    acked=record.acked,
                    enis=record.enis,
                    vpc=record.vpc,
                )
            )
            runner.hold()
        return own

    def resume(self) -> None:
        """Go on with the instances that were recovered."""
        for runner in list(self._runners.values()):
            runner.begin()

    def assign(self) -> None:
        """Take the assignment as it is now: new instances begin, missing ones end, others take what changed."""
        wanted = self._assignment.instances
        attached: dict[str, list[Eni]] = {}
        for eni in self._assignment.enis.values():
            if eni.instance:
                attached.setdefault(eni.instance, []).append(eni)
        for instance in wanted.values():
            enis = tuple(sorted(attached.get(instance.id, ()), key=lambda eni: eni.device_index))
            vpc = self._vpc(instance)
            if (runner := self._runners.get(instance.id)) is not None:
                runner.update(instance, enis, vpc)
                continue
            state = InstanceState()
            seen = observed(instance.id, state, 1, wanted=instance.running)
            self._add(InstanceRecord(spec=instance, state=state, observed=seen, enis=enis, vpc=vpc)).begin()
        for runner in [r for r in self._runners.values() if r.id not in wanted]:
            runner.drop()
            self._forget_if_done(runner)

    def _vpc(self, instance: Instance) -> Vpc | None:
        eni = self._assignment.enis.get(instance.interface)
        return self._assignment.vpcs.get(eni.vpc) if eni is not None else None

    def _add(self, record: InstanceRecord) -> InstanceRunner:
        id_ = record.spec.id
        performer = Performer(self._machine, id_)
        runner = InstanceRunner(
            record, performer, self._reports, self._clock, self._work, lambda: self._occupied(id_), self._changed
        )
        self._runners[id_] = runner
        return runner

    def port_free(self, instance: str, protocol: str, port: int) -> bool:
        """Say whether no process of a running instance, and none of ours there, has the port."""
        kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
        try:
            self._machine.network.listen(instance, "0.0.0.0", port, kind).close()  # noqa: S104 - tried, and let go of
        except NetworkError:
            return False
        return True

    def _occupied(self, instance: str) -> bool:
        assert self._occupants is not None, "the tasks are known before their instances"
        return any(task.on_instance for task in self._occupants.tasks_on(instance))

    def _changed(self) -> None:
        assert self._occupants is not None, "the tasks are known before their instances"
        self._occupants.hosts_changed()

    def tasks_changed(self) -> None:
        """Look again whether instances that shall end are still occupied."""
        for runner in list(self._runners.values()):
            runner.look_again()

    def acked(self, instance: str, sequence: int) -> None:
        """The server has recorded an observation of *instance*."""
        if (runner := self._runners.get(instance)) is not None:
            runner.ack(sequence)
            self._forget_if_done(runner)

    def _forget_if_done(self, runner: InstanceRunner) -> None:
        """An instance is forgotten when the server knows it is gone and wants nothing of it: never before."""
        if runner.gone and runner.acked and runner.id not in self._assignment.instances:
            runner.forget()
            runner.close()
            del self._runners[runner.id]

    async def close(self) -> None:
        """Stop looking after the instances; what runs lives on."""
        for runner in self._runners.values():
            runner.close()
        await self._work.close()
