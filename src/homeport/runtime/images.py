"""
Images by reference, in podman's storage.

podman is asked once per reference and state of the store, so a launch finds its image without a
process being started.
"""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from homeport.runtime.podman import Podman, PodmanFailed
from homeport.runtime.protocol import Image, ImagePullFailed

_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
_NOT_HERE = ("image not known", "no such image", "failed to find image")


def candidates(reference: str) -> tuple[str, ...]:
    """
    Return the full names that *reference* may stand for, in the order in which they are tried.

    Without a registry it is an image made on this machine, then one of Docker Hub.  Raises ImagePullFailed
    for what is not a reference.
    """
    if not _REFERENCE.fullmatch(reference) or len(reference) > 512:
        raise ImagePullFailed(f"invalid reference format: {reference}")
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        names: tuple[str, ...] = (reference,)
    else:
        hub = f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"
        names = (f"localhost/{reference}", hub)
    tagged = "@" in reference or ":" in reference.rpartition("/")[2]
    return names if tagged else tuple(f"{name}:latest" for name in names)


def parse_image(document: Mapping[str, Any]) -> Image:
    """Make an Image of one entry of `podman image inspect`."""
    config = document.get("Config") or {}
    layers = document["GraphDriver"]["Data"]
    lower = [path for path in (layers.get("LowerDir") or "").split(":") if path]
    return Image(
        id=document["Id"],
        digest=document.get("Digest") or "",
        size=document.get("Size") or 0,
        layers=tuple(Path(path) for path in (layers["UpperDir"], *lower)),
        command=tuple(config.get("Cmd") or ()),
        entry_point=tuple(config.get("Entrypoint") or ()),
        environment=tuple(config.get("Env") or ()),
        working_directory=config.get("WorkingDir") or "",
        user=config.get("User") or "",
        stop_signal=config.get("StopSignal") or "SIGTERM",
        volumes=tuple(config.get("Volumes") or ()),
        exposed_ports=tuple(config.get("ExposedPorts") or ()),
    )


def pull_failure(reference: str, words: str) -> str:
    """
    Word a failed pull as Fargate does, after its "CannotPullContainerError: ".

    The frame is AWS's; which cause it names for which failure is known from public reports only.
    """
    low = words.lower()
    if "manifest unknown" in low or "not found" in low or "name unknown" in low:
        cause = f"{reference}: not found"
    elif any(word in low for word in ("unauthorized", "denied", "authentication required", "invalid username")):
        cause = (
            "pull access denied, repository does not exist or may require authorization:"
            " server message: insufficient_scope: authorization failed"
        )
    elif "no space left on device" in low:
        return f"ref pull has been retried 1 time(s): failed to copy: {words.rpartition(': ')[2]}"
    elif found := re.search(r'(?:pinging container registry \S+: )?((?:Get|Head) "[^"]+": .*)', words):
        cause = f"failed to do request: {found[1]}"
    else:
        cause = words
    return f"pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: {cause}"


class PodmanImages:
    """
    The Images of this machine, in a store of our own under *state*.

    *shared* is a store that several installations on one machine read: what is in it need not be pulled
    or built for each.
    """

    def __init__(self, state: Path, shared_store: Path | None = None) -> None:
        self.podman = Podman(state.absolute(), shared_store.absolute() if shared_store else None)
        self._known: dict[str, Image | None] = {}
        self._signature: object = None
        self._flights: dict[tuple[str, str, str], asyncio.Future[Image]] = {}

    def use_registry(self, prefixes: Iterable[str], location: str) -> None:
        """Fetch references that begin with one of *prefixes* from *location*, HOST:PORT, over plain HTTP."""
        self.podman.use_registries(dict.fromkeys(prefixes, location))

    async def find(self, reference: str) -> Image | None:
        for name in candidates(reference):
            if (image := await self._find(name)) is not None:
                return image
        return None

    async def _find(self, name: str) -> Image | None:
        signature = self.podman.signature()
        if signature != self._signature:
            self._known.clear()
            self._signature = signature
        if name in self._known:
            return self._known[name]
        try:
            documents = json.loads(await self.podman.call(["image", "inspect", "--", name]))
        except PodmanFailed as error:
            if not any(words in str(error) for words in _NOT_HERE):
                raise
            image = None
        else:
            image = parse_image(documents[0])
        if self._signature == signature == self.podman.signature():  # else the answer may be of an older store
            self._known[name] = image
        return image

    async def pull(self, reference: str, *, username: str = "", password: str = "") -> Image:
        key = (reference, username, password)
        while (flight := self._flights.get(key)) is not None:
            try:
                return await asyncio.shield(flight)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not flight.cancelled() or (task is not None and task.cancelling()):
                    raise
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            image = await self._pull(reference, username, password)
        except ImagePullFailed as error:
            flight.set_exception(error)
            flight.exception()  # there may be nobody else to take it
            raise
        except BaseException:
            flight.cancel()  # whoever waited pulls for himself
            raise
        else:
            flight.set_result(image)
            return image
        finally:
            del self._flights[key]

    async def _pull(self, reference: str, username: str, password: str) -> Image:
        names = candidates(reference)
        here = await self.find(reference)
        if here is not None and (len(names) > 1 or "@" in reference):
            return here  # made on this machine, or named by its content
        name = names[-1]
        try:
            with self.podman.credentials(name, username, password) as arguments:
                await self.podman.call(["pull", "--quiet", *arguments, "--", name])
        except PodmanFailed as error:
            raise ImagePullFailed(pull_failure(name, str(error))) from error
        image = await self._find(name)
        if image is None:
            raise ImagePullFailed(f"{name} vanished from the image store after it was pulled")
        return image
