"""Security groups themselves; their rules are in test_security_group_rules.py."""

import pytest

from .conftest import only, refused


def test_new_group_lets_everything_out_and_nothing_in(ec2, group):
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert shown["IpPermissions"] == []
    (egress,) = shown["IpPermissionsEgress"]
    assert (egress["IpProtocol"], egress["IpRanges"]) == ("-1", [{"CidrIp": "0.0.0.0/0"}])
    assert "FromPort" not in egress


def test_group_is_shown_with_its_arn_and_tags(ec2, vpc, api):
    tags = [{"Key": "Name", "Value": "db"}]
    made = ec2.create_security_group(
        GroupName="db",
        Description="databases",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )
    arn = f"arn:aws:ec2:us-east-1:{api.account}:security-group/{made['GroupId']}"
    assert (made["SecurityGroupArn"], made["Tags"]) == (arn, tags)
    (shown,) = ec2.describe_security_groups(GroupIds=[made["GroupId"]])["SecurityGroups"]
    assert (shown["SecurityGroupArn"], shown["Tags"], shown["OwnerId"]) == (arn, tags, api.account)


def test_group_without_a_vpc_belongs_to_the_default_one(ec2, default_vpc):
    made = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    (shown,) = ec2.describe_security_groups(GroupNames=["web"])["SecurityGroups"]
    assert (shown["GroupId"], shown["VpcId"]) == (made, default_vpc)
    ec2.delete_security_group(GroupName="web")
    with refused("InvalidGroup.NotFound", f"The security group 'web' does not exist in default VPC '{default_vpc}'"):
        ec2.describe_security_groups(GroupNames=["web"])


def test_name_is_taken_once_per_vpc(ec2, vpc, group):
    with refused("InvalidGroup.Duplicate", f"The security group 'web' already exists for VPC '{vpc}'"):
        ec2.create_security_group(GroupName="web", Description="another", VpcId=vpc)
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    assert ec2.create_security_group(GroupName="web", Description="web servers", VpcId=other)["GroupId"] != group


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("default", "Cannot use reserved security group name: default"),
        (
            "sg-web",
            "Value (sg-web) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        ),
    ],
)
def test_names_that_are_refused(ec2, vpc, name, message):
    with refused("InvalidParameterValue", message):
        ec2.create_security_group(GroupName=name, Description="web", VpcId=vpc)


@pytest.mark.parametrize("description", ["größe", "x" * 256, 'quote"s', ""])
def test_descriptions_that_are_refused(ec2, vpc, description):
    with refused("InvalidParameterValue") as refusal:
        ec2.create_security_group(GroupName="web", Description=description, VpcId=vpc)
    assert "for parameter GroupDescription is invalid." in refusal.message


def test_unknown_and_malformed_groups(ec2):
    with refused("InvalidGroup.NotFound", "The security group 'sg-0123456789abcdef0' does not exist"):
        ec2.describe_security_groups(GroupIds=["sg-0123456789abcdef0"])
    with refused("InvalidGroupId.Malformed", 'Invalid id: "web" (expecting "sg-...")'):
        ec2.describe_security_groups(GroupIds=["web"])
    with refused("MissingParameter", "The request must contain the parameter groupName or groupId"):
        ec2.delete_security_group()


def test_default_group_cannot_be_deleted(ec2, vpc):
    (default,) = ec2.describe_security_groups(Filters=only("vpc-id", vpc))["SecurityGroups"]
    name = default["GroupId"]
    with refused("CannotDelete", f'the specified group: "{name}" name: "default" cannot be deleted by a user'):
        ec2.delete_security_group(GroupId=name)


def test_group_of_an_interface_is_not_deleted(ec2, subnet, group):
    made = ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
    with refused("DependencyViolation", f"resource {group} has a dependent object"):
        ec2.delete_security_group(GroupId=group)
    ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
    assert ec2.delete_security_group(GroupId=group)["GroupId"] == group


def test_group_that_a_rule_names_is_not_deleted_unless_the_rule_is_its_own(ec2, vpc, group):
    other = ec2.create_security_group(GroupName="app", Description="app", VpcId=vpc)["GroupId"]
    for member in (group, other):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": member}]}]
        )
    with refused("DependencyViolation"):
        ec2.delete_security_group(GroupId=other)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_security_group(GroupId=other)


def test_filters_see_rules(ec2, vpc, group):
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8010, "IpRanges": [{"CidrIp": "10.9.0.0/16"}]},
            {"IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "UserIdGroupPairs": [{"GroupId": group}]},
        ],
    )
    for name, value in {
        "ip-permission.cidr": "10.9.0.0/16",
        "ip-permission.from-port": "8000",
        "ip-permission.to-port": "8010",
        "ip-permission.protocol": "udp",
        "ip-permission.group-id": group,
        "group-id": group,
        "group-name": "w?b",
        "description": "web*",
    }.items():
        found = ec2.describe_security_groups(Filters=only(name, value))["SecurityGroups"]
        assert [g["GroupId"] for g in found] == [group], name
    everyone = ec2.describe_security_groups(Filters=only("egress.ip-permission.cidr", "0.0.0.0/0"))
    assert len(everyone["SecurityGroups"]) == 3
