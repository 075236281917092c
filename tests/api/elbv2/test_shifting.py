"""Traffic moved between target groups by the services above."""

import pytest

from homeport.aws.errors import AwsError
from homeport.services.elbv2 import shifting
from homeport.wire import balancing as wire


@pytest.fixture
def shift(api, place):
    """Shift a rule's traffic: `shift(arn, {blue: 100.0, green: 0.0})`."""
    return lambda arn, shares: place.in_transaction(lambda tx: shifting.shift(tx, api.region, arn, shares))


@pytest.fixture
def sides(group):
    return group("blue"), group("green")


def told(node):
    action = node.has(wire.LoadBalancer)[0].listeners[0].rules[-1].action
    return [group.weight for group in action.target_groups]


def test_traffic_moves_in_steps_and_both_groups_stay_known(elb, node, sides, listener, shift):
    blue, green = sides
    groups = [{"TargetGroupArn": blue, "Weight": 100}, {"TargetGroupArn": green, "Weight": 0}]
    arn = listener(blue, DefaultActions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}])
    assert told(node) == [100, 0]
    assert len(node.has(wire.TargetGroup)) == 2, "the one without traffic is checked, too"
    for shares, weights in (({green: 10.0, blue: 90.0}, [90, 10]), ({green: 0.1, blue: 99.9}, [999, 1])):
        assert shift(arn, shares)
        assert told(node) == weights
    assert shift(arn, {green: 100.0})
    assert not shift(arn, {green: 100.0}), "nothing has changed"
    assert told(node) == [0, 100]
    assert len(node.has(wire.TargetGroup)) == 2
    shown = elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]["DefaultActions"][0]
    assert "TargetGroupArn" not in shown
    assert [group["Weight"] for group in shown["ForwardConfig"]["TargetGroups"]] == [0, 100]


def test_rule_keeps_its_conditions_and_stickiness(elb, node, sides, listener, shift):
    blue, green = sides
    conditions = [{"Field": "path-pattern", "Values": ["/x"]}]
    sticky = {"Enabled": True, "DurationSeconds": 60}
    action = {
        "Type": "forward",
        "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": blue}], "TargetGroupStickinessConfig": sticky},
    }
    arn = elb.create_rule(ListenerArn=listener(blue), Priority=1, Conditions=conditions, Actions=[action])["Rules"][0]
    shift(arn["RuleArn"], {green: 100.0})
    (shown,) = elb.describe_rules(RuleArns=[arn["RuleArn"]])["Rules"]
    assert shown["Conditions"] == arn["Conditions"]
    assert shown["Actions"][0]["ForwardConfig"] == {
        "TargetGroups": [{"TargetGroupArn": blue, "Weight": 0}, {"TargetGroupArn": green, "Weight": 100}],
        "TargetGroupStickinessConfig": sticky,
    }


def test_what_does_not_forward_cannot_shift(elb, sides, balancer, shift):
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    made = elb.create_listener(LoadBalancerArn=balancer(), Protocol="HTTP", Port=80, DefaultActions=fixed)
    arn = made["Listeners"][0]["ListenerArn"]
    with pytest.raises(AwsError, match="does not forward"):
        shift(arn, {sides[0]: 100.0})
    elb.delete_listener(ListenerArn=arn)
    with pytest.raises(AwsError, match="not found"):
        shift(arn, {sides[0]: 100.0})
