"""Load balancers: where they stand, what they are called, how they come and go."""

import re

import pytest
from tests.api.refusal import refusal

from homeport.services.ec2.reconcilers import network
from homeport.wire import balancing as wire
from homeport.wire.messages import Eni, SecurityGroup, Vpc


@pytest.fixture
def ec2(api):
    return api.client("ec2")


def shown(elb, arn):
    (found,) = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]
    return found


def test_load_balancer_is_shown_as_aws_shows_it(elb, ec2, place, balancer):
    arn = balancer("web")
    assert re.fullmatch(r"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/[0-9a-f]{16}", arn)
    found = shown(elb, arn)
    assert re.fullmatch(r"web-\d+\.elb\.us-east-1\.homeport\.internal", found.pop("DNSName"))
    del found["CreatedTime"]
    (default,) = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    assert found == {
        "LoadBalancerArn": arn,
        "LoadBalancerName": "web",
        "CanonicalHostedZoneId": "Z35SXDOTRQ7X7K",
        "Scheme": "internet-facing",
        "VpcId": place.vpc,
        "State": {"Code": "provisioning"},
        "Type": "application",
        "AvailabilityZones": [
            {"ZoneName": subnet.zone, "SubnetId": subnet.id, "LoadBalancerAddresses": []}
            for subnet in place.subnets[:2]
        ],
        "SecurityGroups": [default["GroupId"]],
        "IpAddressType": "ipv4",
    }


def test_internal_name_says_so(elb, balancer):
    assert shown(elb, balancer(Scheme="internal"))["DNSName"].startswith("internal-web-")


def test_interface_in_each_subnet_is_elastic_load_balancing_s(ec2, balancer):
    arn = balancer("web")
    filters = [
        {"Name": "attachment.instance-owner-id", "Values": ["amazon-elb"]},
        {"Name": "description", "Values": ["ELB " + arn.partition("loadbalancer/")[2]]},
    ]
    found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert [interface["AvailabilityZone"] for interface in sorted(found, key=lambda i: i["AvailabilityZone"])] == [
        "us-east-1a", "us-east-1b",
    ]  # fmt: skip
    assert all(interface["Association"]["PublicIp"] for interface in found)
    assert {interface["RequesterId"] for interface in found} == {"amazon-elb"}


def test_internal_load_balancer_has_no_public_address(ec2, balancer):
    balancer(Scheme="internal")
    found = ec2.describe_network_interfaces(Filters=[{"Name": "requester-id", "Values": ["amazon-elb"]}])
    assert not any("Association" in interface for interface in found["NetworkInterfaces"])


def test_node_gets_the_load_balancer_with_its_network(node, balancer, place):
    arn = balancer()
    (item,) = node.has(wire.LoadBalancer)
    enis = node.has(Eni)
    assert item.id == arn.partition("loadbalancer/")[2]
    assert sorted(eni.id for eni in enis) == sorted(item.enis)
    assert {eni.balancer for eni in enis} == {item.id}
    assert [vpc.id for vpc in node.has(Vpc)] == [place.vpc]
    assert node.has(SecurityGroup)


def test_load_balancer_is_active_when_its_node_says_so(elb, node, balancer):
    arn = balancer()
    node.report_balancer("provisioning")
    assert shown(elb, arn)["State"] == {"Code": "provisioning"}
    node.report_balancer("active", node="node-2")
    assert shown(elb, arn)["State"] == {"Code": "provisioning"}, "another node's word does not count"
    node.report_balancer("failed", "no such namespace")
    assert shown(elb, arn)["State"] == {"Code": "provisioning", "Reason": "no such namespace"}
    node.report_balancer("active")
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    node.report_balancer("failed", "the port is taken")
    assert shown(elb, arn)["State"] == {"Code": "active_impaired", "Reason": "the port is taken"}


def test_without_a_node_it_waits_for_one(elb, node, balancer):
    node.connected = frozenset()
    arn = balancer()
    assert node.has(wire.LoadBalancer) == []
    assert shown(elb, arn)["State"] == {"Code": "provisioning"}
    node.connected = frozenset({"node-1"})
    assert len(node.has(wire.LoadBalancer)) == 1


def test_deleted_load_balancer_holds_its_addresses_until_its_node_lets_go(elb, ec2, node, balancer):
    arn = balancer()
    node.report_balancer("active")
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    assert refusal(elb.describe_load_balancers, LoadBalancerArns=[arn]) == (
        "LoadBalancerNotFound", "One or more load balancers not found",
    )  # fmt: skip
    elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    assert (node.has(wire.LoadBalancer), len(node.has(Eni))) == ([], 2)
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 2
    node.report_balancer("gone", balancer=arn.partition("loadbalancer/")[2])
    assert node.has(Eni) == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    assert balancer() != arn


def test_deleted_load_balancer_that_no_node_knew_is_gone_at_once(elb, ec2, node, balancer):
    node.connected = frozenset()
    arn = balancer()
    elb.delete_load_balancer(LoadBalancerArn=arn)
    node.look()
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_load_balancer_whose_node_never_spoke_of_it_gives_up_its_addresses(elb, ec2, node, balancer):
    arn = balancer()
    node.look()
    elb.delete_load_balancer(LoadBalancerArn=arn)
    node.look()
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 2
    node.clock.advance(61)
    node.look()
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_creating_twice_with_the_same_settings_gives_the_same(elb, balancer, place):
    assert balancer("web") == balancer("web")
    again = {"Name": "web", "Subnets": [subnet.id for subnet in place.subnets[1:]]}
    assert refusal(elb.create_load_balancer, **again) == (
        "DuplicateLoadBalancerName", "A load balancer with the same name 'web' exists, but with different settings",
    )  # fmt: skip


def test_load_balancers_are_paged_by_name_and_found_by_name(elb, balancer):
    names = [f"web-{number}" for number in range(5)]
    for name in reversed(names):
        balancer(name, Scheme="internal")
    pages = list(elb.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["LoadBalancers"]) for page in pages] == [2, 2, 1]
    assert [found["LoadBalancerName"] for page in pages for found in page["LoadBalancers"]] == names
    assert elb.describe_load_balancers(Names=["web-3"])["LoadBalancers"][0]["LoadBalancerName"] == "web-3"
    assert refusal(elb.describe_load_balancers, Names=["web-3", "no"]) == (
        "LoadBalancerNotFound", "Load balancers '[no]' not found",
    )  # fmt: skip


def test_load_balancer_is_refused(elb, ec2, place):
    one, two, _ = (subnet.id for subnet in place.subnets)
    make = elb.create_load_balancer
    assert refusal(make, Name="web", Subnets=[one]) == (
        "ValidationError", "At least two subnets in two different Availability Zones must be specified",
    )  # fmt: skip
    assert refusal(make, Name="web", Subnets=[one, "subnet-0123456789abcdef0"])[0] == "SubnetNotFound"
    assert refusal(make, Name="internal-web", Subnets=[one, two])[0] == "ValidationError"
    assert refusal(make, Name="web", Subnets=[one, two], SecurityGroups=["sg-0123456789abcdef0"]) == (
        "InvalidConfigurationRequest", "One or more security groups are invalid",
    )  # fmt: skip
    assert refusal(make, Name="web", Subnets=[one, two], Type="gateway")[0] == "InvalidConfigurationRequest"
    assert refusal(make, Name="web", Subnets=[one, two], IpAddressType="dualstack")[0] == "InvalidConfigurationRequest"
    mapping = [{"SubnetId": one, "AllocationId": "eipalloc-1"}, {"SubnetId": two}]
    assert refusal(make, Name="web", SubnetMappings=mapping)[0] == "ValidationError"


def test_vpc_without_a_gateway_has_no_public_load_balancer(elb, ec2):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(["us-east-1a", "us-east-1b"])
    ]
    assert refusal(elb.create_load_balancer, Name="web", Subnets=subnets) == (
        "InvalidSubnet", f"VPC {vpc} has no internet gateway",
    )  # fmt: skip
    elb.create_load_balancer(Name="web", Subnets=subnets, Scheme="internal")


def test_subnet_must_have_room(elb, ec2, place):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for cidr, zone in (("10.0.0.0/28", "us-east-1a"), ("10.0.1.0/24", "us-east-1b"))
    ]
    for _ in range(4):
        ec2.create_network_interface(SubnetId=subnets[0])
    code, text = refusal(elb.create_load_balancer, Name="web", Subnets=subnets, Scheme="internal")
    assert (code, subnets[0] in text) == ("InvalidSubnet", True)


def attributes(answer):
    return {item["Key"]: item["Value"] for item in answer["Attributes"]}


def test_attributes_reach_the_node(elb, node, balancer):
    arn = balancer()
    before = attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=arn))
    assert (before["idle_timeout.timeout_seconds"], before["routing.http2.enabled"]) == ("60", "true")
    wanted = {
        "idle_timeout.timeout_seconds": "5",
        "routing.http2.enabled": "false",
        "routing.http.xff_header_processing.mode": "remove",
        "routing.http.preserve_host_header.enabled": "true",
    }
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()]
    )
    assert attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=arn)) == before | wanted
    (item,) = node.has(wire.LoadBalancer)
    assert (item.idle_timeout, item.http2, item.xff_header_processing, item.preserve_host_header) == (
        5, False, "remove", True,
    )  # fmt: skip


def test_access_logs_need_a_store(elb, balancer):
    arn = balancer()
    bucket = {"Key": "access_logs.s3.bucket", "Value": "logs"}
    wanted = [{"Key": "access_logs.s3.enabled", "Value": "true"}, bucket]
    code, text = refusal(elb.modify_load_balancer_attributes, LoadBalancerArn=arn, Attributes=wanted)
    assert (code, "--s3-endpoint" in text) == ("InvalidConfigurationRequest", True)
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[bucket])
    after = attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=arn))
    assert (after["access_logs.s3.enabled"], after["access_logs.s3.bucket"]) == ("false", "logs")


def test_deletion_protection_protects(elb, balancer):
    arn = balancer()
    switch = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=switch)
    assert refusal(elb.delete_load_balancer, LoadBalancerArn=arn) == (
        "OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
    )  # fmt: skip


def test_security_groups_change_on_every_interface(elb, ec2, node, balancer, place):
    arn = balancer()
    group = ec2.create_security_group(GroupName="lb", Description="lb", VpcId=place.vpc)["GroupId"]
    assert elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group])["SecurityGroupIds"] == [group]
    assert shown(elb, arn)["SecurityGroups"] == [group]
    assert {eni.groups for eni in node.has(Eni)} == {(group,)}


def test_subnets_change_and_the_old_one_is_left_after_a_while(elb, ec2, node, balancer, place):
    arn = balancer()
    node.look()
    old, _, new = (subnet.id for subnet in place.subnets)
    zones = elb.set_subnets(LoadBalancerArn=arn, Subnets=[subnet.id for subnet in place.subnets[1:]])
    assert [zone["ZoneName"] for zone in zones["AvailabilityZones"]] == ["us-east-1b", "us-east-1c"]
    (item,) = node.has(wire.LoadBalancer)
    assert sorted(eni.id for eni in node.has(Eni)) == sorted(item.enis)
    assert {eni.subnet for eni in node.has(Eni)} == {place.subnets[1].id, new}

    def held():
        found = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [old]}])
        return len(found["NetworkInterfaces"])

    assert held() == 1
    node.clock.advance(61)
    node.look()
    assert held() == 0


def test_there_is_no_reserved_capacity(elb, balancer):
    answer = elb.describe_capacity_reservation(LoadBalancerArn=balancer())
    assert answer["CapacityReservationState"] == []
    assert "MinimumLoadBalancerCapacity" not in answer


def test_tags_go_with_the_load_balancer(elb, balancer):
    arn = balancer(Tags=[{"Key": "team", "Value": "web"}])
    (found,) = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    assert found == {"ResourceArn": arn, "Tags": [{"Key": "team", "Value": "web"}]}
    elb.delete_load_balancer(LoadBalancerArn=arn)
    assert refusal(elb.describe_tags, ResourceArns=[arn])[0] == "LoadBalancerNotFound"


def test_limits_are_told(elb):
    limits = {limit["Name"]: limit["Max"] for limit in elb.describe_account_limits()["Limits"]}
    assert limits["targets-per-target-group"] == "1000"


def test_network_load_balancer_without_groups_lets_everything_pass(api, elb, node, place):
    made = elb.create_load_balancer(Name="net", Type="network", Subnets=[place.subnets[0].id])["LoadBalancers"][0]
    assert "SecurityGroups" not in made
    arn = made["LoadBalancerArn"]

    def told():
        (eni,) = node.has(Eni)
        groups = {group.id: group for group in node.has(SecurityGroup)}
        assert [rule.cidr for rule in groups[eni.groups[0]].ingress] == ["0.0.0.0/0"]
        return sorted(groups), [vpc.id for vpc in node.has(Vpc)]

    before = told()
    api.run(network.one_pass(api.database, api.wakes.append))
    assert told() == before, "what keeps the shares of nodes keeps this one, too"
    elb.set_subnets(LoadBalancerArn=arn, Subnets=[place.subnets[1].id])
    assert told() == before
    with_group = {"LoadBalancerArn": arn, "SecurityGroups": [_default(api)]}
    assert refusal(elb.set_security_groups, **with_group)[0] == "InvalidConfigurationRequest"


def _default(api):
    (group,) = api.client("ec2").describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    return group["GroupId"]
