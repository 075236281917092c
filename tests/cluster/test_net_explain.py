"""What `homeport net explain` says is what happens: tasks in all modes, random rules, every packet really sent."""

import contextlib
import os
import random
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.cluster.machines import DYNAMIC, Machines

from homeport.cli.net.commands import read_model
from homeport.cli.net.model import Mode, Model, Task
from homeport.cli.net.packet import Packet
from homeport.cli.net.places import find_destination, find_source
from homeport.cli.net.verdict import judge
from homeport.kit import installation, linux
from homeport.network import naming

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

MACHINE = "198.18.0.1"
ROUNDS = 8
QUIET = 0.5  # seconds after which a packet that nobody answered has been dropped
PATIENCE = 120.0  # seconds in which rules that the API has accepted must be in force
WEB = {"name": "main", "stopTimeout": 2, "portMappings": [{"containerPort": 80}]}


@dataclass(frozen=True)
class Case:
    """A question in the words of the command line, and the connection that answers it."""

    source: str
    target: str
    port: int
    place: Path | None
    address: str
    real_port: int


def answered(cases: Sequence[Case]) -> list[bool]:
    """Try all connections at the same time and tell which of them come about."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    waiting: dict[int, tuple[int, socket.socket]] = {}
    passed = [False] * len(cases)
    poll = select.poll()
    try:
        for number, case in enumerate(cases):
            if case.place is not None:
                there = os.open(case.place, os.O_RDONLY)
                linux.setns(there, linux.CLONE_NEWNET)
                os.close(there)
            opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            linux.setns(home, linux.CLONE_NEWNET)
            waiting[opened.fileno()] = (number, opened)
            with contextlib.suppress(OSError):  # no route is an answer, too
                opened.connect_ex((case.address, case.real_port))
            poll.register(opened, select.POLLOUT)
        deadline = time.monotonic() + QUIET
        while (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left * 1000):
                number, opened = waiting[descriptor]
                poll.unregister(opened)
                with contextlib.suppress(OSError):
                    # A socket whose connect failed at once is writable, too: only a peer makes it a connection.
                    opened.getpeername()
                    passed[number] = True
    finally:
        os.close(home)
        for _, opened in waiting.values():
            opened.close()
    return passed


def netns(name: str) -> Path:
    found = installation.read()
    assert found is not None
    names = (name, naming.host(name), naming.box(name))
    return next(path for path in (found.node_run / "netns" / each for each in names) if path.exists())


def some_rules(dice: random.Random, groups: list[str], ports: list[int]) -> list[dict[str, Any]]:
    """Return a few permissions that do not repeat one another."""
    rules: dict[str, dict[str, Any]] = {}
    for _ in range(dice.randrange(4)):
        low, high = sorted(dice.choices(ports, k=2))
        service: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": low, "ToPort": high}
        if dice.random() < 0.2:
            service = {"IpProtocol": "-1"}
        if dice.random() < 0.5:
            peer: dict[str, Any] = {"UserIdGroupPairs": [{"GroupId": dice.choice(groups)}]}
        else:
            cidr = dice.choice(("0.0.0.0/0", "10.7.0.0/16", "10.7.1.0/24", "10.7.2.0/24", "198.18.0.0/16"))
            peer = {"IpRanges": [{"CidrIp": cidr}]}
        rules[str((service, peer))] = service | peer
    return list(rules.values())


@dataclass
class Town:
    """A VPC with two subnets, two instances and tasks in every mode, all of which serve port 80."""

    machines: Machines
    groups: list[str]
    tasks: list[dict[str, Any]]
    instances: list[str]
    runtime_ids: dict[str, str]

    def ports(self, model: Model) -> list[int]:
        bindings = [each for task in model.tasks.values() for box in task.containers for each in box.bindings]
        return sorted({80, 81, *(binding.host_port for binding in bindings)})

    def change_rules(self, dice: random.Random, ports: list[int]) -> None:
        ec2 = self.machines.ec2
        for found in ec2.describe_security_groups(GroupIds=self.groups)["SecurityGroups"]:
            group = found["GroupId"]
            for old, revoke, authorize in (
                (found["IpPermissions"], ec2.revoke_security_group_ingress, ec2.authorize_security_group_ingress),
                (found["IpPermissionsEgress"], ec2.revoke_security_group_egress, ec2.authorize_security_group_egress),
            ):
                if old:
                    revoke(GroupId=group, IpPermissions=old)
                if new := some_rules(dice, self.groups, ports):
                    authorize(GroupId=group, IpPermissions=new)

    def sources(self, model: Model) -> Iterator[tuple[str, Path | None]]:
        """Return where packets may come from, in the command's words, with its namespace."""
        yield MACHINE, None
        for instance in self.instances:
            yield instance, netns(instance)
        for task in self.own(model):
            match task.mode:
                case Mode.AWSVPC:
                    yield task.id, netns(task.eni)
                case Mode.HOST:
                    yield task.id, netns(task.instance)
                case _:
                    yield f"{task.id}/main", netns(self.runtime_ids[task.id])

    def own(self, model: Model) -> list[Task]:
        return [model.tasks[each["taskArn"].rpartition("/")[2]] for each in self.tasks]

    def cases(self, model: Model) -> Iterator[Case]:
        """Return every source with every destination there is."""
        for source, place in self.sources(model):
            for target, port, address, real_port in self.destinations(model, source):
                yield Case(source, target, port, place, address, real_port)

    def destinations(self, model: Model, source: str) -> Iterator[tuple[str, int, str, int]]:
        inside = source != MACHINE
        for eni in model.enis.values():
            if eni.groups[0] in self.groups:
                for address in filter(None, (eni.address if inside else "", eni.public)):
                    yield address, 80, address, 80
        for task in self.own(model):
            if task.mode is not Mode.BRIDGE:
                continue
            binding = task.containers[0].bindings[0]
            host = model.enis[model.instances[task.instance].interface]
            address = host.address if inside else host.public
            if address:
                yield f"{task.id}/main", 80, address, binding.host_port
                yield address, binding.host_port, address, binding.host_port
        if inside:
            yield "127.0.0.1", 80, "127.0.0.1", 80


@pytest.fixture
def town(machines: Machines) -> Iterator[Town]:
    ec2 = machines.ec2
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number in (1, 2)
    ]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = ec2.associate_route_table(RouteTableId=table, SubnetId=subnets[0])["AssociationId"]
    groups = [
        ec2.create_security_group(GroupName=f"town-{uuid4().hex[:8]}", Description="town", VpcId=vpc)["GroupId"]
        for _ in range(4)
    ]
    role = f"role-{uuid4().hex[:8]}"
    machines.ecs.put_account_setting(
        name="awsvpcTrunking", value="enabled", principalArn=f"arn:aws:iam::123456789012:role/{role}"
    )
    ec2.modify_subnet_attribute(SubnetId=subnets[0], MapPublicIpOnLaunch={"Value": True})
    plain = machines.launch(SubnetId=subnets[0], SecurityGroupIds=[groups[0]])
    profile = {"Name": role}
    trunked = machines.launch(SubnetId=subnets[1], SecurityGroupIds=[groups[1]], IamInstanceProfile=profile)
    hosts = [machines.registered(each)["containerInstanceArn"] for each in (plain, trunked)]
    arns = _start_tasks(machines, hosts, subnets, groups)
    tasks = [machines.running(task) for task in arns]
    runtime_ids = {task["taskArn"].rpartition("/")[2]: task["containers"][0]["runtimeId"] for task in tasks}
    yield Town(machines, groups, tasks, [plain, trunked], runtime_ids)
    machines.close()
    machines.tasks.clear()
    machines.launched.clear()
    for group in groups:
        found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
        if found["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=found["IpPermissions"])
        if found["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(GroupId=group, IpPermissions=found["IpPermissionsEgress"])
    for group in groups:
        ec2.delete_security_group(GroupId=group)
    ec2.disassociate_route_table(AssociationId=association)
    ec2.delete_route_table(RouteTableId=table)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_vpc(VpcId=vpc)


def _start_tasks(machines: Machines, hosts: list[str], subnets: list[str], groups: list[str]) -> list[str]:
    """Start a task in each mode on each instance, and two on Fargate."""
    started: list[str] = []
    for number, host in enumerate(hosts):
        for mode in Mode:
            containers = {**WEB, **({"portMappings": []} if mode is Mode.NONE else {})}
            asked: dict[str, Any] = {
                "containerInstances": [host],
                "taskDefinition": machines.define(containers, mode=mode.value),
            }
            if mode is Mode.AWSVPC:
                own = {"subnets": [subnets[number]], "securityGroups": [groups[2 + number]]}
                asked["networkConfiguration"] = {"awsvpcConfiguration": own}
            answer = machines.ecs.start_task(cluster=machines.cluster, **asked)
            assert answer["failures"] == [], answer
            started.append(answer["tasks"][0]["taskArn"])
    definition = machines.lab.define({"name": "main", "portMappings": [{"containerPort": 80}]})
    for number in (0, 1):
        place = {
            "subnets": [subnets[number]],
            "securityGroups": groups[1:3],
            "assignPublicIp": ("ENABLED", "DISABLED")[number],
        }
        answer = machines.ecs.run_task(
            cluster=machines.cluster,
            taskDefinition=definition,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": place},
        )
        started.append(answer["tasks"][0]["taskArn"])
    machines.tasks += started
    return started


def test_the_verdict_is_what_happens(town: Town) -> None:
    seed = int(os.environ.get("HOMEPORT_TEST_SEED", "1"))  # the same in every run, unless others are looked for
    dice = random.Random(seed)
    ports = [*town.ports(read_model()), *DYNAMIC]
    both = set()
    for _ in range(ROUNDS):
        town.change_rules(dice, ports)
        deadline = time.monotonic() + PATIENCE
        while True:
            model = read_model()
            cases = list(town.cases(model))
            happened = answered(cases)
            said = [explain(model, case) for case in cases]
            wrong = [
                (case, real, verdict)
                for case, real, verdict in zip(cases, happened, said, strict=True)
                if real != verdict.passes
            ]
            if not wrong:
                break
            # The node may not have the new rules yet; that it gets them is waited for, nothing else.
            assert time.monotonic() < deadline, (seed, len(wrong), wrong[0])
        both.update(happened)
    assert both == {True, False}


def explain(model: Model, case: Case) -> Any:
    packet = Packet(case.port)
    return judge(model, find_source(model, case.source), find_destination(model, case.target, packet), packet)
