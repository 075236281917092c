"""What nodes are told of the network, and when."""

from dataclasses import replace

import pytest

from homeport.fleet import assignments
from homeport.services.ec2 import rules, store
from homeport.services.ec2.model import InternetGateway, Route, SecurityGroup, SecurityGroupRule, new_id
from homeport.services.ec2.projection import network_items, security_group_item
from homeport.services.ec2.reconcilers import network
from homeport.services.ec2.store import defaults, interfaces, routes, security_groups
from homeport.wire.messages import Drop, Eni, Facts, Rule
from homeport.wire.messages import SecurityGroup as GroupItem
from homeport.wire.messages import Vpc as VpcItem

NODE = "node-1"


async def place(account, tx, node=NODE, **more):
    """Assign an interface as ECS's placement does."""
    interface = await account.interface(tx, **more)
    for item in await network_items(tx, interface):
        await assignments.put_missing(tx, node, item)
    return interface


async def join(account, *names):
    async with account.transaction() as tx:
        for name in names:
            await assignments.register(tx, name, Facts(cpus=2, memory=4096, kernel="6.1"), 1.0)


async def look(account):
    """Run one pass and return the wakes that went out."""
    wakes: list[str] = []
    await network.one_pass(account.database, wakes.append)
    return wakes


async def assigned(account, kind, node=NODE):
    async with account.database.snapshot() as tx:
        return {item.id: item for item in await assignments.items(tx, node, kind)}


async def authorize(account, group, source, *, egress=False):
    spec = rules.Spec("tcp", 80, 80, source)
    async with account.transaction() as tx:
        await security_groups.insert_rule(tx, rules.to_rule(group, egress, spec, account.ids))


async def make_group(account, name):
    async with account.transaction() as tx:
        vpc = (await account.subnet(tx)).vpc
        group = SecurityGroup(new_id(account.ids, "sg"), account.region, vpc, name, name)
        group = replace(group, rules=(defaults.allow_all_egress(group, account.ids),))
        await security_groups.insert_group(tx, group)
        return group


async def test_interface_comes_with_its_vpc_and_the_groups_its_rules_name(open_account):
    async with open_account() as account:
        web, app = [await make_group(account, name) for name in ("web", "app")]
        await authorize(account, web, app.id)
        async with account.transaction() as tx:
            interface = await account.interface(tx, groups=[web], public=True)
            items = await network_items(tx, interface)
        vpc, *groups, eni = items
        assert vpc == VpcItem(
            id=web.vpc, cidrs=("172.31.0.0/16",), dns="172.31.0.2", domain="ec2.internal", internet_gateway=True
        )
        assert [group.id for group in groups] == [web.id, app.id]
        assert isinstance(groups[0], GroupItem)
        assert groups[0].ingress == (Rule(protocol="tcp", from_port=80, to_port=80, group=app.id),)
        assert groups[0].egress == (Rule(cidr="0.0.0.0/0"),)
        assert eni == Eni(
            id=interface.id,
            vpc=web.vpc,
            subnet_cidr="172.31.0.0/20",
            mac=interface.mac,
            address="172.31.0.4",
            dns_name="ip-172-31-0-4.ec2.internal",
            groups=(web.id,),
            public_address="198.18.0.4",
            internet=True,
            subnet=interface.subnet,
        )


def test_ipv6_rules_stay_here():
    rule = SecurityGroupRule(
        "sgr-1", "us-east-1", "sg-1", egress=True, protocol="-1", from_port=-1, to_port=-1, source="::/0"
    )
    group = SecurityGroup("sg-1", "us-east-1", "vpc-1", "web", "web", (rule, replace(rule, source="10.0.0.0/8")))
    assert security_group_item(group).egress == (Rule(cidr="10.0.0.0/8"),)


async def test_rule_change_reaches_the_node(open_account):
    async with open_account() as account:
        await join(account, NODE)
        web = await make_group(account, "web")
        async with account.transaction() as tx:
            await place(account, tx, groups=[web])
        assert await look(account) == []
        await authorize(account, web, "192.0.2.0/24")
        assert await look(account) == ["fleet.sessions"]
        told = (await assigned(account, "SecurityGroup"))[web.id]
        assert told.ingress == (Rule(protocol="tcp", from_port=80, to_port=80, cidr="192.0.2.0/24"),)
        assert await look(account) == []


async def test_group_that_a_new_rule_names_comes_along(open_account):
    async with open_account() as account:
        await join(account, NODE)
        web, app = [await make_group(account, name) for name in ("web", "app")]
        async with account.transaction() as tx:
            await place(account, tx, groups=[web])
        await authorize(account, web, app.id)
        await look(account)
        assert set(await assigned(account, "SecurityGroup")) == {web.id, app.id}


async def test_nothing_is_left_where_no_interface_is(open_account):
    async with open_account() as account:
        await join(account, NODE, "node-2")
        async with account.transaction() as tx:
            interface = await place(account, tx)
            await place(account, tx, node="node-2")
            await assignments.drop(tx, NODE, "Eni", interface.id)
            await store.release_interface(tx, interface.id)
        assert await look(account) == ["fleet.sessions"]
        assert await assigned(account, "SecurityGroup") == {}
        assert await assigned(account, "Vpc") == {}
        assert len(await assigned(account, "Vpc", "node-2")) == 1


@pytest.mark.parametrize("lost", ["SecurityGroup", "Vpc"])
async def test_lost_item_is_assigned_again(open_account, lost):
    async with open_account() as account:
        await join(account, NODE)
        async with account.transaction() as tx:
            await place(account, tx)
        before = await assigned(account, lost)
        async with account.transaction() as tx:
            for id_ in before:
                await assignments.drop(tx, NODE, lost, id_)
        await look(account)
        assert await assigned(account, lost) == before


async def test_interfaces_follow_routes_and_gateways(open_account):
    async with open_account() as account:
        await join(account, NODE)
        async with account.transaction() as tx:
            interface = await place(account, tx)
            table = await routes.main_table(tx, interface.vpc)
            await routes.delete_route(tx, table.id, "0.0.0.0/0")
            await interfaces.mark_stale(tx, interface.vpc)
        assert await look(account) == ["fleet.sessions"]
        assert (await assigned(account, "Eni"))[interface.id].internet is False
        async with account.transaction() as tx:
            gateway = await routes.find_gateway_of(tx, interface.vpc)
            assert gateway is not None
            await routes.put_route(tx, table.id, Route("0.0.0.0/0", gateway.id, active=True))
            await interfaces.mark_stale(tx, interface.vpc)
        await look(account)
        assert (await assigned(account, "Eni"))[interface.id].internet is True
        async with account.transaction() as tx:
            await routes.attach_gateway(tx, gateway.id, None)
            await interfaces.mark_stale(tx, interface.vpc)
        await look(account)
        assert (await assigned(account, "Eni"))[interface.id].internet is False
        assert (await assigned(account, "Vpc"))[interface.vpc].internet_gateway is False
        assert await look(account) == []


async def test_interface_that_is_nowhere_is_told_to_nobody(open_account):
    async with open_account() as account:
        await join(account, NODE)
        async with account.transaction() as tx:
            interface = await account.interface(tx)
            await interfaces.mark_stale(tx, interface.vpc)
        assert await look(account) == []
        assert await assigned(account, "Eni") == {}
        async with account.transaction() as tx:
            assert await interfaces.stale_interfaces(tx, 10) == []


async def test_subnet_with_a_table_of_its_own_goes_by_that(open_account):
    async with open_account() as account, account.transaction() as tx:
        subnet = await account.subnet(tx)
        main = await routes.main_table(tx, subnet.vpc)
        private = replace(main, id=new_id(account.ids, "rtb"), routes=(), associations=())
        await routes.insert_table(tx, private)
        assert await routes.leads_to_internet(tx, subnet.vpc, subnet.id) is True
        await routes.put_association(
            tx, subnet.vpc, replace(main.associations[0], id="rtbassoc-1", route_table=private.id, subnet=subnet.id)
        )
        assert await routes.leads_to_internet(tx, subnet.vpc, subnet.id) is False
        stranger = InternetGateway(new_id(account.ids, "igw"), account.region)
        await routes.insert_gateway(tx, stranger)
        await routes.put_route(tx, private.id, Route("0.0.0.0/0", stranger.id, active=False))
        assert await routes.leads_to_internet(tx, subnet.vpc, subnet.id) is False


def test_plan_tells_only_what_differs():
    same, old, gone = (GroupItem(id=name, vpc="vpc-1") for name in ("sg-1", "sg-2", "sg-3"))
    new = GroupItem(id="sg-2", vpc="vpc-1", ingress=(Rule(cidr="10.0.0.0/8"),))
    planned = network.plan([same, old, gone], [same, new])
    assert planned == network.Plan(puts=(new,), drops=(Drop(kind="SecurityGroup", id="sg-3"),))
    assert network.plan([same, new], [same, new]) == network.Plan()
