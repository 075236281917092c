"""Objects in an S3-compatible store that the operator has named; only ever written, one whole object at a time."""

from typing import Protocol


class NotStored(Exception):
    """The store has refused an object; the message says why."""


class StoreAway(NotStored):
    """The store does not answer."""


class ObjectStore(Protocol):
    """A store; the real one is S3Store, in `s3store`."""

    async def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object.  Raises NotStored."""

    def close(self) -> None:
        """Begin nothing more."""
