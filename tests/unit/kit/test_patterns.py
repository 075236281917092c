"""Patterns of users mean what they say, and none takes long."""

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.kit.patterns import InvalidPattern, compile_pattern

#: Expressions whose meaning RE2 and Python share, over a small alphabet.
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
    # `$` also matches before a last line feed in Python; the alphabet has none.
    assert compile_pattern(pattern).matches(text) is (re.fullmatch(pattern, text) is not None)
    assert compile_pattern(pattern.encode()).occurs_in(text.encode()) is (re.search(pattern, text) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("g2.*", "g2.2xlarge", True),
        ("g2.*", "ag2", False),
        ("g2", "g2.2xlarge", False),
        (r"(m4|m5)\..*", "m5.large", True),
        ("^t[23]a?[.](nano|micro)$", "t3a.micro", True),
        ("", "", True),
        ("(?i)A", "a", True),
        ("[^é]", "e", True),
        (r"\p{Lu}+", "É", True),
    ],
)
def test_matches_is_about_the_whole_text(pattern: str, text: str, matches: bool) -> None:
    assert compile_pattern(pattern).matches(text) is matches


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("*a", "no argument for repetition operator: *"),
        ("a++", "bad repetition operator: ++"),
        ("(?=a)", "invalid perl operator: (?="),
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("(a", "missing ): (a"),
        ("[a", "missing ]: [a"),
        ("(a{1000}){1000}", "invalid repetition size: {1000}"),
    ],
)
def test_what_cannot_run_is_refused_in_re2_s_words(pattern: str, problem: str) -> None:
    with pytest.raises(InvalidPattern, match=re.escape(problem)):
        compile_pattern(pattern)


@given(st.text("ab[](){}*+?|^$\\-,.&12", max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with suppress(InvalidPattern):
        assert compile_pattern(text).matches("ab12") in {True, False}


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+$b", "a*" * 60 + "b", "(a?){80}a{80}b"])
def test_no_pattern_takes_exponential_time(pattern: str) -> None:
    start = time.process_time()
    assert not compile_pattern(pattern).matches("a" * 128)
    assert time.process_time() - start < 10  # a backtracking matcher would not end at all
