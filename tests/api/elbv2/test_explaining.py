"""What `homeport explain balancer` says, from the API's own answers."""

import pytest

from homeport.cli.explain.balancers import explain_balancer
from homeport.cli.explain.commands import read_balancer
from homeport.cli.net.reading import collect, model_of
from homeport.wire import balancing as wire


@pytest.fixture
def explain(api, elb):
    """Return the lines that are said of the load balancer called web."""

    def ask():
        network = model_of(collect(api.client("ec2"), api.client("ecs")))
        return list(explain_balancer(read_balancer(elb, "web"), network))

    return ask


def open_port(api, group, port):
    api.client("ec2").authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0"
    )


@pytest.fixture
def front(api, place):
    """Give a security group that lets nothing in."""
    made = api.client("ec2").create_security_group(GroupName="front", Description="front", VpcId=place.vpc)
    return made["GroupId"]


def test_load_balancer_is_explained_from_its_making_on(
    api, elb, node, place, front, balancer, group, listener, explain
):
    arn = balancer("web", SecurityGroups=[front])
    shown = elb.describe_load_balancers()["LoadBalancers"][0]
    first, second = explain()
    assert first.startswith("The internet-facing load balancer web is provisioning. ")
    assert f"{shown['DNSName']} is 198.18.0." in first
    assert second == "It has no listener, so it answers nobody."
    node.report_balancer("active")
    listener(group("pages"), arn)
    said = explain()
    assert said[1] == "On port 80 (HTTP) it forwards to pages."
    assert said[2].startswith("Nobody outside reaches port 80: ")
    assert said[3] == "pages has no targets: what is forwarded to it is answered 503."
    open_port(api, front, 80)
    assert not any(line.startswith("Nobody outside") for line in explain())


def test_target_that_is_not_healthy_is_named_with_what_is_in_its_way(
    api, elb, node, place, front, balancer, group, listener, explain
):
    arn = balancer("web", SecurityGroups=[front])
    web = group("pages", TargetType="instance", Port=8080)
    listener(web, arn)
    machine = place.launch()
    elb.register_targets(TargetGroupArn=web, Targets=[{"Id": machine}])
    said = explain()
    assert "pages has 1 target: 1 initial. Until one is healthy, requests are answered 503." in said
    (target,) = node.has(wire.Target)
    node.report(target, "unhealthy", "Target.Timeout", "Request timed out")
    said = explain()
    assert said[-3] == "pages has 1 target: 1 unhealthy. None is healthy, so requests go to all that are unhealthy."
    assert said[-2] == f"{machine}:8080: Request timed out."
    assert said[-1].startswith("Its health checks do not arrive on port 8080: ")
    (default,) = api.client("ec2").describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    open_port(api, default["GroupId"], 8080)
    assert explain()[-1] == f"{machine}:8080: Request timed out.", "the network is not to blame any more"
    node.report(target, "healthy")
    assert explain()[-1] == "pages has 1 target: 1 healthy."


def test_address_that_nobody_has_is_said_to_be_nobody_s(elb, node, balancer, group, listener, explain):
    web = group("pages")
    listener(web, balancer("web"))
    elb.register_targets(TargetGroupArn=web, Targets=[{"Id": "172.31.0.99"}, {"Id": "172.31.32.9"}])
    said = explain()
    assert "172.31.0.99:80: Target registration is in progress." in said
    assert any(line.startswith("Nobody is there to be checked: ") for line in said)
    assert "172.31.32.9:80: Target is in an Availability Zone that is not enabled for the load balancer." in said
