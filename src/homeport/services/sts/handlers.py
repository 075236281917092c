"""STS's operations."""

from typing import Any

from homeport.aws.call import Call
from homeport.services.sts.service import sts
from homeport.services.sts.views import caller_view


@sts.operation("GetCallerIdentity", reads=True)
async def get_caller_identity(call: Call) -> dict[str, Any]:
    return dict(caller_view(call.principal))
