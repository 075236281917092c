"""`homeport up`, `status`, `env`, `logs`, `down` on a machine: here, a box of namespaces that stands for one."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BOX = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
SCRIPT = """
set -eu
ip link set lo up
homeport() { "$PYTHON" -m homeport.cli.main "$@"; }
homeport status && exit 90
homeport up --detach --state "$STATE" --run "$HOMEPORT_RUN"
homeport up --detach --state "$STATE" --run "$HOMEPORT_RUN" 2>&1 | grep -q 'runs already' || exit 91
homeport status
eval "$(homeport env)"
aws ecs list-clusters --query 'length(clusterArns)' --output text
homeport logs server -n 5 | grep -q 'serving' || exit 92
kill -9 "$(cat "$HOMEPORT_RUN/server.pid")" "$(cat "$HOMEPORT_RUN/node.pid")"
until aws ecs list-clusters --query 'length(clusterArns)' --output text 2>/dev/null; do :; done
first=$AWS_ACCESS_KEY_ID
homeport down
homeport status && exit 93
[ -z "$(ip -br link | grep -v '^lo')" ] || exit 94
grep -q "$STATE" /proc/mounts && exit 95
homeport up --detach --state "$STATE" --run "$HOMEPORT_RUN"
eval "$(homeport env)"
[ "$first" = "$AWS_ACCESS_KEY_ID" ] || exit 96
homeport down --purge
[ ! -e "$STATE/server" ] || exit 97
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="up-", dir="/var/tmp") as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_up_and_down(folder: Path) -> None:
    result = subprocess.run(
        [*BOX, "bash", "-c", SCRIPT],
        env={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "STATE": str(folder / "state"),
            "HOMEPORT_RUN": str(folder / "run"),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, f"{result.returncode}\n{result.stdout}\n{result.stderr}"
    assert "answers" in result.stdout
