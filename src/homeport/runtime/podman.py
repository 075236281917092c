"""podman as the owner of an image store: its configuration, and calls of it."""

import asyncio
import base64
import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from homeport.runtime.machine import get_program
from homeport.runtime.protocol import RuntimeFailed

_NAMES = ("images.json", "volatile-images.json")


class PodmanFailed(RuntimeFailed):
    """podman ended with an error; the message is its last words."""


@dataclass
class Podman:
    """
    One image store of podman's under *state*, apart from any other on the machine.

    *shared* is another such store whose images can be used, and not changed, from this one.
    """

    state: Path
    shared: Path | None = None
    registries: dict[str, str] = field(default_factory=dict)  # prefix of a reference -> insecure location

    def __post_init__(self) -> None:
        self._program = get_program("podman", "podman")
        self._settings = self.state / "podman"
        self._settings.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = self.state / "storage"
        shared = [str(self.shared / "storage")] if self.shared else []
        if self.shared:
            # podman takes no store that is not there, even to read.
            for name in ("overlay", "overlay-images", "overlay-layers"):
                (self.shared / "storage" / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self._put(
            "storage.conf",
            f'[storage]\ndriver = "overlay"\ngraphroot = {json.dumps(str(self.root))}\n'
            f"runroot = {json.dumps(str(self._settings / 'run'))}\n"
            f"[storage.options]\nadditionalimagestores = {json.dumps(shared)}\n",
        )
        self._put(
            "containers.conf",
            f'[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\nruntime = "crun"\n'
            f"tmp_dir = {json.dumps(str(self._settings / 'tmp'))}\n",
        )
        self.use_registries({})

    def _put(self, name: str, text: str) -> None:
        fresh = self._settings / f"{name}.{secrets.token_hex(8)}"
        fresh.write_text(text)
        fresh.replace(self._settings / name)

    def use_registries(self, locations: Mapping[str, str]) -> None:
        """Send references that begin with a key of *locations* to its value, HOST:PORT without TLS."""
        self.registries.update(locations)
        parts = ['unqualified-search-registries = ["docker.io"]\nshort-name-mode = "disabled"\n']
        for prefix, location in self.registries.items():
            parts.append(
                f"[[registry]]\nprefix = {json.dumps(prefix)}\nlocation = {json.dumps(location)}\ninsecure = true\n"
            )
        self._put("registries.conf", "\n".join(parts))

    def signature(self) -> tuple[tuple[int, int, int], ...]:
        """Return something that differs once the images in the stores do."""
        found = []
        for root in (self.root, *((self.shared / "storage",) if self.shared else ())):
            for name in _NAMES:
                with contextlib.suppress(FileNotFoundError):
                    status = (root / "overlay-images" / name).stat()
                    found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)

    @contextlib.contextmanager
    def credentials(self, reference: str, username: str, password: str) -> Iterator[list[str]]:
        """Yield the arguments that give podman a password, which no command line ever shows."""
        if not username and not password:
            yield []
            return
        entry = {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}
        hosts = {reference.partition("/")[0]}
        hosts |= {to.partition("/")[0] for prefix, to in self.registries.items() if reference.startswith(prefix)}
        path = self._settings / f"auth-{secrets.token_hex(8)}.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                json.dump({"auths": dict.fromkeys(hosts, entry)}, file)
            yield ["--authfile", str(path)]
        finally:
            path.unlink(missing_ok=True)

    async def call(self, arguments: Sequence[str]) -> str:
        """Run podman and return what it printed.  Raises PodmanFailed."""
        process = await asyncio.create_subprocess_exec(
            self._program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": str(self._settings),
                "TMPDIR": str(self._settings),
                "CONTAINERS_CONF": str(self._settings / "containers.conf"),
                "CONTAINERS_STORAGE_CONF": str(self._settings / "storage.conf"),
                "CONTAINERS_REGISTRIES_CONF": str(self._settings / "registries.conf"),
            },
        )
        try:
            output, errors = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise PodmanFailed(_last_words(errors.decode(errors="replace")))
        return output.decode(errors="replace")


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error:")]
    return (errors or lines or ["podman failed without a message"])[-1].removeprefix("Error:").strip()
