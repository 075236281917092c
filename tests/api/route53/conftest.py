"""Route 53 as boto3 sees it."""

from collections.abc import Callable
from typing import Any

import pytest

from homeport.fleet import assignments
from homeport.kit.clock import SystemClock
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2
from homeport.services.route53.observe import observe_names
from homeport.services.route53.own import OWN
from homeport.services.route53.reconcilers import names
from homeport.wire.messages import Facts, Item, NamesTaken


@pytest.fixture
def route53(api: Any) -> Any:
    return api.client("route53")


@pytest.fixture
def vpc(api: Any) -> str:
    async def initialise() -> None:
        async with api.database.transaction() as tx:
            await ec2.initialise(tx, ids=RandomIds(), public_pool="198.18.0.0/16")

    api.run(initialise())
    return api.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def make_zone(route53: Any) -> Callable[..., str]:
    """Make a zone, private if a VPC is given, and return its id."""
    count = iter(range(1_000_000))

    def make(name: str = "example.com", vpc: str = "", **others: Any) -> str:
        if vpc:
            others["VPC"] = {"VPCRegion": "us-east-1", "VPCId": vpc}
        made = route53.create_hosted_zone(Name=name, CallerReference=f"reference-{next(count)}", **others)
        return made["HostedZone"]["Id"].rpartition("/")[2]

    return make


def record(name: str, kind: str, *values: str, **others: Any) -> dict[str, Any]:
    content = {"TTL": 60, "ResourceRecords": [{"Value": value} for value in values]} if values else {}
    return {"Name": name, "Type": kind, **content, **others}


@pytest.fixture
def change(route53: Any) -> Callable[..., Any]:
    """Change a zone: `change(zone, ("CREATE", record(...)), ...)`."""

    def send(zone: str, *changes: tuple[str, dict[str, Any]]) -> Any:
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": content} for action, content in changes]}
        return route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)["ChangeInfo"]

    return send


class Fleet:
    """Nodes that have joined, and what they were told."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def join(self, name: str = "n1") -> None:
        async def join() -> None:
            async with self._api.database.transaction() as tx:
                await assignments.register(tx, name, Facts(cpus=2, memory=1024, kernel="k"), 0.0)

        self._api.run(join())

    def tell(self) -> None:
        """Run the reconciler until it has nothing more to say."""

        async def tell() -> None:
            wakes: list[str] = []
            await names.one_pass(self._api.database, SystemClock(), wakes.append)
            while "route53.names" in wakes:
                wakes.clear()
                await names.one_pass(self._api.database, SystemClock(), wakes.append)

        self._api.run(tell())

    def take(self, *names_: str) -> None:
        """Let nodes say that they go by what they were told."""

        async def take() -> None:
            async with self._api.database.transaction() as tx:
                for name in names_ or ("n1",):
                    taken = NamesTaken(generation=await assignments.generation(tx, name))
                    await observe_names(tx, name, taken)

        self._api.run(take())

    def leave(self, name: str) -> None:
        async def leave() -> None:
            async with self._api.database.transaction() as tx:
                await assignments.set_disconnected(tx, name)

        self._api.run(leave())

    def items(self, kind: str, name: str = "n1") -> list[Item]:
        """Return a node's items, without those of Homeport's own zone."""

        async def read() -> list[Item]:
            async with self._api.database.snapshot() as tx:
                found = await assignments.items(tx, name, kind)
            return [item for item in found if OWN.id not in (item.id, getattr(item, "zone", ""))]

        return self._api.run(read())


@pytest.fixture
def fleet(api: Any) -> Fleet:
    return Fleet(api)
