"""What ECR is made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    *INDEX_TYPES,
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository; its images are in the registry under the same name."""

    name: str
    region: str
    created: float
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """An image's manifest as it was pushed: the digest is that of these very bytes."""

    digest: str
    media_type: str
    text: str

    @cached_property
    def _document(self) -> dict[str, Any]:
        document = json.loads(self.text)
        return document if isinstance(document, dict) else {}

    @property
    def size(self) -> int:
        """Return the bytes of everything the manifest lists: what a pull would fetch."""
        parts = [*self._document.get("layers", ()), *self._document.get("manifests", ())]
        parts.append(self._document.get("config", {}))
        return sum(int(part.get("size", 0)) for part in parts if isinstance(part, dict))

    @property
    def artifact_type(self) -> str | None:
        config = self._document.get("config")
        return config.get("mediaType") if isinstance(config, dict) else None

    @property
    def parts(self) -> list[str]:
        """Return the digests of the images that an index lists."""
        return [part["digest"] for part in self._document.get("manifests", ()) if "digest" in part]


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a repository, with the tags that name it now."""

    manifest: Manifest
    tags: tuple[str, ...]
    pushed: float
