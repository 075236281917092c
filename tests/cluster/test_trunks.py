"""How many awsvpc tasks an instance takes, with and without a trunk, and what a trunk is."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from tests.cluster.conftest import Lab, hears, hears_nothing, shell
from tests.cluster.machines import Machines, eni_address

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SLEEPING = shell("trap 'exit 0' TERM; while true; do sleep 1; done", memory=16, logConfiguration=None)
ACCOUNT = "123456789012"


def sleeper(machines: Machines) -> str:
    container = {name: value for name, value in SLEEPING.items() if name != "logConfiguration"}
    definition = {"family": f"tests-{uuid4().hex[:12]}", "networkMode": "awsvpc"}
    container |= {"image": "homeport/web:latest"}
    answer = machines.ecs.register_task_definition(containerDefinitions=[container], **definition)
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def fill(machines: Machines, instance: str, group: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Start awsvpc tasks on one container instance until it refuses; return those that run, and the reasons."""
    definition = sleeper(machines)
    network = {"awsvpcConfiguration": {"subnets": [machines.subnet()], "securityGroups": [group]}}
    started: list[str] = []
    while True:
        answer = machines.ecs.start_task(
            cluster=machines.cluster,
            taskDefinition=definition,
            containerInstances=[instance],
            networkConfiguration=network,
        )
        if not answer["tasks"]:
            return [machines.running(task) for task in started], [each["reason"] for each in answer["failures"]]
        started.append(answer["tasks"][0]["taskArn"])
        machines.tasks.append(started[-1])


def opt_in(machines: Machines, role: str) -> dict[str, str]:
    """Turn trunking on for a role, and return the instance profile that stands for it."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    machines.ecs.put_account_setting(name="awsvpcTrunking", value="enabled", principalArn=arn)
    return {"Name": role}


def trunk_of(machines: Machines, container_instance: str) -> str:
    """Return the id of the container instance's trunk, or nothing."""
    found = machines.ecs.list_attributes(
        cluster=machines.cluster, targetType="container-instance", attributeName="ecs.awsvpc-trunk-id"
    )["attributes"]
    return next((each["value"] for each in found if each["targetId"] == container_instance), "")


def test_an_instance_takes_its_types_interfaces_and_with_a_trunk_the_documented_number(machines: Machines) -> None:
    role = f"role-{uuid4().hex[:8]}"
    group = machines.group()
    old = machines.ready(IamInstanceProfile={"Name": role})
    assert [len(each) for each in fill(machines, old, group)] == [2, 1]
    opt_in(machines, role)
    new = machines.ready(IamInstanceProfile={"Name": role})
    assert trunk_of(machines, old) == ""
    assert trunk_of(machines, new).startswith("eni-")
    tasks, refused = fill(machines, new, group)
    assert (len(tasks), refused) == (10, ["RESOURCE:ENI"])
    still, refused = fill(machines, old, group)
    assert (len(still), refused) == (0, ["RESOURCE:ENI"])
    assert len({eni_address(task) for task in tasks}) == 10


def test_a_trunk_carries_its_branches_and_takes_an_address_of_the_subnet(machines: Machines) -> None:
    vpc = machines.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = machines.ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]

    def free() -> int:
        return int(machines.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"])

    before = free()
    plain = machines.ready(SubnetId=subnet)
    assert before - free() == 1
    role = f"role-{uuid4().hex[:8]}"
    trunked = machines.ready(SubnetId=subnet, IamInstanceProfile=opt_in(machines, role))
    assert before - free() == 3
    trunk = trunk_of(machines, trunked)
    assert (
        machines.ec2.describe_network_interfaces(NetworkInterfaceIds=[trunk])["NetworkInterfaces"][0]["InterfaceType"]
        == "trunk"
    )
    network = {"awsvpcConfiguration": {"subnets": [subnet]}}
    for host, kind in ((plain, "interface"), (trunked, "branch")):
        answer = machines.ecs.start_task(
            cluster=machines.cluster,
            taskDefinition=sleeper(machines),
            containerInstances=[host],
            networkConfiguration=network,
        )
        task = answer["tasks"][0]["taskArn"]
        machines.tasks.append(task)
        details = machines.running(task)["attachments"][0]["details"]
        eni = next(each["value"] for each in details if each["name"] == "networkInterfaceId")
        found = machines.ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]
        assert found["InterfaceType"] == kind
        associations = machines.ec2.describe_trunk_interface_associations()["InterfaceAssociations"]
        assert [each["TrunkInterfaceId"] for each in associations if each["BranchInterfaceId"] == eni] == (
            [trunk] if kind == "branch" else []
        )
    machines.close()
    machines.tasks.clear()
    machines.launched.clear()
    assert free() == before
    machines.ec2.delete_subnet(SubnetId=subnet)
    machines.ec2.delete_vpc(VpcId=vpc)


def test_two_branches_of_one_trunk_obey_different_security_groups(machines: Machines) -> None:
    role = f"role-{uuid4().hex[:8]}"
    machines.ready(IamInstanceProfile=opt_in(machines, role))
    web = machines.define({"name": "main", "stopTimeout": 2}, mode="awsvpc")
    opened, closed = machines.group(80), machines.group()
    tasks = [machines.running(machines.run(web, groups=[group])) for group in (opened, closed)]
    one, other = (f"{eni_address(task)}/healthz" for task in tasks)
    asks = f"{hears(one)}; {hears_nothing(other)}"
    assert machines.output(machines.define(shell(asks), mode="awsvpc"), groups=[]) == ["ok", "none"]
    task = machines.lab.run(machines.lab.define(shell(asks)))
    machines.lab.stopped(task)
    assert machines.lab.lines(task, "main") == ["ok", "none"]


@pytest.fixture
def elsewhere(lab: Lab) -> Iterator[Machines]:
    """Give a cluster in another region, so that its account's default concerns no other test."""
    made = Machines(lab, boto3.Session(region_name="eu-west-1"))
    yield made
    made.close()


def test_the_accounts_default_opts_everybody_in(elsewhere: Machines) -> None:
    before = elsewhere.ready()
    elsewhere.ecs.put_account_setting_default(name="awsvpcTrunking", value="enabled")
    after = elsewhere.ready()
    elsewhere.ecs.put_account_setting_default(name="awsvpcTrunking", value="disabled")
    assert [bool(trunk_of(elsewhere, each)) for each in (before, after)] == [False, True]


def test_a_type_that_cannot_have_a_trunk_gets_none(machines: Machines) -> None:
    role = f"role-{uuid4().hex[:8]}"
    arn = machines.ready(InstanceType="t3.medium", IamInstanceProfile=opt_in(machines, role))
    assert trunk_of(machines, arn) == ""
    assert [len(each) for each in fill(machines, arn, machines.group())] == [2, 1]
