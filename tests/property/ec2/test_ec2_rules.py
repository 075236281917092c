"""Splitting permissions into rules and showing them again loses and invents nothing."""

from hypothesis import given
from hypothesis import strategies as st

from homeport.aws.errors import AwsError
from homeport.kit.ids import CountingIds
from homeport.services.ec2 import rules
from homeport.services.ec2.model import SecurityGroup
from homeport.services.ec2.views import permissions_view

ACCOUNT = "123456789012"
GROUP = SecurityGroup("sg-1", "us-east-1", "vpc-1", "web", "web")

cidrs = st.builds("10.{}.0.0/16".format, st.integers(0, 255))
cidrs6 = st.builds("fd{:02x}::/16".format, st.integers(0, 255))
groups = st.builds("sg-{:08x}".format, st.integers(0, 50))
descriptions = st.sampled_from(["", "web", "all of them"])


def sourced(member, values):
    return st.lists(
        st.builds(lambda v, d: {member: v} | ({"Description": d} if d else {}), values, descriptions), max_size=3
    )


ports = st.integers(0, 65535)
permissions = st.builds(
    lambda protocol, pair, v4, v6, g: {
        "IpProtocol": protocol,
        "FromPort": min(pair),
        "ToPort": max(pair),
        "IpRanges": v4,
        "Ipv6Ranges": v6,
        "UserIdGroupPairs": g,
    },
    st.sampled_from(["tcp", "udp", "6", "-1", "50"]),
    st.tuples(ports, ports),
    sourced("CidrIp", cidrs),
    sourced("CidrIpv6", cidrs6),
    sourced("GroupId", groups),
)


def attempt(work, *arguments):
    """Return what *work* answers, or the error it raises for the caller."""
    try:
        return work(*arguments)
    except AwsError as error:
        return error


@given(st.lists(permissions, min_size=1, max_size=4))
def test_what_is_shown_means_what_was_asked(asked):
    specs = attempt(rules.split_permissions, asked, ACCOUNT)
    if isinstance(specs, AwsError):
        assert specs.code in {"MissingParameter", "InvalidParameterValue"}
        return
    assert len(specs) == sum(len(p["IpRanges"] + p["Ipv6Ranges"] + p["UserIdGroupPairs"]) for p in asked)
    shown = permissions_view(specs, ACCOUNT)
    assert set(rules.split_permissions(shown, ACCOUNT)) == set(specs)
    assert len({(p["IpProtocol"], p.get("FromPort"), p.get("ToPort")) for p in shown}) == len(shown)


@given(st.lists(permissions, min_size=1, max_size=4), st.booleans())
def test_what_was_authorized_can_be_revoked(asked, egress):
    specs = attempt(rules.split_permissions, asked, ACCOUNT)
    if isinstance(specs, AwsError):
        return
    added = rules.plan_authorize(GROUP, egress, specs, CountingIds())
    assert len({rule.id for rule in added}) == len(specs)
    full = SecurityGroup(GROUP.id, GROUP.region, GROUP.vpc, GROUP.name, GROUP.description, tuple(added))
    assert rules.plan_revoke(full, egress, specs) == (added, [])
    assert rules.plan_revoke(full, not egress, specs) == ([], specs)


@given(st.text(max_size=20))
def test_any_text_is_a_source_or_refused(text):
    source = attempt(rules.parse_source, text)
    if isinstance(source, AwsError):
        assert source.message == f"CIDR block {text} is malformed"
    else:
        assert rules.parse_source(source) == source


@given(st.text(max_size=6))
def test_any_text_is_a_protocol_or_refused(text):
    protocol = attempt(rules.parse_protocol, text)
    if isinstance(protocol, AwsError):
        assert protocol.code in {"InvalidParameterValue", "MissingParameter"}
    else:
        assert rules.parse_protocol(protocol) == protocol
