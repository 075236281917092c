"""The cluster query language: what expressions pick, why they do not, and what is wrong with others."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.services.ecs.placement.world import REGISTERED_AT, instance

from homeport.services.ecs.placement.instance import Instance
from homeport.services.ecs.placement.query import InvalidExpression, parse_expression

ONE = instance(
    ec2_instance_id="i-abcd1234",
    agent_version="1.14.5",
    registered_at=REGISTERED_AT,
    running_tasks=1,
    tasks={"service:production": 2, "family:batch": 1, "gone": 0},
    attributes={"stack": "prod", "rank": "9", "motto": "in a box"},
)
BARE = Instance("bare", ONE.room)

HOLDS = {
    # As the developer guide has them.
    "attribute:ecs.instance-type == c5.large": True,
    "attribute:ecs.instance-type == t2.small": False,
    "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]": True,
    "attribute:ecs.availability-zone in [us-east-1c]": False,
    "attribute:ecs.instance-type =~ c5.* and attribute:ecs.availability-zone != us-east-1d": True,
    "attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d": False,
    "task:group == service:production": True,
    "not(task:group == database)": True,
    "not(task:group == service:production)": False,
    "runningTasksCount == 1": True,
    "agentVersion < 1.14.5": False,
    "registeredAt < 2018-02-13": False,
    "ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']": True,
    # Every operator, by sign and by word.
    "attribute:stack equals prod": True,
    "attribute:stack not_equals prod": False,
    "attribute:stack exists": True,
    "attribute:stack !exists": False,
    "attribute:stack not_exists": False,
    "attribute:nothing exists": False,
    "attribute:nothing ! exists": True,
    "attribute:stack !in [test, prod]": False,
    "attribute:stack not_in [test]": True,
    "attribute:stack matches p..d": True,
    "attribute:stack not_matches p.": True,
    "attribute:stack !~ p.*": False,
    "runningTasksCount > 0": True,
    "runningTasksCount greater_than 1": False,
    "runningTasksCount >= 1": True,
    "runningTasksCount greater_than_equal 2": False,
    "runningTasksCount < 10": True,
    "runningTasksCount less_than 1": False,
    "runningTasksCount <= 1": True,
    "runningTasksCount less_than_equal 0": False,
    # Subjects have scales of their own.
    "agentVersion > 1.9.0": True,
    "agentVersion == 1.14.5.0": True,
    "agentVersion >= 1.100": False,
    "attribute:rank < 10": True,
    "attribute:rank == 9.0": False,
    "attribute:stack > 10": True,
    "registeredAt == 2018-06-18T22:28:28Z": True,
    "registeredAt == 2018-06-18T22:28:28": True,
    "registeredAt == 2018-06-18T22:28:28+00:00": True,
    "registeredAt == 2018-06-19T00:28:28+02:00": True,
    "registeredAt > 2018-06-18": True,
    "agentConnected == true": True,
    "agentConnected in [false]": False,
    "agentConnected =~ t.*": True,
    # Several groups run there; an instance has a group or has not.
    "task:group == family:batch": True,
    "task:group == gone": False,
    "task:group != database": True,
    "task:group != family:batch": False,
    "task:group =~ service:.*": True,
    "task:group !~ family:.*": False,
    # Nothing to compare: what denies holds.
    "attribute:nothing == x": False,
    "attribute:nothing != x": True,
    "attribute:nothing > 0": False,
    # A name without a value.
    "attribute:ecs.capability.task-eni exists": True,
    "attribute:ecs.capability.task-eni == ''": True,
    # Signs, words, spaces and quotes.
    "attribute:stack==prod&&runningTasksCount<2": True,
    'attribute:motto == "in a box"': True,
    "attribute:stack =~ '(prod|test)'": True,
    "attribute:stack in ['prod',\"test\"]": True,
    "  ! attribute:stack == test  ": True,
    "!(attribute:stack == prod)": False,
    "not not attribute:stack == prod": True,
    "(attribute:stack =~ t.* or attribute:stack =~ p.*)": True,
    # Not binds before and, and before or.
    "attribute:stack == prod or attribute:stack == x and attribute:stack == y": True,
    "(attribute:stack == prod || attribute:stack == x) && attribute:stack == y": False,
    "not attribute:stack == prod or attribute:stack == prod": True,
}


@pytest.mark.parametrize("text", HOLDS)
def test_an_expression_picks(text: str) -> None:
    expression = parse_expression(text)
    assert expression.matches(ONE) is HOLDS[text]
    assert (expression.explain(ONE) == "") is HOLDS[text]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("attribute:ecs.instance-type == t2.small", "attribute:ecs.instance-type is c5.large"),
        ("attribute:stack == prod and runningTasksCount > 2", "runningTasksCount is 1"),
        ("attribute:gpu exists or attribute:rank == 1", "there is no attribute:gpu and attribute:rank is 9"),
        ("not(task:group == family:batch)", "task:group is family:batch, service:production"),
        ("!(attribute:rank == 9 or attribute:stack == test)", "attribute:rank is 9"),
        ("attribute:rank == 1 or attribute:rank == 2", "attribute:rank is 9"),
        ("attribute:ecs.capability.task-eni == yes", "attribute:ecs.capability.task-eni has no value"),
        ("agentConnected == false", "agentConnected is true"),
        ("registeredAt > 2019-01-01", "registeredAt is 2018-06-18T22:28:28Z"),
    ],
)
def test_a_mismatch_is_explained_by_what_decides_it(text: str, why: str) -> None:
    assert parse_expression(text).explain(ONE) == f"{why}, but {text} is required"


def test_an_instance_that_says_little_can_be_judged() -> None:
    assert not parse_expression("agentVersion >= 1.0").matches(BARE)
    assert not parse_expression("agentVersion >= 1.0").matches(instance(agent_version="dirty"))
    assert parse_expression("ec2InstanceId != i-1").matches(BARE)
    assert parse_expression("task:group !exists").matches(BARE)


REFUSED = {
    "": ("expected a subject", 1),
    "x": ("unknown subject 'x'", 1),
    "attribute: == x": ("unknown subject 'attribute:'", 1),
    "attribute:stack": ("expected an operator", 16),
    "attribute:stack = prod": ("expected an operator", 17),
    "attribute:stack ! prod": ("expected an operator", 17),
    "attribute:stack ==": ("expected an argument", 19),
    "attribute:stack == 'prod": ("a quotation is not closed", 20),
    "attribute:stack == prod x": ("expected 'and', 'or' or the end", 25),
    "attribute:stack == prod and": ("expected a subject", 28),
    "attribute:stack in prod": ("expected '['", 20),
    "attribute:stack in [prod": ("expected ',' or ']'", 25),
    "attribute:stack in []": ("expected an argument", 21),
    "(attribute:stack == prod": ("expected ')'", 25),
    "attribute:stack == prod)": ("expected 'and', 'or' or the end", 24),
    "attribute:stack =~ (a|b)": ("expected a pattern, in quotes if it has parentheses", 20),
    "attribute:stack =~ '(a|b'": ("missing ): (a|b,", 21),
    "attribute:stack =~ a**": ("bad repetition operator: **,", 20),
    "agentVersion == soon": ("'soon' is not a value of agentVersion", 17),
    "runningTasksCount > -1": ("'-1' is not a value of runningTasksCount", 21),
    "registeredAt > yesterday": ("'yesterday' is not a value of registeredAt", 16),
    "registeredAt > 2018-02-30": ("'2018-02-30' is not a value of registeredAt", 16),
    "runningTasksCount in [1]": ("in cannot be used with runningTasksCount", 19),
    "agentConnected exists": ("exists cannot be used with agentConnected", 16),
    "agentVersion =~ 1.*": ("=~ cannot be used with agentVersion", 14),
    "not " + "! " * 40 + "agentConnected == true": ("nested too deeply", 83),
    "(" * 41: ("nested too deeply", 41),
    "attribute:stack == " + "x" * 2000: ("an expression has at most 2000 characters; it ends", 2000),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_understood_is_refused_where_it_goes_wrong(text: str) -> None:
    problem, position = REFUSED[text]
    with pytest.raises(InvalidExpression, match=re.escape(f"{problem} at position {position}")) as refusal:
        parse_expression(text)
    assert refusal.value.position == position


@given(st.text("attribute:x =!~<>[]()'and or,in1.-&|", max_size=60) | st.text(max_size=60))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    with suppress(InvalidExpression):
        expression = parse_expression(text)
        assert expression.matches(ONE) is (expression.explain(ONE) == "")


comparisons = st.sampled_from(
    ["attribute:stack == prod", "attribute:rank > 10", "task:group =~ service:.*", "agentConnected == false"]
)
compounds = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        inner.map(lambda part: f"not ({part})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) and ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) || ({pair[1]})"),
    ),
    max_leaves=6,
)


@given(compounds, compounds)
def test_compounds_follow_boolean_logic(left: str, right: str) -> None:
    one, other = parse_expression(left).matches(ONE), parse_expression(right).matches(ONE)
    assert parse_expression(f"({left}) and ({right})").matches(ONE) is (one and other)
    assert parse_expression(f"({left}) or ({right})").matches(ONE) is (one or other)
    assert parse_expression(f"!({left})").matches(ONE) is not one
