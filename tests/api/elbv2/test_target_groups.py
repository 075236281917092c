"""Target groups: defaults, limits, health checks, attributes."""

import re

import pytest
from tests.api.refusal import refusal


def test_group_is_shown_with_aws_s_defaults(elb, place, group):
    arn = group("web")
    assert re.fullmatch(r"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/[0-9a-f]{16}", arn)
    (shown,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    assert shown == {
        "TargetGroupArn": arn,
        "TargetGroupName": "web",
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": 80,
        "VpcId": place.vpc,
        "TargetType": "ip",
        "IpAddressType": "ipv4",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/",
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200"},
        "LoadBalancerArns": [],
    }


def test_network_group_is_checked_by_connecting(elb, group):
    arn = group("net", Protocol="TCP")
    (shown,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    assert (shown["HealthCheckProtocol"], shown["HealthCheckTimeoutSeconds"]) == ("TCP", 10)
    assert not {"HealthCheckPath", "Matcher", "ProtocolVersion"} & set(shown)


def test_network_group_can_be_checked_by_requests(elb, group):
    arn = group("net", Protocol="TCP", HealthCheckProtocol="HTTP", HealthCheckPath="/health")
    (shown,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    assert (shown["HealthCheckPath"], shown["Matcher"], shown["HealthCheckTimeoutSeconds"]) == (
        "/health", {"HttpCode": "200-399"}, 6,
    )  # fmt: skip


def test_group_of_functions_has_no_port(elb):
    made = elb.create_target_group(Name="fn", TargetType="lambda")["TargetGroups"][0]
    assert (made["HealthCheckEnabled"], made["HealthCheckIntervalSeconds"]) == (False, 35)
    assert not {"Protocol", "Port", "VpcId", "HealthCheckProtocol"} & set(made)
    assert refusal(elb.create_target_group, Name="fn2", TargetType="lambda", Port=80)[0] == "ValidationError"


def test_creating_twice_with_the_same_settings_gives_the_same_group(group):
    assert group("web", HealthCheckPath="/up") == group("web", HealthCheckPath="/up")


def test_name_is_taken_by_a_group_with_other_settings(elb, group, place):
    group("web")
    again = {"Name": "web", "Protocol": "HTTP", "Port": 81, "VpcId": place.vpc, "TargetType": "ip"}
    assert refusal(elb.create_target_group, **again) == (
        "DuplicateTargetGroupName", "A target group with the same name 'web' exists, but with different settings",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        ({"Name": "x" * 33}, "ValidationError", f"Target group name '{'x' * 33}' cannot be longer than '32' characters"),
        ({"Name": "a_b"}, "ValidationError", "can only contain characters that are alphanumeric"),
        ({"Name": "-a"}, "ValidationError", "cannot begin or end with '-'"),
        ({"Port": None}, "ValidationError", "A port must be specified"),
        ({"VpcId": None}, "ValidationError", "A VPC must be specified"),
        ({"VpcId": "vpc-0123456789abcdef0"}, "ValidationError", "The VPC ID 'vpc-0123456789abcdef0' is not found"),
        ({"Protocol": "UDP"}, "UnsupportedProtocol", "UDP"),
        ({"ProtocolVersion": "GRPC"}, "InvalidConfigurationRequest", "GRPC"),
        ({"TargetType": "alb"}, "InvalidConfigurationRequest", "alb"),
        ({"HealthCheckTimeoutSeconds": 30}, "ValidationError", "must be smaller than the interval '30'"),
        ({"HealthCheckPath": "up"}, "ValidationError", "must begin with '/'"),
        ({"HealthCheckPath": "/a b"}, "ValidationError", "must not contain"),
        ({"HealthCheckPort": "http"}, "ValidationError", "traffic-port"),
        ({"HealthCheckProtocol": "TCP"}, "ValidationError", "Health check protocol 'TCP'"),
        ({"Matcher": {"HttpCode": "200-500"}}, "ValidationError", "must be within '200-499' inclusive"),
        ({"Matcher": {"HttpCode": "200;201"}}, "ValidationError", "is not valid"),
        ({"HealthCheckEnabled": False}, "InvalidConfigurationRequest", "Health check enabled must be true"),
        ({"HealthyThresholdCount": 11}, "ValidationError", "healthyThresholdCount"),
    ],
)  # fmt: skip
def test_group_is_refused(elb, place, more, code, message):
    arguments = {"Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": place.vpc, "TargetType": "ip"} | more
    got, text = refusal(elb.create_target_group, **{k: v for k, v in arguments.items() if v is not None})
    assert got == code, text
    assert message in text
    assert elb.describe_target_groups()["TargetGroups"] == []


def test_health_check_can_be_changed(elb, group):
    arn = group()
    elb.modify_target_group(
        TargetGroupArn=arn, HealthCheckPath="/up", HealthCheckIntervalSeconds=10, Matcher={"HttpCode": "200,301-302"}
    )
    (shown,) = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
    assert (shown["HealthCheckPath"], shown["HealthCheckIntervalSeconds"]) == ("/up", 10)
    assert (shown["Matcher"], shown["HealthCheckTimeoutSeconds"]) == ({"HttpCode": "200,301-302"}, 5)
    code, _ = refusal(elb.modify_target_group, TargetGroupArn=arn, HealthCheckIntervalSeconds=5)
    assert code == "ValidationError"


def test_groups_are_paged_by_name(elb, group):
    names = [f"web-{number}" for number in range(7)]
    for name in reversed(names):
        group(name)
    pages = list(elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["TargetGroups"]) for page in pages] == [3, 3, 1]
    assert [shown["TargetGroupName"] for page in pages for shown in page["TargetGroups"]] == names


def test_groups_are_found_by_name(elb, group):
    group("one")
    arn = group("two")
    (shown,) = elb.describe_target_groups(Names=["two"])["TargetGroups"]
    assert shown["TargetGroupArn"] == arn
    missing = ("TargetGroupNotFound", "One or more target groups not found")
    assert refusal(elb.describe_target_groups, Names=["three"]) == missing
    unknown = arn[:-16] + "0123456789abcdef"
    assert refusal(elb.describe_target_groups, TargetGroupArns=[unknown]) == missing


def test_what_is_no_arn_is_said_to_be_none(elb):
    assert refusal(elb.describe_target_groups, TargetGroupArns=["web"]) == (
        "ValidationError", "'web' is not a valid target group ARN",
    )  # fmt: skip


def test_deleted_group_is_gone_and_may_be_deleted_again(elb, group):
    arn = group()
    elb.delete_target_group(TargetGroupArn=arn)
    elb.delete_target_group(TargetGroupArn=arn)
    assert refusal(elb.describe_target_groups, TargetGroupArns=[arn])[0] == "TargetGroupNotFound"
    assert group() != arn


def attributes(answer):
    return {item["Key"]: item["Value"] for item in answer["Attributes"]}


def test_attributes_have_aws_s_defaults(elb, group):
    shown = attributes(elb.describe_target_group_attributes(TargetGroupArn=group()))
    assert shown == {
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
        "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
        "deregistration_delay.timeout_seconds": "300",
        "stickiness.enabled": "false",
        "stickiness.type": "lb_cookie",
        "stickiness.lb_cookie.duration_seconds": "86400",
        "stickiness.app_cookie.cookie_name": "",
        "stickiness.app_cookie.duration_seconds": "86400",
        "slow_start.duration_seconds": "0",
        "load_balancing.algorithm.type": "round_robin",
        "load_balancing.algorithm.anomaly_mitigation": "off",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    }


def test_changed_attribute_stays_changed(elb, group):
    arn = group()
    wanted = [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]
    answered = attributes(elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=wanted))
    assert answered == attributes(elb.describe_target_group_attributes(TargetGroupArn=arn))
    assert answered["deregistration_delay.timeout_seconds"] == "5"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("no.such", "1", "ValidationError"),
        ("deregistration_delay.timeout_seconds", "3601", "ValidationError"),
        ("deregistration_delay.timeout_seconds", "soon", "ValidationError"),
        ("slow_start.duration_seconds", "10", "ValidationError"),
        ("stickiness.type", "source_ip", "ValidationError"),
        ("stickiness.app_cookie.cookie_name", "AWSALBX", "ValidationError"),
        ("load_balancing.algorithm.type", "sticky", "ValidationError"),
        ("load_balancing.algorithm.anomaly_mitigation", "on", "InvalidConfigurationRequest"),
        ("load_balancing.cross_zone.enabled", "false", "InvalidConfigurationRequest"),
        (
            "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
            "50",
            "InvalidConfigurationRequest",
        ),
        ("proxy_protocol_v2.enabled", "true", "ValidationError"),
    ],
)
def test_attribute_is_refused(elb, group, name, value, code):
    arn = group()
    wanted = [{"Key": name, "Value": value}]
    got, text = refusal(elb.modify_target_group_attributes, TargetGroupArn=arn, Attributes=wanted)
    assert got == code
    assert name in text


def test_application_cookie_needs_its_name(elb, group):
    arn = group()
    wanted = [{"Key": "stickiness.enabled", "Value": "true"}, {"Key": "stickiness.type", "Value": "app_cookie"}]
    code, _ = refusal(elb.modify_target_group_attributes, TargetGroupArn=arn, Attributes=wanted)
    assert code == "InvalidConfigurationRequest"
    wanted.append({"Key": "stickiness.app_cookie.cookie_name", "Value": "SESSION"})
    elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=wanted)
