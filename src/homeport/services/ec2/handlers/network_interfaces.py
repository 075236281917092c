"""Network interfaces that users make, and those that services made, to look at."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.aws.fields import Fields
from homeport.services.ec2 import errors
from homeport.services.ec2.handlers.documents import (
    Documents,
    describe,
    once,
    only_value,
    parse_tag_specifications,
)
from homeport.services.ec2.handlers.launch import check_device_index, one_address
from homeport.services.ec2.instance import State
from homeport.services.ec2.model import GROUPS_PER_INTERFACE, InterfaceKind, NetworkInterface, SecurityGroup
from homeport.services.ec2.service import INSTANCES, NETWORK, ec2
from homeport.services.ec2.store import attachments, instances, interfaces, security_groups, tags, vpcs
from homeport.services.ec2.validation import check_interface_description
from homeport.services.ec2.views import attachment_view, interface_view


@ec2.operation("CreateNetworkInterface")
async def create_network_interface(
    call: Call,
    *,
    subnet_id: str,
    description: str = "",
    groups: Sequence[str] = (),
    private_ip_address: str | None = None,
    private_ip_addresses: Documents = (),
    interface_type: str = "interface",
    tag_specifications: Documents = (),
    client_token: str = "",
) -> dict[str, Any]:
    if interface_type not in set(InterfaceKind):
        raise errors.UnsupportedOperation(f"Homeport does not support interfaces of type '{interface_type}'.")
    check_interface_description(description)
    given = parse_tag_specifications(tag_specifications, "network-interface")
    address = one_address(private_ip_address, private_ip_addresses)

    async def make() -> str:
        (subnet,) = await vpcs.get_subnets(call.tx, call.region, [subnet_id])
        chosen = (
            await security_groups.get_security_groups(call.tx, call.region, groups)
            if groups
            else [await security_groups.default_security_group(call.tx, subnet.vpc)]
        )
        interface = await interfaces.allocate_interface(
            call.tx,
            subnet=subnet,
            groups=chosen,
            description=description,
            private_ip=address,
            tag=given,
            now=call.now(),
            ids=call.ids,
            kind=InterfaceKind(interface_type),
        )
        return interface.id

    request = {"s": subnet_id, "d": description, "g": list(groups), "a": address, "t": given, "k": interface_type}
    made = await once(call, client_token, request, make)
    interface = await interfaces.get_interface(call.tx, call.region, made)
    view = interface_view(interface, (await tags.tags_of(call.tx, [made])).get(made, {}), call.account)
    answer: dict[str, Any] = {"NetworkInterface": view | {"Status": "pending"}}
    return answer | {"ClientToken": client_token} if client_token else answer


@ec2.operation("DescribeNetworkInterfaces", reads=True, ignores=("IncludeManagedResources",))
async def describe_network_interfaces(
    call: Call,
    *,
    network_interface_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        interfaces.INTERFACES,
        interface_view,
        "NetworkInterfaces",
        ids=network_interface_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )


@ec2.operation("DeleteNetworkInterface")
async def delete_network_interface(call: Call, *, network_interface_id: str) -> None:
    interface = await interfaces.get_interface(call.tx, call.region, network_interface_id)
    if interface.in_use or await attachments.has_branches(call.tx, interface.id):
        raise errors.InvalidParameterValue(f"Network interface '{interface.id}' is currently in use.")
    await interfaces.release_interface(call.tx, interface.id)


@ec2.operation("AttachNetworkInterface")
async def attach_network_interface(
    call: Call, *, network_interface_id: str, instance_id: str, device_index: int, network_card_index: int = 0
) -> dict[str, Any]:
    interface = await own_interface(call, network_interface_id)
    instance = await instances.get_instance(call.tx, call.region, instance_id)
    check_device_index(device_index)
    if network_card_index:
        raise errors.UnsupportedOperation("Homeport attaches interfaces to network card 0 only.")
    if instance.state not in {State.RUNNING, State.STOPPED}:
        raise AwsError(f"Instance '{instance.id}' is not 'running' or 'stopped'.", code="IncorrectInstanceState")
    if interface.kind is InterfaceKind.BRANCH:
        raise errors.InvalidParameterValue(
            f"Interface '{interface.id}' of type branch cannot be attached to an instance."
        )
    if interface.kind is InterfaceKind.TRUNK:
        await attachments.check_trunk_capable(call.tx, instance)
    attached = await attachments.attach_interface(
        call.tx, interface, instance, now=call.now(), ids=call.ids, device_index=device_index
    )
    call.wake(INSTANCES)
    return {"AttachmentId": attached.attachment, "NetworkCardIndex": 0}


# Force: an interface is taken away whether what runs on the instance agrees or not.
@ec2.operation("DetachNetworkInterface", ignores=("Force",))
async def detach_network_interface(call: Call, *, attachment_id: str) -> None:
    interface = await interfaces.find_by_attachment(call.tx, call.region, attachment_id)
    if interface is None:
        raise errors.not_found("InvalidAttachmentID.NotFound", "network interface attachment ID", [attachment_id])
    if interface.requester:
        raise errors.OperationNotPermitted("You are not allowed to manage 'ela-attach' attachments.")
    if interface.device_index == 0:
        raise errors.OperationNotPermitted("The network interface at device index 0 cannot be detached.")
    if interface.kind is InterfaceKind.TRUNK and await attachments.has_branches(call.tx, interface.id):
        raise errors.OperationNotPermitted(f"The trunk interface '{interface.id}' carries branch interfaces.")
    await attachments.begin_detaching(call.tx, interface)
    call.wake(INSTANCES)


@ec2.operation("ModifyNetworkInterfaceAttribute")
async def modify_network_interface_attribute(
    call: Call,
    *,
    network_interface_id: str,
    description: dict[str, Any] | None = None,
    source_dest_check: dict[str, Any] | None = None,
    groups: Sequence[str] = (),
    attachment: dict[str, Any] | None = None,
) -> None:
    given = (description is not None) + (source_dest_check is not None) + bool(groups) + (attachment is not None)
    if given != 1:
        raise errors.InvalidParameterCombination("Fields for multiple attribute types specified")
    interface = await own_interface(call, network_interface_id)
    if source_dest_check is not None and not only_value(source_dest_check, "SourceDestCheck", bool):
        raise errors.UnsupportedOperation("Homeport cannot switch off the source/destination check.")
    if attachment is not None:
        await _modify_attachment(call, interface, attachment)
    if description is not None:
        text = only_value(description, "Description", str)
        check_interface_description(text)
        interface = replace(interface, description=text)
    if groups:
        interface = interfaces.reassigned(interface, await _groups_for(call, interface, groups))
    await interfaces.update_interface(call.tx, interface)
    call.wake(NETWORK)
    if interface.instance:  # its metadata names the groups
        call.wake(INSTANCES)


async def _modify_attachment(call: Call, interface: NetworkInterface, document: dict[str, Any]) -> None:
    with Fields(document, "Attachment") as fields:
        attachment, delete = fields.take("AttachmentId", str, ""), fields.take("DeleteOnTermination", bool)
    if not attachment:
        raise errors.missing("Attachment.AttachmentId")
    if attachment != interface.attachment:
        raise errors.not_found("InvalidAttachmentID.NotFound", "network interface attachment ID", [attachment])
    await interfaces.update_attachment(call.tx, replace(interface, delete_on_termination=delete))


async def own_interface(call: Call, interface_id: str) -> NetworkInterface:
    """Return an interface that its user may change: not one that a service made."""
    interface = await interfaces.get_interface(call.tx, call.region, interface_id)
    if interface.requester:
        raise AwsError("You do not have permission to access the specified resource.", code="AuthFailure", status=403)
    return interface


async def _groups_for(call: Call, interface: NetworkInterface, ids: Sequence[str]) -> list[SecurityGroup]:
    groups = await security_groups.get_security_groups(call.tx, call.region, ids)
    if len(groups) > GROUPS_PER_INTERFACE:
        raise interfaces.too_many_groups()
    if any(group.vpc != interface.vpc for group in groups):
        raise interfaces.other_network()
    return groups


@ec2.operation("DescribeNetworkInterfaceAttribute", reads=True)
async def describe_network_interface_attribute(
    call: Call, *, network_interface_id: str, attribute: str | None = None
) -> dict[str, Any]:
    interface = await interfaces.get_interface(call.tx, call.region, network_interface_id)
    attributes: dict[str, dict[str, Any]] = {
        "description": {"Description": {"Value": interface.description}},
        "groupSet": {"Groups": [{"GroupId": group.id, "GroupName": group.name} for group in interface.groups]},
        "sourceDestCheck": {"SourceDestCheck": {"Value": True}},
        "attachment": {"Attachment": attachment_view(interface, call.account)} if interface.attachment else {},
        "associatePublicIpAddress": {"AssociatePublicIpAddress": bool(interface.public_address)},
    }
    if attribute is None:
        raise errors.missing("attribute")
    if attribute not in attributes:
        raise errors.bad_value(attribute, "attribute", "Unknown attribute.")
    return {"NetworkInterfaceId": interface.id, **attributes[attribute]}
