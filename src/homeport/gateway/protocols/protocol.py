"""
What all protocols share: their interface, the faults of a request, and work done once per shape.

A parsed document uses the model's own member names at every level, epoch seconds for timestamps
and bytes for blobs.  Members that the model does not know end the request: what is not read must
not be dropped in silence.
"""

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from homeport.aws.errors import AwsError
from homeport.aws.model import OperationModel, ServiceModel, Shape, error_code
from homeport.gateway.messages import Request, Response

Function = TypeVar("Function", bound=Callable[..., Any])

#: Documents nested deeper than this are refused: no AWS operation comes near it.
MAX_DEPTH = 64


class Malformed(Exception):
    """The request does not have the form its model asks for.  The path is built while the error travels up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []

    def under(self, name: str) -> "Malformed":
        self.path.insert(0, name)
        return self


class UnknownMember(Malformed):
    """The request has a member that AWS's model does not know."""

    def __init__(self, name: str) -> None:
        super().__init__(f"unknown member {name}")
        self.path = [name]

    def __str__(self) -> str:
        return ".".join(self.path)


class UnserialisableAnswer(TypeError):
    """A handler's answer does not fit AWS's model: a mistake in Homeport, never in a request."""


class WireProtocol(Protocol):
    """One of AWS's protocols."""

    name: str
    malformed_code: str  # the code of an answer to a request of the wrong form

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """Read the operation's input, or raise Malformed."""

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> Response:
        """Write the operation's output."""

    def error(self, model: ServiceModel | None, error: AwsError, request_id: str) -> Response:
        """Write an error."""


class PerShape(Generic[Function]):
    """Functions compiled once per shape and kept; shapes that contain themselves work too."""

    def __init__(self, build: Callable[[ServiceModel, Shape], Function]) -> None:
        self._build = build
        self._known: dict[tuple[int, tuple[str, ...]], Function] = {}

    def __call__(self, model: ServiceModel, shape: Shape) -> Function:
        key = (id(model), shape.key)  # models live as long as the process
        known = self._known.get(key)
        if known is not None:
            return known
        cell: list[Function] = []

        def forward(*arguments: Any) -> Any:  # stands in while the shape contains itself
            return cell[0](*arguments)

        self._known[key] = forward  # type: ignore[assignment]  # the same call, one step removed
        built = self._build(model, shape)
        cell.append(built)
        self._known[key] = built
        return built


def wire_error(model: ServiceModel | None, error: AwsError) -> tuple[str, int, Shape | None]:
    """Return *error*'s code and status as AWS's model has them, and its shape where the model has one."""
    shape = model.error_shapes.get(error.code) if model is not None else None
    if shape is None:
        return error.code, error.status, None
    modelled = (shape.get("error") or {}).get("httpStatusCode")
    status = modelled if modelled is not None and error.status == AwsError.status else error.status
    return error_code(shape), status, shape
