"""Java's patterns as Python reads them, and checks that stay cheap."""

from time import process_time

import pytest

from homeport.aws.model import load_model
from homeport.aws.validate import compile_check, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("[a-z]+", "abc", "abc\n"),
        ("[a-z]+", "abc", "xabc1"),
        ("^[a-z]+$", "abc", "abc\n"),
        ("^aws", "aws-anything", "my-aws"),
        (r"[\w+=,.@-]+", "a_b+c", "é"),  # Java's \w is ASCII
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$", "Größe 1:a", "<"),
        (r"\p{Alnum}+", "aZ9", "a-"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a 😀\n", "\x00"),
        (r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*", "team/web-app_1", "a..b"),
    ],
)
def test_a_pattern_means_what_it_means_in_java(pattern: str, good: str, bad: str) -> None:
    matches = compile_pattern(pattern)
    assert matches is not None
    assert matches(good)
    assert not matches(bad)


@pytest.mark.parametrize("pattern", [r"[a-z&&[^m]]", r"[\p{M}]", r"(?<name>a)", r"[\w-_]*", r"[z-a]"])
def test_what_python_cannot_express_is_given_up(pattern: str) -> None:
    assert compile_pattern(pattern) is None


def test_nested_repetition_is_not_tried_on_long_values() -> None:
    matches = compile_pattern("(a+)+")
    assert matches is not None
    started = process_time()
    assert matches("a" * 100_000 + "!")
    assert process_time() - started < 10  # tried, it would take longer than the sun has


def test_a_shape_that_contains_itself_is_checked_to_the_bottom() -> None:
    shape = load_model("wafv2").get_operation("CheckCapacity").input
    assert shape is not None
    check = compile_check(shape)
    assert check is not None
    deep = {
        "NotStatement": {"Statement": {"NotStatement": {"Statement": {"GeoMatchStatement": {"CountryCodes": ["XX"]}}}}}
    }
    rule = {"Name": "r", "Priority": 1, "Statement": deep, "VisibilityConfig": {}}
    violations = check({"Scope": "REGIONAL", "Rules": [rule]})
    assert violations is not None
    assert any(violation.path[-2:] == ("CountryCodes", "1") and violation.kind == "enum" for violation in violations)


def test_a_shape_without_constraints_costs_nothing() -> None:
    shape = load_model("ecs").get_operation("ListClusters").input
    assert shape is not None
    assert compile_check(shape) is None


def test_ten_thousand_wrong_items_make_a_short_list() -> None:
    shape = load_model("ecs").get_operation("DescribeClusters").input
    assert shape is not None
    check = compile_check(shape)
    assert check is not None
    violations = check({"include": ["NOTHING"] * 10_000})
    assert violations is not None
    assert len(violations) < 20
