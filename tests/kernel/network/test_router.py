"""What a VPC's router is to the tasks behind it."""

import asyncio
import socket

import pytest
from tests.kernel.network.vpclab import ALL, PATIENCE, Lab, make_group, make_interface, make_vpc, talks

from homeport.network import naming, rtnetlink
from homeport.network.desired import Interface, Vpc
from homeport.network.firewall import Filter
from homeport.network.netlink import Message
from homeport.network.protocol import NetworkError
from homeport.network.router import Router

pytestmark = pytest.mark.kernel


def test_a_task_sees_its_interface_as_the_api_shows_it(lab: Lab) -> None:
    a = make_interface(1, "sg-a")
    lab.apply(make_vpc(), make_group("sg-a"), a)
    links = lab.command(a.id, "ip", "-d", "addr", "show", "eth1")
    assert "02:00:00:00:00:01" in links
    assert "inet 10.0.1.11/24" in links
    assert "mtu 9001" in links
    assert "inet6" not in links
    assert "inet6 ::1" in lab.command(a.id, "ip", "addr", "show", "lo")
    assert "default via 10.0.1.1 dev eth1" in lab.command(a.id, "ip", "route")
    assert "10.0.1.1 dev eth1 lladdr 02:ff:00:00:00:01 PERMANENT" in lab.command(a.id, "ip", "neigh")
    assert lab.command(a.id, "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "0\n"
    assert lab.command(a.id, "cat", "/proc/sys/net/ipv4/ping_group_range").split() == ["0", "2147483647"]


@pytest.mark.parametrize("address", ["169.254.170.2", "169.254.169.254", "10.0.0.2"])
def test_a_service_of_the_router_knows_who_asks(lab: Lab, address: str) -> None:
    port = 4566 if address == "10.0.0.2" else 80
    a, b = make_interface(1), make_interface(2)  # security groups do not concern the VPC's own services
    lab.apply(make_vpc(), a, b)
    with lab.driver.listen("vpc-1", address, port, socket.SOCK_STREAM) as server:
        for interface in (a, b):
            client = lab.connect(interface, address, port)
            accepted, peer = lab.accept(server)
            assert peer[0] == interface.address
            assert talks(client, accepted)


@pytest.mark.parametrize("address", ["10.0.0.2", "169.254.169.253"])
def test_the_resolver_answers_over_udp_and_tcp(lab: Lab, address: str) -> None:
    a = make_interface(1)
    lab.apply(make_vpc(), a)
    with lab.driver.listen("vpc-1", address, 53, socket.SOCK_STREAM):
        assert lab.connect(a, address, 53)
    with lab.driver.listen("vpc-1", address, 53, socket.SOCK_DGRAM) as server:
        client = lab.open(a, socket.SOCK_DGRAM)
        client.settimeout(PATIENCE)
        client.sendto(b"query", (address, 53))
        server.settimeout(PATIENCE)
        question, peer = server.recvfrom(100)
        assert (question, peer[0]) == (b"query", a.address)
        server.sendto(b"answer", peer)
        assert client.recvfrom(100) == (b"answer", (address, 53))


def test_the_routers_addresses_offer_their_services_only(lab: Lab) -> None:
    a = make_interface(1)
    lab.apply(make_vpc(), a)
    with (
        lab.driver.listen("vpc-1", "169.254.170.2", 81, socket.SOCK_STREAM),
        lab.driver.listen("vpc-1", "10.0.0.2", 80, socket.SOCK_STREAM),
        lab.driver.listen("vpc-1", "10.0.1.1", 80, socket.SOCK_STREAM),
    ):
        assert lab.misses(a, "169.254.170.2", 81)
        assert lab.misses(a, "10.0.0.2", 80)
        assert lab.misses(a, "10.0.1.1", 80)


def test_a_task_may_have_the_ports_that_the_router_serves(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-a")
    lab.apply(make_vpc(), make_group("sg-a", (ALL,)), a, b)
    with lab.driver.listen("vpc-1", "169.254.170.2", 80, socket.SOCK_STREAM):
        lab.serve(a, 80)
        assert lab.reaches(b, a.address, 80)
        assert lab.reaches(b, "169.254.170.2", 80)


def test_listening_needs_a_router_that_has_the_address(lab: Lab) -> None:
    lab.apply(make_vpc())
    with pytest.raises(NetworkError, match="vpc-2 has no router here"):
        lab.driver.listen("vpc-2", "169.254.170.2", 80, socket.SOCK_STREAM)
    with pytest.raises(NetworkError, match=r"listen on 10\.0\.0\.3:80: Cannot assign requested address"):
        lab.driver.listen("vpc-1", "10.0.0.3", 80, socket.SOCK_STREAM)


def test_vpcs_of_the_same_range_do_not_meet(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-a")
    other = make_interface(3, "sg-b", vpc="vpc-2", address=b.address)
    groups = make_group("sg-a", (ALL,)), make_group("sg-b", (ALL,), vpc="vpc-2")
    assert lab.apply(make_vpc(1), make_vpc(2), *groups, a, b, other) == {}
    lab.serve(b, 80)
    lab.serve(other, 81)
    assert lab.reaches(a, b.address, 80)
    assert lab.misses(a, b.address, 81)


def test_nothing_leads_out_of_a_vpc_without_internet_gateway(lab: Lab) -> None:
    a = make_interface(1, "sg-a", public="198.18.0.11")
    b = make_interface(2, "sg-b", vpc="vpc-2", address="10.1.0.5")
    second = Vpc("vpc-2", ("10.1.0.0/16",), "10.1.0.2")
    lab.apply(make_vpc(), second, make_group("sg-a", (ALL,)), make_group("sg-b", (ALL,), vpc="vpc-2"), a, b)
    lab.serve(b, 80)
    lab.serve(None, 80)
    for address in ("10.1.0.5", "10.0.9.9", "127.0.0.1", "198.18.0.1", "192.0.2.1"):
        assert lab.misses(a, address, 80)
    assert "hp-igw" not in lab_links()


def lab_links() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def test_traffic_is_counted_as_the_task_sees_it(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-a")
    lab.apply(make_vpc(), make_group("sg-a", (ALL,)), a, b)
    server = lab.open(b, socket.SOCK_DGRAM)
    server.bind(("", 9))
    server.settimeout(PATIENCE)
    client = lab.open(a, socket.SOCK_DGRAM)
    for _ in range(10):
        client.sendto(bytes(1000), (b.address, 9))
        server.recv(2000)
    sent, received = lab.traffic(a), lab.traffic(b)
    assert (sent.tx_packets, sent.tx_bytes) == (10, 10 * 1042)
    assert (received.rx_packets, received.rx_bytes) == (10, 10 * 1042)
    assert (sent.rx_packets, received.tx_packets) == (0, 0)
    with pytest.raises(NetworkError, match="eni-0 is not here"):
        asyncio.run(lab.driver.traffic("eni-0"))


def test_what_cannot_be_made_is_named_and_hinders_nobody(lab: Lab) -> None:
    good = make_interface(1, "sg-a")
    twin = make_interface(2, "sg-a", address=good.address)
    lost = make_interface(3, "sg-a", vpc="vpc-9")
    taken = make_interface(4, "sg-a")
    object.__setattr__(taken, "device", "lo")
    failures = lab.apply(make_vpc(), make_group("sg-a", (ALL,)), good, twin, lost, taken)
    assert failures == {
        twin.id: f"{good.address} belongs to {good.id}",
        lost.id: "vpc-9 is not among the VPCs of this node",
        taken.id: "'lo' cannot name a device",
    }
    assert lab.driver.namespace(good.id).exists()
    assert not lab.driver.namespace(twin.id).exists()


def test_what_the_kernel_refuses_is_reported_and_made_later(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-a")
    items = make_vpc(), make_group("sg-a", (ALL,))
    lab.apply(*items, a)
    lab.command("vpc-1.router", "ip", "link", "add", "e00000000000002", "type", "veth", "peer", "name", "other")
    failures = lab.apply(*items, a, b)
    assert list(failures) == [b.id]
    assert "File exists" in failures[b.id]
    assert lab.apply(*items, a, b) == {}
    lab.serve(b, 80)
    assert lab.reaches(a, b.address, 80)


def remade(interface: Interface, **changes: object) -> Interface:
    values = {name: getattr(interface, name) for name in Interface.__dataclass_fields__}
    return Interface(**(values | changes))


def test_an_interface_whose_address_changes_is_made_anew(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-a")
    items = make_vpc(), make_group("sg-a", (ALL,)), a
    lab.apply(*items, b)
    moved = remade(b, address="10.0.1.99", subnet_cidr="10.0.1.64/26", device="eth5")
    assert lab.apply(*items, moved) == {}
    lab.serve(moved, 80)
    assert lab.reaches(a, "10.0.1.99", 80)
    assert lab.misses(a, b.address, 80)
    assert "default via 10.0.1.65 dev eth5" in lab.command(b.id, "ip", "route")


def test_one_vpc_that_fails_does_not_hinder_another(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-a")
    other = make_interface(3, "sg-b", vpc="vpc-2")
    groups = make_group("sg-a", (ALL,)), make_group("sg-b", (ALL,), vpc="vpc-2")
    replace_filter = Router.replace_filter

    def refuse(router: Router, vpc: Vpc, filter_: Filter) -> None:
        if vpc.id == "vpc-2":
            raise NetworkError("vpc-2.router: nft refuses: no memory")
        replace_filter(router, vpc, filter_)

    monkeypatch.setattr(Router, "replace_filter", refuse)
    assert lab.apply(make_vpc(2), make_vpc(1), *groups, a, b, other) == {
        other.id: "vpc-2.router: nft refuses: no memory"
    }
    lab.serve(a, 80)
    assert lab.reaches(b, a.address, 80)
    monkeypatch.undo()
    assert lab.apply(make_vpc(2), make_vpc(1), *groups, a, b, other) == {}
    assert lab.reaches(b, a.address, 80)


@pytest.mark.parametrize("vpc", ["vpc-1", "vpc-2"])
def test_what_could_not_be_removed_is_not_passed_over(lab: Lab, vpc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a, other = make_interface(1, "sg-a"), make_interface(3, vpc=vpc)
    lab.apply(make_vpc(1), make_vpc(2), make_group("sg-a", (ALL,)), other)

    def refuse(router: Router, interfaces: object, addresses: object) -> None:
        raise NetworkError("delete links: device or resource busy")

    monkeypatch.setattr(Router, "detach", refuse)
    with pytest.raises(NetworkError, match="no longer desired could not be removed: delete links"):
        lab.apply(make_vpc(1), make_group("sg-a", (ALL,)), a)
    assert lab.driver.namespace(a.id).exists() == (vpc == "vpc-2")
    monkeypatch.undo()
    assert lab.apply(make_vpc(1), make_group("sg-a", (ALL,)), a) == {}
    assert not lab.driver.namespace(other.id).exists()


def test_what_was_half_made_is_removed_though_the_removal_is_cut_short_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-a")
    items = make_vpc(), make_group("sg-a", (ALL,)), a
    lab.apply(*items, b)
    lab.command("vpc-1.router", "ip", "link", "set", naming.link(b.id), "alias", "")  # made, and never described

    def killed(group: int) -> Message:
        raise NetworkError("killed")

    for _ in range(2):
        lab.restart()
        monkeypatch.setattr(rtnetlink, "delete_group", killed)
        with pytest.raises(NetworkError, match="killed"):
            lab.apply(*items)
        monkeypatch.undo()
        assert naming.link(b.id) in lab.command("vpc-1.router", "ip", "-br", "link")
    lab.restart()
    assert lab.apply(*items) == {}
    assert naming.link(b.id) not in lab.command("vpc-1.router", "ip", "-br", "link")
    assert lab.apply(*items, b) == {}
    lab.serve(b, 80)
    assert lab.reaches(a, b.address, 80)
