"""Service deployments and revisions: listed, described, stopped."""

from datetime import UTC, datetime, timedelta
from typing import Any

from homeport.services.ecs.store import deployments

from .services import Service

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def listed(ecs: Any, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ecs.client.list_service_deployments(service="web", **more)["serviceDeployments"]
    return found


def described(ecs: Any, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = ecs.client.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][
        0
    ]
    return found


def test_a_deployment_that_succeeds_is_told_from_its_beginning_to_its_end(ecs: Any) -> None:
    service = Service(ecs, deploymentConfiguration=BREAKER)
    (brief,) = listed(ecs)
    arn, revision = brief["serviceDeploymentArn"], brief["targetServiceRevisionArn"]
    assert arn.startswith("arn:aws:ecs:us-east-1:123456789012:service-deployment/default/web/")
    assert revision.startswith("arn:aws:ecs:us-east-1:123456789012:service-revision/default/web/")
    assert brief["status"] == "IN_PROGRESS"
    assert service.shown()["currentServiceDeployment"] == arn
    begun = described(ecs, arn)
    assert begun["sourceServiceRevisions"] == []
    assert begun["targetServiceRevision"] == {
        "arn": revision, "requestedTaskCount": 2, "runningTaskCount": 0, "pendingTaskCount": 2,
    }  # fmt: skip
    assert begun["deploymentCircuitBreaker"] == {"status": "MONITORING", "failureCount": 0, "threshold": 3}
    service.become_steady()
    done = described(ecs, arn)
    assert done["status"] == "SUCCESSFUL"
    assert done["finishedAt"] >= done["startedAt"]
    assert done["deploymentCircuitBreaker"]["status"] == "MONITORING_COMPLETE"
    service.update(forceNewDeployment=True)
    (newer, older) = listed(ecs)
    assert older["serviceDeploymentArn"] == arn
    assert described(ecs, newer["serviceDeploymentArn"])["sourceServiceRevisions"] == [
        {"arn": revision, "requestedTaskCount": 2, "runningTaskCount": 2, "pendingTaskCount": 0}
    ]


def test_a_deployment_that_fails_is_told_with_its_rollback(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1, deploymentConfiguration=BREAKER)
    service.become_steady()
    (first,) = listed(ecs)
    service.update(taskDefinition=ecs.register())
    for _ in range(2):
        service.fail()
        ecs.clock.advance(1700)
        ecs.keep()
    service.fail(passes=1)
    arn = listed(ecs)[0]["serviceDeploymentArn"]
    back = described(ecs, arn)
    assert back["status"] == "ROLLBACK_IN_PROGRESS"
    assert back["rollback"]["serviceRevisionArn"] == first["targetServiceRevisionArn"]
    assert back["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    service.become_steady()
    assert described(ecs, arn)["status"] == "ROLLBACK_SUCCESSFUL"
    assert [each["status"] for each in listed(ecs)] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]


def test_a_deployment_that_is_overtaken_is_stopped(ecs: Any) -> None:
    service = Service(ecs)
    service.update(forceNewDeployment=True)
    assert [each["status"] for each in listed(ecs)] == ["IN_PROGRESS", "STOPPED"]


def test_a_clock_that_was_set_back_confuses_no_deployments(ecs: Any) -> None:
    service = Service(ecs)
    service.become_steady()
    later = "UPDATE ecs_service_deployments SET created_at = created_at + 7200"
    ecs.in_transaction(lambda tx: tx.execute(later))
    service.update(forceNewDeployment=True)
    assert {each["status"] for each in listed(ecs)} == {"SUCCESSFUL", "IN_PROGRESS"}
    assert described(ecs, service.shown()["currentServiceDeployment"])["status"] == "IN_PROGRESS"
    service.become_steady()
    assert [each["status"] for each in listed(ecs)] == ["SUCCESSFUL", "SUCCESSFUL"]


def test_the_deployment_of_a_service_that_is_deleted_is_stopped(ecs: Any) -> None:
    service = Service(ecs)
    service.become_steady()
    service.update(taskDefinition=ecs.register())
    ecs.client.delete_service(service="web", force=True)
    (deployment, _) = listed(ecs)
    assert deployment["status"] == "STOPPED"
    code, _ = ecs.refusal(ecs.client.stop_service_deployment, serviceDeploymentArn=deployment["serviceDeploymentArn"])
    assert code == "ConflictException"
    ecs.keep()
    service.finish()
    assert service.shown()["status"] == "INACTIVE"


def test_a_deployment_is_stopped_by_going_back(ecs: Any) -> None:
    service = Service(ecs)
    (first,) = listed(ecs)
    refused = ecs.refusal(ecs.client.stop_service_deployment, serviceDeploymentArn=first["serviceDeploymentArn"])
    assert refused[0] == "ConflictException"
    service.become_steady()
    kept, good = service.ids(), service.shown()["taskDefinition"]
    service.update(taskDefinition=ecs.register())
    arn = listed(ecs)[0]["serviceDeploymentArn"]
    assert ecs.client.stop_service_deployment(serviceDeploymentArn=arn)["serviceDeploymentArn"] == arn
    assert described(ecs, arn)["status"] == "ROLLBACK_IN_PROGRESS"
    service.become_steady()
    assert service.ids() == kept
    assert service.shown()["taskDefinition"] == good
    assert described(ecs, arn)["status"] == "ROLLBACK_SUCCESSFUL"
    assert ecs.refusal(ecs.client.stop_service_deployment, serviceDeploymentArn=arn)[0] == "ConflictException"
    assert ecs.refusal(ecs.client.stop_service_deployment, serviceDeploymentArn=f"{arn}x") == (
        "ServiceDeploymentNotFoundException",
        "The specified service deployment was not found.",
    )


def test_deployments_are_listed_by_status_time_and_pages(ecs: Any) -> None:
    service = Service(ecs, desiredCount=0)
    for _ in range(3):
        service.update(forceNewDeployment=True)
    assert [each["status"] for each in listed(ecs)] == ["SUCCESSFUL"] * 4
    arns = [each["serviceDeploymentArn"] for each in listed(ecs)]
    first = ecs.client.list_service_deployments(service="web", maxResults=3)
    assert [each["serviceDeploymentArn"] for each in first["serviceDeployments"]] == arns[:3]
    assert [each["serviceDeploymentArn"] for each in listed(ecs, nextToken=first["nextToken"])] == arns[3:]
    assert listed(ecs, status=["STOPPED"]) == []
    hour = timedelta(hours=1)
    assert listed(ecs, createdAt={"before": datetime.now(UTC) - hour}) == []
    assert len(listed(ecs, createdAt={"after": datetime.now(UTC) - hour})) == 4
    refused = ecs.refusal(ecs.client.list_service_deployments, service="nobody")
    assert refused == ("ServiceNotFoundException", "Service not found.")


def test_a_revision_keeps_what_its_tasks_are_made_from(ecs: Any) -> None:
    service = Service(ecs)
    arn = listed(ecs)[0]["targetServiceRevisionArn"]
    missing = f"{arn}0"
    answer = ecs.client.describe_service_revisions(serviceRevisionArns=[arn, missing])
    (revision,) = answer["serviceRevisions"]
    assert revision.pop("createdAt").tzinfo is not None
    assert revision == {
        "serviceRevisionArn": arn,
        "serviceArn": service.arn,
        "clusterArn": service.created["clusterArn"],
        "taskDefinition": service.created["taskDefinition"],
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "platformFamily": "Linux",
        "loadBalancers": [],
        "serviceRegistries": [],
        "networkConfiguration": service.created["networkConfiguration"],
        "containerImages": [{"containerName": "web", "image": "homeport/web:latest"}],
        "guardDutyEnabled": False,
    }
    assert answer["failures"] == [{"arn": missing, "reason": "MISSING"}]


def images(ecs: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the images of the revisions that the service's deployments led to, by task definition."""
    arns = [each["targetServiceRevisionArn"] for each in listed(ecs)]
    found = ecs.client.describe_service_revisions(serviceRevisionArns=arns)["serviceRevisions"]
    return {each["taskDefinition"]: each["containerImages"] for each in found}


def test_a_revision_shows_the_digests_that_its_first_tasks_have_found(ecs: Any) -> None:
    parts = [
        {"name": "web", "image": "homeport/web:latest"},
        {"name": "side", "image": "side"},
        {"name": "free", "image": "free", "versionConsistency": "disabled"},
    ]
    service = Service(ecs, taskDefinition=ecs.register(*parts))
    first, second = service.tasks()
    bare = [{"containerName": part["name"], "image": part["image"]} for part in parts]
    definition = service.created["taskDefinition"]
    ecs.place()
    assert images(ecs) == {definition: bare}

    def pulled(task: dict[str, Any], **digests: str) -> None:
        ecs.report(task, "network-ready", containers={name: {"image_digest": d} for name, d in digests.items()})

    pulled(first, web="sha256:aa", free="sha256:ff")
    shown = [bare[0] | {"imageDigest": "sha256:aa"}, *bare[1:]]
    assert images(ecs) == {definition: shown}
    pulled(second, web="sha256:bb", side="sha256:cc")
    shown[1] = bare[1] | {"imageDigest": "sha256:cc"}
    assert images(ecs) == {definition: shown}
    described = {part["name"]: part.get("imageDigest") for part in ecs.describe(second)["containers"]}
    assert described == {"web": "sha256:bb", "side": "sha256:cc", "free": None}
    other = service.update(taskDefinition=ecs.register(*parts, family="other"))["taskDefinition"]
    assert images(ecs) == {definition: shown, other: bare}


def test_tasks_of_no_service_and_of_a_forgotten_one_leave_no_digests(ecs: Any) -> None:
    def kept() -> Any:
        return ecs.in_transaction(lambda tx: tx.fetch("SELECT container, digest FROM ecs_revision_images"))

    alone = ecs.run()
    ecs.place()
    ecs.report(alone, "network-ready", containers={"web": {"image_digest": "sha256:aa"}})
    assert kept() == []
    service = Service(ecs, desiredCount=1)
    (task,) = service.tasks()
    ecs.place()
    ecs.report(task, "network-ready", containers={"web": {"image_digest": "sha256:aa"}})
    assert [tuple(row) for row in kept()] == [("web", "sha256:aa")]
    ecs.in_transaction(lambda tx: deployments.remove(tx, service.arn))
    assert kept() == []
    ecs.report(task, "running", containers={"web": {"image_digest": "sha256:bb"}})
    assert kept() == []
