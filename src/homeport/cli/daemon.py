"""`up`, `down`, `status`, `env` and `logs`: one Homeport on this machine."""

import contextlib
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from homeport.cli.lab import ensure_demo_image
from homeport.cli.supervisor import StartFailed, Supervisor, programs_of
from homeport.kit.installation import Installation, client_environment, read, read_credentials
from homeport.kit.objectstore import BadStore, check_store


def up(installation: Installation, *, detach: bool) -> int:
    """Start Homeport; in the foreground until a signal, or behind a process that stays when we return."""
    if os.geteuid() != 0:
        return _complain("`homeport up` makes containers and networks, which needs root")
    try:
        check_store(installation.s3_endpoint, installation.s3_credentials)
    except BadStore as problem:
        return _complain(str(problem))
    lock = _take_lock(installation)
    if lock is None:
        return _complain(f"it runs already: {installation.endpoint}")
    ensure_demo_image()
    if not detach:
        return _foreground(installation, announce=True)
    ready_read, ready_write = os.pipe()
    if os.fork() == 0:
        os.close(ready_read)
        os.setsid()
        _to_log(installation)
        os._exit(_foreground(installation, announce=False, ready=ready_write))
    os.close(ready_write)
    message = b""
    while chunk := os.read(ready_read, 4096):
        message += chunk
    if message == b"ready":
        _greet(installation)
        return 0
    return _complain(message.decode(errors="replace") or "it did not start; see homeport logs")


def _to_log(installation: Installation) -> None:
    """Detach the standard streams of a process that outlives its terminal."""
    log_file = installation.log_file("supervisor")
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log, Path("/dev/null").open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def _foreground(installation: Installation, *, announce: bool, ready: int | None = None) -> int:
    supervisor = Supervisor(installation, programs_of(installation))
    try:
        supervisor.start()
    except StartFailed as failure:
        supervisor.stop()
        if ready is not None:
            os.write(ready, str(failure).encode())
        return _complain(str(failure))
    Path(installation.run, "supervisor.pid").write_text(f"{os.getpid()}\n")
    if ready is not None:
        os.write(ready, b"ready")
        os.close(ready)
    if announce:
        _greet(installation)
    supervisor.run_until_signal()
    if announce:
        print("homeport: stopping", file=sys.stderr)
    supervisor.stop()
    _destroy(installation)
    return 0


def _greet(installation: Installation) -> None:
    print(f"Homeport answers at {installation.endpoint} ({installation.region}, account {installation.account}).")
    print('Point your tools at it:  eval "$(homeport env)"')


def _take_lock(installation: Installation) -> int | None:
    """Return a descriptor that holds the installation's lock for as long as we live, or None if it is held."""
    Path(installation.run).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(Path(installation.run, "supervisor.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _destroy(installation: Installation) -> None:
    """Remove containers, networks, mounts and cgroups; what the user declared stays in the state directory."""
    config = str(Path(installation.run, "installation.json"))
    subprocess.run([sys.executable, "-m", "homeport.node", config, "--destroy"], check=False)


def down(*, purge: bool) -> int:
    """Stop a running Homeport, remove what it made, and with *purge* forget what it knew."""
    installation = read()
    if installation is None:
        return _complain("there is no Homeport here")
    pid_file = Path(installation.run, "supervisor.pid")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
    deadline = time.monotonic() + 60
    while (lock := _take_lock(installation)) is None:
        if time.monotonic() > deadline:
            return _complain("it has not stopped within a minute; see homeport logs")
        time.sleep(0.05)  # another process's exit: a lock that nobody announces
    _destroy(installation)
    os.close(lock)
    shutil.rmtree(installation.run, ignore_errors=True)
    if purge:
        shutil.rmtree(installation.server_state, ignore_errors=True)
        shutil.rmtree(installation.node_state, ignore_errors=True)
    return 0


def status() -> int:
    """Say whether Homeport runs, and how many tasks it holds."""
    installation = read()
    if installation is None:
        print("Homeport is not running.")
        return 1
    import http.client

    try:
        connection = http.client.HTTPConnection(installation.host, installation.port, timeout=2)
        connection.request("GET", "/healthz")
        healthy = connection.getresponse().status == 200
    except OSError:
        healthy = False
    print(f"API        {installation.endpoint}  {'answers' if healthy else 'does not answer'}")
    print(f"registry   {installation.registry}")
    print(f"region     {installation.region}, account {installation.account}")
    print(f"state      {installation.state}")
    print(f"run        {installation.run}")
    return 0 if healthy else 1


def env() -> int:
    """Print shell assignments for AWS's tools."""
    installation = read()
    credentials = read_credentials(installation) if installation is not None else None
    if installation is None or credentials is None:
        return _complain("it is not running: start it with `homeport up`")
    for name, value in client_environment(installation, credentials).items():
        print(f"export {name}={shlex.quote(value)}")
    print("unset AWS_SESSION_TOKEN AWS_PROFILE")
    return 0


def logs(program: str, *, follow: bool, lines: int) -> int:
    """Show the ends of the logs of server and node."""
    installation = read()
    if installation is None:
        return _complain("there is no Homeport here")
    names = [program] if program else ["server", "node"]
    files = [str(path) for name in names if (path := installation.log_file(name)).exists()]
    if not files:
        return _complain(f"no log of {' or '.join(names)}")
    return subprocess.run(["tail", "-n", str(lines), *(["-F"] if follow else []), *files], check=False).returncode


def _complain(message: str) -> int:
    print(f"homeport: {message}", file=sys.stderr)
    return 1
