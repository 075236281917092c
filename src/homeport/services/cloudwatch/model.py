"""Metrics, and the rules that hold for them everywhere."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from homeport.services.cloudwatch.distribution import Distribution

MINUTE = 60
HOUR = 3_600
DAY = 86_400

#: Per resolution, in seconds: for how long datapoints are kept at it, and the next coarser one (0: they go).
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
RETENTION: Mapping[int, tuple[int, int]] = {
    1: (3 * HOUR, MINUTE),
    MINUTE: (15 * DAY, 5 * MINUTE),
    5 * MINUTE: (63 * DAY, HOUR),
    HOUR: (455 * DAY, 0),
}

#: ListMetrics does not show a metric that had no datapoint for so long.
LISTED_FOR = 14 * DAY


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured; *dimensions* are (name, value) pairs, sorted."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @property
    def dimensions_key(self) -> str:
        """The dimensions as the store compares them."""
        return msgspec.json.encode(self.dimensions).decode()

    def id_in(self, region: str) -> int:
        """Return the number that names this metric of *region*."""
        key = msgspec.json.encode((region, self.namespace, self.name, self.dimensions))
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big") >> 1


def metric_of(namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
    """Return the metric with *dimensions*, whose order says nothing."""
    return Metric(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(frozen=True, slots=True)
class Datum:
    """What is published of *metric*; *timestamp* in seconds, *resolution* 1 or 60 seconds."""

    metric: Metric
    timestamp: float
    distribution: Distribution
    unit: str = "None"
    resolution: int = MINUTE


@dataclass(frozen=True, slots=True)
class Datapoint:
    """What was measured in one unit from *timestamp* for *resolution* seconds."""

    timestamp: int
    resolution: int
    unit: str
    distribution: Distribution
