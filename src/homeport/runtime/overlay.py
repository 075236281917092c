"""A container's root: an overlay over the image's layers that leaves no mount behind."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from homeport.kit import linux

# The kernel copies one page of options, with the terminating zero.
OPTIONS_LIMIT = 4095


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def plan_options(layers: Sequence[str], upper: Path, work: Path) -> str:
    """
    Return the mount options of an overlay, topmost layer first.

    `volatile`: what a container wrote need not survive the machine, so its fsync costs nothing
    and its end never waits for the disk.  It asks for an empty work directory at each mount.
    """
    lower = ":".join(_escape(layer) for layer in layers)
    return f"lowerdir={lower},upperdir={_escape(str(upper))},workdir={_escape(str(work))},volatile"


@contextlib.contextmanager
def mounted(layers: Sequence[Path], upper: Path, work: Path, target: Path) -> Iterator[None]:
    """
    Mount the overlay at *target* for as long as the context lasts.

    A container made meanwhile keeps the overlay through its own mount namespace.  The calling
    thread must have left the process's mount namespace: its working directory may change.
    """
    options = plan_options([str(layer) for layer in layers], upper, work)
    if len(options) > OPTIONS_LIMIT:
        options = plan_options(_short_names(layers, target.parent), upper, work)
    linux.mount("overlay", target, "overlay", options=options)
    try:
        yield
    finally:
        linux.unmount(target)


def _short_names(layers: Sequence[Path], directory: Path) -> list[str]:
    """Link each layer into *directory* under its number and go there, so that names are a few bytes long."""
    links = directory / "layers"
    links.mkdir(exist_ok=True)
    for number, layer in enumerate(layers):
        with contextlib.suppress(FileExistsError):
            (links / str(number)).symlink_to(layer)
    os.chdir(links)
    return [str(number) for number in range(len(layers))]
