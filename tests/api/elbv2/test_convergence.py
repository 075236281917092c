"""Whatever users do in whatever order, and whenever the reconciler looks, the node ends with exactly what it should have."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from homeport.wire import balancing as wire
from homeport.wire.messages import Eni

from .conftest import FakeNode, forward

ADDRESSES = ["172.31.0.9", "172.31.0.10", "172.31.16.9", "172.31.32.9"]


class Chaos:
    """Users who do anything at any time; what AWS refuses is refused."""

    def __init__(self, elb: Any, node: FakeNode, place: Any, seed: int) -> None:
        self.elb, self.node, self.place = elb, node, place
        self.random = random.Random(seed)
        self.subnets = [subnet.id for subnet in place.subnets]

    def act(self) -> None:
        acts: list[Callable[[], Any]] = [
            self.make_balancer, self.make_group, self.make_listener, self.make_listener, self.make_rule,
            self.delete_balancer, self.delete_group, self.delete_listener, self.register, self.register,
            self.deregister, self.set_subnets, self.drain, self.let_go, self.node.look,
        ]  # fmt: skip
        try:
            self.random.choice(acts)()
        except (ClientError, IndexError):  # refused, or there is nothing yet to do it to
            return

    def balancers(self) -> list[dict[str, Any]]:
        return list(self.elb.describe_load_balancers()["LoadBalancers"])

    def groups(self) -> list[dict[str, Any]]:
        return list(self.elb.describe_target_groups()["TargetGroups"])

    def a_balancer(self) -> str:
        return str(self.random.choice(self.balancers())["LoadBalancerArn"])

    def a_group(self) -> str:
        return str(self.random.choice(self.groups())["TargetGroupArn"])

    def a_listener(self) -> str:
        found = self.elb.describe_listeners(LoadBalancerArn=self.a_balancer())["Listeners"]
        return str(self.random.choice(found)["ListenerArn"])

    def make_balancer(self) -> None:
        name = self.random.choice("ab")
        self.elb.create_load_balancer(Name=name, Subnets=self.random.sample(self.subnets, 2), Scheme="internal")

    def make_group(self) -> None:
        name = self.random.choice("xyz")
        self.elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=self.place.vpc, TargetType="ip")

    def make_listener(self) -> None:
        port = self.random.choice([80, 81])
        self.elb.create_listener(
            LoadBalancerArn=self.a_balancer(), Protocol="HTTP", Port=port, DefaultActions=forward(self.a_group())
        )

    def make_rule(self) -> None:
        condition = {"Field": "path-pattern", "Values": ["/x"]}
        self.elb.create_rule(
            ListenerArn=self.a_listener(),
            Priority=self.random.randint(1, 3),
            Conditions=[condition],
            Actions=forward(self.a_group()),
        )

    def delete_balancer(self) -> None:
        if self.random.random() < 0.3:
            self.elb.delete_load_balancer(LoadBalancerArn=self.a_balancer())

    def delete_group(self) -> None:
        self.elb.delete_target_group(TargetGroupArn=self.a_group())

    def delete_listener(self) -> None:
        self.elb.delete_listener(ListenerArn=self.a_listener())

    def targets(self) -> list[dict[str, Any]]:
        return [{"Id": address} for address in self.random.sample(ADDRESSES, 2)]

    def register(self) -> None:
        self.elb.register_targets(TargetGroupArn=self.a_group(), Targets=self.targets())

    def deregister(self) -> None:
        self.elb.deregister_targets(TargetGroupArn=self.a_group(), Targets=self.targets())

    def set_subnets(self) -> None:
        self.elb.set_subnets(LoadBalancerArn=self.a_balancer(), Subnets=self.random.sample(self.subnets, 2))

    def drain(self) -> None:
        """Let the node have drained what is draining."""
        for target in self.node.has(wire.Target):
            if target.draining:
                self.node.report(target, "drained")

    def let_go(self) -> None:
        """Let the node say of load balancers that were deleted that they are gone."""
        has = {item.id for item in self.node.has(wire.LoadBalancer)}

        async def deleted(tx: Any) -> list[str]:
            rows = await tx.fetch(
                "SELECT id FROM elbv2_load_balancers WHERE deleted_at IS NOT NULL AND node IS NOT NULL"
            )
            return [row[0] for row in rows if row[0] not in has]

        for balancer in self.place.in_transaction(deleted):
            self.node.report_balancer("gone", balancer=balancer)

    def check(self) -> None:
        """Hold what the node has against what the API shows."""
        self.drain()
        self.let_go()
        shown = self.balancers()
        assert {item.id for item in self.node.has(wire.LoadBalancer)} == {
            balancer["LoadBalancerArn"].partition("loadbalancer/")[2] for balancer in shown
        }
        assert {eni.subnet for eni in self.node.has(Eni)} == {
            zone["SubnetId"] for balancer in shown for zone in balancer["AvailabilityZones"]
        }
        used = [group for group in self.groups() if group["LoadBalancerArns"]]
        assert {item.id for item in self.node.has(wire.TargetGroup)} == {
            group["TargetGroupArn"].rpartition(":")[2] for group in used
        }
        assert {(target.target_group, target.address) for target in self.node.has(wire.Target)} == {
            (group["TargetGroupArn"].rpartition(":")[2], health["Target"]["Id"])
            for group in used
            for health in self.elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])[
                "TargetHealthDescriptions"
            ]
            if health["TargetHealth"]["State"] != "unused"
        }


@pytest.mark.parametrize("seed", range(4))
def test_node_ends_with_what_the_api_shows(elb: Any, node: FakeNode, place: Any, seed: int) -> None:
    chaos = Chaos(elb, node, place, seed)
    for _ in range(6):
        for _ in range(25):
            chaos.act()
        chaos.check()
    assert chaos.balancers() or chaos.groups(), "something must have happened"
    for balancer in chaos.balancers():
        elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    chaos.check()
    for kind in (wire.LoadBalancer, wire.TargetGroup, wire.Target, Eni):
        assert node.has(kind) == []
    node.clock.advance(61)
    node.look()
    assert place.in_transaction(lambda tx: tx.fetch("SELECT id FROM ec2_interfaces")) == []
