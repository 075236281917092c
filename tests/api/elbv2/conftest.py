"""Elastic Load Balancing as boto3 sees it, in the account's default VPC."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.kit.clock import FixedClock
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2_store
from homeport.services.ec2.instance import Instance, Options, State
from homeport.services.ec2.model import PUBLIC_POOL, PUBLIC_POOL_CIDR, Subnet, new_id
from homeport.services.ec2.store import attachments, instances
from homeport.services.ec2.store.addresses import ensure_pool
from homeport.services.elbv2.observe import observe_balancer, observe_target
from homeport.services.elbv2.reconcilers.balancing import Balancing
from homeport.wire import balancing as wire
from homeport.wire.messages import Facts

NODE = "node-1"


class Place:
    """The default VPC with its subnets, and machines in it that no node knows."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.ids = RandomIds()
        self.subnets: list[Subnet] = self.in_transaction(self._prepare)
        self.vpc = self.subnets[0].vpc

    async def _prepare(self, tx: Tx) -> list[Subnet]:
        await ensure_pool(tx, PUBLIC_POOL, PUBLIC_POOL_CIDR)
        await ec2_store.ensure_default_vpc(tx, self.api.region, self.ids)
        return await ec2_store.default_subnets(tx, self.api.region)

    def in_transaction(self, work: Callable[[Tx], Any]) -> Any:
        async def run() -> Any:
            async with self.api.database.transaction() as tx:
                return await work(tx)

        return self.api.run(run())

    def launch(self, state: State = State.RUNNING, zone: int = 0) -> str:
        """Add an instance in that state, and return its id."""
        subnet = self.subnets[zone]

        async def add(tx: Tx) -> str:
            group = await ec2_store.default_security_group(tx, subnet.vpc)
            interface = await ec2_store.allocate_interface(tx, subnet=subnet, groups=[group], now=1.0, ids=self.ids)
            instance = Instance(
                id=new_id(self.ids, "i"),
                region=subnet.region,
                reservation=new_id(self.ids, "r"),
                launch_index=0,
                type="c5.large",
                image="ami-00000000000000000",
                vpc=subnet.vpc,
                subnet=subnet.id,
                zone=subnet.zone,
                interface=interface.id,
                node="node-1",
                options=Options(),
                launched_at=time.time(),
                launched_by="arn:aws:iam::123456789012:root",
                state=state,
            )
            await instances.insert_instance(tx, instance)
            await attachments.attach_interface(tx, interface, instance, now=1.0, ids=self.ids, device_index=0)
            return instance.id

        return str(self.in_transaction(add))

    def become(self, machine: str, state: State) -> None:
        """Have a machine be in another state."""

        async def change(tx: Tx) -> None:
            found = await ec2_store.find_instance(tx, machine)
            assert found is not None
            await instances.update_instance(tx, replace(found, state=state))

        self.in_transaction(change)


class FakeNode:
    """A node that has what it is assigned, and reports what the test says."""

    observe_target = staticmethod(observe_target)

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = FixedClock(time.time())
        self.connected = frozenset({NODE})
        self.sequence = 0
        place.in_transaction(
            lambda tx: assignments.register(tx, NODE, Facts(cpus=2, memory=4096, kernel="6.1"), time.time())
        )

    def look(self) -> None:
        """Let the reconciler look once."""
        balancing = Balancing(self.place.api.database, self.clock, lambda: self.connected, self.place.api.wakes.append)
        self.place.api.run(balancing.pass_())

    def has(self, kind: type) -> list[Any]:
        """Return the node's items of one kind, after another look."""
        self.look()
        items = self.place.in_transaction(lambda tx: assignments.assignment(tx, NODE)).items
        return [item for item in items if isinstance(item, kind)]

    def report_balancer(self, state: str, reason: str = "", balancer: str = "", node: str = NODE) -> None:
        """Report that the only load balancer, or the one named, is in a state."""
        id_ = balancer or self.has(wire.LoadBalancer)[0].id
        self.sequence += 1
        observed = wire.BalancerObserved(
            balancer=id_, sequence=self.sequence, state=wire.BalancerState(state), reason=reason
        )
        self.place.in_transaction(lambda tx: observe_balancer(tx, node, observed))

    def report(
        self, target: wire.Target, state: str, reason: str = "", description: str = "", node: str = NODE
    ) -> None:
        """Report how a target is."""
        self.sequence += 1
        observed = wire.TargetObserved(
            target=target.id,
            registration=target.registration,
            balancer="",
            sequence=self.sequence,
            state=wire.TargetState(state),
            reason=reason,
            description=description,
        )
        self.place.in_transaction(lambda tx: self.observe_target(tx, node, observed))


@pytest.fixture
def node(place: Place) -> FakeNode:
    return FakeNode(place)


@pytest.fixture
def balancer(elb: Any, place: Place) -> Callable[..., str]:
    """Make an application load balancer in two zones, and return its ARN: `balancer("web", Scheme="internal")`."""

    def make(name: str = "web", **more: Any) -> str:
        arguments = {"Subnets": [subnet.id for subnet in place.subnets[:2]]} | more
        arn: str = elb.create_load_balancer(Name=name, **arguments)["LoadBalancers"][0]["LoadBalancerArn"]
        return arn

    return make


@pytest.fixture
def listener(elb: Any, balancer: Callable[..., str]) -> Callable[..., str]:
    """Add a listener to a load balancer, made where none is given, that forwards to a group: `listener(group())`."""

    def make(group: str, load_balancer: str = "", **more: Any) -> str:
        arguments = {"Protocol": "HTTP", "Port": 80, "DefaultActions": forward(group)} | more
        made = elb.create_listener(LoadBalancerArn=load_balancer or balancer(), **arguments)["Listeners"][0]
        arn: str = made["ListenerArn"]
        return arn

    return make


def forward(group: str) -> list[dict[str, Any]]:
    return [{"Type": "forward", "TargetGroupArn": group}]


@pytest.fixture
def place(api: Any) -> Place:
    return Place(api)


@pytest.fixture
def elb(api: Any, place: Place) -> Any:
    assert place.vpc
    return api.client("elbv2")


@pytest.fixture
def group(elb: Any, place: Place) -> Callable[..., str]:
    """Make a target group of addresses, and return its ARN: `group("web", Port=8080)`."""

    def make(name: str = "web", **more: Any) -> str:
        arguments = {"Protocol": "HTTP", "Port": 80, "VpcId": place.vpc, "TargetType": "ip"} | more
        arn: str = elb.create_target_group(Name=name, **arguments)["TargetGroups"][0]["TargetGroupArn"]
        return arn

    return make
