"""Labs of a test's own: for programs that take one for themselves, and for what would be everybody's."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_in_lab(
    *command: str | Path, timeout: float, cwd: Path = ROOT, options: Sequence[str | Path] = (), **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run *command* in a fresh lab, with our tools on its path and nobody's AWS configuration; seconds of *timeout*, *options* of the lab."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "homeport.cli.main", "lab", *map(str, options), "--", *map(str, command)],
        cwd=cwd,
        env={**os.environ, "PATH": path, "AWS_CONFIG_FILE": "/dev/null", **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def in_lab(*command: str | Path, timeout: float, cwd: Path = ROOT, **environment: str) -> str:
    """Do the same, and return what it prints; it must succeed."""
    result = run_in_lab(*command, timeout=timeout, cwd=cwd, **environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
