"""The walk through a service behind a load balancer, by the AWS CLI as a user would type it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "web-service" / "run.sh"

pytestmark = [pytest.mark.clients, pytest.mark.slow]

PROVES = (
    "security groups: anybody -> load balancer -> tasks",
    "www.shop.example and api.shop.example are aliases of it",
    "all of them healthy targets",
    "the tasks of front are in two availability zones",
    "the name, the path rule and the host rule lead to the right tasks",
    "both tasks of front answer in turn",
    "nobody but the load balancer reaches a task",
    "(service front) has reached a steady state.",
    "everything deleted",
    "all of it",
)


def test_the_aws_cli_brings_a_service_behind_a_load_balancer_and_a_new_revision_of_it() -> None:
    """In a lab of its own, whose resolver knows the names."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [sys.executable, "-m", "homeport.cli.main", "lab", "--", str(EXAMPLE)],
        env={**os.environ, "PATH": path, "AWS_CONFIG_FILE": "/dev/null"},
        capture_output=True,
        text=True,
        timeout=420,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for step in PROVES:
        assert step in result.stdout, result.stdout
    under_load = re.search(r"a new revision: (\d+) requests, (\d+) failed", result.stdout)
    assert under_load is not None, result.stdout
    assert int(under_load[1]) > 100
    assert under_load[2] == "0"
