"""Hosts, the containers on their bridges, and trunks: real packets."""

import contextlib
import json
import socket
import struct
from dataclasses import replace

import pytest
from tests.kernel.network.vpclab import (
    ALL,
    LONG_ENOUGH,
    PATIENCE,
    Item,
    Lab,
    attached,
    branch,
    make_group,
    make_interface,
    make_vpc,
    talks,
)

from homeport.network import naming
from homeport.network.desired import Binding, Host, Interface, Rule, Sandbox
from homeport.network.host_rules import TRUNK_PORT

pytestmark = [pytest.mark.kernel]

A, B = Host("i-a"), Host("i-b")
ETH_A, ETH_B = attached(21, "i-a", "sg-a"), attached(22, "i-b", "sg-b")
ONE = Sandbox("box-1", "i-a", "172.17.0.2", (Binding("tcp", 8080, 80), Binding("udp", 5353, 53)))
TWO = Sandbox("box-2", "i-a", "172.17.0.3")
FAR = Sandbox("box-3", "i-b", "172.17.0.2")
PUBLISHED = make_group("sg-a", (Rule("tcp", 8080, 8080, cidr="0.0.0.0/0"), Rule("udp", 5353, 5353, cidr="0.0.0.0/0")))
BASE: tuple[Item, ...] = (make_vpc(), PUBLISHED, make_group("sg-b"), A, B, ETH_A, ETH_B, ONE, TWO, FAR)


def test_a_published_port_is_reached_through_its_host_and_its_groups(lab: Lab) -> None:
    assert lab.apply(*BASE) == {}
    server = lab.serve(ONE, 80)
    for where in (B, FAR):
        client = lab.connect(where, ETH_A.address, 8080)
        accepted, peer = lab.accept(server)
        assert peer[0] == ETH_B.address  # what a container sends leaves as its host
        assert talks(client, accepted)
    lab.serve(A, 9000)
    assert lab.misses(B, ETH_A.address, 9000)


def test_a_closed_group_closes_published_ports(lab: Lab) -> None:
    lab.apply(make_vpc(), make_group("sg-a"), *BASE[2:])
    lab.serve(ONE, 80)
    assert lab.misses(B, ETH_A.address, 8080)
    assert lab.reaches(A, ETH_A.address, 8080)  # nobody's packets but the host's own


def test_datagrams_are_published_too(lab: Lab) -> None:
    lab.apply(*BASE)
    server = lab.open(ONE, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", 53))
    client = lab.open(B, socket.SOCK_DGRAM)
    client.sendto(b"ask", (ETH_A.address, 5353))
    server.settimeout(PATIENCE)
    data, peer = server.recvfrom(16)
    server.sendto(b"answer", peer)
    client.settimeout(PATIENCE)
    assert (data, client.recvfrom(16)) == (b"ask", (b"answer", (ETH_A.address, 5353)))


def test_a_bridge_address_is_reached_on_its_bridge_and_from_nowhere_else(lab: Lab) -> None:
    lab.apply(*BASE[:1], make_group("sg-a", (ALL,)), *BASE[2:])
    lab.serve(ONE, 80)
    assert lab.reaches(TWO, "172.17.0.2", 80)
    assert lab.reaches(A, "172.17.0.2", 80)
    lab.command("i-b.host", "ip", "route", "replace", "172.17.0.2/32", "via", "10.0.1.1", "dev", "eth0", "onlink")
    assert lab.misses(B, "172.17.0.2", 80)


def test_a_container_reaches_its_own_published_port_through_the_host(lab: Lab) -> None:
    lab.apply(*BASE)
    server = lab.serve(ONE, 80)
    for where in (ONE, TWO):
        client = lab.connect(where, ETH_A.address, 8080)
        assert talks(client, lab.accept(server)[0])


def test_containers_of_one_host_do_not_share_its_loopback_or_each_others(lab: Lab) -> None:
    lab.apply(*BASE)
    for where in (A, ONE):
        lab.serve(where, 7000)
        assert lab.reaches(where, "127.0.0.1", 7000)
    assert lab.misses(TWO, "127.0.0.1", 7000)


def test_a_sandbox_without_an_address_is_alone(lab: Lab) -> None:
    alone = Sandbox("box-9", "i-a")
    assert lab.apply(*BASE, alone) == {}
    assert lab.command("box-9.box", "ip", "-br", "link").split()[0] == "lo"
    with pytest.raises(OSError, match="unreachable"):
        lab.open(alone).connect((ETH_A.address, 80))


def test_the_agent_answers_its_host_and_its_containers_alone(lab: Lab) -> None:
    lab.apply(make_vpc(), make_group("sg-a", (ALL,)), *BASE[2:])
    server = lab.serve(A, 51679)
    for where, peer in ((ONE, "172.17.0.2"), (TWO, "172.17.0.3"), (A, "127.0.0.1")):
        lab.connect(where, "169.254.170.2", 80)
        seen = lab.accept(server)[1][0]
        assert seen == peer or (where is A and seen == ETH_A.address)
    assert lab.misses(B, ETH_A.address, 51679)
    assert lab.misses(FAR, ETH_A.address, 51679)


def test_the_agents_ports_may_be_a_connections_own(lab: Lab) -> None:
    """The kernel may choose one of them for a connection that the host or a container begins."""
    lab.apply(make_vpc(), make_group("sg-a"), make_group("sg-b", (ALL,)), *BASE[3:])
    server = lab.serve(B, 80)
    for port, where in ((51679, A), (51678, A), (51679, ONE)):
        client = lab.open(where)
        client.settimeout(PATIENCE)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("0.0.0.0", port))
        client.connect((ETH_B.address, 80))
        assert talks(client, lab.accept(server)[0])


@pytest.mark.parametrize("forged", ["172.17.0.3", "172.17.0.1", "10.0.1.21"])
def test_a_container_cannot_send_as_a_neighbour(lab: Lab, forged: str) -> None:
    """With raw sockets, which a container may have."""
    lab.apply(*BASE)
    listener = lab.open(A, socket.SOCK_DGRAM)
    listener.bind(("0.0.0.0", 6000))
    raw = lab.open(ONE, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for source, arrives in ((forged, False), ("172.17.0.2", True)):
        datagram = struct.pack("!HHHH", 1234, 6000, 8 + 5, 0) + source[-5:].encode()
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0)
        listener.settimeout(PATIENCE if arrives else LONG_ENOUGH)
        raw.sendto(header + socket.inet_aton(source) + socket.inet_aton("172.17.0.1") + datagram, ("172.17.0.1", 0))
        try:
            assert listener.recvfrom(64)[1][0] == "172.17.0.2"
            assert arrives
        except TimeoutError:
            assert not arrives


def test_a_container_cannot_claim_a_neighbours_address_by_arp(lab: Lab) -> None:
    lab.apply(*BASE)
    with lab.inside(lab.driver.namespace(ONE.id)):
        forger = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        forger.bind(("eth0", 0))
    mac, broadcast = bytes.fromhex("0242ac110002"), b"\xff" * 6
    with forger:
        for address in ("172.17.0.3", "172.17.0.4"):
            arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2) + mac + socket.inet_aton(address)
            forger.send(broadcast + mac + b"\x08\x06" + arp + broadcast + socket.inet_aton("172.17.0.1"))
    server = lab.serve(TWO, 80)
    client = lab.connect(A, "172.17.0.3", 80)
    assert talks(client, lab.accept(server)[0])
    assert "172.17.0.4" not in lab.command("i-a.host", "ip", "neigh")


def test_an_attached_interface_answers_by_the_way_it_was_asked(lab: Lab) -> None:
    second = attached(23, "i-a", "sg-c", device="eth1")
    group = make_group("sg-c", (Rule("tcp", 80, 80, cidr="0.0.0.0/0"),))
    assert lab.apply(*BASE, group, second) == {}
    server = lab.serve(A, 80)
    client = lab.connect(B, second.address, 80)
    accepted, _ = lab.accept(server)
    assert talks(client, accepted)
    assert lab.traffic(second).rx_packets > 0
    assert lab.misses(B, ETH_A.address, 80)
    assert lab.apply(*BASE) == {}
    assert "eth1" not in lab.command("i-a.host", "ip", "-br", "link")
    assert second.address not in lab.command("i-a.host", "ip", "rule")
    lab.serve(ONE, 80)
    assert lab.reaches(B, ETH_A.address, 8080)


TRUNK_A = attached(31, "i-a", "sg-b", device="eth1", trunk=True)
TRUNK_B = attached(32, "i-b", "sg-b", device="eth1", trunk=True)


def test_branches_obey_their_own_groups_and_vlan_ids_are_their_trunks(lab: Lab) -> None:
    web = make_group("sg-web", (Rule("tcp", 80, 80, cidr="0.0.0.0/0"),))
    opened, closed = branch(41, TRUNK_A, 1, "sg-web"), branch(42, TRUNK_A, 2, "sg-b")
    far = branch(43, TRUNK_B, 1, "sg-web")  # the same VLAN id, on another trunk
    assert lab.apply(*BASE, web, TRUNK_A, TRUNK_B, opened, closed, far) == {}
    servers = {each.id: lab.serve(each, 80) for each in (opened, closed, far)}
    other = make_interface_in(lab, web, opened, closed, far)
    for asker, source in ((closed, closed), (far, far), (B, ETH_B), (other, other)):
        client = lab.connect(asker, opened.address, 80)
        accepted, peer = lab.accept(servers[opened.id])
        assert talks(client, accepted)
        assert peer[0] == source.address
        assert lab.misses(asker, closed.address, 80) or asker is closed
    client = lab.connect(opened, far.address, 80)
    assert talks(client, lab.accept(servers[far.id])[0])


def make_interface_in(lab: Lab, *more: Item) -> Interface:
    plain = make_interface(60, "sg-b")
    assert lab.apply(*BASE, TRUNK_A, TRUNK_B, plain, *more) == {}
    return plain


def test_a_branch_cannot_send_as_its_sibling(lab: Lab) -> None:
    one, other = branch(41, TRUNK_A, 1, "sg-b"), branch(42, TRUNK_A, 2, "sg-b")
    lab.apply(*BASE, make_group("sg-u", (ALL,)), TRUNK_A, one, other, make_interface(61, "sg-u"))
    target = make_interface(61, "sg-u")
    listener = lab.open(target, socket.SOCK_DGRAM)
    listener.bind(("0.0.0.0", 6000))
    raw = lab.open(one, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for source, arrives in ((other.address, False), (one.address, True)):
        datagram = struct.pack("!HHHH", 1234, 6000, 8 + 1, 0) + b"x"
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0)
        listener.settimeout(PATIENCE if arrives else LONG_ENOUGH)
        raw.sendto(header + socket.inet_aton(source) + socket.inet_aton(target.address) + datagram, (target.address, 0))
        try:
            assert listener.recvfrom(64)[1][0] == one.address
            assert arrives
        except TimeoutError:
            assert not arrives


def ipv4(source: str, target: str, datagram: bytes) -> bytes:
    """Return a packet with its checksum, as no kernel fills in what is inside a frame."""
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0)
    header += socket.inet_aton(source) + socket.inet_aton(target)
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return header[:10] + struct.pack("!H", 0xFFFF - total) + header[12:] + datagram


def frame_of(sender: Interface, target: Interface, identifier: int, router: bool) -> bytes:
    """Return a datagram to port 6000 in the frame that a trunk's kernel would send for it."""
    datagram = struct.pack("!HHHH", 1234, 6000, 8 + 6, 0) + b"forged"
    macs = (naming.ROUTER_MAC, sender.mac) if router else (target.mac, naming.ROUTER_MAC)
    ethernet = bytes.fromhex("".join(macs).replace(":", "")) + b"\x08\x00"
    return struct.pack("!II", 0x08000000, identifier << 8) + ethernet + ipv4(sender.address, target.address, datagram)


def identifier_of(lab: Lab, place: str, device: str) -> int:
    described = json.loads(lab.command(place, "ip", "-d", "-j", "link", "show", device))
    return int(described[0]["linkinfo"]["info_data"]["id"])


@pytest.fixture
def victim(lab: Lab) -> tuple[Interface, int]:
    """A branch that nobody may send to, and the number by which its trunk carries it."""
    one = branch(41, TRUNK_A, 1, "sg-b")
    plain = make_interface(61, "sg-u")
    assert lab.apply(*BASE, make_group("sg-u", (ALL,)), TRUNK_A, one, plain) == {}
    device = naming.link(one.id)
    kind = json.loads(lab.command("vpc-1.router", "ip", "-d", "-j", "link", "show", device))[0]["linkinfo"]["info_kind"]
    if kind != "vxlan":
        pytest.skip("this kernel carries branches as VLANs, which no datagram can forge")
    return one, identifier_of(lab, "vpc-1.router", device)


def hears(listener: socket.socket) -> bool:
    try:
        return listener.recv(64) == b"forged"
    except TimeoutError:
        return False


@pytest.mark.parametrize("where", [A, ONE, B, FAR, make_interface(61, "sg-u")], ids=lambda each: each.id)
def test_nobody_puts_frames_into_a_branch(
    lab: Lab, victim: tuple[Interface, int], where: Interface | Host | Sandbox
) -> None:
    """Whatever the instance's groups allow: a branch has its own."""
    one, identifier = victim
    everything = make_group("sg-a", (ALL,)), make_group("sg-u", (ALL,)), make_group("sg-b")
    kept = [item for item in BASE if item.id not in {"sg-a", "sg-b"}]
    trunk = replace(TRUNK_A, groups=("sg-u",))
    lab.apply(*kept, *everything, trunk, one, make_interface(61, "sg-u"))
    listener = lab.open(one, socket.SOCK_DGRAM)
    listener.bind(("0.0.0.0", 6000))
    sender = lab.open(where, socket.SOCK_DGRAM)
    frame = frame_of(make_interface(61, "sg-u"), one, identifier, router=False)
    for address in (ETH_A.address, TRUNK_A.address, "127.0.0.1", "172.17.0.1"):
        with contextlib.suppress(OSError):
            sender.sendto(frame, (address, TRUNK_PORT))
    assert not hears(listener)


@pytest.mark.parametrize("where", [A, ONE, B, make_interface(61, "sg-u")], ids=lambda each: each.id)
def test_nobody_sends_as_a_branch(lab: Lab, victim: tuple[Interface, int], where: Interface | Host | Sandbox) -> None:
    one, identifier = victim
    listener = lab.open(make_interface(61, "sg-u"), socket.SOCK_DGRAM)
    listener.bind(("0.0.0.0", 6000))
    frame = frame_of(one, make_interface(61, "sg-u"), identifier, router=True)
    sender = lab.open(where, socket.SOCK_DGRAM)
    with contextlib.suppress(OSError):
        sender.sendto(frame, (naming.CARRIER, TRUNK_PORT))
    assert not hears(listener)
    lab.open(one, socket.SOCK_DGRAM).sendto(b"forged", (make_interface(61, "sg-u").address, 6000))
    assert hears(listener)


def test_a_trunk_carries_no_branch_of_another(lab: Lab, victim: tuple[Interface, int]) -> None:
    """Written to the device as whole frames, for which no rule of the sender's own instance is asked."""
    one, identifier = victim
    plain = make_interface(61, "sg-u")
    own = branch(42, TRUNK_B, 1, "sg-b")
    lab.apply(*BASE, make_group("sg-u", (ALL,)), TRUNK_A, TRUNK_B, one, own, plain)
    listener = lab.open(plain, socket.SOCK_DGRAM)
    listener.bind(("0.0.0.0", 6000))
    with lab.inside(lab.driver.namespace(B.id)):
        writer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        writer.bind(("eth1", 0))
    with writer:
        for sender, number, arrives in (
            (one, identifier, False),
            (own, identifier_of(lab, "vpc-1.router", naming.link(own.id)), True),
        ):
            frame = frame_of(sender, plain, number, router=True)
            datagram = struct.pack("!HHHH", 40000, TRUNK_PORT, 8 + len(frame), 0) + frame
            packet = ipv4(TRUNK_B.address, naming.CARRIER, datagram)
            macs = bytes.fromhex((naming.ROUTER_MAC + TRUNK_B.mac).replace(":", ""))
            writer.send(macs + b"\x08\x00" + packet)
            assert hears(listener) is arrives


def test_the_trunks_port_is_not_published(lab: Lab) -> None:
    taken = Sandbox("box-8", "i-a", "172.17.0.8", (Binding("udp", TRUNK_PORT, 80),))
    assert lab.apply(*BASE, taken) == {"box-8": f"udp {TRUNK_PORT} is the port by which a trunk carries its branches"}


def test_a_client_that_goes_on_sending_is_led_where_the_port_leads_now(lab: Lab) -> None:
    rest = [item for item in BASE if item is not ONE]
    lab.apply(*rest)
    client = lab.open(B, socket.SOCK_DGRAM)
    client.sendto(b"early", (ETH_A.address, 5353))  # nobody is there
    for holder in (ONE, replace(TWO, bindings=ONE.bindings)):
        lab.apply(*[item for item in rest if item.id != holder.id], holder)
        server = lab.open(holder, socket.SOCK_DGRAM)
        server.bind(("0.0.0.0", 53))
        server.settimeout(PATIENCE)
        client.sendto(b"ask", (ETH_A.address, 5353))
        assert server.recv(16) == b"ask"


def test_publishing_a_port_ends_no_connection_to_the_same_port_elsewhere(lab: Lab) -> None:
    everything = make_group("sg-a", (ALL,)), make_group("sg-b", (ALL,))
    base = (make_vpc(), *everything, *BASE[3:])
    rest = [item for item in base if item is not ONE]
    lab.apply(*rest)
    server = lab.serve(B, 8080)
    pairs = [(lab.connect(where, ETH_B.address, 8080), lab.accept(server)[0]) for where in (A, TWO)]
    assert lab.apply(*rest, ONE) == {}
    assert all(talks(*pair) for pair in pairs)


def test_a_branch_without_its_trunk_is_named(lab: Lab) -> None:
    lost = branch(41, TRUNK_A, 1, "sg-b")
    assert lab.apply(*BASE, lost) == {lost.id: f"{TRUNK_A.id} is not a trunk of vpc-1 on this node"}
    assert lab.apply(*BASE, TRUNK_A, lost) == {}
    assert lab.apply(*BASE, lost) == {lost.id: f"{TRUNK_A.id} is not a trunk of vpc-1 on this node"}
    assert not lab.driver.namespace(lost.id).exists()


def test_a_vlan_id_can_be_another_branchs_at_once(lab: Lab) -> None:
    first, second = branch(41, TRUNK_A, 1, "sg-b"), branch(42, TRUNK_A, 1, "sg-b")
    assert lab.apply(*BASE, TRUNK_A, first) == {}
    lab.serve(first, 80)  # something still lives in its namespace
    assert lab.apply(*BASE, TRUNK_A, second) == {}


def test_large_packets_fit_a_branch(lab: Lab) -> None:
    one, other = branch(41, TRUNK_A, 1, "sg-u"), branch(42, TRUNK_B, 1, "sg-u")
    lab.apply(*BASE, make_group("sg-u", (ALL,)), TRUNK_A, TRUNK_B, one, other)
    server = lab.open(other, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", 6000))
    server.settimeout(PATIENCE)
    client = lab.open(one, socket.SOCK_DGRAM)
    client.setsockopt(socket.IPPROTO_IP, 10, 2)  # never in fragments
    client.sendto(bytes(9001 - 28), (other.address, 6000))
    assert len(server.recv(65536)) == 9001 - 28


def test_instance_metadata_can_be_kept_away(lab: Lab) -> None:
    kept = replace(make_interface(62, "sg-b"), block_metadata=True)
    lab.apply(*BASE, kept)
    with pytest.raises(OSError, match=r"Invalid argument|unreachable|No route"):
        lab.open(kept).connect(("169.254.169.254", 80))
    assert lab.misses(make_interface_in(lab), "169.254.169.254", 80)  # nobody listens, yet it is on the way


def test_a_sandbox_needs_its_host(lab: Lab) -> None:
    stray = Sandbox("box-7", "i-z", "172.17.0.9")
    assert lab.apply(*BASE, stray) == {"box-7": "i-z is not among the hosts of this node"}
    taken = Sandbox("box-8", "i-a", "172.17.0.2")
    assert lab.apply(*BASE, taken) == {"box-8": "172.17.0.2 belongs to box-1"}
    port = Sandbox("box-8", "i-a", "172.17.0.8", (Binding("tcp", 8080, 80),))
    assert lab.apply(*BASE, port) == {"box-8": "tcp 8080 belongs to box-1"}


def test_who_gets_an_address_or_port_gets_no_connection_of_the_one_before(lab: Lab) -> None:
    lab.apply(*BASE)
    server = lab.serve(ONE, 80)
    client = lab.connect(B, ETH_A.address, 8080)
    lab.accept(server)
    heir = Sandbox("box-h", "i-a", "172.17.0.2", (Binding("tcp", 8080, 80),))
    rest = [item for item in BASE if item is not ONE]
    assert lab.apply(*rest, heir) == {}
    lab.serve(heir, 80)
    client.settimeout(LONG_ENOUGH)
    client.sendall(b"x")
    with pytest.raises(OSError, match=r"timed out|reset"):
        client.recv(1)
