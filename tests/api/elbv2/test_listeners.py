"""Listeners and rules: what they may say, and what the node is told of them."""

import pytest
from tests.api.refusal import refusal

from homeport.wire import balancing as wire

from .conftest import forward

FORWARD_DEFAULTS = {"Enabled": False}


def test_listener_is_shown_as_aws_shows_it(elb, balancer, group):
    load_balancer, web = balancer(), group()
    made = elb.create_listener(LoadBalancerArn=load_balancer, Protocol="HTTP", Port=80, DefaultActions=forward(web))[
        "Listeners"
    ][0]
    assert made["ListenerArn"].startswith(load_balancer.replace(":loadbalancer/", ":listener/") + "/")
    assert elb.describe_listeners(LoadBalancerArn=load_balancer)["Listeners"] == [made]
    assert made["DefaultActions"] == [
        {
            "Type": "forward",
            "TargetGroupArn": web,
            "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": web, "Weight": 1}],
                "TargetGroupStickinessConfig": {"Enabled": False},
            },
        }
    ]
    (rule,) = elb.describe_rules(ListenerArn=made["ListenerArn"])["Rules"]
    assert (rule["Priority"], rule["IsDefault"], rule["Conditions"]) == ("default", True, [])
    assert rule["Actions"] == made["DefaultActions"]
    assert elb.describe_listener_certificates(ListenerArn=made["ListenerArn"])["Certificates"] == []


def test_group_shows_its_load_balancer_and_cannot_be_deleted(elb, balancer, group, listener):
    load_balancer, web = balancer(), group()
    listener(web, load_balancer)
    (found,) = elb.describe_target_groups(TargetGroupArns=[web])["TargetGroups"]
    assert found["LoadBalancerArns"] == [load_balancer]
    assert elb.describe_target_groups(LoadBalancerArn=load_balancer)["TargetGroups"] == [found]
    assert refusal(elb.delete_target_group, TargetGroupArn=web) == (
        "ResourceInUse", f"Target group '{web}' is currently in use by a listener or a rule",
    )  # fmt: skip
    elb.delete_load_balancer(LoadBalancerArn=load_balancer)
    elb.delete_target_group(TargetGroupArn=web)


def test_port_is_taken_once(elb, balancer, group, listener):
    load_balancer, web, other = balancer(), group("web"), group("other")
    first = listener(web, load_balancer)
    assert listener(web, load_balancer) == first
    again = {"LoadBalancerArn": load_balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": forward(other)}
    assert refusal(elb.create_listener, **again) == (
        "DuplicateListener", f"A listener already exists on this port for this load balancer '{load_balancer}'",
    )  # fmt: skip


def test_group_belongs_to_one_load_balancer(elb, balancer, group, listener):
    web = group()
    listener(web, balancer("one"))
    other = {"LoadBalancerArn": balancer("two"), "Protocol": "HTTP", "Port": 80, "DefaultActions": forward(web)}
    assert refusal(elb.create_listener, **other) == (
        "TargetGroupAssociationLimit",
        f"The following target groups cannot be associated with more than one load balancer: {web}",
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Protocol": None}, "ValidationError"),
        ({"Port": None}, "ValidationError"),
        ({"Protocol": "TCP"}, "ValidationError"),
        ({"Protocol": "HTTPS"}, "ValidationError"),
        ({"SslPolicy": "ELBSecurityPolicy-2016-08"}, "InvalidConfigurationRequest"),
        ({"DefaultActions": []}, "ValidationError"),
        ({"DefaultActions": [{"Type": "forward"}]}, "ValidationError"),
        ({"DefaultActions": [{"Type": "forward", "TargetGroupArn": "web"}]}, "ValidationError"),
        ({"MutualAuthentication": {"Mode": "off"}}, "ValidationError"),
    ],
)
def test_listener_is_refused(elb, balancer, group, more, code):
    arguments = {"Protocol": "HTTP", "Port": 80, "DefaultActions": forward(group())} | more
    arguments = {name: value for name, value in arguments.items() if value is not None}
    load_balancer = balancer()
    assert refusal(elb.create_listener, LoadBalancerArn=load_balancer, **arguments)[0] == code
    assert elb.describe_listeners(LoadBalancerArn=load_balancer)["Listeners"] == []


def test_listener_of_another_protocol_or_vpc(elb, api, balancer, group):
    load_balancer = balancer()
    vpc = api.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    common = {"LoadBalancerArn": load_balancer, "Protocol": "HTTP", "Port": 80}
    tcp = forward(group("tcp", Protocol="TCP"))
    assert refusal(elb.create_listener, **common, DefaultActions=tcp)[0] == "IncompatibleProtocols"
    elsewhere = forward(group("elsewhere", VpcId=vpc))
    assert refusal(elb.create_listener, **common, DefaultActions=elsewhere)[0] == "InvalidConfigurationRequest"


def test_listener_is_changed_and_deleted(elb, node, balancer, group, listener):
    load_balancer, web, other = balancer(), group("web"), group("other")
    arn = listener(web, load_balancer)
    elb.modify_listener(ListenerArn=arn, Port=8080, DefaultActions=forward(other))
    (item,) = node.has(wire.LoadBalancer)
    assert [told.port for told in item.listeners] == [8080]
    assert [told.id.split("/")[1] for told in node.has(wire.TargetGroup)] == ["other"], "web is forwarded to by nobody"
    elb.delete_listener(ListenerArn=arn)
    assert (node.has(wire.LoadBalancer)[0].listeners, node.has(wire.TargetGroup)) == ((), [])
    assert refusal(elb.describe_listeners, ListenerArns=[arn]) == (
        "ListenerNotFound", "One or more listeners not found",
    )  # fmt: skip


def listener_attributes(answer):
    return {item["Key"]: item["Value"] for item in answer["Attributes"]}


def test_listener_attributes_reach_the_node_and_outlive_a_change(elb, node, group, listener):
    arn = listener(group())
    before = listener_attributes(elb.describe_listener_attributes(ListenerArn=arn))
    assert before["routing.http.response.server.enabled"] == "true"
    assert set(before.values()) == {"true", ""}
    wanted = {
        "routing.http.response.server.enabled": "false",
        "routing.http.response.strict_transport_security.header_value": "max-age=31536000; includeSubDomains",
        "routing.http.response.x_content_type_options.header_value": "nosniff",
    }
    answered = elb.modify_listener_attributes(
        ListenerArn=arn, Attributes=[{"Key": key, "Value": value} for key, value in wanted.items()]
    )
    assert listener_attributes(answered) == before | wanted
    elb.modify_listener(ListenerArn=arn, Port=8080)
    assert listener_attributes(elb.describe_listener_attributes(ListenerArn=arn)) == before | wanted
    (told,) = node.has(wire.LoadBalancer)[0].listeners
    assert told.response_headers == (
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
    )
    assert not told.server_header


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x_content_type_options.header_value", "sniff"),
        ("access_control_allow_credentials.header_value", "yes"),
        ("strict_transport_security.header_value", "max-age=1\r\nX: y"),
        ("x_frame_options.header_value", "x" * 1025),
        ("server.enabled", "maybe"),
        ("nothing", "x"),
    ],
)
def test_listener_attribute_is_refused(elb, group, listener, name, value):
    arn = listener(group())
    wanted = [{"Key": f"routing.http.response.{name}", "Value": value}]
    assert refusal(elb.modify_listener_attributes, ListenerArn=arn, Attributes=wanted)[0] == "ValidationError"


def test_network_load_balancer_forwards_tcp(elb, api, node, place, group):
    sg = api.client("ec2").create_security_group(GroupName="nlb", Description="nlb", VpcId=place.vpc)["GroupId"]
    made = elb.create_load_balancer(
        Name="net", Type="network", Subnets=[place.subnets[0].id], SecurityGroups=[sg], Scheme="internal"
    )["LoadBalancers"][0]
    arn = made["LoadBalancerArn"]
    assert made["DNSName"] == f"net-{arn[-16:]}.elb.us-east-1.homeport.internal"
    tcp = group("tcp", Protocol="TCP", Port=5432)
    elb.create_listener(LoadBalancerArn=arn, Protocol="TCP", Port=5432, DefaultActions=forward(tcp))
    (item,) = node.has(wire.LoadBalancer)
    assert (item.kind, item.id) == ("network", arn.partition("loadbalancer/")[2])
    assert item.listeners[0].protocol == "TCP"
    (told,) = node.has(wire.TargetGroup)
    assert (told.health_check.protocol, told.health_check.path) == ("TCP", "")
    common = {"LoadBalancerArn": arn, "Port": 53}
    assert (
        refusal(elb.create_listener, **common, Protocol="UDP", DefaultActions=forward(tcp))[0] == "UnsupportedProtocol"
    )
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    assert (
        refusal(elb.create_listener, **common, Protocol="TCP", DefaultActions=fixed)[0] == "InvalidConfigurationRequest"
    )


# Rules

CONDITIONS = [
    {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}},
    {"Field": "path-pattern", "Values": ["/img/*"]},
    {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "User-Agent", "Values": ["*Chrome*"]}},
    {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "version", "Value": "v1"}]}},
    {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
]


def test_rule_with_every_condition_reaches_the_node(elb, node, group, listener):
    web, arn = group(), ""
    arn = listener(web)
    made = elb.create_rule(ListenerArn=arn, Priority=10, Conditions=CONDITIONS, Actions=forward(web))["Rules"][0]
    assert (made["Priority"], made["IsDefault"]) == ("10", False)
    assert made["Conditions"][:2] == [
        {"Field": "host-header", "Values": ["*.example.com"], "HostHeaderConfig": {"Values": ["*.example.com"]}},
        {"Field": "path-pattern", "Values": ["/img/*"], "PathPatternConfig": {"Values": ["/img/*"]}},
    ]
    assert elb.describe_rules(RuleArns=[made["RuleArn"]])["Rules"] == [made]
    rule, default = node.has(wire.LoadBalancer)[0].listeners[0].rules
    assert default.conditions == ()
    assert rule.conditions == (
        wire.HostHeader(values=("*.example.com",)),
        wire.PathPattern(values=("/img/*",)),
        wire.HttpHeader(name="User-Agent", values=("*Chrome*",)),
        wire.QueryString(values=(wire.QueryPair(key="version", value="v1"),)),
        wire.SourceIp(values=("10.0.0.0/8",)),
    )


def test_every_action_reaches_the_node(elb, node, group, listener):
    one, two = group("one"), group("two")
    arn = listener(one)

    def rule(priority, action):
        conditions = [{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}}]
        made = elb.create_rule(ListenerArn=arn, Priority=priority, Conditions=conditions, Actions=[action])
        return made["Rules"][0]["Actions"][0]

    weights = [{"TargetGroupArn": one, "Weight": 3}, {"TargetGroupArn": two, "Weight": 1}]
    sticky = {"Enabled": True, "DurationSeconds": 60}
    config = {"TargetGroups": weights, "TargetGroupStickinessConfig": sticky}
    assert rule(1, {"Type": "forward", "ForwardConfig": config}) == {"Type": "forward", "ForwardConfig": config}
    redirected = rule(
        2, {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    )
    assert redirected["RedirectConfig"] == {
        "Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}",
        "StatusCode": "HTTP_301",
    }  # fmt: skip
    rule(
        3,
        {
            "Type": "fixed-response",
            "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "no", "ContentType": "text/html"},
        },
    )
    told = [rule.action for rule in node.has(wire.LoadBalancer)[0].listeners[0].rules]
    ids = {told.id.split("/")[1]: told.id for told in node.has(wire.TargetGroup)}
    assert told == [
        wire.Forward(
            target_groups=(
                wire.WeightedGroup(target_group=ids["one"], weight=3), wire.WeightedGroup(target_group=ids["two"]),
            ),
            sticky_seconds=60,
        ),
        wire.Redirect(status=301, protocol="HTTPS", port="443"),
        wire.FixedResponse(status=404, content_type="text/html", body="no"),
        wire.Forward(target_groups=(wire.WeightedGroup(target_group=ids["one"]),)),
    ]  # fmt: skip


def path(*values):
    return [{"Field": "path-pattern", "Values": list(values)}]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([], "A condition must be specified"),
        ([{"Field": "path"}], "Condition field 'path' must be one of"),
        (path(), "A condition value must be specified"),
        (path("/" + "x" * 128), "between 1 and 128"),
        (path("/a b"), "not valid"),
        (path("/a") + path("/b"), "only have one 'path-pattern'"),
        (path(*(f"/{number}" for number in range(6))), "only have '5' condition values"),
        ([{"Field": "host-header", "Values": ["a_b"]}], "not valid"),
        ([{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1"]}}], "CIDR"),
        ([{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}}], "not valid"),
        ([{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Host", "Values": ["x"]}}], "Host"),
        ([{"Field": "path-pattern", "RegexValues": ["^/a"]}], "RegexValues"),
    ],
)
def test_conditions_are_refused(elb, group, listener, conditions, message):
    web = group()
    arn = listener(web)
    code, text = refusal(elb.create_rule, ListenerArn=arn, Priority=1, Conditions=conditions, Actions=forward(web))
    assert code == "ValidationError"
    assert message in text


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ({"Type": "authenticate-oidc"}, "InvalidConfigurationRequest"),
        ({"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}, "InvalidConfigurationRequest"),
        ({"Type": "redirect", "RedirectConfig": {"Port": "0", "StatusCode": "HTTP_301"}}, "ValidationError"),
        ({"Type": "redirect"}, "ValidationError"),
        ({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "301"}}, "ValidationError"),
        (
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "a/b"}},
            "ValidationError",
        ),
        ({"Type": "forward", "ForwardConfig": {"TargetGroups": []}}, "ValidationError"),
    ],
)
def test_actions_are_refused(elb, group, listener, action, code):
    arn = listener(group())
    assert refusal(elb.create_rule, ListenerArn=arn, Priority=1, Conditions=path("/"), Actions=[action])[0] == code


def test_priority_is_taken_once(elb, group, listener):
    web = group()
    arn = listener(web)
    elb.create_rule(ListenerArn=arn, Priority=1, Conditions=path("/a"), Actions=forward(web))
    again = {"ListenerArn": arn, "Priority": 1, "Conditions": path("/b"), "Actions": forward(web)}
    assert refusal(elb.create_rule, **again) == ("PriorityInUse", "Priority '1' is currently in use")


def test_rules_are_paged_by_priority_and_swap_them(elb, group, listener):
    web = group()
    arn = listener(web)
    rules = {
        number: elb.create_rule(ListenerArn=arn, Priority=number, Conditions=path(f"/{number}"), Actions=forward(web))[
            "Rules"
        ][0]["RuleArn"]
        for number in (30, 10, 20)
    }
    pages = list(elb.get_paginator("describe_rules").paginate(ListenerArn=arn, PaginationConfig={"PageSize": 3}))
    assert [[rule["Priority"] for rule in page["Rules"]] for page in pages] == [["10", "20", "30"], ["default"]]
    swap = [{"RuleArn": rules[10], "Priority": 20}, {"RuleArn": rules[20], "Priority": 10}]
    elb.set_rule_priorities(RulePriorities=swap)
    found = elb.describe_rules(ListenerArn=arn)["Rules"]
    assert [rule["RuleArn"] for rule in found[:3]] == [rules[20], rules[10], rules[30]]
    taken = [{"RuleArn": rules[10], "Priority": 30}]
    assert refusal(elb.set_rule_priorities, RulePriorities=taken) == (
        "PriorityInUse",
        "Priority '30' is currently in use",
    )
    assert elb.describe_rules(ListenerArn=arn)["Rules"] == found


def test_rule_is_changed_and_deleted(elb, node, group, listener):
    web, other = group("web"), group("other")
    arn = listener(web)
    rule = elb.create_rule(ListenerArn=arn, Priority=1, Conditions=path("/a"), Actions=forward(other))["Rules"][0][
        "RuleArn"
    ]
    changed = elb.modify_rule(RuleArn=rule, Conditions=path("/b"))["Rules"][0]
    assert changed["Conditions"][0]["Values"] == ["/b"]
    assert changed["Actions"][0]["TargetGroupArn"] == other
    assert len(node.has(wire.TargetGroup)) == 2
    elb.delete_rule(RuleArn=rule)
    assert len(node.has(wire.TargetGroup)) == 1
    assert refusal(elb.delete_rule, RuleArn=rule) == ("RuleNotFound", "One or more rules not found")


def test_default_rule_stays(elb, group, listener):
    arn = listener(group())
    (default,) = elb.describe_rules(ListenerArn=arn)["Rules"]
    assert refusal(elb.delete_rule, RuleArn=default["RuleArn"]) == (
        "OperationNotPermitted", f"Default rule '{default['RuleArn']}' cannot be deleted",
    )  # fmt: skip
