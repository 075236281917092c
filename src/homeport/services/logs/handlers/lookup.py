"""Find the log group that a request names in one of AWS's ways."""

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.services.logs import store
from homeport.services.logs.errors import InvalidParameter, group_missing
from homeport.services.logs.model import LogGroup


async def identified_group(call: Call, name: str | None, identifier: str | None) -> LogGroup:
    """Return the group that logGroupName or logGroupIdentifier (a name or an ARN) names."""
    if name is not None and identifier is not None:
        raise InvalidParameter("LogGroup name and LogGroup identifier are mutually exclusive parameters.")
    if name is not None:
        return await store.get_group(call.tx, call.region, name)
    if identifier is None:
        raise InvalidParameter("Either logGroupName or logGroupIdentifier must be specified.")
    return await group_of_identifier(call, identifier)


async def group_of_identifier(call: Call, identifier: str) -> LogGroup:
    """Return the group that *identifier*, a name or an ARN, names."""
    if not identifier.startswith("arn:"):
        return await store.get_group(call.tx, call.region, identifier)
    prefix = call.arn("logs", "log-group:")
    if not identifier.startswith(prefix):
        raise group_missing()
    return await store.get_group(call.tx, call.region, identifier.removeprefix(prefix).removesuffix(":*"))


def invalid_token() -> AwsError:
    return InvalidParameter("The specified nextToken is invalid.")
