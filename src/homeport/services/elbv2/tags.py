"""Tags of a request, refused in Elastic Load Balancing's words."""

from collections.abc import Mapping, Sequence

from homeport.aws import tags as shared
from homeport.services.elbv2.errors import DuplicateTagKeys, TooManyTags, ValidationError


def parse_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags of a request by key, or refuse them."""
    names = [tag["Key"] for tag in given]
    if len(set(names)) < len(names):
        raise DuplicateTagKeys("A tag key was specified more than once")
    tags = {tag["Key"]: tag.get("Value", "") for tag in given}
    check_count({}, tags)
    return shared.parse_tags(given, ValidationError, key="Key", value="Value")


def check_count(present: Mapping[str, str], added: Mapping[str, str]) -> None:
    """Refuse more tags than a resource can have."""
    shared.merge_tags(present, added, lambda _: TooManyTags("The maximum number of tags has been reached"))
