"""
The network as the public API shows it.

`collect` asks; `model_of` is pure and turns the answers into a model.  A task's interface is found by the task's
attachments; one that a service holds for a task that is not listed any more still belongs to no instance.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from homeport.cli.net.model import (
    Binding,
    Container,
    Eni,
    Gateway,
    Group,
    Instance,
    Kind,
    Mode,
    Model,
    Route,
    RouteTable,
    Rule,
    Subnet,
    Task,
    Vpc,
)
from homeport.services.ec2.instance_types import find_instance_type, find_trunk_limit

Document = Mapping[str, Any]

TRUNK_ATTRIBUTE = "ecs.awsvpc-trunk-id"
_BALANCERS = "amazon-elb"  # who asks for the interfaces of load balancers
_PAGE = 100  # of tasks and container instances in one request


@dataclass(frozen=True, slots=True)
class Answers:
    """What the API has answered, each kind as AWS's documents."""

    vpcs: Sequence[Document] = ()
    subnets: Sequence[Document] = ()
    route_tables: Sequence[Document] = ()
    gateways: Sequence[Document] = ()
    groups: Sequence[Document] = ()
    interfaces: Sequence[Document] = ()
    instances: Sequence[Document] = ()
    types: Sequence[Document] = ()
    trunks: Sequence[Document] = ()
    container_instances: Sequence[Document] = ()
    tasks: Sequence[Document] = ()
    definitions: Mapping[str, Document] = field(default_factory=dict)  # by ARN


def collect(ec2: Any, ecs: Any) -> Answers:
    """Ask for everything that a model is made of."""
    instances = [each for found in every(ec2, "describe_instances", "Reservations") for each in found["Instances"]]
    names = sorted({instance["InstanceType"] for instance in instances})
    of_types = [{"Name": "instance-type", "Values": names}]
    tasks: list[Document] = []
    container_instances: list[Document] = []
    for cluster in every(ecs, "list_clusters", "clusterArns"):
        tasks += describe_tasks(ecs, cluster)
        container_instances += describe_container_instances(ecs, cluster)
    arns = sorted({task["taskDefinitionArn"] for task in tasks})
    return Answers(
        vpcs=every(ec2, "describe_vpcs", "Vpcs"),
        subnets=every(ec2, "describe_subnets", "Subnets"),
        route_tables=every(ec2, "describe_route_tables", "RouteTables"),
        gateways=every(ec2, "describe_internet_gateways", "InternetGateways"),
        groups=every(ec2, "describe_security_groups", "SecurityGroups"),
        interfaces=every(ec2, "describe_network_interfaces", "NetworkInterfaces"),
        instances=instances,
        types=every(ec2, "describe_instance_types", "InstanceTypes", Filters=of_types) if names else [],
        trunks=every(ec2, "describe_trunk_interface_associations", "InterfaceAssociations"),
        container_instances=container_instances,
        tasks=tasks,
        definitions={arn: ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"] for arn in arns},
    )


def describe_tasks(ecs: Any, cluster: str) -> list[Document]:
    """Return a cluster's tasks that are meant to run."""
    arns = every(ecs, "list_tasks", "taskArns", cluster=cluster, desiredStatus="RUNNING")
    pages = (ecs.describe_tasks(cluster=cluster, tasks=page)["tasks"] for page in _pages(arns))
    return [task for page in pages for task in page]


def describe_container_instances(ecs: Any, cluster: str) -> list[Document]:
    """Return a cluster's container instances, those that are coming or going included."""
    arns: list[str] = []
    for status in ("ACTIVE", "DRAINING", "REGISTERING", "REGISTRATION_FAILED", "DEREGISTERING"):
        arns += every(ecs, "list_container_instances", "containerInstanceArns", cluster=cluster, status=status)
    pages = (
        ecs.describe_container_instances(cluster=cluster, containerInstances=page)["containerInstances"]
        for page in _pages(list(dict.fromkeys(arns)))
    )
    return [instance for page in pages for instance in page]


def every(client: Any, operation: str, member: str, **asked: Any) -> list[Any]:
    """Return all pages of a list."""
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**asked)[member])
    return [item for page in client.get_paginator(operation).paginate(**asked) for item in page[member]]


def _pages(items: Sequence[str]) -> Iterator[list[str]]:
    return (list(items[at : at + _PAGE]) for at in range(0, len(items), _PAGE))


def model_of(answers: Answers) -> Model:
    """Return the model that the answers describe."""
    instances = _instances(answers)
    by_arn = {each["containerInstanceArn"]: each.get("ec2InstanceId", "") for each in answers.container_instances}
    tasks = [_task(task, answers.definitions[task["taskDefinitionArn"]], by_arn) for task in answers.tasks]
    owners = {task.eni: task.id for task in tasks if task.eni}
    trunks = {each["BranchInterfaceId"]: (each["TrunkInterfaceId"], each["VlanId"]) for each in answers.trunks}
    return Model(
        vpcs={
            each["VpcId"]: Vpc(each["VpcId"], each["CidrBlock"], name_of(each), each.get("IsDefault", False))
            for each in answers.vpcs
        },
        subnets={each["SubnetId"]: _subnet(each) for each in answers.subnets},
        tables={each["RouteTableId"]: _route_table(each) for each in answers.route_tables},
        gateways={
            each["InternetGatewayId"]: Gateway(
                each["InternetGatewayId"], next((at["VpcId"] for at in each.get("Attachments", ())), "")
            )
            for each in answers.gateways
        },
        groups={each["GroupId"]: _group(each) for each in answers.groups},
        enis={each["NetworkInterfaceId"]: _eni(each, owners, instances, trunks) for each in answers.interfaces},
        instances=instances,
        tasks={task.id: task for task in tasks},
    )


def name_of(document: Document) -> str:
    """Return the tag that people call a thing by."""
    return next((str(tag["Value"]) for tag in document.get("Tags", ()) if tag["Key"] == "Name"), "")


def _subnet(each: Document) -> Subnet:
    free = each.get("AvailableIpAddressCount", 0)
    return Subnet(each["SubnetId"], each["VpcId"], each["CidrBlock"], each["AvailabilityZone"], name_of(each), free)


def _route_table(each: Document) -> RouteTable:
    routes = tuple(
        Route(
            route["DestinationCidrBlock"],
            next(
                (str(route[name]) for name in ("GatewayId", "NatGatewayId", "NetworkInterfaceId") if route.get(name)),
                "",
            ),
            route.get("State") == "active",
        )
        for route in each["Routes"]
        if "DestinationCidrBlock" in route
    )
    associations = each["Associations"]
    subnets = tuple(sorted(found["SubnetId"] for found in associations if "SubnetId" in found))
    return RouteTable(
        each["RouteTableId"], each["VpcId"], routes, any(found["Main"] for found in associations), subnets
    )


def _group(each: Document) -> Group:
    ingress, egress = (tuple(_rules(each[name])) for name in ("IpPermissions", "IpPermissionsEgress"))
    return Group(each["GroupId"], each["VpcId"], each["GroupName"], ingress, egress)


def _rules(permissions: Iterable[Document]) -> Iterator[Rule]:
    for each in permissions:
        service = each["IpProtocol"], each.get("FromPort", -1), each.get("ToPort", -1)
        for found in each.get("IpRanges", ()):
            yield Rule(*service, cidr=found["CidrIp"])
        for found in each.get("Ipv6Ranges", ()):
            yield Rule(*service, cidr=found["CidrIpv6"])
        for found in each.get("UserIdGroupPairs", ()):
            yield Rule(*service, group=found["GroupId"])


def _eni(
    each: Document,
    owners: Mapping[str, str],
    instances: Mapping[str, Instance],
    trunks: Mapping[str, tuple[str, int]],
) -> Eni:
    id_, attachment = each["NetworkInterfaceId"], each.get("Attachment", {})
    kind = Kind(each["InterfaceType"]) if each["InterfaceType"] in set(Kind) else Kind.INTERFACE
    instance = attachment.get("InstanceId", "")
    task = owners.get(id_, "")
    balancer = each.get("Description", "").removeprefix("ELB ") if each.get("RequesterId") == _BALANCERS else ""
    if not task and each.get("RequesterManaged") and kind is not Kind.TRUNK and not balancer:
        task = each.get("Description", "").rpartition("/")[2]
    trunk, vlan = trunks.get(id_, ("", 0))
    return Eni(
        id=id_,
        subnet=each["SubnetId"],
        vpc=each["VpcId"],
        address=each["PrivateIpAddress"],
        mac=each["MacAddress"],
        groups=tuple(sorted(group["GroupId"] for group in each["Groups"])),
        kind=kind,
        public=each.get("Association", {}).get("PublicIp", ""),
        attached=bool(attachment) or bool(trunk) or bool(owners.get(id_)),
        instance=instance if instance in instances else "",
        device_index=attachment.get("DeviceIndex", 0),
        task=task,
        trunk=trunk,
        vlan=vlan,
        description=each.get("Description", ""),
        balancer=balancer,
    )


def _instances(answers: Answers) -> dict[str, Instance]:
    limits = {each["InstanceType"]: each["NetworkInfo"]["MaximumNetworkInterfaces"] for each in answers.types}
    registered = {each.get("ec2InstanceId", ""): each for each in answers.container_instances}
    found = (
        _instance(each, limits.get(each["InstanceType"], 0), registered.get(each["InstanceId"], {}))
        for each in answers.instances
        if each["State"]["Name"] != "terminated"
    )
    return {instance.id: instance for instance in found}


def _instance(each: Document, enis: int, registered: Document) -> Instance:
    interfaces = each.get("NetworkInterfaces", ())
    primary = next((eni["NetworkInterfaceId"] for eni in interfaces if eni["Attachment"]["DeviceIndex"] == 0), "")
    known = find_instance_type(each["InstanceType"])
    limit = find_trunk_limit(known) if known is not None and attributes_of(registered).get(TRUNK_ATTRIBUTE) else None
    arn = registered.get("containerInstanceArn", "")
    return Instance(
        id=each["InstanceId"],
        type=each["InstanceType"],
        subnet=each.get("SubnetId", ""),
        vpc=each.get("VpcId", ""),
        interface=primary,
        running=each["State"]["Name"] == "running",
        state=each["State"]["Name"],
        name=name_of(each),
        enis=enis,
        container_instance=arn,
        cluster=arn.split("/")[1] if arn else "",
        status=registered.get("status", ""),
        branches=limit.tasks if limit is not None else 0,
    )


def attributes_of(registered: Document) -> dict[str, str]:
    """Return a container instance's attributes; "" for those that are only a name."""
    return {each["name"]: each.get("value", "") for each in registered.get("attributes", ())}


def _task(each: Document, definition: Document, instances: Mapping[str, str]) -> Task:
    fargate = "FARGATE" in each.get("launchType", "") or "containerInstanceArn" not in each
    mode = Mode(definition.get("networkMode", Mode.AWSVPC if fargate else Mode.BRIDGE))
    declared = {container["name"]: container for container in definition["containerDefinitions"]}
    details = {
        detail["name"]: detail["value"] for attachment in each["attachments"] for detail in attachment["details"]
    }
    family, _, revision = each["taskDefinitionArn"].rpartition("/")[2].partition(":")
    return Task(
        id=each["taskArn"].rpartition("/")[2],
        cluster=each["clusterArn"].rpartition("/")[2],
        definition=f"{family}:{revision}",
        mode=mode,
        running=each["lastStatus"] == "RUNNING",
        status=each["lastStatus"],
        instance=instances.get(each.get("containerInstanceArn", ""), ""),
        eni=details.get("networkInterfaceId", "") if mode is Mode.AWSVPC else "",
        containers=tuple(_container(found, declared.get(found["name"], {}), mode) for found in each["containers"]),
    )


def _container(each: Document, declared: Document, mode: Mode) -> Container:
    bindings = {_binding(found) for found in each.get("networkBindings", ())} if mode is Mode.BRIDGE else set()
    ports = {
        (port, found.get("protocol", "tcp")) for found in declared.get("portMappings", ()) for port in _ports(found)
    }
    return Container(
        name=each["name"],
        running=each.get("lastStatus") == "RUNNING",
        ports=tuple(sorted(ports)),
        bindings=tuple(
            sorted(bindings, key=lambda binding: (binding.container_port, binding.host_port, binding.protocol))
        ),
    )


def _ports(mapping: Document) -> tuple[int, ...]:
    """Return the port that a mapping names; of a range the first."""
    first, _ = _range(mapping, "container")
    return (first,) if first else ()


def _binding(found: Document) -> Binding:
    port, last_port = _range(found, "container")
    host_port, last_host_port = _range(found, "host")
    return Binding(port, host_port, found.get("protocol", "tcp"), last_port, last_host_port)


def _range(found: Document, end: str) -> tuple[int, int]:
    """Return a single port and 0, or both ends of a range."""
    if text := found.get(f"{end}PortRange"):
        low, _, high = str(text).partition("-")
        return int(low), int(high or low)
    return int(found.get(f"{end}Port") or 0), 0
