"""Metrics: publishing datapoints, and finding what has been published."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page, decode_token
from homeport.services.cloudwatch import validation
from homeport.services.cloudwatch.errors import InvalidParameterValue, invalid_token
from homeport.services.cloudwatch.model import HOUR, LISTED_FOR
from homeport.services.cloudwatch.service import cloudwatch
from homeport.services.cloudwatch.store import datapoints
from homeport.services.cloudwatch.store import metrics as store
from homeport.services.cloudwatch.views import metric_view

_PAGE = 500


@cloudwatch.operation("PutMetricData")
async def put_metric_data(call: Call, *, namespace: str, metric_data: Sequence[Mapping[str, Any]]) -> None:
    data = validation.parse_data(namespace, metric_data, call.now())
    await datapoints.publish(call.tx, call.region, data)


@cloudwatch.operation("ListMetrics", reads=True)
async def list_metrics(
    call: Call,
    *,
    namespace: str = "",
    metric_name: str = "",
    dimensions: Sequence[Mapping[str, str]] = (),
    next_token: str | None = None,
    recently_active: str = "",
    include_linked_accounts: bool = False,
) -> dict[str, Any]:
    if include_linked_accounts:
        raise InvalidParameterValue("Linked accounts are not supported here.")
    found = await store.list_metrics(
        call.tx,
        call.region,
        namespace=namespace,
        name=metric_name,
        dimensions=[(dimension["Name"], dimension.get("Value")) for dimension in dimensions],
        since=int(call.now() - (3 * HOUR if recently_active else LISTED_FOR)),
        after=decode_token(next_token, (str, str, str), invalid_token) or ("", "", ""),
        limit=_PAGE + 1,
    )
    page = cut_page(found, _PAGE, key=lambda metric: (metric.namespace, metric.name, metric.dimensions_key))
    return page.with_token({"Metrics": [metric_view(metric) for metric in page.items]}, "NextToken")
