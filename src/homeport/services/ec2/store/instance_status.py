"""How instances fare: what DescribeInstanceStatus reads and may be asked for."""

from collections.abc import Sequence

from homeport.db.database import Row, Tx
from homeport.fleet import assignments
from homeport.services.ec2.instance import Status
from homeport.services.ec2.regions import zone_id
from homeport.services.ec2.store.instance_filters import COLUMNS, read_instance
from homeport.services.ec2.store.selection import Field, Kind, absent


async def _load(tx: Tx, rows: Sequence[Row]) -> list[Status]:
    connected = {node.name for node in await assignments.nodes(tx) if node.connected}
    return [Status(found, found.node in connected) for found in map(read_instance, rows)]


STATUSES: Kind[Status] = Kind(
    "ec2_instances",
    COLUMNS,
    _load,
    {
        "availability-zone": Field(lambda s: [s.instance.zone]),
        "availability-zone-id": Field(lambda s: [zone_id(s.instance.zone)]),
        "instance-state-code": Field(lambda s: [str(s.instance.state.code)]),
        "instance-state-name": Field(lambda s: [s.instance.state], "state IN ({})"),
        "instance-status.reachability": Field(lambda s: [s.reachability(s.of_instance)]),
        "instance-status.status": Field(lambda s: [s.of_instance]),
        "system-status.reachability": Field(lambda s: [s.reachability(s.of_system)]),
        "system-status.status": Field(lambda s: [s.of_system]),
        **absent(
            *("event.code", "event.description", "event.instance-event-id", "event.not-after", "event.not-before"),
            *("event.not-before-deadline", "attached-ebs-status.status", "operator.principal"),
        ),
    },
    "i",
    "instance ID",
    "InvalidInstanceID.NotFound",
    "InvalidInstanceID.Malformed",
)
