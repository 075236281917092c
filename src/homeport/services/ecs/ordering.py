"""
What RunTask, StartTask and services share: everything about new tasks is checked before anything is written.

The answers are values; nothing is written here.
"""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.model import Subnet
from homeport.services.ecs import overrides as overriding
from homeport.services.ecs.errors import Client, Conflict, InvalidParameter, UnsupportedFeature
from homeport.services.ecs.launching import Order
from homeport.services.ecs.lookup import get_definition
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.task_definitions import ACTIVE, TaskDefinition
from homeport.services.ecs.placement.filters import Network
from homeport.services.ecs.runnable import cpu_architecture, unsupported, unsupported_on_ec2
from homeport.services.ecs.store import client_tokens, tasks
from homeport.services.ecs.tags import merge_tags, parse_tags
from homeport.services.ecs.validation import launch
from homeport.services.ecs.views import task_view

_MACHINE = platform.machine()


class Orderer(Protocol):
    """Whoever orders tasks: a call, or a pass of a reconciler."""

    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def tx(self) -> Tx: ...
    @property
    def ids(self) -> Ids: ...
    def now(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of its tasks, beyond what they are made from."""

    launch_type: str
    group: str = ""
    started_by: str = ""
    network_configuration: Mapping[str, Any] | None = None
    overrides: Mapping[str, Any] | None = None
    tags: Sequence[Mapping[str, str]] = ()
    propagate_tags: str = "NONE"
    managed_tags: bool = False
    service: str = ""  # the ARNs of the service that asks and of the revision it asks for
    revision_of_service: str = ""


async def get_active(call: Call, task_definition: str) -> TaskDefinition:
    """Return the definition that new tasks shall be made from, or refuse it."""
    definition = await get_definition(call, task_definition)
    if definition.status != ACTIVE:
        raise Client("TaskDefinition is inactive")
    return definition


async def make_order(call: Orderer, cluster: Cluster, definition: TaskDefinition, asked: Asked) -> Order:
    """Return the order for tasks of *definition*, or refuse the request."""
    document = definition.parsed()
    on_fargate = asked.launch_type == "FARGATE"
    awsvpc = launch.check_network(document.get("networkMode"), asked.network_configuration, asked.launch_type)
    missing = (unsupported if on_fargate else unsupported_on_ec2)(document, _MACHINE)
    if missing:
        raise UnsupportedFeature(f"The task definition cannot be run, not supported: {', '.join(missing)}.")
    given = asked.overrides or {}
    overriding.check(document, given)
    return Order(
        account=call.account,
        region=call.region,
        cluster=cluster,
        definition=definition,
        applied=overriding.apply(document, given),
        overrides=overriding.echo(document, given),
        subnets=await _subnets(call, awsvpc) if awsvpc else (),
        groups=awsvpc.get("securityGroups", ()),
        public_address=awsvpc.get("assignPublicIp") == "ENABLED",
        architecture=cpu_architecture(document, _MACHINE),
        group=asked.group,
        started_by=asked.started_by,
        now=call.now(),
        turn=int(call.ids.hex(8), 16),
        tags=_tags(asked, definition, cluster),
        service=asked.service,
        revision_of_service=asked.revision_of_service,
    )


def network_of(order: Order) -> Network | None:
    """Return where tasks with an interface of their own can have it; None for those without."""
    subnets = [subnet for subnet in order.subnets if isinstance(subnet, Subnet)]
    if not subnets:
        return None
    return Network(subnets[0].vpc, frozenset(subnet.zone for subnet in subnets))


def digest_of(*request: Any) -> str:
    """Sum up a request, so that a client token can be held to what it first came with."""
    return hashlib.sha256(msgspec.json.encode(request, order="deterministic")).hexdigest()


async def earlier(call: Call, cluster: Cluster, token: str, digest: str) -> dict[str, Any] | None:
    """Return the answer to an earlier request with that token, if there was one and it is the same request."""
    use = await client_tokens.find(call.tx, cluster.arn, token)
    if use is None:
        return None
    if use.request != digest:
        arns = [call.arn("ecs", f"task/{cluster.name}/{task_id}") for task_id in use.tasks]
        raise Conflict("The client token was already used with different parameters.", resourceIds=arns)
    found = await tasks.documents(call.tx, cluster.arn, use.tasks)
    return {"tasks": [task_view(*found[task_id]) for task_id in use.tasks if task_id in found], "failures": []}


async def _subnets(call: Orderer, awsvpc: Mapping[str, Any]) -> Sequence[Subnet]:
    """Return the subnets of the request, all of one VPC and together with its security groups."""
    ids, groups = awsvpc["subnets"], awsvpc.get("securityGroups", ())
    subnets: list[Subnet] = await _found("subnet", ids, ec2.get_subnets(call.tx, call.region, ids))
    vpcs = {subnet.vpc for subnet in subnets}
    if len(vpcs) > 1:
        raise InvalidParameter("All subnets must belong to the same VPC.")
    if groups:
        for group in await _found("security group", groups, ec2.get_security_groups(call.tx, call.region, groups)):
            if group.vpc not in vpcs:
                raise InvalidParameter(
                    f"Security Group {group.id} does not appear to belong to the same VPC as the input subnets."
                )
    return subnets


async def _found(kind: str, ids: Sequence[str], looking: Any) -> Any:
    """Await EC2's look-up, and say of its error what ECS says of it."""
    try:
        return await looking
    except AwsError as error:
        raise InvalidParameter(
            f"Error retrieving {kind} information for [{', '.join(ids)}]: {error.message} (ErrorCode: {error.code})"
        ) from error


def _tags(asked: Asked, definition: TaskDefinition, cluster: Cluster) -> dict[str, str]:
    """Return the tags of new tasks: those of the request, or of the service, count more than the definition's."""
    if asked.propagate_tags == "SERVICE" and not asked.service:
        raise InvalidParameter("Tags of a service can only be propagated to tasks that the service starts.")
    inherited = definition.tags if asked.propagate_tags == "TASK_DEFINITION" else {}
    own = {} if asked.service and asked.propagate_tags != "SERVICE" else parse_tags(asked.tags)
    managed = {"aws:ecs:clusterName": cluster.name} if asked.managed_tags else {}
    if asked.managed_tags and asked.service:
        managed["aws:ecs:serviceName"] = asked.service.rpartition("/")[2]
    return merge_tags(inherited, own) | managed
