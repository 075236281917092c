"""Parameters by name, by path, and their history."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page, decode_token, paginate
from homeport.services.ssm import errors, store
from homeport.services.ssm.filters import BY_PATH, DESCRIBING, is_under, parse_filters
from homeport.services.ssm.handlers.lookup import get_chosen
from homeport.services.ssm.model import Parameter
from homeport.services.ssm.public import is_public, public_parameters
from homeport.services.ssm.service import ssm
from homeport.services.ssm.validation import check_path
from homeport.services.ssm.views import metadata_view, parameter_view, version_view

Documents = Sequence[Mapping[str, Any]]


# WithDecryption: AWS ignores it for String and StringList, and there is no other type.
@ssm.operation("GetParameter", reads=True, ignores=("WithDecryption",))
async def get_parameter(call: Call, *, name: str) -> dict[str, Any]:
    chosen = await get_chosen(call, name)
    return {"Parameter": parameter_view(call, *chosen)}


# WithDecryption: AWS ignores it for String and StringList, and there is no other type.
@ssm.operation("GetParameters", reads=True, ignores=("WithDecryption",))
async def get_parameters(call: Call, *, names: Sequence[str]) -> dict[str, Any]:
    found, invalid = [], []
    for name in dict.fromkeys(names):
        try:
            found.append(parameter_view(call, *await get_chosen(call, name)))
        except (errors.ParameterNotFound, errors.ParameterVersionNotFound):
            invalid.append(name)
    return {"Parameters": found, "InvalidParameters": invalid}


# WithDecryption: AWS ignores it for String and StringList, and there is no other type.
@ssm.operation("GetParametersByPath", reads=True, ignores=("WithDecryption",))
async def get_parameters_by_path(
    call: Call,
    *,
    path: str,
    recursive: bool = False,
    parameter_filters: Documents = (),
    max_results: int = 10,
    next_token: str | None = None,
) -> dict[str, Any]:
    check_path(path)
    passes = parse_filters(parameter_filters, BY_PATH)

    def wanted(parameter: Parameter) -> bool:
        return is_under(parameter.name, path, recursive=recursive) and passes(parameter)

    (after,) = decode_token(next_token, (str,), errors.invalid_token) or ("",)
    if is_public(path):
        found = [one for one in public_parameters(call.region) if one.name > after and wanted(one)]
    else:
        prefix = "" if path == "/" else f"{path.rstrip('/')}/"  # below / are names without a slash, too
        found = await store.list_parameters(
            call.tx, call.region, prefix=prefix, after=after, limit=max_results + 1, wanted=wanted
        )
    page = cut_page(found, max_results, key=lambda parameter: (parameter.name,))
    return page.with_token({"Parameters": [parameter_view(call, one) for one in page.items]}, "NextToken")


@ssm.operation("DescribeParameters", reads=True)
async def describe_parameters(
    call: Call,
    *,
    parameter_filters: Documents = (),
    shared: bool = False,
    max_results: int = 50,
    next_token: str | None = None,
) -> dict[str, Any]:
    wanted = parse_filters(parameter_filters, DESCRIBING)
    if shared:  # by other accounts, of which there are none
        return {"Parameters": []}
    (after,) = decode_token(next_token, (str,), errors.invalid_token) or ("",)
    found = await store.list_parameters(call.tx, call.region, after=after, limit=max_results + 1, wanted=wanted)
    page = cut_page(found, max_results, key=lambda parameter: (parameter.name,))
    return page.with_token({"Parameters": [metadata_view(call, one) for one in page.items]}, "NextToken")


# WithDecryption: AWS ignores it for String and StringList, and there is no other type.
@ssm.operation("GetParameterHistory", reads=True, ignores=("WithDecryption",))
async def get_parameter_history(
    call: Call, *, name: str, max_results: int = 50, next_token: str | None = None
) -> dict[str, Any]:
    current = await store.find_parameter(call.tx, call.region, name)
    if current is None:
        raise errors.parameter_missing(name)
    versions = [*await store.former_versions(call.tx, call.region, name), current]
    page = paginate(
        versions, next_token, max_results, 50, key=lambda version: (version.version,), invalid=errors.invalid_token
    )
    return page.with_token({"Parameters": [version_view(version) for version in page.items]}, "NextToken")
