"""Where a page of Elastic Load Balancing's lists starts, and how long it may be."""

from homeport.aws.errors import AwsError
from homeport.services.elbv2.errors import ValidationError

#: How many items a page has where a request says nothing: AWS's most.
PAGE_SIZE = 400
#: The kinds of the parts of a marker: lists are in the order of names.
MARKER = (str,)


def invalid_marker() -> AwsError:
    return ValidationError("The marker is not valid")  # unconfirmed
