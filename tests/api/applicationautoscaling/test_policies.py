"""Scaling policies: what is put is described, alarms included, and what cannot be honoured is refused."""

import pytest

from .conftest import WEB

LABEL = "app/web/50dc6c495c0c9188/targetgroup/web/943f017f100becff"


def tracking(**changes):
    return {
        "TargetValue": 75.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        **changes,
    }


def put(client, name="cpu", **changes):
    return client.put_scaling_policy(
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking(**changes),
        **WEB,
    )


def policies(client, **arguments):
    return client.describe_scaling_policies(ServiceNamespace="ecs", **arguments)["ScalingPolicies"]


def test_target_tracking_makes_two_alarms_of_its_own(api, scaled):
    made = put(scaled.client, ScaleOutCooldown=60, ScaleInCooldown=120, DisableScaleIn=False)
    number = made["PolicyARN"].split(":")[6]
    assert made["PolicyARN"] == (
        f"arn:aws:autoscaling:us-east-1:{api.account}:scalingPolicy:{number}"
        ":resource/ecs/service/default/web:policyName/cpu"
    )
    high, low = scaled.cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking-service/default/web-")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in made["Alarms"]] == [high["AlarmName"], low["AlarmName"]]
    assert high["AlarmName"] == f"TargetTracking-service/default/web-AlarmHigh-{number}"
    assert high["AlarmDescription"] == (f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {made['PolicyARN']}.")
    assert (high["Namespace"], high["MetricName"], high["Statistic"]) == ("AWS/ECS", "CPUUtilization", "Average")
    assert high["Dimensions"] == [
        {"Name": "ClusterName", "Value": "default"},
        {"Name": "ServiceName", "Value": "web"},
    ]
    assert [
        (alarm["ComparisonOperator"], alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"])
        for alarm in (high, low)
    ] == [("GreaterThanThreshold", 75.0, 3, 60), ("LessThanThreshold", 67.5, 15, 60)]
    (policy,) = policies(scaled.client)
    policy.pop("CreationTime")
    assert policy == {
        **WEB,
        **{key: made[key] for key in ("PolicyARN", "Alarms")},
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking(
            ScaleOutCooldown=60, ScaleInCooldown=120, DisableScaleIn=False
        ),
    }


def test_a_changed_policy_is_the_same_with_other_alarms(scaled):
    first = put(scaled.client)
    second = put(scaled.client, TargetValue=40.0, DisableScaleIn=True)
    assert second["PolicyARN"] == first["PolicyARN"]
    (alarm,) = scaled.cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["AlarmName"], alarm["Threshold"]) == (second["Alarms"][0]["AlarmName"], 40.0)


def test_requests_per_target_are_those_of_the_label(scaled):
    put(
        scaled.client,
        PredefinedMetricSpecification={"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": LABEL},
    )
    high = scaled.cloudwatch.describe_alarms()["MetricAlarms"][0]
    assert (high["Namespace"], high["MetricName"], high["Statistic"]) == (
        "AWS/ApplicationELB",
        "RequestCountPerTarget",
        "Sum",
    )
    assert high["Dimensions"] == [
        {"Name": "LoadBalancer", "Value": "app/web/50dc6c495c0c9188"},
        {"Name": "TargetGroup", "Value": "targetgroup/web/943f017f100becff"},
    ]


@pytest.mark.parametrize(
    "specification",
    [
        {"MetricName": "Depth", "Namespace": "Test", "Statistic": "Average", "Unit": "Count",
         "Dimensions": [{"Name": "Queue", "Value": "q"}]},
        {"Metrics": [
            {"Id": "m1", "ReturnData": False,
             "MetricStat": {"Metric": {"Namespace": "Test", "MetricName": "Depth"}, "Stat": "Sum"}},
            {"Id": "e1", "Expression": "m1 / 2", "ReturnData": True},
        ]},
    ],
)  # fmt: skip
def test_a_metric_of_one_s_own_is_tracked(scaled, specification):
    configuration = {"TargetValue": 10.0, "CustomizedMetricSpecification": specification}
    scaled.client.put_scaling_policy(
        PolicyName="own",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
        **WEB,
    )
    (policy,) = policies(scaled.client)
    assert policy["TargetTrackingScalingPolicyConfiguration"] == configuration
    assert len(scaled.cloudwatch.describe_alarms()["MetricAlarms"]) == 2


def test_step_scaling_is_described_as_it_was_put(scaled):
    configuration = {
        "AdjustmentType": "PercentChangeInCapacity",
        "StepAdjustments": [
            {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 15.0, "ScalingAdjustment": 25},
            {"MetricIntervalLowerBound": 15.0, "ScalingAdjustment": 50},
        ],
        "MinAdjustmentMagnitude": 2,
        "Cooldown": 60,
        "MetricAggregationType": "Average",
    }
    scaled.client.put_scaling_policy(PolicyName="steps", StepScalingPolicyConfiguration=configuration, **WEB)
    (policy,) = policies(scaled.client)
    assert (policy["PolicyType"], policy["StepScalingPolicyConfiguration"]) == ("StepScaling", configuration)
    assert policy["Alarms"] == []


def test_policies_are_found_by_resource_and_name_and_come_in_pages(scaled):
    steps = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}]}
    names = [f"p{n:02}" for n in range(12)]
    arns = [
        scaled.client.put_scaling_policy(PolicyName=name, StepScalingPolicyConfiguration=steps, **WEB)["PolicyARN"]
        for name in names
    ]
    pages = scaled.client.get_paginator("describe_scaling_policies").paginate(ServiceNamespace="ecs")
    assert [policy["PolicyName"] for page in pages for policy in page["ScalingPolicies"]] == names
    assert [p["PolicyName"] for p in policies(scaled.client, PolicyNames=["p03"])] == ["p03"]
    assert [p["PolicyName"] for p in policies(scaled.client, PolicyNames=[arns[5]])] == ["p05"]
    assert policies(scaled.client, ResourceId="service/default/other") == []


def test_deleting_what_is_not_there_is_refused(scaled, refused):
    assert refused(scaled.client.delete_scaling_policy, PolicyName="p", **WEB) == (
        "ObjectNotFoundException",
        (
            "No scaling policy found for service namespace: ecs, resource ID: service/default/web, "
            "scalable dimension: ecs:service:DesiredCount, policy name: p"
        ),
    )


def test_a_policy_needs_a_target(client, web, refused):
    assert refused(put, client=client) == (
        "ObjectNotFoundException",
        (
            "No scalable target registered for service namespace: ecs, resource ID: service/default/web, "
            "scalable dimension: ecs:service:DesiredCount"
        ),
    )


def test_one_metric_is_tracked_once(scaled, refused):
    put(scaled.client)
    assert refused(put, client=scaled.client, name="again") == (
        "ValidationException",
        "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"TargetValue": 0.0},
        {"PredefinedMetricSpecification": {"PredefinedMetricType": "RDSReaderAverageCPUUtilization"}},
        {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget"}},
        {"PredefinedMetricSpecification": {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": "x"}},
        {
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ECSServiceAverageCPUUtilization",
                "ResourceLabel": LABEL,
            }
        },
        {"CustomizedMetricSpecification": {"MetricName": "m", "Namespace": "n", "Statistic": "Sum"}},
        {"ScaleInCooldown": -1},
    ],
)
def test_tracking_that_cannot_be_honoured_is_refused(scaled, refused, changes):
    assert refused(put, client=scaled.client, **changes)[0] == "ValidationException"
    assert policies(scaled.client) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"StepAdjustments": []},
        {"AdjustmentType": None},
        {"MetricAggregationType": "Maximum"},
        {"MinAdjustmentMagnitude": 1},
        {"Cooldown": -1},
        {
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 5.0, "MetricIntervalUpperBound": 5.0, "ScalingAdjustment": 1}
            ]
        },
        {
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 5.0, "ScalingAdjustment": 2},
            ]
        },
        {
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 15.0, "ScalingAdjustment": 2},
            ]
        },
    ],
)
def test_steps_that_cannot_be_honoured_are_refused(scaled, refused, changes):
    steps = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}], **changes}
    given = {key: value for key, value in steps.items() if value is not None}
    code, _ = refused(scaled.client.put_scaling_policy, PolicyName="p", StepScalingPolicyConfiguration=given, **WEB)
    assert code == "ValidationException"


@pytest.mark.parametrize("kind", ["PredictiveScaling", "TargetTrackingScaling"])
def test_a_policy_has_the_configuration_of_its_type(scaled, refused, kind):
    steps = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}]}
    code, _ = refused(
        scaled.client.put_scaling_policy,
        PolicyName="p",
        PolicyType=kind,
        StepScalingPolicyConfiguration=steps,
        **WEB,
    )
    assert code == "ValidationException"
