"""What every network driver promises; the fake and the kernel's are held to the same."""

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from homeport.network.desired import Group, Interface, Network, Rule, Vpc
from homeport.network.protocol import NetworkDriver, NetworkError, Traffic

Make = Callable[[Path], NetworkDriver]
VPC = Vpc("vpc-1", ("10.0.0.0/16",), "10.0.0.2")
GROUP = Group("sg-1", "vpc-1", (Rule("tcp", 80, 80, cidr="0.0.0.0/0"),))


def interface(number: int, **changes: str) -> Interface:
    values: dict[str, Any] = {
        "id": f"eni-{number:017x}",
        "vpc": "vpc-1",
        "subnet_cidr": "10.0.1.0/24",
        "mac": f"02:00:00:00:00:{number:02x}",
        "address": f"10.0.1.{10 + number}",
    }
    return Interface(**(values | changes), groups=("sg-1",))


def network(*interfaces: Interface, groups: tuple[Group, ...] = (GROUP,), vpcs: tuple[Vpc, ...] = (VPC,)) -> Network:
    return Network(
        {vpc.id: vpc for vpc in vpcs}, {group.id: group for group in groups}, {each.id: each for each in interfaces}
    )


class NetworkPromises:
    """Subclassed once per driver; a subclass provides the fixture `make`."""

    async def with_driver(self, make: Make, run: Path, body: Callable[[NetworkDriver], Awaitable[None]]) -> None:
        driver = make(run)
        try:
            await body(driver)
        finally:
            await driver.destroy()
            await driver.close()

    async def test_an_interface_has_a_namespace_while_it_is_desired(self, make: Make, tmp_path: Path) -> None:
        async def body(driver: NetworkDriver) -> None:
            a, b = interface(1), interface(2)
            assert await driver.apply(network(a, b)) == {}
            assert driver.namespace(a.id) == tmp_path / "netns" / a.id
            assert driver.namespace(a.id).exists()
            assert await driver.apply(network(b)) == {}
            assert not driver.namespace(a.id).exists()
            assert driver.namespace(b.id).exists()

        await self.with_driver(make, tmp_path, body)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"vpc": "vpc-9"}, "vpc-9 is not among the VPCs of this node"),
            ({"address": "10.0.1.11"}, "10.0.1.11 belongs to eni-00000000000000001"),
            ({"address": "10.0.1"}, "'10.0.1' is not an IPv4 address"),
            ({"mac": "03:00:00:00:00:01"}, "'03:00:00:00:00:01' is not the MAC address of an interface"),
            ({"mac": "aa:bb"}, "'aa:bb' is not the MAC address of an interface"),
            ({"subnet_cidr": "10.0.1.1/24"}, "'10.0.1.1/24' is not an IPv4 network"),
            ({"device": "a device too long"}, "'a device too long' cannot name a device"),
            ({"id": "eni-../../etc"}, "'eni-../../etc' cannot name an interface"),
            (
                {"public_address": "203.0.113.7"},
                "203.0.113.7 is not a public address of this node: they are from 198.18.0.4 to 198.18.255.254",
            ),
            (
                {"public_address": "198.18.0.1"},
                "198.18.0.1 is not a public address of this node: they are from 198.18.0.4 to 198.18.255.254",
            ),
            ({"public_address": "here"}, "'here' is not an IPv4 address"),
        ],
    )
    async def test_what_is_impossible_is_named_and_hinders_nobody(
        self, make: Make, tmp_path: Path, changes: dict[str, str], reason: str
    ) -> None:
        async def body(driver: NetworkDriver) -> None:
            good, bad = interface(1), interface(2, **changes)
            assert await driver.apply(network(good, bad)) == {bad.id: reason}
            assert driver.namespace(good.id).exists()
            assert len(list((tmp_path / "netns").glob("eni-*"))) == 1
            assert await driver.apply(network(good, interface(2))) == {}

        await self.with_driver(make, tmp_path, body)

    async def test_a_rule_that_cannot_be_enforced_keeps_new_interfaces_away(self, make: Make, tmp_path: Path) -> None:
        async def body(driver: NetworkDriver) -> None:
            a, b = interface(1), interface(2)
            odd = Group("sg-1", "vpc-1", (Rule("quic", 80, 80, cidr="0.0.0.0/0"),))
            assert await driver.apply(network(a)) == {}
            assert await driver.apply(network(a, b, groups=(odd,))) == {b.id: "sg-1: 'quic' is not a protocol"}
            assert driver.namespace(a.id).exists()
            assert await driver.apply(network(a, b, groups=(odd,))) == {b.id: "sg-1: 'quic' is not a protocol"}
            assert await driver.apply(network(a, b)) == {}

        await self.with_driver(make, tmp_path, body)

    async def test_one_listens_where_the_vpc_answers(self, make: Make, tmp_path: Path) -> None:
        async def body(driver: NetworkDriver) -> None:
            await driver.apply(network(interface(1)))
            for address in ("169.254.170.2", "169.254.169.254", "169.254.169.253", "10.0.0.2", "10.0.1.1"):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with driver.listen("vpc-1", address, 53, kind) as opened:
                        assert not opened.getblocking()
                        assert opened.type == kind
            with pytest.raises(NetworkError, match=r"vpc-1: listen on 10\.0\.0\.3:53: Cannot assign requested address"):
                driver.listen("vpc-1", "10.0.0.3", 53, socket.SOCK_DGRAM)
            with pytest.raises(NetworkError, match="vpc-2 has no router here"):
                driver.listen("vpc-2", "10.0.0.2", 53, socket.SOCK_DGRAM)

        await self.with_driver(make, tmp_path, body)

    async def test_an_interface_has_counters_while_it_exists(self, make: Make, tmp_path: Path) -> None:
        async def body(driver: NetworkDriver) -> None:
            a = interface(1)
            await driver.apply(network(a))
            assert await driver.traffic(a.id) == Traffic()
            await driver.apply(network())
            with pytest.raises(NetworkError, match="eni-00000000000000001 is not here"):
                await driver.traffic(a.id)

        await self.with_driver(make, tmp_path, body)

    async def test_a_vpc_may_come_later_than_its_interface(self, make: Make, tmp_path: Path) -> None:
        async def body(driver: NetworkDriver) -> None:
            a = interface(1)
            assert list(await driver.apply(network(a, vpcs=()))) == [a.id]
            assert await driver.apply(network(a)) == {}
            assert list(await driver.apply(network(a, vpcs=()))) == [a.id]
            assert not driver.namespace(a.id).exists()

        await self.with_driver(make, tmp_path, body)

    async def test_destroy_leaves_nothing_and_may_be_repeated(self, make: Make, tmp_path: Path) -> None:
        async def body(driver: NetworkDriver) -> None:
            await driver.apply(network(interface(1)))
            await driver.destroy()
            assert list(tmp_path.iterdir()) == []
            assert await driver.apply(network(interface(1))) == {}

        await self.with_driver(make, tmp_path, body)
