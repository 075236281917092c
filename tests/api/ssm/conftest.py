"""The Parameter Store as boto3 sees it."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def ssm(api: Any) -> Any:
    return api.client("ssm")


@pytest.fixture
def put(ssm: Any) -> Callable[..., Any]:
    """Make a String: `put("/web/port", "80")`."""

    def make(name: str, value: str = "value", **others: Any) -> Any:
        return ssm.put_parameter(**{"Name": name, "Value": value, "Type": "String"} | others)

    return make


@pytest.fixture
def refused() -> Callable[..., tuple[str, str]]:
    """Call an operation that must fail, and return its error: code and message."""

    def call(operation: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            operation(**arguments)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return call
