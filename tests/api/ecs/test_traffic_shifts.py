"""Blue/green, linear and canary deployments: where the traffic goes, and what stays until it is there."""

from typing import Any

import pytest
from tests.api.ecs.services import Service
from tests.api.ecs.test_service_load_balancers import Site
from tests.api.elbv2.conftest import forward

from homeport.cli.deploy.reading import Asker
from homeport.cli.explain.services import explain_service
from homeport.services.ecs.deployments.shifting import SETTLING_SECONDS
from homeport.services.ecs.store import services

BLUE_GREEN = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}
ROLE = "arn:aws:iam::123456789012:role/ecs"


class Shifted(Site):
    """A listener whose rule forwards to two target groups, another for tests, and a service that moves between them."""

    def __init__(self, api: Any, api_server: Any, ecs: Any) -> None:
        super().__init__(api, api_server, ecs)
        self.other = self.make_group("other")
        listener = self.elb.describe_listeners(LoadBalancerArn=self.balancer)["Listeners"][0]["ListenerArn"]
        test = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=81, DefaultActions=forward(self.group)
        )["Listeners"][0]["ListenerArn"]
        self.production, self.test = (self._rule(arn) for arn in (listener, test))

    def _rule(self, listener: str) -> str:
        groups = [{"TargetGroupArn": self.group, "Weight": 1}, {"TargetGroupArn": self.other, "Weight": 0}]
        made = self.elb.create_rule(
            ListenerArn=listener,
            Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )
        return str(made["Rules"][0]["RuleArn"])

    def weights(self, rule: str = "") -> tuple[int, int]:
        """Return the weights of the two groups in the production rule, or another."""
        shown = self.elb.describe_rules(RuleArns=[rule or self.production])["Rules"][0]
        config = shown["Actions"][0]["ForwardConfig"]["TargetGroups"]
        by_group = {group["TargetGroupArn"]: group["Weight"] for group in config}
        return by_group[self.group], by_group[self.other]

    def advanced(self, **more: str) -> dict[str, str]:
        return {
            "alternateTargetGroupArn": self.other,
            "productionListenerRule": self.production,
            "testListenerRule": self.test,
            "roleArn": ROLE,
            **more,
        }

    def kept(self, configuration: dict[str, Any], **more: Any) -> Service:
        """Return a service whose first deployment is complete."""
        front = self.front(advancedConfiguration=self.advanced())
        service = self.service(loadBalancers=front, deploymentConfiguration=configuration, **more)
        self.grow(service)
        assert service.deployments() == {"PRIMARY": "COMPLETED"}
        return service

    def grow(self, service: Service) -> None:
        """Run all tasks, and have all targets be healthy."""
        service.start()
        for target in self.node.targets():
            if not target.draining:
                self.node.say(target, "healthy")
        self.proceed()

    def proceed(self) -> None:
        for _ in range(3):
            self.ecs.keep()

    def drain(self, service: Service) -> None:
        """Have nothing be in flight to what drains, and the tasks end."""
        self.ecs.clock.advance(SETTLING_SECONDS)
        self.proceed()
        for target in self.node.targets():
            if target.draining:
                self.node.say(target, "drained")
        self.proceed()
        service.finish()
        self.proceed()

    def move(self, service: Service) -> dict[str, Any]:
        arn = service.shown()["currentServiceDeployment"]
        found = self.ecs.client.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
        return dict(found[0])

    def stage(self, service: Service) -> str:
        return str(self.move(service)["lifecycleStage"])

    def status(self, service: Service) -> str:
        return str(self.move(service)["status"])


@pytest.fixture
def site(api: Any, api_server: Any, ecs: Any) -> Shifted:
    return Shifted(api, api_server, ecs)


def groups_of(site: Shifted) -> dict[str, str]:
    """Return the name of the target group by the address of each target that does not drain."""
    return {each.address: each.target_group.split("/")[1] for each in site.node.targets() if not each.draining}


def test_traffic_moves_when_all_green_tasks_are_healthy_and_blue_ones_stay_through_the_bake_time(
    site: Shifted, ecs: Any
) -> None:
    service = site.kept(BLUE_GREEN, desiredCount=2)
    assert site.weights() == site.weights(site.test) == (100, 0)
    blue = service.ids()
    service.update(taskDefinition=site.define())
    site.proceed()
    assert site.stage(service) == "SCALE_UP"
    service.start()
    assert len(service.ids()) == 4
    assert sorted(groups_of(site).values()) == ["other", "other", "web", "web"]
    assert site.weights() == (100, 0), "green is not healthy yet"
    site.grow(service)
    assert site.weights() == site.weights(site.test) == (0, 100)
    assert site.stage(service) == "BAKE_TIME"
    assert blue < service.ids()
    ecs.clock.advance(299)
    site.proceed()
    assert blue < service.ids()
    answers = Asker(ecs.client, site.elb, "default", "web").ask()
    said = list(explain_service(answers, ecs.clock.now()))
    assert "It is in the stage BAKE_TIME (BLUE_GREEN): 100 % of production traffic is on it." in said
    assert any(" the old tasks stay until the bake time is over." in line for line in said)
    ecs.clock.advance(2)
    site.proceed()
    assert site.stage(service) == "CLEAN_UP"
    assert not blue & service.ids()
    site.drain(service)
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert site.status(service) == "SUCCESSFUL"
    assert service.shown()["deploymentConfiguration"]["strategy"] == "BLUE_GREEN"
    assert service.shown()["deploymentConfiguration"]["bakeTimeInMinutes"] == 5


def test_a_canary_gets_its_share_first_and_all_later(site: Shifted, ecs: Any) -> None:
    canary = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 3}}
    service = site.kept(canary)
    service.update(taskDefinition=site.define())
    site.proceed()
    site.grow(service)
    assert site.weights() == (975, 25)
    assert site.stage(service) == "PRODUCTION_TRAFFIC_SHIFT"
    move = ecs.client.describe_service_deployments(serviceDeploymentArns=[service.shown()["currentServiceDeployment"]])[
        "serviceDeployments"
    ][0]
    assert move["targetServiceRevision"]["requestedProductionTrafficWeight"] == 2.5
    assert move["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"] == 97.5
    ecs.clock.advance(181)
    site.proceed()
    assert site.weights() == (0, 100)
    ecs.clock.advance(11)
    site.proceed()
    site.drain(service)
    assert service.deployments() == {"PRIMARY": "COMPLETED"}


def test_green_tasks_that_fail_give_the_traffic_back(site: Shifted, ecs: Any) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    service = site.kept({**BLUE_GREEN, **breaker})
    blue = service.ids()
    service.update(taskDefinition=site.define())
    site.proceed()
    site.grow(service)
    assert site.weights() == (0, 100)
    for _ in range(8):
        for target in site.node.targets():
            if target.target_group.split("/")[1] == "other" and not target.draining:
                site.node.say(target, "unhealthy", "Request timed out")
        site.proceed()
        site.drain(service)
        service.start()
    assert site.weights() == (100, 0)
    ecs.clock.advance(11)
    site.proceed()
    site.drain(service)
    assert service.ids() == blue
    site.proceed()
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert site.status(service) == "ROLLBACK_SUCCESSFUL"


def test_without_load_balancers_both_revisions_run_through_the_bake_time(ecs: Any) -> None:
    service = Service(ecs, desiredCount=1, deploymentConfiguration=BLUE_GREEN)
    service.become_steady()
    (blue,) = service.ids()
    service.update(taskDefinition=ecs.register())
    service.start()
    service.settle()
    ecs.keep()
    assert blue in service.ids()
    assert len(service.ids()) == 2
    ecs.clock.advance(301)
    ecs.keep()
    service.finish()
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert blue not in service.ids()


def test_the_strategy_stays_while_a_deployment_is_under_way(site: Shifted, ecs: Any) -> None:
    service = site.kept(BLUE_GREEN)
    service.update(taskDefinition=site.define())
    assert ecs.refusal(ecs.client.update_service, service="web", deploymentConfiguration={"strategy": "ROLLING"}) == (
        "InvalidParameterException",
        "The deployment strategy cannot be changed while a deployment is in progress.",
    )


def test_a_rule_that_is_gone_is_said_once_and_tried_again_less_and_less_often(site: Shifted, ecs: Any) -> None:
    service = site.kept(BLUE_GREEN)
    service.update(taskDefinition=site.define())
    service.start()
    site.elb.delete_rule(RuleArn=site.production)
    site.grow(service)
    assert site.stage(service) == "PRODUCTION_TRAFFIC_SHIFT"
    assert service.events()[-1].startswith("(service web) failed to shift traffic with (error ")

    def attempts() -> int:
        return int(ecs.in_transaction(lambda tx: services.find(tx, service.arn)).progress.attempts)

    before = attempts()
    site.proceed()
    assert attempts() == before, "no time has passed"
    said = service.events()
    ecs.clock.advance(60)
    site.proceed()
    assert attempts() == before + 1
    assert service.events() == said


def test_traffic_moves_by_all_rules_or_by_none(site: Shifted, ecs: Any) -> None:
    blue, green = site.make_group("blue"), site.make_group("green")
    listener = site.elb.create_listener(
        LoadBalancerArn=site.balancer, Protocol="HTTP", Port=82, DefaultActions=forward(blue)
    )["Listeners"][0]["ListenerArn"]
    both = {"TargetGroups": [{"TargetGroupArn": blue, "Weight": 1}, {"TargetGroupArn": green, "Weight": 0}]}
    rule, _ = (
        site.elb.create_rule(
            ListenerArn=listener, Priority=priority, Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=[{"Type": "forward", "ForwardConfig": both}],
        )["Rules"][0]["RuleArn"]
        for priority in (5, 6)  # by the second both groups stay in use
    )  # fmt: skip
    advanced = {"alternateTargetGroupArn": green, "productionListenerRule": rule, "roleArn": ROLE}
    service = site.service(
        loadBalancers=[
            *site.front(advancedConfiguration=site.advanced()),
            *site.front(targetGroupArn=blue, advancedConfiguration=advanced),
        ],
        deploymentConfiguration=BLUE_GREEN,
    )
    site.grow(service)
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    service.update(taskDefinition=site.define())
    service.start()
    site.elb.delete_rule(RuleArn=rule)
    site.grow(service)
    assert service.events()[-1].startswith("(service web) failed to shift traffic with (error ")
    assert site.weights() == (100, 0)
