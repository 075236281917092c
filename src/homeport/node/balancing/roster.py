"""All load balancers on the node: which the server wants, and which are there."""

from collections.abc import Iterable, Iterator

from homeport.kit.clock import Clock
from homeport.kit.supervise import Tasks
from homeport.node.assignment import Assignment
from homeport.node.balancing.model import Desired, groups_of
from homeport.node.balancing.records import BalancerRecord, TargetRecord
from homeport.node.balancing.runner import BalancerReports, BalancerRunner, BalancingMachine
from homeport.node.balancing.targets import TargetReports
from homeport.wire.messages import (
    BalancerObserved,
    BalancerState,
    Eni,
    LoadBalancer,
    Target,
    TargetObserved,
)


class BalancerRoster:
    """The runners of all load balancers, from one's arrival until the server has recorded that it is gone."""

    def __init__(
        self,
        machine: BalancingMachine,
        assignment: Assignment,
        reports: tuple[BalancerReports, TargetReports],
        clock: Clock,
    ) -> None:
        self._machine = machine
        self._assignment = assignment
        self._reports = reports
        self._clock = clock
        self._work = Tasks()
        self._runners: dict[str, BalancerRunner] = {}

    def __iter__(self) -> Iterator[BalancerRunner]:
        return iter(self._runners.values())

    def recover(self, balancers: Iterable[BalancerRecord], targets: Iterable[TargetRecord]) -> None:
        """Take up the load balancers that are remembered and keep what exists of them; `resume` goes on with them."""
        of: dict[str, list[TargetRecord]] = {}
        for target in targets:
            of.setdefault(target.observed.balancer, []).append(target)
        for record in balancers:
            self._add(record, of.get(record.spec.id, ())).hold()

    def resume(self) -> None:
        """Go on with the load balancers that were recovered, which `assign` has told what is wanted."""
        for runner in list(self._runners.values()):
            runner.begin()

    def assign(self, *, begin: bool = True) -> None:
        """Take the assignment as it is now: new load balancers begin, missing ones end, others take what changed."""
        wanted = self._assignment.balancers
        by_group: dict[str, dict[str, Target]] = {}
        for target in self._assignment.targets.values() if wanted else ():
            by_group.setdefault(target.target_group, {})[target.id] = target
        for balancer in wanted.values():
            known, runner = self._runners.get(balancer.id), self._runners.get(balancer.id)
            if runner is None:
                seen = BalancerObserved(balancer=balancer.id, sequence=1, state=BalancerState.PROVISIONING)
                runner = self._add(BalancerRecord(spec=balancer, observed=seen), ())
            runner.update(
                self._desired(balancer, by_group), self._enis(balancer), self._assignment.vpcs.get(balancer.vpc)
            )
            if known is None and begin:
                runner.begin()
        for runner in [runner for runner in self._runners.values() if runner.id not in wanted]:
            runner.drop()

    def _desired(self, balancer: LoadBalancer, by_group: dict[str, dict[str, Target]]) -> Desired:
        ids = sorted(groups_of(balancer) & self._assignment.target_groups.keys())
        return Desired(
            balancer,
            {id_: self._assignment.target_groups[id_] for id_ in ids},
            {id_: target for group in ids for id_, target in by_group.get(group, {}).items()},
        )

    def _enis(self, balancer: LoadBalancer) -> tuple[Eni, ...]:
        return tuple(self._assignment.enis[id_] for id_ in balancer.enis if id_ in self._assignment.enis)

    def _add(self, record: BalancerRecord, targets: Iterable[TargetRecord]) -> BalancerRunner:
        runner = BalancerRunner(record, targets, self._machine, self._reports, self._clock, self._work, self._forget)
        self._runners[runner.id] = runner
        return runner

    def _forget(self, runner: BalancerRunner) -> None:
        self._runners.pop(runner.id, None)

    # --- Reports

    def unacked(self) -> list[BalancerObserved | TargetObserved]:
        """Return what the server has not recorded yet."""
        return [observed for runner in self._runners.values() for observed in runner.unacked()]

    def balancer_acked(self, balancer: str, sequence: int) -> None:
        """The server has recorded an observation of a load balancer."""
        if (runner := self._runners.get(balancer)) is not None:
            runner.ack(sequence)

    def target_acked(self, target: str, sequence: int) -> None:
        """The server has recorded an observation of a target."""
        for runner in self._runners.values():
            runner.targets.ack(target, sequence)

    async def close(self) -> None:
        """Stop looking after the load balancers; they serve on."""
        await self._work.close()
        for runner in self._runners.values():
            runner.close()
