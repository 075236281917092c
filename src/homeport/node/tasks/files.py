"""
The files and directories of tasks: what containers find in /etc, their volumes, their output.

A task's directory goes with the task; its output stays in a directory of its own until the server
has it.
"""

import shutil
from pathlib import Path

from homeport.wire.messages import Container, Eni, Task, Vpc

LOG_SUFFIX = ".log"


class TaskFiles:
    """The files of one task below the node's state directory."""

    def __init__(self, state: Path, task: str) -> None:
        self._directory = state / "tasks" / task
        self._logs = state / "logs"

    def etc(self, name: str) -> Path:
        return self._directory / "etc" / name

    def volume(self, name: str) -> Path:
        assert Path(name).name == name != "..", f"not a volume's name: {name!r}"
        return self._directory / "volumes" / name

    def log_path(self, container: Container) -> Path:
        """Return where conmon writes; what nobody collects is discarded, as on Fargate."""
        return self._logs / f"{container.runtime_id}{LOG_SUFFIX}" if container.log is not None else Path("/dev/null")

    def write(self, task: Task, eni: Eni, vpc: Vpc, hostname: str) -> None:
        """
        Make the task's files and volumes, all of them again if it was done before.

        Containers may write to these files, and to their volumes, as root or as anybody: what is
        already there is left as it is.
        """
        for path in (self._directory / "etc", self._logs):
            path.mkdir(parents=True, exist_ok=True)
        for name in task.volumes:
            self.volume(name).mkdir(parents=True, exist_ok=True)
        names = dict.fromkeys((eni.dns_name or hostname, hostname))  # the full name first, each once
        contents = {
            "hosts": f"127.0.0.1 localhost\n{eni.address} {' '.join(names)}\n",
            "resolv.conf": f"search {vpc.domain}\nnameserver {vpc.dns}\n",
            "hostname": f"{hostname}\n",
        }
        for name, text in contents.items():
            target = self.etc(name)
            if not target.exists():
                partial = target.with_name(name + ".new")
                partial.write_text(text)
                partial.replace(target)

    def remove(self) -> None:
        """Remove the task's directory with everything its containers left there."""
        if self._directory.exists():
            shutil.rmtree(self._directory)
