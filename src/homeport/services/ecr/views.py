"""Repositories and images in the shapes of AWS's API."""

from typing import Any

from homeport.services.ecr.model import Image, Manifest, Repository


def repository_arn(repository: Repository, account: str) -> str:
    return f"arn:aws:ecr:{repository.region}:{account}:repository/{repository.name}"


def repository_view(repository: Repository, account: str, address: str) -> dict[str, Any]:
    return {
        "repositoryArn": repository_arn(repository, account),
        "registryId": account,
        "repositoryName": repository.name,
        "repositoryUri": f"{address}/{repository.name}",
        "createdAt": repository.created,
        "imageTagMutability": "MUTABLE",
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }


def image_detail_view(image: Image, repository: str, account: str) -> dict[str, Any]:
    view: dict[str, Any] = {
        "registryId": account,
        "repositoryName": repository,
        "imageDigest": image.manifest.digest,
        "imageSizeInBytes": image.manifest.size,
        "imagePushedAt": image.pushed,
        "imageManifestMediaType": image.manifest.media_type,
        "imageStatus": "ACTIVE",
    }
    if image.tags:
        view["imageTags"] = list(image.tags)
    if image.manifest.artifact_type is not None:
        view["artifactMediaType"] = image.manifest.artifact_type
    return view


def image_ids_view(image: Image) -> list[dict[str, str]]:
    """Return the image's ids: one for each tag, or the digest alone."""
    if not image.tags:
        return [{"imageDigest": image.manifest.digest}]
    return [{"imageDigest": image.manifest.digest, "imageTag": tag} for tag in image.tags]


def image_view(manifest: Manifest, image_id: dict[str, str], repository: str, account: str) -> dict[str, Any]:
    return {
        "registryId": account,
        "repositoryName": repository,
        "imageId": {**image_id, "imageDigest": manifest.digest},
        "imageManifest": manifest.text,
        "imageManifestMediaType": manifest.media_type,
    }


def failure_view(image_id: dict[str, str], code: str, reason: str) -> dict[str, Any]:
    return {"imageId": image_id, "failureCode": code, "failureReason": reason}
