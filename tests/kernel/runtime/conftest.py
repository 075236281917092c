"""Real containers, inside a box: no way out, cgroups of the test's own, nothing left behind."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cgroups import fresh_cgroup_root
from tests.unit.runtime.contract import Bench

from homeport.runtime.build import ensure_demo_image
from homeport.runtime.images import PodmanImages
from homeport.runtime.oci import OciRuntime
from homeport.runtime.protocol import Image


@pytest.fixture(scope="session")
def store(box: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store")
    asyncio.run(ensure_demo_image(path))
    return path


@pytest.fixture(scope="session")
def web(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Image:
    image = asyncio.run(PodmanImages(tmp_path_factory.mktemp("images"), store).find("homeport/web"))
    assert image is not None
    return image


@pytest.fixture
def cgroup_root(box: None) -> str:
    return fresh_cgroup_root()


@pytest.fixture
def bench(tmp_path: Path, web: Image, cgroup_root: str) -> Iterator[Bench]:
    made: list[OciRuntime] = []

    def reborn() -> OciRuntime:
        made.append(OciRuntime(tmp_path / "state", tmp_path / "run", cgroup_root))
        return made[-1]

    runtime = reborn()
    try:
        yield Bench(runtime, reborn, web, tmp_path)
    finally:
        asyncio.run(runtime.destroy())
        for each in made:
            each.close()
        assert not list(Path("/sys/fs/cgroup").glob(f"*/{cgroup_root}"))
