"""The kernel's network keeps what every driver promises."""

import pytest
from tests.unit.network.promises import Make, NetworkPromises

from homeport.network.kernel import KernelNetwork

pytestmark = pytest.mark.kernel


class TestKernelNetwork(NetworkPromises):
    """The same suite as the fake's."""

    @pytest.fixture
    def make(self, machine: None) -> Make:
        return lambda run: KernelNetwork(run)
