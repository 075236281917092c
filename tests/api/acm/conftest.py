"""Certificate Manager as boto3 sees it."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.certificates import Authority


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def acm(api: Any) -> Any:
    return api.client("acm")


@pytest.fixture
def imported(acm: Any, authority: Authority) -> Callable[..., str]:
    """Import a certificate, and return its ARN: `imported("a.example", "b.example")`."""

    def make(*names: str, elliptic: bool = False, **more: Any) -> str:
        made = authority.issue(*names, elliptic=elliptic)
        arn: str = acm.import_certificate(
            Certificate=made.body, CertificateChain=made.chain, PrivateKey=made.key, **more
        )["CertificateArn"]
        return arn

    return make
