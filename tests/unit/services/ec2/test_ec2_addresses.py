"""Lending addresses to interfaces."""

import pytest

from homeport.aws.errors import AwsError
from homeport.services.ec2 import store
from homeport.services.ec2.store import addresses, defaults, vpcs
from homeport.services.ec2.store.selection import get


async def make_subnet(account, tx, cidr):
    vpc = await defaults.create_vpc(tx, defaults.new_vpc(account.region, "10.0.0.0/16", account.ids), account.ids)
    subnet = defaults.new_subnet(vpc, f"{account.region}a", cidr, account.ids)
    await vpcs.insert_subnet(tx, subnet)
    return subnet, [await store.default_security_group(tx, vpc.id)]


async def test_returned_address_waits_for_all_the_others(open_account):
    async with open_account() as account, account.transaction() as tx:
        subnet, groups = await make_subnet(account, tx, "10.0.0.0/28")
        lent = [await account.interface(tx, subnet=subnet, groups=groups) for _ in range(3)]
        assert [i.address for i in lent] == ["10.0.0.4", "10.0.0.5", "10.0.0.6"]
        await store.release_interface(tx, lent[1].id)
        await store.release_interface(tx, lent[0].id)
        later = [(await account.interface(tx, subnet=subnet, groups=groups)).address for _ in range(10)]
        assert later == [f"10.0.0.{n}" for n in range(7, 15)] + ["10.0.0.5", "10.0.0.4"]


async def test_address_asked_for_by_name_is_skipped_in_its_turn(open_account):
    async with open_account() as account, account.transaction() as tx:
        subnet, groups = await make_subnet(account, tx, "10.0.0.0/28")
        wanted = await account.interface(tx, subnet=subnet, groups=groups, private_ip="10.0.0.5")
        await account.interface(tx, subnet=subnet, groups=groups, private_ip="10.0.0.6")
        await store.release_interface(tx, wanted.id)
        taken = [(await account.interface(tx, subnet=subnet, groups=groups)).address for _ in range(3)]
        assert taken == ["10.0.0.4", "10.0.0.5", "10.0.0.7"]


async def test_full_subnet_takes_nothing_with_it(open_account):
    async with open_account() as account:
        async with account.transaction() as tx:
            subnet, groups = await make_subnet(account, tx, "10.0.0.0/28")
            for _ in range(11):
                await account.interface(tx, subnet=subnet, groups=groups)
        with pytest.raises(AwsError) as caught:
            async with account.transaction() as tx:
                await account.interface(tx, subnet=subnet, groups=groups)
        assert caught.value.code == "InsufficientFreeAddressesInSubnet"
        async with account.transaction() as tx:
            assert (await get(tx, vpcs.SUBNETS, account.region, subnet.id)).free == 0


async def test_public_addresses_run_out_too(open_account):
    async with open_account() as account:
        async with account.transaction() as tx:
            lent = [await account.interface(tx, public=True) for _ in range(11)]
            assert {i.public_address for i in lent} == {f"198.18.0.{n}" for n in range(4, 15)}
        with pytest.raises(AwsError) as caught:
            async with account.transaction() as tx:
                await account.interface(tx, public=True)
        assert caught.value.code == "InsufficientAddressCapacity"
        async with account.transaction() as tx:
            await store.release_interface(tx, lent[6].id)
            assert (await account.interface(tx, public=True)).public_address == lent[6].public_address


async def test_refused_interface_leaves_nothing_taken(open_account):
    async with open_account() as account, account.transaction() as tx:
        for _ in range(11):
            await account.interface(tx, public=True)
        with pytest.raises(AwsError):
            await account.interface(tx, public=True)
        assert (await account.subnet(tx)).free == 4091 - 11
        assert (await account.interface(tx)).address == "172.31.0.16"


async def test_another_public_range_leaves_lent_addresses_alone(open_account):
    async with open_account() as account, account.transaction() as tx:
        old, returned = [await account.interface(tx, public=True) for _ in range(2)]
        await store.release_interface(tx, returned.id)
        await addresses.ensure_pool(tx, "public", "192.0.2.0/28")
        lent = [await account.interface(tx, public=True) for _ in range(11)]
        assert {i.public_address for i in lent} == {f"192.0.2.{n}" for n in range(4, 15)}
        await store.release_interface(tx, old.id)
        with pytest.raises(AwsError):
            await account.interface(tx, public=True)


async def test_interface_is_released_once(open_account):
    async with open_account() as account, account.transaction() as tx:
        interface = await account.interface(tx, public=True)
        await store.release_interface(tx, interface.id)
        await store.release_interface(tx, interface.id)
        assert await store.find_interface(tx, interface.id) is None
        assert (await account.subnet(tx)).free == 4091


async def test_initialise_can_be_repeated(open_account):
    async with open_account() as account, account.transaction() as tx:
        await store.initialise(tx, ids=account.ids, public_pool="198.18.0.0/28")
        before = await tx.fetch("SELECT id FROM ec2_vpcs ORDER BY id")
        await store.initialise(tx, ids=account.ids, public_pool="198.18.0.0/28")
        assert await tx.fetch("SELECT id FROM ec2_vpcs ORDER BY id") == before
        assert len(before) == 34
