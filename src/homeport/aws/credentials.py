"""Keys that sign requests, and where they are looked up."""

from dataclasses import dataclass
from typing import Protocol

from homeport.aws.call import Principal


@dataclass(frozen=True, slots=True)
class Credential:
    """An access key with its secret; temporary ones have a session token and an end (seconds since the epoch)."""

    access_key_id: str
    secret_access_key: str
    principal: Principal
    session_token: str | None = None
    expires_at: float | None = None


class CredentialStore(Protocol):
    """Finds the key that a request names."""

    async def find(self, access_key_id: str) -> Credential | None:
        """Return the credential, or None if no such key is valid here."""
