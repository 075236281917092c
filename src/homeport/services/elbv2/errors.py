"""Elastic Load Balancing's errors in AWS's words; texts that could not be confirmed are marked."""

from homeport.aws.errors import AwsError


class ValidationError(AwsError):
    code = "ValidationError"


class InvalidConfigurationRequest(AwsError):
    code = "InvalidConfigurationRequest"


class InvalidTarget(AwsError):
    code = "InvalidTarget"


class UnsupportedProtocol(AwsError):
    code = "UnsupportedProtocol"


class LoadBalancerNotFound(AwsError):
    code = "LoadBalancerNotFound"


class TargetGroupNotFound(AwsError):
    code = "TargetGroupNotFound"


class DuplicateTargetGroupName(AwsError):
    code = "DuplicateTargetGroupName"


class DuplicateTagKeys(AwsError):
    code = "DuplicateTagKeys"


class TooManyTags(AwsError):
    code = "TooManyTags"


class TooManyTargets(AwsError):
    code = "TooManyTargets"


class TooManyTargetGroups(AwsError):
    code = "TooManyTargetGroups"


class CertificateNotFound(AwsError):
    code = "CertificateNotFound"


class DuplicateListener(AwsError):
    code = "DuplicateListener"


class DuplicateLoadBalancerName(AwsError):
    code = "DuplicateLoadBalancerName"


class IncompatibleProtocols(AwsError):
    code = "IncompatibleProtocols"


class InvalidLoadBalancerAction(AwsError):
    code = "InvalidLoadBalancerAction"


class InvalidSubnet(AwsError):
    code = "InvalidSubnet"


class ListenerNotFound(AwsError):
    code = "ListenerNotFound"


class OperationNotPermitted(AwsError):
    code = "OperationNotPermitted"


class PriorityInUse(AwsError):
    code = "PriorityInUse"


class ResourceInUse(AwsError):
    code = "ResourceInUse"


class RuleNotFound(AwsError):
    code = "RuleNotFound"


class SslPolicyNotFound(AwsError):
    code = "SSLPolicyNotFound"


class SubnetNotFound(AwsError):
    code = "SubnetNotFound"


class TargetGroupAssociationLimit(AwsError):
    code = "TargetGroupAssociationLimit"


class TooManyCertificates(AwsError):
    code = "TooManyCertificates"


class TooManyListeners(AwsError):
    code = "TooManyListeners"


class TooManyLoadBalancers(AwsError):
    code = "TooManyLoadBalancers"


class TooManyRules(AwsError):
    code = "TooManyRules"


def no_target_group() -> TargetGroupNotFound:
    return TargetGroupNotFound("One or more target groups not found")


def not_an_arn(text: str, noun: str) -> ValidationError:
    """Refuse *text*, which should be the ARN of a *noun* ("target group")."""
    return ValidationError(f"'{text}' is not a valid {noun} ARN")


def no_load_balancer() -> LoadBalancerNotFound:
    return LoadBalancerNotFound("One or more load balancers not found")


def no_listener() -> ListenerNotFound:
    return ListenerNotFound("One or more listeners not found")


def no_rule() -> RuleNotFound:
    return RuleNotFound("One or more rules not found")


def priority_in_use(priority: int) -> PriorityInUse:
    return PriorityInUse(f"Priority '{priority}' is currently in use")
