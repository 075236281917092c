"""Target groups and how their targets are checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

#: How many targets a group may have, AWS's default quota.
MAX_TARGETS = 1000
#: How many target groups a region may have, AWS's default quota.
MAX_TARGET_GROUPS = 3000

#: The protocols of application load balancers; all others are network load balancers'.
HTTP_PROTOCOLS = ("HTTP", "HTTPS")
TRAFFIC_PORT = "traffic-port"


class TargetType(StrEnum):
    """By what a group's targets are named."""

    INSTANCE = "instance"
    IP = "ip"
    LAMBDA = "lambda"


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    How targets are checked; times in seconds, thresholds in checks in a row.

    *protocol* is empty for functions, *path* and *codes* (AWS's matcher: "200,301-302") for checks that only connect.
    """

    enabled: bool = True
    protocol: str = "HTTP"
    port: str = TRAFFIC_PORT
    path: str = "/"
    interval: int = 30
    timeout: int = 5
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    codes: str = "200"

    @property
    def asks(self) -> bool:
        """Whether a check is a request with an answer, not just a connection."""
        return bool(self.path)


class GroupDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was declared of a group.  Groups of functions have no protocol, port and VPC."""

    target_type: TargetType
    health_check: HealthCheck
    protocol: str = ""
    protocol_version: str = ""
    port: int = 0
    vpc: str = ""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """
    A target group; *attributes* are those that differ from the defaults.

    *assigned* is the ARN of the load balancer whose node has been told of the group, or empty.
    """

    arn: str
    region: str
    name: str
    created_at: float
    document: GroupDocument
    attributes: Mapping[str, str] = field(default_factory=dict)
    assigned: str = ""

    @property
    def id(self) -> str:
        """The end of the ARN, by which nodes know the group: targetgroup/NAME/16 hex digits."""
        return self.arn.rpartition(":")[2]

    @property
    def target_type(self) -> TargetType:
        return self.document.target_type

    @property
    def is_http(self) -> bool:
        """Whether it is for application load balancers whose targets have addresses."""
        return self.document.protocol in HTTP_PROTOCOLS
