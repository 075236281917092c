"""What can hang on an instance, and how much of it."""

from dataclasses import replace

import pytest

from homeport.aws.errors import AwsError
from homeport.services.ec2 import store
from homeport.services.ec2.instance import Options, role_of
from homeport.services.ec2.instance_types import instance_types
from homeport.services.ec2.projection import network_items
from homeport.services.ec2.store import attachments, interfaces
from homeport.wire.messages import Eni, EniKind

from .machines import make_branch, make_instance, task_interface


async def refused(code, doing):
    with pytest.raises(AwsError) as caught:
        await doing
    assert caught.value.code == code
    return caught.value.message


@pytest.mark.parametrize("name", ["c5.large", "t3.nano", "m5.24xlarge", "c5n.large"])
async def test_an_instance_takes_exactly_the_interfaces_that_its_type_allows(open_account, name):
    limit = instance_types()[name].max_enis
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx, type=name)
        for device in range(1, limit):
            attached = await store.attach_interface(tx, await account.interface(tx), instance, now=2.0, ids=account.ids)
            assert attached.device_index == device
        one_more = await account.interface(tx)
        doing = store.attach_interface(tx, one_more, instance, now=2.0, ids=account.ids)
        message = await refused("AttachmentLimitExceeded", doing)
        assert message == f"Interface count {limit + 1} exceeds the limit for {name}"


async def test_interfaces_of_tasks_count_and_lie_in_no_instances_namespace(open_account):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx)
        for _ in range(2):
            interface = await task_interface(account, tx, instance, block_metadata=True)
        assert (interface.instance, interface.device_index, interface.for_task) == (instance.id, 2, True)
        eni = (await network_items(tx, interface))[-1]
        assert isinstance(eni, Eni)
        assert (eni.instance, eni.device_index, eni.block_metadata) == ("", 0, True)
        free = (await account.subnet(tx)).free
        await refused("AttachmentLimitExceeded", task_interface(account, tx, instance))
        assert (await account.subnet(tx)).free == free
        await store.release_interface(tx, interface.id)
        again = await task_interface(account, tx, instance)
        assert again.device_index == 2


async def test_an_interface_that_is_detaching_still_takes_its_place(open_account):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx)
        first = await store.attach_interface(tx, await account.interface(tx), instance, now=2.0, ids=account.ids)
        await store.attach_interface(tx, await account.interface(tx), instance, now=2.0, ids=account.ids)
        await attachments.begin_detaching(tx, first)
        late = await account.interface(tx)
        await refused("AttachmentLimitExceeded", store.attach_interface(tx, late, instance, now=2.0, ids=account.ids))
        await attachments.finish_detaching(tx, first)
        attached = await store.attach_interface(tx, late, instance, now=2.0, ids=account.ids)
        assert attached.device_index == 1
        freed = await interfaces.find_interface(tx, first.id)
        assert freed is not None
        assert (freed.status, freed.instance, freed.attachment) == ("available", "", "")


async def test_a_trunk_takes_one_place_and_its_branches_none(open_account):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx)
        trunk = await store.attach_trunk(tx, instance, now=2.0, ids=account.ids)
        assert await store.find_trunk(tx, instance.id) == await interfaces.find_interface(tx, trunk.id)
        assert (trunk.kind, trunk.device_index, trunk.subnet) == ("trunk", 1, instance.subnet)
        branches = [await task_interface(account, tx, instance) for _ in range(10)]
        assert [branch.association.vlan for branch in branches] == list(range(1, 11))
        await store.attach_interface(tx, await account.interface(tx), instance, now=2.0, ids=account.ids)
        await store.release_interface(tx, branches[3].id)
        assert (await task_interface(account, tx, instance)).association.vlan == 4


async def test_a_branch_comes_with_its_trunk(open_account):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx)
        trunk = await store.attach_trunk(tx, instance, now=2.0, ids=account.ids)
        branch = await task_interface(account, tx, instance)
        enis = [item for item in await network_items(tx, branch) if isinstance(item, Eni)]
        assert [(eni.id, eni.kind, eni.instance, eni.device_index) for eni in enis] == [
            (trunk.id, EniKind.TRUNK, instance.id, 1),
            (branch.id, EniKind.BRANCH, "", 0),
        ]
        assert (enis[1].trunk, enis[1].vlan) == (trunk.id, 1)


async def test_a_trunk_carries_a_hundred_and_twenty_branches(open_account):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx)
        trunk = await store.attach_trunk(tx, instance, now=2.0, ids=account.ids)
        for vlan in range(1, 121):
            association = await store.associate_branch(tx, trunk, await make_branch(account, tx), ids=account.ids)
            assert association.vlan == vlan
        one_more = await make_branch(account, tx)
        await refused("AttachmentLimitExceeded", store.associate_branch(tx, trunk, one_more, ids=account.ids))
        await refused("AttachmentLimitExceeded", task_interface(account, tx, instance))


async def test_only_a_trunk_carries_and_only_a_branch_is_carried(open_account):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx)
        trunk = await store.attach_trunk(tx, instance, now=2.0, ids=account.ids)
        plain, branch = await account.interface(tx), await make_branch(account, tx)
        await refused("InvalidParameterValue", store.associate_branch(tx, plain, branch, ids=account.ids))
        await refused("InvalidParameterValue", store.associate_branch(tx, trunk, plain, ids=account.ids))


@pytest.mark.parametrize("name", ["t3.large", "a1.metal", "c5n.18xlarge"])
async def test_a_type_without_trunks_gets_none(open_account, name):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx, type=name)
        await refused("UnsupportedOperation", store.attach_trunk(tx, instance, now=2.0, ids=account.ids))


async def test_an_instance_gets_one_trunk(open_account):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx)
        await store.attach_trunk(tx, instance, now=2.0, ids=account.ids)
        await refused("UnsupportedOperation", store.attach_trunk(tx, instance, now=2.0, ids=account.ids))


async def test_an_instance_is_found_as_it_was_written(open_account):
    async with open_account() as account, account.transaction() as tx:
        made = await make_instance(account, tx, options=Options(profile_arn="arn:aws:iam::1:instance-profile/ecs/web"))
        assert await store.find_instance(tx, made.id) == made
        assert await store.get_instance(tx, account.region, made.id) == made
        assert await store.find_instance(tx, "i-00000000000000000") is None
        await refused("InvalidInstanceID.NotFound", store.get_instance(tx, "eu-west-1", made.id))


def test_a_profile_stands_for_the_role_of_its_name():
    assert role_of("arn:aws:iam::123456789012:instance-profile/ecs/web") == "arn:aws:iam::123456789012:role/web"
    assert role_of("") == ""


async def test_zones_and_vpcs_stay_apart(open_account):
    async with open_account() as account, account.transaction() as tx:
        instance = await make_instance(account, tx)
        other = (await store.default_subnets(tx, account.region))[1]
        far = await account.interface(tx, subnet=other)
        await refused(
            "InvalidParameterCombination", store.attach_interface(tx, far, instance, now=2.0, ids=account.ids)
        )
        elsewhere = replace(instance, vpc="vpc-other")
        near = await account.interface(tx)
        await refused("UnsupportedOperation", store.attach_interface(tx, near, elsewhere, now=2.0, ids=account.ids))
