"""
The server: configuration in, gateway, services, reconcilers, store and sessions out.

The only module that knows all of them.  Run as `python -m homeport.server INSTALLATION.json`; it
needs no privilege, only its state directory.
"""

import asyncio
import contextlib
import logging
import os
import platform
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from homeport.aws.objects import ObjectStore
from homeport.db.database import Database
from homeport.db.sqlite import SqliteDatabase
from homeport.fleet import assignments
from homeport.fleet.sessions import Intake, Sessions
from homeport.gateway.app import Gateway
from homeport.gateway.http import serve
from homeport.kit.clock import Clock, SystemClock
from homeport.kit.ids import RandomIds
from homeport.kit.installation import Credentials, Installation
from homeport.kit.objectstore import read_keys
from homeport.kit.supervise import Tasks
from homeport.reconcile.driver import Driver, Reconciler
from homeport.services.applicationautoscaling.reconcilers import scaling
from homeport.services.cloudwatch.reconcilers import alarms as cloudwatch_alarms
from homeport.services.cloudwatch.reconcilers.expiry import expire as expire_datapoints
from homeport.services.ec2 import identity
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.observe import observe_instance
from homeport.services.ec2.reconcilers import network
from homeport.services.ec2.reconcilers.instances import Instances
from homeport.services.ec2.regions import REGIONS
from homeport.services.ec2.service import INSTANCES
from homeport.services.ecr.authority import Authority
from homeport.services.ecr.tokens import TokenService, load_or_create
from homeport.services.ecs.handlers.clusters import ensure_default_cluster
from homeport.services.ecs.metering import record_usage
from homeport.services.ecs.observe import observe
from homeport.services.ecs.observing_targets import observe_target
from homeport.services.ecs.protecting import answer_task
from homeport.services.ecs.reconcilers import services as ecs_services
from homeport.services.ecs.reconcilers.cleanup import Cleanup
from homeport.services.ecs.reconcilers.container_instances import NAME, ContainerInstances
from homeport.services.ecs.reconcilers.placement import Placement
from homeport.services.elbv2.access_logs import take_file
from homeport.services.elbv2.metering import record_traffic
from homeport.services.elbv2.observe import observe_balancer
from homeport.services.elbv2.reconcilers.access_logs import Delivery
from homeport.services.elbv2.reconcilers.balancing import Balancing
from homeport.services.elbv2.service import ACCESS_LOGS, BALANCING, TARGETS
from homeport.services.iam.keys import AccessKeys
from homeport.services.logs.ingest import append
from homeport.services.logs.reconcilers.expiry import expire
from homeport.services.registry import SERVICES
from homeport.services.route53.observe import observe_check, observe_names
from homeport.services.route53.own import ensure_own_zone
from homeport.services.route53.reconcilers import alarms, names
from homeport.services.route53.reconcilers.balancers import BalancerNames
from homeport.services.route53.service import NAMES
from homeport.wire.messages import VERSION, Welcome

log = logging.getLogger(__name__)

REGISTRY_PATH = "/registry/"

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class Server:
    """Everything that runs in the server's process, wired."""

    def __init__(
        self,
        installation: Installation,
        database: Database,
        clock: Clock,
        authority: Authority,
        signer: identity.Signer,
        objects: ObjectStore | None = None,
    ) -> None:
        self._installation = installation
        self._database = database
        self._clock = clock
        self._ids = RandomIds()
        self._objects = objects
        self._keys = AccessKeys(database, installation.account)
        self._tokens = TokenService(database, clock, authority, account=installation.account)
        welcome = Welcome(
            version=VERSION,
            registry_names=tuple(f"{installation.account}.dkr.ecr.{region}.amazonaws.com" for region in REGIONS),
            registry_realm=f"{installation.endpoint}{REGISTRY_PATH}token",
            registry_certificate=authority.certificate,
            registry_password=authority.node_password(),
        )
        self._signer = signer
        intake = Intake(
            observed=observe,
            instance=observe_instance,
            log_batch=append,
            check=observe_check,
            names=observe_names,
            usage=record_usage,
            traffic=record_traffic,
            balancer=observe_balancer,
            target=observe_target,
            protection=answer_task,
            access_log=take_file,
            wakes=("fleet.sessions", ecs_services.NAME, NAMES, BALANCING),
            instance_wakes=(INSTANCES,),
            balancer_wakes=("fleet.sessions", TARGETS, ecs_services.NAME),
            access_log_wakes=(ACCESS_LOGS,),
            protection_wakes=(ecs_services.NAME,),
        )
        self.sessions = Sessions(database, self._clock, welcome, intake, self.wake)
        self.driver = Driver(self._reconcilers())
        self.gateway = Gateway(
            SERVICES,
            database,
            self._keys,
            account=installation.account,
            clock=self._clock,
            ids=self._ids,
            wake=self.wake,
            objects=objects,
        )
        self.joined = asyncio.Event()

    def _reconcilers(self) -> list[Reconciler]:
        database, clock, ids = self._database, self._clock, self._ids
        placement = Placement(
            database, clock, ids, self._installation.account, lambda: self.sessions.connected, self.wake
        )
        machines = ContainerInstances(database, clock, ids, self._installation.account, platform.machine(), self.wake)
        return [
            Reconciler("ecs.placement", placement.pass_, interval=5, wakes=frozenset({"fleet.joined", INSTANCES})),
            Reconciler(NAME, machines.pass_, interval=30, wakes=frozenset({"fleet.joined", INSTANCES})),
            ecs_services.Services(database, clock, ids, self._installation.account, self.wake).reconciler(),
            Reconciler("ecs.cleanup", Cleanup(database, clock).pass_, interval=60),
            network.reconciler(database, self.wake),
            Instances(database, clock, self._signer, self._installation.account, self.wake).reconciler(),
            Reconciler(
                cloudwatch_alarms.NAME,
                cloudwatch_alarms.Alarms(database, clock, self.wake, (scaling.NAME,)).pass_,
                interval=5,
            ),
            scaling.Scaling(database, clock, ids, self._installation.account, self.wake).reconciler(),
            Reconciler("cloudwatch.expiry", lambda: expire_datapoints(database, clock), interval=600),
            names.reconciler(database, clock, self.wake),
            alarms.reconciler(database, clock, ids, self.wake),
            Balancing(database, clock, lambda: self.sessions.connected, self.wake).reconciler(),
            Delivery(database, clock, self._objects).reconciler(),
            BalancerNames(database, clock, ids, self.wake).reconciler(),
            Reconciler("logs.expiry", lambda: expire(database, clock), interval=3600),
        ]

    def wake(self, name: str) -> None:
        """Pass a wake on to whoever looks then."""
        if name == "fleet.sessions":
            self.sessions.notice()
            return
        if name == "fleet.joined":
            self.joined.set()
        self.driver.wake(name)

    async def first_start(self) -> Credentials:
        """Make what must be before the first request: the root's key, default VPCs, the default cluster; no sessions."""
        root = await self._keys.root(self._clock.now())
        async with self._database.transaction() as tx:
            await assignments.set_disconnected(tx)
            await ec2.initialise(tx, ids=self._ids, public_pool=self._installation.public_pool)
            await ensure_own_zone(tx, self._ids, self._clock.now(), self._installation.host)
            await ensure_default_cluster(tx, self._installation.account, self._installation.region)
        return Credentials(access_key_id=root.access_key_id, secret_access_key=root.secret_access_key)

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        """Be the ASGI application: what the registry asks on its path, AWS's API everywhere else."""
        app: Asgi = self._tokens if scope["path"].startswith(REGISTRY_PATH) else self.gateway
        await app(scope, receive, send)


@asynccontextmanager
async def running(installation: Installation) -> AsyncIterator[Server]:
    """Serve for as long as the block runs."""
    database = SqliteDatabase(installation.server_state / "homeport.db")
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        clock = SystemClock()
        authority = await load_or_create(database, clock, installation.registry)
        signer = await identity.load_or_create(database, clock)
        objects = _objects(installation)
        if objects is not None:
            stack.callback(objects.close)
        server = Server(installation, database, clock, authority, signer, objects)
        _save_credentials(installation, await server.first_start())
        work = Tasks()
        stack.push_async_callback(work.close)
        work.spawn(server.driver.run(), name="reconcilers")
        installation.wire_socket.unlink(missing_ok=True)  # a socket file outlives a server that was killed
        listener = await asyncio.start_unix_server(server.sessions.serve, installation.wire_socket)
        stack.callback(listener.close)
        await stack.enter_async_context(serve(server.answer, installation.host, installation.port))
        yield server


def _objects(installation: Installation) -> ObjectStore | None:
    """Return the store that the operator has named."""
    if not installation.s3_endpoint:
        return None
    from homeport.aws.s3store import S3Store  # noqa: PLC0415 - megabytes that only who has a store shall pay for

    return S3Store(installation.s3_endpoint, read_keys(installation.store_keys_file), installation.region)


def _save_credentials(installation: Installation, credentials: Credentials) -> None:
    """Write the root keys where `homeport env` finds them, readable by the owner alone."""
    target = installation.credentials_file
    temporary = target.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_bytes(msgspec.json.encode(credentials))
    temporary.replace(target)


def _announce(what: bytes) -> None:
    """Tell whoever started us how far we are, over the pipe it gave us."""
    if descriptor := os.environ.get("HOMEPORT_READY_FD"):
        with contextlib.suppress(OSError):
            os.write(int(descriptor), what)


async def run(installation: Installation) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(installation) as server:
        log.info("serving %s", installation.endpoint)
        _announce(b"S")
        announcing = asyncio.create_task(_announce_join(server))
        await stop.wait()
        announcing.cancel()


async def _announce_join(server: Server) -> None:
    await server.joined.wait()
    _announce(b"N")


def serve_installation(path: str) -> None:
    """Run the server of the installation that the file at *path* describes, until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    installation = msgspec.json.decode(Path(path).read_bytes(), type=Installation)
    uvloop.run(run(installation))


if __name__ == "__main__":
    serve_installation(sys.argv[1])
