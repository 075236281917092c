"""Blue/green, linear and canary deployments: where the traffic goes, when, and back."""

from typing import Any

import pytest

from .services import Service
from .test_service_load_balancers import Site, site

assert site  # the fixture of these tests, too

BREAKER = {"enable": True, "rollback": True}
ROLE = "arn:aws:iam::123456789012:role/ecs-elb"


class Traffic:
    """A service whose traffic is shifted between two target groups by its listener's default rule."""

    def __init__(self, site: Site, **configuration: Any) -> None:
        self.site = site
        self.green = site.make_group("green")
        self.listener = site.elb.describe_listeners(LoadBalancerArn=site.balancer)["Listeners"][0]["ListenerArn"]
        self.advanced = {
            "alternateTargetGroupArn": self.green, "productionListenerRule": self.listener, "roleArn": ROLE,
        }  # fmt: skip
        front = site.front(advancedConfiguration=self.advanced)
        self.service: Service = site.service(loadBalancers=front, deploymentConfiguration=configuration)

    @property
    def weights(self) -> tuple[int, int]:
        """The weights of the two groups, as they were named first and second."""
        listener = self.site.elb.describe_listeners(ListenerArns=[self.listener])["Listeners"][0]
        groups = listener["DefaultActions"][-1]["ForwardConfig"]["TargetGroups"]
        by_arn = {each["TargetGroupArn"]: each["Weight"] for each in groups}
        return by_arn[self.site.group], by_arn.get(self.green, 0)

    def run(self) -> None:
        """Have all tasks run and all their targets be healthy."""
        self.service.start()
        self.site.node.look()
        for task in self.service.tasks():
            self.site.healthy(task)

    def update(self) -> None:
        self.service.update(taskDefinition=self.site.define())

    def deployment(self) -> dict[str, Any]:
        ecs = self.site.ecs.client
        arn = self.service.shown()["currentServiceDeployment"]
        return dict(ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0])

    def later(self, minutes: float) -> None:
        self.site.ecs.clock.advance(60 * minutes)
        self.site.ecs.keep()


def test_blue_stays_whole_until_green_has_all_the_traffic_and_has_baked(site: Site, ecs: Any) -> None:
    traffic = Traffic(site, strategy="BLUE_GREEN", bakeTimeInMinutes=5)
    service = traffic.service
    assert service.shown()["deploymentConfiguration"]["strategy"] == "BLUE_GREEN"
    assert service.shown()["deploymentConfiguration"]["bakeTimeInMinutes"] == 5
    traffic.run()
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert traffic.weights == (100, 0)
    (blue,) = service.tasks()

    traffic.update()
    service.start()
    assert len(service.tasks()) == 2
    assert traffic.weights == (100, 0), "green is not healthy yet"
    assert traffic.deployment()["lifecycleStage"] == "SCALE_UP"
    (green,) = (task for task in service.tasks() if task["taskArn"] != blue["taskArn"])
    groups = {target.address: target.target_group for target in site.node.targets()}
    assert groups[site.address(green)] != groups[site.address(blue)]

    traffic.run()
    assert traffic.weights == (0, 100)
    told = traffic.deployment()
    assert (told["status"], told["lifecycleStage"]) == ("IN_PROGRESS", "BAKE_TIME")
    assert told["targetServiceRevision"]["requestedProductionTrafficWeight"] == 100.0
    assert len(service.tasks()) == 2, "there is a way back"

    traffic.later(6)
    assert [task["taskArn"] for task in service.tasks()] == [green["taskArn"]]
    revision = told["targetServiceRevision"]["arn"]
    (shown,) = ecs.client.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"]
    assert shown["resolvedConfiguration"]["loadBalancers"] == [
        {"targetGroupArn": traffic.green, "productionListenerRule": traffic.listener}
    ]

    site.node.say(site.node.find(site.address(blue)), "drained")
    ecs.keep()
    service.finish()
    assert service.deployments() == {"PRIMARY": "COMPLETED"}
    assert traffic.deployment()["status"] == "SUCCESSFUL"


def test_the_next_deployment_goes_back_to_the_first_group(site: Site, ecs: Any) -> None:
    traffic = Traffic(site, strategy="BLUE_GREEN", bakeTimeInMinutes=0)
    traffic.run()
    for expected in ((0, 100), (100, 0)):
        leaving = traffic.service.tasks()
        traffic.update()
        traffic.run()
        assert traffic.weights == expected
        assert len(traffic.service.tasks()) == 2, "a request may be on its way to the old task"
        traffic.later(0.2)
        for task in leaving:
            site.node.say(site.node.find(site.address(task)), "drained")
        ecs.keep()
        traffic.service.finish()
        assert traffic.service.deployments() == {"PRIMARY": "COMPLETED"}


def test_green_that_does_not_start_never_gets_traffic(site: Site, ecs: Any) -> None:
    traffic = Traffic(site, strategy="BLUE_GREEN", bakeTimeInMinutes=5, deploymentCircuitBreaker=BREAKER)
    traffic.run()
    kept = traffic.service.ids()
    traffic.update()
    for _ in range(3):
        traffic.service.fail()
        traffic.later(30)
    traffic.later(1)
    assert traffic.deployment()["status"] == "ROLLBACK_SUCCESSFUL"
    assert traffic.weights == (100, 0)
    assert traffic.service.ids() == kept
    assert traffic.service.deployments() == {"PRIMARY": "COMPLETED"}


def test_green_that_runs_for_an_instant_is_not_started_again_at_once(site: Site, ecs: Any) -> None:
    traffic = Traffic(site, strategy="BLUE_GREEN", bakeTimeInMinutes=5)
    traffic.run()
    kept = traffic.service.ids()
    traffic.service.update(desiredCount=2, taskDefinition=site.define())
    traffic.service.start()
    crashing = [task for task in traffic.service.tasks() if task["taskArn"].rpartition("/")[2] not in kept]
    assert len(crashing) == 3, "two of green, and the second of blue"
    green = [task for task in crashing if task["taskDefinitionArn"].endswith(":2")]
    for task in green:
        traffic.service.end(task, "essential-exited")
    ecs.keep()
    left = {task["taskArn"] for task in traffic.service.tasks()}
    assert len(left) == 2, "none is started in their place"
    traffic.later(0.1)
    assert len(traffic.service.tasks()) == 4


def test_while_it_bakes_a_deployment_is_taken_back_at_once(site: Site, ecs: Any) -> None:
    traffic = Traffic(site, strategy="BLUE_GREEN", bakeTimeInMinutes=60)
    traffic.run()
    kept = traffic.service.ids()
    traffic.update()
    traffic.run()
    assert traffic.weights == (0, 100)
    ecs.client.stop_service_deployment(serviceDeploymentArn=traffic.service.shown()["currentServiceDeployment"])
    ecs.keep(passes=20)
    assert traffic.weights == (100, 0)
    assert len(traffic.service.ids()) == 2
    traffic.later(0.2)
    assert traffic.service.ids() == kept


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
    site: Site, ecs: Any, configuration: dict[str, Any], shares: list[tuple[int, int]]
) -> None:
    traffic = Traffic(site, **configuration)
    traffic.run()
    traffic.update()
    traffic.run()
    shown = traffic.service.shown()["deploymentConfiguration"]
    assert {key: shown[key] for key in configuration} == configuration
    for expected in shares:
        assert traffic.weights == expected
        traffic.later(1)
        assert traffic.weights == expected
        traffic.later(1.1)


def test_a_test_listener_goes_first(site: Site, ecs: Any) -> None:
    traffic = Traffic(site, strategy="BLUE_GREEN", bakeTimeInMinutes=5)
    tests = site.elb.create_listener(
        LoadBalancerArn=site.balancer, Protocol="HTTP", Port=8443,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": site.group}],
    )["Listeners"][0]["ListenerArn"]  # fmt: skip
    traffic.advanced["testListenerRule"] = tests
    traffic.run()
    traffic.service.update(loadBalancers=site.front(advancedConfiguration=traffic.advanced))
    traffic.run()
    action = site.elb.describe_listeners(ListenerArns=[tests])["Listeners"][0]["DefaultActions"][-1]
    weights = {each["TargetGroupArn"]: each["Weight"] for each in action["ForwardConfig"]["TargetGroups"]}
    assert weights == {site.group: 0, traffic.green: 100}


def test_scaling_moves_no_traffic(site: Site, ecs: Any) -> None:
    traffic = Traffic(site, strategy="BLUE_GREEN", bakeTimeInMinutes=5)
    traffic.run()
    before = traffic.service.shown()["deployments"][0]["id"]
    traffic.service.update(desiredCount=2)
    traffic.run()
    assert traffic.service.shown()["deployments"][0]["id"] == before
    assert traffic.weights == (100, 0)
    assert len({target.target_group for target in site.node.targets()}) == 1


def test_what_cannot_be_shifted_is_refused(site: Site, ecs: Any) -> None:
    definition = site.define()
    listener = site.elb.describe_listeners(LoadBalancerArn=site.balancer)["Listeners"][0]["ListenerArn"]
    green = site.make_group("green")

    def refused(configuration: dict[str, Any], **advanced: Any) -> str:
        given = {"alternateTargetGroupArn": green, "productionListenerRule": listener, "roleArn": ROLE} | advanced
        _, text = ecs.refusal(
            ecs.client.create_service,
            serviceName="x",
            taskDefinition=definition,
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=ecs.network(),
            deploymentConfiguration=configuration,
            loadBalancers=site.front(advancedConfiguration=given) if advanced else site.front(),
        )
        return str(text)

    blue_green = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1}
    assert "advancedConfiguration is required" in refused(blue_green)
    assert "must differ" in refused(blue_green, alternateTargetGroupArn=site.group)
    assert "does not exist" in refused(blue_green, alternateTargetGroupArn=green.replace("green", "nobody"))
    assert refused(blue_green, productionListenerRule=f"{listener[:-16]}{'0' * 16}")
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
    assert "lifecycle hooks" in refused({**blue_green, "lifecycleHooks": hook})
