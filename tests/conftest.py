"""
What every test shares: async tests without a plugin, and profiles for Hypothesis.

The examples of a property are the same in every run, so that whether the tests pass is not a matter of chance; others are
looked for by `pytest --hypothesis-profile explore tests/property`.
"""

import asyncio
import inspect
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

for name, derandomize in (("default", True), ("explore", False)):
    settings.register_profile(
        name, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=derandomize
    )
settings.load_profile("default")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test in an event loop of its own; tasks it leaves behind are cancelled with it."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names if name in pyfuncitem.funcargs}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True
