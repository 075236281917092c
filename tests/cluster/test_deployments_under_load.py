"""Deployments lose no request: a short run of tests/fault/deployments.py, which is run for longer by hand."""

import re
import sys

import pytest
from tests.labs import in_lab

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_rolling_deployments_blue_green_and_a_rollback_fail_no_request() -> None:
    """The application ends at once on SIGTERM."""
    soak = (sys.executable, "-m", "tests.fault.deployments", "--deployments", "3", "--rate", "150", "--pause", "1")
    said = in_lab(*soak, "--blue-green", "--rollback", timeout=900)
    counted = re.search(r"(\d+) requests, 0 failed", said)
    assert counted is not None, said
    assert int(counted[1]) > 500, said
    assert "rolled back" in said


def test_what_is_killed_during_deployments_fails_only_requests_that_meet_a_killed_proxy() -> None:
    """Server, node, proxy, tasks and containers; the run ends with an error if any other request fails."""
    soak = (sys.executable, "-m", "tests.fault.deployments", "--deployments", "3", "--rate", "100", "--pause", "4")
    said = in_lab(*soak, "--kills", "--blue-green", "--rollback", timeout=1200)
    counted = re.search(r"(\d+) requests, .* killed: (.*); \d+ met one of \d+ killed proxies", said)
    assert counted is not None, said
    assert int(counted[1]) > 500, said
    assert set(counted[2].split(", ")) == {"server", "node", "balancer", "task", "container"}, said
    assert "rolled back" in said
