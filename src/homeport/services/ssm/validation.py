"""Rules that AWS's model of the Parameter Store does not state: names, paths, values.  Pure."""

import re

from homeport.services.ssm import errors
from homeport.services.ssm.model import SECURE_STRING, TEXT

MAX_LEVELS = 15
MAX_VALUE = 4096
#: AWS's limit on a parameter's whole ARN, most of which is the name.
MAX_ARN = 1011

_NAME = re.compile(r"[a-zA-Z0-9_.\-/]+")
_PATH = re.compile(r"/(?:[a-zA-Z0-9_.\-]+(?:/[a-zA-Z0-9_.\-]+)*/?)?")


def check_name(name: str, arn: str) -> None:
    """Check the name of a parameter to be written, whose ARN is to be *arn*."""
    first = name.lower().lstrip("/")
    if name.lower().startswith("/aws/"):
        raise errors.AccessDenied(f"No access to reserved parameter name: {name}.")
    if first.startswith(("aws", "ssm")) and "/" not in first:
        raise errors.Validation('Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
    levels = name.removeprefix("/").split("/")
    if first.startswith(("aws", "ssm")) or not _NAME.fullmatch(name) or not all(levels):
        raise errors.Validation(
            'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of '
            "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the "
            "following 3 symbols .-_"
        )
    if "/" in name and not name.startswith("/"):
        raise errors.Validation("Parameter name must be a fully qualified name.")
    if len(levels) > MAX_LEVELS:
        raise errors.too_many_levels(MAX_LEVELS)
    if len(arn) > MAX_ARN:
        raise errors.Validation(f"Parameter name: the parameter's ARN can have at most {MAX_ARN} characters.")


def check_path(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise errors.Validation(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward "
            'slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, '
            "numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not "
            'allowed. All sub-paths, if specified, must use the forward slash symbol "/". '
            "Valid example: /get/parameters2-/by1./path0_."
        )


def check_value(value: str) -> None:
    if not value:
        raise errors.Validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1."
        )
    if len(value) > MAX_VALUE:
        raise errors.Validation(
            f"Standard tier parameters support a maximum parameter value of {MAX_VALUE} characters. To create a larger "
            "parameter value, upgrade the parameter to use the advanced-parameter tier, which Homeport does not have."
        )
    if "{{" in value:
        raise errors.Validation('Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.')


def check_kind(type_: str | None, data_type: str, tier: str) -> None:
    """Refuse what needs a service or a feature that is not here."""
    if type_ == SECURE_STRING:
        raise errors.UnsupportedParameterType(
            "Homeport has no KMS to encrypt a SecureString with; parameters are of type String or StringList."
        )
    if data_type != TEXT:
        raise errors.Validation(
            f"The following data type is not supported: {data_type} (Data type names are all lowercase.)"
        )
    if tier == "Advanced":
        raise errors.Validation("Homeport does not support the tier Advanced; use Standard.")
