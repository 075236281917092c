"""
Move traffic between target groups: what services above do to listener rules while they deploy.

A rule goes on forwarding to all groups it names, some with weight 0: a group without weight is checked like any other, so
its targets are known to be healthy before traffic comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from msgspec.structs import replace as with_fields

from homeport.db.database import Tx
from homeport.services.elbv2 import errors, lookup
from homeport.services.elbv2.forwarding import check_actions
from homeport.services.elbv2.model.load_balancers import LoadBalancer, Rule
from homeport.services.elbv2.store import listeners, load_balancers, target_groups

_HEAVIEST = 999


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A rule that forwards, its load balancer, and the weights of its target groups by ARN."""

    rule: Rule
    balancer: LoadBalancer
    weights: Mapping[str, int]


async def find_forwarding(tx: Tx, region: str, arn: str) -> Forwarding:
    """
    Return what a rule forwards to; the ARN of a listener stands for its default rule.

    Raises ValidationError for another ARN, RuleNotFound, ListenerNotFound, and InvalidLoadBalancerAction for a rule
    that does not forward.
    """
    if lookup.is_listener_arn(arn):
        rule = await listeners.default_rule(tx, (await lookup.listener(tx, region, arn)).arn)
    else:
        rule = await lookup.rule(tx, region, arn)
    action = rule.document.actions[-1]
    if action["Type"] != "forward":
        raise errors.InvalidLoadBalancerAction(f"The rule '{arn}' does not forward to target groups")  # unconfirmed
    groups = action["ForwardConfig"]["TargetGroups"]
    balancer = await lookup.load_balancer(tx, region, rule.load_balancer)
    return Forwarding(rule, balancer, {group["TargetGroupArn"]: group["Weight"] for group in groups})


def weights_of(shares: Mapping[str, float]) -> dict[str, int]:
    """Return whole weights in the proportion of *shares*, which are percent with at most one decimal.  Pure."""
    tenths = any(share != int(share) for share in shares.values())
    return {arn: min(_HEAVIEST, round(share * (10 if tenths else 1))) for arn, share in shares.items()}


async def shift(tx: Tx, region: str, arn: str, shares: Mapping[str, float]) -> bool:
    """
    Have a rule forward to target groups by *shares* of the traffic, in percent by ARN; says whether that is news.

    Groups that the rule names and *shares* does not get nothing from now on, and stay in it.  Raises what CreateRule
    does for groups that the load balancer cannot use.  Callers wake BALANCING.
    """
    found = await find_forwarding(tx, region, arn)
    weights = {**dict.fromkeys(found.weights, 0), **weights_of(shares)}
    if weights == found.weights:
        return False
    *before, action = found.rule.document.actions
    config = action["ForwardConfig"] | {
        "TargetGroups": [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights.items()]
    }
    alone = {"TargetGroupArn": next(iter(weights))} if len(weights) == 1 else {}
    plain = {name: value for name, value in action.items() if name != "TargetGroupArn"}
    actions = (*before, {**plain, **alone, "ForwardConfig": config})
    listener = await lookup.listener(tx, region, found.rule.listener)
    await check_actions(tx, found.balancer, listener.document.protocol, actions)
    document = with_fields(found.rule.document, actions=actions)
    await listeners.put_rule(tx, replace(found.rule, document=document))
    await load_balancers.mark_stale(tx, found.balancer.arn)
    await target_groups.mark_stale(tx, weights)
    return True
