"""CloudWatch as boto3 sees it."""

import time
from typing import Any

import pytest


@pytest.fixture
def cloudwatch(api: Any) -> Any:
    return api.client("cloudwatch")


@pytest.fixture
def minute() -> int:
    """Return the start of a minute that has ended, half an hour ago."""
    return int(time.time()) // 60 * 60 - 1_800
