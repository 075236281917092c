"""Tasks as RunTask makes them, for tests of what becomes of them."""

from typing import Any

from homeport.kit.ids import CountingIds
from homeport.services.ec2.model import Subnet
from homeport.services.ecs import overrides
from homeport.services.ecs.launching import Order, build
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.model.tasks import Task, TaskRecord

SUBNET = Subnet("subnet-1", "us-east-1", "vpc-1", "10.0.0.0/24", "us-east-1a", "aclassoc-1")
CLUSTER = Cluster("arn:aws:ecs:us-east-1:123456789012:cluster/default", "default")


def launched(definition: dict[str, Any], changes: dict[str, Any]) -> TaskRecord:
    """Return the task that RunTask makes of revision 7 of a complete *definition*, with *changes* as its overrides."""
    overrides.check(definition, changes)
    order = Order(
        account="123456789012",
        region="us-east-1",
        cluster=CLUSTER,
        definition=TaskDefinition("us-east-1", "web", 7, "ACTIVE", "", {}),
        applied=overrides.apply(definition, changes),
        overrides=overrides.echo(definition, changes),
        subnets=[SUBNET],
        groups=(),
        public_address=False,
        architecture="x86_64",
        group="",
        started_by="",
        now=1_000.0,
        turn=0,
    )
    return build(order, None, 0, CountingIds())


def task_document(number: int = 0, **members: Any) -> Task:
    """Return the document of a Fargate task that waits for its node."""
    values: dict[str, Any] = {
        "attachments": (),
        "attributes": (),
        "availability_zone": "us-east-1a",
        "cluster_arn": CLUSTER.arn,
        "containers": (),
        "cpu": "256",
        "group": "family:web",
        "launch_type": "FARGATE",
        "memory": "512",
        "overrides": {},
        "platform_version": "1.4.0",
        "task_arn": f"arn:aws:ecs:us-east-1:123456789012:task/default/{number:032x}",
        "task_definition_arn": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1",
    }
    return Task(**(values | members))
