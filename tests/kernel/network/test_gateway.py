"""Public addresses: in, out, and from one to the other."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from tests.kernel.network.vpclab import ALL, EVERYWHERE, PATIENCE, Lab, make_group, make_interface, make_vpc, talks

from homeport.network.desired import Rule

pytestmark = pytest.mark.kernel

WEB = Rule("tcp", 80, 80, cidr=EVERYWHERE)
MACHINE = "198.18.0.1"
VPC = make_vpc(internet_gateway=True)


def test_a_public_address_is_the_way_in_through_the_security_groups(lab: Lab) -> None:
    a = make_interface(1, "sg-a", public="198.18.0.11")
    assert lab.apply(VPC, make_group("sg-a", (WEB,)), a) == {}
    server = lab.serve(a, 80)
    lab.serve(a, 81)
    client = lab.connect(None, "198.18.0.11", 80)
    accepted, peer = lab.accept(server)
    assert peer[0] == MACHINE
    assert talks(client, accepted)
    assert lab.misses(None, "198.18.0.11", 81)
    lab.apply(VPC, make_group("sg-a", (Rule("tcp", 80, 81, cidr="203.0.113.0/24"),)), a)
    assert lab.misses(None, "198.18.0.11", 80)
    assert talks(client, accepted)


def test_who_comes_in_keeps_his_address(lab: Lab) -> None:
    a = make_interface(1, "sg-a", public="198.18.0.11")
    lab.apply(VPC, make_group("sg-a", (Rule("tcp", 80, 80, cidr="203.0.113.7/32"),)), a)
    subprocess.run(["ip", "address", "add", "203.0.113.7/32", "dev", "lo"], check=True)
    server = lab.serve(a, 80)
    assert lab.misses(None, "198.18.0.11", 80)
    client = lab.open(None)
    client.bind(("203.0.113.7", 0))
    client.settimeout(PATIENCE)
    client.connect(("198.18.0.11", 80))
    accepted, peer = lab.accept(server)
    assert peer[0] == "203.0.113.7"
    assert talks(client, accepted)


def test_a_task_goes_out_with_its_public_address(lab: Lab) -> None:
    a = make_interface(1, "sg-a", public="198.18.0.11")
    lab.apply(VPC, make_group("sg-a"), a)
    subprocess.run(["ip", "address", "add", "203.0.113.7/32", "dev", "lo"], check=True)
    for address in (MACHINE, "203.0.113.7"):
        server = lab.serve(None, 8080, address)
        client = lab.connect(a, address, 8080)
        accepted, peer = lab.accept(server)
        assert peer[0] == "198.18.0.11"
        assert talks(client, accepted)


@pytest.mark.parametrize(("public", "internet"), [("", True), ("198.18.0.12", False)])
def test_no_way_out_without_public_address_and_route(lab: Lab, public: str, internet: bool) -> None:
    a, b = make_interface(1, "sg-a", public="198.18.0.11"), make_interface(2, "sg-a", public=public, internet=internet)
    lab.apply(VPC, make_group("sg-a", (ALL,)), a, b)
    lab.serve(None, 80)
    lab.serve(a, 80)
    lab.serve(b, 80)
    assert lab.reaches(a, MACHINE, 80)
    assert lab.reaches(b, a.address, 80)
    assert lab.misses(b, MACHINE, 80)
    assert lab.misses(b, "198.18.0.11", 80)
    if public:
        assert lab.misses(None, public, 80)
    lab.apply(VPC, make_group("sg-a", (ALL,)), a, make_interface(2, "sg-a", public="198.18.0.12"))
    assert lab.reaches(b, MACHINE, 80)
    assert lab.reaches(None, "198.18.0.12", 80)


def test_a_private_address_never_leaves_the_vpc(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a", public="198.18.0.11"), make_interface(2, "sg-a")
    lab.apply(VPC, make_group("sg-a", (ALL,)), a, b)
    lab.command("internet.edge", "sysctl", "-q", "net.ipv4.conf.vvpc-1.rp_filter=0")  # the second to stop it
    server = lab.open(None, socket.SOCK_DGRAM)
    server.bind((MACHINE, 53))
    server.settimeout(PATIENCE)
    for interface in (b, a):
        lab.open(interface, socket.SOCK_DGRAM).sendto(b"query", (MACHINE, 53))
    assert server.recvfrom(100)[1][0] == "198.18.0.11"


def test_the_vpcs_services_are_not_for_those_outside(lab: Lab) -> None:
    a = make_interface(1, "sg-a", public="198.18.0.11")
    lab.apply(VPC, make_group("sg-a", (ALL,)), a)
    with lab.driver.listen("vpc-1", "169.254.170.2", 80, socket.SOCK_STREAM):
        assert lab.reaches(a, "169.254.170.2", 80)
        lab.command(
            "vpc-1.gateway", *["ip", "route", "add", "169.254.170.2", "via", "169.254.1.1", "dev", "vpc0", "onlink"]
        )
        with lab.inside(lab.run / "netns" / "vpc-1.gateway"):
            outside = lab.open(None)
        with pytest.raises(TimeoutError):
            outside.connect(("169.254.170.2", 80))


def test_two_public_addresses_meet_with_those_addresses(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a", public="198.18.0.11"), make_interface(2, "sg-b", public="198.18.0.12")
    far = make_interface(3, "sg-far", vpc="vpc-2", address=b.address, public="198.18.0.13")
    only_a = Rule("tcp", 80, 80, cidr="198.18.0.11/32")
    groups = make_group("sg-a"), make_group("sg-b", (only_a,)), make_group("sg-far", (only_a,), vpc="vpc-2")
    assert lab.apply(VPC, make_vpc(2, internet_gateway=True), *groups, a, b, far) == {}
    for interface in (b, far):  # in its own VPC, and in another of the same range
        server = lab.serve(interface, 80)
        client = lab.connect(a, interface.public_address, 80)
        accepted, peer = lab.accept(server)
        assert peer[0] == "198.18.0.11"
        assert talks(client, accepted)


def test_a_public_address_given_to_another_leads_nobody_to_the_former(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a", public="198.18.0.11"), make_interface(2, "sg-a")
    group = make_group("sg-a", (ALL,))
    lab.apply(VPC, group, a, b)
    first = lab.serve(a, 80)
    client = lab.connect(None, "198.18.0.11", 80)
    accepted, _ = lab.accept(first)
    assert talks(client, accepted)
    lab.apply(VPC, group, make_interface(1, "sg-a"), make_interface(2, "sg-a", public="198.18.0.11"))
    second = lab.serve(b, 80)
    client.sendall(b"more")
    assert lab.connect(None, "198.18.0.11", 80)
    assert lab.accept(second)
    accepted.setblocking(False)
    with pytest.raises(BlockingIOError):
        accepted.recv(100)


def test_nobody_outside_can_pose_as_an_interface(lab: Lab) -> None:
    a, b = make_interface(1, "sg-a", public="198.18.0.11"), make_interface(2, "sg-b")
    lab.apply(VPC, make_group("sg-a", (Rule("tcp", 80, 80, group="sg-b"),)), make_group("sg-b"), a, b)
    subprocess.run(["ip", "address", "add", f"{b.address}/32", "dev", "lo"], check=True)
    lab.serve(a, 80)
    assert lab.reaches(b, a.address, 80)
    client = lab.open(None)
    client.bind((b.address, 0))
    with pytest.raises(TimeoutError):
        client.connect(("198.18.0.11", 80))


def test_the_machine_forwards_for_nobody(lab: Lab) -> None:
    a = make_interface(1, "sg-a", public="198.18.0.11")
    lab.apply(VPC, make_group("sg-a", (ALL,)), a)
    place = f"neighbour-{os.getpid()}"  # seen by every lab of the machine, and left behind by one that is killed
    for command in (
        f"ip netns add {place}",
        f"ip link add lan0 type veth peer name lan1 netns {place}",
        "ip address add 192.0.2.1/24 dev lan0",
        "ip link set lan0 up",
        f"ip -n {place} address add 192.0.2.2/24 dev lan1",
        f"ip -n {place} link set lan1 up",
        f"ip -n {place} route add default via 192.0.2.1",
        "sysctl -q net.ipv4.ip_forward=1",
    ):
        subprocess.run(command.split(), check=True)
    try:
        lab.serve(a, 80)
        with lab.inside(Path("/run/netns", place)):
            neighbour = lab.open(None)
            listening = lab.serve(None, 80)
        assert lab.reaches(None, "192.0.2.2", 80)
        assert lab.reaches(None, "198.18.0.11", 80)
        assert lab.misses(a, "192.0.2.2", 80)
        with pytest.raises(TimeoutError):
            neighbour.connect(("198.18.0.11", 80))
        assert listening.fileno() >= 0
    finally:
        subprocess.run(["ip", "netns", "delete", place], check=True)


def test_an_internet_gateway_comes_and_goes(lab: Lab) -> None:
    a = make_interface(1, "sg-a", public="198.18.0.11")
    b = make_interface(2, "sg-a")
    group = make_group("sg-a", (ALL,))
    lab.apply(make_vpc(), group, a, b)
    server = lab.serve(a, 80)
    inner = lab.connect(b, a.address, 80)
    accepted, _ = lab.accept(server)
    assert lab.misses(None, "198.18.0.11", 80)
    lab.apply(VPC, group, a, b)
    assert lab.reaches(None, "198.18.0.11", 80)
    lab.apply(make_vpc(), group, a, b)
    assert lab.misses(None, "198.18.0.11", 80)
    assert talks(inner, accepted)
