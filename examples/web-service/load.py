#!/usr/bin/env python3
"""
Ask for a URL at a steady rate, whatever becomes of the answers, until the process is told to end (SIGTERM).

Half of the requests share kept connections, the other half open one each.  Prints how many were asked and how many of
them failed: anything but status 200 counts.  Usage: load.py URL REQUESTS-PER-SECOND
"""

import http.client
import signal
import sys
import threading
import time
from urllib.parse import urlsplit

WORKERS = 8
TIMEOUT = 30.0

url = urlsplit(sys.argv[1])
rate = float(sys.argv[2])
ended = threading.Event()
asked = 0
failures: list[str] = []
lock = threading.Lock()
signal.signal(signal.SIGTERM, lambda *_: ended.set())


def ask(connection: http.client.HTTPConnection) -> None:
    """Ask once; a connection that the other side closed while it was idle is opened anew, as every client does."""
    global asked
    with lock:
        asked += 1
    try:
        try:
            connection.request("GET", url.path or "/")
            answer = connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            if not getattr(connection, "used", False):
                raise
            connection.close()
            connection.request("GET", url.path or "/")
            answer = connection.getresponse()
        answer.read()
        connection.used = True  # type: ignore[attr-defined]
        if answer.status != 200:
            raise http.client.HTTPException(f"status {answer.status}")
    except (OSError, http.client.HTTPException) as problem:
        connection.close()
        with lock:
            failures.append(f"{time.strftime('%X')} {type(problem).__name__}: {problem}")


def work(number: int) -> None:
    def connect() -> http.client.HTTPConnection:
        return http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=TIMEOUT)

    keeps = number % 2 == 0
    connection = connect()
    due = time.monotonic() + number / rate
    while not ended.wait(max(0.0, due - time.monotonic())):
        due += WORKERS / rate
        if not keeps:
            connection.close()
            connection = connect()
        ask(connection)
    connection.close()


threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for failure in failures[:20]:
    print(failure, file=sys.stderr)
print(f"{asked} requests, {len(failures)} failed")
sys.exit(1 if failures else 0)
