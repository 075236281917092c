"""The errors of ECR, in AWS's words."""

from homeport.aws.errors import AwsError


class InvalidParameter(AwsError):
    code = "InvalidParameterException"


class InvalidTagParameter(AwsError):
    code = "InvalidTagParameterException"


class RepositoryAlreadyExists(AwsError):
    code = "RepositoryAlreadyExistsException"


class RepositoryNotFound(AwsError):
    code = "RepositoryNotFoundException"


class RepositoryNotEmpty(AwsError):
    code = "RepositoryNotEmptyException"


class ImageNotFound(AwsError):
    code = "ImageNotFoundException"


class ServerFailure(AwsError):
    code = "ServerException"
    status = 500


def repository_missing_text(name: str, registry_id: str) -> str:
    return f"The repository with name '{name}' does not exist in the registry with id '{registry_id}'"


def repository_missing(name: str, registry_id: str) -> RepositoryNotFound:
    return RepositoryNotFound(repository_missing_text(name, registry_id))
