"""References, what podman tells of an image, and how its failures are worded."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from homeport.runtime.images import PodmanImages, candidates, parse_image, pull_failure
from homeport.runtime.podman import Podman
from homeport.runtime.protocol import Image, ImagePullFailed

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("reference", "names"),
    [
        ("nginx", ("localhost/nginx:latest", "docker.io/library/nginx:latest")),
        ("homeport/web:1", ("localhost/homeport/web:1", "docker.io/homeport/web:1")),
        ("localhost/x", ("localhost/x:latest",)),
        ("127.0.0.1:5000/a/b", ("127.0.0.1:5000/a/b:latest",)),
        (f"public.ecr.aws/x/y@{DIGEST}", (f"public.ecr.aws/x/y@{DIGEST}",)),
        ("1.dkr.ecr.us-east-1.amazonaws.com/a/b:v", ("1.dkr.ecr.us-east-1.amazonaws.com/a/b:v",)),
    ],
)
def test_candidates(reference: str, names: tuple[str, ...]) -> None:
    assert candidates(reference) == names


@pytest.mark.parametrize("reference", ["", "UPPER", "a b", "--help", "x:y:z", "a/../b", "x@sha256:short", "x" * 600])
def test_what_is_no_reference_is_refused(reference: str) -> None:
    with pytest.raises(ImagePullFailed, match="invalid reference format"):
        candidates(reference)


def document(**config: object) -> dict[str, object]:
    data = {"UpperDir": "/s/top/diff", "LowerDir": "/s/middle/diff:/s/base/diff"}
    return {"Id": "abc", "Digest": DIGEST, "Size": 5, "Config": config, "GraphDriver": {"Data": data}}


def test_image_of_an_inspection() -> None:
    image = parse_image(
        document(
            Env=["A=b"],
            Cmd=["c"],
            Entrypoint=["e"],
            User="u",
            WorkingDir="/w",
            StopSignal="SIGQUIT",
            Volumes={"/data": {}},
        )
    )
    layers = tuple(Path(f"/s/{name}/diff") for name in ("top", "middle", "base"))
    assert image == Image("abc", DIGEST, 5, layers, ("c",), ("e",), ("A=b",), "/w", "u", "SIGQUIT", ("/data",))
    assert parse_image(document()).stop_signal == "SIGTERM"


FRAME = "pull image manifest has been retried 1 time(s): failed to resolve ref r/x:y: "


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("initializing source docker://r/x:y: reading manifest y in r/x: manifest unknown", FRAME + "r/x:y: not found"),
        (
            "initializing source docker://r/x:y: reading manifest: unauthorized: authentication required",
            FRAME + "pull access denied, repository does not exist or may require authorization: server message:"
            " insufficient_scope: authorization failed",
        ),
        (
            'initializing source docker://r/x:y: pinging container registry r: Get "https://r/v2/": dial tcp: i/o timeout',
            FRAME + 'failed to do request: Get "https://r/v2/": dial tcp: i/o timeout',
        ),
        (
            "writing blob: storing blob to file: write /x: no space left on device",
            "ref pull has been retried 1 time(s): failed to copy: no space left on device",
        ),
        ("something new", FRAME + "something new"),
    ],
)
def test_pull_failures(words: str, told: str) -> None:
    assert pull_failure("r/x:y", words) == told


STUB = """#!/bin/sh
# A podman with one image, which appears when it is pulled.
echo "$*" >> "$HOME/calls"
case "$1" in
    pull)
        [ -e "$HOME/fails" ] && { echo 'Error: manifest unknown' >&2; exit 125; }
        mkdir -p "$HOME/../storage/overlay-images"
        echo x >> "$HOME/../storage/overlay-images/images.json" ;;
    image)
        [ -e "$HOME/../storage/overlay-images/images.json" ] || { echo 'Error: x: image not known' >&2; exit 125; }
        cat "$HOME/document" ;;
esac
"""


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PodmanImages:
    program = tmp_path / "bin" / "podman"
    program.parent.mkdir()
    program.write_text(STUB)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    made = PodmanImages(tmp_path / "state")
    (tmp_path / "state" / "podman" / "document").write_text(json.dumps([document()]))
    return made


def calls(images: PodmanImages) -> list[str]:
    return (images.podman.state / "podman" / "calls").read_text().splitlines()


async def test_podman_is_asked_once_until_the_store_changes(images: PodmanImages) -> None:
    assert await images.find("r.io/x") is None
    assert await images.find("r.io/x") is None
    assert len(calls(images)) == 1
    await images.pull("r.io/x")
    assert (await images.find("r.io/x")) == parse_image(document())
    assert await images.find("r.io/x") is not None
    assert calls(images)[-2:] == ["pull --quiet -- r.io/x:latest", "image inspect -- r.io/x:latest"]


async def test_simultaneous_pulls_share_the_work_and_the_failure(images: PodmanImages) -> None:
    results = await asyncio.gather(*(images.pull("r.io/x") for _ in range(5)))
    assert len(set(results)) == 1
    assert sum(call.startswith("pull") for call in calls(images)) == 1
    (images.podman.state / "podman" / "fails").touch()
    failures = await asyncio.gather(*(images.pull("r.io/y") for _ in range(5)), return_exceptions=True)
    assert all(isinstance(failure, ImagePullFailed) for failure in failures)
    assert sum(call.startswith("pull") for call in calls(images)) == 2


async def test_cancelled_pull_is_taken_over_by_who_waits(images: PodmanImages) -> None:
    first = asyncio.create_task(images.pull("r.io/x"))
    second = asyncio.create_task(images.pull("r.io/x"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    assert await second == parse_image(document())
    assert first.cancelled()


async def test_passwords_reach_podman_in_a_private_file(tmp_path: Path) -> None:
    podman = Podman(tmp_path)
    podman.use_registries({"1.dkr.ecr": "127.0.0.1:5000"})
    with podman.credentials("1.dkr.ecr.us-east-1.amazonaws.com/x", "AWS", "secret") as arguments:
        path = Path(arguments[1])
        assert path.stat().st_mode & 0o777 == 0o600
        assert set(json.loads(path.read_text())["auths"]) == {"1.dkr.ecr.us-east-1.amazonaws.com", "127.0.0.1:5000"}
        assert "secret" not in " ".join(arguments)
    assert not path.exists()
    with podman.credentials("x", "", "") as arguments:
        assert arguments == []


async def test_registries_are_mapped(images: PodmanImages) -> None:
    images.use_registry(["1.dkr.ecr.us-east-1.amazonaws.com"], "127.0.0.1:5000")
    text = (images.podman.state / "podman" / "registries.conf").read_text()
    assert 'prefix = "1.dkr.ecr.us-east-1.amazonaws.com"\nlocation = "127.0.0.1:5000"\ninsecure = true' in text
