"""
Images that are made here: for machines without a registry, and for the demo.

`build` and `load` put an image into a store; a task then names it without a registry.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from homeport.runtime.busybox import find_busybox, install_busybox
from homeport.runtime.podman import Podman
from homeport.runtime.protocol import RuntimeFailed

DEMO_IMAGE = "homeport/web"
_HERE = Path(__file__).parent.parent
# Inside an installed package, or beside the sources.
_RECIPES = (_HERE / "images" / "web", _HERE.parent.parent / "images" / "web")
_PLACES = {  # file of the recipe -> where it stands in the image, and its mode
    "serve": ("bin/serve", 0o755),
    "index.cgi": ("www/cgi-bin/index.cgi", 0o755),
    "passwd": ("etc/passwd", 0o644),
    "group": ("etc/group", 0o644),
}


async def build(context: Path, tag: str, store: Podman, *, containerfile: Path | None = None) -> str:
    """
    Build the image of *context* as *tag* and return its id.  Raises RuntimeFailed.

    Build steps run chrooted, which works as root everywhere, also where crun would refuse the machine.
    """
    arguments = ["build", "--quiet", "--isolation", "chroot", "--tag", tag]
    if containerfile is not None:
        arguments += ["--file", str(containerfile)]
    return (await store.call([*arguments, "--", str(context)])).strip().splitlines()[-1]


async def load(archive: Path, store: Podman) -> list[str]:
    """Take the images of a docker or OCI archive into *store* and return their names.  Raises RuntimeFailed."""
    printed = await store.call(["load", "--quiet", "--input", str(archive)])
    lines = (line.partition(":")[2].strip() for line in printed.splitlines() if line.startswith("Loaded image"))
    return [name.strip() for line in lines for name in line.split(",")]


async def ensure_demo_image(directory: Path) -> None:
    """
    Have homeport/web in the store at *directory*, built of this machine's busybox; quick if it is there.

    Several installations may call it at once for a store that they share.
    """
    demo = await asyncio.to_thread(_find_demo, directory)
    if await asyncio.to_thread(demo.mark.exists):
        return
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, _exclusively(demo.lock))
        if await asyncio.to_thread(demo.mark.exists):
            return
        with tempfile.TemporaryDirectory(dir=demo.store.state) as context:
            await asyncio.to_thread(_assemble, demo, Path(context))
            await build(Path(context), demo.tag, demo.store, containerfile=demo.recipe / "Containerfile")
        await demo.store.call(["tag", demo.tag, f"{DEMO_IMAGE}:latest"])
        demo.mark.touch()


@dataclass(frozen=True, slots=True)
class _Demo:
    """What the demo image is made of, and where one puts it."""

    store: Podman
    busybox: Path
    recipe: Path
    fingerprint: str

    @property
    def tag(self) -> str:
        return f"{DEMO_IMAGE}:{self.fingerprint}"

    @property
    def mark(self) -> Path:
        """Stands once this very image is in the store: looking costs no process."""
        return self.store.state / "podman" / f"demo-{self.fingerprint}"

    @property
    def lock(self) -> Path:
        return self.store.state / "podman" / "build.lock"


def _find_demo(directory: Path) -> _Demo:
    recipe = next((path for path in _RECIPES if path.is_dir()), None)
    if recipe is None:
        raise RuntimeFailed("the recipe of the demo image is missing from this installation")
    busybox = find_busybox()
    return _Demo(Podman(directory.absolute()), busybox, recipe, _fingerprint(recipe, busybox))


def _fingerprint(recipe: Path, busybox: Path) -> str:
    digest = hashlib.sha256()
    for path in (busybox, recipe / "Containerfile", *(recipe / name for name in _PLACES)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def _exclusively(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _assemble(demo: _Demo, context: Path) -> None:
    """Lay out the image's root under *context*."""
    root = context / "root"
    for directory, mode in (("bin", 0o755), ("etc", 0o755), ("www/cgi-bin", 0o755), ("root", 0o700), ("tmp", 0o1777)):
        (root / directory).mkdir(parents=True)
        (root / directory).chmod(mode)
    install_busybox(demo.busybox, root)
    for name, (place, mode) in _PLACES.items():
        shutil.copy(demo.recipe / name, root / place)
        (root / place).chmod(mode)
    (root / "www" / "healthz").write_text("ok\n")
