"""
Errors meant for the caller.

Everything else that reaches the gateway is a bug: logged once with the request id and answered
as an internal failure without detail.
"""


class AwsError(Exception):
    """An error that a client is meant to see: AWS's code, a sentence, an HTTP status."""

    code: str = "InternalFailure"
    status: int = 400

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None, **members: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.status = status or type(self).status
        #: Further members of the error's shape, such as ConflictException's resourceIds.
        self.members = members
