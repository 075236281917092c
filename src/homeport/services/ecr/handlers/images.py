"""
Images: read from the registry at each call.

These operations are registered as reading, though some change the registry: they wait for it, and must
not keep writers waiting with them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.aws.paging import paginate
from homeport.services.ecr.errors import ImageNotFound, InvalidParameter
from homeport.services.ecr.handlers.lookup import contents_of, get_repository, images_of, invalid_token, unavailable
from homeport.services.ecr.images import ManifestRefused, RegistryFailed
from homeport.services.ecr.model import MANIFEST_TYPES, Image, Manifest
from homeport.services.ecr.service import ecr
from homeport.services.ecr.views import failure_view, image_detail_view, image_ids_view, image_view

ImageId = dict[str, str]


@ecr.operation("ListImages", reads=True)
async def list_images(
    call: Call,
    *,
    repository_name: str,
    registry_id: str | None = None,
    next_token: str | None = None,
    max_results: int | None = None,
    filter: Mapping[str, str] | None = None,  # noqa: A002 - the member's name
) -> dict[str, Any]:
    repository = await get_repository(call, repository_name, registry_id)
    images = _filtered(await contents_of(call, repository), filter or {})
    ids = [image_id for image in images for image_id in image_ids_view(image)]
    page = paginate(
        ids,
        next_token,
        max_results,
        100,
        key=lambda image_id: (image_id["imageDigest"], image_id.get("imageTag", "")),
        invalid=invalid_token,
    )
    return page.with_token({"imageIds": page.items})


@ecr.operation("DescribeImages", reads=True)
async def describe_images(
    call: Call,
    *,
    repository_name: str,
    registry_id: str | None = None,
    image_ids: Sequence[ImageId] | None = None,
    next_token: str | None = None,
    max_results: int | None = None,
    filter: Mapping[str, str] | None = None,  # noqa: A002 - the member's name
) -> dict[str, Any]:
    if image_ids is not None and (next_token is not None or max_results is not None):
        raise InvalidParameter("Invalid parameter: imageIds cannot be combined with nextToken or maxResults.")
    repository = await get_repository(call, repository_name, registry_id)
    images = await contents_of(call, repository)
    if image_ids is not None:
        chosen = {
            image.manifest.digest: image
            for image in (_get(images, each, repository_name, call.account) for each in image_ids)
        }
        images = list(chosen.values())
    page = paginate(
        _filtered(images, filter or {}),
        next_token,
        max_results,
        100,
        key=lambda image: (image.manifest.digest,),
        invalid=invalid_token,
    )
    views = [image_detail_view(image, repository_name, call.account) for image in page.items]
    return page.with_token({"imageDetails": views})


def _filtered(images: Sequence[Image], wanted: Mapping[str, str]) -> list[Image]:
    """Return the images with the wanted tag status; all are active."""
    if wanted.get("imageStatus", "ACTIVE") not in ("ACTIVE", "ANY"):
        return []
    status = wanted.get("tagStatus", "ANY")
    return [image for image in images if status in ("ANY", "TAGGED" if image.tags else "UNTAGGED")]


def find_image(images: Sequence[Image], image_id: Mapping[str, str]) -> Image | None:
    """Return the image that has the tag and digest that *image_id* names."""
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    for image in images:
        if digest in (None, image.manifest.digest) and (tag is None or tag in image.tags):
            return image
    return None


def _get(images: Sequence[Image], image_id: Mapping[str, str], name: str, account: str) -> Image:
    if not image_id:
        raise InvalidParameter(
            "Invalid parameter at 'imageIds' failed to satisfy constraint: a digest or tag is needed"
        )
    image = find_image(images, image_id)
    if image is None:
        digest, tag = image_id.get("imageDigest", "null"), image_id.get("imageTag", "null")
        raise ImageNotFound(
            f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist "
            f"within the repository with name '{name}' in the registry with id '{account}'"
        )
    return image


@ecr.operation("BatchGetImage", reads=True)
async def batch_get_image(
    call: Call,
    *,
    repository_name: str,
    image_ids: Sequence[ImageId],
    registry_id: str | None = None,
    accepted_media_types: Sequence[str] | None = None,
) -> dict[str, Any]:
    repository = await get_repository(call, repository_name, registry_id)
    images = await images_of(call, repository)
    found, failures = [], []
    for image_id in image_ids:
        reference = image_id.get("imageDigest") or image_id.get("imageTag")
        if reference is None:
            failures.append(missing_id(image_id))
            continue
        try:
            manifest = await images.find(reference)
        except RegistryFailed as error:
            raise unavailable(error) from error
        if manifest is None:
            failures.append(failure_view(image_id, "ImageNotFound", "Requested image not found"))
        elif accepted_media_types is not None and manifest.media_type not in accepted_media_types:
            reason = f"The image is of type {manifest.media_type}, which acceptedMediaTypes does not name"
            failures.append(failure_view(image_id, "ImageNotFound", reason))
        else:
            found.append(image_view(manifest, image_id, repository_name, call.account))
    return {"images": found, "failures": failures}


def missing_id(image_id: ImageId) -> dict[str, Any]:
    reason = "Invalid request parameters: image digest and tag are both missing"
    return failure_view(image_id, "MissingDigestAndTag", reason)


@ecr.operation("PutImage", reads=True)
async def put_image(
    call: Call,
    *,
    repository_name: str,
    image_manifest: str,
    registry_id: str | None = None,
    image_manifest_media_type: str | None = None,
    image_tag: str | None = None,
    image_digest: str | None = None,
) -> dict[str, Any]:
    repository = await get_repository(call, repository_name, registry_id)
    images = await images_of(call, repository)
    manifest = _parse_manifest(image_manifest, image_manifest_media_type)
    if image_digest not in (None, manifest.digest):
        raise AwsError(
            "The provided digest does not match the digest of the manifest.", code="ImageDigestDoesNotMatchException"
        )
    try:
        there = await images.find(image_tag or manifest.digest)
        if there is not None and there.digest == manifest.digest:
            raise AwsError(
                f"Image with digest '{manifest.digest}' and tag '{image_tag}' already exists in the repository "
                f"with name '{repository_name}' in registry with id '{call.account}'",
                code="ImageAlreadyExistsException",
            )
        await images.put(image_tag or manifest.digest, manifest.media_type, image_manifest)
    except ManifestRefused as error:
        raise AwsError(f"The registry does not take the manifest: {error}", code="LayersNotFoundException") from error
    except RegistryFailed as error:
        raise unavailable(error) from error
    image_id = {"imageTag": image_tag} if image_tag is not None else {}
    return {"image": image_view(manifest, image_id, repository_name, call.account)}


def _parse_manifest(text: str, media_type: str | None) -> Manifest:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidParameter(
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"
        )
    media_type = media_type or document.get("mediaType")
    if media_type not in MANIFEST_TYPES:
        raise InvalidParameter(
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Manifest type is not supported'"
        )
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return Manifest(digest, str(media_type), text)
