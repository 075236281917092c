"""Resources by their ARNs, or AWS's error for those that do not exist."""

import re

from homeport.aws.arn import find_arn
from homeport.db.database import Tx
from homeport.services.elbv2 import errors
from homeport.services.elbv2.model.target_groups import TargetGroup
from homeport.services.elbv2.store import target_groups

_GROUP = re.compile(r"targetgroup/[a-zA-Z0-9-]{1,32}/[0-9a-f]{16}")


def is_target_group_arn(text: str) -> bool:
    arn = find_arn(text)
    return arn is not None and arn.service == "elasticloadbalancing" and _GROUP.fullmatch(arn.resource) is not None


async def target_group(tx: Tx, region: str, arn: str) -> TargetGroup:
    """Return a target group of the region.  Raises ValidationError for what is no ARN, else TargetGroupNotFound."""
    if not is_target_group_arn(arn):
        raise errors.not_an_arn(arn, "target group")
    group = await target_groups.find(tx, arn)
    if group is None or group.region != region:
        raise errors.no_target_group()
    return group
