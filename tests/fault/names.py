"""
Stop the server, kill it and the node, and ask for names meanwhile.

Run inside a lab: homeport lab -- python -m tests.fault.names
"""

import os
import signal
import sys
import threading
import urllib.request
from pathlib import Path

import boto3
from tests.cluster.conftest import until
from tests.cluster.test_names import ZONE, Zone, found_of


def main() -> int:
    zone = Zone(boto3.client("route53"), ZONE)
    zone.put(f"web.{ZONE}", "A", "192.0.2.1")
    server = _pid("server")
    os.kill(server, signal.SIGSTOP)
    try:
        assert found_of(f"web.{ZONE}") == {"192.0.2.1"}
    finally:
        os.kill(server, signal.SIGKILL)  # it is started again
    node = _pid("node")
    os.kill(node, signal.SIGSTOP)  # as a busy machine may let it stand still
    threading.Timer(1.5, os.kill, (node, signal.SIGCONT)).start()
    assert found_of(f"web.{ZONE}") == {"192.0.2.1"}
    os.kill(node, signal.SIGKILL)
    until("names to be answered again", lambda: found_of(f"web.{ZONE}") == {"192.0.2.1"})
    until("the server to be back", lambda: _pid("server") != server and _answers())
    zone.put(f"web.{ZONE}", "A", "192.0.2.2")
    assert found_of(f"web.{ZONE}") == {"192.0.2.2"}
    return 0


def _pid(program: str) -> int:
    return int(Path(os.environ["HOMEPORT_RUN"], f"{program}.pid").read_text())


def _answers() -> bool:
    try:
        with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/healthz", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
