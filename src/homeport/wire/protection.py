"""What a task asks of the server about its own protection, through its node, and what it is answered."""

from homeport.wire.base import Message


class ProtectionRequest(Message, frozen=True, kw_only=True):
    """
    Ask how *task* is protected, or with *enabled* protect it, or no longer do.

    The answer names the request's *id*.  A node asks again in its next session if none has come.
    """

    id: str
    task: str
    enabled: bool | None = None
    minutes: int | None = None  # None means AWS's default


class ProtectionAnswer(Message, frozen=True, kw_only=True):
    """
    How the task is protected now.

    With a *failure* it cannot be, in one of AWS's words; with an *error* the request was refused as a whole.
    """

    request: str
    until: float | None = None  # seconds since the epoch; None means that it is not
    failure: str = ""
    error: str = ""  # a code; *message* says why
    message: str = ""
    status: int = 0  # of HTTP, for the error
