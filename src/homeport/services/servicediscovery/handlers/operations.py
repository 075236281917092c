"""The record of operations, each of which was over when its request was answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.fields import Fields
from homeport.aws.paging import Keyset, cut_page
from homeport.db.database import Value
from homeport.services.servicediscovery import errors, store
from homeport.services.servicediscovery.errors import InvalidInput
from homeport.services.servicediscovery.handlers.lookup import id_of
from homeport.services.servicediscovery.service import servicediscovery
from homeport.services.servicediscovery.views import operation_summary, operation_view

Documents = Sequence[Mapping[str, Any]]

_CONDITIONS = {
    "NAMESPACE_ID": ("EQ",),
    "SERVICE_ID": ("EQ",),
    "STATUS": ("EQ", "IN"),
    "TYPE": ("EQ", "IN"),
    "UPDATE_DATE": ("BETWEEN",),
}
_COLUMNS = {"NAMESPACE_ID": "namespace_id", "SERVICE_ID": "service_id", "TYPE": "type"}


@servicediscovery.operation("GetOperation", reads=True)
async def get_operation(call: Call, *, operation_id: str, owner_account: str | None = None) -> dict[str, Any]:
    operation = await store.find_operation(call.tx, call.region, operation_id)
    if operation is None or owner_account not in {None, call.account}:
        raise errors.operation_missing(operation_id)
    return {"Operation": operation_view(operation, call.account)}


@servicediscovery.operation("ListOperations", reads=True)
async def list_operations(
    call: Call, *, next_token: str | None = None, max_results: int = 100, filters: Documents = ()
) -> dict[str, Any]:
    condition, values = "", list[Value]()
    for number, document in enumerate(filters):
        more, of_filter = _condition(call, document, number)
        condition += f" AND {more}"
        values += of_filter
    start = Keyset(("created", "id"), next_token, kinds=(float, str), invalid=errors.invalid_token)
    rows = await store.list_operations(
        call.tx,
        call.region,
        condition=condition + start.condition,
        values=[*values, *start.values],
        limit=max_results + 1,
    )
    page = cut_page(rows, max_results, key=lambda operation: (operation.created, operation.id))
    return page.with_token({"Operations": [operation_summary(operation) for operation in page.items]}, "NextToken")


def _condition(call: Call, document: Mapping[str, Any], number: int) -> tuple[str, list[Value]]:
    """Return a filter as SQL with its values."""
    with Fields(document, f"Filters[{number}]") as fields:
        name = fields.take("Name", str)
        values: list[str] = fields.take("Values", list)
        condition = fields.take("Condition", str, "EQ")
    if condition not in _CONDITIONS[name]:
        raise InvalidInput(f"The condition {condition} is not valid for the filter {name}.")
    expected = {"EQ": "exactly one value", "BETWEEN": "two values"}
    if len(values) != {"EQ": 1, "BETWEEN": 2}.get(condition, len(values)) or not values:
        raise InvalidInput(f"The condition {condition} takes {expected.get(condition, 'one value or more')}.")
    if name == "UPDATE_DATE":
        return "created BETWEEN ? AND ?", [_seconds(value) for value in values]
    if name == "STATUS":
        # The reference lists SUCCEED where answers say SUCCESS.
        ends = [bool(value in {"SUCCESS", "SUCCEED"}) for value in values if value in {"SUCCESS", "SUCCEED", "FAIL"}]
        clauses = ["error_code = ''" if succeeded else "error_code <> ''" for succeeded in ends]
        return f"({' OR '.join(clauses) or '1 = 0'})", []
    if name != "TYPE":
        values = [id_of(call, value, "namespace" if name == "NAMESPACE_ID" else "service") for value in values]
    return f"{_COLUMNS[name]} IN ({', '.join('?' * len(values))})", list[Value](values)


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InvalidInput(f"UPDATE_DATE takes dates in Unix format, not '{value}'.") from None
