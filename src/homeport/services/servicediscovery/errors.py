"""
The errors of Cloud Map.

The codes are the model's.  Of the sentences, those of the two ResourceInUse errors, of an existing service and of
a DnsConfig in an HTTP service are AWS's; the others are unconfirmed.
"""

from homeport.aws.errors import AwsError
from homeport.services.servicediscovery.model import DiscoverableService, Namespace


class InvalidInput(AwsError):
    code = "InvalidInput"


class NamespaceNotFound(AwsError):
    code = "NamespaceNotFound"


class ServiceNotFound(AwsError):
    code = "ServiceNotFound"


class InstanceNotFound(AwsError):
    code = "InstanceNotFound"


class ResourceInUse(AwsError):
    code = "ResourceInUse"


class ResourceLimitExceeded(AwsError):
    code = "ResourceLimitExceeded"


def namespace_missing(identifier: str) -> NamespaceNotFound:
    return NamespaceNotFound(f"No namespace exists with the ID or name '{identifier}'.")


def service_missing(identifier: str) -> ServiceNotFound:
    return ServiceNotFound(f"No service exists with the ID or name '{identifier}'.")


def instance_missing(service: str, instance: str) -> InstanceNotFound:
    return InstanceNotFound(f"No instance '{instance}' is registered with the service '{service}'.")


def operation_missing(operation: str) -> AwsError:
    return AwsError(f"No operation exists with the ID '{operation}'.", code="OperationNotFound")


def resource_missing(arn: str) -> AwsError:
    return AwsError(f"No namespace and no service has the ARN '{arn}'.", code="ResourceNotFoundException")


def namespace_exists(there: Namespace) -> AwsError:
    return AwsError(
        f"Namespace with name '{there.name}' already exists.",
        code="NamespaceAlreadyExists",
        CreatorRequestId=there.document.creator_request_id,
        NamespaceId=there.id,
    )


def service_exists(there: DiscoverableService, arn: str) -> AwsError:
    return AwsError(
        "Service already exists.",
        code="ServiceAlreadyExists",
        CreatorRequestId=there.document.creator_request_id,
        ServiceId=there.id,
        ServiceArn=arn,
    )


def namespace_in_use() -> ResourceInUse:
    return ResourceInUse("Namespace has associated services; delete the services before deleting the namespace")


def service_in_use() -> ResourceInUse:
    return ResourceInUse("Service contains registered instances; delete the instances before deleting the service")


def too_many_tags(limit: int, *, arn: str = "") -> AwsError:
    """Refuse tags of the resource *arn*, or of one that is yet to be made."""
    message, code = f"A resource can have at most {limit} tags.", "TooManyTagsException"
    return AwsError(message, code=code, ResourceName=arn) if arn else AwsError(message, code=code)


def too_many_attributes(limit: int) -> AwsError:
    return AwsError(f"A service can have at most {limit} attributes.", code="ServiceAttributesLimitExceededException")


def no_custom_health() -> AwsError:
    return AwsError("The service has no custom health check.", code="CustomHealthNotFound")


def invalid_token() -> InvalidInput:
    return InvalidInput("The specified NextToken is not valid.")
