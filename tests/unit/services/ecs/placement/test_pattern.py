"""Patterns mean what they mean in Java, and none takes long."""

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.services.ecs.placement.pattern import InvalidPattern, compile_pattern

#: Expressions whose meaning Java and Python share, over a small alphabet.
leaves = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\w", r"\.", r"\W", "1", "-", "^", "$"])
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda options: f"(?:{'|'.join(options)})"),
    ),
    max_leaves=8,
)


@given(expressions, st.text("ab1.-c", max_size=6))
def test_a_pattern_matches_what_a_backtracking_one_does(pattern: str, text: str) -> None:
    # `$` also matches before a last line feed; the alphabet has none.
    assert compile_pattern(pattern).matches(text) is (re.fullmatch(pattern, text) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("g2.*", "g2.2xlarge", True),
        ("g2.*", "ag2", False),
        ("g2", "g2.2xlarge", False),
        (r"(m4|m5)\..*", "m5.large", True),
        (r"(m4|m5)\..*", "m5xlarge", False),
        ("^t[23]a?[.](nano|micro)$", "t3a.micro", True),
        ("[]a]+", "]a", True),
        ("[a-]+", "a-a", True),
        (r"[\d.]+", "1.14", True),
        (r"\S\t", "x\t", True),
        ("x}]", "x}]", True),
        ("", "", True),
        ("a||b", "", True),
        ("(a{2}){2}", "aaaa", True),
        ("(a*)*b", "aaab", True),
        ("[^é]", "e", True),
    ],
)
def test_a_pattern_matches_the_whole_text(pattern: str, text: str, matches: bool) -> None:
    assert compile_pattern(pattern).matches(text) is matches


@pytest.mark.parametrize(
    ("pattern", "problem", "position"),
    [
        ("*a", "there is nothing to repeat", 0),
        ("a**", "there is nothing to repeat", 2),
        ("a++", "possessive quantifiers are not supported", 2),
        ("(?=a)", "this kind of group is not supported", 1),
        ("(?i)a", "this kind of group is not supported", 1),
        (r"(a)\1", r"\1 is not supported", 4),
        (r"\p{Lower}", r"\p is not supported", 1),
        ("(a", "a group is not closed", 2),
        ("a)", "there is no group to close", 1),
        ("[a", "the pattern ends too early", 2),
        ("[a[b]]", "unions and intersections of classes are not supported", 2),
        ("[z-a]", "the range of characters is invalid", 4),
        (r"[\d-z]", "the range of characters is invalid", 5),
        ("a{2", "a quantifier is not closed", 3),
        ("a{3,2}", "a quantifier has its bounds the wrong way round", 6),
        ("a{,2}", "a quantifier needs a number up to 1000", 2),
        ("a{99999}", "a quantifier needs a number up to 1000", 7),
        ("a\\", "the pattern ends too early", 2),
        ("(" * 41, "groups are nested too deeply", 41),
        ("(a{1000}){1000}", "the pattern is too large", 0),
        ("((){1000}){1000}", "the pattern is too large", 0),
    ],
)
def test_a_pattern_that_cannot_run_is_refused_where_it_goes_wrong(pattern: str, problem: str, position: int) -> None:
    with pytest.raises(InvalidPattern, match=re.escape(problem)) as refusal:
        compile_pattern(pattern)
    assert refusal.value.position == position


@given(st.text("ab[](){}*+?|^$\\-,.&12", max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with suppress(InvalidPattern):
        assert compile_pattern(text).matches("ab12") in {True, False}


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+$b", "a*" * 60 + "b", "(a?){80}a{80}b"])
def test_no_pattern_takes_exponential_time(pattern: str) -> None:
    start = time.process_time()
    assert not compile_pattern(pattern).matches("a" * 128)
    assert time.process_time() - start < 1.0
