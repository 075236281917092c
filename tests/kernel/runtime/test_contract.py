"""The real runtime keeps the contract."""

import pytest
from tests.unit.runtime.contract import RuntimeContract

pytestmark = pytest.mark.kernel


class TestOci(RuntimeContract):
    pass
