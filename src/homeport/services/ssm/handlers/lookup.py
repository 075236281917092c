"""Find the parameter that a request names: by name or ARN, perhaps with a version."""

from typing import NamedTuple

from homeport.aws.call import Call
from homeport.services.ssm import errors, store
from homeport.services.ssm.model import Parameter
from homeport.services.ssm.public import find_public, is_public


class Chosen(NamedTuple):
    """A parameter, and the selector it was chosen by."""

    parameter: Parameter
    selector: str


async def get_chosen(call: Call, identifier: str) -> Chosen:
    """Return the version of a parameter that *identifier* names: `/web/port`, `/web/port:3`, or an ARN of these."""
    text, is_arn = _without_arn(call, identifier)
    name, colon, selector = text.partition(":")
    current = await find_named(call, name)
    if current is None and is_arn:  # the ARN leaves out the slash at the front
        current = await find_named(call, f"/{name}")
    if current is None:
        raise errors.parameter_missing(identifier)
    if not colon or selector == str(current.version):
        return Chosen(current, colon + selector)
    if not selector.isdecimal():  # a label, and no version has any
        raise errors.ParameterVersionNotFound(
            f"Systems Manager could not find label {selector} of {current.name}. Verify the label and try again."
        )
    for former in await store.former_versions(call.tx, call.region, current.name):
        if str(former.version) == selector:
            return Chosen(former, colon + selector)
    raise errors.version_missing(current.name, selector)


async def find_named(call: Call, name: str) -> Parameter | None:
    """Return the version in use of the parameter called *name*, the account's own or a public one."""
    if is_public(name):
        return find_public(call.region, name)
    return await store.find_parameter(call.tx, call.region, name)


def _without_arn(call: Call, identifier: str) -> tuple[str, bool]:
    """Return the name, with its selector, in *identifier*, and whether that was an ARN."""
    for prefix in (call.arn("ssm", "parameter/"), f"arn:aws:ssm:{call.region}::parameter/"):
        if identifier.startswith(prefix):
            return identifier.removeprefix(prefix), True
    return identifier, False
