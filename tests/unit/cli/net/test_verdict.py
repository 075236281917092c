"""Packets through the town: what passes, and which rule or which lack of one is named."""

from dataclasses import replace

import pytest
from tests.unit.cli.net.town import EVERYTHING, OUT, TOWN, tcp, with_eni, with_groups, with_instance, with_task

from homeport.cli.net.model import Gateway, Model, Route, Rule
from homeport.cli.net.places import find_destination, find_source, parse_target
from homeport.cli.net.verdict import Verdict, judge

A, B, C, D, E, F = (letter * 32 for letter in "abcdef")


def explain(source: str, target: str, model: Model = TOWN) -> Verdict:
    where, packet = parse_target(target)
    return judge(model, find_source(model, source), find_destination(model, where, packet), packet)


def places(verdict: Verdict) -> list[str]:
    return [hop.where for hop in verdict.hops]


@pytest.mark.parametrize(
    ("source", "target", "passes"),
    [
        pytest.param(A, f"{F}:80", True, id="awsvpc to Fargate by a rule for anywhere"),
        pytest.param(A, f"{F}:81", False, id="another port"),
        pytest.param(A, f"{F}:80/udp", False, id="another protocol"),
        pytest.param(F, f"{D}:5432", True, id="a group reference meets a branch"),
        pytest.param("i-2", f"{D}:5432", False, id="who is not in the referenced group"),
        pytest.param(f"{B}/web", f"{D}:5432", False, id="a bridge container has its instance's groups, not others"),
        pytest.param("i-2", f"{B}:80", True, id="a container's port through its published port"),
        pytest.param("i-2", f"{B}/web:9001", True, id="a port inside a published range"),
        pytest.param("i-2", f"{B}/web:9003", False, id="a port behind a published range"),
        pytest.param("i-2", f"{B}/side:80", False, id="a container that publishes nothing"),
        pytest.param("i-2", "10.0.1.10:32768", True, id="the published port itself"),
        pytest.param("i-2", "10.0.1.10:80", False, id="the host's groups do not open the container's port"),
        pytest.param(
            "i-2", "172.17.0.2:80", False, id="a docker0 address from an instance that has no container there"
        ),
        pytest.param(A, "172.17.0.2:80", False, id="a docker0 address from an awsvpc task on the instance"),
        pytest.param("i-1", "172.17.0.2:80", True, id="a docker0 address from the instance"),
        pytest.param(f"{B}/side", f"{B}/web:80", True, id="neighbours on docker0"),
        pytest.param(f"{B}/side", "10.0.1.10:32768", True, id="the instance's own published port from inside"),
        pytest.param(f"{B}/web", "10.0.1.10:32768", True, id="hairpin: a container's own published port"),
        pytest.param(f"{B}/web", "10.0.1.20:31000", True, id="a bridge container leaves by masquerade"),
        pytest.param(C, f"{B}/web:80", True, id="a host-mode task to its instance's bridge"),
        pytest.param("i-2", f"{C}:31000", True, id="a host-mode task by its instance's groups"),
        pytest.param("i-2", f"{C}:8080", False, id="a host-mode task's port that no group opens"),
        pytest.param(C, "i-1:8080", True, id="a host-mode task to its own instance"),
        pytest.param("i-2", "i-1:51678", False, id="the agent's port from off the instance"),
        pytest.param(f"{B}/web", "10.0.1.10:51678", True, id="the agent's port from docker0"),
        pytest.param(f"{B}/web", "10.0.1.10:24789/udp", False, id="the port by which a trunk carries its branches"),
        pytest.param(E, f"{A}:80", False, id="none leads nowhere"),
        pytest.param(A, f"{E}:80", False, id="nothing leads to none"),
        pytest.param(E, "127.0.0.1:80", True, id="none has a loopback"),
        pytest.param(f"{F}/side", f"{F}/web:80", True, id="containers of an awsvpc task share localhost"),
        pytest.param(f"{F}/side", "127.0.0.1:80", True, id="and its loopback address"),
        pytest.param(A, "10.1.1.10:80", False, id="another VPC"),
        pytest.param(A, "9" * 32 + ":80", False, id="a task in another VPC"),
        pytest.param(A, "10.0.1.99:80", False, id="an address nobody has"),
        pytest.param(A, "10.0.1.60:80", False, id="an interface attached to nothing"),
        pytest.param(A, "eni-free:80", False, id="the same by its id"),
        pytest.param("internet", f"{F}:80", False, id="a public address whose subnet has no way back"),
        pytest.param("internet", f"{A}:80", False, id="a task without a public address"),
        pytest.param("internet", "198.18.0.10:32768", False, id="a rule for the VPC's own addresses only"),
        pytest.param("internet", "10.0.1.10:32768", False, id="a private address from outside"),
        pytest.param("internet", "198.18.0.99:80", False, id="a public address of nothing"),
        pytest.param("i-1", "internet:443", True, id="out by a public address"),
        pytest.param(f"{B}/web", "internet:443", True, id="a container out by its instance's public address"),
        pytest.param("i-2", "internet:443", False, id="out without a public address"),
        pytest.param(F, "internet:443", False, id="out of a subnet without a route"),
        pytest.param(A, "169.254.170.2:80", True, id="credentials from a task"),
        pytest.param(f"{B}/web", "169.254.170.2:80", True, id="credentials from a bridge container"),
        pytest.param(A, "169.254.169.254:80", True, id="instance metadata"),
        pytest.param(F, "169.254.169.254:80", False, id="instance metadata from Fargate"),
        pytest.param(A, "169.254.169.254:81", False, id="metadata at another port"),
        pytest.param(A, "10.0.0.2:53/udp", True, id="the resolver"),
        pytest.param(A, "169.254.169.253:53", True, id="the resolver's other address"),
        pytest.param(A, "10.0.0.2:4566", True, id="the API inside a VPC"),
        pytest.param(A, "10.0.0.2:80", False, id="the resolver at another port"),
        pytest.param(A, "169.254.9.9:80", False, id="another link-local address"),
    ],
)
def test_what_passes(source: str, target: str, passes: bool) -> None:
    verdict = explain(source, target)
    assert verdict.passes is passes, verdict
    assert [hop.passes for hop in verdict.hops] == [True] * (len(verdict.hops) - 1) + [passes]
    assert verdict.reason


def test_an_instances_loopback_is_no_way_to_a_published_port() -> None:
    assert places(explain("i-1", "10.0.1.10:32768"))[-2:] == ["DNAT", "port"]
    assert places(explain("i-1", "127.0.0.1:32768")) == ["lo", "port"]


def test_the_rule_that_decides_is_named() -> None:
    assert explain(A, f"{F}:80").reason == "sg-web (web) lets it in at eni-f: tcp 80 from anywhere."
    assert explain(F, f"{D}:5432").reason == "sg-db (db) lets it in at eni-b: tcp 5432 from sg-web."


def test_the_missing_rule_is_named_with_what_comes_closest() -> None:
    assert explain("i-2", f"{D}:5432").reason == (
        "sg-db (db) has no rule for tcp 5432 from 10.0.1.20, in at eni-b. "
        "sg-db (db) allows tcp 5432 from sg-web, and 10.0.1.20 is not in it."
    )
    assert explain(A, f"{F}:81").reason == (
        "sg-web (web) has no rule for tcp 81 from 10.0.1.30, in at eni-f. sg-web (web) allows tcp 80 from anywhere only."
    )


def test_egress_is_asked_before_ingress() -> None:
    model = with_groups(web=((EVERYTHING,), ()))
    verdict = explain(A, f"{F}:80", model)
    assert not verdict.passes
    assert verdict.hops[-1].where == "egress groups"
    assert verdict.reason == "sg-web (web) has no rule for tcp 80 to 10.0.2.50, out at eni-3."


def test_egress_may_name_a_group() -> None:
    model = with_groups(web=((EVERYTHING,), (Rule(group="sg-db"),)))
    assert explain(A, f"{D}:80", model).hops[-1].where == "ingress groups"
    assert explain(A, f"{F}:80", model).hops[-1].where == "egress groups"


def test_an_interface_with_several_groups_may_do_what_any_of_them_allows() -> None:
    model = with_eni("eni-f", groups=("sg-shut", "sg-web"))
    assert explain(A, f"{F}:80", model).reason == "sg-web (web) lets it in at eni-f: tcp 80 from anywhere."
    assert explain(A, f"{F}:81", model).reason.startswith("sg-shut (shut) and sg-web (web) have no rule for tcp 81")


def test_a_packet_to_a_bridge_container_goes_by_dnat() -> None:
    verdict = explain("i-2", f"{B}:80")
    assert places(verdict) == [
        "published port",
        "eni-2",
        "egress groups",
        "route",
        "ingress groups",
        "eni-1",
        "DNAT",
        "port",
    ]
    assert "at 10.0.1.10:32768" in verdict.hops[0].what
    assert "to port 80 of web" in verdict.hops[-2].what
    assert verdict.hops[-1].what == "It has arrived; whether anybody listens on tcp 32768 is not judged."


def test_a_packet_from_a_bridge_container_is_masqueraded() -> None:
    verdict = explain(f"{B}/web", "10.0.1.20:31000")
    assert places(verdict)[:3] == ["docker0", "masquerade", "eni-1"]
    assert "from 10.0.1.10" in explain(f"{B}/web", f"{D}:5432").reason, "its groups are the instance's"


def test_a_branch_is_carried_by_its_trunk() -> None:
    assert "eni-b is carried by eni-t as VLAN 7." in [hop.what for hop in explain(F, f"{D}:5432").hops]
    assert places(explain(D, f"{F}:80"))[0] == "trunk"


def test_two_branches_of_one_trunk_still_meet_their_groups() -> None:
    second = replace(TOWN.enis["eni-b"], id="eni-c", address="10.0.1.42", groups=("sg-shut",), task="c0" * 16, vlan=8)
    model = replace(TOWN, enis={**TOWN.enis, "eni-c": second})
    assert not explain("eni-c", f"{D}:5432", model).passes
    assert not explain(D, "eni-c:80", model).passes


def test_the_internet_comes_in_where_gateway_route_and_rule_allow() -> None:
    model = with_eni("eni-f", subnet="subnet-a")
    assert explain("internet", f"{F}:80", model).passes
    assert explain("internet", "198.18.0.50:80", model).passes
    assert explain("internet", "10.0.2.50:80", model).reason.startswith("10.0.2.50 is the public address of nothing")
    detached = replace(model, gateways={})
    assert explain("internet", f"{F}:80", detached).reason == "vpc-1 has no internet gateway."


def test_a_rule_for_a_part_of_the_internet_is_not_one_for_all_of_it() -> None:
    model = replace(
        with_groups(web=((tcp(80, cidr="203.0.113.0/24"),), OUT)),
        enis=with_eni("eni-f", subnet="subnet-a").enis,
    )
    assert explain("203.0.113.9", f"{F}:80", model).passes
    refused = explain("internet", f"{F}:80", model)
    assert not refused.passes
    assert "203.0.113.0/24, which is only a part of where it may come from" in refused.reason


def test_a_public_address_is_reached_through_the_gateway_also_from_inside() -> None:
    model = with_eni("eni-f", subnet="subnet-a")
    verdict = explain("i-1", "198.18.0.50:80", model)
    assert verdict.passes
    assert places(verdict) == [
        "eni-1",
        "egress groups",
        "route",
        "internet gateway",
        "internet gateway",
        "ingress groups",
        "eni-f",
        "port",
    ]
    assert not explain("i-2", "198.18.0.50:80", model).passes, "it has no public address to go by"


def test_group_references_mean_private_addresses() -> None:
    model = replace(with_groups(web=((Rule(group="sg-host"),), OUT)), enis=with_eni("eni-f", subnet="subnet-a").enis)
    assert explain("i-1", "10.0.2.50:80", model).passes
    assert not explain("i-1", "198.18.0.50:80", model).passes


def test_a_black_hole_leads_nowhere() -> None:
    model = replace(TOWN, gateways={})
    assert "is a black hole: igw-1" in explain("i-1", "internet:443", model).reason


def test_who_is_not_there_neither_sends_nor_receives() -> None:
    stopped = with_instance("i-1", running=False, state="stopped")
    assert explain("i-2", "i-1:31000", stopped).reason == "i-1 is stopped."
    assert explain("i-1", "i-2:31000", stopped).reason == "i-1 is stopped."
    assert explain("i-2", "10.0.1.10:31000", stopped).reason == "i-1 is stopped."
    pending = with_task("f", running=False, status="PENDING")
    assert explain(A, f"{F}:80", pending).reason == f"The task {F} is PENDING."
    assert explain(A, "10.0.2.50:80", pending).reason == f"The task {F} is PENDING."


def test_ping_needs_a_rule_for_icmp() -> None:
    assert not explain(A, f"{F}/icmp").passes
    for rule in (Rule("icmp", -1, -1, "0.0.0.0/0"), Rule("icmp", 8, 0, "0.0.0.0/0"), Rule("icmp", 8, -1, "0.0.0.0/0")):
        assert explain(A, f"{F}/icmp", with_groups(web=((rule,), OUT))).passes
    for rule in (Rule("icmp", 0, 0, "0.0.0.0/0"), Rule("icmp", 8, 1, "0.0.0.0/0"), Rule("58", -1, -1, "0.0.0.0/0")):
        assert not explain(A, f"{F}/icmp", with_groups(web=((rule,), OUT))).passes


def test_a_rule_by_protocol_number_is_the_protocols() -> None:
    assert explain(A, f"{F}:53/udp", with_groups(web=((Rule("17", 53, 53, "10.0.0.0/8"),), OUT))).passes


def test_ipv6_rules_match_nothing() -> None:
    assert not explain(A, f"{F}:80", with_groups(web=((tcp(80, cidr="::/0"),), OUT))).passes


def test_the_host_is_said_to_share_its_namespace() -> None:
    hops = [hop.what for hop in explain("i-2", "i-1:31000").hops]
    assert any("for i-1 itself, or its 1 host-mode tasks" in what for what in hops)


def with_routes(*routes: Route) -> Model:
    table = replace(TOWN.tables["rtb-1"], routes=(Route("10.0.0.0/16", "local"), *routes))
    return replace(TOWN, tables={**TOWN.tables, "rtb-1": table})


def test_the_most_specific_route_counts() -> None:
    model = with_routes(Route("0.0.0.0/0", "igw-1"), Route("203.0.113.0/24", "igw-gone"))
    assert explain("i-1", "198.51.100.1:443", model).passes
    assert explain("i-1", "203.0.113.1:443", model).reason.endswith("203.0.113.0/24 is a black hole: igw-gone.")
    only = with_routes(Route("203.0.113.0/24", "igw-1"))
    assert explain("i-1", "203.0.113.1:443", only).passes
    assert explain("i-1", "198.51.100.1:443", only).reason.endswith("has no route to 198.51.100.1.")
    assert explain("i-1", "internet:443", only).reason.endswith("has no route to the internet.")


def test_a_route_to_a_gateway_that_is_elsewhere_leads_nowhere() -> None:
    assert not explain("i-1", "internet:443", with_routes(Route("0.0.0.0/0", "igw-1", active=False))).passes
    moved = replace(TOWN, gateways={"igw-1": Gateway("igw-1", "vpc-2")})
    assert not explain("i-1", "internet:443", moved).passes


def test_a_port_is_published_for_its_protocol_only() -> None:
    def dnat(target: str) -> bool:
        model = with_groups(host=((EVERYTHING,), OUT))
        return "DNAT" in places(explain("i-2", target, model))

    assert dnat("10.0.1.10:32768")
    assert not dnat("10.0.1.10:32768/udp")
    assert not explain("i-2", f"{B}/web:80/udp").passes
