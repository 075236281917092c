"""What a task must not reach: the machine, other tasks' secrets, other VPCs."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from tests.cluster.conftest import Lab, hears, hears_nothing, shell

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

ESCAPES = {
    "a block device": "mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk",
    "memory": "mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem",
    "the kernel's settings": "echo x > /proc/sys/kernel/hostname",
    "its limits": "mkdir /sys/fs/cgroup/pids/x || mkdir /sys/fs/cgroup/x",
    "its memory limit": "echo 1 > /sys/fs/cgroup/memory/memory.limit_in_bytes || echo max > /sys/fs/cgroup/memory.max",
    "mounts": "mount -t tmpfs none /tmp",
    "a user namespace": "unshare --user --map-root-user true",
    "a network namespace": "unshare --net true",
    "its address": "ip addr add 172.31.0.99/20 dev eth1",
    "its interface": "ip link set eth1 down",
    "its MAC address": "ip link set eth1 address 02:00:00:00:00:01",
    "the host name": "hostname other",
    "the kernel's log": "dmesg",
    "the clock": "date -s 2000-01-01; [ $(date +%Y) = 2000 ]",
    "the loopback API": "nc -w 1 127.0.0.1 4566 < /dev/null",
    "instance metadata": "nc -w 1 169.254.169.254 80 < /dev/null",
    "the router": "nc -w 1 169.254.170.2 22 < /dev/null",
    "processes of others": "[ $(ls /proc | grep -c '^[0-9]') -gt 9 ]",
}


def test_nothing_of_the_machine_is_in_reach(lab: Lab) -> None:
    tries = "; ".join(f"( {script} ) >/dev/null 2>&1 && echo reached {what}" for what, script in ESCAPES.items())
    assert lab.output(shell(f"{tries}; echo tried")) == ["tried"]


def test_another_task_s_endpoint_id_is_worth_nothing(lab: Lab) -> None:
    victim = lab.run(lab.define({"name": "web", "stopTimeout": 2}))
    runtime_id = lab.running(victim)["containers"][0]["runtimeId"]
    url = f"http://169.254.170.2/v4/{runtime_id}"
    paths = ("", "/task", "/stats", "/task/stats")
    asks = "; ".join(f"wget -q -O - {url}{path} && echo reached {path}" for path in paths)
    lines = lab.output(shell(f"{asks}; ip addr add {lab.address(victim)}/32 dev lo; {asks}; echo asked"))
    assert [line for line in lines if "reached" in line or "DockerId" in line] == []
    assert "asked" in lines  # what is said of errors comes by another pipe, and may come later


@dataclass
class Place:
    """A VPC without an internet gateway, with one small subnet and a group that lets everything in."""

    vpc: str
    subnet: str
    group: str


def make_place(lab: Lab) -> Place:
    vpc = lab.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = lab.ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/28")["Subnet"]["SubnetId"]
    name = uuid4().hex
    group = lab.ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
    lab.ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="-1", CidrIp="0.0.0.0/0")
    return Place(vpc, subnet, group)


@pytest.fixture
def places(lab: Lab) -> Iterator[tuple[Place, Place]]:
    """Give two VPCs of the same addresses; they can be deleted when their tasks have stopped."""
    both = make_place(lab), make_place(lab)
    yield both
    for task in lab.tasks:
        lab.ecs.stop_task(task=task)
    for task in lab.tasks:
        lab.stopped(task)
    for place in both:
        lab.ec2.delete_security_group(GroupId=place.group)
        lab.ec2.delete_subnet(SubnetId=place.subnet)
        lab.ec2.delete_vpc(VpcId=place.vpc)


def test_vpcs_of_the_same_addresses_do_not_meet(lab: Lab, places: tuple[Place, Place]) -> None:
    one, other = places
    web = lab.define({"name": "web", "stopTimeout": 2})
    servers = [lab.run_in(place.subnet, place.group, web) for place in places]
    for server in servers:
        lab.running(server)
    assert [lab.address(server) for server in servers] == ["10.7.0.4"] * 2
    lab.ecs.stop_task(task=servers[1])
    lab.stopped(servers[1])
    outside = lab.run(lab.define({"name": "web", "stopTimeout": 2}), groups=[lab.security_group(port=80)])
    lab.running(outside)
    page, foreign = "10.7.0.4/healthz", f"{lab.address(outside)}/healthz"
    for place, ask, answers in ((one, hears, ["ok", "none"]), (other, hears_nothing, ["none", "none"])):
        asks = f"{ask(page)}; {hears_nothing(foreign)}"
        asker = lab.run_in(place.subnet, place.group, lab.define(shell(asks)))
        lab.stopped(asker)
        assert [line for line in lab.lines(asker, "main") if line in ("ok", "none")] == answers


def test_a_full_subnet_takes_no_task_until_one_leaves(lab: Lab, places: tuple[Place, Place]) -> None:
    place, _ = places
    web = lab.define({"name": "web", "stopTimeout": 2})
    first, *_, refused = [lab.run_in(place.subnet, place.group, web) for _ in range(12)]
    task = lab.stopped(refused)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"] == (
        "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled "
        f"in subnet '{place.subnet}': InsufficientFreeAddressesInSubnet"
    )
    lab.ecs.stop_task(task=first)
    lab.stopped(first)
    lab.running(lab.run_in(place.subnet, place.group, web))


def test_egress_rules_hold(lab: Lab) -> None:
    server = lab.run(lab.define({"name": "web", "stopTimeout": 2}), groups=[lab.security_group(port=80)])
    lab.running(server)
    silent = lab.security_group()
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    lab.ec2.revoke_security_group_egress(GroupId=silent, IpPermissions=everything)
    ask = hears_nothing(f"{lab.address(server)}/healthz")
    own = "wget -q -O /dev/null $ECS_CONTAINER_METADATA_URI_V4 && echo metadata"
    task = lab.run(lab.define(shell(f"{ask}; {own}")), groups=[silent])
    lab.stopped(task)
    assert {"none", "metadata"} <= set(lab.lines(task, "main"))


def test_a_task_s_interface_is_not_the_user_s_to_take_away(lab: Lab) -> None:
    task = lab.run(lab.define({"name": "web", "stopTimeout": 2}))
    lab.running(task)
    eni = lab.interface(task)
    with pytest.raises(lab.ec2.exceptions.ClientError, match="is currently in use"):
        lab.ec2.delete_network_interface(NetworkInterfaceId=eni["NetworkInterfaceId"])
    with pytest.raises(lab.ec2.exceptions.ClientError, match="OperationNotPermitted"):
        lab.ec2.detach_network_interface(AttachmentId=eni["Attachment"]["AttachmentId"])
    with pytest.raises(lab.ec2.exceptions.ClientError, match="DependencyViolation"):
        lab.ec2.delete_subnet(SubnetId=eni["SubnetId"])
