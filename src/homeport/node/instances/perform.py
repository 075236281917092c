"""Carry out single actions for an instance: each a few calls to the runtime or the network."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from homeport.network import desired
from homeport.network.protocol import NetworkDriver, NetworkError
from homeport.node.inotify import Inotify
from homeport.node.instances.files import BOOT_MARK, Boot, InstanceFiles, hostname
from homeport.node.instances.model import (
    Booted,
    Created,
    Ended,
    Event,
    Grouped,
    NetworkGone,
    NetworkMade,
    Prepared,
    Removed,
    Signalled,
    Started,
    Ungrouped,
    Verb,
)
from homeport.node.interfaces import Interfaces
from homeport.node.store import InstanceRecord
from homeport.runtime.protocol import Image, Limits, Runtime, Spec
from homeport.wire.messages import Eni, Instance, Vpc

API_PORT = 4566
_MIB = 1024 * 1024
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class InstanceMachine:
    """What an instance's actions are carried out with."""

    runtime: Runtime
    network: NetworkDriver
    interfaces: Interfaces
    state: Path
    processes: int  # that an instance may have, its tasks included
    root: Callable[[Path], Path]  # directory -> root filesystem of system containers, made in it


def system_container(instance: str) -> str:
    """Return the runtime's name of an instance's system container."""
    return f"{instance}-system"


def group_limits(instance: Instance, processes: int) -> Limits:
    """Return the limits that bound the system container and all tasks of the instance together."""
    return Limits(cpu_quota=float(instance.cpus), memory_bytes=instance.memory * _MIB, pids=processes)


def system_spec(instance: str, eni: Eni, vpc: Vpc, root: Path, namespace: Path, files: InstanceFiles) -> Spec:
    """Return the system container as the runtime shall make it."""
    return Spec(
        id=system_container(instance),
        group=instance,
        image=Image(id="system", digest="", size=0, layers=(root,)),
        argv=("/sbin/init",),
        environment={
            "PATH": _PATH,
            "HOME": "/root",
            "INSTANCE_ID": instance,
            "AWS_ENDPOINT_URL": f"http://{vpc.dns}:{API_PORT}",
        },
        network_namespace=namespace,
        log_path=Path("/dev/null"),  # what user data prints is in a file of the instance's own
        hostname=hostname(eni),
        mounts=files.mounts,
    )


class Performer:
    """Carries out one instance's actions."""

    def __init__(self, machine: InstanceMachine, instance: str) -> None:
        self._machine = machine
        self._instance = instance
        self._container = system_container(instance)
        self._files = InstanceFiles(machine.state, instance)

    @property
    def namespace(self) -> Path:
        return self._machine.network.namespace(self._instance)

    def hold(self, record: InstanceRecord) -> None:
        """Keep the instance's namespace with the interfaces that *record* says."""
        if record.vpc is not None:
            attached = [(eni, eni.device_index) for eni in record.enis]
            self._machine.interfaces.hold_host(desired.Host(id=self._instance), attached, record.vpc)

    async def perform(self, verb: Verb, record: InstanceRecord) -> tuple[Event, ...]:
        """Carry out *verb* and return what came of it.  Raises RuntimeFailed, NetworkError, OSError."""
        runtime, container = self._machine.runtime, self._container
        match verb:
            case Verb.PREPARE:
                await asyncio.to_thread(self._files.write, record.spec.user_data, *_place(record))
                return (Prepared(),)
            case Verb.MAKE_NETWORK:
                return (await self._make_network(record),)
            case Verb.MAKE_GROUP:
                await runtime.ensure_group(self._instance, self._limits(record))
                return (Grouped(),)
            case Verb.CREATE:
                root = await asyncio.to_thread(self._machine.root, self._machine.state / "instances")
                spec = system_spec(self._instance, *_place(record), root, self.namespace, self._files)
                await runtime.create(spec)
                return (Created(),)
            case Verb.START:
                return (Started((await runtime.start(container)).started_at),)
            case Verb.WATCH:
                return (Ended((await runtime.wait(container)).finished_at),)
            case Verb.AWAIT_BOOT:
                boot = await self._await_boot(record.state.started_at or 0.0)
                return (Booted(boot.agent, boot.reason),)
            case Verb.STOP:
                await runtime.signal(container, "SIGTERM")
                return (Signalled(),)
            case Verb.KILL:
                await self._lift_quota(record)
                await runtime.signal(container, "SIGKILL")
                return (Signalled(killed=True),)
            case Verb.REMOVE_GROUP:
                await self._lift_quota(record)
                await runtime.remove_group(self._instance)
                return (Ungrouped(),)
            case Verb.REMOVE_NETWORK:
                await self._machine.interfaces.release_host(self._instance)
                return (NetworkGone(),)
            case Verb.REMOVE:
                await runtime.remove(container)
                await asyncio.to_thread(self._files.remove)
                return (Removed(),)

    def _limits(self, record: InstanceRecord) -> Limits:
        return group_limits(record.spec, self._machine.processes)

    async def _lift_quota(self, record: InstanceRecord) -> None:
        """Take the cap off CPU time: a killed process waits for its share of it before it may die."""
        await self._machine.runtime.ensure_group(self._instance, replace(self._limits(record), cpu_quota=None))

    async def _make_network(self, record: InstanceRecord) -> Event:
        _place(record)
        self.hold(record)
        if reason := await self._machine.interfaces.host_made(self._instance):
            raise NetworkError(reason)
        return NetworkMade()

    async def _await_boot(self, started_at: float) -> Boot:
        looked = asyncio.Event()
        with Inotify() as inotify:
            inotify.watch_names(self._files.cloud, lambda name: looked.set() if name == BOOT_MARK else None)
            while (boot := self._files.booted(started_at)) is None:
                await looked.wait()
                looked.clear()
        return boot


def _place(record: InstanceRecord) -> tuple[Eni, Vpc]:
    """Return the primary interface and its VPC.  Raises NetworkError if they are not known yet."""
    eni = next((eni for eni in record.enis if eni.id == record.spec.interface), None)
    if eni is None or record.vpc is None:
        raise NetworkError(f"its interface {record.spec.interface} is not known yet")
    return eni, record.vpc
