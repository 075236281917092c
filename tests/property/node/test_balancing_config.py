"""HAProxy takes every configuration that we can write."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from homeport.node.balancing.backend import open_options, server_options
from homeport.node.balancing.config import Place, render
from homeport.node.balancing.model import Desired, Placed
from homeport.wire.messages import (
    FixedResponse,
    Forward,
    GroupStickiness,
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

HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/sbin:/bin")
pytestmark = pytest.mark.skipif(HAPROXY is None, reason="HAProxy is not installed")

text = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=24)
texts = st.lists(text, min_size=1, max_size=4).map(tuple)
names = st.text("abcXYZ019-_.!$&", min_size=1, max_size=12)
ids = [f"targetgroup/g{number}/{number:016x}" for number in range(4)]
seconds = st.integers(1, 4000)

conditions = st.one_of(
    st.builds(HostHeader, values=texts),
    st.builds(PathPattern, values=texts.map(lambda values: tuple(f"/{value}" for value in values))),
    st.builds(HttpHeader, name=names, values=texts),
    st.builds(
        QueryString,
        values=st.lists(st.builds(QueryPair, value=text, key=st.just("") | text), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        SourceIp, values=st.lists(st.sampled_from(["10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0"]), min_size=1).map(tuple)
    ),
    st.builds(RequestMethod, values=st.lists(st.sampled_from(["GET", "POST", "X_Y-Z"]), min_size=1).map(tuple)),
)
weighted = st.builds(WeightedGroup, target_group=st.sampled_from(ids), weight=st.integers(0, 999))
placeholders = st.lists(
    st.sampled_from(["#{protocol}", "#{host}", "#{port}", "#{path}", "#{query}"]) | text, max_size=4
).map("".join)
actions = st.one_of(
    st.builds(
        Forward,
        target_groups=st.lists(weighted, min_size=1, max_size=5).map(tuple),
        sticky_seconds=st.just(0) | seconds,
    ),
    st.builds(
        Redirect,
        status=st.sampled_from([301, 302]),
        protocol=st.sampled_from(["HTTP", "HTTPS", "#{protocol}"]),
        host=placeholders.map(lambda value: value or "h"),
        path=placeholders.map(lambda value: f"/{value}"),
        query=placeholders,
    ),
    st.builds(
        FixedResponse,
        status=st.sampled_from([200, 204, 404, 503, 599]),
        content_type=st.sampled_from(["", "text/html", "application/json"]),
        body=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40),
    ),
)
rules = st.lists(
    st.builds(
        ListenerRule,
        id=st.just("r"),
        action=actions,
        conditions=st.lists(conditions, min_size=1, max_size=3).map(tuple),
    ),
    max_size=4,
)
defaults = st.builds(ListenerRule, id=st.just("d"), action=actions)
checks = st.builds(
    TargetHealthCheck,
    protocol=st.sampled_from(["HTTP", "HTTPS", "TCP"]),
    port=st.sampled_from(["traffic-port", "81"]),
    path=text.map(lambda value: f"/{value.replace(' ', '')}"),
    interval=seconds,
    timeout=seconds,
    healthy_threshold=st.integers(1, 10),
    unhealthy_threshold=st.integers(1, 10),
    matcher=st.sampled_from(["200", "200,202", "200-499", "200,301-302,404"]),
)
stickiness = st.none() | st.builds(
    GroupStickiness,
    kind=st.sampled_from(["lb_cookie", "app_cookie", "source_ip"]),
    seconds=seconds,
    cookie=names,
)


@st.composite
def balancers(draw: st.DrawFn) -> Desired:
    network = draw(st.booleans())
    ports = draw(st.lists(st.integers(1, 65535), unique=True, max_size=3))
    listeners = [
        Listener(
            id=f"l{port}",
            port=port,
            protocol="TCP" if network else "HTTP",
            rules=(*(() if network else draw(rules)), draw(defaults)),
        )
        for port in ports
    ]
    groups = {
        id_: TargetGroup(
            id=id_,
            vpc="vpc-1",
            protocol=draw(st.sampled_from(["TCP", "TLS"] if network else ["HTTP", "HTTPS"])),
            protocol_version="HTTP1" if network else draw(st.sampled_from(["HTTP1", "HTTP2"])),
            target_type="ip" if network else draw(st.sampled_from(["ip", "lambda"])),
            health_check=draw(checks),
            algorithm=draw(st.sampled_from(["round_robin", "least_outstanding_requests"])),
            slow_start=draw(st.sampled_from([0, 30, 900])),
            stickiness=draw(stickiness),
        )
        for id_ in draw(st.sets(st.sampled_from(ids)))
    }
    targets = {
        f"{id_}/10.0.0.{last}:80": Target(
            id=f"{id_}/10.0.0.{last}:80", target_group=id_, address=f"10.0.0.{last}", port=80
        )
        for id_ in groups
        for last in draw(st.sets(st.integers(3, 250), max_size=3))
    }
    balancer = LoadBalancer(
        id="app/x/0000000000000001",
        kind="network" if network else "application",
        vpc="vpc-1",
        enis=("eni-1",),
        listeners=tuple(listeners),
        idle_timeout=draw(seconds),
        client_keep_alive=draw(seconds),
        drop_invalid_header_fields=draw(st.booleans()),
        preserve_host_header=draw(st.booleans()),
        xff_header_processing=draw(st.sampled_from(["append", "preserve", "remove"])),
        xff_client_port=draw(st.booleans()),
    )
    return Desired(balancer, groups, targets)


@settings(
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(balancers(), st.sampled_from(TargetState))
def test_every_configuration_is_valid(desired: Desired, state: TargetState):
    check_valid(desired, state)


@pytest.mark.parametrize("action", [FixedResponse(status=200), Redirect(status=301), Forward(target_groups=())])
def test_a_listener_that_does_the_same_with_every_request_is_valid(action: FixedResponse | Redirect | Forward):
    listener = Listener(id="l", port=80, protocol="HTTP", rules=(ListenerRule(id="d", action=action),))
    balancer = LoadBalancer(id="app/x/1", kind="application", vpc="vpc-1", enis=("eni-1",), listeners=(listener,))
    check_valid(Desired(balancer, {}, {}), TargetState.INITIAL)


def check_valid(desired: Desired, state: TargetState) -> None:
    """Have HAProxy look at a configuration; it must not even warn."""
    assert HAPROXY is not None
    with tempfile.TemporaryDirectory() as folder:
        place = Place("run-1", Path(folder), 100)
        rendered = render(desired, [Placed(target, state) for target in desired.targets.values()], place)
        for name, content in rendered.files.items():
            Path(folder, name).write_bytes(content.encode())
        Path(folder, "run-1.state").write_text(rendered.state)
        Path(folder, "run-1.cfg").write_text(rendered.config)
        argv = [HAPROXY, "-c", "-C", folder, "-f", "run-1.cfg"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{rendered.config}"
        words = [line for line in done.stderr.splitlines() if "[WARNING]" in line and "server-state" not in line]
        assert not words, f"{words}\n{rendered.config}"


@given(checks, st.sampled_from([0, 30]), st.sampled_from(["HTTP", "HTTPS"]), st.sampled_from(["HTTP1", "HTTP2"]))
def test_no_option_of_a_server_can_end_its_command(check: TargetHealthCheck, slow: int, protocol: str, version: str):
    group = TargetGroup(
        id=ids[0], vpc="vpc-1", health_check=check, slow_start=slow, protocol=protocol, protocol_version=version
    )
    for options in (server_options(group), open_options(group)):
        assert not set(options) & set(";\n'\"\\")
