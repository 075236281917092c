"""The errors of the Parameter Store, in AWS's words."""

from collections.abc import Sequence

from homeport.aws.errors import AwsError


class Validation(AwsError):
    code = "ValidationException"


class ParameterNotFound(AwsError):
    code = "ParameterNotFound"


class ParameterVersionNotFound(AwsError):
    code = "ParameterVersionNotFound"


class AccessDenied(AwsError):
    code = "AccessDeniedException"


class UnsupportedParameterType(AwsError):
    code = "UnsupportedParameterType"


def parameter_missing(name: str) -> ParameterNotFound:
    return ParameterNotFound(f"Parameter {name} not found.")


def version_missing(name: str, version: str) -> ParameterVersionNotFound:
    return ParameterVersionNotFound(
        f"Systems Manager could not find version {version} of {name}. Verify the version and try again."
    )


def already_exists() -> AwsError:
    return AwsError(
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        code="ParameterAlreadyExists",
    )


def type_changed() -> AwsError:
    return AwsError(
        "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't change a "
        "parameter from a String type to a SecureString type. You must create a new, unique parameter.",
        code="HierarchyTypeMismatchException",
    )


def too_many_levels(levels: int) -> AwsError:
    return AwsError(
        f"A hierarchy can have a maximum of {levels} levels. For more information, see Requirements and constraints "
        "for parameter names in the AWS Systems Manager User Guide.",
        code="HierarchyLevelLimitExceededException",
    )


def invalid_token() -> AwsError:
    return AwsError("The specified token isn't valid.", code="InvalidNextToken")


def bad_filter_key(key: str, valid: Sequence[str]) -> AwsError:
    return AwsError(
        f"The following filter key is not valid: {key}. Valid filter keys include: [{', '.join(valid)}].",
        code="InvalidFilterKey",
    )


def repeated_filter(key: str) -> AwsError:
    return AwsError(
        f"The following filter is duplicated in the request: {key}. "
        "A request can contain only one occurrence of a specific filter.",
        code="InvalidFilterKey",
    )


def bad_filter_option(option: str, valid: Sequence[str]) -> AwsError:
    return AwsError(
        f"The following filter option is not valid: {option}. Valid options include: [{', '.join(valid)}].",
        code="InvalidFilterOption",
    )


def bad_filter_value(value: str, valid: Sequence[str]) -> AwsError:
    return AwsError(
        f"The following filter value is not valid: {value}. Valid values include: [{', '.join(valid)}].",
        code="InvalidFilterValue",
    )


def missing_filter_values(key: str) -> AwsError:
    return AwsError(f"The following filter values are missing : null for filter key {key}.", code="InvalidFilterValue")
