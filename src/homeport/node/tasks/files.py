"""
The files and directories of tasks: what containers find in /etc, their volumes, their output.

A task's directory goes with the task; its output stays in a directory of its own until the server
has it.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from homeport.node.tasks.claims import GATEWAY
from homeport.wire.messages import Container, Eni, Task, Vpc

LOG_SUFFIX = ".log"
ETC = ("hosts", "resolv.conf", "hostname")

Names = tuple[str, tuple[str, ...]]  # an address, and what it is called


def etc_of_task(eni: Eni, vpc: Vpc, hostname: str) -> dict[str, str]:
    """Return the files in /etc that the containers of an awsvpc task share, by name."""
    names = dict.fromkeys((eni.dns_name or hostname, hostname))  # the full name first, each once
    return _etc([(eni.address, tuple(names))], _resolver((vpc.dns,), (vpc.domain,)), hostname)


def etc_of_container(container: Container, hostname: str, vpc: Vpc | None, names: Iterable[Names]) -> dict[str, str]:
    """
    Return a container's own files in /etc, as Docker writes them in the other modes.

    *names* are its links and its own name; its declared extra hosts come first.  What it does not declare about
    resolvers is the VPC's, and without one it has none.
    """
    extra = [(GATEWAY if address == "host-gateway" else address, (name,)) for name, address in container.extra_hosts]
    servers = container.dns_servers or ((vpc.dns,) if vpc is not None else ())
    search = container.dns_search or ((vpc.domain,) if vpc is not None else ())
    return _etc([*extra, *names], _resolver(servers, () if search == (".",) else search), hostname)


def _etc(names: Iterable[Names], resolver: str, hostname: str) -> dict[str, str]:
    hosts = (f"{address} {' '.join(called)}\n" for address, called in names)
    return {"hosts": f"127.0.0.1 localhost\n{''.join(hosts)}", "resolv.conf": resolver, "hostname": f"{hostname}\n"}


def _resolver(servers: Iterable[str], search: Iterable[str]) -> str:
    names = " ".join(search)
    return (f"search {names}\n" if names else "") + "".join(f"nameserver {server}\n" for server in servers)


class TaskFiles:
    """The files of one task below the node's state directory."""

    def __init__(self, state: Path, task: str) -> None:
        self._directory = state / "tasks" / task
        self._logs = state / "logs"

    def etc(self, name: str, container: str = "") -> Path:
        """Return the path of a file in /etc, the task's or with *container* that one's own."""
        assert Path(container).name == container != "..", f"not a container's name: {container!r}"
        return self._directory / "etc" / container / name

    def volume(self, name: str) -> Path:
        assert Path(name).name == name != "..", f"not a volume's name: {name!r}"
        return self._directory / "volumes" / name

    def log_path(self, container: Container) -> Path:
        """Return where conmon writes; what nobody collects is discarded, as on Fargate."""
        return self._logs / f"{container.runtime_id}{LOG_SUFFIX}" if container.log is not None else Path("/dev/null")

    def prepare(self, task: Task) -> None:
        """Make the task's volumes, and the directory for its output."""
        for path in (self._directory / "etc", self._logs):
            path.mkdir(parents=True, exist_ok=True)
        for name in task.volumes:
            self.volume(name).mkdir(parents=True, exist_ok=True)

    def write(self, etc: Mapping[str, str], container: str = "") -> None:
        """
        Write files of /etc, the task's or with *container* that one's own.

        Containers may write to these files, and to their volumes, as root or as anybody: what is
        already there is left as it is.
        """
        for name, text in etc.items():
            target = self.etc(name, container)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                partial = target.with_name(name + ".new")
                partial.write_text(text)
                partial.replace(target)

    def remove(self) -> None:
        """Remove the task's directory with everything its containers left there."""
        if self._directory.exists():
            shutil.rmtree(self._directory)
