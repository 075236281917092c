"""The errors of Application Auto Scaling, in AWS's words where users have reported them."""

from homeport.aws.errors import AwsError


class Validation(AwsError):
    code = "ValidationException"


class ObjectNotFound(AwsError):
    code = "ObjectNotFoundException"


class LimitExceeded(AwsError):
    code = "LimitExceededException"


class ResourceNotFound(AwsError):
    code = "ResourceNotFoundException"


class TooManyTags(AwsError):
    code = "TooManyTagsException"


def invalid_token() -> AwsError:
    return AwsError("Invalid token: the NextToken was not made by this operation.", code="InvalidNextTokenException")


def _where(resource: str, dimension: str) -> str:
    return f"service namespace: ecs, resource ID: {resource}, scalable dimension: {dimension}"


def no_target(resource: str, dimension: str, verb: str = "registered") -> ObjectNotFound:
    return ObjectNotFound(f"No scalable target {verb} for {_where(resource, dimension)}")


def no_policy(resource: str, dimension: str, name: str) -> ObjectNotFound:
    return ObjectNotFound(f"No scaling policy found for {_where(resource, dimension)}, policy name: {name}")


def no_scheduled_action(resource: str, dimension: str, name: str) -> ObjectNotFound:
    return ObjectNotFound(f"No scheduled action found for {_where(resource, dimension)}, scheduled action name: {name}")
