"""Our code against AWS's models: handlers, error codes, names, patterns, and what start-up costs."""

import ast
import inspect
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

import homeport.services
from homeport.aws.model import Shape, error_code, load_model
from homeport.aws.operation import Operation, Service, keyword_of
from homeport.aws.validate import compile_pattern
from homeport.services.registry import SERVICES

from .codes import CODES_OUTSIDE_THE_MODELS, EC2_CODES

OPERATIONS = [(service, operation) for service in SERVICES.values() for operation in service.operations.values()]


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_every_handler_fits_its_operation(service: Service) -> None:
    service.check()
    assert service.operations


KINDS = {
    "string": {"str"},
    "integer": {"int"},
    "long": {"int"},
    "boolean": {"bool"},
    "timestamp": {"float"},
    "double": {"float"},
    "float": {"float"},
    "blob": {"bytes"},
    "list": {"Sequence", "list", "tuple", "Iterable", "Collection"},
    "structure": {"Mapping", "dict"},
    "map": {"Mapping", "dict"},
}


@pytest.mark.parametrize(
    ("service", "operation"), OPERATIONS, ids=[f"{service.name}-{operation.name}" for service, operation in OPERATIONS]
)
def test_every_argument_is_annotated_as_its_shape(service: Service, operation: Operation) -> None:
    shape = service.model.get_operation(operation.name).input
    members = {keyword_of(name): member for name, member in shape.members.items()} if shape is not None else {}
    for name, parameter in list(inspect.signature(operation.handler).parameters.items())[1:]:
        annotation = parameter.annotation
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        words = set(re.findall(r"\w+", re.sub(r"\[.*\]", "", text)))
        assert words & (KINDS[members[name].type] | {"Any", "Document"}), f"{name}: {text} is a {members[name].type}"


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_the_signing_name_is_the_model_s(service: Service) -> None:
    assert service.signing_name == service.model.signing_name


def raised_codes(service: str) -> Iterator[tuple[str, str]]:
    """Yield the error codes that a service's modules write, and where: `code = "..."` and `code="..."`."""
    folder = Path(next(iter(homeport.services.__path__))) / service.replace("-", "")
    assert folder.is_dir()
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            value = None
            if (
                isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "code" for t in node.targets)
            ) or (isinstance(node, ast.keyword) and node.arg == "code"):
                value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value, f"{path.name}:{value.lineno}"


@pytest.mark.parametrize("name", SERVICES)
def test_every_error_code_is_aws_s(name: str) -> None:
    modelled = {code for known, shape in load_model(name).error_shapes.items() for code in (known, error_code(shape))}
    modelled |= EC2_CODES if name == "ec2" else set()
    invented = [
        (code, place)
        for code, place in raised_codes(name)
        if code not in modelled and code not in CODES_OUTSIDE_THE_MODELS.get(name, {})
    ]
    assert not invented


@pytest.mark.parametrize("name", SERVICES)
def test_no_exception_to_the_models_is_left_over(name: str) -> None:
    codes = {code for code, _ in raised_codes(name)}
    assert set(CODES_OUTSIDE_THE_MODELS.get(name, {})) <= codes


# Patterns

PATTERNED = [*SERVICES, "elbv2", "route53", "lambda", "iam", "sqs", "cloudwatch", "servicediscovery", "kms", "events"]
GIVEN_UP = {
    ("logs", "ResourceType"),  # a dash between \w and _: Python calls it a bad range
    ("cloudwatch", "DefinitionPath"),  # \p{M} and \p{P}: no class of Python's is as wide
    ("ecr", "ScanningRepositoryFilterValue"),  # exponential
    ("events", "AuthHeaderParameters"),  # exponential
    ("events", "AuthHeaderParametersSensitive"),
    ("events", "HeaderValue"),
    ("events", "HeaderValueSensitive"),
    ("ssm", "AzureApplicationDisplayName"),  # \p{M} and \p{P}, as above; all of cloud connectors
    ("ssm", "AzureSubscriptionDisplayName"),
    ("ssm", "AzureTenantDisplayName"),
    ("ssm", "CloudConnectorDescription"),
    ("ssm", "DisplayName"),
    ("ssm", "GcpProjectDisplayName"),
    ("ssm", "CloudConnectorIamRoleArn"),  # a dash between \w and /, as above
}


def patterns() -> list[tuple[str, Shape]]:
    found = []
    for name in dict.fromkeys(PATTERNED):
        model = load_model(name)
        found += [(name, shape) for shape in map(model.shape, model.shape_names) if shape.get("pattern") is not None]
    return found


def test_the_patterns_we_give_up_are_these() -> None:
    given_up = {(name, shape.name) for name, shape in patterns() if compile_pattern(shape.get("pattern")) is None}
    assert given_up == GIVEN_UP


class TooSlow(Exception):
    pass


def test_no_pattern_explodes() -> None:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    previous = signal.signal(signal.SIGALRM, ring)
    slow = []
    try:
        for name, shape in patterns():
            matches = compile_pattern(shape.get("pattern"))
            length = min(shape.get("max") or 2048, 2048)
            for unit in ("a", "0", "-", "/", " ", "a-", "a.", "a/", "a_", "a:"):
                signal.setitimer(signal.ITIMER_REAL, 1)
                try:
                    if matches is not None:
                        matches((unit * length)[: length - 1] + "\x00")
                except TooSlow:
                    slow.append((name, shape.name, shape.get("pattern"), unit))
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert not slow


# What start-up costs


def test_importing_the_gateway_opens_no_model() -> None:
    program = """
import sys
import homeport.services.registry, homeport.gateway.app
from homeport.aws.model import load_model
assert load_model.cache_info().currsize == 0, "a model was opened"
print([name for name in ("botocore.model", "botocore.session", "boto3", "urllib3") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
