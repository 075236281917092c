"""What became of changes."""

import asyncio
from typing import Any

from homeport.aws.call import Call
from homeport.services.route53 import errors, views
from homeport.services.route53.service import route53
from homeport.services.route53.store import changes

_PATIENCE = 2.0  # seconds for which the question waits for a change under way: waiters ask again after thirty
_STEP = 0.02


@route53.operation("GetChange", reads=True)
async def get_change(call: Call, *, id: str) -> dict[str, Any]:  # noqa: A002 - AWS's name
    change = await changes.find(call.tx, id)
    if change is None:
        raise errors.change_missing(id)
    told = await changes.is_in_force(call.tx, change)
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while not told and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(_STEP)
        async with call.database.snapshot() as tx:
            told = await changes.is_in_force(tx, change)
    return {"ChangeInfo": views.change_view(change, told=told)}
