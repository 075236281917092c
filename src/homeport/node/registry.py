"""
Run the image registry of this machine: Debian's `docker-registry`, on loopback, with token authentication.

The process is found by its command line, which names a configuration file of ours, never by a remembered
process id: so after a crash at any moment it is adopted, replaced if it runs by an outdated
configuration, and never started twice.  What it stores outlives it and the node.
"""

import asyncio
import base64
import contextlib
import hashlib
import ipaddress
import json
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeport.kit.supervise import Tasks

log = logging.getLogger(__name__)

#: What the server calls the registry, and itself, in the tokens that it signs.
SERVICE = "homeport-registry"
ISSUER = "homeport"

READY_SECONDS = 15
STOP_SECONDS = 5
COLLECT_SECONDS = 300
_COLLECT = "garbage-collect"
_LONGEST_PAUSE = 30.0
_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp


class RegistryFailed(Exception):
    """The registry could not be started; the message says why."""


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """
    What the server says about the registry.

    *realm* is the URL of its token service, *certificate* (PEM) that of the key whose tokens count, and *password*
    what the registry's reports of pushes to the server's `events` (beside the realm) are sent with.
    """

    realm: str
    certificate: str
    password: str


class Registry:
    """
    The registry at *address* ("127.0.0.1:PORT"), which keeps everything below *state*.

    `start` makes it run as the settings say and keeps it running; `release` leaves it to the next node, as does a
    node that dies; `stop` ends the process; `destroy` also removes the images.
    """

    def __init__(self, state: Path, address: str, *, program: str = "docker-registry") -> None:
        self._state = state.absolute()
        self._address = address
        self._program = program
        self._settings: RegistrySettings | None = None
        self._turn = asyncio.Lock()
        self._work = Tasks()
        self._watcher: asyncio.Task[Any] | None = None
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    async def start(self, settings: RegistrySettings) -> None:
        """
        Make the registry run by *settings*, and see to it that it stays so.

        Raises RegistryFailed if it does not run now; it is tried again all the same.
        """
        self._settings = settings
        try:
            await self.ensure()
        finally:
            if self._watcher is None or self._watcher.done():
                self._watcher = self._work.spawn(self._watch(), name="registry")

    async def ensure(self) -> int:
        """Adopt the running registry or start one; return its process id once it answers."""
        assert self._settings is not None, "start comes first"
        async with self._turn:
            files = self._files(self._settings)
            config = self._state / _config_name(files)
            found = list(self._processes())
            current = [pid for pid, command in found if command == ("serve", config)]
            for pid, _ in found:
                if pid not in current[:1]:
                    await self._end(pid)
            self._write(config, files)
            if not current:
                await self._collect_garbage(config)
            pid = current[0] if current else self._spawn(config)
            await self._answering(pid)
            return pid

    async def release(self) -> None:
        """Stop watching; the process runs on, for the next node to adopt."""
        await self._work.close()
        self._watcher = None
        self._disown()

    def _disown(self) -> None:
        """Collect the children that have ended, and leave the others to whoever adopts them."""
        for child in self._children.values():
            if child.poll() is None:
                child.returncode = 0  # no longer ours to collect: or Python would warn of a child left behind
        self._children.clear()

    async def stop(self) -> None:
        """End the process and whatever watches it; the images stay."""
        await self._work.close()
        self._watcher = None
        async with self._turn:
            for pid, _ in list(self._processes()):
                await self._end(pid)
        self._disown()

    async def destroy(self) -> None:
        """End the process and remove every image."""
        await self.stop()
        shutil.rmtree(self._state, ignore_errors=True)

    # --- The process

    def _processes(self) -> Iterator[tuple[int, tuple[str, Path]]]:
        """Yield the processes that work on a configuration of ours, with what they do and which it is."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (command := self._command_of(int(entry.name))) is not None:
                yield int(entry.name), command

    def _command_of(self, pid: int) -> tuple[str, Path] | None:
        try:
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended
            return None
        if len(argv) < 3 or Path(argv[0]).name != Path(self._program).name or argv[1] not in ("serve", _COLLECT):
            return None
        config = Path(argv[2])
        return (argv[1], config) if config.parent == self._state else None

    async def _collect_garbage(self, config: Path) -> None:
        """
        Give back the room of deleted images, which can only be done while no registry runs.

        If it fails the registry is none the worse; if we are killed meanwhile, the next start ends it first.
        """
        if not (self._state / "storage").exists():
            return
        try:
            await asyncio.to_thread(
                subprocess.run,
                [self._program, _COLLECT, str(config)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                cwd=self._state,
                env=_environment(),
                timeout=COLLECT_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            log.warning("registry: deleted images keep their room: %s", error)

    def _spawn(self, config: Path) -> int:
        with (self._state / "registry.log").open("ab") as output:
            try:
                child = subprocess.Popen(
                    [self._program, "serve", str(config)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd=self._state,
                    env=_environment(),
                    start_new_session=True,  # a signal meant for the node's group is not meant for it
                )
            except OSError as error:
                raise RegistryFailed(f"cannot run {self._program}: {error}") from error
        self._children[child.pid] = child
        return child.pid

    async def _answering(self, pid: int) -> None:
        """Return once the registry listens: this process, not whoever else may have its port."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not _listens(pid, self._address):
                    if self._reaped(pid):
                        raise RegistryFailed(f"the registry ended at once: {self._last_words()}")
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise RegistryFailed(f"the registry does not listen at {self._address}: {self._last_words()}") from None

    def _reaped(self, pid: int) -> bool:
        """Say whether the process has ended, and collect it if it was our child."""
        child = self._children.get(pid)
        if child is not None:
            if child.poll() is None:
                return False
            del self._children[pid]
            return True
        return self._command_of(pid) is None

    def _last_words(self) -> str:
        try:
            lines = (self._state / "registry.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return "it left no log"
        return lines[-1][-500:] if lines else "it left no log"

    async def _end(self, pid: int) -> None:
        """End a process of ours; it is gone when this returns."""
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            if self._command_of(pid) is None:  # looked at again: the number may have gone to another process
                return
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, number)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STOP_SECONDS):
                        await _ended(descriptor)
                    return
        finally:
            os.close(descriptor)
            self._reaped(pid)

    async def _watch(self) -> None:
        """Start the registry again whenever it ends, less and less eagerly if it keeps ending."""
        loop = asyncio.get_running_loop()
        pause = 0.25
        while True:
            started = loop.time()
            try:
                pid = await self.ensure()
                descriptor = os.pidfd_open(pid)
            except (RegistryFailed, ProcessLookupError, OSError) as error:
                log.warning("registry: %s", error)
            else:
                try:
                    await _ended(descriptor)
                finally:
                    os.close(descriptor)
                self._reaped(pid)
                log.warning("registry: process %d ended", pid)
            pause = 0.25 if loop.time() - started > 60 else min(_LONGEST_PAUSE, pause * 2)
            await asyncio.sleep(pause)

    # --- Its files

    def _files(self, settings: RegistrySettings) -> dict[str, str]:
        """Return the configuration and the certificate it trusts."""
        certificate = f"trusted-{_fingerprint(settings.certificate)}.pem"
        config = render_config(
            settings,
            address=self._address,
            storage=self._state / "storage",
            certificate=self._state / certificate,
            secret=self._secret(),
        )
        return {certificate: settings.certificate, "config": json.dumps(config, indent=1)}

    def _secret(self) -> str:
        """Return the key that ties an upload's steps together, the same for every process."""
        path = self._state / "secret"
        if not path.exists():
            self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
            _put(path, secrets.token_hex(32))
        return path.read_text()

    def _write(self, config: Path, files: Mapping[str, str]) -> None:
        """Put the files in place, and remove those of earlier settings."""
        wanted = {config.name: files["config"], **{name: text for name, text in files.items() if name != "config"}}
        for name, text in wanted.items():
            if not (self._state / name).exists():
                _put(self._state / name, text)
        for old in (*self._state.glob("config-*.json"), *self._state.glob("trusted-*.pem")):
            if old.name not in wanted:
                old.unlink(missing_ok=True)


def render_config(
    settings: RegistrySettings, *, address: str, storage: Path, certificate: Path, secret: str
) -> dict[str, Any]:
    """Return the registry's configuration."""
    events = f"{settings.realm.rpartition('/')[0]}/events"
    login = _basic("AWS", settings.password)
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": True, "age": "24h", "interval": "1h", "dryrun": False}},
        },
        "http": {"addr": address, "secret": secret, "relativeurls": True},
        "auth": {
            "token": {
                "realm": settings.realm,
                "service": SERVICE,
                "issuer": ISSUER,
                "rootcertbundle": str(certificate),
            }
        },
        "notifications": {
            "endpoints": [
                {
                    "name": "homeport",
                    "url": events,
                    "headers": {"Authorization": [login]},
                    "timeout": "2s",
                    "threshold": 10,
                    "backoff": "1s",
                    "ignore": {"actions": ["pull", "mount"], "mediatypes": ["application/octet-stream"]},
                }
            ]
        },
    }


def _listens(pid: int, address: str) -> bool:
    """Say whether the process holds a listening socket at *address* (IPv4)."""
    host, _, port = address.rpartition(":")
    # The kernel writes addresses as the bytes of a number in its own order.
    local = f"{int.from_bytes(ipaddress.IPv4Address(host).packed, sys.byteorder):08X}:{int(port):04X}"
    try:
        rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
        inodes = {f"socket:[{row[9]}]" for row in rows if row[1] == local and row[3] == _LISTEN}
        return any(_target(entry) in inodes for entry in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # the process has ended
        return False


def _target(link: Path) -> str:
    with contextlib.suppress(OSError):
        return str(link.readlink())
    return ""


async def _ended(descriptor: int) -> None:
    """Return when the process behind a pidfd has ended."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)


def _environment() -> dict[str, str]:
    """Return the little that the program needs: variables named REGISTRY_* would override its configuration."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


def _put(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, for the owner alone."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(text)
    temporary.replace(path)


def _config_name(files: Mapping[str, str]) -> str:
    """Name a configuration after what is in it, so that a process's command line says which one it runs by."""
    return f"config-{_fingerprint(files['config'])}.json"


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
