"""What HAProxy is told to do, word for word."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from homeport.node.balancing.conditions import acls
from homeport.node.balancing.config import Place, fingerprint, render
from homeport.node.balancing.frontend import tls_versions
from homeport.node.balancing.model import Desired, Placed
from homeport.wire.messages import (
    Forward,
    HostHeader,
    HttpHeader,
    Listener,
    ListenerRule,
    LoadBalancer,
    PathPattern,
    QueryPair,
    QueryString,
    Redirect,
    RequestMethod,
    SourceIp,
    Target,
    TargetGroup,
    TargetHealthCheck,
    TargetState,
    WeightedGroup,
)

GROUP = TargetGroup(
    id="targetgroup/web/0123456789abcdef",
    vpc="vpc-1",
    health_check=TargetHealthCheck(path="/it's", interval=10, timeout=4, healthy_threshold=3, matcher="200-299"),
    slow_start=30,
)
TARGET = Target(id=f"{GROUP.id}/10.0.0.5:80", target_group=GROUP.id, address="10.0.0.5", port=80)
FORWARD = Forward(target_groups=(WeightedGroup(target_group=GROUP.id),))
LISTENER = Listener(id="l", port=8080, protocol="HTTP", rules=(ListenerRule(id="d", action=FORWARD),))
BALANCER = LoadBalancer(
    id="app/web/50dc6c495c0c9188", kind="application", vpc="vpc-1", enis=("eni-1",), listeners=(LISTENER,)
)
PLACE = Place("run-1", Path("/empty"))


def desired(balancer: LoadBalancer = BALANCER, group: TargetGroup = GROUP) -> Desired:
    return Desired(balancer, {group.id: group}, {TARGET.id: TARGET})


def section(config: str, head: str) -> list[str]:
    """Return the lines of one section."""
    (found,) = (each for each in config.strip().split("\n\n") if each.partition("\n")[0] == head)
    return [line.strip() for line in found.splitlines()[1:]]


def rendered(wanted: Desired, state: TargetState = TargetState.HEALTHY) -> str:
    return render(wanted, [Placed(target, state) for target in wanted.targets.values()], PLACE).config


def test_the_process_has_its_own_socket_state_and_root():
    assert section(rendered(desired()), "global") == [
        "stats socket unix@run-1.sock mode 600 level admin expose-fd listeners",
        "stats timeout 1h",
        "server-state-file run-1.state",
        "hard-stop-after 3600s",
        "user haproxy",
        "group haproxy",
        "chroot /empty",
        "maxconn 20000",
        "ssl-server-verify none",
        "tune.ssl.default-dh-param 2048",
    ]


def test_a_listener_chooses_a_group_and_then_changes_headers():
    lines = section(rendered(desired()), "frontend port-8080")
    group, dice = "targetgroup.web.0123456789abcdef", "%[rand(4294967295),hex,bytes(8,8),lower]"
    span = f"1-%[date,hex,bytes(8,8),lower]-{dice * 3}"
    assert lines == [
        "bind :8080",
        "tcp-request session set-var(sess.begun) date",
        "http-request set-var(txn.begun) date",
        f"http-request set-var(txn.group) str({group})",
        "http-after-response set-header Connection close if { date,sub(sess.begun) ge 3600 }",
        (
            "http-after-response set-status 504 reason 'Gateway Time-out'"
            " if { res.hdr(X-Homeport-Unconnected) -m found } { date,sub(txn.begun),div(8) gt 0 }"
        ),
        (
            "http-after-response set-status 502 reason 'Bad Gateway'"
            " if { res.hdr(X-Homeport-Unconnected) -m found } !{ date,sub(txn.begun),div(8) gt 0 }"
        ),
        "http-after-response del-header X-Homeport-Unconnected",
        (
            "http-request set-header Host %[req.hdr(host)]:8080 if { req.hdr(host) -m found }"
            " !{ req.hdr(host) -m reg :[0-9]+$ }"
        ),
        "http-request set-var(txn.via) req.fhdr(X-Forwarded-For)",
        "http-request set-header X-Forwarded-For '%[var(txn.via)], %[src]' if { var(txn.via) -m len gt 0 }",
        "http-request set-header X-Forwarded-For %[src] if !{ var(txn.via) -m len gt 0 }",
        "http-request set-header X-Forwarded-Proto http",
        "http-request set-header X-Forwarded-Port 8080",
        "http-request set-var(txn.trace) req.fhdr(X-Amzn-Trace-Id),regsub(Self=[^;]*;?,) if { req.fhdr(X-Amzn-Trace-Id) -m found }",
        f"http-request set-header X-Amzn-Trace-Id Root={span} if !{{ var(txn.trace) -m len gt 0 }}",
        f"http-request set-header X-Amzn-Trace-Id Self={span};%[var(txn.trace)] if {{ var(txn.trace) -m sub Root= }}",
        (
            f"http-request set-header X-Amzn-Trace-Id Root={span};%[var(txn.trace)]"
            " if { var(txn.trace) -m len gt 0 } !{ var(txn.trace) -m sub Root= }"
        ),
        f"use_backend {group}.open if {{ nbsrv({group}) lt 1 }} !{{ stopping }}",
        f"default_backend {group}",
    ]


def test_the_first_of_several_rules_that_fits_says_what_becomes_of_a_request():
    other = replace(GROUP, id="targetgroup/other/fedcba9876543210", minimum_healthy=2)
    moved = Forward(
        target_groups=(
            WeightedGroup(target_group=GROUP.id, weight=3),
            WeightedGroup(target_group=other.id),
            WeightedGroup(target_group="targetgroup/none/0000000000000000"),
        )
    )
    rules = (
        ListenerRule(id="r", action=moved, conditions=(RequestMethod(values=("GET",)),)),
        ListenerRule(id="d", action=FORWARD),
    )
    balancer = replace(BALANCER, listeners=(replace(LISTENER, rules=rules),))
    wanted = Desired(balancer, {GROUP.id: GROUP, other.id: other}, {})
    lines = section(rendered(wanted), "frontend port-8080")
    one, two = "targetgroup.web.0123456789abcdef", "targetgroup.other.fedcba9876543210"
    first, undecided = "{ var(txn.rule) -m int 0 }", "!{ var(txn.group) -m found }"
    assert lines[3:10] == [
        "acl rule-0-0 method -m str -- 'GET'",
        "http-request set-var(txn.rule) int(0) if !{ var(txn.rule) -m found } rule-0-0",
        "http-request set-var(txn.rule) int(1) if !{ var(txn.rule) -m found }",
        f"http-request set-var(txn.dice) rand(5) if {first} {undecided}",
        f"http-request set-var(txn.group) str({one}) if {first} {undecided} {{ var(txn.dice) -m int 0:2 }}",
        f"http-request set-var(txn.group) str({two}) if {first} {undecided} {{ var(txn.dice) -m int 3:3 }}",
        lines[9],
    ]
    assert lines[9].startswith("http-request return status 503 content-type text/html file ")
    assert lines[9].endswith(f" if {first} {undecided}")
    assert lines[10] == f"http-request set-var(txn.group) str({one}) if {{ var(txn.rule) -m int 1 }}"
    assert lines[-3:] == [
        f"use_backend {two}.open if {{ var(txn.group) -m str {two} }} {{ nbsrv({two}) lt 2 }} !{{ stopping }}",
        "use_backend %[var(txn.group)].open if { var(txn.group),nbsrv eq 0 } !{ stopping }",
        "use_backend %[var(txn.group)]",
    ]


def test_a_rule_none_of_whose_groups_is_given_requests_answers_itself():
    nobody = Forward(target_groups=(WeightedGroup(target_group=GROUP.id, weight=0),))
    listener = replace(LISTENER, rules=(ListenerRule(id="d", action=nobody),))
    lines = section(rendered(desired(replace(BALANCER, listeners=(listener,)))), "frontend port-8080")
    assert lines[3].startswith("http-request return status 503 content-type text/html file ")


def test_a_listener_puts_its_headers_into_every_answer():
    spec = BALANCER.listeners[0]
    changed = replace(spec, response_headers=(("X-Frame-Options", "it's 100%"),), server_header=False)
    lines = section(rendered(desired(balancer=replace(BALANCER, listeners=(changed,)))), "frontend port-8080")
    assert "http-after-response set-header X-Frame-Options 'it'\\''s 100%%'" in lines
    assert "http-after-response del-header Server" in lines


def test_too_few_healthy_targets_are_as_good_as_none():
    lines = section(rendered(desired(group=replace(GROUP, minimum_healthy=3))), "frontend port-8080")
    name = "targetgroup.web.0123456789abcdef"
    assert lines[-2] == f"use_backend {name}.open if {{ nbsrv({name}) lt 3 }} !{{ stopping }}"


def test_a_target_group_checks_its_targets_and_repeats_only_what_may_be_repeated():
    assert section(rendered(desired()), "backend targetgroup.web.0123456789abcdef") == [
        "balance roundrobin",
        "http-request disable-l7-retry if !{ method GET HEAD OPTIONS TRACE PUT DELETE }",
        "timeout check 4s",
        "option httpchk",
        "http-check connect",
        (
            "http-check send meth GET uri '/it'\\''s' ver HTTP/1.1 hdr Host %[srv_name]"
            " hdr User-Agent ELB-HealthChecker/2.0"
        ),
        "http-check expect status 200-299",
        "default-server check inter 10s rise 3 fall 2 slowstart 30s",
        "server 10.0.0.5:80 10.0.0.5:80 weight 100",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"algorithm": "least_outstanding_requests"}, "balance leastconn"),
        ({"algorithm": "weighted_random"}, "balance random"),
        ({"protocol": "HTTPS"}, "default-server check inter 10s rise 3 fall 2 slowstart 30s ssl verify none"),
        ({"proxy_protocol": True}, "default-server check inter 10s rise 3 fall 2 slowstart 30s send-proxy-v2"),
        ({"proxy_protocol": True}, "http-check connect send-proxy"),
        ({"protocol_version": "HTTP2"}, "default-server check inter 10s rise 3 fall 2 slowstart 30s proto h2"),
        ({"health_check": TargetHealthCheck(protocol="HTTPS", port="8443")}, "http-check connect port 8443 ssl"),
        ({"health_check": TargetHealthCheck(protocol="TCP", port="81")}, "tcp-check connect port 81"),
    ],
)
def test_a_setting_of_a_target_group_is_in_its_section(changes: dict[str, object], line: str):
    config = rendered(desired(group=replace(GROUP, **changes)))
    assert line in section(config, "backend targetgroup.web.0123456789abcdef")


@pytest.mark.parametrize(
    ("state", "lines"),
    [
        (TargetState.HEALTHY, ["10.0.0.5 2 0", "10.0.0.5 2 0"]),
        (TargetState.UNHEALTHY, ["10.0.0.5 0 0", "10.0.0.5 2 0"]),
        (TargetState.INITIAL, ["10.0.0.5 2 1", "10.0.0.5 2 1"]),
        (TargetState.DRAINING, ["10.0.0.5 2 1", "10.0.0.5 2 1"]),
    ],
)
def test_a_new_process_begins_with_what_is_known_of_its_targets(state: TargetState, lines: list[str]):
    states = render(desired(), [Placed(TARGET, state)], PLACE).state.splitlines()
    assert states[0] == "1"
    assert [" ".join(line.split(" ")[4:7]) for line in states[2:]] == lines


@pytest.mark.parametrize(
    ("condition", "test"),
    [
        (HostHeader(values=("*.a.b",)), r"req.hdr(host),field(1,:) -i -m reg -- '^.*\.a\.b$'"),
        (PathPattern(values=("/a?c",)), "path -m reg -- '^/a.c$'"),
        (PathPattern(values=("/it's",)), "path -m str -- '/it'\\''s'"),
        (HttpHeader(name="X-A", values=("}",)), "'req.fhdr(X-A)' -i -m str -- '}'"),
        (QueryString(values=(QueryPair(key="k", value="v*"),)), "query -i -m reg -- '(^|&)k=v[^&]*(&|$)'"),
        (QueryString(values=(QueryPair(value="v"),)), "query -i -m reg -- '(^|&)([^&=]*=)?v(&|$)'"),
        (SourceIp(values=("10.0.0.0/8",)), "src -- 10.0.0.0/8"),
        (RequestMethod(values=("GET",)), "method -m str -- 'GET'"),
    ],
)
def test_a_condition_in_haproxys_words(condition: HostHeader, test: str):
    rule = ListenerRule(id="r", action=FORWARD, conditions=(condition,))
    assert acls(rule, "rule-0") == ([f"acl rule-0-0 {test}"], ["rule-0-0"])


def test_targets_change_nothing_that_needs_another_process():
    assert fingerprint(desired()) == fingerprint(Desired(BALANCER, {GROUP.id: GROUP}))


@pytest.mark.parametrize(
    "changed",
    [
        desired(group=replace(GROUP, health_check=replace(GROUP.health_check, interval=11))),
        desired(group=replace(GROUP, slow_start=0)),
        desired(replace(BALANCER, idle_timeout=61)),
        desired(replace(BALANCER, listeners=(replace(LISTENER, port=81),))),
        desired(
            replace(
                BALANCER,
                listeners=(replace(LISTENER, rules=(ListenerRule(id="d", action=Redirect(status=301)),)),),
            )
        ),
    ],
)
def test_what_a_process_cannot_be_told_changes_the_fingerprint(changed: Desired):
    assert fingerprint(changed) != fingerprint(desired())


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("ELBSecurityPolicy-2016-08", ("TLSv1.0", "TLSv1.2")),
        ("ELBSecurityPolicy-TLS-1-1-2017-01", ("TLSv1.1", "TLSv1.2")),
        ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", ("TLSv1.2", "TLSv1.2")),
        ("ELBSecurityPolicy-FS-1-2-Res-2020-10", ("TLSv1.2", "TLSv1.2")),
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", ("TLSv1.2", "TLSv1.3")),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", ("TLSv1.3", "TLSv1.3")),
    ],
)
def test_a_security_policy_allows_versions_of_tls(policy: str, versions: tuple[str, str]):
    assert tls_versions(policy) == versions
