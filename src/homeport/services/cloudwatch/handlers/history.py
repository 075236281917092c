"""What alarms went through."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page, decode_token
from homeport.services.cloudwatch.alarms.views import history_view
from homeport.services.cloudwatch.errors import invalid_token
from homeport.services.cloudwatch.service import cloudwatch
from homeport.services.cloudwatch.store import alarms as store


@cloudwatch.operation("DescribeAlarmHistory", reads=True)
async def describe_alarm_history(
    call: Call,
    *,
    alarm_name: str = "",
    alarm_types: Sequence[str] = ("MetricAlarm",),
    history_item_type: str = "",
    start_date: float = 0,
    end_date: float | None = None,
    max_records: int = 100,
    next_token: str | None = None,
    scan_by: str = "TimestampDescending",
) -> dict[str, Any]:
    after = decode_token(next_token, (float, str, int), invalid_token)
    if "MetricAlarm" not in alarm_types:
        return {"AlarmHistoryItems": []}
    found = await store.history(
        call.tx,
        call.region,
        name=alarm_name,
        kind=history_item_type,
        start=start_date,
        end=call.now() if end_date is None else end_date,
        after=None if after is None else (after[0], after[1], after[2]),
        descending=scan_by == "TimestampDescending",
        limit=max_records + 1,
    )
    page = cut_page(found, max_records, key=lambda item: (item.timestamp, item.name, item.number))
    return page.with_token({"AlarmHistoryItems": [history_view(item) for item in page.items]}, "NextToken")
