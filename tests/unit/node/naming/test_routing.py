"""Which record sets answer, by each policy and the health of those that could."""

from collections import Counter
from typing import Any

import pytest
from tests.unit.node.naming.saying import VPC, ask, records, said, zone

from homeport.node.naming.places import place_of, region_of_domain
from homeport.node.naming.zones import Names
from homeport.wire.messages import Alias, Geography, RecordSet, Vpc

WWW = "www.example.com."


def vpc_in(region: str) -> Vpc:
    return Vpc(id="vpc-1", cidrs=("10.0.0.0/16",), dns="10.0.0.2", domain=f"{region}.compute.internal")


def one(identifier: str, number: int, **more: Any) -> RecordSet:
    return records("Z1", WWW, "A", f"192.0.2.{number}", set_identifier=identifier, **more)


def names(*sets: RecordSet, unhealthy: tuple[str, ...] = ()) -> Names:
    made = Names([*zone("Z1", "example.com."), *sets])
    made.set_health(dict.fromkeys(unhealthy, False))
    return made


def addresses(made: Names, *, vpc: Vpc | None = VPC, seed: int = 0) -> set[str]:
    return {line.split()[-1].rpartition(".")[2] for line in said(ask(made, WWW, vpc=vpc, seed=seed))}


def shares(made: Names, rounds: int = 2000) -> Counter[str]:
    return Counter(next(iter(addresses(made, seed=seed))) for seed in range(rounds))


def test_each_weighted_set_answers_as_often_as_its_weight_says():
    counted = shares(names(one("a", 1, weight=3), one("b", 2, weight=1), one("c", 3, weight=0)))
    assert counted["3"] == 0
    assert 0.65 < counted["1"] / 2000 < 0.85


def test_sets_of_no_weight_share_alike():
    counted = shares(names(one("a", 1, weight=0), one("b", 2, weight=0)))
    assert 0.4 < counted["1"] / 2000 < 0.6


def test_an_unhealthy_weighted_set_is_left_out_and_one_of_no_weight_steps_in():
    sets = [one("a", 1, weight=9, health_check="h1"), one("b", 2, weight=1), one("c", 3, weight=0, health_check="h3")]
    assert set(shares(names(*sets, unhealthy=("h1",)), 200)) == {"2"}
    only = [sets[0], sets[2]]
    assert set(shares(names(*only, unhealthy=("h1",)), 200)) == {"3"}
    assert set(shares(names(*only, unhealthy=("h1", "h3")), 200)) == {"1"}


@pytest.mark.parametrize(("unhealthy", "expected"), [((), "1"), (("h1",), "2"), (("h1", "h2"), "1"), (("h2",), "1")])
def test_the_secondary_answers_only_when_it_alone_can(unhealthy: tuple[str, ...], expected: str):
    sets = [one("a", 2, failover="SECONDARY", health_check="h2"), one("b", 1, failover="PRIMARY", health_check="h1")]
    assert addresses(names(*sets, unhealthy=unhealthy)) == {expected}


def test_multivalue_sets_answer_together_up_to_eight_and_without_the_unhealthy():
    sets = [one(f"s{number}", number, multivalue=True, health_check=f"h{number}") for number in range(1, 13)]
    assert len(addresses(names(*sets))) == 8
    assert addresses(names(*sets[:3], unhealthy=("h2",))) == {"1", "3"}
    assert addresses(names(*sets[:3], unhealthy=("h1", "h2", "h3"))) == {"1", "2", "3"}


def test_each_multivalue_set_comes_first_now_and_then():
    made = names(*[one(f"s{number}", number, multivalue=True) for number in range(1, 4)])
    assert {ask(made, WWW, seed=seed).answer[0][0].to_text() for seed in range(50)} == {
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
    }


def test_latency_is_distance_from_the_region_that_asks():
    sets = [one("a", 1, region="us-east-1"), one("b", 2, region="eu-west-1"), one("c", 3, region="ap-northeast-1")]
    made = names(*sets)
    for region, expected in (("us-west-2", "1"), ("eu-north-1", "2"), ("ap-southeast-1", "3"), ("eu-west-1", "2")):
        assert addresses(made, vpc=vpc_in(region)) == {expected}
    sick = names(one("a", 1, region="eu-west-1", health_check="h"), sets[0], unhealthy=("h",))
    assert len(addresses(sick, vpc=vpc_in("eu-west-2"))) == 1


def test_geolocation_answers_for_the_smallest_area_around_who_asks():
    places = [
        Geography(country="US", subdivision="CA"),
        Geography(country="US"),
        Geography(continent="EU"),
        Geography(country="*"),
    ]
    sets = [one(f"s{number}", number, geography=place) for number, place in enumerate(places, 1)]
    made = names(*sets)
    for region, expected in (("us-west-1", "1"), ("us-east-2", "2"), ("eu-west-3", "3"), ("sa-east-1", "4")):
        assert addresses(made, vpc=vpc_in(region)) == {expected}
    assert addresses(names(*sets[:3]), vpc=vpc_in("sa-east-1")) == set()


def test_geolocation_falls_back_to_a_larger_area_when_the_smaller_is_unhealthy():
    sets = [
        one("a", 1, geography=Geography(country="US"), health_check="h"),
        one("b", 2, geography=Geography(country="*")),
    ]
    assert addresses(names(*sets, unhealthy=("h",))) == {"2"}


def test_an_alias_that_asks_for_it_is_as_healthy_as_its_target():
    target = records("Z1", "t.example.com.", "A", "192.0.2.1", set_identifier="t", weight=1, health_check="h")
    alias = Alias(zone="Z1", name="t.example.com.", evaluate_health=True)
    primary = records("Z1", WWW, "A", alias=alias, set_identifier="a", failover="PRIMARY")
    secondary = one("b", 2, failover="SECONDARY")
    assert addresses(names(target, primary, secondary)) == {"1"}
    assert addresses(names(target, primary, secondary, unhealthy=("h",))) == {"2"}


def test_a_region_is_known_by_its_vpcs_names():
    assert region_of_domain("ec2.internal") == "us-east-1"
    assert region_of_domain("eu-west-1.compute.internal") == "eu-west-1"
    assert place_of("eu-west-1").country == "IE"
    assert place_of("nowhere-1") == place_of("us-east-1")
