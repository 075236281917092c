"""Whatever a request of the right form says: it is done, or refused in words, and is never an internal failure."""

import random
import time
from typing import Any

import pytest
from tests.api.hostile import is_answered, request

from homeport.kit.clock import FixedClock
from homeport.services.cloudwatch.reconcilers.alarms import Alarms
from homeport.services.registry import SERVICES

NOW = time.time()
LIKELY: dict[str, list[Any]] = {
    "Namespace": ["Test", "AWS/ECS"],
    "MetricName": ["Load"],
    "AlarmName": ["a", "b"],
    "AlarmNames": [["a"], ["b", "c"]],
    "Statistic": ["Sum"],
    "Stat": ["Average", "p50"],
    "Period": [60, 10, 300],
    "StartTime": [NOW - 600],
    "EndTime": [NOW],
    "Timestamp": [NOW - 60],
    "Id": ["m1", "m2", "e1"],
    "Expression": ["m1 + m2", "SUM(METRICS())", "FILL(m1, 0)", "m1 / 0", "STDDEV(m1)"],
    "EvaluationPeriods": [1, 3],
    "Metrics": [[]],
    "Dimensions": [[], [{"Name": "Service", "Value": "web"}]],
    "DatapointsToAlarm": [1],
    "AlarmActions": [[]],
    "OKActions": [[]],
    "InsufficientDataActions": [[]],
    "Unit": ["Count", "None"],
    "ResourceARN": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"],
    "TreatMissingData": ["missing", "ignore"],
    "ComparisonOperator": ["GreaterThanThreshold"],
    "StateReasonData": ['{"a": 1}', ""],
    "Threshold": [1.0],
    "ExtendedStatistics": [["p50"]],
    "Statistics": [["Sum"]],
    "Tags": [[]],
    "StorageResolution": [1, 60],
}


RULE = {"Namespace": "Test", "MetricName": "Load", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
SERVICE = SERVICES["cloudwatch"]


@pytest.mark.parametrize("name", sorted(SERVICE.operations))
def test_a_request_is_answered_or_refused(api, name):
    cloudwatch = api.client("cloudwatch", validate=False)
    source = random.Random(name)
    done = 0
    for _ in range(25):
        cloudwatch.put_metric_alarm(AlarmName="a", Threshold=1.0, ComparisonOperator="GreaterThanThreshold", **RULE)
        document = request(SERVICE, cloudwatch.meta.service_model, name, source, LIKELY)
        done += is_answered(cloudwatch, name, document)
    assert done, "some of them must be right"
    clock = FixedClock(NOW)
    for _ in range(3):  # what was taken can be evaluated, too
        clock.advance(60)
        api.run(Alarms(api.database, clock, api.wakes.append).pass_())
