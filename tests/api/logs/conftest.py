"""CloudWatch Logs as boto3 sees it."""

import time
from typing import Any

import pytest


@pytest.fixture
def logs(api: Any) -> Any:
    return api.client("logs")


@pytest.fixture
def now() -> int:
    return int(time.time() * 1000)
