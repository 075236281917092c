"""
Keep the node's network equal to what is desired.

One `apply` is in flight at any time, and the next takes everything that came meanwhile: tasks that
arrive together share one.  An interface that a task still holds stays, even when the assignment has
dropped it, until the task lets go of it.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from homeport.network import desired
from homeport.network.protocol import NetworkDriver, NetworkError
from homeport.node.assignment import Assignment
from homeport.node.balancing.model import namespace_of
from homeport.wire.messages import Eni, EniKind, Rule, SecurityGroup, Task, Vpc

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 5.0

W = TypeVar("W")
D = TypeVar("D")


class Listeners(Protocol):
    """Whoever listens inside the VPCs' routers and the instances' namespaces."""

    def close_except(self, vpcs: Mapping[str, Vpc], hosts: Collection[str]) -> None:
        """Stop listening in every other VPC and instance: its namespace is about to go."""

    async def open_all(self, vpcs: Mapping[str, Vpc], hosts: Collection[str]) -> None:
        """Listen in all of *vpcs*, whose routers exist, and in the instances *hosts*, whose namespaces do."""


@dataclass(frozen=True, slots=True)
class _Held:
    """An interface that somebody on this node keeps, and what it is called in its namespace."""

    eni: Eni
    vpc: Vpc
    device: str


class Interfaces:
    """The node's interfaces, with the VPCs, security groups, instances' namespaces and sandboxes they need."""

    def __init__(self, network: NetworkDriver, assignment: Assignment, listeners: Listeners) -> None:
        self._network = network
        self._assignment = assignment
        self._listeners = listeners
        self._held: dict[str, _Held] = {}
        self._hosts: dict[str, tuple[desired.Host, frozenset[str]]] = {}  # with the ids of its interfaces
        self._sandboxes: dict[str, desired.Sandbox] = {}
        self._known_groups: dict[str, SecurityGroup] = {}
        self._vpc_values = _Translation(_vpc)
        self._group_values = _Translation(_group)
        self._interface_values = _Translation(_interface)
        self._made: dict[str, str] = {}  # by id of interface, host or sandbox: why it is not there, empty if it is
        self._round: asyncio.Future[str] | None = None  # the next apply: resolved to its failure, or nothing
        self._changed = asyncio.Event()

    # --- A task's interface

    def hold(self, eni: Eni, vpc: Vpc, device: str) -> None:
        """Keep the interface, called *device* in its namespace, and have it made if it is not there, until `release`."""
        self._held[eni.id] = _Held(eni, vpc, device)
        self._changed.set()

    def moved(self, eni: Eni, vpc: Vpc) -> None:
        """Take new settings of an interface that is held."""
        if (held := self._held.get(eni.id)) is not None:
            self._held[eni.id] = replace(held, eni=eni, vpc=vpc)

    async def release(self, eni: str) -> None:
        """Let go of an interface and return when it is gone, unless the assignment has it.  Raises NetworkError."""
        self._held.pop(eni, None)
        await self._settle()

    async def made(self, eni: str) -> str:
        """Return, when it has been tried, why the interface could not be made; nothing if it exists."""
        return await self._attempted(eni, "the interface is no longer wanted")

    # --- A container's own namespace

    def hold_sandbox(self, sandbox: desired.Sandbox) -> None:
        """Keep the sandbox, or the one of that id with what changed, until `release_sandbox`."""
        if self._sandboxes.get(sandbox.id) != sandbox:
            self._sandboxes[sandbox.id] = sandbox
            self._made.pop(sandbox.id, None)
        self._changed.set()

    async def sandbox_made(self, sandbox: str) -> str:
        """Return, when it has been tried, why the sandbox could not be made; nothing if it exists."""
        return await self._attempted(sandbox, "the container's network is no longer wanted")

    async def release_sandbox(self, sandbox: str) -> None:
        """Let go of a sandbox and return when it is gone.  Raises NetworkError."""
        self._sandboxes.pop(sandbox, None)
        await self._settle()

    # --- An instance's or a load balancer's namespace

    def hold_host(self, host: desired.Host, enis: Iterable[tuple[Eni, int]], vpc: Vpc) -> None:
        """
        Keep a namespace with these interfaces in it, and no others, until `release_host`.

        It is an instance's or a load balancer's; each interface comes with its number there.
        """
        attached = {eni.id: _Held(eni, vpc, f"eth{number}") for eni, number in enis}
        self._drop_attached(host.id)
        self._hosts[host.id] = (host, frozenset(attached))
        self._held |= attached
        self._changed.set()

    async def host_made(self, host: str) -> str:
        """Return, when it has been tried, why the namespace or an interface in it could not be made; nothing if all is there."""
        gone = "it is no longer wanted"
        if reason := await self._attempted(host, gone):
            return reason
        attached = self._hosts[host][1] if host in self._hosts else ()
        for eni in sorted(attached):
            if reason := await self._attempted(eni, gone):
                return f"{eni}: {reason}"
        return ""

    async def release_host(self, host: str) -> None:
        """Let go of a namespace and return when it is gone.  Raises NetworkError."""
        self._drop_attached(host)
        self._hosts.pop(host, None)
        await self._settle()

    def _drop_attached(self, host: str) -> None:
        for eni in self._hosts[host][1] if host in self._hosts else ():
            self._held.pop(eni, None)

    # --- Making it so

    def refresh(self) -> None:
        """Have the network made equal to the assignment again."""
        self._changed.set()

    async def _attempted(self, id_: str, gone: str) -> str:
        if self._made.get(id_) == "":
            return ""
        await self._settled()
        return self._made.get(id_, gone)

    async def _settle(self) -> None:
        if failure := await self._settled():
            raise NetworkError(failure)

    async def _settled(self) -> str:
        """Return when everything asked for until now has been tried, with the reason if that failed."""
        self._changed.set()
        if self._round is None:
            self._round = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._round)

    async def run(self) -> None:
        """Apply whatever is desired, whenever that changes."""
        failures = 0
        while True:
            await self._changed.wait()
            self._changed.clear()  # before reading: a change during the apply must start another
            waiting, self._round = self._round, None
            failure = ""
            try:
                await self._apply()
                failures = 0
            except Exception as error:  # the supervisor: whatever went wrong, the next change must be tried
                failures += 1
                failure = str(error) or type(error).__name__
                unforeseen = None if isinstance(error, NetworkError) else error
                log.error("the network could not be made, attempt %d: %s", failures, failure, exc_info=unforeseen)  # noqa: TRY400 - a trace only of what was not foreseen
                self._blame(failure)
                asyncio.get_running_loop().call_later(_pause(failures), self._changed.set)
            finally:
                if waiting is not None:
                    waiting.set_result(failure)

    async def _apply(self) -> None:
        vpcs = self._vpcs()
        wanted = self._desired(vpcs)
        instances = [id_ for id_, host in wanted.hosts.items() if host.bridge]
        self._listeners.close_except(vpcs, instances)
        failed = await self._network.apply(wanted)
        await self._listeners.open_all(vpcs, [host for host in instances if host not in failed])
        self._made = {id_: failed.get(id_, "") for id_ in (*wanted.interfaces, *wanted.hosts, *wanted.sandboxes)}
        for id_, reason in failed.items():
            log.warning("%s could not be made: %s", id_, reason)

    def _blame(self, reason: str) -> None:
        """Nothing that was still to be made has been made; what exists is as it was."""
        for id_ in {*self._assignment.enis, *self._held, *self._hosts, *self._sandboxes}:
            self._made.setdefault(id_, reason)
            if self._made[id_]:
                self._made[id_] = reason

    def _vpcs(self) -> dict[str, Vpc]:
        held = {held.vpc.id: held.vpc for held in self._held.values()}
        return held | self._assignment.vpcs

    def _wanted(self) -> dict[str, tuple[Eni, str]]:
        """
        Return the interfaces that shall exist, each with its device.

        Those in the assignment are made before anybody holds them, so that a task finds its own ready.  What it is
        called depends on where its task runs, so without a task it waits; an instance's waits for its namespace.
        """
        ready = {
            task.eni: (eni, task_device(task))
            for task in self._assignment.tasks.values()
            if (eni := self._assignment.enis.get(task.eni)) is not None
        }
        held = {id_: (self._assignment.enis.get(id_, held.eni), held.device) for id_, held in self._held.items()}
        return ready | held

    def _desired(self, vpcs: Mapping[str, Vpc]) -> desired.Network:
        wanted = {id_: pair for id_, pair in self._wanted().items() if pair[0].vpc in vpcs}
        needed = {group for eni, _ in wanted.values() for group in eni.groups} - self._assignment.groups.keys()
        self._known_groups = {
            **{name: group for name, group in self._known_groups.items() if name in needed},
            **self._assignment.groups,
        }
        return desired.Network(
            vpcs=self._vpc_values.all(vpcs),
            groups=self._group_values.all(self._known_groups),
            interfaces=self._interface_values.all(wanted),
            hosts={id_: host for id_, (host, _) in self._hosts.items()},
            sandboxes=dict(self._sandboxes),
        )


def task_device(task: Task) -> str:
    """Return what the task's own interface is called in its namespace: on Fargate eth1, on an instance eth0."""
    return "eth0" if task.instance else "eth1"


def _pause(failures: int) -> float:
    return min(_LONGEST_PAUSE, 0.05 * float(2 ** min(failures, 10))) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, no secret


class _Translation(Generic[W, D]):
    """The wire's items in the network's words; an item that has not changed is not translated again."""

    def __init__(self, translate: Callable[[W], D]) -> None:
        self._translate = translate
        self._known: dict[str, tuple[W, D]] = {}

    def all(self, items: Mapping[str, W]) -> dict[str, D]:
        known, self._known = self._known, {}
        for name, item in items.items():
            old = known.get(name)
            self._known[name] = old if old is not None and _same(old[0], item) else (item, self._translate(item))
        return {name: value for name, (_, value) in self._known.items()}


def _same(old: object, new: object) -> bool:
    """Tell whether two items are one, or two pairs of one item and the same word: whole items are dear to compare."""
    if isinstance(old, tuple) and isinstance(new, tuple):
        return old[0] is new[0] and old[1] == new[1]
    return old is new


def _vpc(vpc: Vpc) -> desired.Vpc:
    return desired.Vpc(id=vpc.id, cidrs=vpc.cidrs, dns=vpc.dns, internet_gateway=vpc.internet_gateway)


def _rule(rule: Rule) -> desired.Rule:
    return desired.Rule(
        protocol=rule.protocol, from_port=rule.from_port, to_port=rule.to_port, cidr=rule.cidr, group=rule.group
    )


def _group(group: SecurityGroup) -> desired.Group:
    return desired.Group(
        id=group.id,
        vpc=group.vpc,
        ingress=tuple(_rule(rule) for rule in group.ingress),
        egress=tuple(_rule(rule) for rule in group.egress),
    )


def _interface(wanted: tuple[Eni, str]) -> desired.Interface:
    eni, device = wanted
    return desired.Interface(
        id=eni.id,
        vpc=eni.vpc,
        subnet_cidr=eni.subnet_cidr,
        mac=eni.mac,
        address=eni.address,
        device=device,
        groups=eni.groups,
        public_address=eni.public_address,
        internet=eni.internet,
        host=eni.instance or namespace_of(eni.balancer),
        primary=device == "eth0" if eni.balancer else eni.device_index == 0,
        carries_branches=eni.kind is EniKind.TRUNK,
        trunk=eni.trunk,
        vlan=eni.vlan,
        block_metadata=eni.block_metadata,
    )
