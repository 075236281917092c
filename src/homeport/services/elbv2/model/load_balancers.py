"""Load balancers, their listeners and the rules of these."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

#: AWS's default quotas.
MAX_LOAD_BALANCERS = 50
MAX_LISTENERS = 50
MAX_RULES = 100  # of a load balancer, default rules not counted
MAX_GROUPS_PER_ACTION = 5
#: How many free addresses a subnet must have for a load balancer.
FREE_ADDRESSES = 8
#: Who asks for the interfaces of load balancers, and owns what they are attached to.
REQUESTER = "amazon-elb"
#: What stands behind every load balancer's name.
DOMAIN = "homeport.internal"
#: The priority of a default rule, behind all that users can choose.
DEFAULT_PRIORITY = 1_000_000

#: The hosted zone ids of AWS's regions, so that configurations which name them stay true.
_APPLICATION_ZONES = {
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-east-2": "Z3AADJGX6KTTL2",
    "us-west-1": "Z368ELLRRE2KJ0",
    "us-west-2": "Z1H1FL5HABSF5",
    "ca-central-1": "ZQSVJUPU6J1EY",
    "eu-central-1": "Z215JYRZR1TBD5",
    "eu-west-1": "Z32O12XQLNTSW2",
    "eu-west-2": "ZHURV8PSTC4K8",
    "eu-west-3": "Z3Q77PNBQS71R4",
    "eu-north-1": "Z23TAZ6LKFMNIO",
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "ap-northeast-2": "ZWKZPGTI48KDX",
    "ap-south-1": "ZP97RAFLXTNZK",
    "ap-southeast-1": "Z1LMS91P8CMLE5",
    "ap-southeast-2": "Z1GM3OXH4ZPM65",
    "sa-east-1": "Z2P70J7HTTTPLU",
}
_NETWORK_ZONES = {
    "us-east-1": "Z26RNL4JYFTOTI",
    "us-east-2": "ZLMOA37VPKANP",
    "us-west-1": "Z24FKFUX50B4VW",
    "us-west-2": "Z18D5FSROUN65G",
    "eu-central-1": "Z3F0SRJ5LGBH90",
    "eu-west-1": "Z2IFOLAFXWLO4F",
    "eu-west-2": "ZD4D7Y8KGAS4G",
}


class Kind(StrEnum):
    """The types of load balancers."""

    APPLICATION = "application"
    NETWORK = "network"

    @property
    def short(self) -> str:
        """The word for it in ARNs."""
        return "app" if self is Kind.APPLICATION else "net"


class BalancerDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was declared of a load balancer, and the name it got."""

    kind: Kind
    scheme: str
    dns_name: str
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BalancerZone:
    """A load balancer's foothold in a zone: an interface in one subnet."""

    interface: str
    subnet: str
    zone: str
    address: str = ""
    public_address: str = ""
    leaving_since: float | None = None


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """
    A load balancer; *attributes* are those that differ from the defaults.

    *node* is where it is, None before it was given one.  *state* and *reason* are AWS's, as the node's reports leave them.
    """

    arn: str
    region: str
    name: str
    created_at: float
    vpc: str
    document: BalancerDocument
    attributes: Mapping[str, str] = field(default_factory=dict)
    node: str | None = None
    state: str = "provisioning"
    reason: str = ""
    observed_sequence: int = 0
    deleted_at: float | None = None
    zones: tuple[BalancerZone, ...] = ()

    @property
    def id(self) -> str:
        """The end of the ARN, by which nodes know it: app/NAME/16 hex digits."""
        return self.arn.partition(":loadbalancer/")[2]

    @property
    def kind(self) -> Kind:
        return self.document.kind

    @property
    def live_zones(self) -> tuple[BalancerZone, ...]:
        """The zones that it is in and is not leaving."""
        return tuple(zone for zone in self.zones if zone.leaving_since is None)

    @property
    def subnets(self) -> tuple[str, ...]:
        return tuple(zone.subnet for zone in self.live_zones)

    @property
    def public(self) -> bool:
        return self.document.scheme == "internet-facing"

    @property
    def hosted_zone(self) -> str:
        """The id of the hosted zone of its name: AWS's where AWS's is known here."""
        known = _APPLICATION_ZONES if self.kind is Kind.APPLICATION else _NETWORK_ZONES
        digest = hashlib.sha256(f"{self.kind}.{self.region}".encode()).hexdigest()
        return known.get(self.region, f"Z{digest[:13].upper()}")


def dns_name(kind: Kind, name: str, scheme: str, region: str, digits: str) -> str:
    """Return the name of a load balancer whose ARN ends in *digits* (16, hexadecimal)."""
    suffix = f"elb.{region}.{DOMAIN}"
    if kind is Kind.NETWORK:
        return f"{name}-{digits}.{suffix}"
    prefix = "internal-" if scheme == "internal" else ""
    return f"{prefix}{name}-{int(digits[:8], 16)}.{suffix}".lower()


class ListenerDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was declared of a listener; its default actions are its default rule's, *attributes* those that differ."""

    protocol: str
    ssl_policy: str = ""
    certificates: tuple[str, ...] = ()  # ARNs, the default first
    attributes: dict[str, str] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that a load balancer listens on."""

    arn: str
    load_balancer: str
    port: int
    document: ListenerDocument

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]


class RuleDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule's conditions and actions in AWS's shapes, completed by AWS's defaults."""

    actions: tuple[dict[str, Any], ...]
    conditions: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a listener does with requests that meet all conditions; the default rule has none."""

    arn: str
    listener: str
    load_balancer: str
    priority: int
    document: RuleDocument

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def is_default(self) -> bool:
        return self.priority == DEFAULT_PRIORITY

    @property
    def target_groups(self) -> tuple[str, ...]:
        """The ARNs of the groups that it forwards to."""
        return groups_of(self.document.actions)


def groups_of(actions: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the ARNs of the target groups that *actions* forward to."""
    forwards = [action["ForwardConfig"]["TargetGroups"] for action in actions if action["Type"] == "forward"]
    return tuple(dict.fromkeys(group["TargetGroupArn"] for groups in forwards for group in groups))
