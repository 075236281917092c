"""What the actions of listeners and rules may name: target groups that exist and that the load balancer can use."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.db.database import Tx
from homeport.services.elbv2 import errors, lookup
from homeport.services.elbv2.model.load_balancers import Kind, LoadBalancer, groups_of
from homeport.services.elbv2.model.target_groups import TargetGroup, TargetType
from homeport.services.elbv2.store import listeners


async def check_actions(
    tx: Tx, balancer: LoadBalancer, protocol: str, actions: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    """Refuse actions that a listener of *protocol* cannot do; returns the ARNs of the groups they forward to."""
    arns = groups_of(actions)
    if balancer.kind is Kind.NETWORK and (len(arns) != 1 or actions[0]["Type"] != "forward"):
        raise errors.InvalidConfigurationRequest(
            "Homeport's network load balancers forward to exactly one target group."
        )
    for arn in arns:
        group = await lookup.target_group(tx, balancer.region, arn)
        _check_protocols(protocol, group)
        if group.target_type is not TargetType.LAMBDA and group.document.vpc != balancer.vpc:
            raise errors.InvalidConfigurationRequest(  # unconfirmed
                f"The following target groups are not in the VPC of the load balancer: {arn}"
            )
        others = [used for used in await listeners.balancers_of(tx, arn) if used != balancer.arn]
        if others:
            raise errors.TargetGroupAssociationLimit(
                f"The following target groups cannot be associated with more than one load balancer: {arn}"
            )
    return arns


def _check_protocols(protocol: str, group: TargetGroup) -> None:
    served = "HTTP" if group.target_type is TargetType.LAMBDA else group.document.protocol
    if (protocol in ("HTTP", "HTTPS")) != (served in ("HTTP", "HTTPS")):
        raise errors.IncompatibleProtocols(  # unconfirmed
            f"Listener protocol '{protocol}' is not supported with a target group with the protocol '{served}'"
        )
