"""Trunk interfaces, and the branches that they carry."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ec2.handlers.documents import Documents, describe, once
from homeport.services.ec2.handlers.network_interfaces import own_interface
from homeport.services.ec2.instance_views import association_view
from homeport.services.ec2.service import ec2
from homeport.services.ec2.store import attachments
from homeport.services.ec2.store.selection import get


@ec2.operation("AssociateTrunkInterface")
async def associate_trunk_interface(
    call: Call,
    *,
    branch_interface_id: str,
    trunk_interface_id: str,
    vlan_id: int | None = None,
    client_token: str = "",
) -> dict[str, Any]:
    async def make() -> str:
        trunk = await own_interface(call, trunk_interface_id)
        branch = await own_interface(call, branch_interface_id)
        association = await attachments.associate_branch(call.tx, trunk, branch, ids=call.ids, vlan=vlan_id)
        return association.id

    request = {"b": branch_interface_id, "t": trunk_interface_id, "v": vlan_id}
    made = await once(call, client_token, request, make)
    association = await get(call.tx, attachments.ASSOCIATIONS, call.region, made)
    answer: dict[str, Any] = {"InterfaceAssociation": association_view(association, {}, call.account)}
    return answer | {"ClientToken": client_token} if client_token else answer


# ClientToken: an association that is gone can be asked to go again only in vain.
@ec2.operation("DisassociateTrunkInterface", ignores=("ClientToken",))
async def disassociate_trunk_interface(call: Call, *, association_id: str) -> dict[str, Any]:
    association = await get(call.tx, attachments.ASSOCIATIONS, call.region, association_id)
    await own_interface(call, association.branch)
    await attachments.disassociate(call.tx, association)
    return {"Return": True}


@ec2.operation("DescribeTrunkInterfaceAssociations", reads=True)
async def describe_trunk_interface_associations(
    call: Call,
    *,
    association_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        attachments.ASSOCIATIONS,
        association_view,
        "InterfaceAssociations",
        ids=association_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )
