"""Run the agent on the kernel's network and the OCI runtime, with one image that is a directory."""

import asyncio
import logging
import sys
from collections.abc import Iterable
from pathlib import Path

import uvloop

from homeport.network.kernel import KernelNetwork
from homeport.node.agent import Drivers, destroy, run
from homeport.node.config import NodeConfig
from homeport.runtime.oci import OciRuntime
from homeport.runtime.protocol import Image, ImagePullFailed


class Directory:
    """An image store with one image, called "busybox"."""

    def __init__(self, root: Path) -> None:
        self._image = Image("sha256:b0", "sha256:b1", 1, (root,), command=("sh",), environment=("FROM_IMAGE=1",))

    async def find(self, reference: str) -> Image | None:
        return self._image if reference == "busybox" else None

    async def pull(self, reference: str, *, username: str = "", password: str = "") -> Image:
        raise ImagePullFailed(f"{reference} is not here, and there is no registry")

    def use_registry(self, names: Iterable[str], location: str) -> None:
        """There is none."""


def config(folder: Path, cgroup_root: str) -> NodeConfig:
    return NodeConfig(
        name="n",
        state=folder / "state",
        run=folder / "run",
        server_socket=folder / "wire.sock",
        cgroup_root=cgroup_root,
        shared_images=folder / "images",
        registry="127.0.0.1:4567",
        gateway=str(folder / "api.sock"),
        public_pool="198.18.0.0/16",
        resolver="",
        region="us-east-1",
    )


def drivers(settings: NodeConfig, root: Path) -> Drivers:
    return Drivers(
        network=KernelNetwork(settings.run, settings.public_pool),
        runtime=OciRuntime(settings.state / "runtime", settings.run / "runtime", settings.cgroup_root),
        images=Directory(root),
    )


def main() -> None:
    folder, root, cgroup_root, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = config(folder, cgroup_root)
    if what == "destroy":
        asyncio.run(destroy(settings, drivers(settings, root)))
    else:
        uvloop.run(_run(settings, root))


async def _run(settings: NodeConfig, root: Path) -> None:
    await run(settings, drivers(settings, root))


if __name__ == "__main__":
    main()
