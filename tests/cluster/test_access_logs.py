"""Access logs from a request to an object in the store that the operator named, in a lab of the test's own."""

import sys
from pathlib import Path

import pytest
from tests.labs import run_in_lab

PORT, SECRET = "9000", "its-secret"

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_requests_become_objects_though_the_server_is_killed(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"[default]\naws_access_key_id = store\naws_secret_access_key = {SECRET}\n")
    store = ("--s3-endpoint", f"http://127.0.0.1:{PORT}", "--s3-credentials", keys)
    result = run_in_lab(sys.executable, "-m", "tests.cluster.access_logs", PORT, SECRET, timeout=600, options=store)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "requests in" in result.stdout
    assert SECRET not in result.stdout + result.stderr
