"""ECR with a real registry behind it, on loopback, and skopeo as its client."""

import base64
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ports import free_port

from homeport.kit.clock import SystemClock
from homeport.node.registry import Registry, RegistrySettings
from homeport.services.ecr.authority import Authority
from homeport.services.ecr.tokens import TokenService, load_or_create

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def write_image(folder: Path, content: bytes) -> str:
    """Write an image with one file in one layer as an OCI layout, and return its manifest's digest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> dict[str, Any]:
        name = hashlib.sha256(data).hexdigest()
        (blobs / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as layer:
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        layer.addfile(entry, io.BytesIO(content))
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/file"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain.getvalue()).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **put(json.dumps(config).encode())},
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                **put(gzip.compress(plain.getvalue(), mtime=0)),
            }
        ],
    }
    described = {"mediaType": OCI_MANIFEST, **put(json.dumps(manifest).encode())}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return str(described["digest"])


class Ecr:
    """One test's registry, the API in front of it, and a client's tools."""

    def __init__(self, api: Any, tmp_path: Path, registry: Registry, authority: Authority, port: int) -> None:
        self.api = api
        self.client = api.client("ecr")
        self.registry = registry
        self.authority = authority
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.folder = tmp_path
        self._images: dict[bytes, Path] = {}
        self.digests: dict[bytes, str] = {}

    def settings(self) -> RegistrySettings:
        return RegistrySettings(
            realm=f"{self.api.url}/registry/token",
            certificate=self.authority.certificate,
            password=self.authority.node_password(),
        )

    def password(self) -> str:
        data = self.client.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        assert user == "AWS"
        return password

    def image(self, content: bytes) -> Path:
        if content not in self._images:
            folder = self.folder / f"image-{len(self._images)}"
            self.digests[content] = write_image(folder, content)
            self._images[content] = folder
        return self._images[content]

    def skopeo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["skopeo", *arguments], capture_output=True, text=True, timeout=120, check=False)

    def push(self, name: str, content: bytes, *, password: str | None = None) -> subprocess.CompletedProcess[str]:
        """Push an image made of *content* as NAME:TAG."""
        return self.skopeo(
            *("copy", "--dest-tls-verify=false", f"--dest-creds=AWS:{password or self.password()}"),
            *(f"oci:{self.image(content)}", f"docker://{self.address}/{name}"),
        )

    def pull(self, name: str, *, password: str | None = None) -> subprocess.CompletedProcess[str]:
        target = self.folder / "pulled"
        shutil.rmtree(target, ignore_errors=True)
        return self.skopeo(
            *("copy", "--src-tls-verify=false", f"--src-creds=AWS:{password or self.password()}"),
            *(f"docker://{self.address}/{name}", f"dir:{target}"),
        )

    def pushed(self, name: str, content: bytes) -> str:
        """Push, and return the digest."""
        done = self.push(name, content)
        assert done.returncode == 0, done.stderr
        return self.digests[content]


@pytest.fixture
def ecr(api: Any, api_server: Any, tmp_path: Path) -> Iterator[Ecr]:
    port = free_port()
    clock = SystemClock()

    async def prepare() -> tuple[Registry, Authority]:
        authority = await load_or_create(api.database, clock, f"127.0.0.1:{port}")
        return Registry(tmp_path / "registry", f"127.0.0.1:{port}"), authority

    registry, authority = api_server.run(prepare())
    gateway = api_server.gateway
    tokens = TokenService(api.database, clock, authority, account=api.account)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await (tokens if scope["path"].startswith("/registry/") else gateway)(scope, receive, send)

    api_server.gateway = answer
    ecr = Ecr(api, tmp_path, registry, authority, port)
    api_server.run(registry.start(ecr.settings()))
    yield ecr
    api_server.run(registry.destroy())


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait for a level: what the registry reports arrives a moment after the push was answered."""

    def wait(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not reached():
            assert time.monotonic() < deadline, "it never came about"

    return wait
