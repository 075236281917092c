"""
Names, ids and ARNs as requests give them.  Pure.

AWS takes a bare name or the full ARN nearly everywhere.  An ARN of another region or account names
nothing here; it reads as a name that does not exist.
"""

import re
from dataclasses import dataclass

from homeport.services.ecs.errors import Client, InvalidParameter

_TASK_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Place:
    """The account and region that a request speaks to."""

    account: str
    region: str

    def arn(self, resource: str) -> str:
        return f"arn:aws:ecs:{self.region}:{self.account}:{resource}"

    def resource(self, arn: str) -> str:
        """Return what follows this place's ARN prefix; "" if it is another place's or no ARN of ECS."""
        prefix = self.arn("")
        return arn[len(prefix) :] if arn.startswith(prefix) else ""

    def cluster_arn(self, given: str) -> str:
        """Return the ARN of the cluster that *given*, a name or an ARN, speaks of."""
        return given if given.startswith("arn:") else self.arn(f"cluster/{given}")

    def task_id(self, given: str, cluster_name: str) -> str:
        """Return the id of the task that *given* speaks of; "" if it cannot be one of that cluster."""
        if given.startswith("arn:"):
            kind, _, rest = self.resource(given).partition("/")
            named_cluster, slash, task_id = rest.rpartition("/")
            if kind != "task" or (slash and named_cluster != cluster_name):
                return ""
            return task_id if _TASK_ID.fullmatch(task_id) else ""
        if len(given) not in {32, 36}:
            raise InvalidParameter("taskId length should be one of [32,36]")
        return given if _TASK_ID.fullmatch(given) else ""

    def service_arn(self, given: str, cluster_name: str) -> str:
        """Return the ARN of the service of a cluster that *given*, a name or an ARN, speaks of."""
        return given if given.startswith("arn:") else self.arn(f"service/{cluster_name}/{given}")

    def definition(self, given: str) -> tuple[str, int | None]:
        """Return family and revision of "family", "family:revision" or an ARN; no revision means the latest."""
        text = given
        if given.startswith("arn:"):
            kind, _, text = self.resource(given).partition("/")
            if kind != "task-definition":
                raise Client("Unable to describe task definition.")
        family, colon, revision = text.partition(":")
        if not colon:
            return family, None
        if not (revision.isascii() and revision.isdigit() and len(revision) < 12):
            raise Client(f"Invalid revision number. Number: {revision}")
        return family, int(revision)
