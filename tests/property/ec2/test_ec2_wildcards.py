"""Wildcards in filters mean what AWS says, and cost little."""

from hypothesis import given
from hypothesis import strategies as st

from homeport.services.ec2.store.selection import matches

texts = st.text(alphabet="ab*?\\", max_size=8)


def means(pattern, text):
    """Match *pattern* by its definition, trying everything."""
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        return any(means(rest, text[n:]) for n in range(len(text) + 1))
    if head == "\\" and rest:
        return bool(text) and text[0] == rest[0] and means(rest[1:], text[1:])
    return bool(text) and (head == "?" or text[0] == head) and means(rest, text[1:])


@given(texts, texts)
def test_pattern_matches_what_its_definition_does(pattern, text):
    assert matches([pattern], [text]) is means(pattern, text)


def test_hostile_pattern_ends():
    assert not matches(["*a" * 100 + "b"], ["a" * 10_000])
