"""Services as clients declare and see them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from .services import Service

MISSING_NETWORK = "Network Configuration must be provided when networkMode 'awsvpc' is specified."


def test_a_service_is_shown_as_aws_shows_it(ecs: Any) -> None:
    definition = ecs.register()
    made = Service(ecs, taskDefinition="web", tags=[{"key": "team", "value": "a"}]).created
    revision = made["currentServiceRevisions"][0]["arn"]
    number = revision.rpartition("/")[2]
    assert len(number) == 19
    assert number.isdigit()
    network = {"awsvpcConfiguration": {"subnets": [ecs.subnet], "securityGroups": [], "assignPublicIp": "DISABLED"}}
    deployment = made["deployments"][0]
    assert isinstance(deployment.pop("createdAt"), datetime)
    assert deployment.pop("updatedAt").tzinfo is not None
    assert deployment == {
        "id": f"ecs-svc/{number}",
        "status": "PRIMARY",
        "taskDefinition": definition,
        "desiredCount": 2,
        "pendingCount": 0,
        "runningCount": 0,
        "failedTasks": 0,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "networkConfiguration": network,
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment ecs-svc/{number} in progress.",
    }
    assert made["createdAt"].astimezone(UTC) <= datetime.now(UTC)
    kept = {key: value for key, value in made.items() if key not in {"deployments", "createdAt"}}
    assert kept == {
        "serviceArn": "arn:aws:ecs:us-east-1:123456789012:service/default/web",
        "serviceName": "web",
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/default",
        "loadBalancers": [],
        "serviceRegistries": [],
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": 0,
        "pendingCount": 0,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "taskDefinition": definition,
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "ROLLING",
            "bakeTimeInMinutes": 0,
        },
        "roleArn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "events": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "networkConfiguration": network,
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "tags": [{"key": "team", "value": "a"}],
        "createdBy": "arn:aws:iam::123456789012:root",
        "enableECSManagedTags": False,
        "propagateTags": "NONE",
        "enableExecuteCommand": False,
        "availabilityZoneRebalancing": "ENABLED",
        "healthCheckGracePeriodSeconds": 0,
        "currentServiceDeployment": made["currentServiceDeployment"],
        "currentServiceRevisions": [
            {"arn": revision, "requestedTaskCount": 2, "runningTaskCount": 0, "pendingTaskCount": 0}
        ],
    }


@pytest.mark.parametrize(
    ("parameters", "code", "sentence"),
    [
        ({"networkConfiguration": None}, "InvalidParameterException", MISSING_NETWORK),
        (
            {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
            "InvalidParameterException",
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ),
        (
            {"deploymentConfiguration": {"minimumHealthyPercent": 101}},
            "InvalidParameterException",
            "minimumHealthyPercent must be at most 100",
        ),
        (
            {"deploymentConfiguration": {"maximumPercent": 100}},
            "InvalidParameterException",
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ),
        (
            {"placementStrategy": [{"type": "random"}]},
            "InvalidParameterException",
            "Placement strategies are not supported with FARGATE launch type.",
        ),
        ({"taskDefinition": "gone"}, "ClientException", "Unable to describe task definition."),
        ({"cluster": "gone"}, "ClusterNotFoundException", "Cluster not found."),
        (
            {"role": "somebody"},
            "InvalidParameterException",
            "IAM roles are only valid for services configured to use load balancers",
        ),
        ({"enableExecuteCommand": True}, "UnsupportedFeatureException", "enableExecuteCommand is not supported."),
        (
            {"serviceConnectConfiguration": {"enabled": True}},
            "UnsupportedFeatureException",
            "Service Connect is not supported.",
        ),
        (
            {"deploymentController": {"type": "CODE_DEPLOY"}},
            "UnsupportedFeatureException",
            "The deployment controller CODE_DEPLOY is not supported; use ECS.",
        ),
        (
            {"deploymentConfiguration": {"lifecycleHooks": [{"hookTargetArn": "a", "lifecycleStages": []}]}},
            "UnsupportedFeatureException",
            "Deployment lifecycle hooks are not supported.",
        ),
        (
            {"deploymentConfiguration": {"alarms": {"alarmNames": ["a"], "rollback": True, "enable": True}}},
            "UnsupportedFeatureException",
            "Deployment alarms are not supported.",
        ),
        ({"serviceName": "a b"}, "InvalidParameterException", "Invalid service name: letters, digits, hyphens and"),
        ({"clientToken": "x" * 37}, "InvalidParameterException", "clientToken must have between 1 and 36"),
        ({"platformVersion": "9.9.9"}, "PlatformUnknownException", "The specified platform version does not exist."),
    ],
)
def test_a_service_that_could_not_be_kept_is_refused(
    ecs: Any, parameters: dict[str, Any], code: str, sentence: str
) -> None:
    ecs.register()
    arguments = {
        "serviceName": "web",
        "taskDefinition": "web",
        "desiredCount": 1,
        "launchType": "FARGATE",
        "networkConfiguration": ecs.network(),
    } | parameters
    given = {key: value for key, value in arguments.items() if value is not None}
    refused = ecs.refusal(ecs.client.create_service, **given)
    assert refused[0] == code
    assert refused[1].startswith(sentence)
    assert ecs.client.list_services()["serviceArns"] == []


def test_a_definition_that_a_node_cannot_run_makes_no_service(ecs: Any) -> None:
    ecs.register(
        {"name": "web", "image": "web", "secrets": [{"name": "A", "valueFrom": "b"}]},
        executionRoleArn="arn:aws:iam::123456789012:role/x",
    )
    code, sentence = ecs.refusal(
        ecs.client.create_service, serviceName="web", taskDefinition="web", desiredCount=1, launchType="FARGATE",
        networkConfiguration=ecs.network(),
    )  # fmt: skip
    assert code == "UnsupportedFeatureException"
    assert "secrets of container web" in sentence


def test_creating_a_service_again_makes_no_second_one(ecs: Any) -> None:
    first = Service(ecs, taskDefinition=ecs.register(), clientToken="once").created
    again = ecs.client.create_service(
        serviceName="web", taskDefinition=first["taskDefinition"], desiredCount=2, launchType="FARGATE",
        networkConfiguration=ecs.network(), clientToken="once",
    )["service"]  # fmt: skip
    assert again["deployments"][0]["id"] == first["deployments"][0]["id"]
    refused = ("InvalidParameterException", "Creation of service was not idempotent.")
    for changed in ({"desiredCount": 3}, {"desiredCount": 2, "serviceName": "other"}):
        arguments = {
            "serviceName": "web", "taskDefinition": "web", "launchType": "FARGATE", "clientToken": "once",
            "networkConfiguration": ecs.network(),
        } | changed  # fmt: skip
        assert ecs.refusal(ecs.client.create_service, **arguments) == refused


def test_services_are_listed_by_pages_and_kinds(ecs: Any) -> None:
    ecs.register()
    arns = [Service(ecs, f"s{number:02}", taskDefinition="web", desiredCount=0).arn for number in range(12)]
    first = ecs.client.list_services()
    assert first["serviceArns"] == arns[:10]
    assert ecs.client.list_services(nextToken=first["nextToken"])["serviceArns"] == arns[10:]
    assert ecs.client.list_services(launchType="EC2")["serviceArns"] == []
    assert (
        ecs.client.list_services(launchType="FARGATE", schedulingStrategy="REPLICA", maxResults=100)["serviceArns"]
        == arns
    )
    assert ecs.client.describe_clusters()["clusters"][0]["activeServicesCount"] == 12


def test_what_is_missing_is_said(ecs: Any) -> None:
    answer = ecs.client.describe_services(services=["nobody"])
    assert answer["services"] == []
    assert answer["failures"] == [
        {"arn": "arn:aws:ecs:us-east-1:123456789012:service/default/nobody", "reason": "MISSING"}
    ]
    missing = ("ServiceNotFoundException", "Service not found.")
    assert ecs.refusal(ecs.client.update_service, service="nobody", desiredCount=1) == missing
    assert ecs.refusal(ecs.client.delete_service, service="nobody") == missing
    assert ecs.refusal(ecs.client.list_tasks, serviceName="nobody") == missing
    assert ecs.refusal(ecs.client.describe_services, services=[]) == (
        "InvalidParameterException",
        "Services cannot be empty.",
    )


def test_a_service_above_zero_is_deleted_only_by_force(ecs: Any) -> None:
    service = Service(ecs)
    refused = ecs.refusal(ecs.client.delete_service, service="web")
    assert refused == ("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
    assert ecs.refusal(ecs.client.delete_cluster, cluster="default") == (
        "ClusterContainsServicesException",
        "The Cluster cannot be deleted while Services are active.",
    )
    service.start()
    deleted = ecs.client.delete_service(service="web", force=True)["service"]
    assert (deleted["status"], deleted["desiredCount"]) == ("DRAINING", 0)
    ecs.keep()
    assert {task["stopCode"] for task in service.tasks("STOPPED")} == {"ServiceSchedulerInitiated"}
    refused = ecs.refusal(ecs.client.update_service, service="web", desiredCount=1)
    assert refused == ("ServiceNotActiveException", "Service was not ACTIVE.")
    refused = ecs.refusal(
        ecs.client.create_service, serviceName="web", taskDefinition="web", desiredCount=1, launchType="FARGATE",
        networkConfiguration=ecs.network(),
    )  # fmt: skip
    assert refused == ("InvalidParameterException", "Unable to Start a service that is still Draining.")
    service.finish()
    assert service.shown()["status"] == "INACTIVE"
    assert ecs.client.list_services()["serviceArns"] == []
    ecs.client.delete_cluster(cluster="default")


def test_a_deleted_service_can_be_made_anew_and_is_forgotten_after_an_hour(ecs: Any) -> None:
    service = Service(ecs, desiredCount=0)
    ecs.client.delete_service(service="web")
    ecs.keep()
    assert service.shown()["status"] == "INACTIVE"
    again = Service(ecs, taskDefinition="web", desiredCount=1)
    assert again.shown()["status"] == "ACTIVE"
    assert [each["status"] for each in again.shown()["deployments"]] == ["PRIMARY"]
    ecs.client.delete_service(service="web", force=True)
    ecs.keep()
    again.finish()
    ecs.cleanup(later=3500)
    assert again.shown()["status"] == "INACTIVE"
    ecs.cleanup(later=7300)
    assert ecs.client.describe_services(services=["web"])["failures"][0]["reason"] == "MISSING"


def test_tags_of_a_service_come_and_go(ecs: Any) -> None:
    service = Service(ecs, tags=[{"key": "a", "value": "1"}])
    ecs.client.tag_resource(resourceArn=service.arn, tags=[{"key": "b", "value": "2"}])
    ecs.client.untag_resource(resourceArn=service.arn, tagKeys=["a"])
    tags = [{"key": "b", "value": "2"}]
    assert ecs.client.list_tags_for_resource(resourceArn=service.arn)["tags"] == tags
    assert service.shown()["tags"] == []
    assert service.shown(include=["TAGS"])["tags"] == tags
    refused = ecs.refusal(ecs.client.list_tags_for_resource, resourceArn=service.arn.replace("default/", ""))
    assert refused == ("InvalidParameterException", "Long ARN format must be used for tagging operations")


def test_a_cluster_counts_its_services_by_kind(ecs: Any) -> None:
    Service(ecs)
    Service(ecs, "leaving", taskDefinition="web")
    ecs.client.delete_service(service="leaving", force=True)
    statistics = ecs.client.describe_clusters(include=["STATISTICS"])["clusters"][0]["statistics"]
    counts = {each["name"]: each["value"] for each in statistics}
    assert counts["activeFargateServiceCount"] == "1"
    assert counts["drainingFargateServiceCount"] == "1"
    assert counts["activeEC2ServiceCount"] == "0"
