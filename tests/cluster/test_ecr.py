"""An image goes from a developer's podman through ECR into a task."""

import base64
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from tests.cluster.conftest import Lab

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def podman(*arguments: str, folder: Path) -> str:
    """Run podman on a store of this test's own."""
    store = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "overlay"]
    result = subprocess.run(
        ["podman", *store, "--cgroup-manager", "cgroupfs", *arguments],
        env={**os.environ, "REGISTRY_AUTH_FILE": str(folder / "auth.json")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a short path: podman takes no long one."""
    with tempfile.TemporaryDirectory(prefix="ecr-", dir="/var/tmp") as path:
        yield Path(path)


def push(folder: Path, recipe: str) -> str:
    """Build an image of busybox and *recipe*, push it, and return its repository's name."""
    ecr = boto3.client("ecr")
    name = f"tests/{uuid4().hex[:8]}"
    repository = ecr.create_repository(repositoryName=name)["repository"]["repositoryUri"]
    context = folder / "context"
    context.mkdir()
    (context / "busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (context / "busybox").chmod(0o755)
    (context / "Containerfile").write_text(f"FROM scratch\nCOPY busybox /bin/busybox\n{recipe}\n")
    build = ["build", "--quiet", "--format", "docker", "--isolation", "chroot"]
    podman(*build, "-t", f"{repository}:v1", str(context), folder=folder)
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, password = base64.b64decode(token).decode().split(":", 1)
    registry = repository.split("/")[0]
    podman("login", "--tls-verify=false", "-u", user, "-p", password, registry, folder=folder)
    podman("push", "--quiet", "--tls-verify=false", f"{repository}:v1", folder=folder)
    return name


@pytest.fixture
def pushed(folder: Path) -> str:
    """Give the repository of an image with a word of its own in it."""
    return push(folder, "ENV WORD=pushed")


@pytest.mark.parametrize("form", ["local", "amazon", "digest"])
def test_a_pushed_image_runs(lab: Lab, pushed: str, form: str) -> None:
    ecr = boto3.client("ecr")
    repository = ecr.describe_repositories(repositoryNames=[pushed])["repositories"][0]["repositoryUri"]
    digest = ecr.describe_images(repositoryName=pushed)["imageDetails"][0]["imageDigest"]
    image = {
        "local": f"{repository}:v1",
        "amazon": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{pushed}:v1",
        "digest": f"{repository}@{digest}",
    }[form]
    container = {"name": "main", "image": image, "entryPoint": ["/bin/busybox", "sh", "-c"], "command": ["echo $WORD"]}
    arn = lab.run(lab.define(container))
    task = lab.stopped(arn)
    assert task["stopCode"] == "EssentialContainerExited", task
    assert task["containers"][0]["imageDigest"] == digest
    assert lab.lines(arn, "main") == ["pushed"]


def test_a_tag_that_is_not_there_is_told(lab: Lab, pushed: str) -> None:
    image = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{pushed}:absent"
    task = lab.stopped(lab.run(lab.define({"name": "main", "image": image})))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert image in task["stoppedReason"]
