"""ARNs taken apart: `arn:partition:service:region:account:resource`."""

import re
from dataclasses import dataclass

_FORM = re.compile(r"arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|aws|):(\S+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of an ARN; *resource* is everything behind the account."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """The word before the first slash or colon of the resource: `cluster` of `cluster/web`; empty if none."""
        match = re.match(r"([^/:]+)[/:]", self.resource)
        return match[1] if match is not None else ""

    @property
    def resource_id(self) -> str:
        """The resource behind its type: `web` of `cluster/web`."""
        return self.resource[len(self.resource_type) + 1 :] if self.resource_type else self.resource


def find_arn(text: str) -> Arn | None:
    """Return *text* as an ARN, or None when it does not have the form of one."""
    match = _FORM.fullmatch(text)
    return None if match is None else Arn(*match.groups())


def is_role_arn(text: str) -> bool:
    """Tell whether *text* has the form of an IAM role's ARN, such as task definitions name."""
    arn = find_arn(text)
    return arn is not None and arn.service == "iam" and arn.region == "" and arn.resource.startswith("role/")
