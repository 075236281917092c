"""Instances: to look at, stop, start, reboot and terminate."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.services.ec2 import errors, instance
from homeport.services.ec2.handlers.documents import Documents, find_page, parse_filters, with_token
from homeport.services.ec2.instance import Instance, State
from homeport.services.ec2.instance_views import change_view, instance_view, reservation_view, status_view
from homeport.services.ec2.service import INSTANCES, ec2
from homeport.services.ec2.store import instances, interfaces
from homeport.services.ec2.store.instance_filters import INSTANCES as KIND
from homeport.services.ec2.store.instance_status import STATUSES
from homeport.services.ec2.store.selection import Filter, get_all


# IncludeManagedResources: no service's own instances are hidden.
@ec2.operation("DescribeInstances", reads=True, ignores=("IncludeManagedResources",))
async def describe_instances(
    call: Call,
    *,
    instance_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    found, token = await find_page(
        call,
        KIND,
        ids=instance_ids,
        filters=parse_filters(filters),
        max_results=max_results,
        next_token=next_token,
    )
    reservations: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        view = instance_view(each.resource, each.tags, call.account)
        reservations.setdefault(each.resource.instance.reservation, []).append(view)
    views = [reservation_view(reservation, members, call.account) for reservation, members in reservations.items()]
    return with_token({"Reservations": views}, token)


# IncludeManagedResources: no service's own instances are hidden.
@ec2.operation("DescribeInstanceStatus", reads=True, ignores=("IncludeManagedResources",))
async def describe_instance_status(
    call: Call,
    *,
    instance_ids: Sequence[str] = (),
    filters: Documents = (),
    include_all_instances: bool = False,
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    wanted = parse_filters(filters)
    if not include_all_instances:
        wanted.append(Filter("instance-state-name", (State.RUNNING,)))
    found, token = await find_page(
        call, STATUSES, ids=instance_ids, filters=wanted, max_results=max_results, next_token=next_token
    )
    return with_token({"InstanceStatuses": [status_view(each.resource) for each in found]}, token)


Step = Callable[[Instance], Instance]


@ec2.operation("StartInstances")
async def start_instances(call: Call, *, instance_ids: Sequence[str]) -> dict[str, Any]:
    changes = []
    for before in await _named(call, instance_ids):
        after = before
        if before.state is State.STOPPED:
            after = instance.starting(before, call.now())
            await _give_public_address(call, after)
        elif before.state not in {State.PENDING, State.RUNNING}:
            raise _wrong_state(before, "started")
        changes.append(await _change(call, before, after))
    return {"StartingInstances": changes}


async def _give_public_address(call: Call, starting: Instance) -> None:
    """Give a starting instance a new public address, unless it has a second interface: AWS gives none then."""
    attached = await interfaces.attached_to(call.tx, [starting.id])
    if starting.options.public and len(attached) == 1 and not attached[0].public_address:
        await interfaces.lend_public_address(call.tx, attached[0])


# Force, SkipOsShutdown: an instance that does not end by itself is killed after seconds in any case.
@ec2.operation("StopInstances", ignores=("Force", "SkipOsShutdown"))
async def stop_instances(call: Call, *, instance_ids: Sequence[str], hibernate: bool = False) -> dict[str, Any]:
    if hibernate:
        raise errors.UnsupportedOperation("Homeport does not support hibernation.")
    changes = []
    for before in await _named(call, instance_ids):
        after = before
        if before.state is State.RUNNING:
            if before.options.stop_protected:
                raise _protected(before, "stopped", "disableApiStop")
            after = instance.stopping(before, call.now())
        elif before.state not in {State.STOPPING, State.STOPPED}:
            raise _wrong_state(before, "stopped")
        changes.append(await _change(call, before, after))
    return {"StoppingInstances": changes}


@ec2.operation("RebootInstances")
async def reboot_instances(call: Call, *, instance_ids: Sequence[str]) -> None:
    for before in await _named(call, instance_ids):
        if before.state is not State.RUNNING:
            raise _wrong_state(before, "rebooted")
        await _change(call, before, replace(before, rebooting=True))


# Force, SkipOsShutdown: an instance that does not end by itself is killed after seconds in any case.
@ec2.operation("TerminateInstances", ignores=("Force", "SkipOsShutdown"))
async def terminate_instances(call: Call, *, instance_ids: Sequence[str]) -> dict[str, Any]:
    changes = []
    for before in await _named(call, instance_ids):
        after = before
        if not before.state.ending:
            if before.options.termination_protected:
                raise _protected(before, "terminated", "disableApiTermination")
            after = instance.terminating(before, call.now())
        changes.append(await _change(call, before, after))
    return {"TerminatingInstances": changes}


async def _named(call: Call, ids: Sequence[str]) -> list[Instance]:
    if not ids:
        raise errors.missing("InstanceId")
    return [found.instance for found in await get_all(call.tx, KIND, call.region, ids)]


async def _change(call: Call, before: Instance, after: Instance) -> dict[str, Any]:
    if after != before:
        await instances.update_instance(call.tx, after)
        call.wake(INSTANCES)
    return change_view(before, after)


def _wrong_state(found: Instance, participle: str) -> AwsError:
    return AwsError(
        f"The instance '{found.id}' is not in a state from which it can be {participle}.", code="IncorrectInstanceState"
    )


def _protected(found: Instance, participle: str, attribute: str) -> AwsError:
    return errors.OperationNotPermitted(
        f"The instance '{found.id}' may not be {participle}. Modify its '{attribute}' instance attribute and try again."
    )
