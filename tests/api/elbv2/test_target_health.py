"""What is said of targets behind a load balancer, from their registration to their end."""

import pytest

from homeport.services.ec2.instance import State
from homeport.services.elbv2 import targets as registry
from homeport.wire import balancing as wire

A, B = "172.31.0.9", "172.31.16.9"


@pytest.fixture
def web(elb, node, group, listener):
    """Give a group behind a load balancer, with a target in each of its two zones."""
    arn = group("web", Port=8080)
    listener(arn)
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": A}, {"Id": B}])
    return arn


def health(elb, arn):
    found = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return {shown["Target"]["Id"]: shown["TargetHealth"] for shown in found}


def told(node, address):
    return next((target for target in node.has(wire.Target) if target.address == address), None)


def test_target_goes_from_registration_to_health_and_illness(elb, node, web):
    assert health(elb, web)[A] == {
        "State": "initial",
        "Reason": "Elb.RegistrationInProgress",
        "Description": "Target registration is in progress",
    }
    target = told(node, A)
    assert (target.port, target.draining) == (8080, False)
    node.report(target, "initial")
    assert health(elb, web)[A] == {
        "State": "initial",
        "Reason": "Elb.InitialHealthChecking",
        "Description": "Initial health checks in progress",
    }
    node.report(target, "healthy")
    assert health(elb, web)[A] == {"State": "healthy"}
    elb.get_waiter("target_in_service").wait(
        TargetGroupArn=web, Targets=[{"Id": A}], WaiterConfig={"Delay": 0, "MaxAttempts": 1}
    )
    node.report(target, "unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]")
    assert health(elb, web)[A] == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [503]",
    }


def test_deregistered_target_drains_until_its_node_says_it_has(elb, node, web):
    node.report(told(node, A), "healthy")
    elb.deregister_targets(TargetGroupArn=web, Targets=[{"Id": A}])
    assert health(elb, web)[A] == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    draining = told(node, A)
    assert draining.draining
    node.report(draining, "draining")
    assert A in health(elb, web)
    node.report(draining, "drained")
    assert A not in health(elb, web)
    assert told(node, A) is None


def test_target_that_comes_back_while_draining_begins_anew(elb, node, web):
    node.report(told(node, A), "healthy")
    elb.deregister_targets(TargetGroupArn=web, Targets=[{"Id": A}])
    draining = told(node, A)
    elb.register_targets(TargetGroupArn=web, Targets=[{"Id": A}])
    again = told(node, A)
    assert (again.draining, again.registration > draining.registration) == (False, True)
    node.report(draining, "drained")
    assert health(elb, web)[A]["Reason"] == "Elb.RegistrationInProgress", "what was said of the earlier one is past"


def test_report_of_another_node_changes_nothing(elb, node, web):
    node.report(told(node, A), "healthy", node="node-2")
    assert health(elb, web)[A]["State"] == "initial"


def test_target_deregistered_before_a_node_had_it_is_gone_at_once(elb, web):
    elb.deregister_targets(TargetGroupArn=web, Targets=[{"Id": A}])
    assert list(health(elb, web)) == [B]


def test_target_in_another_zone_is_unused(elb, node, web):
    elb.register_targets(TargetGroupArn=web, Targets=[{"Id": "172.31.32.9"}])
    assert health(elb, web)["172.31.32.9"] == {
        "State": "unused",
        "Reason": "Target.NotInUse",
        "Description": "Target is in an Availability Zone that is not enabled for the load balancer",
    }
    assert told(node, "172.31.32.9") is None


def test_zone_that_is_added_brings_its_targets(elb, node, place, web):
    elb.register_targets(TargetGroupArn=web, Targets=[{"Id": "172.31.32.9"}])
    (load_balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    everywhere = [subnet.id for subnet in place.subnets]
    elb.set_subnets(LoadBalancerArn=load_balancer["LoadBalancerArn"], Subnets=everywhere)
    assert told(node, "172.31.32.9") is not None
    elb.set_subnets(LoadBalancerArn=load_balancer["LoadBalancerArn"], Subnets=everywhere[:2])
    assert told(node, "172.31.32.9") is None


def test_group_that_nobody_forwards_to_leaves_the_node_with_its_targets(elb, node, web, listener, group):
    node.report(told(node, A), "healthy")
    elb.deregister_targets(TargetGroupArn=web, Targets=[{"Id": B}])
    (load_balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    elb.delete_load_balancer(LoadBalancerArn=load_balancer["LoadBalancerArn"])
    assert (node.has(wire.TargetGroup), node.has(wire.Target)) == ([], [])
    assert {key: value["State"] for key, value in health(elb, web).items()} == {A: "unused"}
    listener(
        web,
        elb.create_load_balancer(Name="next", Subnets=list(_subnets(load_balancer)))["LoadBalancers"][0][
            "LoadBalancerArn"
        ],
    )
    assert told(node, A) is not None
    assert health(elb, web)[A]["Reason"] == "Elb.RegistrationInProgress"


def _subnets(load_balancer):
    return (zone["SubnetId"] for zone in load_balancer["AvailabilityZones"])


def test_changed_attributes_reach_the_node(elb, node, web):
    elb.modify_target_group_attributes(
        TargetGroupArn=web,
        Attributes=[
            {"Key": "deregistration_delay.timeout_seconds", "Value": "7"},
            {"Key": "stickiness.enabled", "Value": "true"},
            {"Key": "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "Value": "3"},
            {"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"},
        ],
    )
    elb.modify_target_group(TargetGroupArn=web, HealthCheckPath="/up", HealthCheckIntervalSeconds=10)
    (item,) = node.has(wire.TargetGroup)
    assert (item.deregistration_delay, item.algorithm, item.minimum_healthy) == (7, "least_outstanding_requests", 3)
    assert item.stickiness == wire.GroupStickiness(kind="lb_cookie")
    assert (item.health_check.path, item.health_check.interval) == ("/up", 10)


def test_instance_is_reached_at_its_address_and_leaves_when_terminated(elb, node, place, group, listener):
    arn = group("machines", TargetType="instance")
    listener(arn)
    machine = place.launch()
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": machine, "Port": 32768}])
    (target,) = node.has(wire.Target)
    assert target.port == 32768
    node.report(target, "healthy")
    place.become(machine, State.STOPPED)
    assert health(elb, arn)[machine] == {
        "State": "unused", "Reason": "Target.InvalidState", "Description": "Target is in the stopped state",
    }  # fmt: skip
    place.become(machine, State.TERMINATED)
    node.look()
    assert health(elb, arn)[machine]["State"] == "draining"


def test_services_above_see_the_same_states(elb, node, place, web):
    node.report(told(node, A), "healthy")
    states = place.in_transaction(lambda tx: registry.states(tx, web))
    assert {key: str(state.state) for key, state in states.items()} == {(A, 8080): "healthy", (B, 8080): "initial"}


def test_function_answers_for_its_group(elb, node, listener):
    arn = elb.create_target_group(Name="fn", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    listener(arn)
    function = "arn:aws:lambda:us-east-1:123456789012:function:hello"
    elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": function}])
    (item,) = node.has(wire.TargetGroup)
    assert item.target_type == "lambda"
    assert node.has(wire.Target) == []
    assert health(elb, arn)[function] == {
        "State": "unavailable",
        "Reason": "Target.HealthCheckDisabled",
        "Description": "Health checks are not enabled for this target",
    }


def test_network_group_s_attributes_reach_the_node(elb, node, place, group):
    tcp = group("tcp", Protocol="TCP")
    made = elb.create_load_balancer(Name="net", Type="network", Subnets=[place.subnets[0].id], Scheme="internal")
    elb.create_listener(
        LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="TCP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": tcp}],
    )
    wanted = {
        "proxy_protocol_v2.enabled": "true",
        "stickiness.enabled": "true",
        "deregistration_delay.connection_termination.enabled": "true",
    }
    elb.modify_target_group_attributes(
        TargetGroupArn=tcp, Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()]
    )
    (item,) = node.has(wire.TargetGroup)
    assert (item.proxy_protocol, item.connection_termination, item.unhealthy_termination) == (True, True, True)
    assert item.stickiness == wire.GroupStickiness(kind="source_ip")
