"""Targets: who can be one, and what is said of them."""

import pytest
from tests.api.refusal import refusal

from homeport.services.ec2.instance import State

NOT_IN_USE = {
    "State": "unused",
    "Reason": "Target.NotInUse",
    "Description": "Target group is not configured to receive traffic from the load balancer",
}


def health(elb, arn, **more):
    return elb.describe_target_health(TargetGroupArn=arn, **more)["TargetHealthDescriptions"]


def test_address_is_registered_with_the_port_of_its_group(elb, group):
    arn = group(Port=8080)
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}, {"Id": "172.31.16.9", "Port": 81}])
    assert health(elb, arn) == [
        {
            "Target": {"Id": "172.31.0.9", "Port": 8080, "AvailabilityZone": "us-east-1a"},
            "HealthCheckPort": "8080",
            "TargetHealth": NOT_IN_USE,
        },
        {
            "Target": {"Id": "172.31.16.9", "Port": 81, "AvailabilityZone": "us-east-1b"},
            "HealthCheckPort": "81",
            "TargetHealth": NOT_IN_USE,
        },
    ]


def test_health_check_port_is_the_group_s_where_it_has_one(elb, group):
    arn = group(HealthCheckPort="9000")
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}])
    assert health(elb, arn)[0]["HealthCheckPort"] == "9000"


def test_registering_again_changes_nothing(elb, group):
    arn = group()
    for _ in range(2):
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}])
    assert len(health(elb, arn)) == 1


def test_deregistered_target_is_no_longer_there(elb, group):
    arn = group()
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}, {"Id": "172.31.0.9", "Port": 81}])
    elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}])
    elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.10"}])
    assert [shown["Target"]["Port"] for shown in health(elb, arn)] == [81]
    (shown,) = health(elb, arn, Targets=[{"Id": "172.31.0.9"}])
    assert shown["TargetHealth"] == {
        "State": "unused",
        "Reason": "Target.NotRegistered",
        "Description": "Target is not registered to the target group",
    }


def test_waiter_sees_a_target_deregistered(elb, group):
    arn = group()
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}])
    elb.deregister_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}])
    waiter = elb.get_waiter("target_deregistered")
    waiter.wait(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}], WaiterConfig={"Delay": 0, "MaxAttempts": 1})


def test_running_instance_can_be_a_target_on_many_ports(elb, group, place):
    machine = place.launch(zone=1)
    arn = group(TargetType="instance")
    ports = [{"Id": machine, "Port": port} for port in (32768, 32769)]
    elb.register_targets(TargetGroupArn=arn, Targets=ports)
    assert [shown["Target"] for shown in health(elb, arn)] == ports


def test_instance_that_does_not_run_is_no_target(elb, group, place):
    arn = group(TargetType="instance")
    stopped = place.launch(State.STOPPED)
    assert refusal(elb.register_targets, TargetGroupArn=arn, Targets=[{"Id": stopped}]) == (
        "InvalidTarget",
        f"The following targets are not in a running state and cannot be registered: '{stopped}'",
    )


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"Id": "web"}, "ValidationError"),
        ({"Id": "8.8.8.8"}, "ValidationError"),
        ({"Id": "10.0.0.9"}, "ValidationError"),
        ({"Id": "10.0.0.9", "AvailabilityZone": "all"}, "InvalidTarget"),
        ({"Id": "172.31.0.9", "AvailabilityZone": "us-east-1b"}, "ValidationError"),
        ({"Id": "172.31.0.9", "QuicServerId": "0x01"}, "ValidationError"),
    ],
)
def test_address_is_refused(elb, group, target, code):
    arn = group()
    targets = [{"Id": "172.31.0.8"}, target]
    assert refusal(elb.register_targets, TargetGroupArn=arn, Targets=targets)[0] == code
    assert health(elb, arn) == [], "one bad target keeps the others out"


def test_a_thousand_targets_and_no_more(elb, group):
    arn = group()
    addresses = [f"172.31.{number // 250}.{number % 250 + 4}" for number in range(1000)]
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": address} for address in addresses])
    assert refusal(elb.register_targets, TargetGroupArn=arn, Targets=[{"Id": "172.31.15.9"}])[0] == "TooManyTargets"


def test_one_function_is_a_group_s_only_target(elb):
    arn = elb.create_target_group(Name="fn", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    function = "arn:aws:lambda:us-east-1:123456789012:function:hello"
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": function}])
    assert health(elb, arn) == [{"Target": {"Id": function}, "TargetHealth": NOT_IN_USE}]
    more = [{"Id": f"{function}2"}]
    assert refusal(elb.register_targets, TargetGroupArn=arn, Targets=more)[0] == "TooManyTargets"


def test_group_takes_its_targets_along(elb, group):
    arn = group()
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.9"}])
    elb.delete_target_group(TargetGroupArn=arn)
    assert health(elb, group()) == []
