"""
Record what nodes report of load balancers and of targets.

Called inside the transaction whose commit the node waits for.  A report that was recorded before, that is of an earlier
registration of a target or that comes from another node than the load balancer's, changes nothing.
"""

from dataclasses import replace

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.services.ec2 import store as ec2
from homeport.services.elbv2.model.load_balancers import LoadBalancer
from homeport.services.elbv2.store import load_balancers, target_groups, targets
from homeport.wire.balancing import BalancerObserved, BalancerState, TargetObserved, TargetState

#: What a load balancer that has once been active is while its node cannot do what was declared since.
_IMPAIRED = "active_impaired"


async def observe_balancer(tx: Tx, node: str, observed: BalancerObserved) -> None:
    """Bring a load balancer up to the report, and give its addresses back when nothing of it is left."""
    balancer = await load_balancers.find_by_id(tx, observed.balancer)
    if balancer is None or balancer.node != node or observed.sequence <= balancer.observed_sequence:
        return
    if observed.state is BalancerState.GONE:
        if balancer.deleted_at is not None:
            await forget_balancer(tx, balancer)
        return
    state = {
        BalancerState.PROVISIONING: "provisioning",
        BalancerState.ACTIVE: "active",
        # Its node tries again, and AWS's "failed" is for good.
        BalancerState.FAILED: "provisioning" if balancer.state == "provisioning" else _IMPAIRED,
    }[observed.state]
    if state == "provisioning" and balancer.state in ("active", _IMPAIRED):
        state = balancer.state  # a node that starts again is no news to the load balancer's users
    await load_balancers.observe(
        tx, replace(balancer, state=state, reason=observed.reason, observed_sequence=observed.sequence)
    )


async def forget_balancer(tx: Tx, balancer: LoadBalancer) -> bool:
    """Give back what a deleted load balancer held; says whether its node has to be told."""
    await load_balancers.forget(tx, balancer.arn)
    changed = False
    for zone in balancer.zones:
        # Before another interface can get the address: what a node is told later comes after this.
        if balancer.node is not None:
            changed |= await assignments.drop(tx, balancer.node, "Eni", zone.interface)
        await ec2.release_interface(tx, zone.interface)
    return changed


async def observe_target(tx: Tx, node: str, observed: TargetObserved) -> None:
    """Bring a target up to the report; one that was deregistered is gone when nothing is in flight to it any more."""
    target = await targets.find_by_item(tx, observed.target)
    if target is None or target.registration != observed.registration or observed.sequence <= target.observed_sequence:
        return
    holder = await target_groups.assigned_to(tx, target.group)
    if holder is None or holder[0] != node:
        return
    match observed.state:
        case TargetState.DRAINED:
            if target.draining_since is not None:
                await targets.delete(tx, target)
                await assignments.drop(tx, node, "Target", target.item)
        case TargetState.DRAINING:
            await targets.observe(tx, replace(target, observed_sequence=observed.sequence))
        case _:
            await targets.observe(
                tx,
                replace(
                    target,
                    seen=observed.state.value,
                    reason=observed.reason,
                    description=observed.description,
                    observed_sequence=observed.sequence,
                ),
            )
