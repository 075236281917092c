"""Each test has a network of its own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.network.vpclab import Lab

from homeport.network.kernel import KernelNetwork


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
