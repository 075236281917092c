"""Rules of security groups."""

import pytest

from .conftest import only, refused

WEB = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}

BAD_DESCRIPTION = (
    "Invalid rule description. Valid descriptions are strings less than 256 characters from the following "
    "set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
)


def rules_of(ec2, group, *, egress=False):
    rules = ec2.describe_security_group_rules(Filters=only("group-id", group))["SecurityGroupRules"]
    return [rule for rule in rules if rule["IsEgress"] == egress]


def test_each_source_is_a_rule_of_its_own(ec2, group, api):
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}, {"CidrIp": "192.0.2.7/32"}],
        "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}],
        "UserIdGroupPairs": [{"GroupId": group, "Description": "each other"}],
    }
    made = ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[permission],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": [{"Key": "team", "Value": "web"}]}],
    )
    assert made["Return"] is True
    rules = {rule.get("CidrIpv4") or rule.get("CidrIpv6") or "group": rule for rule in made["SecurityGroupRules"]}
    assert set(rules) == {"10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "group"}
    first = rules["10.0.0.0/8"]
    assert first == {
        "SecurityGroupRuleId": first["SecurityGroupRuleId"],
        "SecurityGroupRuleArn": f"arn:aws:ec2:us-east-1:{api.account}:security-group-rule/{first['SecurityGroupRuleId']}",
        "GroupId": group,
        "GroupOwnerId": api.account,
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "CidrIpv4": "10.0.0.0/8",
        "Description": "inside",
        "Tags": [{"Key": "team", "Value": "web"}],
    }
    assert rules["group"]["ReferencedGroupInfo"] == {"GroupId": group, "UserId": api.account}
    shown = ec2.describe_security_group_rules(SecurityGroupRuleIds=[first["SecurityGroupRuleId"]])
    assert shown["SecurityGroupRules"] == [first]
    assert api.wakes[-1] == "ec2.network"


def test_describe_puts_the_same_ports_together(ec2, group):
    for cidr in ("10.0.0.0/8", "192.0.2.0/24"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB | {"IpRanges": [{"CidrIp": cidr}]}])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB | {"FromPort": 81, "ToPort": 81}])
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert [(p["FromPort"], [r["CidrIp"] for r in p["IpRanges"]]) for p in shown["IpPermissions"]] == [
        (80, ["10.0.0.0/8", "192.0.2.0/24"]),
        (81, ["0.0.0.0/0"]),
    ]


def test_described_permissions_can_be_authorized_again(ec2, vpc, group):
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[WEB, {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    )
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    copy = ec2.create_security_group(GroupName="copy", Description="copy", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=copy, IpPermissions=shown["IpPermissions"])
    (copied,) = ec2.describe_security_groups(GroupIds=[copy])["SecurityGroups"]
    assert copied["IpPermissions"] == shown["IpPermissions"]


def test_older_members_make_one_rule(ec2, default_vpc):
    group = ec2.create_security_group(GroupName="old", Description="old")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupName="old", IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="192.0.2.0/24"
    )
    ec2.authorize_security_group_ingress(GroupName="old", SourceSecurityGroupName="default")
    assert len(rules_of(ec2, group)) == 2
    ec2.revoke_security_group_ingress(GroupName="old", IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="192.0.2.0/24")
    (left,) = rules_of(ec2, group)
    assert left["IpProtocol"] == "-1"


def test_sources_are_put_in_their_usual_form(ec2, group):
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB | {"IpRanges": [{"CidrIp": "10.1.2.3/8"}]}])
    assert rules_of(ec2, group)[0]["CidrIpv4"] == "10.0.0.0/8"


@pytest.mark.parametrize(
    ("given", "shown"),
    [("6", "tcp"), ("TCP", "tcp"), ("17", "udp"), ("all", "-1"), ("-1", "-1"), ("50", "50"), ("058", "icmpv6")],
)
def test_protocols_are_shown_by_name(ec2, group, given, shown):
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB | {"IpProtocol": given}])
    (rule,) = rules_of(ec2, group)
    assert rule["IpProtocol"] == shown
    assert rule["FromPort"] == (80 if shown in {"tcp", "udp", "icmpv6"} else -1)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"IpProtocol": "tpc"}, "InvalidParameterValue", "Invalid value 'tpc' for IP protocol. Unknown protocol."),
        ({"IpProtocol": "256"}, "InvalidParameterValue", "Invalid value '256' for IP protocol. Unknown protocol."),
        ({"ToPort": 65536}, "InvalidParameterValue", "TCP/UDP port (65536) out of range"),
        ({"FromPort": -1}, "InvalidParameterValue", "TCP/UDP port (-1) out of range"),
        (
            {"FromPort": None},
            "InvalidParameterValue",
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
        ),
        ({"FromPort": 81}, "InvalidParameterValue", None),
        ({"IpProtocol": "icmp", "ToPort": 65535}, "InvalidParameterValue", "ICMP code (65535) out of range"),
        ({"IpRanges": [{"CidrIp": "10.0.0.0/33"}]}, "InvalidParameterValue", "CIDR block 10.0.0.0/33 is malformed"),
        ({"IpRanges": [{"CidrIp": "10.0.0.1"}]}, "InvalidParameterValue", "CIDR block 10.0.0.1 is malformed"),
        ({"IpRanges": []}, "MissingParameter", None),
        ({"IpRanges": [], "PrefixListIds": [{"PrefixListId": "pl-1"}]}, "UnsupportedOperation", None),
        (
            {"IpRanges": [], "UserIdGroupPairs": [{"GroupId": "sg-0123456789abcdef0"}]},
            "InvalidGroup.NotFound",
            "The security group 'sg-0123456789abcdef0' does not exist",
        ),
        ({"IpRanges": [], "UserIdGroupPairs": [{"GroupId": "web"}]}, "InvalidGroupId.Malformed", None),
        ({"IpRanges": [], "UserIdGroupPairs": [{"GroupName": "nobody"}]}, "InvalidGroup.NotFound", None),
        (
            {"IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "é"}]},
            "InvalidParameterValue",
            BAD_DESCRIPTION,
        ),
        (
            {"IpRanges": [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "10.0.0.1/8"}]},
            "InvalidParameterValue",
            "The same permission must not appear multiple times",
        ),
    ],
)  # fmt: skip
def test_permissions_that_are_refused(ec2, group, change, code, message):
    permission = {name: value for name, value in (WEB | change).items() if value is not None}
    with refused(code, message):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    assert rules_of(ec2, group) == []


def test_no_permission_at_all(ec2, group):
    with refused("MissingParameter", "The request must contain the parameter ipPermissions"):
        ec2.authorize_security_group_ingress(GroupId=group)


def test_group_of_another_vpc_is_refused(ec2, group, default_vpc):
    other = ec2.create_security_group(GroupName="other", Description="other")["GroupId"]
    with refused("InvalidGroup.NotFound", "You have specified two resources that belong to different networks."):
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other}]}]
        )


def test_the_same_rule_twice(ec2, group):
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB])
    with refused(
        "InvalidPermission.Duplicate",
        'the specified rule "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW" already exists',
    ):
        ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[
                WEB | {"FromPort": 90, "ToPort": 90},
                WEB | {"IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "other words"}]},
            ],
        )
    assert len(rules_of(ec2, group)) == 1
    with refused("InvalidPermission.Duplicate", 'the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists'):
        ec2.authorize_security_group_egress(
            GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        )


def test_quota_counts_directions_and_families_apart(ec2, group):
    sixty = [{"CidrIp": f"10.0.{n}.0/24"} for n in range(60)]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB | {"IpRanges": sixty}])
    with refused(
        "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
    ):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB])
    six = {"Ipv6Ranges": [{"CidrIpv6": "::/0"}], "IpRanges": []}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB | six])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[WEB])


def test_revoke_ignores_descriptions(ec2, group):
    described = WEB | {"IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "the world"}]}
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[described])["SecurityGroupRules"]
    answer = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[WEB])
    assert answer["Return"] is True
    (revoked,) = answer["RevokedSecurityGroupRules"]
    assert revoked["SecurityGroupRuleId"] == made[0]["SecurityGroupRuleId"]
    assert rules_of(ec2, group) == []


def test_default_egress_is_revoked_as_terraform_does(ec2, group):
    ec2.revoke_security_group_egress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
    )
    assert rules_of(ec2, group, egress=True) == []


def test_revoke_by_id(ec2, group):
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB])["SecurityGroupRules"][0]
    rule = made["SecurityGroupRuleId"]
    with refused("InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{rule}' does not exist"):
        ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[rule])
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule])
    assert rules_of(ec2, group) == []


def test_revoking_nothing_is_an_error_in_a_vpc_of_ones_own(ec2, group):
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[WEB])
    with refused("InvalidPermission.NotFound", "The specified rule does not exist in this security group."):
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[WEB, WEB | {"FromPort": 81, "ToPort": 81}])
    assert len(rules_of(ec2, group)) == 1


def test_revoking_nothing_is_reported_in_the_default_vpc(ec2, default_vpc):
    group = ec2.create_security_group(GroupName="web", Description="web")["GroupId"]
    answer = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[WEB])
    assert answer["Return"] is True
    (unknown,) = answer["UnknownIpPermissions"]
    assert (unknown["FromPort"], unknown["IpRanges"]) == (80, [{"CidrIp": "0.0.0.0/0"}])


def test_rules_can_be_modified_and_trade_places(ec2, group):
    first, second = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[WEB, WEB | {"FromPort": 81, "ToPort": 81}]
    )["SecurityGroupRules"]

    def changed(rule, port):
        wanted = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIpv4": "0.0.0.0/0", "Description": "new"}
        return {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": wanted}

    ec2.create_tags(Resources=[first["SecurityGroupRuleId"]], Tags=[{"Key": "kept", "Value": "yes"}])
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[changed(first, 81), changed(second, 80)])
    by_id = {rule["SecurityGroupRuleId"]: rule for rule in rules_of(ec2, group)}
    assert by_id[first["SecurityGroupRuleId"]]["FromPort"] == 81
    assert by_id[first["SecurityGroupRuleId"]]["Tags"] == [{"Key": "kept", "Value": "yes"}]
    assert by_id[second["SecurityGroupRuleId"]]["Description"] == "new"
    with refused("InvalidPermission.Duplicate"):
        ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[changed(first, 80)])


def test_ipv6_rules_are_kept(ec2, group):
    ec2.authorize_security_group_egress(
        GroupId=group, IpPermissions=[{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
    )
    (shown,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    (egress,) = shown["IpPermissionsEgress"]
    assert (egress["IpRanges"], egress["Ipv6Ranges"]) == ([{"CidrIp": "0.0.0.0/0"}], [{"CidrIpv6": "::/0"}])


def test_member_we_do_not_honour_is_refused(ec2, group):
    pair = {"GroupId": group, "VpcPeeringConnectionId": "pcx-1"}
    with refused("UnsupportedOperation") as refusal:
        ec2.authorize_security_group_ingress(
            GroupId=group, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [pair]}]
        )
    assert "VpcPeeringConnectionId" in refusal.message
