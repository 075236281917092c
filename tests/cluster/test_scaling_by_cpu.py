"""Scaling by what tasks really use, in a lab of the test's own in which minutes are shorter."""

import sys
import time

import pytest
from tests.labs import ROOT, in_lab

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_a_service_whose_task_burns_cpu_scales_out_and_an_idle_one_does_not() -> None:
    said = in_lab(
        sys.executable,
        "-m",
        "tests.cluster.scaling_by_cpu",
        timeout=900,
        PYTHONPATH=str(ROOT / "tests/cluster/hurried"),
        HURRY="8",
        HURRY_SINCE=str(time.time()),
    )
    assert "the busy service has" in said
