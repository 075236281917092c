"""Repositories, and the password for the registry they are in."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.aws.paging import Keyset, cut_page
from homeport.aws.tags import parse_tags
from homeport.services.ecr import store
from homeport.services.ecr.authority import PASSWORD_SECONDS
from homeport.services.ecr.errors import InvalidParameter, InvalidTagParameter, RepositoryAlreadyExists
from homeport.services.ecr.handlers.lookup import get_registry, get_repository, invalid_token
from homeport.services.ecr.model import Repository
from homeport.services.ecr.service import ecr
from homeport.services.ecr.views import repository_view


@ecr.operation("CreateRepository")
async def create_repository(
    call: Call,
    *,
    repository_name: str,
    registry_id: str | None = None,
    tags: Sequence[Mapping[str, str]] = (),
    image_tag_mutability: str = "MUTABLE",
    image_scanning_configuration: Mapping[str, Any] | None = None,
    encryption_configuration: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    _check_registry_id(call, registry_id)
    _check_mutability(image_tag_mutability)
    _check_scanning(image_scanning_configuration or {})
    _check_encryption(encryption_configuration or {})
    wanted = Repository(
        repository_name, call.region, call.now(), parse_tags(tags, InvalidTagParameter, key="Key", value="Value")
    )
    if not await store.add_repository(call.tx, wanted):
        there = await store.find_repository(call.tx, repository_name)
        elsewhere = f" in region {there.region}" if there is not None and there.region != call.region else ""
        raise RepositoryAlreadyExists(
            f"The repository with name '{repository_name}' already exists in the registry with id '{call.account}'{elsewhere}"
        )
    address, _ = await get_registry(call)
    return {"repository": repository_view(wanted, call.account, address)}


def _check_registry_id(call: Call, registry_id: str | None) -> None:
    if registry_id not in (None, call.account):
        raise InvalidParameter(f"There is no registry with id '{registry_id}' here, only '{call.account}'.")


def _check_mutability(mutability: str) -> None:
    """Refuse immutable tags: the registry cannot be kept from moving a tag."""
    if mutability != "MUTABLE":
        raise InvalidParameter(f"Image tag mutability {mutability} is not supported here; use MUTABLE.")


def _check_scanning(configuration: Mapping[str, Any]) -> None:
    with Fields(configuration, "imageScanningConfiguration") as fields:
        if fields.take("scanOnPush", bool, default=False):
            raise InvalidParameter("Scanning of images is not supported here; leave scanOnPush off.")


def _check_encryption(configuration: Mapping[str, Any]) -> None:
    with Fields(configuration, "encryptionConfiguration") as fields:
        kind = fields.take("encryptionType", str, default="AES256")
    if kind != "AES256":
        raise InvalidParameter(f"Encryption type {kind} is not supported here; use AES256.")


@ecr.operation("DescribeRepositories", reads=True)
async def describe_repositories(
    call: Call,
    *,
    registry_id: str | None = None,
    repository_names: Sequence[str] | None = None,
    next_token: str | None = None,
    max_results: int | None = None,
) -> dict[str, Any]:
    address, _ = await get_registry(call)
    if repository_names is not None:
        if next_token is not None or max_results is not None:
            raise InvalidParameter(
                "Invalid parameter: repositoryNames cannot be combined with nextToken or maxResults."
            )
        found = [await get_repository(call, name, registry_id) for name in repository_names]
        return {"repositories": [repository_view(repository, call.account, address) for repository in found]}
    _check_registry_id(call, registry_id)
    size = max_results or 100
    start = Keyset(("name",), next_token, kinds=(str,), invalid=invalid_token)
    rows = await store.list_repositories(
        call.tx, call.region, condition=start.condition, values=start.values, limit=size + 1
    )
    page = cut_page(rows, size, key=lambda repository: (repository.name,))
    views = [repository_view(repository, call.account, address) for repository in page.items]
    return page.with_token({"repositories": views})


@ecr.operation("PutImageTagMutability")
async def put_image_tag_mutability(
    call: Call, *, repository_name: str, image_tag_mutability: str, registry_id: str | None = None
) -> dict[str, Any]:
    repository = await get_repository(call, repository_name, registry_id)
    _check_mutability(image_tag_mutability)
    return {
        "registryId": call.account,
        "repositoryName": repository.name,
        "imageTagMutability": image_tag_mutability,
    }


@ecr.operation("GetAuthorizationToken", reads=True)
async def get_authorization_token(call: Call, *, registry_ids: Sequence[str] = ()) -> dict[str, Any]:
    for registry_id in registry_ids:
        _check_registry_id(call, registry_id)
    address, authority = await get_registry(call)
    expires_at = int(call.now()) + PASSWORD_SECONDS
    password = authority.password(call.principal.arn, expires_at)
    data = {
        "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
        "expiresAt": expires_at,
        "proxyEndpoint": f"http://{address}",
    }
    return {"authorizationData": [data for _ in registry_ids or (call.account,)]}
