"""The fake network keeps the promises, and lets a test interfere."""

import socket
from pathlib import Path

import pytest
from tests.unit.network.promises import Make, NetworkPromises, interface, network

from homeport.network.fake import FakeNetwork
from homeport.network.protocol import Traffic


class TestFakeNetwork(NetworkPromises):
    """The same suite as the kernel's."""

    @pytest.fixture
    def make(self) -> Make:
        return FakeNetwork


async def test_a_test_may_refuse_an_interface_for_a_while(tmp_path: Path) -> None:
    fake = FakeNetwork(tmp_path)
    a, b = interface(1), interface(2)
    fake.refuse[a.id] = "no memory"
    assert await fake.apply(network(a, b)) == {a.id: "no memory"}
    assert list(fake.network.interfaces) == [b.id]
    fake.refuse.clear()
    assert await fake.apply(network(a, b)) == {}
    assert fake.network == network(a, b)


async def test_a_listener_is_found_on_the_loopback(tmp_path: Path) -> None:
    fake = FakeNetwork(tmp_path)
    await fake.apply(network(interface(1)))
    with fake.listen("vpc-1", "169.254.170.2", 80, socket.SOCK_STREAM) as server:
        where = fake.listening["vpc-1", "169.254.170.2", 80, socket.SOCK_STREAM]
        with socket.create_connection(where) as client:
            server.setblocking(True)
            accepted, peer = server.accept()
            with accepted:
                assert peer == client.getsockname()


async def test_a_test_says_what_was_carried(tmp_path: Path) -> None:
    fake = FakeNetwork(tmp_path)
    await fake.apply(network(interface(1)))
    fake.carried[interface(1).id] = Traffic(rx_bytes=7)
    assert (await fake.traffic(interface(1).id)).rx_bytes == 7
