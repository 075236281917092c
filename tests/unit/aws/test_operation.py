"""Binding handlers to AWS's model."""

from typing import Any

import pytest

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.aws.operation import MisboundHandler, Service, keyword_of


async def nothing(call: Call) -> None:
    return None


@pytest.mark.parametrize(
    ("member", "argument"),
    [
        ("clusterName", "cluster_name"),
        ("VpcIds", "vpc_ids"),
        ("from", "from_"),
        ("assignIpv6AddressOnCreation", "assign_ipv6_address_on_creation"),
    ],
)
def test_arguments_are_named_as_boto3_snake_cases(member: str, argument: str) -> None:
    assert keyword_of(member) == argument


def test_a_misspelt_argument_does_not_pass() -> None:
    ecs = Service("ecs")

    @ecs.operation("CreateCluster")
    async def create_cluster(call: Call, *, clustre_name: str) -> None: ...

    with pytest.raises(MisboundHandler, match="CreateCluster has no member for the argument 'clustre_name'"):
        ecs.check()


def test_a_misspelt_operation_does_not_pass() -> None:
    ecs = Service("ecs")
    ecs.operation("CreateClustre")(nothing)
    with pytest.raises(MisboundHandler, match="ecs has no operation CreateClustre"):
        ecs.check()


@pytest.mark.parametrize("ignored", ["clustreName", "clusterName"])
def test_only_members_nobody_takes_can_be_ignored(ignored: str) -> None:
    ecs = Service("ecs")

    @ecs.operation("CreateCluster", ignores=(ignored,))
    async def create_cluster(call: Call, *, cluster_name: str) -> None: ...

    with pytest.raises(MisboundHandler, match="cannot ignore"):
        ecs.check()


def test_an_operation_has_one_handler() -> None:
    ecs = Service("ecs")
    ecs.operation("ListClusters")(nothing)
    with pytest.raises(MisboundHandler, match="two handlers"):
        ecs.operation("ListClusters")(nothing)


def test_members_come_by_name_only() -> None:
    ecs = Service("ecs")

    @ecs.operation("CreateCluster")
    async def create_cluster(call: Call, cluster_name: str) -> None: ...

    with pytest.raises(MisboundHandler, match="must take"):
        ecs.check()


def violation(service: str, operation: str, document: dict[str, Any]) -> tuple[str, str]:
    registry = Service(service)
    model = registry.model.get_operation(operation)
    assert model.input is not None
    registry.operation(operation, ignores=tuple(model.input.members))(nothing)
    bound = registry.find_bound(operation)
    assert bound is not None
    with pytest.raises(AwsError) as refused:
        bound.validate(document)
    assert refused.value.status == 400
    return refused.value.code, refused.value.message


def coral(value: str, path: str, clause: str) -> str:
    return f"1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: Member must {clause}"


LIMIT = "containerDefinitions.2.member.ulimits.1.member.hardLimit"
ECR_PATTERN = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"


@pytest.mark.parametrize(
    ("service", "operation", "document", "code", "message"),
    [
        (
            "logs",
            "CreateLogGroup",
            {},
            "InvalidParameterException",
            coral("null", "logGroupName", "not be null"),
        ),
        (
            "logs",
            "CreateLogGroup",
            {"logGroupName": ""},
            "InvalidParameterException",
            coral("''", "logGroupName", "have length greater than or equal to 1"),
        ),
        (
            "logs",
            "CreateLogGroup",
            {"logGroupName": "a b"},
            "InvalidParameterException",
            coral("'a b'", "logGroupName", r"satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"),
        ),
        (
            "logs",
            "DescribeLogGroups",
            {"limit": 51},
            "InvalidParameterException",
            coral("'51'", "limit", "have value less than or equal to 50"),
        ),
        (
            "ecr",
            "CreateRepository",
            {"repositoryName": "Upper"},
            "InvalidParameterException",
            f"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '{ECR_PATTERN}''",
        ),
        (
            "ecs",
            "RegisterTaskDefinition",
            {"family": "web", "containerDefinitions": [], "networkMode": "vpc"},
            "ClientException",
            coral("'vpc'", "networkMode", "satisfy enum value set: [bridge, host, awsvpc, none]"),
        ),
        (
            "ecs",
            "RegisterTaskDefinition",
            {"family": "web", "containerDefinitions": [{}, {"ulimits": [{"name": "nofile", "softLimit": 1}]}]},
            "ClientException",
            coral("null", LIMIT, "not be null"),
        ),
        (
            "ecs",
            "RunTask",
            {"taskDefinition": "a", "launchType": "TRAIN"},
            "InvalidParameterException",
            coral("'TRAIN'", "launchType", "satisfy enum value set: [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]"),
        ),
        ("ec2", "CreateSubnet", {}, "MissingParameter", "The request must contain the parameter VpcId"),
        (
            "ec2",
            "DescribeVpcs",
            {"MaxResults": 4},
            "InvalidParameterValue",
            "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than or equal to 5.",
        ),
        (
            "ec2",
            "CreateVpc",
            {"InstanceTenancy": "shared"},
            "InvalidParameterValue",
            "Value (shared) for parameter instanceTenancy is invalid.",
        ),
        ("elbv2", "CreateLoadBalancer", {}, "ValidationError", coral("null", "name", "not be null")),
    ],
)
def test_a_broken_constraint_is_worded_as_its_service_does(
    service: str, operation: str, document: dict[str, Any], code: str, message: str
) -> None:
    assert violation(service, operation, document) == (code, message)


def test_all_broken_constraints_are_told_at_once() -> None:
    _, message = violation("ecs", "RunTask", {"launchType": "TRAIN", "propagateTags": "NEVER"})
    assert message.startswith("3 validation errors detected: Value null at 'taskDefinition'")
