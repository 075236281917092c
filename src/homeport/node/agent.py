"""
Put the node together and keep it running.

`run` is start-up and recovery in one: it opens what the node remembers, asks the runtime what
exists, makes the network as it was desired, and goes on.  Ending it ends no container; `destroy`
removes everything the node ever made.
"""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from homeport.kit.clock import Clock, SystemClock
from homeport.kit.supervise import Tasks
from homeport.network.kernel import KernelNetwork
from homeport.network.protocol import NetworkDriver
from homeport.node import facts
from homeport.node.access.shipper import AccessLogs
from homeport.node.assignment import Assignment
from homeport.node.balancing.process import end_all
from homeport.node.balancing.roster import BalancerRoster
from homeport.node.balancing.runner import BalancerReports, BalancingMachine
from homeport.node.balancing.targets import TargetReports
from homeport.node.balancing.traffic import TrafficReporter
from homeport.node.checks.probe import probe
from homeport.node.checks.resolving import addresses_of
from homeport.node.checks.runner import Checks
from homeport.node.config import NodeConfig
from homeport.node.endpoints.answers import Answers
from homeport.node.endpoints.everywhere import Endpoints
from homeport.node.endpoints.machine import MachineResolver
from homeport.node.endpoints.tokens import Tokens
from homeport.node.instances.perform import InstanceMachine
from homeport.node.instances.roster import InstanceRoster
from homeport.node.instances.system import ensure_root
from homeport.node.interfaces import Interfaces
from homeport.node.logs.shipper import Shipper
from homeport.node.naming.zones import Names
from homeport.node.protection import ProtectionCalls
from homeport.node.registry import Registry, RegistrySettings
from homeport.node.reports import InstanceReports, Reports
from homeport.node.session import Session
from homeport.node.store import NodeStore
from homeport.node.tasks.container import machine_limits, task_processes
from homeport.node.tasks.networks import Networks
from homeport.node.tasks.perform import Machine
from homeport.node.tasks.roster import Roster
from homeport.node.usage import UsageReporter
from homeport.runtime.images import PodmanImages
from homeport.runtime.oci import OciRuntime
from homeport.runtime.protocol import Images, Runtime
from homeport.wire import messages as wire

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drivers:
    """What the agent drives; tests bring fakes."""

    network: NetworkDriver
    runtime: Runtime
    images: Images
    registry: Registry | None = None
    system_root: Callable[[Path], Path] = ensure_root  # directory -> root filesystem of instances, made in it


class Agent:
    """One node, from its store to its session."""

    def __init__(self, config: NodeConfig, drivers: Drivers, clock: Clock) -> None:
        self._config = config
        self._drivers = drivers
        self._store = NodeStore(config.state / "node.db")
        self._saved = self._store.load()
        self._welcome = self._saved.welcome
        self.assignment = Assignment(self._saved.items)
        self.names = Names(self._saved.items)
        self.session = Session(config.server_socket, config.name, facts.gather(config.registry), self)
        self.reports = Reports(
            self._store.save_tasks,
            lambda record: self.session.send(record.observed),
            lambda: self.instances.tasks_changed(),  # noqa: PLW0108 - they are made after this
        )
        self.instance_reports = InstanceReports(
            self._store.save_instances, lambda record: self.session.send(record.observed)
        )
        self.output = Shipper(config.state / "logs", self._store, self._saved.sources, self.session.send)
        self.access_logs = AccessLogs(config.state / "access-logs", clock, self.session.send)
        self._endpoints = Endpoints(drivers.network, config.gateway, self.names, config.resolver)
        self._resolver = MachineResolver(config.resolver, self.names, config.region)
        self.interfaces = Interfaces(drivers.network, self.assignment, self._endpoints)
        self.instances = self._instance_roster(clock)
        self.balancer_reports = BalancerReports(
            self._store.save_balancers, lambda record: self.session.send(record.observed)
        )
        self.target_reports = TargetReports(self._store.save_targets, lambda record: self.session.send(record.observed))
        self.balancers = self._balancer_roster(clock)
        self.roster = self._task_roster(clock)
        self.instances.serve(self.roster)
        tokens = Tokens(self._store.secret("imds-tokens"))
        self.protection = ProtectionCalls(self._report)
        self._endpoints.serve(
            Answers(
                self.roster,
                self.instances,
                drivers.runtime,
                drivers.network,
                tokens,
                clock,
                self.protection.ask,
            )
        )
        self.usage = UsageReporter(self.roster, drivers.runtime, clock, self._report)
        self.traffic = TrafficReporter(self.balancers, clock, self._report)
        self.checks = Checks(
            lambda check: probe(check, lambda name: addresses_of(self.names, name), config.public_pool),
            clock,
            saved=self._saved.verdicts,
            remember=self._store.save_verdicts,
            changed=self.names.set_health,
            send=self.session.send,
        )
        self._work = Tasks()

    def _instance_roster(self, clock: Clock) -> InstanceRoster:
        machine = InstanceMachine(
            runtime=self._drivers.runtime,
            network=self._drivers.network,
            interfaces=self.interfaces,
            state=self._config.state,
            processes=task_processes(),
            root=self._drivers.system_root,
        )
        return InstanceRoster(machine, self.assignment, self.instance_reports, clock)

    def _balancer_roster(self, clock: Clock) -> BalancerRoster:
        machine = BalancingMachine(
            self._drivers.network, self.interfaces, self._config.run / "balancers", self.access_logs.spool
        )
        return BalancerRoster(machine, self.assignment, (self.balancer_reports, self.target_reports), clock)

    def _task_roster(self, clock: Clock) -> Roster:
        machine = Machine(
            runtime=self._drivers.runtime,
            images=self._drivers.images,
            networks=Networks(
                driver=self._drivers.network,
                interfaces=self.interfaces,
                sandboxes=self.interfaces,
                hosts=self.instances,
                port_free=self.instances.port_free,
            ),
            output=self.output,
            state=self._config.state,
            limits=machine_limits(),
            processes=task_processes(),
            registry_login=self._registry_login,
        )
        return Roster(machine, self.assignment, self.reports, clock)

    async def start(self) -> None:
        """Go on from what exists, then listen to the server."""
        self._drivers.images.use_registry(self._registry_names(), self._config.registry)
        existing = {item.id: item for item in await self._drivers.runtime.existing()}
        systems = self.instances.recover(self._saved.instances, existing)
        await self.roster.recover(self._saved.tasks, [item for item in existing.values() if item.id not in systems])
        self.balancers.recover(self._saved.balancers, self._saved.targets)
        self._work.spawn(self.interfaces.run(), name="interfaces")  # now that what exists is held
        self.interfaces.refresh()
        self.instances.resume()
        self._assign(begin=False)
        self.balancers.resume()
        self._start_registry()
        self._work.spawn(self._resolver.run(), name="resolver")
        self._work.spawn(self.session.run(), name="session")
        self._work.spawn(self.usage.run(), name="usage")
        self._work.spawn(self.traffic.run(), name="traffic")
        self._work.spawn(self.access_logs.run(), name="access logs")

    async def close(self) -> None:
        """Stop everything but the containers and their network."""
        await self._work.close()
        self.checks.close()
        await self.roster.close()
        await self.instances.close()
        await self.balancers.close()
        self.reports.flush()
        self.instance_reports.flush()
        self.balancer_reports.flush()
        self.target_reports.flush()
        self.output.close()
        self.access_logs.close()
        await self._endpoints.close()
        self._resolver.close()
        await self._drivers.network.close()
        self._store.close()

    def _start_registry(self) -> None:
        """Have the registry run as the server last said; the process outlives us, and is adopted by the next start."""
        if self._drivers.registry is None or self._welcome is None or not self._welcome.registry_realm:
            return
        settings = RegistrySettings(
            realm=self._welcome.registry_realm,
            certificate=self._welcome.registry_certificate,
            password=self._welcome.registry_password,
        )
        self._work.spawn(self._drivers.registry.start(settings), name="registry")

    def _registry_login(self, reference: str) -> tuple[str, str]:
        if self._welcome is None or reference.partition("/")[0] not in self._registry_names():
            return "", ""
        return "AWS", self._welcome.registry_password

    def _registry_names(self) -> tuple[str, ...]:
        names = self._welcome.registry_names if self._welcome is not None else ()
        return (self._config.registry, *names)

    def _report(self, message: wire.Usage | wire.BalancerTraffic | wire.ProtectionRequest) -> None:
        self.session.report(message)

    # --- What the server says

    def welcomed(self, welcome: wire.Welcome) -> None:
        if welcome != self._welcome:
            self._store.save_welcome(welcome)
            self._welcome = welcome
            self._drivers.images.use_registry(self._registry_names(), self._config.registry)
            self._start_registry()

    def assigned(self, assignment: wire.Assignment) -> None:
        self._store.replace_items(assignment.items)
        self.assignment.replace(assignment.items)
        self.names.replace(assignment.items)
        self.session.send(wire.NamesTaken(generation=assignment.generation))
        self._take_assignment()
        self.resend()
        self.protection.connected()
        self.output.connected()
        self.access_logs.connected()

    def changed(self, change: wire.Change) -> None:
        self._store.change_items(change.puts, change.drops)
        self.assignment.change(change.puts, change.drops)
        if self.names.change(change.puts, change.drops):
            self.session.send(wire.NamesTaken(generation=change.generation))
        self._take_assignment()

    def _take_assignment(self) -> None:
        self.interfaces.refresh()
        self._assign()

    def _assign(self, *, begin: bool = True) -> None:
        self.instances.assign()  # first: a task looks for its instance
        self.roster.assign()
        self.checks.assign(self.assignment.checks.values())
        self.balancers.assign(begin=begin)

    def observed_acked(self, ack: wire.ObservedAck) -> None:
        self.roster.acked(ack.task, ack.sequence)

    def instance_acked(self, ack: wire.InstanceAck) -> None:
        self.instances.acked(ack.instance, ack.sequence)

    def check_acked(self, ack: wire.CheckAck) -> None:
        self.checks.acked(ack.check, ack.sequence)

    def balancer_acked(self, ack: wire.BalancerAck) -> None:
        self.balancers.balancer_acked(ack.balancer, ack.sequence)

    def target_acked(self, ack: wire.TargetAck) -> None:
        self.balancers.target_acked(ack.target, ack.sequence)

    def log_acked(self, ack: wire.LogAck) -> None:
        self.output.acked(ack.source, ack.offset)

    def access_log_acked(self, ack: wire.AccessLogAck) -> None:
        self.access_logs.acked(ack.file)

    def protection_answered(self, answer: wire.ProtectionAnswer) -> None:
        self.protection.answered(answer)

    def resend(self) -> bool:
        self.reports.flush()
        self.instance_reports.flush()
        self.balancer_reports.flush()
        self.target_reports.flush()
        unacked: list[wire.ToServer] = [
            *self.checks.unacked(),
            *(runner.observed for runner in self.instances if not runner.acked),
            *(runner.observed for runner in self.roster if not runner.acked),
            *self.balancers.unacked(),
        ]
        for observed in unacked:
            self.session.send(observed)
        waiting = (self.output.resend(), self.access_logs.resend())
        return any(waiting) or bool(unacked)

    def disconnected(self) -> None:
        self.output.disconnected()
        self.access_logs.disconnected()


async def run(config: NodeConfig, made: Drivers | None = None) -> None:
    """Be the node *config* describes until SIGTERM or SIGINT; its containers live on."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    agent = Agent(config, made or drivers(config), SystemClock())
    try:
        await agent.start()
        await ended.wait()
    finally:
        await agent.close()


def drivers(config: NodeConfig) -> Drivers:
    """Return the kernel's network, the OCI runtime and podman's image store, as *config* places them."""
    return Drivers(
        network=KernelNetwork(config.run, config.public_pool),
        runtime=OciRuntime(config.state / "runtime", config.run / "runtime", config.cgroup_root),
        images=PodmanImages(config.state / "images", config.shared_images),
        registry=Registry(config.state / "registry", config.registry),
    )


async def destroy(config: NodeConfig, made: Drivers | None = None) -> None:
    """Remove every container, interface, cgroup and mount the node ever made; what it remembers stays."""
    made = made or drivers(config)
    if made.registry is not None:
        await made.registry.stop()
    await end_all(config.run / "balancers")
    await made.runtime.destroy()
    await made.network.destroy()
    await made.network.close()
