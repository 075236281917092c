"""Tests on a real kernel run as root, in a box of namespaces from which no packet can leave."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeport.kit import linux


@pytest.fixture(scope="session")
def box() -> None:
    """Refuse to run where packets could leave."""
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    if os.geteuid() != 0 or any(line.split()[1] == "00000000" for line in routes):
        pytest.skip("needs root, inside a network namespace without a default route")


@pytest.fixture
def machine(box: None) -> Iterator[None]:
    """
    Live in a fresh network namespace, without a way out.

    A network makes and removes what a machine has once, such as its link to the internet: in a namespace that is shared
    it would be that of the lab around us, or of another worker's test.
    """
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    linux.unshare(linux.CLONE_NEWNET)
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        linux.setns(home, linux.CLONE_NEWNET)
        os.close(home)
