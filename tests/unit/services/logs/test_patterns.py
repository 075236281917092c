"""Filter patterns: the examples of AWS's guide, refusals, and the two regex engines against each other."""

import contextlib
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.services.logs.patterns import BadPattern, parse_pattern
from homeport.services.logs.patterns.regex import BadRegex, Regex

JSON_EVENT = """{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", "another value"],
"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "cluster.name": "c", "ok": true,
"status": 404, "latency": 1.5, "user": {"email": "John.Stiles@example.com"}}"""
ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "message", "matches"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "error", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ("?ERROR ?ARGUMENTS", "INVALID ARGUMENTS", True),
        ("?ERROR ?ARGUMENTS", "fine", False),
        ("?ERROR ?WARN INFO", "INFO only", True),  # optional terms beside others count for nothing
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", False),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ('ERROR -"BAD REQUEST"', "[ERROR 419] MISSING", True),
        (r'"say \"hi\""', 'say "hi"', True),
        ("%AUTHORIZED%", "UNAUTHORIZED", True),
        (r"%10\.10\.0\.\d{1,3}%", "from 10.10.0.44", True),
        (r"%10\.10\.0\.1%", "from 10x10x0x1", False),
        ("%^ERROR%", "an ERROR", False),
        ("%gray|grey%", "so grey", True),
        ('{ $.eventType = "UpdateTrail" }', JSON_EVENT, True),
        ('{ $.eventType = "Update*" }', JSON_EVENT, True),
        ("{ $.eventType = UpdateTrail }", JSON_EVENT, True),
        ("{ $.sourceIPAddress != 123.123.* }", JSON_EVENT, True),
        ("{ $.sourceIPAddress != 111.111.* }", JSON_EVENT, False),
        ("{ $.absent != 1 }", JSON_EVENT, False),
        ('{ $.arrayKey[0] = "value" }', JSON_EVENT, True),
        ('{ $.arrayKey[7] = "value" }', JSON_EVENT, False),
        ("{ $.objectList[1].id = 2 }", JSON_EVENT, True),
        ("{ $.SomeObject IS NULL }", JSON_EVENT, True),
        ("{ $.absent IS NULL }", JSON_EVENT, False),
        ("{ $.absent NOT EXISTS }", JSON_EVENT, True),
        ("{ $.ok IS TRUE && $.ok = true }", JSON_EVENT, True),
        ("{ $.['cluster.name'] = c }", JSON_EVENT, True),
        ("{ $.status = 4* }", JSON_EVENT, True),
        ("{ $.status >= 404 && $.latency < 2e0 }", JSON_EVENT, True),
        ("{ $.status > 404 }", JSON_EVENT, False),
        ("{ $.eventType > 3 }", JSON_EVENT, False),
        ('{ ($.user.email = "John.Stiles@example.com" || $.status = 1) && $.ok IS TRUE }', JSON_EVENT, True),
        ("{ $.status = 1 && $.status = 2 || $.ok IS TRUE }", JSON_EVENT, True),
        (r"{ $.sourceIPAddress = %111\.1.*% }", JSON_EVENT, True),
        ("{ $.status = 404 }", "not JSON", False),
        ("[ip, env, user, time, request, code, bytes]", ACCESS, True),
        ("[ip, env, user]", ACCESS, False),
        ("[ip, ..., code = 4*, bytes > 1000]", ACCESS, True),
        ("[ip, ..., code = 4*, bytes > 2000]", ACCESS, False),
        ('[ip, env, user, time, request = "*html*", ...]', ACCESS, True),
        ('[ip, env = "Prod" || env = "Test", user != root, ...]', ACCESS, True),
        ("[w1 = ERROR || w1 = %WARN%, w2]", "WARNING foo", True),
    ],
)
def test_pattern(pattern, message, matches):
    assert parse_pattern(pattern)(message) is matches


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("foo-bar", "Invalid character(s) in term 'foo-bar'"),
        ('"open', "cannot read"),
        ("{ $.a = 1", "not closed"),
        ("{ $.a }", "too early"),
        ("{ $.a = }", "too early"),
        ("{ a = 1 }", "property selector"),
        ('{ $.a > "x" }', "compares numbers"),
        ("{ $.a SOUNDS LIKE }", "unexpected"),
        ("{ $.a = 1 $.b = 2 }", "unexpected"),
        ("{ " + "(" * 500 + "$.a = 1" + ")" * 500 + " }", "too many parentheses"),
        ("[a, b", "not closed"),
        ("[..., a, ...]", "only one ..."),
        ("%(a)%", "Invalid character(s)"),
        ("%a**%", "repeat a repetition"),
        ("%[z-a]%", "Invalid set"),
        ("%a{3,2}%", "Invalid repetition"),
        ("%a{999}b{999}%", "too long"),
    ],
)
def test_what_cannot_be_understood_is_refused(pattern, reason):
    with pytest.raises(BadPattern, match=re.escape(reason)):
        parse_pattern(pattern)


_atoms = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", r"\w", r"\d", r"\."])
_pieces = st.tuples(_atoms, st.sampled_from(["", "", "?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}"])).map("".join)
_sides = st.tuples(
    st.sampled_from(["", "^"]), st.lists(_pieces, max_size=6).map("".join), st.sampled_from(["", "$"])
).map("".join)


@pytest.mark.slow
@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(st.lists(_sides, min_size=1, max_size=3).map("|".join), st.text("abc1. \n", max_size=12))
def test_both_engines_agree(pattern, message):
    regex = Regex(pattern)
    expected = re.search(pattern.replace("$", r"\Z"), message, re.DOTALL | re.ASCII) is not None
    assert regex.search_linear(message) is expected
    assert regex.search(message) is expected


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_pattern_or_refused(text):
    with contextlib.suppress(BadPattern):
        assert parse_pattern(text)('{"a": [1, "x y"]} [z] "q') in (True, False)


def test_a_hostile_expression_costs_little():
    regex = Regex("a?" * 200 + "a*" * 50 + "b")
    start = time.process_time()
    assert not regex.search("a" * 50_000)
    assert time.process_time() - start < 2


def test_groups_are_not_understood():
    with pytest.raises(BadRegex):
        Regex("(a|b)+")
