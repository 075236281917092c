"""What `homeport explain` does: ask the API, and print what follows from its answers."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from homeport.cli.client import Clients, complain
from homeport.cli.deploy.reading import Asker, NotThere
from homeport.cli.explain.balancers import Balancing, explain_balancer
from homeport.cli.explain.instances import TYPE_ATTRIBUTE, instances_of
from homeport.cli.explain.placing import explain_definition
from homeport.cli.explain.scaling import Scaling, explain_scaling, read_scaling
from homeport.cli.explain.services import explain_service
from homeport.cli.explain.tasks import explain_task
from homeport.cli.net.reading import (
    attributes_of,
    collect,
    describe_container_instances,
    describe_tasks,
    every,
    model_of,
)
from homeport.services.ecs.placement.filters import Network
from homeport.services.ecs.placement.instance import Instance


def explain(task: str, definition: str, cluster: str, subnets: Sequence[str]) -> int:
    """Explain a task, or what would become of one of a definition."""
    if bool(task) == bool(definition):
        return complain("name either a task or a --task-definition")
    clients = Clients()
    ecs, ec2 = clients.client("ecs"), clients.client("ec2")
    try:
        lines = _task(ecs, ec2, cluster, task) if task else _definition(ecs, ec2, cluster, definition, subnets)
    except (BotoCoreError, ClientError, NotThere) as error:
        return complain(error)
    print("\n".join(lines))
    return 0


def service(name: str, cluster: str) -> int:
    """Explain a service."""
    clients = Clients()
    asker = Asker(clients.client("ecs"), clients.client("elbv2"), cluster, name)
    try:
        answers = asker.ask()
        scaling = _scaling(clients, asker)
    except (BotoCoreError, ClientError, NotThere) as error:
        return complain(error)
    now = time.time()
    lines = [*explain_service(answers, now), *(explain_scaling(scaling, now) if scaling is not None else ())]
    print("\n".join(lines))
    return 0


def balancer(name: str) -> int:
    """Explain a load balancer."""
    clients = Clients()
    elb = clients.client("elbv2")
    try:
        found = read_balancer(elb, name)
        network = model_of(collect(clients.client("ec2"), clients.client("ecs")))
    except (BotoCoreError, ClientError) as error:
        return complain(error)
    print("\n".join(explain_balancer(found, network)))
    return 0


def read_balancer(elb: Any, name: str) -> Balancing:
    """Ask for all that is said of a load balancer."""
    asked: dict[str, Any] = {"LoadBalancerArns": [name]} if name.startswith("arn:") else {"Names": [name]}
    shown = elb.describe_load_balancers(**asked)["LoadBalancers"][0]
    arn = shown["LoadBalancerArn"]
    listeners = every(elb, "describe_listeners", "Listeners", LoadBalancerArn=arn)
    groups = every(elb, "describe_target_groups", "TargetGroups", LoadBalancerArn=arn)
    return Balancing(
        shown,
        listeners,
        {
            each["ListenerArn"]: every(elb, "describe_rules", "Rules", ListenerArn=each["ListenerArn"])
            for each in listeners
        },
        {each["TargetGroupArn"]: each for each in groups},
        {
            each["TargetGroupArn"]: elb.describe_target_health(TargetGroupArn=each["TargetGroupArn"])[
                "TargetHealthDescriptions"
            ]
            for each in groups
        },
    )


def _scaling(clients: Clients, asker: Asker) -> Scaling | None:
    autoscaling, cloudwatch = clients.client("application-autoscaling"), clients.client("cloudwatch")
    return read_scaling(autoscaling, cloudwatch, asker.cluster, asker.name)


def _task(ecs: Any, ec2: Any, cluster: str, name: str) -> list[str]:
    if name.startswith("arn:") and name.count("/") == 2:
        cluster = name.split("/")[1]
    answer = ecs.describe_tasks(cluster=cluster, tasks=[name])
    if not answer["tasks"]:
        raise NotThere(f"the cluster {cluster} has no task {name}")
    found = answer["tasks"][0]
    definition = ecs.describe_task_definition(taskDefinition=found["taskDefinitionArn"])["taskDefinition"]
    instances = _instances(ecs, ec2, cluster) if "containerInstanceArn" in found else []
    return list(explain_task(found, definition, instances))


def _definition(ecs: Any, ec2: Any, cluster: str, name: str, subnets: Sequence[str]) -> list[str]:
    definition = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
    network = _network(ec2, subnets) if subnets else None
    return list(explain_definition(definition, _instances(ecs, ec2, cluster), network, cluster))


def _instances(ecs: Any, ec2: Any, cluster: str) -> list[Instance]:
    registered = describe_container_instances(ecs, cluster)
    names = sorted({attributes_of(each).get(TYPE_ATTRIBUTE, "") for each in registered} - {""})
    return instances_of(registered, describe_tasks(ecs, cluster), _limits(ec2, names))


def _limits(ec2: Any, names: Sequence[str]) -> Mapping[str, int]:
    if not names:
        return {}
    found = ec2.describe_instance_types(Filters=[{"Name": "instance-type", "Values": list(names)}])["InstanceTypes"]
    return {each["InstanceType"]: each["NetworkInfo"]["MaximumNetworkInterfaces"] for each in found}


def _network(ec2: Any, subnets: Sequence[str]) -> Network:
    found = ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]
    vpcs = {each["VpcId"] for each in found}
    if len(vpcs) != 1:
        raise NotThere(f"the subnets are in several VPCs: {', '.join(sorted(vpcs))}")
    return Network(vpcs.pop(), frozenset(each["AvailabilityZone"] for each in found))
