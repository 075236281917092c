"""
The directories of instances: what the node and an instance's system container share.

Root inside the container may do what it likes in /etc/ecs and /var/lib/cloud/instance.  So nothing is written
there once it has run, and what is read there is read as from inside: a link never leads out into the machine.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from homeport.kit.ecsconfig import parse_config
from homeport.kit.userdata import Script, parse_user_data
from homeport.node.instances.system import CLOUD, SCRIPTS
from homeport.runtime.protocol import Mount
from homeport.runtime.users import read_in_root
from homeport.wire.messages import Eni, Vpc

BOOT_MARK = "boot-finished"
_CONFIG = "ecs.config"
_RESULT = "result.json"
_ETC = ("hosts", "resolv.conf", "hostname")
_CLOCK_TICK = 0.05  # seconds: the times of files lag behind the clock by a few of the kernel's ticks


@dataclass(frozen=True, slots=True)
class Boot:
    """What a finished boot has left: the agent's settings, and why user data failed if it did."""

    agent: dict[str, str]
    reason: str = ""


class InstanceFiles:
    """The files of one instance below the node's state directory."""

    def __init__(self, state: Path, instance: str) -> None:
        self._directory = state / "instances" / instance
        self.cloud = self._directory / "cloud"
        self._ecs = self._directory / "ecs"
        self._etc = self._directory / "etc"
        self._scripts = self._directory / "scripts"

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What of it the system container sees, and where."""
        return (
            Mount(target="/etc/ecs", source=self._ecs),
            Mount(target=CLOUD, source=self.cloud),
            Mount(target=SCRIPTS, source=self._scripts, read_only=True),
            *(Mount(target=f"/etc/{name}", source=self._etc / name) for name in _ETC),
        )

    def write(self, user_data: bytes, eni: Eni, vpc: Vpc) -> None:
        """
        Make everything, anew if it was begun before; never once the system container has run.

        Raises UnsupportedUserData, OSError.
        """
        wanted = parse_user_data(user_data)
        if self._directory.exists():
            shutil.rmtree(self._directory)
        for directory in (self._etc, self._ecs, self.cloud / "scripts"):
            directory.mkdir(parents=True)
        host = hostname(eni)
        names = " ".join(dict.fromkeys((eni.dns_name or host, host)))  # the full name first, each once
        (self._etc / "hosts").write_text(f"127.0.0.1 localhost\n{eni.address} {names}\n")
        (self._etc / "resolv.conf").write_text(f"search {vpc.domain}\nnameserver {vpc.dns}\n")
        (self._etc / "hostname").write_text(f"{host}\n")
        (self.cloud / "user-data.txt").write_bytes(user_data)
        (self.cloud / "user-data.txt").chmod(0o600)
        for name, scripts in (("always", wanted.always), ("once", wanted.once)):
            self._write_scripts(name, scripts)

    def _write_scripts(self, name: str, scripts: tuple[Script, ...]) -> None:
        directory = self._scripts / name
        directory.mkdir(parents=True)
        for script in scripts:
            path = directory / script.name
            path.write_bytes(script.content)
            path.chmod(0o700)

    def booted(self, started_at: float) -> Boot | None:
        """Return what the boot that began at *started_at* has left, or None while it is not finished."""
        try:
            marked_at = (self.cloud / BOOT_MARK).lstat().st_mtime
        except OSError:
            return None
        if marked_at < started_at - _CLOCK_TICK:
            return None  # by an earlier boot
        return Boot(parse_config(read_in_root(self._ecs, _CONFIG)), _errors(read_in_root(self.cloud, _RESULT)))

    def remove(self) -> None:
        """Remove all of it."""
        if self._directory.exists():
            shutil.rmtree(self._directory)


def hostname(eni: Eni) -> str:
    """Return the host part of the interface's private DNS name."""
    return eni.dns_name.partition(".")[0] or "ip-" + eni.address.replace(".", "-")


def _errors(result: str) -> str:
    """Return the errors of a boot in one line; the file is the instance's own, and may say anything."""
    try:
        errors = json.loads(result)["v1"]["errors"]
        return "; ".join(str(error) for error in errors)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "the result of user data cannot be read"
