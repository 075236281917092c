"""Server and node are killed a hundred times; nothing acknowledged is lost and nothing is left behind."""

import os
import sys

import pytest
from tests.labs import in_lab

CHAOS = (sys.executable, "-m", "tests.fault.chaos")


@pytest.mark.fault
@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_and_leave_nothing() -> None:
    kills = os.environ.get("HOMEPORT_TEST_KILLS", "100")
    said = in_lab(*CHAOS, "--kills", kills, timeout=1800)
    print(said)
    assert "nothing lost, doubled, restarted or left" in said
