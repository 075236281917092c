"""Cgroups that a test makes for itself."""

import os
import uuid
from pathlib import Path


def fresh_cgroup_root() -> str:
    """Return a name that nobody has, which the lab around us takes with it when it ends, however that happens."""
    run = os.environ.get("HOMEPORT_RUN")
    lab = Path(run).parent.name if run else "homeport"
    return f"{lab}-test-{uuid.uuid4().hex[:8]}"
