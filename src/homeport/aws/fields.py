"""
Read a nested document without forgetting any of it.

Whatever is in the document and was not taken is refused when the reader is closed: a member we do
not honour must never be dropped in silence.

    with Fields(definition, "containerDefinitions[0]") as f:
        container = Container(image=f.take("image", str, ""), cpu=f.take("cpu", int, 0))
"""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload

T = TypeVar("T")
D = TypeVar("D")


class Unhonoured(Exception):
    """A request has a nested member that no handler takes; the binder words the refusal as its service does."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not supported")
        self.path = path


class Absent(Exception):
    """A request lacks a nested member that its handler cannot do without."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is missing")
        self.path = path


class _Required:
    pass


_REQUIRED: Final = _Required()


class Fields:
    """A document being read; *path* says where it stands in the request, for refusals."""

    def __init__(self, document: Mapping[str, Any], path: str = "") -> None:
        self._left = dict(document)
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def close(self) -> None:
        """Refuse the first member that nobody took."""
        for name in self._left:
            raise Unhonoured(self.path(name))

    def path(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    @overload
    def take(self, name: str, kind: type[T]) -> T: ...

    @overload
    def take(self, name: str, kind: type[T], default: D) -> T | D: ...

    def take(self, name: str, kind: type[T], default: object = _REQUIRED) -> object:
        """Return the member *name*, or *default*; without a default the member must be there."""
        value = self._left.pop(name, default)
        if value is _REQUIRED:
            raise Absent(self.path(name))
        if kind is float and type(value) is int:
            return float(value)  # codecs leave whole numbers whole
        if value is not default and not isinstance(value, kind):
            raise TypeError(
                f"{self.path(name)} is {type(value).__name__}, not {kind.__name__}: the model says otherwise"
            )
        return value

    def take_fields(self, name: str) -> "Fields | None":
        """Return the structure *name* as a reader of its own, to be closed in its turn."""
        value = self.take(name, dict, None)
        return None if value is None else Fields(value, self.path(name))

    def take_each(self, name: str) -> Iterator["Fields"]:
        """Yield a reader per structure of the list *name*, each closed after its turn."""
        for position, item in enumerate(self.take(name, list, [])):
            with Fields(item, f"{self.path(name)}[{position}]") as fields:
                yield fields

    def ignore(self, *names: str) -> None:
        """Accept members that have no effect here; the reference says why."""
        for name in names:
            self._left.pop(name, None)
