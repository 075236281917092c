"""Whatever is asked, the answer is AWS's: a result or a refusal in words, never an internal failure."""

import copy
import random
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import forward

WORDS: list[Any] = [
    "", "x", "web", "-", "all", "off", "true", "HTTP", "HTTPS", "TCP", "UDP", "200", "200-299", "600", "/", "*", "#{host}",
    "10.0.0.0/8", "10.0.0.1/8", "::/0", "172.31.0.9", "8.8.8.8", "traffic-port", "path-pattern", "\u00e4", "\x00", "x" * 129,
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/none/0123456789abcdef", "lambda", "app_cookie",
    -1, 0, 1, 2, 79, 65536, 2**40, True, False, [], {},
]  # fmt: skip


def conditions() -> list[dict[str, Any]]:
    return [
        {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}},
        {"Field": "path-pattern", "Values": ["/img/*"]},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["*"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "a", "Value": "b"}]}},
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
    ]


def actions(web: str) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": web, "Weight": 1}]
    sticky = {"Enabled": True, "DurationSeconds": 5}
    return [
        *forward(web),
        {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}},
        {"Type": "redirect", "RedirectConfig": {"Path": "/x", "Port": "80", "StatusCode": "HTTP_301"}},
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/html"}},
    ]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(value, key), *places(inner)]]


class Asker:
    """Asks for what could be done, with something in it exchanged."""

    def __init__(self, client: Any, seed: int, **names: str) -> None:
        self.client = client
        self.random = random.Random(seed)
        self.names = names

    def request(self) -> tuple[str, dict[str, Any]]:
        web, listener, rule = (self.names[name] for name in ("web", "listener", "rule"))
        balancer, subnets = self.names["balancer"], [self.names["one"], self.names["two"]]
        number = self.random.randint(1, 60)
        check = {"HealthCheckPath": "/x", "HealthCheckIntervalSeconds": 10, "HealthCheckTimeoutSeconds": 3}
        check |= {"HealthCheckProtocol": "HTTP", "HealthCheckPort": "80", "HealthyThresholdCount": 2}
        check |= {"Matcher": {"HttpCode": "200"}}
        group = {"Name": f"g{number}", "Protocol": "HTTP", "Port": 80, "VpcId": self.names["vpc"], "TargetType": "ip"}
        action = [self.random.choice(actions(web))]
        tags = [{"Key": "a", "Value": "b"}]
        key = self.random.choice(["stickiness.enabled", "slow_start.duration_seconds", "stickiness.type"])
        requests: list[tuple[str, dict[str, Any]]] = [
            (
                "create_load_balancer",
                {"Name": f"b{number}", "Subnets": subnets, "Scheme": "internal", "Tags": tags},
            ),
            ("create_load_balancer", {"Name": f"n{number}", "Subnets": subnets[:1], "Type": "network"}),
            ("create_target_group", {**group, **check, "Tags": tags}),
            ("create_target_group", {"Name": f"l{number}", "TargetType": "lambda"}),
            (
                "create_listener",
                {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80 + number, "DefaultActions": action},
            ),
            (
                "create_rule",
                {"ListenerArn": listener, "Priority": number, "Conditions": conditions(), "Actions": action},
            ),
            ("modify_rule", {"RuleArn": rule, "Conditions": conditions(), "Actions": action}),
            ("modify_listener", {"ListenerArn": listener, "Port": 80, "DefaultActions": action}),
            ("modify_target_group", {"TargetGroupArn": web, **check}),
            (
                "modify_target_group_attributes",
                {"TargetGroupArn": web, "Attributes": [{"Key": key, "Value": "true"}]},
            ),
            (
                "modify_load_balancer_attributes",
                {"LoadBalancerArn": balancer, "Attributes": [{"Key": "routing.http2.enabled", "Value": "false"}]},
            ),
            ("register_targets", {"TargetGroupArn": web, "Targets": [{"Id": "172.31.0.9", "Port": 80}]}),
            ("deregister_targets", {"TargetGroupArn": web, "Targets": [{"Id": "172.31.0.9", "Port": 80}]}),
            ("describe_target_health", {"TargetGroupArn": web, "Targets": [{"Id": "172.31.0.9", "Port": 80}]}),
            ("describe_rules", {"ListenerArn": listener, "PageSize": 2, "Marker": "WyIxIl0="}),
            ("describe_listeners", {"LoadBalancerArn": balancer, "PageSize": 2}),
            ("describe_target_groups", {"Names": ["web"], "PageSize": 1}),
            ("describe_load_balancers", {"Names": ["web"], "Marker": "x"}),
            ("set_rule_priorities", {"RulePriorities": [{"RuleArn": rule, "Priority": number}]}),
            ("set_subnets", {"LoadBalancerArn": balancer, "Subnets": subnets}),
            ("set_security_groups", {"LoadBalancerArn": balancer, "SecurityGroups": [self.names["group"]]}),
            ("add_tags", {"ResourceArns": [web, balancer, listener, rule], "Tags": tags}),
        ]
        return self.random.choice(requests)

    def exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a request with some of what is in it taken away or exchanged."""
        changed = copy.deepcopy(request)
        for _ in range(self.random.choice([0, 1, 1, 2])):
            found = places(changed)
            if not found:
                break
            container, key = self.random.choice(found)
            if self.random.random() < 0.3:
                del container[key]
            elif isinstance(container[key], list) and self.random.random() < 0.3:
                container[key] *= 7
            else:
                container[key] = copy.deepcopy(self.random.choice([*WORDS, *self.names.values()]))
        return changed

    def ask(self) -> tuple[str, int]:
        """Make a request and return its operation and the status it was answered with."""
        name, request = self.request()
        request = self.exchange(request)
        try:
            getattr(self.client, name)(**request)
        except ClientError as error:
            assert error.response["Error"]["Message"], (name, request)  # noqa: PT017 - most requests succeed
            return f"{name} {request}", int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        except (AttributeError, TypeError, ValueError):  # not even boto3 can write it down
            return name, 0
        return name, 200


@pytest.mark.parametrize("seed", range(4))
def test_any_request_is_answered(
    api: Any, elb: Any, place: Any, node: Any, balancer: Any, group: Any, seed: int
) -> None:
    web, load_balancer = group("web"), balancer("web", Scheme="internal")
    listener = elb.create_listener(
        LoadBalancerArn=load_balancer, Protocol="HTTP", Port=80, DefaultActions=forward(web)
    )["Listeners"][0]["ListenerArn"]
    rule = elb.create_rule(ListenerArn=listener, Priority=100, Conditions=conditions(), Actions=forward(web))
    asker = Asker(
        api.client("elbv2", validate=False),
        seed,
        web=web,
        balancer=load_balancer,
        listener=listener,
        rule=rule["Rules"][0]["RuleArn"],
        vpc=place.vpc,
        one=place.subnets[0].id,
        two=place.subnets[1].id,
        group=elb.describe_load_balancers()["LoadBalancers"][0]["SecurityGroups"][0],
    )
    answers = [asker.ask() for _ in range(500)]
    assert [name for name, status in answers if status >= 500] == []
    assert len(Counter(name for name, status in answers if status == 200)) > 15, "most could have been done"
    node.look()
    assert node.has(object)
