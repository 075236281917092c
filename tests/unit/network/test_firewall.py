"""Security groups as sets and chains, and as text."""

import pytest
from hypothesis import given
from tests.unit.network.world import change, networks

from homeport.network import firewall, naming, ruleset
from homeport.network.desired import Group, Interface, Network, Rule, Vpc
from homeport.network.firewall import Allow, Filter

EVERYWHERE = "0.0.0.0/0"


def filter_of(network: Network, vpc: str, previous: Filter | None = None) -> Filter:
    groups = {id_: group for id_, group in network.groups.items() if group.vpc == vpc}
    interfaces = {id_: each for id_, each in network.interfaces.items() if each.vpc == vpc}
    carried = {id_: naming.identifier(1, each.vlan) for id_, each in interfaces.items() if each.trunk}
    return firewall.make_filter(groups, interfaces, True, previous, carried)


def unambiguous(network: Network) -> Network:
    """Leave one interface for each address: what shares one is refused before it comes to a filter."""
    by_address = {(each.vpc, each.address): each for each in network.interfaces.values()}
    return Network(network.vpcs, network.groups, {each.id: each for each in by_address.values()})


@pytest.mark.slow
@given(networks(), networks())
def test_changes_lead_from_one_table_to_the_other(before: Network, after: Network) -> None:
    for vpc in ("vpc-1", "vpc-2"):
        old = filter_of(unambiguous(before), vpc)
        new = filter_of(unambiguous(after), vpc, old)
        table = firewall.contents(old)
        change(table, firewall.changes(old, new))
        assert table == firewall.contents(new)
        assert firewall.changes(new, new).empty()


@pytest.mark.slow
@given(networks())
def test_every_jump_leads_somewhere_and_every_way_ends(network: Network) -> None:
    whole = firewall.contents(filter_of(unambiguous(network), "vpc-1"))
    for name, statements in whole.chains.items():
        for statement in statements:
            if isinstance(statement, firewall.Jump):
                assert statement.chain in whole.chains
            if isinstance(statement, Allow) and statement.members:
                assert statement.members in whole.members
        assert not name.startswith("combination-") or statements[-1] == firewall.Drop()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule("", cidr=EVERYWHERE), "accept"),
        (Rule("-1", cidr="10.0.0.0/8"), "ip saddr 10.0.0.0/8 accept"),
        (Rule("tcp", 80, 80, cidr=EVERYWHERE), "tcp dport 80 accept"),
        (Rule("tcp", 0, 65535, cidr=EVERYWHERE), "meta l4proto 6 accept"),
        (Rule("tcp", -1, -1, cidr=EVERYWHERE), "meta l4proto 6 accept"),
        (Rule("udp", 1000, 2000, group="sg-1"), "ip saddr @members-sg-1 udp dport 1000-2000 accept"),
        (Rule("17", 53, 53, cidr="10.0.0.7/8"), "ip saddr 10.0.0.0/8 udp dport 53 accept"),
        (Rule("icmp", -1, -1, cidr=EVERYWHERE), "meta l4proto 1 accept"),
        (Rule("icmp", 8, -1, cidr=EVERYWHERE), "icmp type 8 accept"),
        (Rule("icmp", 3, 4, cidr=EVERYWHERE), "icmp type 3 icmp code 4 accept"),
        (Rule("50", 7, 9, cidr=EVERYWHERE), "meta l4proto 50 accept"),
    ],
)
def test_a_rule_in_nfts_words(rule: Rule, text: str) -> None:
    group = Group("sg-0", "vpc-1", ingress=(rule,))
    interface = Interface("eni-1", "vpc-1", "10.0.1.0/24", "02:00:00:00:00:01", "10.0.1.11", groups=("sg-0",))
    whole = firewall.contents(firewall.make_filter({"sg-0": group}, {"eni-1": interface}, False, None))
    assert [ruleset.render_rule(each) for each in whole.chains["group-sg-0-in"]] == [text]


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (Rule("quic", 1, 2, cidr=EVERYWHERE), "'quic' is not a protocol"),
        (Rule("256", cidr=EVERYWHERE), "'256' is not a protocol"),
        (Rule("tcp", 80, 80), "a rule names either a network or a group"),
        (Rule("tcp", 80, 80, cidr=EVERYWHERE, group="sg-1"), "a rule names either a network or a group"),
        (Rule("tcp", 80, 79, cidr=EVERYWHERE), "80-79 is not a range"),
        (Rule("tcp", 80, 65536, cidr=EVERYWHERE), "80-65536 is not a range"),
        (Rule("icmp", 256, -1, cidr=EVERYWHERE), "256--1 is not a range"),
        (Rule("tcp", 80, 80, cidr="10.0.0.0/33"), "'10.0.0.0/33' is not a network"),
        (Rule("tcp", 80, 80, group="sg-1; drop"), "'sg-1; drop' cannot name a security group"),
    ],
)
def test_a_rule_that_cannot_be_enforced_allows_nothing_and_is_named(rule: Rule, fault: str) -> None:
    assert firewall.rule_fault(rule) == fault
    whole = firewall.contents(firewall.make_filter({"sg-0": Group("sg-0", "vpc-1", (rule,))}, {}, False, None))
    assert whole.chains["group-sg-0-in"] == ()


def test_rules_of_ipv6_match_nothing_and_are_no_fault() -> None:
    rules = Rule("tcp", 80, 80, cidr="::/0"), Rule("icmpv6", -1, -1, cidr="::/0")
    assert [firewall.rule_fault(rule) for rule in rules] == ["", ""]
    whole = firewall.contents(firewall.make_filter({"sg-0": Group("sg-0", "vpc-1", rules)}, {}, False, None))
    assert whole.chains["group-sg-0-in"] == ()


def test_a_combination_keeps_its_number_and_never_shares_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "combination", lambda groups: 7)

    def interfaces(*lists: tuple[str, ...]) -> dict[str, Interface]:
        return {
            f"eni-{number}": Interface(
                f"eni-{number}", "vpc-1", "10.0.1.0/24", "02:00:00:00:00:01", "10.0.1.9", groups=each
            )
            for number, each in enumerate(lists)
        }

    first = firewall.make_filter({}, interfaces(("sg-b",)), False, None)
    second = firewall.make_filter({}, interfaces(("sg-a",), ("sg-b",), ("sg-b", "sg-a")), False, first)
    assert second.numbers[("sg-b",)] == first.numbers[("sg-b",)] == 7
    assert len(set(second.numbers.values())) == 3


def test_the_router_takes_no_inside_source_from_outside() -> None:
    vpc = Vpc("vpc-1", ("10.0.0.0/16", "10.1.0.0/16"), "10.0.0.2", internet_gateway=True)
    text = ruleset.render_vpc(vpc, firewall.contents(firewall.make_filter({}, {}, True, None)))
    assert 'iifname "igw0" ip saddr != 10.0.0.0/16 ip saddr != 10.1.0.0/16 accept' in text
    without = ruleset.render_vpc(
        Vpc("vpc-1", ("10.0.0.0/16",), ""), firewall.contents(firewall.make_filter({}, {}, True, None))
    )
    assert 'iifname "igw0" ip saddr' not in without
    assert "4566" not in without
