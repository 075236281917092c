"""The Parameter Store as boto3 sees it."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def ssm(api: Any) -> Any:
    return api.client("ssm")


@pytest.fixture
def put(ssm: Any) -> Callable[..., Any]:
    """Make a String: `put("/web/port", "80")`."""

    def make(name: str, value: str = "value", **others: Any) -> Any:
        return ssm.put_parameter(**{"Name": name, "Value": value, "Type": "String"} | others)

    return make
