"""Clusters as clients see them."""

from typing import Any

import pytest


def test_default_cluster_is_there_from_the_start(ecs: Any) -> None:
    (cluster,) = ecs.client.describe_clusters()["clusters"]
    assert cluster["clusterName"] == "default"
    assert cluster["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]


def test_create_cluster_shows_what_aws_shows(ecs: Any) -> None:
    assert ecs.client.create_cluster(clusterName="web")["cluster"] == {
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/web",
        "clusterName": "web",
        "status": "ACTIVE",
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": 0,
        "pendingTasksCount": 0,
        "activeServicesCount": 0,
        "statistics": [],
        "tags": [],
        "settings": [{"name": "containerInsights", "value": "disabled"}],
        "capacityProviders": [],
        "defaultCapacityProviderStrategy": [],
    }


def test_create_cluster_is_idempotent(ecs: Any) -> None:
    first = ecs.client.create_cluster(clusterName="web", capacityProviders=["FARGATE"])["cluster"]
    assert ecs.client.create_cluster(clusterName="web")["cluster"] == first


def test_describe_shows_settings_and_tags_only_when_included(ecs: Any) -> None:
    ecs.client.create_cluster(
        clusterName="web",
        tags=[{"key": "team", "value": "blue"}],
        settings=[{"name": "containerInsights", "value": "enabled"}],
        configuration={"executeCommandConfiguration": {"logging": "NONE"}},
    )
    (bare,) = ecs.client.describe_clusters(clusters=["web"])["clusters"]
    assert (bare["tags"], bare["settings"], "configuration" in bare) == ([], [], False)
    (whole,) = ecs.client.describe_clusters(
        clusters=["web"], include=["TAGS", "SETTINGS", "CONFIGURATIONS", "ATTACHMENTS", "STATISTICS"]
    )["clusters"]
    assert whole["tags"] == [{"key": "team", "value": "blue"}]
    assert whole["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert whole["configuration"] == {"executeCommandConfiguration": {"logging": "NONE"}}
    assert whole["attachments"] == []
    assert {"name": "runningFargateTasksCount", "value": "0"} in whole["statistics"]


def test_unknown_clusters_are_failures_with_their_arn(ecs: Any) -> None:
    answer = ecs.client.describe_clusters(clusters=["default", "nowhere"])
    assert [cluster["clusterName"] for cluster in answer["clusters"]] == ["default"]
    assert answer["failures"] == [{"arn": "arn:aws:ecs:us-east-1:123456789012:cluster/nowhere", "reason": "MISSING"}]


def test_clusters_are_listed_in_pages(ecs: Any) -> None:
    for number in range(5):
        ecs.client.create_cluster(clusterName=f"web-{number}")
    pages = list(ecs.client.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["clusterArns"]) for page in pages] == [2, 2, 2]
    assert len({arn for page in pages for arn in page["clusterArns"]}) == 6


def test_counts_follow_the_tasks(ecs: Any) -> None:
    tasks = [ecs.run() for _ in range(2)]
    ecs.place()
    ecs.report(tasks[0], "running")
    (cluster,) = ecs.client.describe_clusters()["clusters"]
    assert (cluster["runningTasksCount"], cluster["pendingTasksCount"]) == (1, 1)


def test_update_changes_what_is_given(ecs: Any) -> None:
    ecs.client.create_cluster(clusterName="web")
    changed = ecs.client.update_cluster_settings(
        cluster="web", settings=[{"name": "containerInsights", "value": "enhanced"}]
    )["cluster"]
    assert changed["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    changed = ecs.client.update_cluster(
        cluster="web", configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}}
    )["cluster"]
    assert changed["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    assert changed["configuration"]["executeCommandConfiguration"] == {"logging": "DEFAULT"}


def test_exec_log_override_needs_a_target(ecs: Any) -> None:
    code, message = ecs.refusal(
        ecs.client.create_cluster,
        clusterName="web",
        configuration={"executeCommandConfiguration": {"logging": "OVERRIDE"}},
    )
    assert code == "InvalidParameterException"
    assert message.startswith("A CloudWatch log group name or S3 bucket name")


def test_capacity_providers_and_default_strategy_are_put(ecs: Any) -> None:
    ecs.client.create_cluster(clusterName="web")
    strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    changed = ecs.client.put_cluster_capacity_providers(
        cluster="web", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=strategy
    )["cluster"]
    assert changed["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    assert changed["defaultCapacityProviderStrategy"] == strategy
    task = ecs.client.run_task(cluster="web", taskDefinition=ecs.register(), networkConfiguration=ecs.network())
    assert task["tasks"][0]["capacityProviderName"] == "FARGATE_SPOT"
    assert task["tasks"][0]["launchType"] == "FARGATE"
    code, _ = ecs.refusal(
        ecs.client.put_cluster_capacity_providers,
        cluster="web",
        capacityProviders=[],
        defaultCapacityProviderStrategy=[],
    )
    assert code == "ResourceInUseException"


def test_capacity_provider_that_does_not_exist_is_refused(ecs: Any) -> None:
    assert ecs.refusal(ecs.client.create_cluster, clusterName="web", capacityProviders=["mine"]) == (
        "InvalidParameterException",
        "The specified capacity provider 'mine' was not found.",
    )


def test_both_capacity_providers_of_fargate_are_described(ecs: Any) -> None:
    answer = ecs.client.describe_capacity_providers(capacityProviders=["FARGATE", "mine"])
    assert [(provider["name"], provider["status"]) for provider in answer["capacityProviders"]] == [
        ("FARGATE", "ACTIVE")
    ]
    assert answer["failures"][0]["reason"] == "MISSING"
    assert len(ecs.client.describe_capacity_providers(include=["TAGS"])["capacityProviders"]) == 2


def test_cluster_with_tasks_is_not_deleted(ecs: Any) -> None:
    ecs.client.create_cluster(clusterName="web")
    ecs.run(cluster="web")
    assert ecs.refusal(ecs.client.delete_cluster, cluster="web") == (
        "ClusterContainsTasksException",
        "The Cluster cannot be deleted while Tasks are active.",
    )


def test_deleted_cluster_is_inactive_for_an_hour_and_can_be_made_anew(ecs: Any) -> None:
    ecs.client.create_cluster(clusterName="web", tags=[{"key": "a", "value": "b"}])
    assert ecs.client.delete_cluster(cluster="web")["cluster"]["status"] == "INACTIVE"
    assert ecs.client.describe_clusters(clusters=["web"])["clusters"][0]["status"] == "INACTIVE"
    assert not [arn for arn in ecs.client.list_clusters()["clusterArns"] if arn.endswith("/web")]
    assert ecs.refusal(ecs.client.list_tasks, cluster="web") == ("ClusterNotFoundException", "Cluster not found.")
    assert ecs.client.create_cluster(clusterName="web")["cluster"]["status"] == "ACTIVE"
    ecs.client.delete_cluster(cluster="web")
    ecs.cleanup(later=3_700)
    assert ecs.client.describe_clusters(clusters=["web"])["failures"][0]["reason"] == "MISSING"
    assert ecs.refusal(ecs.client.delete_cluster, cluster="web")[0] == "ClusterNotFoundException"


@pytest.mark.parametrize("name", ["", "a b", "x" * 256, "a/b"])
def test_cluster_names_have_a_form(ecs: Any, name: str) -> None:
    assert ecs.refusal(ecs.unchecked.create_cluster, clusterName=name)[0] == "InvalidParameterException"


def test_service_connect_defaults_are_refused_by_name(ecs: Any) -> None:
    _, message = ecs.refusal(ecs.client.create_cluster, clusterName="web", serviceConnectDefaults={"namespace": "x"})
    assert "serviceConnectDefaults" in message
