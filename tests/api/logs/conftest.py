"""CloudWatch Logs as boto3 sees it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def logs(api: Any) -> Any:
    return api.client("logs")


@pytest.fixture
def now() -> int:
    return int(time.time() * 1000)


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """Call an operation that must fail, and return its error: code and message."""

    def call(operation: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**arguments)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return call
