"""Identifiers as AWS forms them (reference, part H.7)."""

import secrets
import uuid
from typing import Protocol


class Ids(Protocol):
    """A source of identifiers; seeded in tests, so that handlers stay deterministic under test."""

    def hex(self, digits: int) -> str:
        """Return *digits* random lower-case hexadecimal digits."""

    def uuid(self) -> str:
        """Return a random UUID with dashes."""


class RandomIds:
    """Unguessable identifiers from the operating system."""

    def hex(self, digits: int) -> str:
        return secrets.token_hex((digits + 1) // 2)[:digits]

    def uuid(self) -> str:
        return str(uuid.uuid4())


class CountingIds:
    """Identifiers that count up: the same test gets the same ids every time."""

    def __init__(self) -> None:
        self.count = 0

    def hex(self, digits: int) -> str:
        self.count += 1
        return f"{self.count:0{digits}x}"

    def uuid(self) -> str:
        return str(uuid.UUID(self.hex(32)))
