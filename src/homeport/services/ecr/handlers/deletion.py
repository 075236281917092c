"""Delete images and repositories: first in the registry, without a transaction, then in the store."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ecr import store
from homeport.services.ecr.errors import RepositoryNotEmpty
from homeport.services.ecr.handlers.images import ImageId, find_image, missing_id
from homeport.services.ecr.handlers.lookup import contents_of, get_registry, get_repository, images_of, unavailable
from homeport.services.ecr.images import Images, RegistryFailed
from homeport.services.ecr.model import Image
from homeport.services.ecr.service import ecr
from homeport.services.ecr.views import failure_view, image_ids_view, repository_view


@ecr.operation("BatchDeleteImage", reads=True)
async def batch_delete_image(
    call: Call, *, repository_name: str, image_ids: Sequence[ImageId], registry_id: str | None = None
) -> dict[str, Any]:
    repository = await get_repository(call, repository_name, registry_id)
    images = await images_of(call, repository)
    contents = await contents_of(call, repository)
    deleted: list[ImageId] = []
    failures = []
    gone: list[str] = []
    for image_id in image_ids:
        image = find_image(contents, image_id) if image_id else None
        failure = _obstacle(image_id, image, contents)
        if failure is not None or image is None:
            failures.append(failure)
            continue
        tag = image_id.get("imageTag")
        try:
            contents = await _delete(images, contents, image, tag)
        except RegistryFailed as error:
            raise unavailable(error) from error
        if find_image(contents, {"imageDigest": image.manifest.digest}) is None:
            gone.append(image.manifest.digest)
        named = {"imageDigest": image.manifest.digest, "imageTag": tag}
        deleted += [{key: value for key, value in named.items() if value}] if tag else image_ids_view(image)
    async with call.database.transaction() as tx:
        await store.forget_pushes(tx, repository_name, gone)
    return {"imageIds": deleted, "failures": failures}


def _obstacle(image_id: ImageId, image: Image | None, contents: Sequence[Image]) -> dict[str, Any] | None:
    """Return why the image cannot be deleted, or None."""
    if not image_id:
        return missing_id(image_id)
    if image is None:
        digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
        if digest and tag and find_image(contents, {"imageDigest": digest}):
            reason = "Requested image tag does not match the requested image digest"
            return failure_view(image_id, "ImageTagDoesNotMatchDigest", reason)
        return failure_view(image_id, "ImageNotFound", "Requested image not found")
    digest = image.manifest.digest
    lists = [each.manifest.digest for each in contents if digest in each.manifest.parts]
    if lists and _goes(image, image_id.get("imageTag")):
        reason = f"Requested image referenced by manifest list: [{','.join(lists)}]"
        return failure_view(image_id, "ImageReferencedByManifestList", reason)
    return None


def _goes(image: Image, tag: str | None) -> bool:
    """Say whether deleting that tag, or None for all of it, takes the image itself."""
    return tag is None or image.tags == (tag,)


async def _delete(images: Images, contents: Sequence[Image], image: Image, tag: str | None) -> list[Image]:
    """Delete the image, or one of its several tags, and return what is left."""
    others = [each for each in contents if each is not image]
    if _goes(image, tag):
        await images.delete([image.manifest.digest])
        return others
    assert tag is not None, "without a tag the whole image goes"
    await images.untag(tag)
    return [*others, Image(image.manifest, tuple(each for each in image.tags if each != tag), image.pushed)]


@ecr.operation("DeleteRepository", reads=True)
async def delete_repository(
    call: Call, *, repository_name: str, registry_id: str | None = None, force: bool = False
) -> dict[str, Any]:
    repository = await get_repository(call, repository_name, registry_id)
    address, _ = await get_registry(call)
    contents = await contents_of(call, repository)
    if contents and not force:
        raise RepositoryNotEmpty(
            f"The repository with name '{repository_name}' in registry with id '{call.account}' "
            "cannot be deleted because it still contains images"
        )
    if contents:
        images = await images_of(call, repository)
        try:
            await images.delete([image.manifest.digest for image in contents])
        except RegistryFailed as error:
            raise unavailable(error) from error
    async with call.database.transaction() as tx:
        await store.remove_repository(tx, repository_name)
    return {"repository": repository_view(repository, call.account, address)}
