"""What target tracking looks at is what services and load balancers publish, name for name."""

import pytest

from homeport.services.applicationautoscaling.model import Policy, Tracking
from homeport.services.applicationautoscaling.tracking_alarms import CPU, MEMORY, REQUESTS, split_label, wanted_alarms
from homeport.services.cloudwatch.model import metric_of
from homeport.services.ecs import metering as services
from homeport.services.elbv2 import metering as balancers
from homeport.wire.metrics import BalancerTraffic, GroupTraffic

BALANCER = "app/web/50dc6c495c0c9188"
GROUP = "targetgroup/web/943f017f100becff"


def watched(predefined, label=""):
    configuration = Tracking(target=50.0, predefined=predefined, label=label)
    policy = Policy("us-east-1", "service/default/web", "p", "id", 0.0, configuration)
    stats = {alarm.stat for alarm in wanted_alarms(policy, "123456789012")}
    assert len(stats) == 1, "both alarms look at the same"
    return stats.pop()


def test_requests_per_target_are_what_load_balancers_publish():
    stat = watched(REQUESTS, f"{BALANCER}/{GROUP}")
    traffic = BalancerTraffic(minute=0, balancer=BALANCER, groups=(GroupTraffic(group=GROUP, requests=8, healthy=2),))
    published = {datum.metric: datum for datum in balancers._application(traffic)}
    assert published[stat.metric].distribution.total == 4.0
    assert stat.statistic == "Sum"


@pytest.mark.parametrize(("predefined", "name"), [(CPU, "CPUUtilization"), (MEMORY, "MemoryUtilization")])
def test_cpu_and_memory_are_what_services_publish(predefined, name):
    stat = watched(predefined)
    dimensions = {"ClusterName": "default", "ServiceName": "web"}
    published = {metric for _, metric, _ in services._percents("us-east-1", dimensions, 0.5, 1, 256, 512)}
    assert stat.metric == metric_of(services.NAMESPACE, name, dimensions)
    assert stat.metric in published


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        (f"{BALANCER}/{GROUP}", (BALANCER, GROUP)),
        ("", None),
        (BALANCER, None),
        (f"net/web/1/{GROUP}", None),
        (f"app/web/{GROUP}", None),
        (f"{BALANCER}/targetgroup/web", None),
        (f"app//1/{GROUP}", None),
    ],
)
def test_a_label_names_a_load_balancer_and_a_group(label, parts):
    assert split_label(label) == parts
