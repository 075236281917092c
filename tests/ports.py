"""Ports for servers that a test starts."""

import itertools
import os
import socket

FIRST = 20000
OF_A_WORKER = 1000

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_ports = itertools.cycle(range(FIRST + _worker * OF_A_WORKER, FIRST + (_worker + 1) * OF_A_WORKER))


def free_port() -> int:
    """
    Return a port of the loopback that is free for TCP and UDP, and stays so until its server opens it.

    It lies below the ports that Linux gives to whoever asks for any (ip_local_port_range, from 32768), so no client's
    connection can take it by chance, and each worker of a test run has its own, so no other test can.
    """
    return next(port for port in itertools.islice(_ports, OF_A_WORKER) if _free(port))


def _free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
