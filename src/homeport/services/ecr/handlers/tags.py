"""Tags of repositories."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.tags import merge_tags, parse_tags, tags_view
from homeport.services.ecr import store
from homeport.services.ecr.errors import InvalidParameter, InvalidTagParameter
from homeport.services.ecr.handlers.lookup import get_repository
from homeport.services.ecr.model import Repository
from homeport.services.ecr.service import ecr


@ecr.operation("TagResource")
async def tag_resource(call: Call, *, resource_arn: str, tags: Sequence[Mapping[str, str]]) -> None:
    repository = await _repository(call, resource_arn)
    added = parse_tags(tags, InvalidTagParameter, key="Key", value="Value")
    await store.set_tags(call.tx, repository.name, merge_tags(repository.tags, added, InvalidTagParameter))


@ecr.operation("UntagResource")
async def untag_resource(call: Call, *, resource_arn: str, tag_keys: Sequence[str]) -> None:
    repository = await _repository(call, resource_arn)
    kept = {key: value for key, value in repository.tags.items() if key not in tag_keys}
    await store.set_tags(call.tx, repository.name, kept)


@ecr.operation("ListTagsForResource", reads=True)
async def list_tags_for_resource(call: Call, *, resource_arn: str) -> dict[str, Any]:
    repository = await _repository(call, resource_arn)
    return {"tags": tags_view(repository.tags, key="Key", value="Value")}


async def _repository(call: Call, arn: str) -> Repository:
    prefix = call.arn("ecr", "repository/")
    if not arn.startswith(prefix):
        raise InvalidParameter(f"Invalid parameter at 'resourceArn' failed to satisfy constraint: '{arn}'")
    return await get_repository(call, arn.removeprefix(prefix), None)
