"""Network interfaces that users make, and those that services made, to look at."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.services.ec2 import errors
from homeport.services.ec2.handlers.documents import (
    Documents,
    describe,
    once,
    only_value,
    parse_tag_specifications,
)
from homeport.services.ec2.handlers.launch import one_address
from homeport.services.ec2.model import GROUPS_PER_INTERFACE, NetworkInterface, SecurityGroup
from homeport.services.ec2.service import NETWORK, ec2
from homeport.services.ec2.store import interfaces, security_groups, tags, vpcs
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
    if interface_type != "interface":
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
        )
        return interface.id

    request = {"s": subnet_id, "d": description, "g": list(groups), "a": address, "t": given}
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
    if interface.attachment:
        raise errors.InvalidParameterValue(f"Network interface '{interface.id}' is currently in use.")
    await interfaces.release_interface(call.tx, interface.id)


@ec2.operation("DetachNetworkInterface")
async def detach_network_interface(call: Call, *, attachment_id: str, force: bool = False) -> None:
    del force  # whatever is attached here is a service's own
    if await interfaces.find_by_attachment(call.tx, call.region, attachment_id) is not None:
        raise errors.OperationNotPermitted("You are not allowed to manage 'ela-attach' attachments.")
    raise errors.not_found("InvalidAttachmentID.NotFound", "network interface attachment ID", [attachment_id])


@ec2.operation("ModifyNetworkInterfaceAttribute")
async def modify_network_interface_attribute(
    call: Call,
    *,
    network_interface_id: str,
    description: dict[str, Any] | None = None,
    source_dest_check: dict[str, Any] | None = None,
    groups: Sequence[str] = (),
) -> None:
    if (description is not None) + (source_dest_check is not None) + bool(groups) != 1:
        raise errors.InvalidParameterCombination("Fields for multiple attribute types specified")
    interface = await _own_interface(call, network_interface_id)
    if source_dest_check is not None and not only_value(source_dest_check, "SourceDestCheck", bool):
        raise errors.UnsupportedOperation("Homeport cannot switch off the source/destination check.")
    if description is not None:
        text = only_value(description, "Description", str)
        check_interface_description(text)
        interface = replace(interface, description=text)
    if groups:
        interface = interfaces.reassigned(interface, await _groups_for(call, interface, groups))
    await interfaces.update_interface(call.tx, interface)
    call.wake(NETWORK)


async def _own_interface(call: Call, interface_id: str) -> NetworkInterface:
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
