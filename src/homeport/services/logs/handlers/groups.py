"""Log groups and their retention."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page, decode_token
from homeport.services.logs import store, validation
from homeport.services.logs.errors import InvalidParameter, ResourceAlreadyExists, ResourceNotFound
from homeport.services.logs.handlers.lookup import group_of_identifier, invalid_token
from homeport.services.logs.ingest import new_id
from homeport.services.logs.model import LogGroup
from homeport.services.logs.service import logs
from homeport.services.logs.views import group_view


@logs.operation("CreateLogGroup")
async def create_log_group(
    call: Call,
    *,
    log_group_name: str,
    tags: Mapping[str, str] | None = None,
    log_group_class: str = "STANDARD",
    deletion_protection_enabled: bool = False,
) -> None:
    validation.check_group_name(log_group_name)
    validation.check_tags(tags or {})
    if log_group_class != "STANDARD":
        raise InvalidParameter(f"Log group class {log_group_class} is not supported here; use STANDARD.")
    if deletion_protection_enabled:
        raise InvalidParameter("Deletion protection of log groups is not supported here.")
    group = LogGroup(new_id(call.ids), call.region, log_group_name, int(call.now() * 1000), tags=tags or {})
    if not await store.add_group(call.tx, group):
        raise ResourceAlreadyExists("The specified log group already exists")


@logs.operation("DeleteLogGroup")
async def delete_log_group(call: Call, *, log_group_name: str) -> None:
    await store.remove_group(call.tx, await store.get_group(call.tx, call.region, log_group_name))
    call.wake("logs.expiry")


@logs.operation("DescribeLogGroups", reads=True)
async def describe_log_groups(
    call: Call,
    *,
    log_group_name_prefix: str | None = None,
    log_group_name_pattern: str | None = None,
    log_group_identifiers: Sequence[str] | None = None,
    log_group_class: str = "STANDARD",
    include_linked_accounts: bool = False,
    next_token: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    if log_group_name_prefix is not None and log_group_name_pattern is not None:
        raise InvalidParameter("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    if include_linked_accounts:
        raise InvalidParameter("Linked accounts are not supported here.")
    if log_group_class != "STANDARD":
        return {"logGroups": []}
    if log_group_identifiers is not None:
        if log_group_name_prefix is not None or log_group_name_pattern is not None:
            raise InvalidParameter("logGroupIdentifiers cannot be combined with a name prefix or pattern.")
        groups = await _identified(call, log_group_identifiers)
        return {"logGroups": [group_view(group, call.account) for group in groups]}
    (after,) = decode_token(next_token, (str,), invalid_token) or ("",)
    pattern = log_group_name_pattern or ""
    found = await _matching(call, log_group_name_prefix or "", after, limit + 1, lambda group: pattern in group.name)
    page = cut_page(found, limit, key=lambda group: (group.name,))
    return page.with_token({"logGroups": [group_view(group, call.account) for group in page.items]})


async def _identified(call: Call, identifiers: Sequence[str]) -> list[LogGroup]:
    """Return the groups that exist of those named, by name."""
    groups = {}
    for identifier in identifiers:
        try:
            group = await group_of_identifier(call, identifier)
        except ResourceNotFound:
            continue
        groups[group.name] = group
    return [groups[name] for name in sorted(groups)]


async def _matching(
    call: Call, prefix: str, after: str, limit: int, wanted: Callable[[LogGroup], bool]
) -> list[LogGroup]:
    """Return the first *limit* groups behind *after* that are *wanted*."""
    matching: list[LogGroup] = []
    while True:
        groups = await store.list_groups(call.tx, call.region, prefix=prefix, after=after, limit=limit)
        matching += filter(wanted, groups)
        if len(groups) < limit or len(matching) >= limit:
            return matching[:limit]
        after = groups[-1].name


@logs.operation("PutRetentionPolicy")
async def put_retention_policy(call: Call, *, log_group_name: str, retention_in_days: int) -> None:
    validation.check_retention(retention_in_days)
    group = await store.get_group(call.tx, call.region, log_group_name)
    await store.set_retention(call.tx, group, retention_in_days)
    call.wake("logs.expiry")


@logs.operation("DeleteRetentionPolicy")
async def delete_retention_policy(call: Call, *, log_group_name: str) -> None:
    await store.set_retention(call.tx, await store.get_group(call.tx, call.region, log_group_name), 0)
