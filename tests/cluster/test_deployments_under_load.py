"""Deployments lose no request: a short run of tests/fault/deployments.py, which is run for longer by hand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def deployments(*arguments: str) -> str:
    """Run it in a lab of its own, and return what it says."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "tests.fault.deployments", *arguments]
    result = subprocess.run(
        [sys.executable, "-m", "homeport.cli.main", "lab", "--", *command],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PATH": path, "AWS_CONFIG_FILE": "/dev/null"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_rolling_deployments_blue_green_and_a_rollback_fail_no_request() -> None:
    """The application ends at once on SIGTERM."""
    said = deployments("--deployments", "3", "--rate", "150", "--pause", "1", "--blue-green", "--rollback")
    counted = re.search(r"(\d+) requests, 0 failed", said)
    assert counted is not None, said
    assert int(counted[1]) > 500, said
    assert "rolled back" in said
