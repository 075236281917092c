"""What can be changed of an instance after its launch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.services.ec2 import errors
from homeport.services.ec2.handlers import launch
from homeport.services.ec2.handlers.documents import only_value
from homeport.services.ec2.images import ROOT_DEVICE, find_image
from homeport.services.ec2.instance import Attached, Instance, Options, State
from homeport.services.ec2.instance_types import node_of_type
from homeport.services.ec2.instance_views import metadata_options_view
from homeport.services.ec2.model import GROUPS_PER_INTERFACE, InterfaceKind, NetworkInterface
from homeport.services.ec2.service import INSTANCES, NETWORK, ec2
from homeport.services.ec2.store import attachments, instances, interfaces, security_groups
from homeport.services.ec2.store.instance_filters import INSTANCES as KIND
from homeport.services.ec2.store.selection import get
from homeport.services.ec2.views import View

_BEHAVIORS = ("stop", "terminate")


@ec2.operation("DescribeInstanceAttribute", reads=True)
async def describe_instance_attribute(call: Call, *, instance_id: str, attribute: str) -> dict[str, Any]:
    found = await get(call.tx, KIND, call.region, instance_id)
    if attribute not in _SHOWN:
        raise errors.bad_value(attribute, "attribute", "Unknown attribute.")
    return {"InstanceId": instance_id, **_SHOWN[attribute](found)}


def _option(name: str, read: Callable[[Options], object]) -> Callable[[Attached], View]:
    return lambda found: {name: {"Value": read(found.instance.options)}}


def _group_set(found: Attached) -> View:
    groups = found.primary.groups if found.primary is not None else ()
    return {"Groups": [{"GroupId": group.id, "GroupName": group.name} for group in groups]}


def _user_data(found: Attached) -> View:
    data = found.instance.options.user_data
    return {"UserData": {"Value": data} if data else {}}


_SHOWN: Mapping[str, Callable[[Attached], View]] = {
    "blockDeviceMapping": lambda _: {"BlockDeviceMappings": []},
    "disableApiStop": _option("DisableApiStop", lambda options: options.stop_protected),
    "disableApiTermination": _option("DisableApiTermination", lambda options: options.termination_protected),
    "ebsOptimized": lambda _: {"EbsOptimized": {"Value": False}},
    "enaSupport": lambda _: {"EnaSupport": {"Value": True}},
    "enclaveOptions": lambda _: {"EnclaveOptions": {"Enabled": False}},
    "groupSet": _group_set,
    "instanceInitiatedShutdownBehavior": _option(
        "InstanceInitiatedShutdownBehavior", lambda options: options.shutdown_behavior
    ),
    "instanceType": lambda found: {"InstanceType": {"Value": found.instance.type}},
    "kernel": lambda _: {"KernelId": {}},
    "productCodes": lambda _: {"ProductCodes": []},
    "ramdisk": lambda _: {"RamdiskId": {}},
    "rootDeviceName": lambda _: {"RootDeviceName": {"Value": ROOT_DEVICE}},
    "sourceDestCheck": lambda _: {"SourceDestCheck": {"Value": True}},
    "sriovNetSupport": lambda _: {"SriovNetSupport": {}},
    "userData": _user_data,
}


@ec2.operation("ModifyInstanceAttribute")
async def modify_instance_attribute(
    call: Call,
    *,
    instance_id: str,
    attribute: str | None = None,
    value: str | None = None,
    groups: Sequence[str] = (),
    source_dest_check: dict[str, Any] | None = None,
    disable_api_termination: dict[str, Any] | None = None,
    disable_api_stop: dict[str, Any] | None = None,
    instance_type: dict[str, Any] | None = None,
    user_data: dict[str, Any] | None = None,
    instance_initiated_shutdown_behavior: dict[str, Any] | None = None,
) -> None:
    given = {
        "sourceDestCheck": source_dest_check,
        "disableApiTermination": disable_api_termination,
        "disableApiStop": disable_api_stop,
        "instanceType": instance_type,
        "userData": user_data,
        "instanceInitiatedShutdownBehavior": instance_initiated_shutdown_behavior,
    }
    changes: dict[str, Any] = {name: document for name, document in given.items() if document is not None}
    if groups:
        changes["groupSet"] = groups
    if attribute is not None:
        changes[attribute] = _as_document(attribute, value)
    if len(changes) > 1:
        raise errors.InvalidParameterCombination("Fields for multiple attribute types specified")
    if not changes:
        raise errors.InvalidParameterCombination("No attributes specified.")
    ((name, document),) = changes.items()
    if name not in _CHANGES:
        raise errors.UnsupportedOperation(f"Homeport does not change the attribute '{name}'.")
    found = await get(call.tx, KIND, call.region, instance_id)
    if found.instance.state.ending:
        raise _wrong_state(found.instance, "running or stopped")
    await _CHANGES[name](call, found, document)
    call.wake(INSTANCES)


_FLAGS = ("disableApiTermination", "disableApiStop", "sourceDestCheck")


def _as_document(attribute: str, value: str | None) -> dict[str, Any]:
    """Return an attribute that a request gives by name and text as it gives others."""
    if value is None:
        raise errors.missing("Value")
    if attribute in _FLAGS:
        if value not in {"true", "false"}:
            raise errors.bad_value(value, "Value", "It must be true or false.")
        return {"Value": value == "true"}
    return {"Value": launch.decode_user_data(value) if attribute == "userData" else value}


async def _set_options(call: Call, found: Attached, **changes: object) -> None:
    options = structs.replace(found.instance.options, **changes)
    await instances.update_instance(call.tx, replace(found.instance, options=options))


async def _set_termination(call: Call, found: Attached, document: dict[str, Any]) -> None:
    await _set_options(call, found, termination_protected=only_value(document, "DisableApiTermination", bool))


async def _set_stop(call: Call, found: Attached, document: dict[str, Any]) -> None:
    await _set_options(call, found, stop_protected=only_value(document, "DisableApiStop", bool))


async def _set_behavior(call: Call, found: Attached, document: dict[str, Any]) -> None:
    behavior = only_value(document, "InstanceInitiatedShutdownBehavior", str)
    if behavior not in _BEHAVIORS:
        raise errors.bad_value(behavior, "instanceInitiatedShutdownBehavior", "It must be stop or terminate.")
    await _set_options(call, found, shutdown_behavior=behavior)


async def _set_user_data(call: Call, found: Attached, document: dict[str, Any]) -> None:
    _check_stopped(found.instance)
    content = only_value(document, "UserData", bytes)
    await _set_options(call, found, user_data=launch.encode_user_data(content))


async def _set_source_dest_check(_: Call, __: Attached, document: dict[str, Any]) -> None:
    if not only_value(document, "SourceDestCheck", bool):
        raise errors.UnsupportedOperation("Homeport cannot switch off the source/destination check.")


async def _set_type(call: Call, found: Attached, document: dict[str, Any]) -> None:
    name = only_value(document, "InstanceType", str)
    _check_stopped(found.instance)
    chosen = await instances.find_type(call.tx, name)
    if chosen is None:
        raise errors.InvalidParameterValue(f"Invalid value '{name}' for InstanceType.")
    image = find_image(call.region, found.instance.image)
    assert image is not None, "an instance was launched from one of the region's images"
    launch.check_architecture(chosen, image)
    if name != found.instance.type and (node_of_type(name) or node_of_type(found.instance.type)):
        raise errors.UnsupportedOperation("An instance that stands for a node cannot change its type, nor become one.")
    if len(found.interfaces) > chosen.max_enis:
        raise attachments.limit_exceeded(len(found.interfaces), name)
    if not chosen.trunk_capable and any(each.kind is InterfaceKind.TRUNK for each in found.interfaces):
        raise errors.UnsupportedOperation(f"Instances of type {name} do not support trunk interfaces.")
    await instances.update_instance(call.tx, replace(found.instance, type=name))


async def _set_groups(call: Call, found: Attached, ids: Sequence[str]) -> None:
    if len(found.interfaces) > 1:
        raise AwsError(
            f"There are multiple interfaces attached to instance '{found.id}'. Please specify an interface ID for the "
            "operation instead.",
            code="InvalidInstanceID",
        )
    interface: NetworkInterface = found.interfaces[0]
    wanted = await security_groups.get_security_groups(call.tx, call.region, ids)
    if len(wanted) > GROUPS_PER_INTERFACE:
        raise interfaces.too_many_groups()
    if any(group.vpc != interface.vpc for group in wanted):
        raise interfaces.other_network()
    await interfaces.update_interface(call.tx, interfaces.reassigned(interface, wanted))
    call.wake(NETWORK)


_CHANGES: Mapping[str, Callable[[Call, Attached, Any], Any]] = {
    "disableApiStop": _set_stop,
    "disableApiTermination": _set_termination,
    "groupSet": _set_groups,
    "instanceInitiatedShutdownBehavior": _set_behavior,
    "instanceType": _set_type,
    "sourceDestCheck": _set_source_dest_check,
    "userData": _set_user_data,
}


def _check_stopped(instance: Instance) -> None:
    if instance.state is not State.STOPPED:
        raise _wrong_state(instance, "'stopped'")


def _wrong_state(instance: Instance, wanted: str) -> AwsError:
    return AwsError(f"The instance '{instance.id}' is not in the {wanted} state.", code="IncorrectInstanceState")


@ec2.operation("ModifyInstanceMetadataOptions")
async def modify_instance_metadata_options(
    call: Call,
    *,
    instance_id: str,
    http_tokens: str | None = None,
    http_put_response_hop_limit: int | None = None,
    http_endpoint: str | None = None,
    http_protocol_ipv6: str | None = None,
    instance_metadata_tags: str | None = None,
) -> dict[str, Any]:
    found = await get(call.tx, KIND, call.region, instance_id)
    if found.instance.state.ending:
        raise _wrong_state(found.instance, "running or stopped")
    asked = {
        "HttpTokens": http_tokens,
        "HttpPutResponseHopLimit": http_put_response_hop_limit,
        "HttpEndpoint": http_endpoint,
        "HttpProtocolIpv6": http_protocol_ipv6,
        "InstanceMetadataTags": instance_metadata_tags,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    options = launch.parse_metadata_options(given, found.instance.options.metadata)
    await _set_options(call, found, metadata=options)
    call.wake(INSTANCES)
    return {"InstanceId": instance_id, "InstanceMetadataOptions": metadata_options_view(options, "pending")}
