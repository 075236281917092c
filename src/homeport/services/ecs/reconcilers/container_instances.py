"""
Keep container instances equal to the machines they are.

A machine that runs with an agent registers, once; one that was deregistered by its user does not come back.  One that
has opted in to trunking is REGISTERING until its trunk is there.  A machine that is stopped or gone takes its tasks with it.
"""

from collections.abc import Callable
from dataclasses import replace

import msgspec

from homeport.aws.errors import AwsError
from homeport.db.database import Database, Tx
from homeport.kit.clock import Clock
from homeport.kit.ids import Ids
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.instance import Instance, State
from homeport.services.ec2.instance_types import InstanceType
from homeport.services.ecs import lifecycle
from homeport.services.ecs.handlers.clusters import ensure_default_cluster
from homeport.services.ecs.lookup import DEFAULT_CLUSTER
from homeport.services.ecs.model.container_instances import ContainerInstance, Status
from homeport.services.ecs.model.tasks import StopCode
from homeport.services.ecs.moving import FOLLOWERS, move
from homeport.services.ecs.registering import (
    cluster_of,
    host_reason,
    is_up,
    principal_of,
    registration_of,
    tags_of,
    wants_trunk,
)
from homeport.services.ecs.settings import SETTINGS, root_arn
from homeport.services.ecs.store import account_settings, clusters, container_instances, tasks

NAME = "ecs.container_instances"


class ContainerInstances:
    """The reconciler's passes."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, account: str, architecture: str, wake: Callable[[str], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._account = account
        self._architecture = architecture
        self._wake = wake

    async def pass_(self) -> None:
        """Look at every machine and every container instance, each in a transaction of its own where it must change."""
        async with self._database.snapshot() as tx:
            running = await ec2.instances_in(tx, State.RUNNING)
            registered = await container_instances.registered(tx)
            known = {each.ec2_instance for each in registered}
            new = [each for each in running if each.agent is not None and each.id not in known]
            new = [each for each in new if not await container_instances.of_machine(tx, each.id)]
            lost = [each for each in registered if not is_up(await ec2.find_instance(tx, each.ec2_instance))]
        for machine in new:
            await self._register(machine.id)
        for instance in registered:
            if instance.status is Status.REGISTERING:
                await self._activate(instance.id)
        for instance in lost:
            await self._lose(instance.id)

    async def _register(self, machine: str) -> None:
        async with self._database.transaction() as tx:
            instance = await ec2.find_instance(tx, machine)
            if instance is None or not is_up(instance) or await container_instances.of_machine(tx, machine):
                return
            cluster = await self._cluster(tx, instance)
            kind = await ec2.find_type(tx, instance.type)
            if cluster is None or kind is None:
                return  # as the agent does, it tries again
            id_ = self._ids.hex(32)
            name = cluster.rpartition("/")[2]
            made = ContainerInstance(
                id=id_,
                arn=f"arn:aws:ecs:{instance.region}:{self._account}:container-instance/{name}/{id_}",
                cluster=cluster,
                ec2_instance=instance.id,
                status=Status.ACTIVE,
                registered_at=self._clock.now(),
                registration=registration_of(instance, kind, self._architecture),
                tags=tags_of(instance),
            )
            await container_instances.insert(tx, await self._with_trunk(tx, made, instance, kind))
        self._wake(NAME)
        self._wake("ec2.instances")

    async def _cluster(self, tx: Tx, instance: Instance) -> str | None:
        """Return the cluster that the instance joins; the one called default is made where it is missing."""
        name = cluster_of(instance)
        if name == DEFAULT_CLUSTER:
            await ensure_default_cluster(tx, self._account, instance.region)
        found = await clusters.find(tx, clusters.arn_of(self._account, instance.region, name))
        return found.arn if found is not None and found.status == "ACTIVE" else None

    async def _with_trunk(
        self, tx: Tx, made: ContainerInstance, instance: Instance, kind: InstanceType
    ) -> ContainerInstance:
        if not (wants_trunk(instance, kind) and await self._opted_in(tx, instance)):
            return made
        try:
            trunk = await ec2.attach_trunk(tx, instance, now=self._clock.now(), ids=self._ids)
        except AwsError as error:
            reason = f"Unable to attach the trunk network interface: {error.message}"
            failed = msgspec.structs.replace(made.registration, status_reason=reason)
            return replace(made, status=Status.REGISTRATION_FAILED, registration=failed)
        registration = registration_of(instance, kind, self._architecture, trunk.id)
        return replace(made, status=Status.REGISTERING, registration=registration)

    async def _opted_in(self, tx: Tx, instance: Instance) -> bool:
        """Say whether trunking was on for the instance's principal when the instance was launched."""
        name = "awsvpcTrunking"
        for principal in (principal_of(instance), root_arn(self._account)):
            value = await account_settings.chosen_before(tx, instance.region, principal, name, instance.launched_at)
            if value is not None:
                return value == "enabled"
        return SETTINGS[name].default == "enabled"

    async def _activate(self, id_: str) -> None:
        async with self._database.transaction() as tx:
            found = await container_instances.find(tx, id_)
            if found is not None and found.status is Status.REGISTERING:
                await container_instances.update(tx, replace(found, status=Status.ACTIVE))

    async def _lose(self, id_: str) -> None:
        """End the tasks of an instance that is not up; what is gone for good is registered no more."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await container_instances.find(tx, id_)
            machine = await ec2.find_instance(tx, found.ec2_instance) if found is not None else None
            if found is None or is_up(machine):
                return
            reason = host_reason(found.ec2_instance, machine)
            for record in await tasks.live_on_instance(tx, id_):
                task = lifecycle.stopped_with(record.task, StopCode.TERMINATION_NOTICE, reason, now)
                if task is not record.task:
                    await move(tx, record, replace(record, task=task), now)
            if (machine is None or machine.state.ending) and found.status is not Status.INACTIVE:
                await container_instances.update(tx, replace(found, status=Status.INACTIVE), inactive_since=now)
        for name in FOLLOWERS:
            self._wake(name)
        self._wake("ecs.placement")
