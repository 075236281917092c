"""
Give every waiting task a node and a network interface, or an end.

A batch of tasks is placed in one transaction, in which each takes its address, its log streams and
its place in a node's assignment: so a crash leaves a task either waiting or wholly placed.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from homeport.aws.errors import AwsError
from homeport.db.database import Database, Tx
from homeport.fleet import assignments
from homeport.kit.clock import Clock
from homeport.kit.ids import Ids
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.model import NetworkInterface, SecurityGroup, Subnet
from homeport.services.ec2.projection import network_items
from homeport.services.ecs import lifecycle
from homeport.services.ecs.model.tasks import Desired, Launch, TaskRecord
from homeport.services.ecs.store import container_instances, task_definitions, tasks
from homeport.services.ecs.translate import log_target, pattern_failure, wire_task
from homeport.services.logs.ingest import LogGroupMissing, ensure_task_streams

#: How long a task waits for a node before it is given up, in seconds.
PATIENCE = 120.0
#: How long a task waits for a place for its interface on an instance whose own are all in use, in seconds.
INTERFACE_PATIENCE = 180.0

_BATCH = 64
_REQUESTER = "amazon-ecs"
_NO_CAPACITY = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
_NO_INTERFACE = "Timeout waiting for network interface provisioning to complete."
_LOGGER_FAILED = (
    "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
    "failed to create Cloudwatch log stream: {} : exit status 1"
)
_LOGGER_INVALID = "ResourceInitializationError: failed to validate logger args: {} : exit status 1"
_ENI_FAILED = (
    "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment {} in subnet '{}': {}"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Let *node* run the task."""

    record: TaskRecord
    node: str


@dataclass(frozen=True, slots=True)
class End:
    """Stop the task, which no node has, for *reason* unless it has one already."""

    record: TaskRecord
    reason: str


class _Unplaceable(Exception):
    """The task cannot be placed; whatever was already done for it must be undone."""

    def __init__(self, task_id: str, reason: str) -> None:
        super().__init__(reason)
        self.task_id = task_id
        self.reason = reason


class _Full(_Unplaceable):
    """There is no place for the task's interface now; there may be one later."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Tasks that were tried in vain: for good, with the reason, or for now."""

    hopeless: Mapping[str, str] = field(default_factory=dict)
    later: AbstractSet[str] = frozenset()


def plan(
    waiting: Sequence[TaskRecord],
    live: Mapping[str, int],
    tried: Tried,
    now: float,
    homes: Mapping[str, str] | None = None,
) -> list[Place | End]:
    """
    Decide about each waiting task; one that is left out goes on waiting.

    *live* counts the tasks of each node that can take more: the emptiest is taken.  A task on an instance goes to
    that instance's node, which *homes* gives for those whose node can be told something.
    """
    counts = dict(live)
    decisions: list[Place | End] = []
    for record in waiting:
        reason = tried.hopeless.get(record.task.id)
        if reason is not None or record.task.desired_status is Desired.STOPPED:
            decisions.append(End(record, reason or "Task stopped by user"))
        elif record.task.id in tried.later:
            continue
        elif record.launch.ec2_instance:
            if (home := (homes or {}).get(record.launch.ec2_instance)) is not None:
                decisions.append(Place(record, home))
        elif counts:
            node = min(counts, key=lambda name: (counts[name], name))
            counts[node] += 1
            decisions.append(Place(record, node))
        elif now - record.task.created_at >= PATIENCE:
            decisions.append(End(record, _NO_CAPACITY))
    return decisions


class Placement:
    """The reconciler's passes; *connected* names the nodes that can be told something now."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        account: str,
        connected: Callable[[], frozenset[str]],
        wake: Callable[[str], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._account = account
        self._connected = connected
        self._wake = wake

    async def pass_(self) -> None:
        """Decide about every waiting task, a batch to a transaction."""
        while True:
            async with self._database.snapshot() as tx:
                waiting = await tasks.waiting(tx, _BATCH)
            if not waiting or not await self._batch():
                return

    async def _batch(self) -> bool:
        """
        Decide about one batch, and say whether another may follow.

        A task that cannot be placed undoes the transaction, and the next round ends it: so at most one
        round more than the batch has tasks.
        """
        hopeless: dict[str, str] = {}
        later: set[str] = set()
        for _ in range(_BATCH + 1):
            try:
                async with self._database.transaction() as tx:
                    decided = await self._apply(tx, Tried(hopeless, later))
            except _Full as failure:
                later.add(failure.task_id)
                continue
            except _Unplaceable as failure:
                hopeless[failure.task_id] = failure.reason
                continue
            if decided:
                self._wake("fleet.sessions")
            return decided == _BATCH
        return True

    async def _apply(self, tx: Tx, tried: Tried) -> int:
        """Plan and carry out one batch; returns how many tasks no longer wait."""
        now = self._clock.now()
        connected = self._connected()
        # A single node needs no comparison, and counting costs in proportion to the tasks.
        counted = await tasks.live_on_nodes(tx) if len(connected) > 1 else {}
        live = {node: counted.get(node, 0) for node in connected}
        waiting = await tasks.waiting(tx, _BATCH)
        decisions = plan(waiting, live, tried, now, await self._homes(tx, waiting, connected))
        for decision in decisions:
            if isinstance(decision, End):
                ended = lifecycle.never_placed(decision.record.task, decision.reason, now)
                await tasks.update(tx, replace(decision.record, task=ended, waiting=False))
            else:
                await self._place(tx, decision.record, decision.node, now)
        return len(decisions)

    async def _homes(self, tx: Tx, waiting: Sequence[TaskRecord], connected: frozenset[str]) -> dict[str, str]:
        """Return the node of each instance that a task waits for, where it runs and can be told something."""
        homes = {}
        for name in {record.launch.ec2_instance for record in waiting} - {""}:
            instance = await ec2.find_instance(tx, name)
            if instance is not None and instance.meant_to_run and instance.node in connected:
                homes[name] = instance.node
        return homes

    async def _place(self, tx: Tx, record: TaskRecord, node: str, now: float) -> None:
        task, launch = record.task, record.launch
        found = await task_definitions.find(tx, task.region, launch.family, launch.revision)
        assert found is not None, "a task definition outlives the tasks that run it"
        definition = found.parsed()
        await self._make_streams(tx, record, definition["containerDefinitions"], now)
        placed = replace(record, node=node, waiting=False)
        if launch.subnets:
            interface = await self._allocate(tx, record, now)
            placed = replace(
                placed,
                task=lifecycle.attaching(task, interface.zone, _details(interface)),
                launch=msgspec.structs.replace(launch, interface=interface.id),
            )
            for item in await network_items(tx, interface):
                await assignments.put_missing(tx, node, item)
        await assignments.put(tx, node, wire_task(placed.task, placed.launch, definition, placed.tags))
        await tasks.update(tx, placed)

    async def _make_streams(
        self, tx: Tx, record: TaskRecord, containers: Sequence[Mapping[str, Any]], now: float
    ) -> None:
        """Make the log streams of the task's containers: without them it must not start."""
        task = record.task
        runtime_ids = {part.name: part.runtime_id for part in record.launch.containers}
        for container in containers:
            target = log_target(container, task.id, runtime_ids[container["name"]])
            if target is None:
                continue
            if failure := pattern_failure(target):
                raise _Unplaceable(task.id, _LOGGER_INVALID.format(failure))
            try:
                await ensure_task_streams(
                    tx,
                    region=target.region,
                    group=target.group,
                    streams=[target.stream],
                    create_group=target.options.get("awslogs-create-group") == "true",
                    now=now,
                    ids=self._ids,
                )
            except LogGroupMissing as error:
                why = "ResourceNotFoundException: The specified log group does not exist."
                raise _Unplaceable(task.id, _LOGGER_FAILED.format(why)) from error
            except AwsError as error:
                why = f"{error.code}: {error.message}"
                raise _Unplaceable(task.id, _LOGGER_FAILED.format(why)) from error

    async def _allocate(self, tx: Tx, record: TaskRecord, now: float) -> NetworkInterface:
        """Take an address from the first of the task's subnets that has one."""
        task, launch = record.task, record.launch
        try:
            subnets = await ec2.get_subnets(tx, task.region, launch.subnets)
            groups = (
                await ec2.get_security_groups(tx, task.region, launch.groups)
                if launch.groups
                else [await ec2.default_security_group(tx, subnets[0].vpc)]
            )
        except AwsError as error:
            raise _Unplaceable(task.id, _eni_failed(launch, launch.subnets[0], error)) from error
        failure: AwsError | None = None
        for subnet in subnets:
            try:
                return await self._allocate_in(tx, record, subnet, groups, now)
            except AwsError as error:
                failure = error
                if error.code == "AttachmentLimitExceeded":
                    # What users attach by hand counts for EC2 and not for placement: a place may come free.
                    kind = _Full if now - task.created_at < INTERFACE_PATIENCE else _Unplaceable
                    raise kind(task.id, _NO_INTERFACE) from error
                if error.code != "InsufficientFreeAddressesInSubnet":  # others would fail alike anywhere
                    raise _Unplaceable(task.id, _eni_failed(launch, subnet.id, error)) from error
        assert failure is not None, "a task has at least one subnet"
        raise _Unplaceable(task.id, _eni_failed(launch, subnets[0].id, failure)) from failure

    async def _allocate_in(
        self, tx: Tx, record: TaskRecord, subnet: Subnet, groups: Sequence[SecurityGroup], now: float
    ) -> NetworkInterface:
        task, launch = record.task, record.launch
        description = f"arn:aws:ecs:{task.region}:{self._account}:attachment/{task.attachments[0].id}"
        tag = {key: value for key, value in record.tags.items() if key.startswith("aws:ecs:")}
        if not launch.ec2_instance:
            return await ec2.allocate_interface(
                tx,
                subnet=subnet,
                groups=groups,
                now=now,
                ids=self._ids,
                description=description,
                public=launch.public_address,
                requester=_REQUESTER,
                tag=tag,
                block_metadata=True,  # Fargate has none
            )
        instance = await ec2.find_instance(tx, launch.ec2_instance)
        host = await container_instances.find(tx, launch.container_instance)
        assert instance is not None, "an instance outlives the tasks that were placed on it"
        return await ec2.allocate_task_interface(
            tx,
            instance,
            subnet=subnet,
            groups=groups,
            now=now,
            ids=self._ids,
            description=description,
            requester=_REQUESTER,
            tag=tag,
            block_metadata=host is not None and host.registration.block_metadata,
        )


def _eni_failed(launch: Launch, subnet: str, error: AwsError) -> str:
    return _ENI_FAILED.format("enabled" if launch.public_address else "disabled", subnet, error.code)


def _details(interface: NetworkInterface) -> list[tuple[str, str]]:
    """Return the attachment's details in AWS's order."""
    details = [
        ("subnetId", interface.subnet),
        ("networkInterfaceId", interface.id),
        ("macAddress", interface.mac),
        ("privateDnsName", interface.private_dns_name),
        ("privateIPv4Address", interface.address),
    ]
    return [(name, value) for name, value in details if value]
