"""
Bind an operation of AWS's model to a plain async function.

The handler's keyword arguments are the members it honours, snake-cased.  Any other member that a
client sends is refused by name, unless the registration lists it in `ignores` (accepted, no effect;
the operations table in the reference shows it).  A misspelt parameter fails at import.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Handler = Callable[..., Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A registered handler."""

    name: str
    handler: Handler
    reads: bool  # runs in a snapshot instead of a transaction
    ignores: tuple[str, ...]


class Service:
    """One AWS service: botocore's name for it, and the operations we implement."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.operations: dict[str, Operation] = {}

    def operation(
        self, name: str, *, reads: bool = False, ignores: tuple[str, ...] = ()
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function as the handler of the operation called *name*."""

        def register(handler: Handler) -> Handler:
            self.operations[name] = Operation(name, handler, reads, ignores)
            return handler

        return register
