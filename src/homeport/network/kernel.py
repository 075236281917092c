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
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple, TypeVar

from homeport.network import naming, rtnetlink, trunk
from homeport.network.actions import (
    Action,
    Attach,
    AttachSandbox,
    ChangeFilter,
    ChangeHostRules,
    ChangeTranslation,
    Detach,
    DetachSandboxes,
    EnsureEdge,
    EnsureGateway,
    EnsureHost,
    EnsureRouter,
    InForce,
    Plan,
    Remains,
    RemoveEdge,
    RemoveGateway,
    RemoveHost,
    RemoveRouter,
    ReplaceFilter,
    ReplaceHostRules,
    ReplaceTranslation,
    SetAddresses,
    SetSources,
)
from homeport.network.blank import Blank
from homeport.network.desired import Network
from homeport.network.gateway import Edge, Gateway, delete_links, remove_uplink
from homeport.network.hosts import HostNamespace
from homeport.network.namespaces import Namespaces
from homeport.network.netlink import Netlink
from homeport.network.place import load
from homeport.network.plan import plan
from homeport.network.protocol import NetworkError, Traffic
from homeport.network.router import TASK_LINK, Router
from homeport.network.survey import survey

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
        self._hosts: dict[str, HostNamespace] = {}
        self._carrier: trunk.Carrier | None = None
        self._edge: Edge | None = None
        self._blanks: list[Blank] = []

    async def apply(self, desired: Network) -> Mapping[str, str]:
        return await self._work(lambda: self._apply(desired))

    def namespace(self, thing: str) -> Path:
        names = (thing, naming.box(thing), naming.host(thing))
        return self._namespaces.path(next((name for name in names if self._namespaces.exists(name)), thing))

    def listen(self, place: str, address: str, port: int, kind: socket.SocketKind) -> socket.socket:
        names = (naming.router(place), naming.host(place))
        try:
            descriptor = self._namespaces.open(next(filter(self._namespaces.exists, names), names[0]))
        except FileNotFoundError as error:
            raise NetworkError(f"{place} has no router here") from error
        try:
            with self._namespaces.within(descriptor):
                opened = socket.socket(socket.AF_INET, kind)
        finally:
            os.close(descriptor)
        try:
            opened.setblocking(False)
            if kind == socket.SOCK_STREAM:  # of datagram sockets it would let two have one port
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((address, port))
            if kind == socket.SOCK_STREAM:
                opened.listen(_BACKLOG)
        except OSError as error:
            opened.close()
            raise NetworkError(f"{place}: listen on {address}:{port}: {error.strerror}") from error
        return opened

    async def traffic(self, thing: str) -> Traffic:
        return await self._work(lambda: self._traffic(thing))

    async def trunking(self) -> str:
        return await self._work(lambda: self._choose_carrier().name)

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
        current = self._in_force or survey(self._namespaces, self._router, self._host)
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
        """Name what belongs to a VPC or host that failed, as its rules may not be in force; what had to go must be gone."""
        for id_, interface in intended.after.admitted.interfaces.items():
            for place in (interface.vpc, interface.host):
                if place in broken:
                    failures.setdefault(id_, str(broken[place].error))
        for id_, host in intended.sandboxes.items():
            if host in broken:
                failures.setdefault(id_, str(broken[host].error))
        for id_ in intended.after.hosts.keys() & broken.keys():
            failures.setdefault(id_, str(broken[id_].error))
        for action, error in broken.values():
            if isinstance(action, Detach | DetachSandboxes | RemoveHost | RemoveGateway | RemoveRouter | RemoveEdge):
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
            case DetachSandboxes():
                self._detach_sandboxes(action)
            case RemoveHost(host):
                self._remove_host(host)
            case EnsureHost(host):
                self._host(host.id).ensure(host)
            case SetSources(host, sources):
                self._host(host).set_sources(sources)
            case AttachSandbox():
                self._attach_sandbox(action, intended, failures)
            case ReplaceHostRules(host, rules):
                self._host(host.id).replace_rules(host, rules)
            case ChangeHostRules():
                self._change_host_rules(action, intended)
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
        interface, link = action.interface, action.link
        router = self._router(interface.vpc)
        try:
            if interface.host:
                router.attach_to_host(interface, link, self._host(interface.host))
                return
            with self._blank() as blank:
                if not interface.trunk:
                    router.attach(interface, link, blank)
                    return
                host = intended.after.links[interface.trunk].host  # a KeyError here: the trunk could not be made
                router.attach_branch(interface, link, blank, self._host(host), self._choose_carrier())
        except (NetworkError, OSError, KeyError) as error:
            why = f"its trunk {interface.trunk} is not there" if isinstance(error, KeyError) else str(error)
            failures[interface.id] = why
            del intended.after.links[interface.id]
            there = naming.link(interface.id) in router.survey().names
            intended.after.remains[interface.id] = Remains(interface.vpc if there else "")

    @contextlib.contextmanager
    def _blank(self) -> Iterator[Blank]:
        """Take a namespace that was made ahead, or make one."""
        blank = self._blanks.pop() if self._blanks else Blank(self._namespaces)
        try:
            yield blank
        finally:
            blank.close()

    def _detach(self, action: Detach) -> None:
        if action.vpc:
            self._router(action.vpc).detach(action.interfaces, action.addresses)
        for host in action.hosts:
            self._host(host).forget(action.addresses)
        for interface in filter(self._namespaces.exists, action.emptied):
            self._empty(interface)
        for interface in action.interfaces:
            self._namespaces.remove(interface)

    def _attach_sandbox(self, action: AttachSandbox, intended: Plan, failures: dict[str, str]) -> None:
        sandbox = action.sandbox
        try:
            with self._blank() as blank:
                self._namespaces.hold(blank.descriptor, naming.box(sandbox.id))
                if sandbox.address:
                    self._host(sandbox.host).attach(sandbox, action.host, blank)
        except (NetworkError, OSError) as error:
            failures[sandbox.id] = str(error)
            del intended.after.sandboxes[sandbox.id]
            intended.after.half_sandboxes[sandbox.id] = sandbox.host

    def _detach_sandboxes(self, action: DetachSandboxes) -> None:
        if action.host and self._namespaces.exists(naming.host(action.host)):
            self._host(action.host).detach(action.sandboxes, action.addresses)
        for sandbox in action.sandboxes:
            self._namespaces.remove(naming.box(sandbox))

    def _remove_host(self, host: str) -> None:
        if self._namespaces.exists(naming.host(host)):
            delete_links(self._host(host).place.route)
            self._hosts.pop(host).close()
        self._namespaces.remove(naming.host(host))

    def _change_host_rules(self, action: ChangeHostRules, intended: Plan) -> None:
        """Should the kernel's tables not be what we took them for, they are replaced as a whole."""
        host = self._host(action.host)
        try:
            host.change_rules(action.removed, action.added)
        except NetworkError as error:
            log.warning("%s: rule set replaced because it could not be changed: %s", action.host, error)
            host.replace_rules(intended.after.hosts[action.host], intended.after.host_rules[action.host])

    def _choose_carrier(self) -> trunk.Carrier:
        if self._carrier is None:
            self._carrier = trunk.choose(self._namespaces)
        return self._carrier

    def _host(self, host: str) -> HostNamespace:
        if host not in self._hosts:
            self._hosts[host] = HostNamespace(self._namespaces, host)
            self._hosts[host].survey()
        return self._hosts[host]

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

    def _traffic(self, thing: str) -> Traffic:
        link = self._in_force.links.get(thing) if self._in_force is not None else None
        attached = self._host(link.host) if link is not None and link.host else None
        if attached is not None and link is not None:
            return rtnetlink.counters(attached.place.route, attached.device_index(link.device))
        path = self.namespace(thing)
        try:
            descriptor = self._namespaces.open(path.name)
        except FileNotFoundError as error:
            raise NetworkError(f"{thing} is not here") from error
        try:
            with self._namespaces.within(descriptor):
                netlink = Netlink(0)
        finally:
            os.close(descriptor)
        try:
            # Whatever the namespace, its own way out has this index; a sandbox without one carries nothing.
            alone = path.name == naming.box(thing) and len(list(rtnetlink.links(netlink))) == 1
            return Traffic() if alone else rtnetlink.counters(netlink, TASK_LINK)
        finally:
            netlink.close()

    def _let_go(self) -> None:
        """Close what is open; the network stays, and is read again before it is changed."""
        self._in_force = None
        for router in self._routers.values():
            router.close()
        for gateway in self._gateways.values():
            gateway.close()
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()
        if self._edge is not None:
            self._edge.close()
        for blank in self._blanks:
            blank.close()
        self._blanks.clear()
        self._routers.clear()
        self._gateways.clear()
        self._edge = None

    def _empty(self, name: str) -> None:
        """Delete every link of a namespace."""
        descriptor = self._namespaces.open(name)
        try:
            with self._namespaces.within(descriptor):
                netlink = Netlink(0)
        finally:
            os.close(descriptor)
        try:
            delete_links(netlink)
        finally:
            netlink.close()

    def _destroy(self) -> None:
        """Links first, by hand: a socket of somebody's could keep their namespace alive."""
        self._let_go()
        names = self._namespaces.names()
        for name in names:
            if "." in name and self._namespaces.exists(name):
                self._empty(name)
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
            return (interface.vpc, interface.host) if interface.host else (interface.vpc,)
        case AttachSandbox(sandbox):
            return (sandbox.host,)
        case EnsureHost(host) | ReplaceHostRules(host):
            return (host.id,)
        case DetachSandboxes() | RemoveHost() | SetSources() | ChangeHostRules():
            return (action.host,)
        case EnsureRouter(vpc) | EnsureGateway(vpc) | ReplaceFilter(vpc):
            return (vpc.id,)
        case _:
            return (action.vpc,)
