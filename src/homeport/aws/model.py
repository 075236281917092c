"""
AWS's own service models, as botocore ships them, opened as lazily as possible.

Only what a request touches is decoded: EC2's model is four megabytes of JSON of which one call
needs a few kilobytes.  botocore's model classes are not used: they cost more to import than
everything else the server does at start-up.
"""

import gzip
import importlib.util
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import msgspec

#: What a model calls its service in a signature's credential scope, where boto3's name is another.
SIGNING_NAMES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "cloudwatch": "monitoring",
    "stepfunctions": "states",
    "efs": "elasticfilesystem",
    "cognito-idp": "cognito-idp",
    "ecr-public": "ecr-public",
}

# Traits of a reference that change how its shape is read or written; the others only matter to the parent.
_KEY_TRAITS = ("flattened", "timestampFormat", "jsonvalue", "xmlNamespace", "location")


class _Document(msgspec.Struct):
    metadata: dict[str, Any]
    operations: dict[str, msgspec.Raw]
    shapes: dict[str, msgspec.Raw]


class Shape:
    """A shape as one member refers to it: the shape's own traits, overlaid by the reference's."""

    __slots__ = ("_members", "_model", "key", "name", "traits", "type")

    def __init__(self, name: str, traits: dict[str, Any], model: "ServiceModel") -> None:
        self.name = name
        self.type: str = traits["type"]
        self.traits = traits
        #: Equal for references that are read and written alike, so that work per shape is done once.
        self.key = (name, *(repr(traits.get(trait)) for trait in _KEY_TRAITS))
        self._model = model
        self._members: dict[str, Shape] | None = None

    def get(self, trait: str) -> Any:
        return self.traits.get(trait)

    @property
    def members(self) -> dict[str, "Shape"]:
        """The members of a structure, in the model's order."""
        if self._members is None:
            self._members = {
                name: self._model.resolve(reference) for name, reference in self.traits.get("members", {}).items()
            }
        return self._members

    @property
    def required(self) -> list[str]:
        return self.traits.get("required") or []

    @property
    def member(self) -> "Shape":
        """What a list holds."""
        return self._model.resolve(self.traits["member"])

    @property
    def map_key(self) -> "Shape":
        return self._model.resolve(self.traits["key"])

    @property
    def map_value(self) -> "Shape":
        return self._model.resolve(self.traits["value"])


class OperationModel:
    """One operation: where it lives in HTTP, what goes in, what comes out."""

    def __init__(self, name: str, definition: dict[str, Any], model: "ServiceModel") -> None:
        self.name = name
        self.method: str = definition["http"]["method"]
        self.uri: str = definition["http"]["requestUri"]
        self.status: int = definition["http"].get("responseCode", 200)
        self.service = model
        self.unsigned = definition.get("authtype") == "none"
        self._definition = definition

    @cached_property
    def input(self) -> Shape | None:
        reference = self._definition.get("input")
        return None if reference is None else self.service.resolve(reference)

    @cached_property
    def output(self) -> Shape | None:
        reference = self._definition.get("output")
        return None if reference is None else self.service.resolve(reference)

    @property
    def error_shapes(self) -> list[str]:
        return [reference["shape"] for reference in self._definition.get("errors", ())]


class ServiceModel:
    """The model of one service."""

    def __init__(self, name: str, document: _Document) -> None:
        self.name = name
        self.metadata = document.metadata
        self.protocols: list[str] = document.metadata.get("protocols") or [document.metadata["protocol"]]
        self.api_version: str = document.metadata["apiVersion"]
        self.signing_name: str = document.metadata.get("signingName") or document.metadata["endpointPrefix"]
        self._operations = document.operations
        self._shapes = document.shapes
        self._definitions: dict[str, dict[str, Any]] = {}
        self._resolved: dict[str, Shape] = {}
        self._opened: dict[str, OperationModel] = {}

    @property
    def operation_names(self) -> list[str]:
        return list(self._operations)

    @property
    def shape_names(self) -> list[str]:
        return list(self._shapes)

    @property
    def query_compatible(self) -> bool:
        return "awsQueryCompatible" in self.metadata

    def find_operation(self, name: str) -> OperationModel | None:
        """Return the operation called *name*, or None when AWS has no such operation."""
        found = self._opened.get(name)
        if found is None and name in self._operations:
            found = self._opened[name] = OperationModel(name, msgspec.json.decode(self._operations[name]), self)
        return found

    def get_operation(self, name: str) -> OperationModel:
        """Return the operation called *name*, which must exist."""
        operation = self.find_operation(name)
        if operation is None:
            raise KeyError(f"{self.name} has no operation {name}")
        return operation

    def resolve(self, reference: dict[str, Any]) -> Shape:
        """Return the shape that *reference* names, with the reference's own traits on top."""
        if len(reference) == 1:
            return self.shape(reference["shape"])
        traits = {**self._definition(reference["shape"]), **reference}
        return Shape(traits.pop("shape"), traits, self)

    def shape(self, name: str) -> Shape:
        """Return the shape called *name*, which must exist."""
        shape = self._resolved.get(name)
        if shape is None:
            shape = self._resolved[name] = Shape(name, self._definition(name), self)
        return shape

    def _definition(self, name: str) -> dict[str, Any]:
        definition = self._definitions.get(name)
        if definition is None:
            definition = self._definitions[name] = msgspec.json.decode(self._shapes[name])
        return definition

    @cached_property
    def error_shapes(self) -> dict[str, Shape]:
        """The service's error shapes, by their code on the wire and by their own name."""
        shapes: dict[str, Shape] = {}
        for name, raw in self._shapes.items():
            if b'"exception"' in memoryview(raw).tobytes():
                shape = self.shape(name)
                if shape.get("exception"):
                    shapes[name] = shape
                    shapes[error_code(shape)] = shape
        return shapes


def error_code(shape: Shape) -> str:
    """Return the code that *shape*, an error, has on the wire: query services often drop the `Exception`."""
    code = (shape.get("error") or {}).get("code")
    return code if isinstance(code, str) else shape.name


@cache
def load_model(name: str) -> ServiceModel:
    """Open the newest model of the service that boto3 calls *name*."""
    spec = importlib.util.find_spec("botocore")
    assert spec is not None, "botocore is one of our dependencies"
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "data" / name
    newest = max(entry for entry in folder.iterdir() if entry.is_dir())
    packed = newest / "service-2.json.gz"
    content = gzip.decompress(packed.read_bytes()) if packed.exists() else (newest / "service-2.json").read_bytes()
    return ServiceModel(name, msgspec.json.decode(content, type=_Document))


def signing_name(service: str) -> str:
    """Return the name in the credential scope of requests to *service*, without opening its model."""
    return SIGNING_NAMES.get(service, service)
