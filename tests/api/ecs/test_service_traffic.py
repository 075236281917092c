"""Blue/green, linear and canary deployments: where the traffic goes, when, what stays until it is there, and back."""

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
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
ROLE = "arn:aws:iam::123456789012:role/ecs-elb"


class Shifted(Site):
    """Two target groups between which services move, by a listener's rules, and another's for tests."""

    def __init__(self, api: Any, api_server: Any, ecs: Any) -> None:
        super().__init__(api, api_server, ecs)
        self.other = self.make_group("other")
        self.listener = self.elb.describe_listeners(LoadBalancerArn=self.balancer)["Listeners"][0]["ListenerArn"]
        self.test_listener = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=81, DefaultActions=forward(self.group)
        )["Listeners"][0]["ListenerArn"]
        self.production, self.test = (self._rule(arn) for arn in (self.listener, self.test_listener))
        self.rules = {"productionListenerRule": self.production, "testListenerRule": self.test}

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
        """Return the weights of the two groups in the production rule, or another; a listener stands for its default."""
        arn = rule or self.rules["productionListenerRule"]
        if ":listener/" in arn:
            actions = self.elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]["DefaultActions"]
        else:
            actions = self.elb.describe_rules(RuleArns=[arn])["Rules"][0]["Actions"]
        groups = actions[-1]["ForwardConfig"]["TargetGroups"]
        by_group = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return by_group[self.group], by_group.get(self.other, 0)

    def advanced(self, **more: str) -> dict[str, str]:
        return {"alternateTargetGroupArn": self.other, "roleArn": ROLE, **self.rules, **more}

    def kept(self, configuration: dict[str, Any], **more: Any) -> Service:
        """Return a service whose first deployment is complete."""
        front = self.front(advancedConfiguration=self.advanced())
        service = self.service(loadBalancers=front, deploymentConfiguration=configuration, **more)
        self.grow(service)
        assert service.deployments() == {"PRIMARY": "COMPLETED"}
        return service

    def deploy(self, service: Service, **changes: Any) -> None:
        service.update(taskDefinition=self.define(), **changes)
        self.proceed()

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

    def later(self, minutes: float) -> None:
        self.ecs.clock.advance(60 * minutes)
        self.proceed()

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

    def fail_green(self, service: Service) -> None:
        """Have the targets of the new tasks be unhealthy, and of those that follow them, until the breaker trips."""
        for _ in range(8):
            for target in self.node.targets():
                if target.target_group.split("/")[1] == "other" and not target.draining:
                    self.node.say(target, "unhealthy", "Request timed out")
            self.proceed()
            self.drain(service)
            service.start()

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


@pytest.mark.parametrize("by", ["rule", "listener"])
def test_traffic_moves_when_all_green_tasks_are_healthy_and_blue_ones_stay_through_the_bake_time(
    site: Shifted, ecs: Any, by: str
) -> None:
    if by == "listener":
        site.rules = {"productionListenerRule": site.listener}  # its default rule, and none for tests
    service = site.kept(BLUE_GREEN, desiredCount=2)
    shown = service.shown()["deploymentConfiguration"]
    assert (shown["strategy"], shown["bakeTimeInMinutes"]) == ("BLUE_GREEN", 5)
    assert {site.weights(rule) for rule in site.rules.values()} == {(100, 0)}
    blue = service.ids()
    site.deploy(service)
    assert site.stage(service) == "SCALE_UP"
    service.start()
    assert len(service.ids()) == 4
    groups = groups_of(site)
    for task in service.tasks():
        expected = "web" if task["taskArn"].rpartition("/")[2] in blue else "other"
        assert groups[site.address(task)] == expected
    assert site.weights() == (100, 0), "green is not healthy yet"
    site.grow(service)
    assert {site.weights(rule) for rule in site.rules.values()} == {(0, 100)}
    assert (site.status(service), site.stage(service)) == ("IN_PROGRESS", "BAKE_TIME")
    target = site.move(service)["targetServiceRevision"]
    assert target["requestedProductionTrafficWeight"] == 100.0
    ecs.clock.advance(299)
    site.proceed()
    assert blue < service.ids(), "there is a way back"
    answers = Asker(ecs.client, site.elb, "default", "web").ask()
    said = list(explain_service(answers, ecs.clock.now()))
    assert "It is in the stage BAKE_TIME (BLUE_GREEN): 100 % of production traffic is on it." in said
    assert any(" the old tasks stay until the bake time is over." in line for line in said)
    ecs.clock.advance(2)
    site.proceed()
    assert site.stage(service) == "CLEAN_UP"
    assert not blue & service.ids()
    assert len(service.ids()) == 2
    (revision,) = ecs.client.describe_service_revisions(serviceRevisionArns=[target["arn"]])["serviceRevisions"]
    production = site.rules["productionListenerRule"]
    assert revision["resolvedConfiguration"]["loadBalancers"] == [
        {"targetGroupArn": site.other, "productionListenerRule": production}
    ]
    site.drain(service)
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert site.status(service) == "SUCCESSFUL"


def test_the_next_deployment_goes_back_to_the_first_group(site: Shifted, ecs: Any) -> None:
    service = site.kept({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0})
    for expected in ((0, 100), (100, 0)):
        site.deploy(service)
        site.grow(service)
        assert site.weights() == expected
        assert len(service.tasks()) == 2, "a request may be on its way to the old task"
        site.drain(service)
        assert service.deployments() == {"PRIMARY": "COMPLETED"}


def test_green_that_does_not_start_never_gets_traffic(site: Shifted, ecs: Any) -> None:
    service = site.kept({**BLUE_GREEN, **BREAKER})
    kept = service.ids()
    site.deploy(service)
    for _ in range(3):
        service.fail()
        site.later(30)
    site.later(1)
    assert site.status(service) == "ROLLBACK_SUCCESSFUL"
    assert site.weights() == (100, 0)
    assert service.ids() == kept
    assert service.deployments() == {"PRIMARY": "COMPLETED"}


def test_green_that_runs_for_an_instant_is_not_started_again_at_once(site: Shifted, ecs: Any) -> None:
    service = site.kept(BLUE_GREEN)
    kept = service.ids()
    site.deploy(service, desiredCount=2)
    service.start()
    crashing = [task for task in service.tasks() if task["taskArn"].rpartition("/")[2] not in kept]
    assert len(crashing) == 3, "two of green, and the second of blue"
    green = [task for task in crashing if task["taskDefinitionArn"].endswith(":2")]
    for task in green:
        service.end(task, "essential-exited")
    ecs.keep()
    assert len(service.ids()) == 2, "none is started in their place"
    site.later(0.1)
    assert len(service.ids()) == 4


def test_while_it_bakes_a_deployment_is_taken_back_at_once(site: Shifted, ecs: Any) -> None:
    service = site.kept({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 60})
    kept = service.ids()
    site.deploy(service)
    site.grow(service)
    assert site.weights() == (0, 100)
    ecs.client.stop_service_deployment(serviceDeploymentArn=service.shown()["currentServiceDeployment"])
    ecs.keep(passes=20)
    assert site.weights() == (100, 0)
    assert len(service.ids()) == 2
    site.later(0.2)
    assert service.ids() == kept


@pytest.mark.parametrize(
    ("configuration", "shares"),
    [
        (
            {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": 2}},
            [(90, 10), (0, 100)],
        ),
        (
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40, "stepBakeTimeInMinutes": 2}},
            [(60, 40), (20, 80), (0, 100)],
        ),
        (
            {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 2.5, "canaryBakeTimeInMinutes": 2}},
            [(975, 25), (0, 100)],
        ),
    ],
)
def test_traffic_moves_in_steps(
    site: Shifted, ecs: Any, configuration: dict[str, Any], shares: list[tuple[int, int]]
) -> None:
    service = site.kept(configuration)
    site.deploy(service)
    site.grow(service)
    shown = service.shown()["deploymentConfiguration"]
    assert {key: shown[key] for key in configuration} == configuration
    for expected in shares:
        assert site.weights() == expected
        move, (old, new) = site.move(service), (100 * weight / sum(expected) for weight in expected)
        assert move["targetServiceRevision"]["requestedProductionTrafficWeight"] == new
        if old:
            assert move["lifecycleStage"] == "PRODUCTION_TRAFFIC_SHIFT"
            assert move["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"] == old
        site.later(1)
        assert site.weights() == expected
        site.later(1.1)
    site.drain(service)
    assert service.deployments() == {"PRIMARY": "COMPLETED"}


def test_rules_for_tests_can_be_added_and_go_first(site: Shifted, ecs: Any) -> None:
    site.rules = {"productionListenerRule": site.listener}
    service = site.kept(BLUE_GREEN)
    site.rules["testListenerRule"] = site.test_listener
    service.update(loadBalancers=site.front(advancedConfiguration=site.advanced()))
    site.grow(service)
    assert site.weights(site.test_listener) == (0, 100)


def test_scaling_moves_no_traffic(site: Shifted, ecs: Any) -> None:
    service = site.kept(BLUE_GREEN)
    before = service.shown()["deployments"][0]["id"]
    service.update(desiredCount=2)
    site.grow(service)
    assert service.shown()["deployments"][0]["id"] == before
    assert site.weights() == (100, 0)
    assert set(groups_of(site).values()) == {"web"}


def test_green_tasks_that_fail_give_the_traffic_back(site: Shifted, ecs: Any) -> None:
    service = site.kept({**BLUE_GREEN, **BREAKER})
    blue = service.ids()
    service.update(taskDefinition=site.define())
    site.proceed()
    site.grow(service)
    assert site.weights() == (0, 100)
    site.fail_green(service)
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


def test_the_strategy_stays_while_traffic_is_divided(site: Shifted, ecs: Any) -> None:
    canary = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": 600}}
    service = site.kept({**canary, "deploymentCircuitBreaker": {"enable": True, "rollback": False}})
    site.deploy(service)
    site.grow(service)
    assert site.weights() == (90, 10)
    site.fail_green(service)
    assert service.deployments()["PRIMARY"] == "FAILED"
    assert site.weights() == (90, 10)
    rolling = {"strategy": "ROLLING"}
    assert ecs.refusal(ecs.client.update_service, service="web", deploymentConfiguration=rolling) == (
        "InvalidParameterException",
        "The deployment strategy cannot be changed while a failed deployment has part of the traffic.",
    )
    site.deploy(service)
    assert site.weights() == (100, 0), "another deployment takes it back"


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


@pytest.mark.parametrize("gone", [True, False])
def test_traffic_moves_by_all_rules_or_by_none(site: Shifted, ecs: Any, *, gone: bool) -> None:
    """One rule is gone, or refused because its target group has become another load balancer's."""
    blue, green = site.make_group("blue"), site.make_group("green")
    listener = site.elb.create_listener(
        LoadBalancerArn=site.balancer, Protocol="HTTP", Port=82, DefaultActions=forward(blue)
    )["Listeners"][0]["ListenerArn"]
    both = {"TargetGroups": [{"TargetGroupArn": blue, "Weight": 1}, {"TargetGroupArn": green, "Weight": 0}]}
    rule, other = (
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
    if gone:
        site.elb.delete_rule(RuleArn=rule)
    else:
        for arn in (rule, other):
            site.elb.modify_rule(RuleArn=arn, Actions=forward(blue))
        taker = site.make_balancer("taker")
        site.elb.create_listener(LoadBalancerArn=taker, Protocol="HTTP", Port=80, DefaultActions=forward(green))
    site.grow(service)
    assert service.events()[-1].startswith("(service web) failed to shift traffic with (error ")
    assert site.weights() == (100, 0)


def test_what_cannot_be_shifted_is_refused(site: Shifted, ecs: Any) -> None:
    definition = site.define()

    def refused(configuration: dict[str, Any], **advanced: Any) -> str:
        _, text = ecs.refusal(
            ecs.client.create_service,
            serviceName="x",
            taskDefinition=definition,
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=ecs.network(),
            deploymentConfiguration=configuration,
            loadBalancers=site.front(advancedConfiguration=site.advanced(**advanced)) if advanced else site.front(),
        )
        return str(text)

    assert "advancedConfiguration is required" in refused(BLUE_GREEN)
    assert "must differ" in refused(BLUE_GREEN, alternateTargetGroupArn=site.group)
    assert "does not exist" in refused(BLUE_GREEN, alternateTargetGroupArn=site.other.replace("other", "nobody"))
    assert refused(BLUE_GREEN, productionListenerRule=f"{site.listener[:-16]}{'0' * 16}")
    assert "bakeTimeInMinutes is required" in refused({"strategy": "BLUE_GREEN"})
    assert "stepPercent must be between 3.0" in refused(
        {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2}}
    )
    hook = [
        {
            "hookTargetArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "roleArn": ROLE,
            "lifecycleStages": ["PRE_SCALE_UP"],
        }
    ]
    assert "lifecycle hooks" in refused({**BLUE_GREEN, "lifecycleHooks": hook})
