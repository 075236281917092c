"""A real agent with one load balancer, and webs and clients in interfaces of their own around it."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from tests.kernel.node.nodelab import GROUP, VPC, Server, container, eni, lab
from tests.kernel.node.webs import Web

from homeport.wire.messages import (
    BalancerState,
    Certificate,
    Forward,
    Listener,
    ListenerRule,
    LoadBalancer,
    Target,
    TargetGroup,
    TargetHealthCheck,
    TargetState,
    TaskPhase,
    WeightedGroup,
)

# Webs are in the test's own process: on a busy machine they answer, but not always within a second.
CHECK = TargetHealthCheck(interval=1, timeout=10, healthy_threshold=2, unhealthy_threshold=2)
WEB = TargetGroup(id="targetgroup/web/00000000000000a1", vpc=VPC.id, health_check=CHECK, deregistration_delay=30)
API = replace(WEB, id="targetgroup/api/00000000000000a2")
BALANCER = "app/lb/00000000000000b1"
ENIS = tuple(
    replace(eni(number), balancer=BALANCER, subnet_cidr=cidr, address=address)
    for number, cidr, address in ((200, "10.0.0.0/20", "10.0.0.200"), (201, "10.0.16.0/20", "10.0.16.201"))
)
ADDRESS = ENIS[0].address


def to(*groups: TargetGroup) -> Forward:
    return Forward(target_groups=tuple(WeightedGroup(target_group=group.id) for group in groups))


def listener(*rules: ListenerRule, port: int = 80, protocol: str = "HTTP", **changes: Any) -> Listener:
    return Listener(id=f"listener-{port}", port=port, protocol=protocol, rules=rules, **changes)


def secure(folder: Path, *rules: ListenerRule) -> tuple[Listener, Path]:
    """Return a listener for web.test on port 443, and the certificate by which clients know it."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=web.test"]
    argv += ["-addext", "subjectAltName=DNS:web.test", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(argv, check=True, capture_output=True)
    certificate = Certificate(chain=chain.read_text(), private_key=key.read_text())
    policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
    return listener(*rules, port=443, protocol="HTTPS", certificates=(certificate,), ssl_policy=policy), chain


def default(action: Any) -> ListenerRule:
    return ListenerRule(id="default", action=action)


def balancer(*listeners: Listener, **changes: Any) -> LoadBalancer:
    fields: dict[str, Any] = {"kind": "application", "enis": tuple(eni.id for eni in ENIS), "listeners": listeners}
    return LoadBalancer(id=BALANCER, vpc=VPC.id, **(fields | changes))


def target(group: TargetGroup, number: int, port: int = 80, **changes: Any) -> Target:
    address = eni(number).address
    return Target(id=f"{group.id}/{address}:{port}", target_group=group.id, address=address, port=port, **changes)


class Site:
    """A node with a load balancer, and who stands around it: machines numbered from 11, and the client, number 100."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.webs: list[Web] = []

    def namespace(self, number: int) -> Path:
        (found,) = (self.server.folder / "run").rglob(f"netns/{eni(number).id}")
        return found

    async def machine(self, *numbers: int) -> None:
        for number in numbers:
            spec = self.server.run(number, container("sleep 1000"))
            seen = await self.server.phase(spec, TaskPhase.RUNNING)
            assert seen.phase is TaskPhase.RUNNING, seen

    async def web(self, number: int, **changes: Any) -> Web:
        await self.machine(number)
        started = await Web(f"web-{number}", **changes).start(self.namespace(number))
        self.webs.append(started)
        return started

    @property
    def client(self) -> Path:
        return self.namespace(100)

    async def balance(self, spec: LoadBalancer, *groups: TargetGroup) -> None:
        self.server.put(VPC, GROUP, *ENIS, *groups, spec)
        await self.server.until(self.active)

    def active(self) -> bool:
        seen = self.server.balancers.get(BALANCER)
        return seen is not None and seen.state is BalancerState.ACTIVE

    def state(self, spec: Target) -> TargetState | None:
        seen = self.server.targets.get(spec.id)
        return seen[-1].state if seen and seen[-1].registration == spec.registration else None

    async def settled(self, spec: Target, state: TargetState) -> None:
        await self.server.until(lambda: self.state(spec) is state)

    async def register(self, *specs: Target) -> None:
        self.server.put(*specs)
        for spec in specs:
            await self.settled(spec, TargetState.HEALTHY)

    def is_open(self, port: int) -> bool:
        """Tell whether the load balancer is active and listens on the port."""
        return self.active() and listens(self, port)

    def is_without(self, process: int) -> bool:
        """Tell whether proxies run, and none of them is *process*."""
        running = self.processes()
        return bool(running) and process not in running

    def newest_is_not_of(self, old: list[int]) -> bool:
        return self.processes()[-1] not in old

    def processes(self) -> list[int]:
        """Return the proxies that run, in the order they were started, which their ids say only until they begin anew."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                argv = (entry / "cmdline").read_bytes().decode().split("\0") if entry.name.isdigit() else [""]
            except OSError:
                continue
            if argv[0].endswith("haproxy") and any(str(self.server.folder) in word for word in argv):
                number = argv[argv.index("-f") + 1].removesuffix(".cfg").rpartition("-")[2]
                found.append((int(number), int(entry.name)))
        return [pid for _, pid in sorted(found)]


@asynccontextmanager
async def site(folder: Path, root: Path) -> AsyncIterator[Site]:
    async with lab(folder, root) as server:
        found = Site(server)
        try:
            await found.machine(100)
            yield found
        finally:
            for web in found.webs:
                await web.close()


def listens(at: Site, port: int) -> bool:
    line = f":{port:04X} 00000000:0000 0A"
    return line in Path(f"/proc/{at.processes()[-1]}/net/tcp").read_text()
