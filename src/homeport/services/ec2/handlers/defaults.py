"""What comes with a VPC and cannot be changed here: network ACLs and DHCP options."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ec2.handlers.documents import Documents, describe
from homeport.services.ec2.service import ec2
from homeport.services.ec2.store import vpcs
from homeport.services.ec2.views import dhcp_options_view, network_acl_view


@ec2.operation("DescribeNetworkAcls", reads=True)
async def describe_network_acls(
    call: Call,
    *,
    network_acl_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        vpcs.NETWORK_ACLS,
        network_acl_view,
        "NetworkAcls",
        ids=network_acl_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )


@ec2.operation("DescribeDhcpOptions", reads=True)
async def describe_dhcp_options(
    call: Call,
    *,
    dhcp_options_ids: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    return await describe(
        call,
        vpcs.DHCP_OPTIONS,
        dhcp_options_view,
        "DhcpOptions",
        ids=dhcp_options_ids,
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )
