"""
Bind an operation of AWS's model to a plain async function.

The handler's keyword arguments are the members it honours, snake-cased.  Any other member that a
client sends is refused by name, unless the registration lists it in `ignores` (accepted, no effect;
the operations table in the reference shows it).  Handlers are compared with the model when their
service is first used, and all of them in a contract test: a misspelt parameter cannot reach a user.
"""

import inspect
import keyword
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore import xform_name

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.aws.fields import Absent, Unhonoured
from homeport.aws.model import OperationModel, ServiceModel, load_model, signing_name
from homeport.aws.validate import Check, compile_check
from homeport.aws.violations import Violation, Wording, wording_of

Handler = Callable[..., Awaitable[dict[str, Any] | None]]

_PATH_PARTS = re.compile(r"[.\[\]]")

# Where IAM's name for a service is not the one that requests are signed for.
_ACTION_PREFIXES = {"cloudwatch": "cloudwatch"}


class MisboundHandler(TypeError):
    """A handler and AWS's model disagree: a mistake in Homeport, never in a request."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A registered handler."""

    name: str
    handler: Handler
    reads: bool  # runs in a snapshot instead of a transaction
    ignores: tuple[str, ...]


class BoundOperation:
    """A handler joined to its model: checks a request's document and calls the handler with it."""

    def __init__(self, operation: Operation, model: OperationModel, wording: Wording) -> None:
        self.operation = operation
        self.model = model
        self.reads = operation.reads
        self._wording = wording
        members = model.input.members if model.input is not None else {}
        self._keywords = _keywords(operation, list(members))
        self._required = _required_keywords(operation, self._keywords)
        self._check: Check | None = compile_check(model.input) if model.input is not None else None

    def validate(self, document: dict[str, Any]) -> None:
        """Hold *document* against the model's constraints, and refuse what the handler does not honour."""
        violations = (self._check(document) if self._check is not None else None) or []
        broken = {violation.path[0] for violation in violations}
        violations += [
            Violation((member,), "required", None, "not be null")
            for member in self._required
            if member not in document and member not in broken
        ]
        if violations:
            raise self._wording.invalid(self.model.name, violations)
        for member in document:
            if member not in self._keywords and member not in self.operation.ignores:
                raise self.unsupported(member)

    def unsupported(self, member: str) -> AwsError:
        """Return the refusal of *member*, a member or a path to one."""
        return self._wording.unsupported(self.model.name, member)

    async def invoke(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        """Call the handler with the members of *document*, which has been validated."""
        keywords = self._keywords
        arguments = {keywords[member]: value for member, value in document.items() if member in keywords}
        try:
            return await self.operation.handler(call, **arguments) or {}
        except Unhonoured as problem:
            raise self.unsupported(problem.path) from None
        except Absent as problem:
            path = _violation_path(problem.path)
            raise self._wording.invalid(self.model.name, [Violation(path, "required", None, "not be null")]) from None


class Service:
    """One AWS service: botocore's name for it, and the operations we implement."""

    def __init__(self, name: str, *, wording: Wording | None = None) -> None:
        self.name = name
        self.signing_name = signing_name(name)
        self.action_prefix = _ACTION_PREFIXES.get(name, self.signing_name)
        self.wording = wording or wording_of(name)
        self.operations: dict[str, Operation] = {}
        self._bound: dict[str, BoundOperation] = {}

    def operation(
        self, name: str, *, reads: bool = False, ignores: tuple[str, ...] = ()
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function as the handler of the operation called *name*."""

        def register(handler: Handler) -> Handler:
            if name in self.operations:
                raise MisboundHandler(f"{self.name} has two handlers for {name}")
            self.operations[name] = Operation(name, handler, reads, ignores)
            return handler

        return register

    @cached_property
    def model(self) -> ServiceModel:
        """AWS's model of this service, opened at first use."""
        return load_model(self.name)

    def find_bound(self, name: str) -> BoundOperation | None:
        """Return the handler of *name* joined to its model, or None when we do not implement it."""
        bound = self._bound.get(name)
        if bound is None and name in self.operations:
            bound = self._bound[name] = self._bind(self.operations[name])
        return bound

    def check(self) -> None:
        """Join every handler to its model, and raise MisboundHandler where one does not fit."""
        for name in self.operations:
            self.find_bound(name)

    def _bind(self, operation: Operation) -> BoundOperation:
        model = self.model.find_operation(operation.name)
        if model is None:
            raise MisboundHandler(f"{self.name} has no operation {operation.name}")
        return BoundOperation(operation, model, self.wording)


def keyword_of(member: str) -> str:
    """Return the argument that carries *member*: snake-cased, `_` after a word Python keeps for itself."""
    name: str = xform_name(member)
    return f"{name}_" if keyword.iskeyword(name) else name


def _violation_path(path: str) -> tuple[str, ...]:
    """Take `containers[0].name` apart; violations count list positions from one."""
    parts = [part for part in _PATH_PARTS.split(path) if part]
    return tuple(str(int(part) + 1) if part.isdigit() else part for part in parts)


def _parameters(operation: Operation) -> list[inspect.Parameter]:
    """Return the handler's keyword arguments; its one positional argument is the call."""
    first, *others = inspect.signature(operation.handler).parameters.values()
    wrong = [parameter.name for parameter in others if parameter.kind is not inspect.Parameter.KEYWORD_ONLY]
    if wrong or first.kind not in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY):
        raise MisboundHandler(f"the handler of {operation.name} must take (call, *, members...): {wrong}")
    return others


def _keywords(operation: Operation, members: list[str]) -> dict[str, str]:
    """Map the members that *operation* honours to its arguments."""
    known = {keyword_of(member): member for member in members}
    keywords: dict[str, str] = {}
    for parameter in _parameters(operation):
        if parameter.name not in known:
            raise MisboundHandler(f"{operation.name} has no member for the argument '{parameter.name}'")
        keywords[known[parameter.name]] = parameter.name
    for member in operation.ignores:
        if member not in members or member in keywords:
            raise MisboundHandler(f"{operation.name} cannot ignore '{member}': not a member, or taken as an argument")
    return keywords


def _required_keywords(operation: Operation, keywords: dict[str, str]) -> list[str]:
    """Return the members whose argument has no default: the handler needs them even where the model does not."""
    needed = {parameter.name for parameter in _parameters(operation) if parameter.default is inspect.Parameter.empty}
    return [member for member, name in keywords.items() if name in needed]
