"""The two capacity providers that AWS brings along."""

from collections.abc import Sequence
from typing import Any

from homeport.aws.call import Call
from homeport.aws.paging import cut_page
from homeport.services.ecs.lookup import place_of
from homeport.services.ecs.paging import after, page_size
from homeport.services.ecs.service import ecs
from homeport.services.ecs.strategies import PROVIDERS
from homeport.services.ecs.views import failure_view


# TAGS may be included without effect: AWS's own providers have none.
@ecs.operation("DescribeCapacityProviders", reads=True, ignores=("include",))
async def describe_capacity_providers(
    call: Call,
    *,
    capacity_providers: Sequence[str] = (),
    max_results: int | None = None,
    next_token: str | None = None,
) -> dict[str, Any]:
    arns = {name: place_of(call).arn(f"capacity-provider/{name}") for name in PROVIDERS}
    names = {arn: name for name, arn in arns.items()}
    wanted = [names.get(given, given) for given in capacity_providers or PROVIDERS]
    (last,) = after(next_token, str) or ("",)
    known = [name for name in PROVIDERS if name in wanted and name > last]
    page = cut_page(known, page_size(max_results), key=lambda name: (name,))
    answer = {
        "capacityProviders": [
            {"capacityProviderArn": arns[name], "name": name, "status": "ACTIVE", "tags": [], "type": name}
            for name in page.items
        ],
        "failures": [
            failure_view(
                given if given.startswith("arn:") else place_of(call).arn(f"capacity-provider/{given}"), "MISSING"
            )
            for given in wanted
            if given not in arns
        ],
    }
    return page.with_token(answer)
