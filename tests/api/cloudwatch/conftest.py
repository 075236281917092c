"""CloudWatch as boto3 sees it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def cloudwatch(api: Any) -> Any:
    return api.client("cloudwatch")


@pytest.fixture
def minute() -> int:
    """Return the start of a minute that has ended, half an hour ago."""
    return int(time.time()) // 60 * 60 - 1_800


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """Call an operation that must fail, and return its error: code and message."""

    def call(operation: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**arguments)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return call
