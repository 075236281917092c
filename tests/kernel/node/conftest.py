"""A real agent on a real kernel, and a server in the test's own process that tells it what to run."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

BUSYBOX = Path("/bin/busybox")


@pytest.fixture(autouse=True)
def own_machine(machine: None) -> None:
    """Agents here are none of the lab's: each has a machine to itself."""


@pytest.fixture(scope="session")
def root_filesystem(box: None) -> Iterator[Path]:
    """A root filesystem of nothing but a static busybox."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        for name in ("bin", "etc", "tmp", "proc", "sys", "dev"):
            (root / name).mkdir(parents=True)
        shutil.copy(BUSYBOX, root / "bin/busybox")
        for name in (
            "sh",
            "sleep",
            "wget",
            "nc",
            "cat",
            "nslookup",
            "hostname",
            "id",
            "ip",
            "dd",
            "env",
            "true",
            "false",
            "cut",
            "grep",
        ):
            (root / "bin" / name).symlink_to("busybox")
        (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\n")
        yield root
