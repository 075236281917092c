"""What is answered from zones, case by case."""

import dns.name
import dns.rcode
from tests.unit.node.naming.saying import VPC, ask, records, said, zone

from homeport.node.naming.zones import Names
from homeport.wire.messages import Alias, Drop, Vpc

WEB = [*zone("Z1", "example.com."), records("Z1", "www.example.com.", "A", "192.0.2.1", "192.0.2.2")]


def test_records_are_found_whatever_the_case_of_the_question():
    answer = ask(Names(WEB), "WWW.Example.COM")
    assert said(answer) == ["WWW.Example.COM. A 192.0.2.1", "WWW.Example.COM. A 192.0.2.2"]
    assert answer.answer[0].ttl == 60


def test_a_missing_type_is_no_data_and_a_missing_name_is_nxdomain_both_with_the_soa():
    for name, rcode in (("www.example.com", dns.rcode.NOERROR), ("ftp.example.com", dns.rcode.NXDOMAIN)):
        answer = ask(Names(WEB), name, "AAAA")
        assert (answer.rcode, answer.answer) == (rcode, [])
        assert answer.authority[0].name.to_text() == "example.com."
        assert answer.authority[0].ttl == 300  # the lesser of the SOA's own TTL and its minimum


def test_a_name_with_something_below_it_exists():
    names = Names([*WEB, records("Z1", "a.b.example.com.", "A", "192.0.2.3")])
    assert ask(names, "b.example.com").rcode == dns.rcode.NOERROR
    names.change((), [Drop(kind="RecordSet", id="Z1/a.b.example.com./A/")])
    assert ask(names, "b.example.com").rcode == dns.rcode.NXDOMAIN


def test_a_wildcard_answers_only_where_the_closest_name_is_its_parent():
    names = Names([*WEB, records("Z1", "\\052.example.com.".replace("\\052", "*"), "TXT", '"any"')])
    assert said(ask(names, "x.y.example.com", "TXT")) == ['x.y.example.com. TXT "any"']
    assert ask(names, "x.example.com", "A").rcode == dns.rcode.NOERROR
    assert said(ask(names, "www.example.com", "TXT")) == []  # the name exists
    assert ask(names, "x.www.example.com", "TXT").rcode == dns.rcode.NXDOMAIN


def test_cnames_are_followed_through_zones_and_then_left_to_others():
    names = Names(
        [
            *WEB,
            *zone("Z2", "example.net."),
            records("Z2", "a.example.net.", "CNAME", "www.example.com."),
            records("Z2", "out.example.net.", "CNAME", "elsewhere.test."),
            records("Z2", "gone.example.net.", "CNAME", "nobody.example.com."),
        ]
    )
    assert said(ask(names, "a.example.net"))[0] == "a.example.net. CNAME www.example.com."
    assert len(said(ask(names, "a.example.net"))) == 3
    assert said(ask(names, "a.example.net", "CNAME")) == ["a.example.net. CNAME www.example.com."]
    assert ask(names, "out.example.net").elsewhere == dns.name.from_text("elsewhere.test.")
    gone = ask(names, "gone.example.net")
    assert (gone.rcode, len(gone.answer)) == (dns.rcode.NXDOMAIN, 1)


def test_a_circle_of_cnames_ends():
    names = Names(
        [
            *zone("Z1", "example.com."),
            records("Z1", "a.example.com.", "CNAME", "b.example.com."),
            records("Z1", "b.example.com.", "CNAME", "a.example.com."),
        ]
    )
    assert ask(names, "a.example.com").rcode == dns.rcode.SERVFAIL


def test_a_delegated_name_is_referred_with_glue():
    names = Names(
        [
            *WEB,
            records("Z1", "sub.example.com.", "NS", "ns.sub.example.com."),
            records("Z1", "ns.sub.example.com.", "A", "192.0.2.53"),
            records("Z1", "sub.example.com.", "DS", "1 13 2 " + "ab" * 32),
        ]
    )
    answer = ask(names, "deep.sub.example.com")
    assert (answer.answer, answer.rcode) == ([], dns.rcode.NOERROR)
    assert answer.authority[0].to_text() == "sub.example.com. 60 IN NS ns.sub.example.com."
    assert answer.additional[0].to_text() == "ns.sub.example.com. 60 IN A 192.0.2.53"
    assert said(ask(names, "sub.example.com", "DS"))  # the parent's own
    assert ask(names, "sub.example.com", "A").answer == []


def test_any_is_everything_at_the_name():
    assert {line.split()[1] for line in said(ask(Names(WEB), "example.com", "ANY"))} == {"NS", "SOA"}


def test_a_private_zone_hides_public_ones_in_its_vpcs_only():
    names = Names(
        [
            *WEB,
            *zone("Z3", "deep.example.com."),
            records("Z3", "deep.example.com.", "A", "192.0.2.9"),
            *zone("Z2", "example.com.", "vpc-1"),
            records("Z2", "www.example.com.", "A", "10.0.0.9"),
        ]
    )
    other = Vpc(id="vpc-2", cidrs=("10.1.0.0/16",), dns="10.1.0.2", domain="ec2.internal")
    assert said(ask(names, "www.example.com")) == ["www.example.com. A 10.0.0.9"]
    assert ask(names, "deep.example.com").rcode == dns.rcode.NXDOMAIN
    for asker in (other, None):
        assert len(said(ask(names, "www.example.com", vpc=asker))) == 2
        assert said(ask(names, "deep.example.com", vpc=asker)) == ["deep.example.com. A 192.0.2.9"]


def test_the_most_specific_zone_answers_and_the_eldest_of_equals():
    names = Names(
        [
            *WEB,
            *zone("Z2", "sub.example.com."),
            *zone("Z0", "example.com.", created=5.0),
        ]
    )
    assert ask(names, "x.sub.example.com").authority[0].name.to_text() == "sub.example.com."
    assert said(ask(names, "www.example.com"))
    names.change((), [Drop(kind="Zone", id="Z1")])
    assert not said(ask(names, "www.example.com"))


def test_what_is_in_no_zone_is_for_others():
    assert ask(Names(WEB), "example.org").elsewhere == dns.name.from_text("example.org.")
    assert ask(Names(WEB), "com").elsewhere == dns.name.from_text("com.")


def test_a_vpcs_own_names_answer_beside_zones_unless_one_is_for_just_them():
    names = Names([*zone("Z1", "internal.", "vpc-1"), records("Z1", "web.internal.", "A", "10.0.0.8")])
    assert said(ask(names, "ip-10-0-0-5.ec2.internal")) == ["ip-10-0-0-5.ec2.internal. A 10.0.0.5"]
    assert said(ask(names, "web.internal")) == ["web.internal. A 10.0.0.8"]
    names.change(zone("Z2", "ec2.internal.", VPC.id), ())
    assert ask(names, "ip-10-0-0-5.ec2.internal").rcode == dns.rcode.NXDOMAIN


def test_an_alias_says_what_its_target_says_at_that_moment():
    alias = Alias(zone="LB", name="web-1.elb.test.")
    names = Names(
        [
            *zone("Z1", "example.com."),
            records("Z1", "example.com.", "A", alias=alias),
            *zone("LB", "elb.test."),
            records("LB", "web-1.elb.test.", "A", "192.0.2.1", ttl=20),
        ]
    )
    answer = ask(names, "example.com")
    assert said(answer) == ["example.com. A 192.0.2.1"]
    assert answer.answer[0].ttl == 20
    names.change([records("LB", "web-1.elb.test.", "A", "192.0.2.2")], ())
    assert said(ask(names, "example.com")) == ["example.com. A 192.0.2.2"]
    names.change((), [Drop(kind="RecordSet", id="LB/web-1.elb.test./A/")])
    gone = ask(names, "example.com")
    assert (gone.rcode, gone.answer, gone.authority[0].name.to_text()) == (dns.rcode.NOERROR, [], "example.com.")


def test_a_circle_of_aliases_says_nothing():
    names = Names(
        [
            *zone("Z1", "example.com."),
            records("Z1", "a.example.com.", "A", alias=Alias(zone="Z1", name="b.example.com.", evaluate_health=True)),
            records("Z1", "b.example.com.", "A", alias=Alias(zone="Z1", name="a.example.com.", evaluate_health=True)),
        ]
    )
    assert ask(names, "a.example.com").answer == []


def test_record_sets_may_come_before_their_zone_and_go_after_it():
    items = list(reversed(WEB))
    names = Names(items)
    assert said(ask(names, "www.example.com"))
    names.change((), [Drop(kind="Zone", id="Z1")])
    assert ask(names, "www.example.com").elsewhere is not None
    names.change((), [Drop(kind="RecordSet", id=item.id) for item in WEB[1:]])
    names.change(WEB, ())
    assert len(said(ask(names, "www.example.com"))) == 2


def test_what_cannot_be_read_says_nothing_and_harms_nobody():
    names = Names([*WEB, records("Z1", "bad.example.com.", "A", "not an address")])
    bad = ask(names, "bad.example.com")
    assert (bad.rcode, bad.answer, len(bad.authority)) == (dns.rcode.NOERROR, [], 1)
    assert said(ask(names, "www.example.com"))


def test_names_with_escapes_are_found():
    names = Names([*WEB, records("Z1", "a\\.b\\228.example.com.", "TXT", '"x"')])
    assert said(ask(names, "A\\.b\\228.example.com", "TXT")) == ['A\\.b\\228.example.com. TXT "x"']


def test_a_whole_assignment_changes_only_what_differs():
    names = Names(WEB)
    before = names.version
    names.replace([*WEB, VPC])
    assert names.version == before
    names.replace(WEB[:-1])
    assert said(ask(names, "www.example.com")) == []
    names.replace([*zone("Z2", "example.org."), WEB[-1]])
    assert ask(names, "www.example.com").elsewhere is not None
    assert said(ask(names, "example.org", "NS")) == ["example.org. NS ns-1.example."]


def test_the_version_changes_with_every_change_of_names():
    names = Names()
    seen = {names.version}
    names.change(WEB, ())
    seen.add(names.version)
    names.change([records("Z1", "www.example.com.", "A", "192.0.2.7")], ())
    seen.add(names.version)
    names.change((), [Drop(kind="Zone", id="Z1")])
    seen.add(names.version)
    assert len(seen) == 4
