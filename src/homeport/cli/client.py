"""Clients of the public API for commands: of this machine's installation, with its keys."""

import os
import sys
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from homeport.kit.installation import read, read_credentials


class Clients:
    """The API of the installation that runs here, in the region that the environment names or its own."""

    def __init__(self) -> None:
        installation = read()
        credentials = read_credentials(installation) if installation is not None else None
        if installation is None or credentials is None:
            raise SystemExit(complain("it is not running: start it with `homeport up`"))
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        self.region = named or installation.region
        self._session = Session()
        self._settings: dict[str, Any] = {
            "region_name": self.region,
            "endpoint_url": installation.endpoint,
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "config": Config(retries={"mode": "standard", "max_attempts": 3}, proxies={}),
        }

    def client(self, service: str) -> Any:
        return self._session.create_client(service, **self._settings)


def complain(problem: str | Exception) -> int:
    """Say what went wrong where errors go, and return the exit code for it."""
    if isinstance(problem, ClientError):
        error = problem.response["Error"]
        problem = f"{error['Message']} ({problem.operation_name}: {error['Code']})"
    print(f"homeport: {problem}", file=sys.stderr)
    return 2
