"""Tags of certificates."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from homeport.aws import tags as shared
from homeport.aws.call import Call
from homeport.services.acm import store
from homeport.services.acm.errors import InvalidTag, TooManyTags
from homeport.services.acm.handlers.lookup import get_certificate
from homeport.services.acm.service import acm


def parse_tags(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags of a request by key, or refuse them."""
    return shared.parse_tags(given, InvalidTag, key="Key", value="Value")


@acm.operation("AddTagsToCertificate")
async def add_tags_to_certificate(call: Call, *, certificate_arn: str, tags: Sequence[Mapping[str, str]]) -> None:
    certificate = await get_certificate(call, certificate_arn)
    merged = shared.merge_tags(certificate.tags, parse_tags(tags), TooManyTags)
    await store.set_tags(call.tx, replace(certificate, tags=merged))


@acm.operation("RemoveTagsFromCertificate")
async def remove_tags_from_certificate(call: Call, *, certificate_arn: str, tags: Sequence[Mapping[str, str]]) -> None:
    """A tag that is named with a value goes only if it has that value."""
    certificate = await get_certificate(call, certificate_arn)
    left = {
        key: value
        for key, value in certificate.tags.items()
        if not any(tag["Key"] == key and tag.get("Value", value) == value for tag in tags)
    }
    await store.set_tags(call.tx, replace(certificate, tags=left))


@acm.operation("ListTagsForCertificate", reads=True)
async def list_tags_for_certificate(call: Call, *, certificate_arn: str) -> dict[str, Any]:
    certificate = await get_certificate(call, certificate_arn)
    return {"Tags": shared.tags_view(certificate.tags, key="Key", value="Value")}
