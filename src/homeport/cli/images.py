"""`homeport image`: images on this machine without a registry, for `homeport up` and for every lab."""

import asyncio
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from homeport.kit.installation import Installation, read
from homeport.runtime import build as images
from homeport.runtime.podman import Podman
from homeport.runtime.protocol import RuntimeFailed

T = TypeVar("T")


def _store() -> Path:
    """Return the store that every installation on this machine reads."""
    return Path((read() or Installation()).shared_images)


def _attempt(work: Awaitable[T]) -> T | None:
    """Wait for *work*, or say why it failed."""

    async def waiting() -> T:
        return await work

    try:
        return asyncio.run(waiting())
    except RuntimeFailed as failure:
        print(f"homeport: {failure}", file=sys.stderr)
        return None


def build(context: str, tag: str) -> int:
    """Build a folder's Containerfile and print the image's id."""
    built = _attempt(images.build(Path(context), tag, Podman(_store())))
    if built is None:
        return 1
    print(f"{tag} {built[:12]}")
    return 0


def load(archive: str) -> int:
    """Load an archive and print the names of its images."""
    names = _attempt(images.load(Path(archive), Podman(_store())))
    if names is None:
        return 1
    print("\n".join(names))
    return 0


def demo() -> int:
    """Have the demo image, as the recipe of this installation makes it."""

    async def ensure() -> bool:
        await images.ensure_demo_image(_store())
        return True

    return 0 if _attempt(ensure()) else 1
