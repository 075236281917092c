"""
Tags as all services have them: at most fifty of a user's own, keys beginning with `aws:` reserved.

Services differ in the names of a tag's members (`key` or `Key`) and in their error codes; both are
arguments.
"""

from collections.abc import Callable, Iterable, Mapping

from homeport.aws.errors import AwsError

MAX_TAGS = 50
MAX_KEY = 128
MAX_VALUE = 256

Refuse = Callable[[str], AwsError]


def parse_tags(
    given: Iterable[Mapping[str, str]], refuse: Refuse, *, key: str = "key", value: str = "value"
) -> dict[str, str]:
    """Return a request's tags by key, or raise what *refuse* makes of the reason against them."""
    tags: dict[str, str] = {}
    for tag in given:
        name, content = tag.get(key, ""), tag.get(value, "")
        if not 1 <= len(name) <= MAX_KEY:
            raise refuse(f"A tag key must have between 1 and {MAX_KEY} characters.")
        if len(content) > MAX_VALUE:
            raise refuse(f"A tag value must have at most {MAX_VALUE} characters.")
        if name.lower().startswith("aws:"):
            raise refuse("Tag keys starting with 'aws:' are reserved for AWS use.")
        if name in tags:
            raise refuse(f"Duplicate tag key '{name}'.")
        tags[name] = content
    return merge_tags({}, tags, refuse)


def merge_tags(present: Mapping[str, str], added: Mapping[str, str], refuse: Refuse) -> dict[str, str]:
    """Return *present* tags overlaid by *added* ones; AWS's own do not count towards the limit."""
    merged = {**present, **added}
    if sum(not name.startswith("aws:") for name in merged) > MAX_TAGS:
        raise refuse(f"A resource can have at most {MAX_TAGS} tags.")
    return merged


def tags_view(tags: Mapping[str, str], *, key: str = "key", value: str = "value") -> list[dict[str, str]]:
    """Return *tags* as a list of structures, in the order of their keys."""
    return [{key: name, value: tags[name]} for name in sorted(tags)]
