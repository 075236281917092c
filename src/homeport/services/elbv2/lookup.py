"""Resources by their ARNs, or AWS's error for those that do not exist."""

import re

from homeport.aws.arn import find_arn
from homeport.db.database import Tx
from homeport.services.elbv2 import errors
from homeport.services.elbv2.model.load_balancers import Listener, LoadBalancer, Rule
from homeport.services.elbv2.model.target_groups import TargetGroup
from homeport.services.elbv2.store import listeners, load_balancers, target_groups

_NAME = "[a-zA-Z0-9-]{1,32}"
_HEX = "[0-9a-f]{16}"
_GROUP = re.compile(f"targetgroup/{_NAME}/{_HEX}")
_BALANCER = re.compile(f"loadbalancer/(app|net)/{_NAME}/{_HEX}")
_LISTENER = re.compile(f"listener/(app|net)/{_NAME}/{_HEX}/{_HEX}")
_RULE = re.compile(f"listener-rule/(app|net)/{_NAME}/{_HEX}/{_HEX}/{_HEX}")


def _is(form: re.Pattern[str], text: str) -> bool:
    arn = find_arn(text)
    return arn is not None and arn.service == "elasticloadbalancing" and form.fullmatch(arn.resource) is not None


def is_target_group_arn(text: str) -> bool:
    return _is(_GROUP, text)


def is_load_balancer_arn(text: str) -> bool:
    return _is(_BALANCER, text)


def is_listener_arn(text: str) -> bool:
    return _is(_LISTENER, text)


def is_rule_arn(text: str) -> bool:
    return _is(_RULE, text)


def _in(region: str, arn: str) -> bool:
    found = find_arn(arn)
    return found is not None and found.region == region


async def target_group(tx: Tx, region: str, arn: str) -> TargetGroup:
    """Return a target group of the region.  Raises ValidationError for what is no ARN, else TargetGroupNotFound."""
    if not is_target_group_arn(arn):
        raise errors.not_an_arn(arn, "target group")
    group = await target_groups.find(tx, arn)
    if group is None or group.region != region:
        raise errors.no_target_group()
    return group


async def load_balancer(tx: Tx, region: str, arn: str) -> LoadBalancer:
    """Return a load balancer of the region.  Raises ValidationError for what is no ARN, else LoadBalancerNotFound."""
    if not is_load_balancer_arn(arn):
        raise errors.not_an_arn(arn, "load balancer")
    balancer = await load_balancers.find(tx, arn)
    if balancer is None or balancer.region != region or balancer.deleted_at is not None:
        raise errors.no_load_balancer()
    return balancer


async def listener(tx: Tx, region: str, arn: str) -> Listener:
    """Return a listener of the region.  Raises ValidationError for what is no ARN, else ListenerNotFound."""
    if not is_listener_arn(arn):
        raise errors.not_an_arn(arn, "listener")
    found = await listeners.find_listener(tx, arn)
    if found is None or not _in(region, arn):
        raise errors.no_listener()
    return found


async def rule(tx: Tx, region: str, arn: str) -> Rule:
    """Return a rule of the region.  Raises ValidationError for what is no ARN, else RuleNotFound."""
    if not is_rule_arn(arn):
        raise errors.not_an_arn(arn, "listener rule")
    found = await listeners.find_rule(tx, arn)
    if found is None or not _in(region, arn):
        raise errors.no_rule()
    return found


async def load_balancers_of(tx: Tx, group: TargetGroup) -> list[str]:
    """Return the ARNs of the load balancers that forward to a group: one, or none."""
    return await listeners.balancers_of(tx, group.arn)
