"""An HTTP request as received in full, and the answer to it."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Request:
    """A request whose body has arrived."""

    method: str
    raw_path: str  # still percent-encoded, as signed
    query: str  # still percent-encoded, as signed
    headers: dict[str, str]  # lower-case names; repeated headers joined by commas
    body: bytes


@dataclass(slots=True)
class Response:
    """What goes back, before the server adds Date and Content-Length."""

    status: int
    body: bytes
    content_type: str
    headers: list[tuple[str, str]] = field(default_factory=list)
