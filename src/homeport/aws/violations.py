"""
How each service says that a request breaks its model.

The same broken constraint is a ValidationException sentence at one service, MissingParameter at
EC2 and a quoted clause at ECR.  What was broken is decided in `validate`; the words are chosen here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from homeport.aws.errors import AwsError


@dataclass(slots=True)
class Violation:
    """One broken constraint: where, what was found, and the clause that AWS prints."""

    path: tuple[str, ...]  # member names; list positions count from one
    kind: str  # required, length, range, enum, pattern
    value: Any
    clause: str  # "have length less than or equal to 5"


class Wording(Protocol):
    """The voice of one service."""

    def invalid(self, operation: str, violations: Sequence[Violation]) -> AwsError:
        """Say which constraints of *operation* were broken."""

    def unsupported(self, operation: str, member: str) -> AwsError:
        """Refuse *member* of *operation*, which Homeport does not honour."""


def unsupported_sentence(operation: str, member: str) -> str:
    return f"Homeport does not support the parameter '{member}' of {operation}."


def coral_sentence(violations: Sequence[Violation]) -> str:
    """
    Word *violations* as most of AWS's services do.

    `1 validation error detected: Value 'x' at 'y' failed to satisfy constraint: Member must ...`
    """
    count = len(violations)
    noun = "error" if count == 1 else "errors"
    return f"{count} validation {noun} detected: " + "; ".join(
        f"Value {_shown(violation.value)} at '{coral_path(violation.path)}' "
        f"failed to satisfy constraint: Member must {violation.clause}"
        for violation in violations
    )


def coral_path(path: Sequence[str]) -> str:
    """Join *path* as AWS's Java services do: lower first letters, `.1.member` for the first of a list."""
    return ".".join(f"{part}.member" if part.isdigit() else part[:1].lower() + part[1:] for part in path)


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    text = str(value)
    return f"'{text if len(text) <= 256 else text[:256] + '...'}'"


@dataclass(frozen=True, slots=True)
class CoralWording:
    """The sentence of most services under the code of this one."""

    code: str = "ValidationException"
    unsupported_code: str | None = None

    def invalid(self, operation: str, violations: Sequence[Violation]) -> AwsError:  # noqa: ARG002 - one voice for all operations
        return AwsError(coral_sentence(violations), code=self.code)

    def unsupported(self, operation: str, member: str) -> AwsError:
        return AwsError(unsupported_sentence(operation, member), code=self.unsupported_code or self.code)


@dataclass(frozen=True, slots=True)
class EcsWording:
    """ECS: what RegisterTaskDefinition is given is the client's fault, everything else an invalid parameter."""

    def invalid(self, operation: str, violations: Sequence[Violation]) -> AwsError:
        code = "ClientException" if operation == "RegisterTaskDefinition" else "InvalidParameterException"
        return AwsError(coral_sentence(violations), code=code)

    def unsupported(self, operation: str, member: str) -> AwsError:
        return AwsError(unsupported_sentence(operation, member), code="InvalidParameterException")


@dataclass(frozen=True, slots=True)
class EcrWording:
    """ECR quotes the clause: `Invalid parameter at 'repositoryName' failed to satisfy constraint: '...'`."""

    def invalid(self, operation: str, violations: Sequence[Violation]) -> AwsError:  # noqa: ARG002 - one voice for all operations
        first = violations[0]
        clause = f"must {first.clause}".replace("pattern: ", "'")
        quoted = f"'{clause}'" if first.kind != "pattern" else f"'{clause}''"
        return AwsError(
            f"Invalid parameter at '{coral_path(first.path)}' failed to satisfy constraint: {quoted}",
            code="InvalidParameterException",
        )

    def unsupported(self, operation: str, member: str) -> AwsError:
        return AwsError(unsupported_sentence(operation, member), code="InvalidParameterException")


@dataclass(frozen=True, slots=True)
class Ec2Wording:
    """EC2 names one parameter at a time, by its name in the query string."""

    def invalid(self, operation: str, violations: Sequence[Violation]) -> AwsError:  # noqa: ARG002 - one voice for all operations
        missing = [violation for violation in violations if violation.kind == "required"]
        if missing:
            return AwsError(
                f"The request must contain the parameter {'.'.join(missing[0].path)}", code="MissingParameter"
            )
        first = violations[0]
        name = coral_path(first.path).replace(".member", "")
        text = _shown(first.value).strip("'")
        if first.kind == "range":
            clause = first.clause.replace("have value", "a value")
            return AwsError(
                f"Value ( {text} ) for parameter {name} is invalid. Expecting {clause}.", code="InvalidParameterValue"
            )
        return AwsError(f"Value ({text}) for parameter {name} is invalid.", code="InvalidParameterValue")

    def unsupported(self, operation: str, member: str) -> AwsError:
        return AwsError(unsupported_sentence(operation, member), code="UnsupportedOperation")


_WORDINGS: dict[str, Wording] = {
    "ecs": EcsWording(),
    "ec2": Ec2Wording(),
    "ecr": EcrWording(),
    "logs": CoralWording("InvalidParameterException"),
    "cloudwatch": CoralWording("ValidationError", unsupported_code="InvalidParameterValue"),
    "sts": CoralWording("ValidationError"),
    "iam": CoralWording("ValidationError", unsupported_code="InvalidInput"),
    "elb": CoralWording("ValidationError"),
    "elbv2": CoralWording("ValidationError"),
    "autoscaling": CoralWording("ValidationError"),
    "cloudformation": CoralWording("ValidationError"),
    "route53": CoralWording("InvalidInput"),
    "lambda": CoralWording("ValidationException", unsupported_code="InvalidParameterValueException"),
    "servicediscovery": CoralWording("InvalidInput"),
}
_DEFAULT = CoralWording()


def wording_of(service: str) -> Wording:
    """Return the voice of the service that boto3 calls *service*."""
    return _WORDINGS.get(service, _DEFAULT)
