"""Each test has a machine of its own: a network namespace without a way out, in which the network is made."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.network.vpclab import Lab

from homeport.kit import linux
from homeport.network.kernel import KernelNetwork


@pytest.fixture
def machine(box: None) -> Iterator[None]:
    """Live in a fresh network namespace."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    linux.unshare(linux.CLONE_NEWNET)
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        linux.setns(home, linux.CLONE_NEWNET)
        os.close(home)


@pytest.fixture
def lab(machine: None, tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path, KernelNetwork(tmp_path))
    try:
        yield made
    finally:
        for opened in made.sockets:
            opened.close()
        asyncio.run(made.driver.destroy())
        asyncio.run(made.driver.close())
