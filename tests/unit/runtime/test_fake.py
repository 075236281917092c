"""The stand-in keeps the contract, and does what its scripts say."""

from pathlib import Path

import pytest
from tests.unit.runtime.contract import EXIT_3, FAILS, FOREVER, Bench, RuntimeContract

from homeport.runtime.fake import FakeImages, FakeRuntime, Program, fake_image
from homeport.runtime.protocol import ExecResult, ImagePullFailed, RuntimeFailed


def scripted(runtime: FakeRuntime) -> FakeRuntime:
    runtime.programs = {
        EXIT_3: Program(exit_codes=(3, 3), output=("three",)),
        FOREVER: Program(ignores=("SIGTERM",)),
    }
    runtime.commands = {FAILS: ExecResult(7, "")}
    return runtime


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    runtime = scripted(FakeRuntime())
    return Bench(runtime, lambda: scripted(FakeRuntime(world=runtime.world)), fake_image(), tmp_path)


class TestFake(RuntimeContract):
    pass


async def test_scripted_failures(bench: Bench) -> None:
    assert isinstance(bench.runtime, FakeRuntime)
    bench.runtime.programs[("x",)] = Program(create_failure="no room")
    bench.runtime.programs[("y",)] = Program(start_failure="no such file")
    with pytest.raises(RuntimeFailed, match="no room"):
        await bench.run("a", ("x",))
    with pytest.raises(RuntimeFailed, match="no such file"):
        await bench.run("b", ("y",))


async def test_pull_makes_an_image_local() -> None:
    images = FakeImages(remote={"web": fake_image()}, failures={"bad": "no route"})
    assert await images.find("web") is None
    pulled = await images.pull("web", username="u", password="p")
    assert await images.find("web") == pulled
    assert images.pulls == [("web", "u", "p")]
    with pytest.raises(ImagePullFailed, match="no route"):
        await images.pull("bad")
    with pytest.raises(ImagePullFailed, match="failed to resolve ref nope: nope: not found"):
        await images.pull("nope")
