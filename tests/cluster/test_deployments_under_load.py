"""Deployments lose no request: a short run of tests/fault/deployments.py, which is run for longer by hand."""

import re
import sys

import pytest
from tests.labs import in_lab

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_rolling_deployments_blue_green_and_a_rollback_fail_no_request() -> None:
    """The application ends at once on SIGTERM."""
    soak = (sys.executable, "-m", "tests.fault.deployments", "--deployments", "3", "--rate", "150", "--pause", "1")
    said = in_lab(*soak, "--blue-green", "--rollback", timeout=240)
    counted = re.search(r"(\d+) requests, 0 failed", said)
    assert counted is not None, said
    assert int(counted[1]) > 500, said
    assert "rolled back" in said
