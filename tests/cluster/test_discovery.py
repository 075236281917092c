"""Services found by name: ECS keeps Cloud Map true, and tasks ask real DNS."""

import os
import re
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import boto3
import pytest
from tests.cluster.conftest import Lab, shell, until
from tests.cluster.test_services import WEB, create, remove, shown

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# One for each worker: they share a lab, and a VPC can have a namespace of a name only once.
DOMAIN = f"internal-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.example"
NAME = f"web.{DOMAIN}"
PAGE = f"wget -q -O - http://{NAME}/healthz"


@pytest.fixture
def cloudmap() -> Any:
    return boto3.client("servicediscovery")


@pytest.fixture
def registry(cloudmap: Any, lab: Lab) -> Iterator[dict[str, Any]]:
    """Give a Cloud Map service called web in a private namespace of the default VPC."""
    vpc = lab.subnets()[0]["VpcId"]
    operation = cloudmap.create_private_dns_namespace(Name=DOMAIN, Vpc=vpc)["OperationId"]
    done = cloudmap.get_operation(OperationId=operation)["Operation"]
    assert done["Status"] == "SUCCESS", done
    namespace = done["Targets"]["NAMESPACE"]
    service = cloudmap.create_service(
        Name="web",
        NamespaceId=namespace,
        DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 1}]},
        HealthCheckCustomConfig={},
    )["Service"]
    yield service
    cloudmap.delete_service(Id=service["Id"])
    cloudmap.delete_namespace(Id=namespace)


def asked(lab: Lab) -> set[str]:
    """Return the addresses that a task finds under the name."""
    lines = lab.output(shell(f"nslookup -type=a {NAME}; {PAGE}"))
    answer = "\n".join(lines).partition(f"Name:\t{NAME}")[2]
    found = set(re.findall(r"Address: (\S+)", answer))
    assert not found or lines[-1] == "ok", lines
    return found


def test_a_task_finds_the_running_tasks_of_a_service_and_none_that_was_stopped(
    lab: Lab, cloudmap: Any, registry: dict[str, Any]
) -> None:
    def discovered(status: str = "HEALTHY") -> set[str]:
        found = cloudmap.discover_instances(NamespaceName=DOMAIN, ServiceName="web", HealthStatus=status)["Instances"]
        return {one["Attributes"]["AWS_INSTANCE_IPV4"] for one in found}

    name = create(lab, lab.define(WEB), desiredCount=2, serviceRegistries=[{"registryArn": registry["Arn"]}])
    until("both tasks to be healthy", lambda: len(discovered()) == 2)
    tasks = lab.ecs.list_tasks(serviceName=name)["taskArns"]
    assert discovered() == {lab.address(task) for task in tasks}
    until("a task to find both", lambda: asked(lab) == discovered())
    lab.ecs.update_service(service=name, desiredCount=1)
    until("one task to be left", lambda: len(discovered("ALL")) == 1)
    [left] = discovered("ALL")
    until("a task to find it alone", lambda: asked(lab) == {left})
    [kept] = lab.ecs.list_tasks(serviceName=name)["taskArns"]
    assert left == lab.address(kept)
    remove(lab, name)
    assert shown(lab, name)["status"] == "INACTIVE"
    assert discovered("ALL") == set()
    until("no task to find any", lambda: asked(lab) == set())


ROUNDS, WEBS, STRANGERS = 6, 3, 3

#: Asks every address under the name who is there, without end; a stranger's answer is a line of its own.
ASK = f"""
while true; do
    for address in $(nslookup -type=a {NAME} | sed -n '/^Name/,$s/^Address: //p'); do
        who=$(timeout 1 wget -q -O - http://$address/who 2>/dev/null)
        case "$who" in
            web) known=$((known + 1)); [ $((known % 20)) = 0 ] && echo "known $known";;
            "") ;;
            *) echo "stranger $address $who";;
        esac
    done
done 2>/dev/null
"""


@pytest.fixture
def narrow(lab: Lab) -> Iterator[str]:
    """Give a subnet of eleven addresses, so that each is soon lent again."""
    vpc = lab.subnets()[0]["VpcId"]
    subnet = lab.ec2.create_subnet(VpcId=vpc, CidrBlock="172.31.250.0/28", AvailabilityZone="us-east-1a")["Subnet"]
    yield subnet["SubnetId"]
    lab.ec2.delete_subnet(SubnetId=subnet["SubnetId"])


def who(word: str) -> dict[str, Any]:
    """Return a container that tells everybody who it is."""
    return shell(f"echo {word} > /www/who; exec /bin/serve", word)


def test_a_name_never_leads_to_a_stranger_who_was_given_the_address(
    lab: Lab, registry: dict[str, Any], narrow: str
) -> None:
    """Tasks with the name and tasks without it take turns with eleven addresses, while somebody asks all the time."""
    network = {"awsvpcConfiguration": {"subnets": [narrow]}}
    name = f"tests-{uuid4().hex[:8]}"
    stranger = lab.define(who("stranger"))
    asker = lab.run(lab.define(shell(ASK)))
    lab.running(asker)
    lab.ecs.create_service(
        serviceName=name,
        taskDefinition=lab.define(who("web")),
        desiredCount=WEBS,
        launchType="FARGATE",
        networkConfiguration=network,
        serviceRegistries=[{"registryArn": registry["Arn"]}],
    )
    had: dict[str, set[str]] = {"web": set(), "stranger": set()}
    strangers: list[str] = []

    def has_more_lines(before: int) -> bool:
        return len(lab.lines(asker, "main")) > before

    for _ in range(ROUNDS):
        until("the service's tasks to run", lambda: shown(lab, name)["runningCount"] == WEBS)
        webs = lab.ecs.list_tasks(serviceName=name)["taskArns"]
        had["web"] |= {lab.address(task) for task in webs}
        until("the name to be asked for", partial(has_more_lines, len(lab.lines(asker, "main"))))
        for task in webs:
            lab.ecs.stop_task(task=task)
        for task in strangers:
            lab.ecs.stop_task(task=task)
        for task in (*webs, *strangers):
            lab.stopped(task)
        answer = lab.ecs.run_task(
            taskDefinition=stranger, count=STRANGERS, launchType="FARGATE", networkConfiguration=network
        )
        assert answer["failures"] == []
        strangers = [task["taskArn"] for task in answer["tasks"]]
        had["stranger"] |= {lab.address(lab.running(task)["taskArn"]) for task in strangers}
    asked = lab.lines(asker, "main")
    for task in (*strangers, asker):
        lab.ecs.stop_task(task=task)
        lab.stopped(task)
    remove(lab, name)
    assert had["web"] & had["stranger"], "some address was both one's and the other's"
    assert [line for line in asked if line.startswith("stranger")] == []
    assert f"known {20 * ROUNDS}" in asked, "the name was asked for all the time"
