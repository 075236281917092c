"""Health checks: made, shown, listed, changed, deleted, and what they find."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_fields

from homeport.aws.call import Call
from homeport.services.cloudwatch.store import alarms
from homeport.services.ec2.model import PUBLIC_POOL
from homeport.services.ec2.store import addresses
from homeport.services.route53 import errors, health, keeping
from homeport.services.route53.health import CheckConfig, HealthCheck
from homeport.services.route53.paging import page_size
from homeport.services.route53.service import NAMES, route53
from homeport.services.route53.store import changes, health_checks
from homeport.services.route53.store.changes import Untold
from homeport.services.route53.store.health_checks import Observation

PAGE = 100
_LOCATION = "https://route53.amazonaws.com/2013-04-01/healthcheck/"
#: Where Route 53's own checkers are; all of ours are said to be in the first unless the installation is in another.
_REGIONS = (
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
)
_RESETS = {
    "FullyQualifiedDomainName": "name",
    "Regions": "regions",
    "ResourcePath": "path",
    "ChildHealthChecks": "children",
}


def _view(check: HealthCheck) -> dict[str, Any]:
    return {
        "Id": check.id,
        "CallerReference": check.caller_reference,
        "HealthCheckConfig": health.config_view(check.config),
        "HealthCheckVersion": check.version,
    }


async def get_check(call: Call, id_: str) -> HealthCheck:
    """Return a health check, or raise NoSuchHealthCheck."""
    found = await health_checks.find(call.tx, id_)
    if found is None:
        raise errors.health_check_missing(id_)
    return found


async def _check(call: Call, config: CheckConfig) -> None:
    health.check_config(config, await addresses.pool_range(call.tx, PUBLIC_POOL))
    for child in config.children:
        await get_check(call, child)
    if config.alarm_name and await alarms.find(call.tx, config.alarm_region, config.alarm_name) is None:
        raise errors.InvalidInput(
            f"The alarm {config.alarm_name} does not exist in region {config.alarm_region}."  # unconfirmed
        )


async def _mark(call: Call, check: str) -> None:
    change = await keeping.start_change(call.tx, call.ids, call.now())
    await changes.mark(call.tx, change, [Untold.of_check(check)])
    call.wake(NAMES)


@route53.operation("CreateHealthCheck")
async def create_health_check(
    call: Call, *, caller_reference: str, health_check_config: Mapping[str, Any]
) -> dict[str, Any]:
    config = health.read_config(health_check_config)
    present = await health_checks.find_by_reference(call.tx, caller_reference)
    if present is not None:
        if present.config != config:
            raise errors.health_check_exists()
        return {"HealthCheck": _view(present), "Location": _LOCATION + present.id}
    await _check(call, config)
    made = HealthCheck(call.ids.uuid(), caller_reference, 1, config)
    await health_checks.insert(call.tx, made)
    await _mark(call, made.id)
    return {"HealthCheck": _view(made), "Location": _LOCATION + made.id}


@route53.operation("GetHealthCheck", reads=True)
async def get_health_check(call: Call, *, health_check_id: str) -> dict[str, Any]:
    return {"HealthCheck": _view(await get_check(call, health_check_id))}


@route53.operation("GetHealthCheckCount", reads=True)
async def get_health_check_count(call: Call) -> dict[str, Any]:
    return {"HealthCheckCount": await health_checks.count(call.tx)}


@route53.operation("ListHealthChecks", reads=True)
async def list_health_checks(call: Call, *, marker: str = "", max_items: str | None = None) -> dict[str, Any]:
    size = page_size(max_items, PAGE)
    found = await health_checks.page(call.tx, marker, size + 1)
    answer: dict[str, Any] = {
        "HealthChecks": [_view(check) for check in found[:size]],
        "Marker": marker,
        "IsTruncated": len(found) > size,
        "MaxItems": str(size),
    }
    if len(found) > size:
        answer["NextMarker"] = found[size].id
    return answer


@route53.operation("UpdateHealthCheck")
async def update_health_check(
    call: Call,
    *,
    health_check_id: str,
    health_check_version: int | None = None,
    ip_address: str | None = None,
    port: int | None = None,
    resource_path: str | None = None,
    fully_qualified_domain_name: str | None = None,
    search_string: str | None = None,
    failure_threshold: int | None = None,
    inverted: bool | None = None,
    disabled: bool | None = None,
    health_threshold: int | None = None,
    child_health_checks: Sequence[str] | None = None,
    enable_sni: bool | None = None,
    regions: Sequence[str] | None = None,
    alarm_identifier: Mapping[str, str] | None = None,
    insufficient_data_health_status: str | None = None,
    reset_elements: Sequence[str] = (),
) -> dict[str, Any]:
    check = await get_check(call, health_check_id)
    if health_check_version not in {None, check.version}:
        raise errors.health_check_outdated()
    given: dict[str, Any] = {
        "address": ip_address,
        "port": port,
        "path": resource_path,
        "name": fully_qualified_domain_name,
        "search": search_string,
        "threshold": failure_threshold,
        "inverted": inverted,
        "disabled": disabled,
        "needed": health_threshold,
        "children": None if child_health_checks is None else tuple(child_health_checks),
        "server_name": enable_sni,
        "regions": None if regions is None else tuple(regions),
        "alarm_region": None if alarm_identifier is None else alarm_identifier["Region"],
        "alarm_name": None if alarm_identifier is None else alarm_identifier["Name"],
        "insufficient": insufficient_data_health_status,
    }
    reset = with_fields(check.config, **{_RESETS[name]: () if name in _LISTS else "" for name in reset_elements})
    config = with_fields(reset, **{name: value for name, value in given.items() if value is not None})
    await _check(call, config)
    updated = replace(check, version=check.version + 1, config=config)
    await health_checks.update(call.tx, updated)
    await _mark(call, check.id)
    return {"HealthCheck": _view(updated)}


_LISTS = frozenset({"Regions", "ChildHealthChecks"})


@route53.operation("DeleteHealthCheck")
async def delete_health_check(call: Call, *, health_check_id: str) -> None:
    """Delete a check even if record sets name it, as Route 53 does: these are healthy from then on."""
    check = await get_check(call, health_check_id)
    await health_checks.delete(call.tx, check.id)
    await _mark(call, check.id)


@route53.operation("GetHealthCheckStatus", reads=True)
async def get_health_check_status(call: Call, *, health_check_id: str) -> dict[str, Any]:
    check = await get_check(call, health_check_id)
    if not check.config.probe:
        raise errors.InvalidInput("There is a status of health checks of endpoints only.")  # unconfirmed
    found = await health_checks.observations(call.tx, check.id)
    return {"HealthCheckObservations": [_observation_view(call, each, failure=False) for each in found]}


@route53.operation("GetHealthCheckLastFailureReason", reads=True)
async def get_health_check_last_failure_reason(call: Call, *, health_check_id: str) -> dict[str, Any]:
    check = await get_check(call, health_check_id)
    found = [each for each in await health_checks.observations(call.tx, check.id) if each.failure]
    return {"HealthCheckObservations": [_observation_view(call, each, failure=True) for each in found]}


def _observation_view(call: Call, observation: Observation, *, failure: bool) -> dict[str, Any]:
    status, moment = (
        (observation.failure, observation.failed_at) if failure else (observation.status, observation.checked_at)
    )
    region = call.region if call.region in _REGIONS else _REGIONS[0]
    return {"Region": region, "StatusReport": {"Status": status, "CheckedTime": moment}}
