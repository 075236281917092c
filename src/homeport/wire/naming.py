"""
Names as nodes are told of them: zones and the record sets in them.

Names and values are in DNS's own presentation form (RFC 1035: lower case, a dot at the end, `\\DDD` in decimal), whatever
the API that they were declared through writes.  Every node has all zones; which of them answer is decided by where the
question comes from.
"""

import msgspec

from homeport.wire.base import Message


class Zone(Message, frozen=True, kw_only=True):
    """
    A hosted zone.  Without `vpcs` it is public: it answers in every VPC and on the machine's own port.

    Of several public zones of one name the one `created` first (seconds since the epoch) answers.
    """

    id: str
    name: str
    vpcs: tuple[str, ...] = ()
    created: float = 0.0


class Alias(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record set that says what another one says, looked up whenever it is asked for."""

    zone: str
    name: str
    evaluate_health: bool = False


class Geography(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where askers of a record set are: a continent, a country, a country's subdivision, or anywhere (country `*`)."""

    continent: str = ""
    country: str = ""
    subdivision: str = ""


class RecordSet(Message, frozen=True, kw_only=True):
    """
    The records of one name and type, or one of several such sets among which each answer chooses.

    `id` is made of zone, name, kind and set identifier.  At most one of `weight`, `failover` ("PRIMARY", "SECONDARY"),
    `region`, `geography` and `multivalue` is given, the same one in all sets of a name and kind.
    """

    id: str
    zone: str
    name: str
    kind: str  # "A", "CNAME", ...: the type, a word that the wire has for itself
    ttl: int = 0
    values: tuple[str, ...] = ()
    alias: Alias | None = None
    set_identifier: str = ""
    weight: int | None = None
    failover: str = ""
    region: str = ""
    geography: Geography | None = None
    multivalue: bool = False
    health_check: str = ""


class NamesTaken(Message, frozen=True, kw_only=True):
    """The node goes by all that it was told of names up to *generation*.  Said after each change that has any."""

    generation: int


class EndpointCheck(Message, frozen=True, kw_only=True):
    """
    A health check of Route 53's, which every node does for itself.

    *probe* is "HTTP", "HTTPS" or "TCP", or empty for one that is reckoned: healthy if *needed* of its *children* are.
    Without an *address* the name is looked up before each probe.  *search* must be found at the start of the answer's
    body.  After *threshold* results in a row that say otherwise the verdict changes.  Where the server knows the verdict by other
    means it is *decided*, and nothing else counts.
    """

    id: str
    probe: str = ""
    address: str = ""
    name: str = ""
    port: int = 0
    path: str = "/"
    search: str = ""
    interval: int = 30  # seconds
    threshold: int = 3
    server_name: bool = False  # whether the name is said in the TLS handshake
    children: tuple[str, ...] = ()
    needed: int = 0
    inverted: bool = False
    disabled: bool = False
    decided: bool | None = None


class CheckObserved(Message, frozen=True, kw_only=True):
    """
    What a node last found by a check: the verdict, and the latest result in words.

    A higher *sequence* replaces a lower one; *checked_at* is in seconds since the epoch.
    """

    check: str
    sequence: int
    healthy: bool
    status: str
    checked_at: float


class CheckAck(Message, frozen=True, kw_only=True):
    """The server has durably recorded the check's observation number *sequence*, or has no use for it."""

    check: str
    sequence: int
