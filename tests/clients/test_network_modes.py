"""The walk through the network modes, by the AWS CLI as a user would type it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "network-modes" / "run.sh"

pytestmark = [pytest.mark.clients, pytest.mark.slow]

PROVES = (
    "both are ACTIVE container instances",
    "each answers on a dynamic host port of its own",
    "a second copy there is refused: RESOURCE:PORTS",
    "a c5.large takes two, and refuses the third: RESOURCE:ENI",
    "both serve port 80, to whom their group allows",
    "a task without a network",
    "it takes ten tasks, and refuses the eleventh: RESOURCE:ENI",
    "an instance from before stays at two",
    "describe-trunk-interface-associations",
    "terminate-instances: tasks end with their host",
    "all of it",
)


def test_the_aws_cli_walks_through_all_modes() -> None:
    """In a lab of its own: the account setting that it changes is everybody's."""
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
