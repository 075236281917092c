"""Services found by name: ECS keeps Cloud Map true, and tasks ask real DNS."""

import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from tests.cluster.conftest import Lab, shell, until
from tests.cluster.test_services import WEB, create, remove, shown

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

NAME = "web.internal.example"
PAGE = f"wget -q -O - http://{NAME}/healthz"


@pytest.fixture
def cloudmap() -> Any:
    return boto3.client("servicediscovery")


@pytest.fixture
def registry(cloudmap: Any, lab: Lab) -> Iterator[dict[str, Any]]:
    """Give a Cloud Map service called web in a private namespace of the default VPC."""
    vpc = lab.subnets()[0]["VpcId"]
    operation = cloudmap.create_private_dns_namespace(Name="internal.example", Vpc=vpc)["OperationId"]
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
        found = cloudmap.discover_instances(NamespaceName="internal.example", ServiceName="web", HealthStatus=status)[
            "Instances"
        ]
        return {one["Attributes"]["AWS_INSTANCE_IPV4"] for one in found}

    name = create(lab, lab.define(WEB), desiredCount=2, serviceRegistries=[{"registryArn": registry["Arn"]}])
    until("both tasks to be healthy", lambda: len(discovered()) == 2, patience=120)
    tasks = lab.ecs.list_tasks(serviceName=name)["taskArns"]
    assert discovered() == {lab.address(task) for task in tasks}
    assert asked(lab) == discovered()
    lab.ecs.update_service(service=name, desiredCount=1)
    until("one task to be left", lambda: len(discovered("ALL")) == 1)
    [left] = discovered("ALL")
    assert asked(lab) == {left}
    [kept] = lab.ecs.list_tasks(serviceName=name)["taskArns"]
    assert left == lab.address(kept)
    remove(lab, name)
    assert shown(lab, name)["status"] == "INACTIVE"
    assert discovered("ALL") == asked(lab) == set()
