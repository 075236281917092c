"""Server and node are killed a hundred times; nothing acknowledged is lost and nothing is left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = (sys.executable, "-m", "tests.fault.chaos")
ROOT = Path(__file__).parents[2]


@pytest.mark.fault
@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_and_leave_nothing() -> None:
    kills = os.environ.get("HOMEPORT_TEST_KILLS", "100")
    command = [sys.executable, "-m", "homeport.cli.main", "lab", "--", *CHAOS, "--kills", kills]
    result = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=ROOT)
    print(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "nothing lost, doubled, restarted or left" in result.stdout
