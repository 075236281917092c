"""What Route 53 is made of.  Names are kept as AWS shows them: lower case, octal escapes, a dot at the end."""

from dataclasses import dataclass

import msgspec

NAME_SERVERS = tuple(f"ns-{number}.dns.homeport.internal." for number in range(1, 5))
HOSTMASTER = "hostmaster.homeport.internal."
NS_TTL = 172_800
SOA_TTL = 900
SOA_MINIMUM = 86_400

#: The id of the zone of Homeport's own names, which is nobody's.
OWN_ZONE = "ZHOMEPORTINTERNAL"

MAX_VALUES = 400  # in one record set


@dataclass(frozen=True, slots=True)
class Owner:
    """The service that keeps a zone, its resource there, and what it says of that."""

    principal: str  # "servicediscovery.amazonaws.com"
    service: str  # "AWS Cloud Map"
    resource: str  # an ARN
    description: str = ""


@dataclass(frozen=True, slots=True)
class HostedZone:
    """A hosted zone; *record_sets* counts what is in it, its SOA and NS records too."""

    id: str
    name: str
    caller_reference: str
    private: bool
    created: float
    comment: str | None = None
    owner: Owner | None = None
    record_sets: int = 0


@dataclass(frozen=True, slots=True)
class Association:
    """A VPC in which a private zone answers."""

    zone: str
    vpc: str
    region: str


class AliasTarget(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose records an alias gives for its own."""

    zone: str
    name: str
    evaluate_health: bool = False


class Location(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where those are for whom a geolocation record set answers."""

    continent: str = ""
    country: str = ""
    subdivision: str = ""


class RecordSet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record set as it was declared; values are as the caller wrote them."""

    name: str
    kind: str
    ttl: int | None = None
    values: tuple[str, ...] = ()
    alias: AliasTarget | None = None
    set_identifier: str = ""
    weight: int | None = None
    failover: str = ""
    region: str = ""
    location: Location | None = None
    multivalue: bool = False
    health_check: str = ""

    @property
    def key(self) -> "Key":
        return Key(self.name, self.kind, self.set_identifier)


@dataclass(frozen=True, slots=True)
class Key:
    """What tells a record set from the others of its zone."""

    name: str
    kind: str
    set_identifier: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A batch that was accepted; *number* orders them all."""

    id: str
    number: int
    submitted: float
    comment: str | None = None
