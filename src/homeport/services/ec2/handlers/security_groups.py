"""Security groups themselves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from homeport.aws.call import Call
from homeport.services.ec2 import errors, views
from homeport.services.ec2.handlers.documents import Documents, describe, parse_tag_specifications
from homeport.services.ec2.model import SecurityGroup, Vpc, new_id
from homeport.services.ec2.service import NETWORK, ec2
from homeport.services.ec2.store import defaults, security_groups, tags, vpcs
from homeport.services.ec2.validation import check_group_description, check_group_name


async def get_default_vpc(call: Call) -> Vpc:
    """Return the VPC that is meant where a request names none."""
    vpc = await vpcs.find_default_vpc(call.tx, call.region)
    if vpc is None:
        raise errors.UnsupportedOperation("No default VPC for this user", code="VPCIdNotSpecified")
    return vpc


async def get_named_group(call: Call, name: str) -> SecurityGroup:
    """Return a group of the default VPC by its name."""
    vpc = await get_default_vpc(call)
    group = await security_groups.find_by_name(call.tx, vpc.id, name)
    if group is None:
        raise errors.NotFound(
            f"The security group '{name}' does not exist in default VPC '{vpc.id}'", code="InvalidGroup.NotFound"
        )
    return group


async def get_group(call: Call, group_id: str | None, group_name: str | None) -> SecurityGroup:
    """Return the group that a request names by id, or by name in the default VPC."""
    if group_id is not None and group_name is not None:
        raise errors.InvalidParameterCombination("The parameters groupId and groupName may not be used together")
    if group_id is not None:
        return (await security_groups.get_security_groups(call.tx, call.region, [group_id]))[0]
    if group_name is not None:
        return await get_named_group(call, group_name)
    raise errors.missing("groupName or groupId")


@ec2.operation("CreateSecurityGroup")
async def create_security_group(
    call: Call, *, group_name: str, description: str, vpc_id: str | None = None, tag_specifications: Documents = ()
) -> dict[str, Any]:
    check_group_name(group_name)
    check_group_description(description)
    given = parse_tag_specifications(tag_specifications, "security-group")
    vpc = await (get_default_vpc(call) if vpc_id is None else vpcs.get_vpc(call.tx, call.region, vpc_id))
    if await security_groups.find_by_name(call.tx, vpc.id, group_name) is not None:
        raise errors.InvalidParameterValue(
            f"The security group '{group_name}' already exists for VPC '{vpc.id}'", code="InvalidGroup.Duplicate"
        )
    group = SecurityGroup(new_id(call.ids, "sg"), call.region, vpc.id, group_name, description)
    group = replace(group, rules=(defaults.allow_all_egress(group, call.ids),))
    await security_groups.insert_group(call.tx, group)
    await tags.put(call.tx, call.region, group.id, given)
    return {
        "GroupId": group.id,
        "SecurityGroupArn": views.arn(call.region, call.account, "security-group", group.id),
        "Tags": views.tag_list(given),
    }


@ec2.operation("DescribeSecurityGroups", reads=True)
async def describe_security_groups(
    call: Call,
    *,
    group_ids: Sequence[str] = (),
    group_names: Sequence[str] = (),
    filters: Documents = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    named = [(await get_named_group(call, name)).id for name in group_names]
    return await describe(
        call,
        security_groups.GROUPS,
        views.security_group_view,
        "SecurityGroups",
        ids=[*group_ids, *named],
        filters=filters,
        max_results=max_results,
        next_token=next_token,
    )


@ec2.operation("DeleteSecurityGroup")
async def delete_security_group(
    call: Call, *, group_id: str | None = None, group_name: str | None = None
) -> dict[str, Any]:
    group = await get_group(call, group_id, group_name)
    if group.name == "default":
        raise errors.UnsupportedOperation(
            f'the specified group: "{group.id}" name: "default" cannot be deleted by a user', code="CannotDelete"
        )
    if await security_groups.is_used(call.tx, group.id):
        raise errors.DependencyViolation(f"resource {group.id} has a dependent object")
    await security_groups.delete_group(call.tx, group)
    call.wake(NETWORK)
    return {"Return": True, "GroupId": group.id}
