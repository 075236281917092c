"""Scaling activities."""

from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page, decode_token
from homeport.services.applicationautoscaling import validation
from homeport.services.applicationautoscaling.errors import invalid_token
from homeport.services.applicationautoscaling.service import autoscaling
from homeport.services.applicationautoscaling.store import activities
from homeport.services.applicationautoscaling.views import activity_view

_PAGE = 50


@autoscaling.operation("DescribeScalingActivities", reads=True)
async def describe_scaling_activities(
    call: Call,
    *,
    service_namespace: str,
    resource_id: str | None = None,
    scalable_dimension: str | None = None,
    max_results: int | None = None,
    next_token: str | None = None,
    include_not_scaled_activities: bool = False,
) -> dict[str, Any]:
    validation.check_namespace(service_namespace)
    validation.check_dimension(resource_id, scalable_dimension)
    size = validation.page_size(max_results, _PAGE)
    after = decode_token(next_token, (float, str), invalid_token)
    found = await activities.page(
        call.tx,
        call.region,
        resource=resource_id or "",
        after=None if after is None else (after[0], after[1]),
        limit=size + 1,
        not_scaled=include_not_scaled_activities,
    )
    page = cut_page(found, size, key=lambda activity: (activity.started_at, activity.id))
    return page.with_token({"ScalingActivities": [activity_view(each) for each in page.items]}, "NextToken")
