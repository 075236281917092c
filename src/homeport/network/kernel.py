"""
Make a desired network real in the Linux kernel.

`plan` decides; here each action is carried out.  The kernel's state is the only record: after a
restart, or after anything went wrong, it is read again, and whatever cannot be read back (rule sets) is
replaced in one transaction, which interrupts nobody.  So any moment is a good one to be killed.

All work is done by one thread, because a thread can live in one network namespace at a time and the event
loop's must stay at home; this also puts passes in order.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple, TypeVar

from homeport.network import naming, rtnetlink
from homeport.network.actions import (
    Action,
    Attach,
    ChangeFilter,
    ChangeTranslation,
    Detach,
    EnsureEdge,
    EnsureGateway,
    EnsureRouter,
    InForce,
    Plan,
    Remains,
    RemoveEdge,
    RemoveGateway,
    RemoveRouter,
    ReplaceFilter,
    ReplaceTranslation,
    SetAddresses,
)
from homeport.network.blank import Blank
from homeport.network.desired import Network
from homeport.network.gateway import Edge, Gateway, delete_links, remove_uplink
from homeport.network.namespaces import Namespaces
from homeport.network.netlink import Netlink
from homeport.network.place import load
from homeport.network.plan import plan
from homeport.network.protocol import NetworkError, Traffic
from homeport.network.router import TASK_LINK, Router

log = logging.getLogger(__name__)

T = TypeVar("T")

_BACKLOG = 1024
_READY = 8  # namespaces made ahead


class _Broken(NamedTuple):
    action: Action
    error: Exception


class KernelNetwork:
    """
    The network driver for a real kernel.

    *run* is where namespaces are held, on a file system that a reboot empties.  *public_pool* is the range of
    public addresses; its first four are ours (the second belongs to the machine's end of the uplink).
    Without *uplink* public addresses are reached by tasks only, not by the machine.
    """

    def __init__(self, run: Path, public_pool: str = "198.18.0.0/16", uplink: bool = True) -> None:
        self._namespaces = Namespaces(run / "netns")
        self._pool = IPv4Network(public_pool)
        self._uplink = uplink
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network")
        self._in_force: InForce | None = None
        self._routers: dict[str, Router] = {}
        self._gateways: dict[str, Gateway] = {}
        self._edge: Edge | None = None
        self._blanks: list[Blank] = []

    async def apply(self, desired: Network) -> Mapping[str, str]:
        return await self._work(lambda: self._apply(desired))

    def namespace(self, interface: str) -> Path:
        return self._namespaces.path(interface)

    def listen(self, vpc: str, address: str, port: int, kind: socket.SocketKind) -> socket.socket:
        try:
            descriptor = self._namespaces.open(naming.router(vpc))
        except FileNotFoundError as error:
            raise NetworkError(f"{vpc} has no router here") from error
        try:
            with self._namespaces.within(descriptor):
                opened = socket.socket(socket.AF_INET, kind)
        finally:
            os.close(descriptor)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((address, port))
            if kind == socket.SOCK_STREAM:
                opened.listen(_BACKLOG)
        except OSError as error:
            opened.close()
            raise NetworkError(f"{vpc}: listen on {address}:{port}: {error.strerror}") from error
        return opened

    async def traffic(self, interface: str) -> Traffic:
        return await self._work(lambda: self._traffic(interface))

    async def close(self) -> None:
        await self._work(self._let_go)
        self._worker.shutdown()
        self._namespaces.close()

    async def destroy(self) -> None:
        await self._work(self._destroy)

    async def _work(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)

    # --- In the worker's thread -----------------------------------------------------------------------

    def _apply(self, desired: Network) -> Mapping[str, str]:
        current = self._in_force or self._survey()
        self._in_force = None  # until all is done: a pass that fails half way leaves what has to be read again
        intended = plan(current, desired, self._pool)
        failures = dict(intended.failures)
        try:
            broken = self._perform_all(intended, failures)
        except BaseException:
            self._let_go()
            raise
        if broken:
            self._let_go()
            return self._report(broken, intended, failures)
        self._in_force = intended.after
        self._worker.submit(self._prepare)
        return failures

    def _perform_all(self, intended: Plan, failures: dict[str, str]) -> dict[str, _Broken]:
        """Carry out the plan; where a VPC's part of it fails the others' goes on.  Return what failed, by VPC."""
        broken: dict[str, _Broken] = {}
        for action in intended.actions:
            concerned = _concerned(action, intended)
            if not broken.keys().isdisjoint(concerned):
                continue
            try:
                self._perform(action, intended, failures)
            except (NetworkError, OSError) as error:
                log.warning("%s: %s", type(action).__name__, error)
                broken |= dict.fromkeys(concerned, _Broken(action, error))
        return broken

    def _report(self, broken: Mapping[str, _Broken], intended: Plan, failures: dict[str, str]) -> Mapping[str, str]:
        """Name every interface of a VPC that failed, as its rules may not be in force; what had to go must be gone."""
        for id_, interface in intended.after.admitted.interfaces.items():
            if interface.vpc in broken:
                failures.setdefault(id_, str(broken[interface.vpc].error))
        for action, error in broken.values():
            if isinstance(action, Detach | RemoveGateway | RemoveRouter | RemoveEdge):
                raise NetworkError(f"what is no longer desired could not be removed: {error}") from error
        return failures

    def _prepare(self) -> None:
        """Make one namespace ahead, and have the next one made after whatever waits by now."""
        if self._in_force is None or not self._in_force.routers or len(self._blanks) >= _READY:
            return
        try:
            self._blanks.append(Blank(self._namespaces))
        except (NetworkError, OSError) as error:
            log.warning("no namespace could be made ahead: %s", error)
            return
        with contextlib.suppress(RuntimeError):  # the worker has been told to end
            self._worker.submit(self._prepare)

    def _perform(self, action: Action, intended: Plan, failures: dict[str, str]) -> None:
        match action:
            case Detach():
                self._detach(action)
            case RemoveGateway(vpc):
                self._remove_gateway(vpc)
            case RemoveRouter(vpc):
                if vpc in self._routers:
                    router = self._routers.pop(vpc)
                    delete_links(router.place.route)
                    router.close()
                self._namespaces.remove(naming.router(vpc))
            case RemoveEdge():
                self._remove_edge()
            case EnsureRouter(vpc):
                self._router(vpc.id).ensure(vpc)
            case SetAddresses(vpc, addresses):
                self._router(vpc).set_addresses(addresses)
            case EnsureEdge():
                self._open_edge().ensure()
            case EnsureGateway(vpc):
                gateway = self._gateway(vpc.id)
                gateway.ensure(vpc, self._router(vpc.id).place, self._open_edge().place)
            case Attach():
                self._attach(action, intended, failures)
            case ReplaceFilter(vpc, filter_):
                self._router(vpc.id).replace_filter(vpc, filter_)
            case ChangeFilter():
                self._change_filter(action, intended)
            case ReplaceTranslation(vpc, public):
                self._gateway(vpc).replace_translation(public)
                self._open_edge().lead(naming.gateway_link(vpc), public)
            case ChangeTranslation(vpc, removed, added):
                self._gateway(vpc).change_translation(removed, added, intended.after.translations[vpc])
                self._open_edge().lead(naming.gateway_link(vpc), intended.after.translations[vpc])

    def _attach(self, action: Attach, intended: Plan, failures: dict[str, str]) -> None:
        interface = action.interface
        router = self._router(interface.vpc)
        try:
            blank = self._blanks.pop() if self._blanks else Blank(self._namespaces)
            try:
                router.attach(interface, blank)
            finally:
                blank.close()
        except (NetworkError, OSError) as error:
            failures[interface.id] = str(error)
            del intended.after.links[interface.id]
            there = naming.link(interface.id) in router.survey().names
            intended.after.remains[interface.id] = Remains(interface.vpc if there else "")

    def _detach(self, action: Detach) -> None:
        if action.vpc:
            self._router(action.vpc).detach(action.interfaces, action.addresses)
        for interface in action.interfaces:
            self._namespaces.remove(interface)

    def _change_filter(self, action: ChangeFilter, intended: Plan) -> None:
        """Should the kernel's table not be what we took it for, it is replaced as a whole."""
        router = self._router(action.vpc)
        try:
            router.change_filter(action.changes)
        except NetworkError as error:
            log.warning("%s: rule set replaced because it could not be changed: %s", action.vpc, error)
            vpc = intended.after.routers[action.vpc]
            assert vpc is not None, "a plan knows the VPCs that it leads to"
            router.replace_filter(vpc, intended.after.filters[action.vpc])

    def _remove_gateway(self, vpc: str) -> None:
        if self._namespaces.exists(naming.gateway(vpc)):
            delete_links(self._gateway(vpc).place.route)
            self._gateways.pop(vpc).close()
        self._namespaces.remove(naming.gateway(vpc))

    def _remove_edge(self) -> None:
        if self._edge is not None:
            self._edge.close()
            self._edge = None
        home = Netlink(0)
        try:
            remove_uplink(home)
        finally:
            home.close()
        load(
            f"table inet {naming.MACHINE_TABLE}\ndelete table inet {naming.MACHINE_TABLE}\n", "the machine's namespace"
        )
        self._namespaces.remove(naming.EDGE)

    def _router(self, vpc: str) -> Router:
        if vpc not in self._routers:
            self._routers[vpc] = Router(self._namespaces, vpc)
        return self._routers[vpc]

    def _gateway(self, vpc: str) -> Gateway:
        if vpc not in self._gateways:
            self._gateways[vpc] = Gateway(self._namespaces, vpc, self._pool)
        return self._gateways[vpc]

    def _open_edge(self) -> Edge:
        if self._edge is None:
            self._edge = Edge(self._namespaces, self._pool, self._uplink)
        return self._edge

    def _survey(self) -> InForce:
        """Read back what can be read; a name without a namespace behind it is what a crash has left."""
        names = self._namespaces.names()
        found = InForce(edge=naming.EDGE in names)
        links: dict[str, str] = {}
        for name in names:
            vpc, _, kind = name.partition(".")
            if kind == "gateway":
                found.gateways.add(vpc)
            elif kind == "router":
                found.routers[vpc] = None
                if self._namespaces.exists(name):
                    seen = self._router(vpc).survey()
                    found.links |= seen.links
                    found.remains |= {id_: Remains(vpc, address) for id_, address in seen.going.items()}
                    links |= dict.fromkeys(seen.names, vpc)
        for name in names:
            if "." not in name and name not in found.links and name not in found.remains:
                found.remains[name] = Remains(links.get(naming.link(name), ""))
        for id_ in [id_ for id_ in found.links if not self._namespaces.exists(id_)]:
            lost = found.links.pop(id_)
            found.remains[id_] = Remains(lost.vpc, lost.address)
        return found

    def _traffic(self, interface: str) -> Traffic:
        try:
            descriptor = self._namespaces.open(interface)
        except FileNotFoundError as error:
            raise NetworkError(f"{interface} is not here") from error
        try:
            with self._namespaces.within(descriptor):
                netlink = Netlink(0)
        finally:
            os.close(descriptor)
        try:
            return rtnetlink.counters(netlink, TASK_LINK)
        finally:
            netlink.close()

    def _let_go(self) -> None:
        """Close what is open; the network stays, and is read again before it is changed."""
        self._in_force = None
        for router in self._routers.values():
            router.close()
        for gateway in self._gateways.values():
            gateway.close()
        if self._edge is not None:
            self._edge.close()
        for blank in self._blanks:
            blank.close()
        self._blanks.clear()
        self._routers.clear()
        self._gateways.clear()
        self._edge = None

    def _destroy(self) -> None:
        """Links first, by hand: a socket of somebody's could keep their namespace alive."""
        self._let_go()
        names = self._namespaces.names()
        for name in names:
            if "." in name and self._namespaces.exists(name):
                descriptor = self._namespaces.open(name)
                with self._namespaces.within(descriptor):
                    netlink = Netlink(0)
                delete_links(netlink)
                netlink.close()
                os.close(descriptor)
        for name in names:
            self._namespaces.remove(name)
        self._remove_edge()
        self._namespaces.remove_directory()


def _concerned(action: Action, intended: Plan) -> tuple[str, ...]:
    """Return the VPCs that an action is about."""
    match action:
        case EnsureEdge():
            return tuple(intended.after.translations)
        case RemoveEdge():
            return ("",)
        case Attach(interface):
            return (interface.vpc,)
        case EnsureRouter(vpc) | EnsureGateway(vpc) | ReplaceFilter(vpc):
            return (vpc.id,)
        case _:
            return (action.vpc,)
