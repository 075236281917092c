"""The real runtime keeps the contract."""

from tests.unit.runtime.contract import RuntimeContract


class TestOci(RuntimeContract):
    pass
