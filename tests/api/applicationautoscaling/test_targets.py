"""Scalable targets: registered, bounded, listed, tagged, deregistered."""

import pytest

from .conftest import WEB

MISSING = "service namespace: ecs, resource ID: service/default/web, scalable dimension: ecs:service:DesiredCount"


def targets(client, **arguments):
    return client.describe_scalable_targets(ServiceNamespace="ecs", **arguments)["ScalableTargets"]


def test_a_target_is_registered_and_described(api, client, web):
    arn = client.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=10, RoleARN="arn:aws:iam::1:role/x")[
        "ScalableTargetARN"
    ]
    (target,) = targets(client)
    target.pop("CreationTime")
    assert target == {
        **WEB,
        "MinCapacity": 1,
        "MaxCapacity": 10,
        "RoleARN": f"arn:aws:iam::{api.account}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "SuspendedState": {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
        "ScalableTargetARN": arn,
    }
    assert arn.startswith(f"arn:aws:application-autoscaling:us-east-1:{api.account}:scalable-target/")


def test_what_is_registered_again_is_changed_where_it_says_so(client, web):
    arn = client.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=10)["ScalableTargetARN"]
    again = client.register_scalable_target(**WEB, MaxCapacity=5, SuspendedState={"DynamicScalingInSuspended": True})
    assert again["ScalableTargetARN"] == arn
    client.register_scalable_target(**WEB, SuspendedState={"ScheduledScalingSuspended": True})
    (target,) = targets(client)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 5)
    assert target["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": True,
    }


@pytest.mark.parametrize(
    ("bounds", "count", "cause"),
    [
        ({"MinCapacity": 4, "MaxCapacity": 9}, 4, "minimum capacity was set to 4"),
        ({"MinCapacity": 0, "MaxCapacity": 1}, 1, "maximum capacity was set to 1"),
        ({"MinCapacity": 2, "MaxCapacity": 2}, 2, None),
    ],
)
def test_a_service_is_brought_between_its_bounds_when_they_are_set(api, client, web, bounds, count, cause):
    client.register_scalable_target(**WEB, **bounds)
    assert web.shown()["desiredCount"] == count
    activities = client.describe_scaling_activities(ServiceNamespace="ecs", ResourceId="service/default/web")
    assert [activity["Cause"] for activity in activities["ScalingActivities"]] == ([cause] if cause else [])


def test_targets_come_in_pages(ecs, client):
    from tests.api.ecs.services import Service

    for name in ("a", "b", "c"):
        Service(ecs, name, desiredCount=1)
        client.register_scalable_target(
            **{**WEB, "ResourceId": f"service/default/{name}"}, MinCapacity=1, MaxCapacity=2
        )
    pages = client.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="ecs", PaginationConfig={"PageSize": 2}
    )
    found = [[target["ResourceId"][-1] for target in page["ScalableTargets"]] for page in pages]
    assert found == [["a", "b"], ["c"]]
    (one,) = targets(client, ResourceIds=["service/default/b"], ScalableDimension=WEB["ScalableDimension"])
    assert one["ResourceId"] == "service/default/b"
    assert targets(client, ResourceIds=["service/default/z"]) == []


def test_tags_come_and_go(client, web, refused):
    arn = client.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=2, Tags={"a": "1"})["ScalableTargetARN"]
    client.tag_resource(ResourceARN=arn, Tags={"b": "2"})
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"a": "1", "b": "2"}
    client.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"b": "2"}
    many = {f"k{n}": "" for n in range(50)}
    assert refused(client.tag_resource, ResourceARN=arn, Tags=many)[0] == "TooManyTagsException"
    assert refused(client.list_tags_for_resource, ResourceARN=f"{arn}x")[0] == "ResourceNotFoundException"


def test_a_deregistered_target_takes_everything_along(api, client, web, refused):
    client.register_scalable_target(**WEB, MinCapacity=1, MaxCapacity=2)
    client.put_scaling_policy(
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 50.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"},
        },
        **WEB,
    )
    client.put_scheduled_action(
        ScheduledActionName="s", Schedule="rate(1 hour)", ScalableTargetAction={"MinCapacity": 1}, **WEB
    )
    client.deregister_scalable_target(**WEB)
    assert targets(client) == []
    assert client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []
    assert client.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"] == []
    assert api.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert refused(client.deregister_scalable_target, **WEB) == (
        "ObjectNotFoundException",
        f"No scalable target found for {MISSING}",
    )


UNSUPPORTED = "Unsupported service namespace, resource type or scalable dimension"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ResourceId": "service/default/gone"}, "ECS service doesn't exist: service/default/gone"),
        ({"ResourceId": "service/web"}, UNSUPPORTED),
        ({"ResourceId": "table/web"}, UNSUPPORTED),
        ({"ScalableDimension": "dynamodb:table:ReadCapacityUnits"}, UNSUPPORTED),
        (
            {"ServiceNamespace": "dynamodb"},
            "Homeport scales ECS services only: the service namespace dynamodb is not supported.",
        ),
        ({"MaxCapacity": None}, "Both MinCapacity and MaxCapacity are required to register a scalable target"),
        ({"MinCapacity": 5, "MaxCapacity": 4}, "Maximum capacity cannot be less than minimum capacity"),
        ({"MinCapacity": -1}, "Minimum and maximum capacity must not be negative"),
    ],
)
def test_what_cannot_be_scaled_is_refused(client, web, refused, change, message):
    arguments = {**WEB, "MinCapacity": 1, "MaxCapacity": 4, **change}
    given = {key: value for key, value in arguments.items() if value is not None}
    assert refused(client.register_scalable_target, **given) == ("ValidationException", message)
    assert targets(client) == []
