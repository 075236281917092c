"""A zone says what its instances say, whatever order they come, change and go in."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.db.database import Tx
from homeport.db.sqlite import SqliteDatabase
from homeport.fleet import assignments
from homeport.kit.clock import FixedClock
from homeport.kit.ids import CountingIds
from homeport.services.route53.reconcilers import names
from homeport.services.route53.store import records
from homeport.services.servicediscovery import instances, store, zones
from homeport.services.servicediscovery.model import (
    DNS_PUBLIC,
    HEALTHY,
    INIT_HEALTH,
    IPV4,
    PORT,
    UNHEALTHY,
    DiscoverableService,
    DnsConfig,
    DnsRecord,
    Instance,
    InstanceDocument,
    Namespace,
    NamespaceDocument,
    ServiceDocument,
)
from homeport.wire.messages import Facts, RecordSet

REGION, NODE, NOW = "us-east-1", "node-1", 1_000_000.0
NAMESPACE = Namespace(
    "ns-1", "shop.test", "shop.test", NamespaceDocument(type=DNS_PUBLIC, created=NOW, hosted_zone="Z1", soa_ttl=15)
)

Ids = st.sampled_from("abcd")
Healths = st.sampled_from([HEALTHY, UNHEALTHY])
Steps = st.lists(
    st.one_of(
        st.tuples(st.just("register"), Ids, Healths, st.integers(1, 3)),
        st.tuples(st.just("say"), Ids, Healths),
        st.tuples(st.just("deregister"), Ids),
        st.tuples(st.just("tell")),
    ),
    max_size=25,
)


def service_of(kind: str, policy: str, *, custom_health: bool) -> DiscoverableService:
    dns = DnsConfig(policy, (DnsRecord(kind, 5),))
    return DiscoverableService(
        "srv-1", "ns-1", "web", ServiceDocument(created=NOW, dns=dns, custom_health=custom_health)
    )


Services = st.builds(
    service_of, st.sampled_from(["A", "SRV"]), st.sampled_from(["MULTIVALUE", "WEIGHTED"]), custom_health=st.booleans()
)


class World:
    """A store with one node, one namespace and one service; and what its zone should say, by definition."""

    def __init__(self, database: SqliteDatabase, service: DiscoverableService) -> None:
        self.database = database
        self.service = service

    async def prepare(self) -> None:
        async with self.database.transaction() as tx:
            await assignments.register(tx, NODE, Facts(cpus=2, memory=4096, kernel="6.1"), NOW)
            await store.add_namespace(tx, REGION, NAMESPACE)
            await zones.create(tx, REGION, NAMESPACE, "arn:aws:servicediscovery:::namespace/ns-1", ids=CountingIds())
            await store.add_service(tx, REGION, self.service)

    async def take(self, step: tuple[Any, ...]) -> None:
        what, *arguments = step
        if what == "tell":
            await names.one_pass(self.database, FixedClock(NOW), lambda _: None)
            return
        work: Callable[..., Coroutine[Any, Any, None]] = getattr(self, what)
        async with self.database.transaction() as tx:
            await work(tx, *arguments)

    async def register(self, tx: Tx, id_: str, health: str, number: int) -> None:
        attributes = {IPV4: f"10.0.0.{number}", PORT: "80"}
        if self.service.document.custom_health:
            attributes[INIT_HEALTH] = health
        instance = Instance(id_, InstanceDocument(attributes=attributes))
        await instances.register(tx, REGION, NAMESPACE, self.service, instance, NOW)

    async def say(self, tx: Tx, id_: str, health: str) -> None:
        there = await store.find_instance(tx, REGION, "srv-1", id_)
        if there is not None and self.service.document.custom_health:
            await instances.set_health(tx, REGION, NAMESPACE, self.service, there, health, NOW)

    async def deregister(self, tx: Tx, id_: str) -> None:
        there = await store.find_instance(tx, REGION, "srv-1", id_)
        if there is not None:
            await instances.deregister(tx, REGION, NAMESPACE, self.service, there, NOW)

    async def check(self) -> None:
        async with self.database.snapshot() as tx:
            there = await store.instances_of(tx, REGION, "srv-1")
            healthy = [each for each in there if each.health != UNHEALTHY]
            published = {each.id: each.attributes[IPV4] for each in healthy or there}
            zone = [each for each in await records.every(tx, "Z1") if each.kind not in {"SOA", "NS"}]
            told = await assignments.items(tx, NODE, "RecordSet")
        if self.service.document.dns == DnsConfig("MULTIVALUE", (DnsRecord("A", 5),)):
            assert {each.set_identifier: each.values[0] for each in zone} == published
        assert {each.set_identifier for each in zone if each.set_identifier} == set(published)
        assert {each.values[0] for each in zone if each.kind == "A"} == set(published.values())
        hosts = {each.name for each in zone if not each.set_identifier}
        led = {each.values[0].split()[3] for each in zone if each.kind == "SRV"}
        assert hosts == led
        sets = [each for each in told if isinstance(each, RecordSet) and each.zone == "Z1"]
        known = {each.id for each in sets if each.kind not in {"SOA", "NS"}}
        names_of = {f"Z1/{each.name}/{each.kind}/{each.set_identifier}" for each in zone}
        assert known <= names_of, "what is out of the zone is with no node, without any reconciler's help"


@settings(max_examples=40)  # each has a store of its own on disk
@given(service=Services, steps=Steps)
def test_a_zone_says_what_its_instances_say(service: DiscoverableService, steps: list[tuple[Any, ...]]) -> None:
    async def live(folder: Path) -> None:
        database = SqliteDatabase(folder / "homeport.db")
        try:
            world = World(database, service)
            await world.prepare()
            for step in steps:
                await world.take(step)
                await world.check()
            await world.take(("tell",))
        finally:
            await database.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))
