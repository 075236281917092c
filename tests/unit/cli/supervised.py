"""Supervise two shell scripts: `supervised.py FOLDER SERVER NODE COMMAND...`; a process, as signals and children are its own."""

import os
import sys
from pathlib import Path

from homeport.cli.supervisor import StartFailed, Supervisor
from homeport.kit.installation import Installation

folder, server, node, *command = sys.argv[1:]
installation = Installation(state=str(Path(folder, "state")), run=str(Path(folder, "run")))
supervisor = Supervisor(installation, {"server": ["sh", "-c", server], "node": ["sh", "-c", node]})
code = 99
try:
    supervisor.start()
    code = supervisor.run_command(command, os.environ)
except StartFailed as failure:
    print(failure)
finally:
    supervisor.stop()
sys.exit(code)
