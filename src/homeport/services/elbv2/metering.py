"""
The metrics of load balancers, from what nodes say that these did.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from collections.abc import Iterator, Mapping

from homeport.db.database import Tx
from homeport.services.cloudwatch.distribution import of_values
from homeport.services.cloudwatch.model import Datum, metric_of
from homeport.services.cloudwatch.store import datapoints
from homeport.services.elbv2.model.load_balancers import Kind
from homeport.services.elbv2.store import load_balancers
from homeport.wire.metrics import BalancerTraffic, GroupTraffic

APPLICATION = "AWS/ApplicationELB"
NETWORK = "AWS/NetworkELB"
_CLASSES = ("2XX", "3XX", "4XX", "5XX")


async def record_traffic(tx: Tx, node: str, traffic: BalancerTraffic) -> None:
    """Publish what a load balancer did; a node cannot speak of one that it does not have."""
    balancer = await load_balancers.find_by_id(tx, traffic.balancer)
    if balancer is None or balancer.node != node:
        return
    data = _application(traffic) if balancer.kind is Kind.APPLICATION else _network(traffic)
    await datapoints.publish(tx, balancer.region, data)


def _application(traffic: BalancerTraffic) -> Iterator[Datum]:
    whole = _Metrics(APPLICATION, traffic.minute, {"LoadBalancer": traffic.balancer})
    yield whole.count("RequestCount", sum(group.requests for group in traffic.groups))
    own = [
        answered - sum(group.responses[n] for group in traffic.groups) for n, answered in enumerate(traffic.responses)
    ]
    # What it had to answer for targets that did not stands among the responses of their group.
    own[3] += sum(_unanswered(group) for group in traffic.groups)
    for name, number in list(zip(_CLASSES, own, strict=True))[1:]:
        yield from whole.some(f"HTTPCode_ELB_{name}_Count", number)
    for group in traffic.groups:
        yield from _group(traffic, group, whole)


def _group(traffic: BalancerTraffic, group: GroupTraffic, whole: "_Metrics") -> Iterator[Datum]:
    """Yield the metrics of one target group; most of them are the load balancer's as well."""
    alone = _Metrics(APPLICATION, traffic.minute, {"TargetGroup": group.group})
    both = _Metrics(APPLICATION, traffic.minute, {"LoadBalancer": traffic.balancer, "TargetGroup": group.group})
    yield both.count("RequestCount", group.requests)
    if group.healthy:
        for metrics in (alone, both):
            yield metrics.one("RequestCountPerTarget", group.requests / group.healthy, "None")
    answered = [*group.responses[:3], group.responses[3] - _unanswered(group)]
    for metrics in (whole, both):
        for name, number in zip(_CLASSES, answered, strict=True):
            yield from metrics.some(f"HTTPCode_Target_{name}_Count", number)
        if group.requests and group.response_seconds:
            yield metrics.many("TargetResponseTime", group.response_seconds, group.requests, "Seconds")
        yield from metrics.some("TargetConnectionErrorCount", group.failures)
    yield from _hosts(both, group)


def _network(traffic: BalancerTraffic) -> Iterator[Datum]:
    whole = _Metrics(NETWORK, traffic.minute, {"LoadBalancer": traffic.balancer})
    yield whole.count("NewFlowCount", traffic.requests)
    for group in traffic.groups:
        dimensions = {"LoadBalancer": traffic.balancer, "TargetGroup": group.group}
        yield from _hosts(_Metrics(NETWORK, traffic.minute, dimensions), group)


def _hosts(metrics: "_Metrics", group: GroupTraffic) -> Iterator[Datum]:
    yield metrics.one("HealthyHostCount", group.healthy, "Count")
    yield metrics.one("UnHealthyHostCount", group.unhealthy, "Count")


def _unanswered(group: GroupTraffic) -> int:
    """Return how many of a group's 5xx responses were the load balancer's own."""
    return min(group.failures, group.responses[3])


class _Metrics:
    """Makes the datapoints of one minute with the same dimensions."""

    def __init__(self, namespace: str, minute: int, dimensions: Mapping[str, str]) -> None:
        self._namespace = namespace
        self._minute = minute
        self._dimensions = dimensions

    def many(self, name: str, value: float, times: int, unit: str) -> Datum:
        metric = metric_of(self._namespace, name, self._dimensions)
        return Datum(metric, self._minute, of_values({float(value): float(times)}), unit)

    def one(self, name: str, value: float, unit: str) -> Datum:
        return self.many(name, value, 1, unit)

    def count(self, name: str, number: int) -> Datum:
        """Each of *number* is a sample of 1, as on AWS; where there was none, one of 0."""
        return self.many(name, 1, number, "Count") if number else self.one(name, 0, "Count")

    def some(self, name: str, number: int) -> Iterator[Datum]:
        """Yield nothing where there was nothing: AWS does not report zeros of these."""
        if number > 0:
            yield self.count(name, number)
