"""Elastic Load Balancing as boto3 sees it, in the account's default VPC."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from homeport.db.database import Tx
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2_store
from homeport.services.ec2.instance import Instance, Options, State
from homeport.services.ec2.model import PUBLIC_POOL, PUBLIC_POOL_CIDR, Subnet, new_id
from homeport.services.ec2.store import attachments, instances
from homeport.services.ec2.store.addresses import ensure_pool


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    """Return code and sentence of the error that a call must end in."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answered = error.value.response["Error"]
    return answered["Code"], answered["Message"]


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
