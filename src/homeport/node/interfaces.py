"""
Keep the node's network equal to what is desired.

One `apply` is in flight at any time, and the next takes everything that came meanwhile: tasks that
arrive together share one.  An interface that a task still holds stays, even when the assignment has
dropped it, until the task lets go of it.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from homeport.network import desired
from homeport.network.protocol import NetworkDriver, NetworkError
from homeport.node.assignment import Assignment
from homeport.wire.messages import Eni, Rule, SecurityGroup, Vpc

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 5.0

W = TypeVar("W")
D = TypeVar("D")


class Routers(Protocol):
    """Whoever listens inside the VPCs' routers."""

    def close_except(self, vpcs: Mapping[str, Vpc]) -> None:
        """Stop listening in every other VPC: its router is about to go."""

    async def open_all(self, vpcs: Mapping[str, Vpc]) -> None:
        """Listen in all of *vpcs*, whose routers exist."""


class Interfaces:
    """The node's interfaces, with the VPCs and security groups they need."""

    def __init__(self, network: NetworkDriver, assignment: Assignment, routers: Routers) -> None:
        self._network = network
        self._assignment = assignment
        self._routers = routers
        self._held: dict[str, tuple[Eni, Vpc]] = {}
        self._known_groups: dict[str, SecurityGroup] = {}
        self._vpc_values = _Translation(_vpc)
        self._group_values = _Translation(_group)
        self._interface_values = _Translation(_interface)
        self._made: dict[str, str] = {}  # interface -> why it could not be made, empty if it was
        self._round: asyncio.Future[str] | None = None  # the next apply: resolved to its failure, or nothing
        self._changed = asyncio.Event()

    def hold(self, eni: Eni, vpc: Vpc) -> None:
        """Keep the interface, and have it made if it is not there, until `release`."""
        self._held[eni.id] = (eni, vpc)
        self._changed.set()

    def moved(self, eni: Eni, vpc: Vpc) -> None:
        """Take new settings of an interface that is held."""
        if eni.id in self._held:
            self._held[eni.id] = (eni, vpc)

    async def release(self, eni: str) -> None:
        """Let go of an interface and return when it is gone, unless the assignment has it.  Raises NetworkError."""
        self._held.pop(eni, None)
        if failure := await self._settled():
            raise NetworkError(failure)

    def refresh(self) -> None:
        """Have the network made equal to the assignment again."""
        self._changed.set()

    async def made(self, eni: str) -> str:
        """Return, when it has been tried, why the interface could not be made; nothing if it exists."""
        if self._made.get(eni) == "":
            return ""
        await self._settled()
        return self._made.get(eni, "the interface is no longer wanted")

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
        self._routers.close_except(vpcs)
        failed = await self._network.apply(wanted)
        await self._routers.open_all(vpcs)
        self._made = {eni: failed.get(eni, "") for eni in wanted.interfaces}
        for eni, reason in failed.items():
            log.warning("interface %s could not be made: %s", eni, reason)

    def _blame(self, reason: str) -> None:
        """Nothing that was still to be made has been made; what exists is as it was."""
        for eni in {*self._assignment.enis, *self._held}:
            self._made.setdefault(eni, reason)
            if self._made[eni]:
                self._made[eni] = reason

    def _vpcs(self) -> dict[str, Vpc]:
        held = {vpc.id: vpc for _, vpc in self._held.values()}
        return held | self._assignment.vpcs

    def _desired(self, vpcs: Mapping[str, Vpc]) -> desired.Network:
        enis = {eni.id: eni for eni, _ in self._held.values()} | self._assignment.enis
        needed = {group for eni in enis.values() for group in eni.groups} - self._assignment.groups.keys()
        self._known_groups = {
            **{name: group for name, group in self._known_groups.items() if name in needed},
            **self._assignment.groups,
        }
        return desired.Network(
            vpcs=self._vpc_values.all(vpcs),
            groups=self._group_values.all(self._known_groups),
            interfaces=self._interface_values.all({name: eni for name, eni in enis.items() if eni.vpc in vpcs}),
        )


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
            self._known[name] = old if old is not None and old[0] is item else (item, self._translate(item))
        return {name: value for name, (_, value) in self._known.items()}


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


def _interface(eni: Eni) -> desired.Interface:
    return desired.Interface(
        id=eni.id,
        vpc=eni.vpc,
        subnet_cidr=eni.subnet_cidr,
        mac=eni.mac,
        address=eni.address,
        groups=eni.groups,
        public_address=eni.public_address,
        internet=eni.internet,
    )
