"""
The zone of Homeport's own names, homeport.internal: its name servers, and load balancers.

It is told to nodes like any other public zone and shown to nobody: on AWS too, the zone of load balancers' names is not
among one's own.
"""

import ipaddress

from homeport.db.database import Tx
from homeport.kit.ids import Ids
from homeport.services.route53 import keeping
from homeport.services.route53.model import NAME_SERVERS, OWN_ZONE, HostedZone, RecordSet
from homeport.services.route53.names import is_within
from homeport.services.route53.store import records

OWN = HostedZone(id=OWN_ZONE, name="homeport.internal.", caller_reference="", private=False, created=0.0)

_TTL = 60


def is_reserved(name: str) -> bool:
    """Say whether nobody else may have a zone of this name."""
    return is_within(name, OWN.name)


async def ensure_own_zone(tx: Tx, ids: Ids, now: float, host: str) -> None:
    """Have the zone's own records as they should be; *host* is where names are answered."""
    address = host if _is_address(host) else "127.0.0.1"
    servers = [RecordSet(name=name, kind="A", ttl=_TTL, values=(address,)) for name in NAME_SERVERS]
    wanted = [*keeping.own_records(OWN), *servers]
    if all([await records.find(tx, OWN.id, record_set.key) == record_set for record_set in wanted]):
        return
    change = await keeping.start_change(tx, ids, now)
    await keeping.put_records(tx, OWN, wanted, (), change)


def _is_address(host: str) -> bool:
    """Say whether *host* is an address that others can be pointed at."""
    try:
        return not ipaddress.IPv4Address(host).is_unspecified
    except ValueError:
        return False
