"""Certificate Manager's errors; texts that could not be confirmed are marked where they are raised."""

from homeport.aws.errors import AwsError


class InvalidParameter(AwsError):
    code = "InvalidParameterException"


class InvalidTag(AwsError):
    code = "InvalidTagException"


class ResourceInUse(AwsError):
    code = "ResourceInUseException"


class ResourceNotFound(AwsError):
    code = "ResourceNotFoundException"


class TooManyTags(AwsError):
    code = "TooManyTagsException"


class ValidationError(AwsError):
    code = "ValidationException"


def no_certificate(arn: str, account: str) -> ResourceNotFound:
    return ResourceNotFound(f"Could not find certificate {arn} in account {account}.")
