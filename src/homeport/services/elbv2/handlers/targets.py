"""Targets: registered, deregistered, described."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.services.elbv2 import errors, lookup
from homeport.services.elbv2 import targets as registry
from homeport.services.elbv2.model.target_groups import TRAFFIC_PORT, TargetGroup, TargetType
from homeport.services.elbv2.model.targets import NOT_REGISTERED, Target, Wanted
from homeport.services.elbv2.service import BALANCING, elbv2
from homeport.services.elbv2.store import targets as store
from homeport.services.elbv2.views import target_health_view, target_view


def _wanted(targets: Sequence[Mapping[str, Any]]) -> list[Wanted]:
    found = []
    for position, target in enumerate(targets):
        with Fields(target, f"targets[{position}]") as fields:
            found.append(
                Wanted(
                    fields.take("Id", str),
                    fields.take("Port", int, None),
                    fields.take("AvailabilityZone", str, ""),
                )
            )
    return found


@elbv2.operation("RegisterTargets")
async def register_targets(call: Call, *, target_group_arn: str, targets: Sequence[Mapping[str, Any]]) -> None:
    group = await lookup.target_group(call.tx, call.region, target_group_arn)
    await registry.register(call.tx, group.arn, _wanted(targets), call.now())
    call.wake(BALANCING)


@elbv2.operation("DeregisterTargets")
async def deregister_targets(call: Call, *, target_group_arn: str, targets: Sequence[Mapping[str, Any]]) -> None:
    group = await lookup.target_group(call.tx, call.region, target_group_arn)
    await registry.deregister(call.tx, group.arn, _wanted(targets), call.now())
    call.wake(BALANCING)


@elbv2.operation("DescribeTargetHealth", reads=True)
async def describe_target_health(
    call: Call,
    *,
    target_group_arn: str,
    targets: Sequence[Mapping[str, Any]] = (),
    include: Sequence[str] = (),
) -> dict[str, Any]:
    if include:
        raise errors.InvalidConfigurationRequest("Homeport has no anomaly detection and no administrative overrides.")
    group = await lookup.target_group(call.tx, call.region, target_group_arn)
    if not targets:
        return {"TargetHealthDescriptions": await _described(call, group, await store.of_group(call.tx, group.arn))}
    descriptions = []
    for wanted in _wanted(targets):
        port = group.document.port if wanted.port is None else wanted.port
        found = await store.find(call.tx, group.arn, wanted.id, port)
        if found is not None:
            descriptions += await _described(call, group, [found])
        else:
            named = {"Id": wanted.id, **({"Port": port} if port else {})}
            descriptions.append(target_health_view(named, NOT_REGISTERED, ""))
    return {"TargetHealthDescriptions": descriptions}


async def _described(call: Call, group: TargetGroup, targets: Sequence[Target]) -> list[dict[str, Any]]:
    states = await registry.states_of(call.tx, group, targets)
    return [
        target_health_view(target_view(target), states[target.key], _check_port(group, target)) for target in targets
    ]


def _check_port(group: TargetGroup, target: Target) -> str:
    if group.target_type is TargetType.LAMBDA:
        return ""
    port = group.document.health_check.port
    return str(target.port) if port == TRAFFIC_PORT else port
