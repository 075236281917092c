"""What a node says that a load balancer did can be read from CloudWatch, by AWS's names and dimensions."""

import time

import pytest

from homeport.services.elbv2.metering import record_traffic
from homeport.wire import balancing as wire
from homeport.wire.metrics import BalancerTraffic, GroupTraffic

from .conftest import NODE

MINUTE = int(time.time()) // 60 * 60 - 60


@pytest.fixture
def say(node, place):
    """Have the node report traffic of its only load balancer."""

    def say(*groups, reporter=NODE, **whole):
        (balancer,) = node.has(wire.LoadBalancer)
        traffic = BalancerTraffic(minute=MINUTE, balancer=balancer.id, groups=groups, **whole)
        place.in_transaction(lambda tx: record_traffic(tx, reporter, traffic))
        return balancer.id

    return say


@pytest.fixture
def read(api):
    """Return the sum of a metric, or None where it has no datapoint."""
    cloudwatch = api.client("cloudwatch")

    def read(name, *, namespace="AWS/ApplicationELB", statistic="Sum", **dimensions):
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=MINUTE,
            EndTime=MINUTE + 60,
            Period=60,
            Statistics=[statistic],
        )["Datapoints"]
        return points[0][statistic] if points else None

    return read


def test_requests_and_responses_are_told_apart_by_who_answered(group, listener, say, read):
    arn = group("web")
    listener(arn)
    name = arn.rpartition(":")[2]
    one = GroupTraffic(
        group=name,
        requests=100,
        responses=(90, 0, 3, 7),
        failures=2,
        response_seconds=0.5,
        healthy=4,
        unhealthy=1,
    )
    balancer = say(one, requests=112, responses=(90, 10, 5, 7))
    whole, both = {"LoadBalancer": balancer}, {"LoadBalancer": balancer, "TargetGroup": name}
    for dimensions in (whole, both):
        assert read("RequestCount", **dimensions) == 100
        assert read("HTTPCode_Target_2XX_Count", **dimensions) == 90
        assert read("HTTPCode_Target_3XX_Count", **dimensions) is None
        assert read("HTTPCode_Target_4XX_Count", **dimensions) == 3
        assert read("HTTPCode_Target_5XX_Count", **dimensions) == 5
        assert read("TargetConnectionErrorCount", **dimensions) == 2
        assert read("TargetResponseTime", statistic="Average", **dimensions) == 0.5
    assert read("HTTPCode_ELB_3XX_Count", **whole) == 10
    assert read("HTTPCode_ELB_4XX_Count", **whole) == 2
    assert read("HTTPCode_ELB_5XX_Count", **whole) == 2
    for dimensions in ({"TargetGroup": name}, both):
        assert read("RequestCountPerTarget", **dimensions) == 25
    assert read("HealthyHostCount", statistic="Maximum", **both) == 4
    assert read("UnHealthyHostCount", statistic="Maximum", **both) == 1


def test_a_quiet_load_balancer_has_zeros_where_aws_has_them(group, listener, say, read):
    arn = group("web")
    listener(arn)
    name = arn.rpartition(":")[2]
    balancer = say(GroupTraffic(group=name, healthy=1))
    assert read("RequestCount", LoadBalancer=balancer) == 0
    assert read("RequestCountPerTarget", TargetGroup=name) == 0
    assert read("HTTPCode_Target_2XX_Count", LoadBalancer=balancer) is None
    assert read("TargetResponseTime", LoadBalancer=balancer) is None


def test_another_node_cannot_speak_of_it(group, listener, say, read):
    listener(group("web"))
    balancer = say(requests=5, reporter="node-2")
    assert read("RequestCount", LoadBalancer=balancer) is None


def test_what_a_network_load_balancer_did_is_in_a_namespace_of_its_own(group, balancer, listener, say, read):
    arn = group("tcp", Protocol="TCP")
    listener(arn, balancer("net", Type="network"), Protocol="TCP")
    name = arn.rpartition(":")[2]
    id_ = say(GroupTraffic(group=name, healthy=2), requests=9)
    assert read("NewFlowCount", namespace="AWS/NetworkELB", LoadBalancer=id_) == 9
    dimensions = {"LoadBalancer": id_, "TargetGroup": name}
    assert read("HealthyHostCount", namespace="AWS/NetworkELB", statistic="Minimum", **dimensions) == 2
    assert read("RequestCount", LoadBalancer=id_) is None
