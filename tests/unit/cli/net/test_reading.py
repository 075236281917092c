"""The API's answers as a model: what belongs to whom."""

import pytest

from homeport.cli.net.model import Binding, Kind, Mode, Model, Route, Rule
from homeport.cli.net.packet import AtEni
from homeport.cli.net.places import Unknown, find_source
from homeport.cli.net.reading import Answers, collect, model_of

CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/main"
HOST = "arn:aws:ecs:us-east-1:123456789012:container-instance/main/" + "1" * 32
WEB, ALONE = ("arn:aws:ecs:us-east-1:123456789012:task-definition/" + name for name in ("web:3", "alone:1"))


def interface(id_: str, **members):
    return {
        "NetworkInterfaceId": id_,
        "SubnetId": "subnet-1",
        "VpcId": "vpc-1",
        "PrivateIpAddress": "10.0.1.4",
        "MacAddress": "02:00:00:00:00:01",
        "Groups": [{"GroupId": "sg-2", "GroupName": "b"}, {"GroupId": "sg-1", "GroupName": "a"}],
        "InterfaceType": "interface",
        "RequesterManaged": False,
        "Description": "",
        **members,
    }


def task(letter: str, definition: str, **members):
    return {
        "taskArn": f"arn:aws:ecs:us-east-1:123456789012:task/main/{letter * 32}",
        "clusterArn": CLUSTER,
        "taskDefinitionArn": definition,
        "lastStatus": "RUNNING",
        "launchType": "EC2",
        "containerInstanceArn": HOST,
        "attachments": [],
        "containers": [{"name": "main", "lastStatus": "RUNNING", "networkBindings": []}],
        **members,
    }


def eni_of(id_: str):
    details = [{"name": "subnetId", "value": "subnet-1"}, {"name": "networkInterfaceId", "value": id_}]
    return [{"type": "ElasticNetworkInterface", "details": details}]


BINDINGS = [
    {"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 32768, "protocol": "tcp"},
    {"bindIP": "::", "containerPort": 80, "hostPort": 32768, "protocol": "tcp"},
    {"bindIP": "0.0.0.0", "containerPortRange": "90-92", "hostPortRange": "33000-33002", "protocol": "udp"},
]

ANSWERS = Answers(
    vpcs=[
        {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "IsDefault": True, "Tags": [{"Key": "Name", "Value": "main"}]}
    ],
    subnets=[{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1a"}],
    route_tables=[
        {
            "RouteTableId": "rtb-1",
            "VpcId": "vpc-1",
            "Routes": [
                {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
                {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "blackhole"},
                {"DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-1", "State": "active"},
            ],
            "Associations": [{"Main": True}, {"Main": False, "SubnetId": "subnet-1"}],
        }
    ],
    gateways=[{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1"}]}, {"InternetGatewayId": "igw-2"}],
    groups=[
        {
            "GroupId": "sg-1",
            "VpcId": "vpc-1",
            "GroupName": "a",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 80,
                    "ToPort": 81,
                    "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                    "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
                    "UserIdGroupPairs": [{"GroupId": "sg-2"}],
                }
            ],
            "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        }
    ],
    interfaces=[
        interface("eni-1", Attachment={"InstanceId": "i-1", "DeviceIndex": 0}, Association={"PublicIp": "198.18.0.4"}),
        interface(
            "eni-t", Attachment={"InstanceId": "i-1", "DeviceIndex": 1}, InterfaceType="trunk", RequesterManaged=True
        ),
        interface("eni-b", InterfaceType="branch", RequesterManaged=True),
        interface("eni-plain", Attachment={"InstanceId": "i-1", "DeviceIndex": 2}, RequesterManaged=True),
        interface(
            "eni-leaving",
            Attachment={"InstanceId": "i-1", "DeviceIndex": 3},
            RequesterManaged=True,
            Description="arn:aws:ecs:us-east-1:123456789012:attachment/7f",
        ),
        interface("eni-free"),
    ],
    instances=[
        {
            "InstanceId": "i-1",
            "InstanceType": "c5.large",
            "State": {"Name": "running"},
            "SubnetId": "subnet-1",
            "VpcId": "vpc-1",
            "NetworkInterfaces": [
                {"NetworkInterfaceId": "eni-t", "Attachment": {"DeviceIndex": 1}},
                {"NetworkInterfaceId": "eni-1", "Attachment": {"DeviceIndex": 0}},
            ],
        },
        {"InstanceId": "i-2", "InstanceType": "c5.large", "State": {"Name": "terminated"}},
    ],
    types=[{"InstanceType": "c5.large", "NetworkInfo": {"MaximumNetworkInterfaces": 3}}],
    trunks=[{"TrunkInterfaceId": "eni-t", "BranchInterfaceId": "eni-b", "VlanId": 7}],
    container_instances=[
        {
            "containerInstanceArn": HOST,
            "ec2InstanceId": "i-1",
            "status": "ACTIVE",
            "attributes": [{"name": "ecs.awsvpc-trunk-id", "value": "eni-t"}, {"name": "ecs.capability.task-eni"}],
        }
    ],
    tasks=[
        task("a", WEB, containers=[{"name": "main", "lastStatus": "RUNNING", "networkBindings": BINDINGS}]),
        task("b", ALONE, attachments=eni_of("eni-b"), lastStatus="PENDING"),
        task("c", ALONE, attachments=eni_of("eni-plain")),
    ],
    definitions={
        WEB: {
            "containerDefinitions": [
                {
                    "name": "main",
                    "portMappings": [{"containerPort": 80, "protocol": "tcp"}, {"containerPortRange": "90-92"}],
                }
            ]
        },
        ALONE: {"networkMode": "awsvpc", "containerDefinitions": [{"name": "main", "portMappings": []}]},
    },
)

MODEL: Model = model_of(ANSWERS)


def test_a_definition_without_a_mode_is_bridge_on_ec2() -> None:
    assert [each.mode for each in MODEL.tasks.values()] == [Mode.BRIDGE, Mode.AWSVPC, Mode.AWSVPC]


def test_bindings_are_read_once_for_both_address_families() -> None:
    container = MODEL.tasks["a" * 32].containers[0]
    assert container.bindings == (Binding(80, 32768), Binding(90, 33000, "udp", 92, 33002))
    assert container.ports == ((80, "tcp"), (90, "tcp"))


def test_a_tasks_interface_is_not_the_instances_own() -> None:
    assert [eni.id for eni in MODEL.own_enis("i-1")] == ["eni-1", "eni-t"]
    assert MODEL.enis["eni-plain"].task == "c" * 32
    assert MODEL.enis["eni-leaving"].task == "7f", "its task is not listed any more"
    assert MODEL.counted_enis("i-1") == 4


def test_trunk_and_branch_know_one_another() -> None:
    branch = MODEL.enis["eni-b"]
    assert (branch.kind, branch.trunk, branch.vlan, branch.task) == (Kind.BRANCH, "eni-t", 7, "b" * 32)
    assert branch.attached
    assert MODEL.enis["eni-t"].kind is Kind.TRUNK
    assert not MODEL.enis["eni-free"].attached


def test_an_instance_has_its_types_limit_and_with_a_trunk_the_tables() -> None:
    instance = MODEL.instances["i-1"]
    assert (instance.enis, instance.branches, instance.interface) == (3, 10, "eni-1")
    assert (instance.cluster, instance.status) == ("main", "ACTIVE")
    assert "i-2" not in MODEL.instances, "it is terminated"


def test_rules_come_one_for_each_peer() -> None:
    group = MODEL.groups["sg-1"]
    assert group.ingress == (
        Rule("tcp", 80, 81, "0.0.0.0/0"),
        Rule("tcp", 80, 81, "::/0"),
        Rule("tcp", 80, 81, group="sg-2"),
    )
    assert group.egress == (Rule(cidr="0.0.0.0/0"),)
    assert MODEL.enis["eni-1"].groups == ("sg-1", "sg-2")


def test_routes_and_gateways() -> None:
    table = MODEL.tables["rtb-1"]
    assert table.routes == (Route("10.0.0.0/16", "local"), Route("0.0.0.0/0", "igw-1", active=False))
    assert (table.main, table.subnets) == (True, ("subnet-1",))
    assert MODEL.gateways["igw-1"].vpc == "vpc-1"
    assert MODEL.gateways["igw-2"].vpc == ""


class Api:
    """Answers every list with nothing but what it is told, in pages of one."""

    def __init__(self, **lists) -> None:
        self.lists = lists
        self.asked: list[str] = []

    def can_paginate(self, operation: str) -> bool:
        return operation != "describe_instance_types"

    def get_paginator(self, operation: str) -> "Api":
        return Api(operation=operation, lists=self.lists, asked=self.asked)

    def paginate(self, **asked):
        operation, lists = self.lists["operation"], self.lists["lists"]
        self.lists["asked"].append(operation)
        member, items = lists.get(operation, (None, []))
        if "status" in asked and asked["status"] != "ACTIVE":
            items = []
        member = member or {"list_clusters": "clusterArns"}.get(operation)
        yield from ({member: [item]} for item in items)

    def describe_tasks(self, cluster: str, tasks: list[str]):
        assert len(tasks) <= 100
        return {"tasks": [{"taskArn": arn, "taskDefinitionArn": WEB} for arn in tasks]}

    def describe_container_instances(self, cluster: str, containerInstances: list[str]):  # noqa: N803
        assert len(containerInstances) <= 100
        return {"containerInstances": [{"containerInstanceArn": arn} for arn in containerInstances]}

    def describe_task_definition(self, taskDefinition: str):  # noqa: N803
        self.asked.append(taskDefinition)
        return {"taskDefinition": {"taskDefinitionArn": taskDefinition}}


def test_everything_is_asked_for_in_pages_that_the_api_takes() -> None:
    tasks = [f"task-{number}" for number in range(250)]
    ecs = Api(
        list_clusters=("clusterArns", [CLUSTER]),
        list_tasks=("taskArns", tasks),
        list_container_instances=("containerInstanceArns", [HOST]),
    )
    answers = collect(Api(), ecs)
    assert [task["taskArn"] for task in answers.tasks] == tasks
    assert [each["containerInstanceArn"] for each in answers.container_instances] == [HOST]
    assert ecs.asked.count(WEB) == 1, "a definition is asked for once, however many tasks have it"


def test_an_interface_of_elastic_load_balancing_is_its_load_balancer_s() -> None:
    read = model_of(
        Answers(
            interfaces=[
                interface(
                    "eni-lb",
                    Attachment={"AttachmentId": "ela-attach-1"},
                    Description="ELB app/web/50dc6c495c0c9188",
                    RequesterId="amazon-elb",
                    RequesterManaged=True,
                )
            ]
        )
    )
    assert (read.enis["eni-lb"].balancer, read.enis["eni-lb"].task) == ("app/web/50dc6c495c0c9188", "")
    assert find_source(read, "app/web") == AtEni(read.enis["eni-lb"])
    with pytest.raises(Unknown):
        find_source(read, "app/we")
