"""No call's cost grows with what it does not ask for: every query of a hot path is served by an index."""

import pytest
from tests.unit.services.explained import Explained

from homeport.services.ec2 import store
from homeport.services.ec2.ending import end
from homeport.services.ec2.projection import network_items
from homeport.services.ec2.store import attachments, instances, interfaces, routes, security_groups, vpcs
from homeport.services.ec2.store.instance_filters import INSTANCES
from homeport.services.ec2.store.instance_status import STATUSES
from homeport.services.ec2.store.selection import Filter, select

from .machines import make_instance, task_interface


async def test_interfaces_are_made_described_and_released_by_index(open_account):
    async with open_account() as account, account.transaction() as tx:
        explained = Explained(tx)
        made = [await account.interface(explained, public=True, tag={"k": "v"}) for _ in range(2)]
        await account.interface(explained, private_ip="172.31.0.99")
        await network_items(explained, made[0])
        await store.release_interface(explained, made[1].id)
        await interfaces.nodes_of(explained, made[0].id)
        await interfaces.groups_on_node(explained, "node-1")
        await interfaces.stale_interfaces(explained, 10)
        few = ("SCAN n", "SCAN s ")  # nodes and security groups may be read whole
        assert [line for line in explained.scanned if not line.startswith(few)] == []


async def test_instances_and_what_hangs_on_them_are_found_by_index(open_account):
    async with open_account() as account, account.transaction() as tx:
        explained = Explained(tx)
        instance = await make_instance(account, explained)
        await store.attach_trunk(explained, instance, now=1.0, ids=account.ids)
        branch = await task_interface(account, explained, instance)
        await network_items(explained, branch)
        await store.release_interface(explained, branch.id)
        await instances.stale_instances(explained, 10)
        await instances.update_instance(explained, instance)
        await instances.forget_terminated(explained, 1e9, 10)
        await end(explained, instance, 2.0)
        assert explained.scanned == []


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            interfaces.INTERFACES,
            [
                "association.public-ip", "attachment.attachment-id", "attachment.instance-id", "description", "group-id",
                "mac-address",
                "network-interface-id", "private-ip-address", "subnet-id", "tag:Name", "vpc-id",
            ],
        ),
        (vpcs.SUBNETS, ["subnet-id", "vpc-id", "tag:Name"]),
        (vpcs.VPCS, ["vpc-id", "tag:Name"]),
        (security_groups.GROUPS, ["group-id", "vpc-id", "tag:Name"]),
        (security_groups.RULES, ["group-id", "security-group-rule-id"]),
        (
            INSTANCES,
            [
                "instance-id", "instance-state-name", "reservation-id", "private-ip-address", "ip-address", "tag:Name",
                "network-interface.network-interface-id", "network-interface.subnet-id",
            ],
        ),
        (STATUSES, ["instance-state-name"]),
        (attachments.ASSOCIATIONS, ["branch-interface-id", "trunk-interface-id"]),
        (routes.TABLES, ["route-table-id", "vpc-id", "association.subnet-id"]),
        (routes.GATEWAYS, ["internet-gateway-id", "attachment.vpc-id"]),
    ],
    ids=lambda value: getattr(value, "table", ""),
)  # fmt: skip
async def test_filters_are_served_by_index(open_account, kind, names):
    async with open_account() as account, account.transaction() as tx:
        explained = Explained(tx)
        for name in names:
            await select(explained, kind, account.region, filters=[Filter(name, ("x", "y"))])
            await select(explained, kind, account.region, filters=[Filter(name, ("x",))], after="a")
        await select(explained, kind, account.region, limit=5)
        assert [line for line in explained.scanned if not line.startswith("SCAN nodes ")] == []  # they are the few
