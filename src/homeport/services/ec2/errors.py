"""EC2's errors in AWS's words.  botocore's model has none of them: EC2 declares no error shapes."""

from collections.abc import Sequence

from homeport.aws.errors import AwsError


class InvalidParameterValue(AwsError):
    code = "InvalidParameterValue"


class InvalidParameterCombination(AwsError):
    code = "InvalidParameterCombination"


class MissingParameter(AwsError):
    code = "MissingParameter"


class UnsupportedOperation(AwsError):
    code = "UnsupportedOperation"


class OperationNotPermitted(AwsError):
    code = "OperationNotPermitted"


class DependencyViolation(AwsError):
    code = "DependencyViolation"


class InvalidPermissionMalformed(AwsError):
    code = "InvalidPermission.Malformed"


class NotFound(AwsError):
    """A resource that is named and does not exist; the code says of which kind."""


def missing(parameter: str) -> MissingParameter:
    return MissingParameter(f"The request must contain the parameter {parameter}")


def bad_value(value: object, parameter: str, reason: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Value ({value}) for parameter {parameter} is invalid. {reason}")


def not_found(code: str, noun: str, ids: Sequence[str]) -> NotFound:
    """Return the error for *ids*, a resource's kind being called *noun* in the sentence ("vpc ID")."""
    quoted = ", ".join(ids)
    if len(ids) == 1:
        return NotFound(f"The {noun} '{quoted}' does not exist", code=code)
    return NotFound(f"The {noun}s '{quoted}' do not exist", code=code)


def no_such_images(ids: Sequence[str]) -> NotFound:
    noun, verb = ("image id", "does") if len(ids) == 1 else ("image ids", "do")
    return NotFound(f"The {noun} '[{', '.join(ids)}]' {verb} not exist", code="InvalidAMIID.NotFound")


def no_such_instance_types(names: Sequence[str]) -> NotFound:
    return NotFound(
        f"The following supplied instance types do not exist: [{', '.join(names)}]", code="InvalidInstanceType"
    )


def has_dependencies(noun: str, resource: str) -> DependencyViolation:
    return DependencyViolation(f"The {noun} '{resource}' has dependencies and cannot be deleted.")


def insufficient_addresses() -> AwsError:
    return AwsError(
        "The specified subnet does not have enough free addresses to satisfy the request.",
        code="InsufficientFreeAddressesInSubnet",
    )


def insufficient_public_addresses() -> AwsError:
    return AwsError("Insufficient capacity in the public address pool.", code="InsufficientAddressCapacity")


def address_in_use() -> AwsError:
    return AwsError("The specified address is already in use.", code="InvalidIPAddress.InUse")


def dry_run() -> AwsError:
    return AwsError("Request would have succeeded, but DryRun flag is set.", code="DryRunOperation", status=412)
