"""The errors of CloudWatch.  Sentences that AWS does not document are marked where they are raised."""

from homeport.aws.errors import AwsError


class InvalidParameterValue(AwsError):
    code = "InvalidParameterValue"


class InvalidParameterCombination(AwsError):
    code = "InvalidParameterCombination"


class MissingParameter(AwsError):
    code = "MissingParameter"


class Validation(AwsError):
    code = "ValidationError"


def invalid_token() -> AwsError:
    return AwsError("The specified NextToken is invalid.", code="InvalidNextToken")


def bad_value(value: object, parameter: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"The value {value} for parameter {parameter} is invalid.")


class ResourceNotFound(AwsError):
    code = "ResourceNotFound"
    status = 404


class ResourceNotFoundException(AwsError):
    """What the operations on tags say."""

    code = "ResourceNotFoundException"
    status = 404
