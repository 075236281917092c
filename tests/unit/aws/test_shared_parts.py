"""Fields, pages, tags and ARNs: what every service shares."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.aws.arn import Arn, find_arn, is_role_arn
from homeport.aws.errors import AwsError
from homeport.aws.fields import Absent, Fields, Unhonoured
from homeport.aws.paging import InvalidToken, Keyset, cut_page, decode_token, encode_token, paginate
from homeport.aws.tags import merge_tags, parse_tags, tags_view


def test_fields_refuse_what_was_not_taken() -> None:
    with (
        pytest.raises(Unhonoured, match=r"containers\[0\]\.gpu"),
        Fields({"image": "a", "gpu": 1}, "containers[0]") as f,
    ):
        assert f.take("image", str) == "a"


def read_service(document: dict[str, Any]) -> list[str]:
    names = []
    with Fields(document) as f:
        network = f.take_fields("network")
        assert network is not None
        with network:
            names += network.take("subnets", list)
        assert f.take_fields("absent") is None
        names += [volume.take("name", str) for volume in f.take_each("volumes")]
    return names


def test_fields_reach_into_structures_and_lists() -> None:
    network = {"subnets": ["a"]}
    assert read_service({"network": network, "volumes": [{"name": "x"}, {"name": "y"}]}) == ["a", "x", "y"]
    with pytest.raises(Unhonoured, match=r"^volumes\[1\]\.size"):
        read_service({"network": network, "volumes": [{"name": "x"}, {"name": "y", "size": 1}]})
    with pytest.raises(Unhonoured, match=r"^network\.zone"):
        read_service({"network": {**network, "zone": "a"}})


def test_fields_ask_for_what_has_no_default() -> None:
    with pytest.raises(Absent, match=r"a\.image"), Fields({}, "a") as f:
        f.take("image", str)


def test_fields_do_not_hide_the_error_that_ended_the_reading() -> None:
    with pytest.raises(AwsError, match="first"), Fields({"left": 1}):
        raise AwsError("first")


def test_ignored_fields_are_accepted() -> None:
    with Fields({"a": 1}) as f:
        f.ignore("a", "b")


keys = st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.text())


@given(keys)
def test_a_token_gives_its_key_back(key: tuple[float, str]) -> None:
    assert decode_token(encode_token(key), (float, str)) == key


@given(st.text(min_size=1))
def test_any_token_is_read_or_refused(token: str) -> None:
    try:
        decode_token(token, (str,))
    except InvalidToken:
        pass
    else:
        assert decode_token(token, (str,)) is not None


@pytest.mark.parametrize("kinds", [(int,), (str, str), ()])
def test_a_token_of_another_list_is_refused(kinds: tuple[type, ...]) -> None:
    with pytest.raises(InvalidToken):
        decode_token(encode_token(("a",)), kinds)


def test_a_service_words_a_wrong_token_itself() -> None:
    with pytest.raises(AwsError, match="Invalid token"):
        paginate(["a"], "!", None, 10, key=lambda item: (item,), invalid=lambda: AwsError("Invalid token"))


@given(st.sets(st.text(max_size=4)), st.integers(1, 5))
def test_pages_show_every_item_once(items: set[str], size: int) -> None:
    seen: list[str] = []
    token = None
    for _ in range(len(items) + 1):
        page = paginate(list(items), token, size, 100, key=lambda item: (item,))
        assert len(page.items) <= size
        seen += page.items
        token = page.next_token
        if token is None:
            break
    assert seen == sorted(items)
    assert token is None


def test_an_item_that_goes_away_between_pages_hides_no_other() -> None:
    first = paginate(["a", "b", "c"], None, 1, 10, key=lambda item: (item,))
    second = paginate(["b", "c"], first.next_token, 1, 10, key=lambda item: (item,))
    assert second.items == ["b"]


def test_a_page_adds_its_token_to_the_answer() -> None:
    page = paginate(["a", "b"], None, 1, 10, key=lambda item: (item,))
    assert page.with_token({"x": 1}, "NextToken") == {"x": 1, "NextToken": page.next_token}
    assert paginate(["a"], None, 1, 10, key=lambda item: (item,)).with_token({}) == {}


def test_a_keyset_starts_behind_its_token() -> None:
    first = Keyset(("created_at", "id"), None, kinds=(float, str))
    assert (first.condition, first.values) == ("", ())
    page = cut_page([(1.5, "a"), (2.5, "b")], 1, key=lambda row: row)
    assert page.items == [(1.5, "a")]
    second = Keyset(("created_at", "id"), page.next_token, kinds=(float, str))
    assert (second.condition, second.values) == (" AND (created_at, id) > (?, ?)", (1.5, "a"))


def refuse(reason: str) -> AwsError:
    return AwsError(reason, code="InvalidTag")


@pytest.mark.parametrize(
    ("given_tags", "reason"),
    [
        ([{"Key": "", "Value": "a"}], "between 1 and 128"),
        ([{"Key": "k" * 129}], "between 1 and 128"),
        ([{"Key": "a", "Value": "v" * 257}], "at most 256"),
        ([{"Key": "AWS:x", "Value": ""}], "reserved"),
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "Duplicate"),
        ([{"Key": str(n)} for n in range(51)], "at most 50"),
    ],
)
def test_tags_have_limits(given_tags: list[dict[str, str]], reason: str) -> None:
    with pytest.raises(AwsError, match=reason):
        parse_tags(given_tags, refuse, key="Key", value="Value")


def test_tags_come_back_sorted_and_aws_s_own_do_not_count() -> None:
    own = {f"aws:{n}": "" for n in range(60)}
    tags = merge_tags(own, {"b": "1", "a": "2"}, refuse)
    assert tags_view(tags)[:2] == [{"key": "a", "value": "2"}, {"key": "aws:0", "value": ""}]


def test_an_arn_comes_apart() -> None:
    text = "arn:aws:ecs:us-east-1:123456789012:task/web/0123"
    arn = find_arn(text)
    assert arn == Arn("aws", "ecs", "us-east-1", "123456789012", "task/web/0123")
    assert str(arn) == text
    assert (arn.resource_type, arn.resource_id) == ("task", "web/0123")


@pytest.mark.parametrize(
    "text", ["", "arn", "arn:aws:ecs:us-east-1:12345:task/a", "arn:aws:ecs:us-east-1:123456789012:", "arn:aws:e cs:::x"]
)
def test_what_is_not_an_arn_is_not_found(text: str) -> None:
    assert find_arn(text) is None


@pytest.mark.parametrize(
    ("text", "is_role"),
    [
        ("arn:aws:iam::123456789012:role/service-role/web", True),
        ("arn:aws:iam::123456789012:user/web", False),
        ("arn:aws:iam:us-east-1:123456789012:role/web", False),
        ("web", False),
    ],
)
def test_a_role_arn_is_known_by_its_form(text: str, is_role: bool) -> None:
    assert is_role_arn(text) is is_role
