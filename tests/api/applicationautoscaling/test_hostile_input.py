"""Whatever a request of the right form says: it is done, or refused in words, and is never an internal failure."""

import random
import time
from typing import Any

import pytest
from tests.api.hostile import is_answered, request

from homeport.services.registry import SERVICES

from .conftest import WEB

NOW = time.time()
STEPS = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}]}
LIKELY: dict[str, list[Any]] = {
    **{name: [value] for name, value in WEB.items()},
    "ResourceIds": [["service/default/web"]],
    "PolicyName": ["p", "q"],
    "ScheduledActionName": ["s"],
    "Schedule": ["rate(1 hour)", "cron(0 9 * * ? *)", "at(2030-01-01T00:00:00)", "cron(0 9 31 2 ? *)"],
    "Timezone": ["Europe/Berlin", "UTC"],
    "PredefinedMetricType": ["ECSServiceAverageCPUUtilization"],
    "PolicyType": ["StepScaling", "TargetTrackingScaling"],
    "AdjustmentType": ["ChangeInCapacity", "ExactCapacity"],
    "MetricAggregationType": ["Average"],
    "MinCapacity": [0, 1, 5],
    "MaxCapacity": [5, 10],
    "TargetValue": [50.0],
    "StepScalingPolicyConfiguration": [STEPS],
    "Tags": [{}, {"a": "1"}],
    "StartTime": [NOW + 60],
    "EndTime": [NOW + 7_200],
}


SERVICE = SERVICES["application-autoscaling"]


@pytest.mark.parametrize("name", sorted(SERVICE.operations))
def test_a_request_is_answered_or_refused(api, scaled, name):
    client = api.client("application-autoscaling", validate=False)
    source = random.Random(name)
    done = 0
    for _ in range(25):
        arn = client.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=9)["ScalableTargetARN"]
        document = request(SERVICE, client.meta.service_model, name, source, {**LIKELY, "ResourceARN": [arn]})
        done += is_answered(client, name, document)
    assert done or name.startswith("Delete"), "some of them must be right"
    for _ in range(3):  # what was taken can be carried out, too
        scaled.clock.advance(3_600)
        scaled.look()
