"""Parameters made, changed and deleted."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.services.ssm import errors, store
from homeport.services.ssm.model import STANDARD, TEXT, Parameter
from homeport.services.ssm.service import ssm
from homeport.services.ssm.validation import check_kind, check_name, check_value
from homeport.services.ssm.views import parameter_arn


@ssm.operation("PutParameter")
async def put_parameter(
    call: Call,
    *,
    name: str,
    value: str,
    type: str | None = None,  # noqa: A002 - AWS's name
    description: str | None = None,
    overwrite: bool = False,
    tier: str = STANDARD,
    data_type: str = TEXT,
) -> dict[str, Any]:
    check_name(name, parameter_arn(call, name))
    check_value(value)
    check_kind(type, data_type, tier)
    present = await store.find_parameter(call.tx, call.region, name)
    if present is None:
        if type is None:
            raise errors.Validation("A parameter type is required when you create a parameter.")
        made = Parameter(name, 1, type, value, description or "", call.now(), call.principal.arn)
        await store.add_parameter(call.tx, call.region, made)
        return {"Version": 1, "Tier": STANDARD}
    if not overwrite:
        raise errors.already_exists()
    if type not in {None, present.type}:
        raise errors.type_changed()
    kept = present.description if description is None else description
    version = present.version + 1
    changed = Parameter(name, version, present.type, value, kept, call.now(), call.principal.arn)
    await store.replace_parameter(call.tx, call.region, changed)
    return {"Version": version, "Tier": STANDARD}


@ssm.operation("DeleteParameter")
async def delete_parameter(call: Call, *, name: str) -> None:
    if not await store.remove_parameter(call.tx, call.region, name):
        raise errors.parameter_missing(name)


@ssm.operation("DeleteParameters")
async def delete_parameters(call: Call, *, names: Sequence[str]) -> dict[str, Any]:
    deleted: list[str] = []
    invalid: list[str] = []
    for name in dict.fromkeys(names):
        removed = await store.remove_parameter(call.tx, call.region, name)
        (deleted if removed else invalid).append(name)
    return {"DeletedParameters": deleted, "InvalidParameters": invalid}
