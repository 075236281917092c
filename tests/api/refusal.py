"""What a client is told of a call that fails."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refusal(call: Callable[..., Any], *positional: Any, **arguments: Any) -> tuple[str, str]:
    """Return code and sentence of the error that a call must end in."""
    with pytest.raises(ClientError) as caught:
        call(*positional, **arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
