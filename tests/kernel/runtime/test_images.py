"""Images out of a real registry, out of archives and out of a Containerfile."""

import asyncio
import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.kernel.runtime.test_containers import says
from tests.ports import free_port
from tests.unit.runtime.contract import Bench

from homeport.runtime.build import build, ensure_demo_image, load
from homeport.runtime.images import PodmanImages
from homeport.runtime.machine import get_program
from homeport.runtime.protocol import ImagePullFailed, RuntimeFailed

pytestmark = pytest.mark.kernel

NAME = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@dataclass
class Registry:
    location: str


@pytest.fixture
def registry(box: None, tmp_path: Path) -> Iterator[Registry]:
    """Run a registry on loopback that lets only AWS with the password `word` in."""
    port = free_port()
    salted = subprocess.run(
        ["perl", "-e", 'print crypt("word", q($2y$05$abcdefghijklmnopqrstuu))'],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    (tmp_path / "htpasswd").write_text(f"AWS:{salted}\n")
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "blobs")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {"htpasswd": {"realm": "r", "path": str(tmp_path / "htpasswd")}},
    }
    (tmp_path / "registry.json").write_text(json.dumps(settings))
    process = subprocess.Popen(
        [get_program("docker-registry", "docker-registry"), "serve", str(tmp_path / "registry.json")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            assert process.poll() is None, "the registry ended"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield Registry(f"127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def images(tmp_path: Path, store: Path, registry: Registry) -> PodmanImages:
    """Return a store whose registry holds web:1."""
    made = PodmanImages(tmp_path / "pushing", store)
    made.use_registry([NAME], registry.location)

    async def push() -> None:
        name = f"{registry.location}/team/web:1"
        await made.podman.call(["tag", "homeport/web", name])
        with made.podman.credentials(name, "AWS", "word") as arguments:
            await made.podman.call(["push", "--quiet", "--tls-verify=false", *arguments, name])

    asyncio.run(push())
    fresh = PodmanImages(tmp_path / "pulling")
    fresh.use_registry([NAME], registry.location)
    return fresh


async def test_pull_by_tag_then_by_digest(images: PodmanImages, bench: Bench) -> None:
    name = f"{NAME}/team/web"
    assert await images.find(f"{name}:1") is None
    pulled = await images.pull(f"{name}:1", username="AWS", password="word")
    assert await images.find(f"{name}:1") == pulled
    assert pulled.digest.startswith("sha256:")
    by_digest = await images.pull(f"{name}@{pulled.digest}", username="AWS", password="word")
    assert by_digest.id == pulled.id
    assert pulled.command == ("/bin/serve",)
    assert await says(bench, "echo it runs", image=pulled) == "it runs"
    assert list((images.podman.state / "podman").glob("auth-*")) == []


async def test_what_cannot_be_pulled(images: PodmanImages) -> None:
    with pytest.raises(ImagePullFailed, match=f"failed to resolve ref {NAME}/team/web:2: {NAME}/team/web:2: not found"):
        await images.pull(f"{NAME}/team/web:2", username="AWS", password="word")
    with pytest.raises(ImagePullFailed, match="pull access denied, repository does not exist or may require auth"):
        await images.pull(f"{NAME}/team/web:1", username="AWS", password="wrong")
    with pytest.raises(ImagePullFailed, match="pull access denied"):
        await images.pull(f"{NAME}/team/web:1")


async def test_shared_images_need_no_pull(store: Path, tmp_path: Path) -> None:
    stores = [PodmanImages(tmp_path / name, store) for name in ("one", "two")]
    found = await asyncio.gather(*(each.pull("homeport/web:latest") for each in stores))
    assert found[0] == found[1]
    assert all(store in layer.parents for layer in found[0].layers)
    await asyncio.gather(*(ensure_demo_image(store) for _ in range(3)))
    assert await stores[0].find("homeport/web") == found[0]


async def test_build_save_and_load(tmp_path: Path, store: Path, bench: Bench) -> None:
    here, there = (PodmanImages(tmp_path / name, store) for name in ("here", "there"))
    context = tmp_path / "context"
    context.mkdir()
    (context / "Containerfile").write_text(
        "FROM localhost/homeport/web\nRUN echo built > /proof && rm /www/healthz\nUSER web\nWORKDIR /tmp\n"
        'STOPSIGNAL SIGQUIT\nENTRYPOINT ["/bin/cat"]\nCMD ["/proof"]\nENV COLOUR=blue\nVOLUME /data\n'
    )
    await build(context, "mine:1", here.podman)
    image = await here.find("mine:1")
    assert image is not None
    assert len(image.layers) >= 2
    assert (image.user, image.working_directory, image.stop_signal) == ("web", "/tmp", "SIGQUIT")
    assert (image.entry_point, image.command, image.volumes) == (("/bin/cat",), ("/proof",), ("/data",))
    assert "COLOUR=blue" in image.environment
    assert await says(bench, "cat /proof; ls /www", image=image) == "built\ncgi-bin"
    archive = tmp_path / "mine.tar"
    await here.podman.call(["save", "--quiet", "--output", str(archive), "mine:1"])
    assert await load(archive, there.podman) == ["localhost/mine:1"]
    loaded = await there.find("mine:1")
    assert loaded is not None
    assert loaded.id == image.id


async def test_failing_build_says_why(tmp_path: Path, store: Path) -> None:
    (tmp_path / "Containerfile").write_text("FROM localhost/homeport/web\nRUN exit 3\n")
    with pytest.raises(RuntimeFailed, match="exit status 3"):
        await build(tmp_path, "bad", PodmanImages(tmp_path / "s", store).podman)


METADATA = {
    "": {"Name": "web", "Networks": [{"PrivateDNSName": "ip-172-31-0-9.ec2.internal"}]},
    "/task": {
        "TaskARN": "arn:aws:ecs:x:1:task/c/1",
        "Family": "f<b>",
        "Revision": "7",
        "AvailabilityZone": "us-east-1a",
    },
}


async def test_demo_page_shows_what_the_metadata_endpoint_says(bench: Bench) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode()
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(METADATA[path.removeprefix("/v4/x")]).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()

    async def get(path: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        text = (await reader.read()).decode()
        writer.close()
        return text

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    metadata = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v4/x"
    port = free_port()
    await bench.run(
        "a", bench.image.command, environment={"PORT": str(port), "ECS_CONTAINER_METADATA_URI_V4": metadata}
    )

    async def up() -> None:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            await asyncio.sleep(0.01)

    await asyncio.wait_for(up(), 60)
    page = await get("/")
    assert page.startswith("HTTP/1.1 200 OK")
    assert "text/html" in page
    for text in (
        "arn:aws:ecs:x:1:task/c/1",
        "f&lt;b&gt;:7",
        "<td>web</td>",
        "ip-172-31-0-9.ec2.internal",
        "us-east-1a",
    ):
        assert text in page
    assert (await get("/healthz")).endswith("\r\n\r\nok\n")
    await bench.runtime.signal("a", "SIGTERM")
    assert (await asyncio.wait_for(bench.runtime.wait("a"), 60)).code == 0
    log = [line.split(" ", 3)[3] for line in (bench.logs / "a.log").read_text().splitlines()]
    assert log[0] == f"listening on port {port}"
    assert len([line for line in log if line.endswith("GET /")]) == 1
    assert len([line for line in log if line.endswith("response:200")]) == 1
    server.close()
