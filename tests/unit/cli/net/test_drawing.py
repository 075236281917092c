"""The town, drawn: what a reader must find in it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar
from xml.etree import ElementTree as ET

from tests.unit.cli.net.town import TOWN, by_id

from homeport.cli.net.blocks import Dot, Line, Text, fitted, wrapped
from homeport.cli.net.layout import lay_out
from homeport.cli.net.model import Group, Model, Subnet, Vpc
from homeport.cli.net.svg import render

T = TypeVar("T")
SVG = "{http://www.w3.org/2000/svg}"


def words(model: Model = TOWN, vpc: str = "vpc-1") -> list[str]:
    return [mark.text for mark in lay_out(model, model.vpcs[vpc]).marks if isinstance(mark, Text)]


def test_the_town_is_all_there() -> None:
    found = words()
    for line in (
        "vpc-1 main · 10.0.0.0/16",
        "internet gateway igw-1",
        "10.0.1.0/24 · us-east-1a",
        "0.0.0.0/0 by igw-1",
        "10.0.2.0/24 · us-east-1b",
        "no way out",
        "i-1 · c5.large",
        "3 of 3 network interfaces, 1 of 10 branches",
        "eth0 · 10.0.1.10",
        "eni-1 · public 198.18.0.10",
        "docker0 · 172.17.0.1/16",
        "32768 → 80/tcp, 33000-33002 → 9000-9002/tcp",
        "VLAN 7 · 10.0.1.41",
        "f:1 · ffffffff · on Fargate",
        "none: a loopback only",
        "unattached · 10.0.1.60",
        "sg-db (db)",
        "in: tcp 5432 from sg-web",
    ):
        assert line in found


def test_only_one_vpc_is_drawn() -> None:
    assert not any("10.1." in line for line in words())
    assert "eth1 · 10.1.1.10" in words(vpc="vpc-2")


def test_each_interface_on_the_vpc_has_a_wire_and_a_branch_has_none() -> None:
    drawing = lay_out(TOWN, TOWN.vpcs["vpc-1"])
    kinds = [mark.kind for mark in drawing.marks if isinstance(mark, Line)]
    assert kinds.count("wire") == 5, "eth0 of two instances, the trunk, a task's own on EC2 and on Fargate"
    assert kinds.count("trunk") == 2, "the bar and one branch"
    assert kinds.count("docker") == 3, "the bar and two containers"


def test_a_group_has_one_number_wherever_it_is() -> None:
    drawing = lay_out(TOWN, TOWN.vpcs["vpc-1"])
    numbers = [mark.number for mark in drawing.marks if isinstance(mark, Dot)]
    assert sorted(set(numbers)) == [1, 2, 3, 4]
    assert numbers.count(4) == 4, "sg-web at three interfaces and in the legend"


def test_a_drawing_is_a_document_with_title_and_description() -> None:
    root = ET.fromstring(render(lay_out(TOWN, TOWN.vpcs["vpc-1"])))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title description"
    assert root.findtext(f"{SVG}title") == "vpc-1 main · 10.0.0.0/16"
    assert root.findtext(f"{SVG}desc") == (
        "2 instances, 7 network interfaces, 6 tasks (3 awsvpc, 1 bridge, 1 host, 1 none)."
    )


def test_names_cannot_break_the_document() -> None:
    hostile = '<script>&"'
    model = replace(TOWN, groups={**TOWN.groups, "sg-web": Group("sg-web", "vpc-1", hostile)})
    root = ET.fromstring(render(lay_out(model, TOWN.vpcs["vpc-1"])))
    assert f"sg-web ({hostile})" in [text.text for text in root.iter(f"{SVG}text")]
    assert not list(root.iter(f"{SVG}script"))


def test_an_empty_vpc_can_be_drawn() -> None:
    model = Model(
        vpcs=by_id(Vpc("vpc-1", "10.0.0.0/16")), subnets=by_id(Subnet("subnet-1", "vpc-1", "10.0.0.0/24", "a"))
    )
    assert "nothing in it" in words(model)
    assert words(replace(model, subnets={})) == ["vpc-1 · 10.0.0.0/16"]


def backwards(items: Mapping[str, T]) -> dict[str, T]:
    return {id_: items[id_] for id_ in reversed(list(items))}


def test_order_does_not_depend_on_the_order_of_answers() -> None:
    turned = replace(
        TOWN,
        enis=backwards(TOWN.enis),
        tasks=backwards(TOWN.tasks),
        subnets=backwards(TOWN.subnets),
        instances=backwards(TOWN.instances),
        groups=backwards(TOWN.groups),
    )
    assert render(lay_out(turned, TOWN.vpcs["vpc-1"])) == render(lay_out(TOWN, TOWN.vpcs["vpc-1"]))


def test_long_text_is_cut_and_many_words_are_wrapped() -> None:
    assert fitted("abcdef", "body", 4 * 11 * 0.603) == "abc…"
    assert fitted("abcd", "body", 4 * 11 * 0.603) == "abcd"
    assert wrapped(["one", "two", "three"], "body", 9 * 11 * 0.603) == ["one, two,", "three"]
