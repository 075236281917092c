"""Drawings of all kinds of networks: nothing lies on anything else, nothing sticks out, nothing is forgotten."""

from itertools import combinations
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from tests.property.cli.networks import models

from homeport.cli.net.blocks import SIZES, Box, Dot, Text
from homeport.cli.net.layout import Drawing, lay_out
from homeport.cli.net.model import Mode, Model
from homeport.cli.net.svg import render


def sides(mark: Box | Text | Dot) -> tuple[float, float, float, float]:
    match mark:
        case Box(x, y, width, height, _):
            return x, y, x + width, y + height
        case Text(x, y, _, kind):
            return x, y - 0.8 * SIZES[kind], x + mark.width, y + 0.25 * SIZES[kind]
        case Dot(x, y, _):
            return x - 8, y - 8, x + 8, y + 8


def apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def inside(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return other[0] <= one[0] and other[1] <= one[1] and one[2] <= other[2] and one[3] <= other[3]


def check(drawing: Drawing) -> None:
    boxes = [mark for mark in drawing.marks if isinstance(mark, Box)]
    words = [mark for mark in drawing.marks if isinstance(mark, Text | Dot)]
    paper = (0, 0, drawing.width, drawing.height)
    assert all(inside(sides(mark), paper) for mark in (*boxes, *words))
    for one, other in combinations(map(sides, boxes), 2):
        assert apart(one, other) or inside(one, other) or inside(other, one)
    for word, another in combinations(words, 2):
        assert apart(sides(word), sides(another)), (word, another)
    for word in words:
        for box in boxes:
            assert apart(sides(word), sides(box)) or inside(sides(word), sides(box)), (word, box)


@given(models())
@settings(max_examples=40, deadline=None)
def test_nothing_overlaps_and_everything_is_there(model: Model) -> None:
    for vpc in model.vpcs.values():
        drawing = lay_out(model, vpc)
        check(drawing)
        assert drawing == lay_out(model, vpc), "the same model gives the same drawing"
        text = "\n".join(mark.text for mark in drawing.marks if isinstance(mark, Text))
        for eni in model.enis.values():
            assert (eni.id in text) == (eni.vpc == vpc.id)
        if vpc.id == "vpc-1":
            assert all(instance in text for instance in model.instances)
            assert all(task.id[:8] in text for task in model.tasks.values() if task.mode is not Mode.AWSVPC)
        ET.fromstring(render(drawing))
