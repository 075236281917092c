"""
Load balancers of services: a task that runs is a target, and is stopped when nothing to it is in flight any more.

It is registered by its service's reconciler once it is RUNNING.  It is deregistered in the very transaction that says it
is meant to stop or has ended; its node is told to stop it only when its last target is gone (reference, 4.13).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from homeport.aws.errors import AwsError
from homeport.aws.fields import Fields
from homeport.db.database import Tx
from homeport.services.ecs import lifecycle
from homeport.services.ecs.deployments import model as planned
from homeport.services.ecs.errors import InvalidParameter, UnsupportedFeature
from homeport.services.ecs.model.services import Revision
from homeport.services.ecs.model.tasks import Balanced, Balancing, Desired, Place, Status, TaskRecord
from homeport.services.ecs.reaching import address_of, host_port
from homeport.services.elbv2 import lookup, shifting, targets
from homeport.services.elbv2.errors import TargetGroupNotFound
from homeport.services.elbv2.model.load_balancers import Kind
from homeport.services.elbv2.model.target_groups import TargetType
from homeport.services.elbv2.model.targets import State, TargetState, Wanted

_MOST = 5  # target groups of a service
_RULES = ("productionListenerRule", "testListenerRule")

#: The targets of groups, by their ARNs.
States = Mapping[str, Mapping[tuple[str, int], TargetState]]


# --- What is declared


async def checked(
    tx: Tx, region: str, given: Sequence[Mapping[str, Any]], definition: Mapping[str, Any]
) -> tuple[dict[str, Any], ...]:
    """Return the loadBalancers of a service with that task definition, or refuse them (reference, 1.9.5)."""
    if len(given) > _MOST:
        raise InvalidParameter(f"load balancers can have at most {_MOST} items.")
    for number, document in enumerate(given):
        with Fields(document, f"loadBalancers[{number}]") as fields:
            arn = fields.take("targetGroupArn", str, "")
            classic = fields.take("loadBalancerName", str, "")
            container = fields.take("containerName", str, "")
            port = fields.take("containerPort", int, None)
            advanced = fields.take("advancedConfiguration", dict, None)
        if classic:
            if arn:
                raise InvalidParameter("loadBalancerName and targetGroupArn cannot both be specified")
            raise UnsupportedFeature("Classic Load Balancers are not supported.")
        _check_container(definition, container, port)
        mode = definition.get("networkMode", "bridge")
        await _check_group(tx, region, arn, mode)
        if advanced is not None:
            with Fields(advanced, f"loadBalancers[{number}].advancedConfiguration") as fields:
                alternate = fields.take("alternateTargetGroupArn", str, "")
                rules = [fields.take(name, str, "") for name in _RULES]
                fields.take("roleArn", str, "")  # kept and shown: there is nobody to ask for leave
            await _check_group(tx, region, alternate, mode, alone=True)
            await _check_rules(tx, region, (arn, alternate), rules)
    return tuple(dict(document) for document in given)


def check_containers(load_balancers: Sequence[Mapping[str, Any]], definition: Mapping[str, Any]) -> None:
    """Refuse a task definition that lacks what the load balancers of a service send requests to."""
    for document in load_balancers:
        _check_container(definition, document["containerName"], document["containerPort"])


def _check_container(definition: Mapping[str, Any], name: str, port: int | None) -> None:
    by_name = {container["name"]: container for container in definition["containerDefinitions"]}
    if name not in by_name:
        raise InvalidParameter(f"The container {name} does not exist in the task definition.")
    ports = {mapping.get("containerPort") for mapping in by_name[name].get("portMappings", ())}
    if port is None or port not in ports:
        raise InvalidParameter(f"The container {name} did not have a container port {port} defined.")


async def _check_rules(tx: Tx, region: str, groups: tuple[str, str], rules: Sequence[str]) -> None:
    """Refuse rules that do not forward to one of a load balancer's two groups; only that of production must be."""
    if not rules[0]:
        raise InvalidParameter("productionListenerRule is required in advancedConfiguration.")  # unconfirmed
    if groups[0] == groups[1]:
        raise InvalidParameter("alternateTargetGroupArn must differ from targetGroupArn.")  # unconfirmed
    for rule in filter(None, rules):
        try:
            found = await shifting.find_forwarding(tx, region, rule)
        except AwsError as error:
            raise InvalidParameter(error.message) from None
        if found.balancer.document.kind is not Kind.APPLICATION:
            raise UnsupportedFeature("Traffic can be shifted by rules of Application Load Balancers only.")
        if not set(groups) & set(found.weights):
            raise InvalidParameter(
                f"The listener rule {rule} does not forward to {groups[0]} or {groups[1]}."
            )  # unconfirmed


async def _check_group(tx: Tx, region: str, arn: str, mode: str, *, alone: bool = False) -> None:
    try:
        group = await lookup.target_group(tx, region, arn)
    except AwsError:
        raise InvalidParameter(f"The target group {arn} does not exist.") from None  # unconfirmed
    wanted = TargetType.IP if mode == "awsvpc" else TargetType.INSTANCE
    if group.target_type is not wanted:
        raise InvalidParameter(
            f"The provided target group {arn} has target type {group.target_type.value}, which is incompatible with the "
            f"{mode} network mode specified in the task definition."
        )
    if not alone and not await lookup.load_balancers_of(tx, group):
        raise InvalidParameter(f"The target group with targetGroupArn {arn} does not have an associated load balancer.")


def check_shifting(load_balancers: Sequence[Mapping[str, Any]], strategy: planned.Strategy) -> None:
    """Refuse load balancers whose traffic cannot be shifted where the deployment strategy asks for that."""
    if strategy is planned.Strategy.ROLLING:
        return
    if not all(document.get("advancedConfiguration") for document in load_balancers):
        raise InvalidParameter(  # unconfirmed
            f"advancedConfiguration is required for load balancers with the deployment strategy {strategy.value}."
        )


def groups_beside(
    load_balancers: Sequence[Mapping[str, Any]], serving: Revision | None, strategy: planned.Strategy
) -> tuple[str, ...]:
    """
    Return the target groups for tasks of a new revision: where traffic shall shift, those that *serving* is not in.

    A rolling deployment goes into the groups that get the traffic now.
    """
    held = {_key(document): group for document, group in serving.fronts} if serving is not None else {}
    groups = []
    for document in load_balancers:
        now = held.get(_key(document))
        alternate = (document.get("advancedConfiguration") or {}).get("alternateTargetGroupArn")
        if now is None:
            groups.append(document["targetGroupArn"])
        elif strategy is planned.Strategy.ROLLING or alternate is None:
            groups.append(now)
        else:
            groups.append(alternate if now == document["targetGroupArn"] else document["targetGroupArn"])
    return tuple(groups)


def _key(document: Mapping[str, Any]) -> tuple[str, str, int]:
    return document["targetGroupArn"], document["containerName"], document["containerPort"]


async def prepare(tx: Tx, region: str, revision: Revision) -> None:
    """Have the listener rules of a revision name its target groups, without traffic, so that these are checked."""
    for document, group in revision.fronts:
        for rule in _rules_of(document):
            try:
                found = await shifting.find_forwarding(tx, region, rule)
                if group not in found.weights:
                    await shifting.shift(tx, region, rule, {**found.weights, group: 0})
            except AwsError as error:
                raise InvalidParameter(error.message) from None


async def shift(
    tx: Tx, region: str, revisions: Mapping[str, Revision], primary: Revision, action: planned.Shift
) -> None:
    """
    Give the traffic of the PRIMARY deployment's listener rules to the target groups of revisions, by their shares.

    All rules are changed or none: one that is gone or refused must not leave the others changed.
    """
    async with tx.attempt():
        for rule, shares in _shares(revisions, primary, action).items():
            await shifting.shift(tx, region, rule, shares)


def _shares(
    revisions: Mapping[str, Revision], primary: Revision, action: planned.Shift
) -> dict[str, Mapping[str, float]]:
    """Return the shares of target groups, in percent, by the rule that is to forward to them."""
    name = _RULES[0] if action.listener is planned.Listener.PRODUCTION else _RULES[1]
    wanted: dict[str, Mapping[str, float]] = {}
    for document, _ in primary.fronts:
        rule = (document.get("advancedConfiguration") or {}).get(name)
        shares: dict[str, float] = {}
        for arn, percent in action.weights:
            for other, group in revisions[arn].fronts if arn in revisions else ():
                if _key(other) == _key(document):
                    shares[group] = shares.get(group, 0.0) + percent
        if rule and shares:
            wanted[rule] = shares
    return wanted


def _rules_of(document: Mapping[str, Any]) -> list[str]:
    advanced = document.get("advancedConfiguration") or {}
    return [advanced[name] for name in _RULES if advanced.get(name)]


# --- What follows a task


@dataclass
class Entered:
    """Tasks that were registered: all of a look's *records*, how many in each group, and what was refused of which."""

    records: Sequence[TaskRecord]
    counts: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


async def enter(tx: Tx, records: Sequence[TaskRecord], revisions: Mapping[str, Revision], now: float) -> Entered:
    """Register the tasks that run and are no targets yet; callers write those that have changed."""
    entered = Entered(records)
    written = []
    for record in records:
        revision = revisions.get(record.launch.revision_of_service)
        if revision is None or not revision.load_balancers or not _serves(record) or record.launch.balanced:
            written.append(record)
            continue
        places = await _places(tx, record, revision)
        if (refused := await _register(tx, places, now)) is not None:
            entered.refused[refused.group] = refused.reason
            written.append(record)
            continue
        for place in places:
            entered.counts[place.group] = entered.counts.get(place.group, 0) + 1
        written.append(with_balanced(record, Balanced(places=places)))
    entered.records = written
    return entered


@dataclass(frozen=True, slots=True)
class _Refused:
    group: str
    reason: str


async def _register(tx: Tx, places: Sequence[Place], now: float) -> _Refused | None:
    """Register a task in all of its groups, or in none."""
    for number, place in enumerate(places):
        try:
            await targets.register(tx, place.group, [Wanted(place.id, place.port)], now)
        except AwsError as error:
            await _deregister(tx, places[:number], now)
            return _Refused(place.group, error.message)
    return None


async def _deregister(tx: Tx, places: Sequence[Place], now: float) -> None:
    for place in places:
        try:
            await targets.deregister(tx, place.group, [Wanted(place.id, place.port)], now)
        except TargetGroupNotFound:
            continue  # it went, and its targets with it


def _serves(record: TaskRecord) -> bool:
    return record.task.desired_status is Desired.RUNNING and record.task.last_status is Status.RUNNING


async def _places(tx: Tx, record: TaskRecord, revision: Revision) -> tuple[Place, ...]:
    own = record.launch.interface
    id_ = await address_of(tx, record) if own else record.launch.ec2_instance
    return tuple(
        Place(
            group=group,
            id=id_,
            port=document["containerPort"]
            if own
            else host_port(record, document["containerName"], document["containerPort"]),
        )
        for document, group in revision.fronts
    )


def with_balanced(record: TaskRecord, balanced: Balanced | None) -> TaskRecord:
    return replace(record, launch=msgspec.structs.replace(record.launch, balanced=balanced))


def places_of(record: TaskRecord) -> tuple[Place, ...]:
    """Return where a task is a target, or was and something is in flight still."""
    return record.launch.balanced.places if record.launch.balanced is not None else ()


def announced(record: TaskRecord) -> TaskRecord:
    """Return a task whose service has said that it leaves its load balancers."""
    assert record.launch.balanced is not None, "who has no targets leaves none"
    return with_balanced(record, msgspec.structs.replace(record.launch.balanced, stage=Balancing.DRAINING))


async def leave(tx: Tx, record: TaskRecord, now: float) -> TaskRecord:
    """Deregister a task that is not meant to run any more, and return it as it is then."""
    balanced = record.launch.balanced
    if balanced is None or record.launch.leaving or record.task.desired_status is Desired.RUNNING:
        return record
    await _deregister(tx, balanced.places, now)
    left = msgspec.structs.replace(balanced, stage=Balancing.DEREGISTERED)
    return replace(with_balanced(record, left), task=lifecycle.deactivating(record.task))


# --- What a look sees


async def states(tx: Tx, groups: Collection[str]) -> States:
    """Return the targets of those groups that exist."""
    found: dict[str, Mapping[tuple[str, int], TargetState]] = {}
    for group in groups:
        try:
            found[group] = await targets.states(tx, group)
        except TargetGroupNotFound:
            continue
    return found


def in_flight(record: TaskRecord, seen: States) -> bool:
    """Say whether a load balancer still finishes something with a task that has left it."""
    balanced = record.launch.balanced
    return balanced is not None and any(
        (state := seen.get(place.group, {}).get((place.id, place.port))) is not None and state.state is State.DRAINING
        for place in balanced.places
    )


def as_planned(record: TaskRecord, revision: Revision | None, seen: States) -> tuple[planned.Target, ...]:
    """Return a task's targets as its planner sees them."""
    balanced = record.launch.balanced
    if balanced is not None:
        return tuple(_target(place, seen) for place in balanced.places)
    declared = revision.fronts if revision is not None else ()
    return tuple(planned.Target(group=group, port=document["containerPort"]) for document, group in declared)


def _target(place: Place, seen: States) -> planned.Target:
    state = seen.get(place.group, {}).get((place.id, place.port))
    if state is None:  # somebody else has deregistered it
        return planned.Target(group=place.group, state=planned.TargetHealth.UNUSED, port=place.port)
    return planned.Target(
        group=place.group,
        state=planned.TargetHealth(state.state.value),
        port=place.port,
        reason=state.description,
    )
