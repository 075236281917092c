"""The errors of CloudWatch Logs, in AWS's words."""

from homeport.aws.errors import AwsError


class InvalidParameter(AwsError):
    code = "InvalidParameterException"


class ResourceAlreadyExists(AwsError):
    code = "ResourceAlreadyExistsException"


class ResourceNotFound(AwsError):
    code = "ResourceNotFoundException"


class TooManyTags(AwsError):
    code = "TooManyTagsException"


def group_missing() -> ResourceNotFound:
    return ResourceNotFound("The specified log group does not exist.")


def stream_missing() -> ResourceNotFound:
    return ResourceNotFound("The specified log stream does not exist.")
