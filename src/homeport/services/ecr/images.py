"""
Ask the registry what it holds, over its HTTP API.

The registry is the truth about images.  Requests block, so each piece of work runs on a thread of its
own with one connection; the caller must not hold a write transaction meanwhile.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Mapping
from email.message import Message
from http.client import HTTPConnection, HTTPException
from typing import TypeVar
from urllib.parse import quote, urlsplit

from homeport.services.ecr.authority import Authority
from homeport.services.ecr.model import MANIFEST_TYPES, Image, Manifest

TIMEOUT_SECONDS = 10
MAX_MANIFEST = 4 * 1024 * 1024

T = TypeVar("T")


class RegistryFailed(Exception):
    """The registry does not answer, or not as it should."""


class ManifestRefused(Exception):
    """The registry does not take a manifest; the message says why."""


class Images:
    """The images of one repository in the registry at *address*."""

    def __init__(self, address: str, authority: Authority, repository: str, now: float) -> None:
        self._address = address
        self._repository = repository
        actions = ["pull", "push", "delete"]
        self._token = authority.registry_token(
            "ecr", [{"type": "repository", "name": repository, "actions": actions}], now
        )

    async def contents(self, pushes: Mapping[str, float], since: float) -> list[Image]:
        """
        Return every image, by digest: the tagged ones, and those of *pushes* that are still there.

        An image whose push was never reported counts as pushed when its repository was made, *since*.
        """
        return await self._run(lambda link: link.contents(pushes, since))

    async def find(self, reference: str) -> Manifest | None:
        """Return the manifest under a tag or digest."""
        return await self._run(lambda link: link.manifest(reference))

    async def put(self, reference: str, media_type: str, text: str) -> None:
        """Store a manifest whose layers are already there; raises ManifestRefused."""
        await self._run(lambda link: link.put(reference, media_type, text.encode()))

    async def delete(self, digests: Collection[str]) -> None:
        """Delete images with all their tags; those that are gone already are no error."""
        await self._run(lambda link: link.delete(digests))

    async def untag(self, tag: str) -> None:
        """Remove one tag of an image that keeps others."""
        await self._run(lambda link: link.untag(tag))

    async def _run(self, work: Callable[["_Link"], T]) -> T:
        return await asyncio.to_thread(self._work, work)

    def _work(self, work: Callable[["_Link"], T]) -> T:
        connection = HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        try:
            return work(_Link(connection, self._repository, self._token))
        except (OSError, HTTPException, ValueError) as error:
            raise RegistryFailed(f"The registry at {self._address} does not answer: {error}") from error
        finally:
            connection.close()


class _Link:
    """One connection to the registry, on a thread."""

    def __init__(self, connection: HTTPConnection, repository: str, token: str) -> None:
        self._connection = connection
        self._base = f"/v2/{quote(repository)}"
        self._token = token

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Message, bytes]:
        all_headers = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        self._connection.request(method, path, body or None, all_headers)
        response = self._connection.getresponse()
        content = response.read(MAX_MANIFEST + 1)
        if len(content) > MAX_MANIFEST:
            raise HTTPException("the answer is too long")
        return response.status, response.headers, content

    def _expect(self, status: int, *expected: int) -> None:
        if status not in expected:
            raise HTTPException(f"unexpected status {status}")

    def contents(self, pushes: Mapping[str, float], since: float) -> list[Image]:
        manifests: dict[str, Manifest] = {}
        tags: dict[str, list[str]] = {}
        for tag in self.tags():
            manifest = self.manifest(tag)
            if manifest is not None:  # else it was deleted a moment ago
                manifests[manifest.digest] = manifest
                tags.setdefault(manifest.digest, []).append(tag)
        for digest in pushes:
            if digest not in manifests and (manifest := self.manifest(digest)) is not None:
                manifests[digest] = manifest
        return [
            Image(manifests[digest], tuple(sorted(tags.get(digest, ()))), pushes.get(digest, since))
            for digest in sorted(manifests)
        ]

    def tags(self) -> list[str]:
        status, _, content = self._ask("GET", f"{self._base}/tags/list")
        self._expect(status, 200, 404)
        return (json.loads(content)["tags"] or []) if status == 200 else []

    def manifest(self, reference: str) -> Manifest | None:
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        status, answer, content = self._ask("GET", f"{self._base}/manifests/{quote(reference)}", headers=headers)
        self._expect(status, 200, 404, 400)  # 400: not a tag or digest at all
        if status != 200:
            return None
        digest = answer.get("Docker-Content-Digest") or f"sha256:{hashlib.sha256(content).hexdigest()}"
        return Manifest(digest, answer.get("Content-Type", ""), content.decode())

    def put(self, reference: str, media_type: str, text: bytes) -> None:
        headers = {"Content-Type": media_type}
        status, _, content = self._ask("PUT", f"{self._base}/manifests/{quote(reference)}", text, headers)
        if 400 <= status < 500:
            raise ManifestRefused(content.decode(errors="replace"))
        self._expect(status, 201)

    def delete(self, digests: Collection[str]) -> None:
        for digest in digests:
            status, _, _ = self._ask("DELETE", f"{self._base}/manifests/{quote(digest)}")
            self._expect(status, 202, 404)

    def untag(self, tag: str) -> None:
        """
        Lead the tag to an empty image of its own, and delete that.

        The registry deletes manifests only, each with the tags that lead to it.
        """
        config = json.dumps({"removed": secrets.token_hex(16)}).encode()
        config_digest = self._upload(config)
        media_type = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(config),
                "digest": config_digest,
            },
            "layers": [],
        }
        text = json.dumps(manifest).encode()
        self.put(tag, media_type, text)
        self.delete([f"sha256:{hashlib.sha256(text).hexdigest()}"])

    def _upload(self, blob: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        status, answer, _ = self._ask("POST", f"{self._base}/blobs/uploads/")
        self._expect(status, 202)
        location = urlsplit(answer["Location"])
        path = f"{location.path}?{location.query}&digest={quote(digest)}"
        status, _, _ = self._ask("PUT", path, blob, {"Content-Type": "application/octet-stream"})
        self._expect(status, 201)
        return digest
