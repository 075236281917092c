"""Task definitions: revisions of a family, kept as the documents that the API shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

ACTIVE, INACTIVE, DELETING = "ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """One revision, as the JSON document that the API shows."""

    region: str
    family: str
    revision: int
    status: str
    document: str
    tags: Mapping[str, str]

    def parsed(self) -> dict[str, Any]:
        parsed: dict[str, Any] = msgspec.json.decode(self.document)
        return parsed
