"""AWS's default quotas, which are Homeport's limits."""

from typing import Any

from homeport.aws.call import Call
from homeport.services.elbv2.model.load_balancers import (
    MAX_GROUPS_PER_ACTION,
    MAX_LISTENERS,
    MAX_LOAD_BALANCERS,
    MAX_RULES,
)
from homeport.services.elbv2.model.target_groups import MAX_TARGET_GROUPS, MAX_TARGETS
from homeport.services.elbv2.securing import MAX_CERTIFICATES
from homeport.services.elbv2.service import elbv2

_LIMITS = {
    "application-load-balancers": MAX_LOAD_BALANCERS,
    "network-load-balancers": MAX_LOAD_BALANCERS,
    "target-groups": MAX_TARGET_GROUPS,
    "listeners-per-application-load-balancer": MAX_LISTENERS,
    "listeners-per-network-load-balancer": MAX_LISTENERS,
    "rules-per-application-load-balancer": MAX_RULES,
    "targets-per-target-group": MAX_TARGETS,
    "target-groups-per-action-on-application-load-balancer": MAX_GROUPS_PER_ACTION,
    "target-groups-per-action-on-network-load-balancer": 1,
    "certificates-per-application-load-balancer": MAX_CERTIFICATES,
    "condition-values-per-alb-rule": 5,
}


# Marker: the few limits are one page.
# PageSize: as above.
@elbv2.operation("DescribeAccountLimits", reads=True, ignores=("Marker", "PageSize"))
async def describe_account_limits(call: Call) -> dict[str, Any]:
    assert call.region, "every call has a region"
    return {"Limits": [{"Name": name, "Max": str(most)} for name, most in _LIMITS.items()]}
