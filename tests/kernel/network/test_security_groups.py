"""Security groups decide what passes between interfaces."""

import socket
import struct

import pytest
from tests.kernel.network.vpclab import (
    ALL,
    EVERYWHERE,
    LONG_ENOUGH,
    PATIENCE,
    Lab,
    make_group,
    make_interface,
    make_vpc,
    talks,
)

from homeport.network import conntrack
from homeport.network.desired import Rule

pytestmark = pytest.mark.kernel

WEB = Rule("tcp", 80, 80, cidr=EVERYWHERE)


def test_two_tasks_talk_where_a_rule_allows_it(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-b")
    assert lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b", (WEB,)), a, b) == {}
    server = lab.serve(b, 80)
    client = lab.connect(a, b.address, 80)
    accepted, peer = lab.accept(server)
    assert peer[0] == a.address
    for _ in range(100):
        assert talks(client, accepted)


def test_a_group_that_is_not_allowed_waits_until_a_rule_lets_it_in(lab: Lab) -> None:
    a, b, c = make_interface(1, "sg-a"), make_interface(2, "sg-b"), make_interface(3, "sg-c")
    groups = make_group("sg-a"), make_group("sg-c")
    from_a, from_c = Rule("tcp", 80, 80, group="sg-a"), Rule("tcp", 80, 80, group="sg-c")
    lab.apply(make_vpc(), *groups, make_group("sg-b", (from_a,)), a, b, c)
    lab.serve(b, 80)
    assert lab.reaches(a, b.address, 80)
    assert lab.misses(c, b.address, 80)
    lab.apply(make_vpc(), *groups, make_group("sg-b", (from_a, from_c)), a, b, c)
    assert lab.reaches(c, b.address, 80)


def test_a_revoked_rule_stops_new_connections_and_no_live_one(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-b")
    lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b", (WEB,)), a, b)
    server = lab.serve(b, 80)
    client = lab.connect(a, b.address, 80)
    accepted, _ = lab.accept(server)
    lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b"), a, b)
    assert lab.misses(a, b.address, 80)
    assert talks(client, accepted)


def test_members_come_and_go_with_a_group_that_a_rule_names(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-b")
    rest = make_vpc(), make_group("sg-a"), make_group("sg-b", (Rule("tcp", 80, 80, group="sg-a"),)), b
    lab.apply(*rest, a)
    lab.serve(b, 80)
    assert lab.reaches(a, b.address, 80)
    other = make_interface(3, "sg-b")
    lab.apply(*rest, a, other)
    assert lab.misses(other, b.address, 80)
    lab.apply(*rest, a, make_interface(3, "sg-b", "sg-a"))
    assert lab.reaches(other, b.address, 80)
    lab.apply(*rest, a, other)
    assert lab.misses(other, b.address, 80)


def test_what_no_egress_rule_allows_does_not_leave(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-b")
    server = make_group("sg-b", (ALL,))
    lab.apply(make_vpc(), make_group("sg-a", (), (Rule("tcp", 5000, 7000, cidr="10.0.0.0/16"),)), server, a, b)
    for port in (4999, 5000, 6000, 7000, 7001):
        lab.serve(b, port)
    assert all(lab.reaches(a, b.address, port) for port in (5000, 6000, 7000))
    assert all(lab.misses(a, b.address, port) for port in (4999, 7001))
    lab.apply(make_vpc(), make_group("sg-a", (), (Rule("tcp", 5000, 7000, cidr="10.0.2.0/24"),)), server, a, b)
    assert lab.misses(a, b.address, 6000)


def test_an_interface_without_groups_passes_nothing(lab: Lab) -> None:
    a, b = make_interface(1), make_interface(2, "sg-b")
    lab.apply(make_vpc(), make_group("sg-b", (ALL,)), a, b)
    lab.serve(a, 80)
    lab.serve(b, 80)
    assert lab.misses(a, b.address, 80)
    assert lab.misses(b, a.address, 80)
    lab.apply(make_vpc(), make_group("sg-b", (ALL,)), make_interface(1, "sg-b"), b)
    assert lab.reaches(a, b.address, 80)


def test_a_group_nobody_has_described_allows_nothing(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-late")
    assert lab.apply(make_vpc(), make_group("sg-a"), a, b) == {}
    lab.serve(b, 80)
    assert lab.misses(a, b.address, 80)
    lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-late", (WEB,)), a, b)
    assert lab.reaches(a, b.address, 80)


def test_icmp_rules_go_by_type(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-b")
    echo = Rule("icmp", 8, -1, cidr=EVERYWHERE)
    lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b", (echo,)), a, b)
    ping = lab.open(a, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    ping.settimeout(PATIENCE)
    request = struct.pack("!BBHHH", 8, 0, 0, 0, 1) + b"hello"
    ping.sendto(request, (b.address, 0))
    assert ping.recv(100)[0] == 0
    lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b", (Rule("icmp", 13, -1, cidr=EVERYWHERE),)), a, b)
    other = lab.open(a, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    other.sendto(request, (b.address, 0))
    with pytest.raises(TimeoutError):
        other.recv(100)


def test_rules_may_overlap(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-b")
    wide, narrow = Rule("tcp", 400, 500, cidr="10.0.0.0/8"), Rule("tcp", 450, 600, cidr="10.0.0.0/16")
    lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b"), a, b)
    assert lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b", (wide, narrow, narrow)), a, b) == {}
    for port in (400, 600, 601):
        lab.serve(b, port)
    assert all(lab.reaches(a, b.address, port) for port in (400, 600))
    assert lab.misses(a, b.address, 601)


def udp_packet(source: str, destination: str, port: int, payload: bytes) -> bytes:
    udp = struct.pack("!HHHH", 1234, port, 8 + len(payload), 0) + payload
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, socket.IPPROTO_UDP, 0) + addresses + udp


LAYERS_OFF = {
    "": (),
    "route check": ("sysctl", "-q", "net.ipv4.conf.e00000000000001.rp_filter=0"),
    "rule set": ("nft", "insert", "rule", "inet", "vpc", "antispoof", "accept"),
}


@pytest.mark.parametrize("off", LAYERS_OFF)
def test_a_forged_source_address_gets_nowhere(lab: Lab, off: str) -> None:
    """Two things check it, and each alone is enough."""
    a, b, c = make_interface(1, "sg-a"), make_interface(2, "sg-b"), make_interface(3, "sg-a")
    lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b", (Rule("udp", 53, 53, group="sg-a"),)), a, b, c)
    if off:
        lab.command("vpc-1.router", *LAYERS_OFF[off])
    server = lab.open(b, socket.SOCK_DGRAM)
    server.bind(("", 53))
    server.settimeout(PATIENCE)
    raw = lab.open(a, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for source in (c.address, "10.0.9.9", "192.0.2.1", "127.0.0.1", "169.254.170.2"):
        raw.sendto(udp_packet(source, b.address, 53, b"forged"), (b.address, 0))
    raw.sendto(udp_packet(a.address, b.address, 53, b"true"), (b.address, 0))
    # packets of one sender cannot overtake each other: had a forged one passed, it would be here first
    assert server.recvfrom(100) == (b"true", (a.address, 1234))


@pytest.mark.parametrize("worth_a_walk", [0, 1500])
def test_a_removed_interface_leaves_no_connection_to_who_gets_its_address(
    lab: Lab, worth_a_walk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the kernel is asked for the address's connections or for all."""
    monkeypatch.setattr(conntrack, "_WORTH_A_WALK", worth_a_walk)
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-b")
    rest = make_vpc(), make_group("sg-a"), make_group("sg-b", (ALL,)), make_group("sg-c", (WEB,)), a
    lab.apply(*rest, b)
    old = lab.open(b, socket.SOCK_DGRAM)
    old.bind(("", 53))
    client = lab.open(a, socket.SOCK_DGRAM)
    client.settimeout(PATIENCE)
    client.sendto(b"query", (b.address, 53))
    old.sendto(b"answer", old.recvfrom(100)[1])
    assert client.recv(100) == b"answer"
    heir = make_interface(3, "sg-c", address=b.address)
    lab.apply(*rest, heir)
    new = lab.open(heir, socket.SOCK_DGRAM)
    new.bind(("", 53))
    lab.serve(heir, 80)
    client.sendto(b"query", (b.address, 53))
    assert lab.connect(a, heir.address, 80)  # a later packet on the same way has arrived
    new.setblocking(False)
    with pytest.raises(BlockingIOError):
        new.recv(100)
    # and where the heir does allow it the way is free for a new connection
    lab.apply(*rest, make_interface(3, "sg-b", address=b.address))
    new.settimeout(PATIENCE)
    client.sendto(b"query", (b.address, 53))
    assert new.recv(100) == b"query"


def test_a_connection_whose_tracking_is_forgotten_is_not_taken_up_again(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a"), make_interface(2, "sg-b")
    rest = make_vpc(), make_group("sg-a"), make_group("sg-b", (WEB,)), a
    lab.apply(*rest, b)
    server = lab.serve(b, 80)
    client = lab.connect(a, b.address, 80)
    accepted, _ = lab.accept(server)
    assert talks(client, accepted)
    heir = make_interface(3, "sg-b", address=b.address)
    lab.apply(*rest, heir)
    client.sendall(b"more")
    client.settimeout(LONG_ENOUGH)
    with pytest.raises(TimeoutError):
        client.recv(1)  # neither data nor the reset with which the heir would answer
