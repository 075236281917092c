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


def no_target_group() -> TargetGroupNotFound:
    return TargetGroupNotFound("One or more target groups not found")


def not_an_arn(text: str, noun: str) -> ValidationError:
    """Refuse *text*, which should be the ARN of a *noun* ("target group")."""
    return ValidationError(f"'{text}' is not a valid {noun} ARN")
