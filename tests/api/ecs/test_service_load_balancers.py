"""Services behind load balancers: what is refused, who becomes a target when, and what is stopped only then."""

from typing import Any

import pytest
from tests.api.conftest import registered_services
from tests.api.ecs.services import Service
from tests.api.elbv2.conftest import FakeNode, Place, forward

from homeport.gateway.app import Gateway
from homeport.kit.clock import SystemClock
from homeport.kit.ids import RandomIds
from homeport.services.ecs.observing_targets import observe_target
from homeport.services.ecs.store import services
from homeport.services.elbv2 import targets
from homeport.wire import balancing as wire


class Node(FakeNode):
    """The node of both: what it says of a target reaches the service that waits for it."""

    observe_target = staticmethod(observe_target)

    def say(self, target: wire.Target, state: str, description: str = "") -> None:
        self.report(target, state, description=description)

    def targets(self) -> list[Any]:
        return sorted(self.has(wire.Target), key=lambda target: str(target.id))

    def find(self, address: str) -> Any:
        return next(target for target in self.targets() if target.address == address)


class Site:
    """A load balancer with a listener and a target group, and the node that has them."""

    def __init__(self, api: Any, api_server: Any, ecs: Any) -> None:
        api_server.gateway = Gateway(
            registered_services(), api.database, api.keys, account=api.account, clock=SystemClock(), ids=RandomIds(),
            wake=api.wakes.append,
        )  # fmt: skip
        self.ecs = ecs
        self.elb = api.client("elbv2")
        self.place = Place(api)
        self.node = Node(self.place)
        self.group = self.make_group("web")
        self.balancer = self.make_balancer("web")
        self.elb.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80, DefaultActions=forward(self.group)
        )
        self.node.look()

    def make_balancer(self, name: str) -> str:
        made = self.elb.create_load_balancer(Name=name, Subnets=[subnet.id for subnet in self.place.subnets[:2]])
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    def make_group(self, name: str, kind: str = "ip") -> str:
        made = self.elb.create_target_group(
            Name=name, Protocol="HTTP", Port=80, VpcId=self.place.vpc, TargetType=kind
        )  # fmt: skip
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    def define(self) -> str:
        return str(
            self.ecs.register(
                {"name": "web", "image": "homeport/web:latest", "portMappings": [{"containerPort": 8080}]}
            )
        )

    def front(self, **more: Any) -> list[dict[str, Any]]:
        return [{"targetGroupArn": self.group, "containerName": "web", "containerPort": 8080, **more}]

    def service(self, **declared: Any) -> Service:
        arguments = {"taskDefinition": self.define(), "loadBalancers": self.front(), "desiredCount": 1}
        return Service(self.ecs, **{**arguments, **declared})

    def address(self, task: dict[str, Any]) -> str:
        details = self.ecs.describe(task)["attachments"][0]["details"]
        return next(each["value"] for each in details if each["name"] == "privateIPv4Address")

    def healthy(self, task: dict[str, Any]) -> None:
        self.node.say(self.node.find(self.address(task)), "healthy")
        self.ecs.keep()


@pytest.fixture
def site(api: Any, api_server: Any, ecs: Any) -> Site:
    return Site(api, api_server, ecs)


def test_what_does_not_fit_is_refused(site: Site, ecs: Any) -> None:
    lonely, instances = site.make_group("lonely"), site.make_group("instances", "instance")
    unknown = site.group.replace("/web/", "/nobody/")
    definition = site.define()

    def refused(**front: Any) -> str:
        arguments = {"serviceName": "x", "taskDefinition": definition, "desiredCount": 1, "launchType": "FARGATE"}
        code, text = ecs.refusal(
            ecs.client.create_service,
            **arguments,
            networkConfiguration=ecs.network(),
            loadBalancers=site.front(**front),
        )
        assert code == "InvalidParameterException"
        return str(text)

    assert refused(containerName="db") == "The container db does not exist in the task definition."
    assert refused(containerPort=81) == "The container web did not have a container port 81 defined."
    assert refused(loadBalancerName="old") == "loadBalancerName and targetGroupArn cannot both be specified"
    assert refused(targetGroupArn=unknown) == f"The target group {unknown} does not exist."
    assert (
        refused(targetGroupArn=lonely)
        == f"The target group with targetGroupArn {lonely} does not have an associated load balancer."
    )
    assert refused(targetGroupArn=instances) == (
        f"The provided target group {instances} has target type instance, which is incompatible with the awsvpc network "
        "mode specified in the task definition."
    )


def test_a_task_is_a_target_once_it_runs_and_healthy_when_its_target_is(site: Site, ecs: Any) -> None:
    service = site.service()
    assert service.shown()["loadBalancers"] == site.front()
    assert site.node.targets() == []
    service.start()
    (task,) = service.tasks()
    (target,) = site.node.targets()
    assert (target.address, target.port) == (site.address(task), 8080)
    assert service.events()[-1] == f"(service web) registered 1 targets in (target-group {site.group})"
    service.settle()
    assert service.deployments() == {"PRIMARY": "IN_PROGRESS"}, "the forty seconds are for tasks without any check"
    site.healthy(task)
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert service.events()[-1] == "(service web) has reached a steady state."


def test_a_replaced_task_is_stopped_only_when_nothing_to_it_is_in_flight(site: Site, ecs: Any) -> None:
    service = site.service()
    service.start()
    (old,) = service.tasks()
    site.healthy(old)
    service.update(taskDefinition=site.define())
    service.start()
    (new,) = (task for task in service.tasks() if task["taskArn"] != old["taskArn"])
    assert not site.node.find(site.address(old)).draining, "the new one is not healthy yet"
    site.healthy(new)
    assert site.node.find(site.address(old)).draining
    shown = ecs.describe(old)
    assert (shown["lastStatus"], shown["desiredStatus"]) == ("DEACTIVATING", "STOPPED")
    assert not ecs.assigned_task(old).stop
    deployment = ecs.describe(old)["startedBy"]
    said = [
        f"(service web) has stopped 1 running tasks: (task {old['taskArn'].rpartition('/')[2]}).",
        f"(service web) deregistered 1 targets in (target-group {site.group})",
        f"(service web, taskSet {deployment}) has begun draining connections on 1 tasks.",
    ]
    events = service.events()
    assert [event for event in events if event in said] == said
    site.node.say(site.node.find(site.address(old)), "draining")
    ecs.keep()
    assert not ecs.assigned_task(old).stop
    site.node.say(site.node.find(site.address(old)), "drained")
    ecs.keep()
    assert ecs.assigned_task(old).stop
    service.end(old)
    ecs.keep()
    assert service.deployments() == {"PRIMARY": "COMPLETED"}


def test_a_task_that_ends_by_itself_is_no_target_from_then_on(site: Site, ecs: Any) -> None:
    service = site.service()
    service.start()
    (task,) = service.tasks()
    site.healthy(task)
    target = site.node.find(site.address(task))
    ecs.report(task, "stopping", cause="essential-exited")
    assert site.node.find(target.address).draining, "said with its end, whoever looks at the service when"
    ecs.keep()
    assert f"(service web) deregistered 1 targets in (target-group {site.group})" in service.events()


def test_a_task_that_a_user_stops_leaves_its_load_balancer_first(site: Site, ecs: Any) -> None:
    service = site.service()
    service.start()
    (task,) = service.tasks()
    site.healthy(task)
    stopped = ecs.client.stop_task(task=task["taskArn"])["task"]
    assert stopped["lastStatus"] == "DEACTIVATING"
    assert not ecs.assigned_task(task).stop
    site.node.say(site.node.find(site.address(task)), "drained")
    ecs.keep()
    assert ecs.assigned_task(task).stop


def test_an_unhealthy_task_goes_when_its_replacement_is_healthy(site: Site, ecs: Any) -> None:
    service = site.service()
    service.start()
    (task,) = service.tasks()
    site.node.say(site.node.find(site.address(task)), "unhealthy", "Health checks failed with these codes: [503]")
    ecs.keep()
    task_id = task["taskArn"].rpartition("/")[2]
    assert (
        f"(service web) (task {task_id}) (port 8080) is unhealthy in (target-group {site.group}) due to (reason Health "
        "checks failed with these codes: [503])." in service.events()
    )
    replaced = "Amazon ECS replaced 1 tasks due to an unhealthy status."
    assert any(event.endswith(replaced) for event in service.events())
    service.start()
    (new,) = (each for each in service.tasks() if each["taskArn"] != task["taskArn"])
    assert ecs.describe(task)["desiredStatus"] == "RUNNING"
    site.healthy(new)
    assert ecs.describe(task)["stoppedReason"] == f"Task failed ELB health checks in (target-group {site.group})"


def test_a_task_that_cannot_be_registered_is_said_and_tried_again(site: Site, ecs: Any) -> None:
    other, rest = site.make_group("other"), site.make_group("rest")
    arguments = {"LoadBalancerArn": site.balancer, "Protocol": "HTTP", "Port": 81}
    listener = site.elb.create_listener(**arguments, DefaultActions=forward(other))["Listeners"][0]["ListenerArn"]
    service = site.service(loadBalancers=[*site.front(), *site.front(targetGroupArn=other)])
    site.elb.modify_listener(ListenerArn=listener, DefaultActions=forward(rest))
    site.elb.delete_target_group(TargetGroupArn=other)
    service.start()
    said = f"(service web) failed to register targets in (target-group {other}) with (error "
    assert [event for event in service.events() if event.startswith(said)] == [service.events()[-1]]
    assert site.node.targets() == [], "in all of its groups, or in none"
    ecs.clock.advance(30)
    ecs.keep()
    assert len([event for event in service.events() if event.startswith(said)]) == 1, "it is said once"


def test_a_task_that_its_target_group_has_no_room_for_is_no_target_until_there_is(
    site: Site, ecs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusals() -> int:
        said = f"(service web) failed to register targets in (target-group {site.group}) with (error "
        return sum(event.startswith(said) for event in service.events())

    def registered() -> int:
        shown = site.elb.describe_target_health(TargetGroupArn=site.group)
        return len(shown["TargetHealthDescriptions"])

    monkeypatch.setattr(targets, "MAX_TARGETS", 1)
    service = site.service(desiredCount=2)
    service.start()
    assert (registered(), refusals()) == (1, 1)
    monkeypatch.setattr(targets, "MAX_TARGETS", 2)
    ecs.clock.advance(60)
    ecs.keep()
    assert (registered(), refusals()) == (2, 1)
    progress = ecs.in_transaction(lambda tx: services.find(tx, service.arn)).progress
    assert (progress.impediment, progress.attempts) == ("", 0), "it has come to an end, and is said anew another time"


def test_within_its_grace_period_nothing_is_said_of_an_unhealthy_target(site: Site, ecs: Any) -> None:
    service = site.service(healthCheckGracePeriodSeconds=120)
    service.start()
    (task,) = service.tasks()
    site.node.say(site.node.find(site.address(task)), "unhealthy", "Request timed out")
    ecs.keep()
    assert ecs.describe(task)["desiredStatus"] == "RUNNING"
    ecs.clock.advance(121)
    ecs.keep()
    assert len(service.ids() - {task["taskArn"].rpartition("/")[2]}) == 1, "another was started in its place"


def test_another_target_group_is_another_deployment(site: Site, ecs: Any) -> None:
    service = site.service()
    service.start()
    (task,) = service.tasks()
    site.healthy(task)
    other = site.make_group("other")
    site.elb.create_listener(LoadBalancerArn=site.balancer, Protocol="HTTP", Port=81, DefaultActions=forward(other))
    service.update(loadBalancers=site.front(targetGroupArn=other))
    service.start()
    groups = {target.target_group.split("/")[1] for target in site.node.targets()}
    assert groups == {"web", "other"}


def test_container_and_load_balancer_change_together(site: Site, ecs: Any) -> None:
    service = site.service()
    ports = [{"containerPort": 9090}]
    another = ecs.register({"name": "api", "image": "homeport/web:latest", "portMappings": ports})
    fronts = site.front(containerName="api", containerPort=9090)
    assert service.update(taskDefinition=another, loadBalancers=fronts)["loadBalancers"] == fronts


def test_a_service_whose_target_group_is_gone_can_still_be_scaled(site: Site, ecs: Any) -> None:
    service = site.service()
    site.elb.delete_load_balancer(LoadBalancerArn=site.balancer)
    site.elb.delete_target_group(TargetGroupArn=site.group)
    assert service.update(desiredCount=0)["desiredCount"] == 0
    another = ecs.register({"name": "api", "image": "homeport/web:latest"})
    code, text = ecs.refusal(ecs.client.update_service, service="web", taskDefinition=another)
    assert (code, text) == ("InvalidParameterException", "The container web does not exist in the task definition.")


def test_a_deleted_service_drains_its_targets(site: Site, ecs: Any) -> None:
    service = site.service()
    service.start()
    (task,) = service.tasks()
    site.healthy(task)
    ecs.client.delete_service(service="web", force=True)
    ecs.keep()
    assert not ecs.assigned_task(task).stop
    site.node.say(site.node.find(site.address(task)), "drained")
    ecs.keep()
    assert ecs.assigned_task(task).stop
    service.end(task)
    ecs.keep()
    assert service.shown()["status"] == "INACTIVE"
