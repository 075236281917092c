"""ECS's error codes.  The sentences stand where they are raised, in AWS's words where those are known."""

from homeport.aws.errors import AwsError


class Client(AwsError):
    """What AWS blames on the request: most refusals of task definitions."""

    code = "ClientException"


class InvalidParameter(AwsError):
    """A parameter that cannot be honoured."""

    code = "InvalidParameterException"


class ClusterNotFound(AwsError):
    """No active cluster of that name."""

    code = "ClusterNotFoundException"

    def __init__(self) -> None:
        super().__init__("Cluster not found.")


class AttributeLimitExceeded(AwsError):
    """A container instance can have ten attributes of its users'."""

    code = "AttributeLimitExceededException"


class ClusterContainsContainerInstances(AwsError):
    """A cluster with container instances cannot be deleted."""

    code = "ClusterContainsContainerInstancesException"


class NoUpdateAvailable(AwsError):
    """The agent is as new as there is one."""

    code = "NoUpdateAvailableException"


class TargetNotFound(AwsError):
    """No container instance of that name takes attributes."""

    code = "TargetNotFoundException"


class ClusterContainsTasks(AwsError):
    """A cluster with live tasks cannot be deleted."""

    code = "ClusterContainsTasksException"


class Conflict(AwsError):
    """The client token was used for a different request; `resourceIds` names what that one made."""

    code = "ConflictException"


class PlatformUnknown(AwsError):
    """No such platform version."""

    code = "PlatformUnknownException"


class ResourceInUse(AwsError):
    """The resource is in use and cannot be removed."""

    code = "ResourceInUseException"


class ResourceNotFound(AwsError):
    """No resource has that ARN."""

    code = "ResourceNotFoundException"


class ServiceNotFound(AwsError):
    """No service of that name in the cluster."""

    code = "ServiceNotFoundException"

    def __init__(self) -> None:
        super().__init__("Service not found.")


class ServiceNotActive(AwsError):
    """The service is being deleted, or has been."""

    code = "ServiceNotActiveException"

    def __init__(self) -> None:
        super().__init__("Service was not ACTIVE.")


class ServiceDeploymentNotFound(AwsError):
    """No service deployment has that ARN."""

    code = "ServiceDeploymentNotFoundException"


class ClusterContainsServices(AwsError):
    """A cluster with services cannot be deleted."""

    code = "ClusterContainsServicesException"


class LimitExceeded(AwsError):
    """One of the fixed limits of the account."""

    code = "LimitExceededException"


class UnsupportedFeature(AwsError):
    """AWS can do it; this installation cannot yet, and says so instead of dropping it."""

    code = "UnsupportedFeatureException"
