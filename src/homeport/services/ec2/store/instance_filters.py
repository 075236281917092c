"""What DescribeInstances reads and may be asked for."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from homeport.db.database import Row, Tx
from homeport.services.ec2.images import ROOT_DEVICE
from homeport.services.ec2.instance import Attached, Instance, Options, State
from homeport.services.ec2.model import NetworkInterface
from homeport.services.ec2.regions import zone_id
from homeport.services.ec2.store import interfaces
from homeport.services.ec2.store.selection import OWNER, Field, Kind, absent
from homeport.services.ec2.store.vpcs import flag

COLUMNS = """id, region, reservation, launch_index, type, image, vpc, subnet, zone, interface, node, options,
    launched_at, launched_by, state, state_reason, transition_reason, terminated_at, rebooting, agent,
    observed_sequence, assigned"""

_decode_options = msgspec.json.Decoder(Options)
_decode_agent = msgspec.json.Decoder(dict[str, str])


def read_instance(row: Row) -> Instance:
    """Return the instance in a row of COLUMNS."""
    id_, region, reservation, index, type_, image, vpc, subnet, zone, interface, node, *changing = row
    options, launched_at, launched_by, state, reason, transition, terminated_at, rebooting, agent, seen, told = changing
    return Instance(
        id=id_,
        region=region,
        reservation=reservation,
        launch_index=index,
        type=type_,
        image=image,
        vpc=vpc,
        subnet=subnet,
        zone=zone,
        interface=interface,
        node=node,
        options=_decode_options.decode(options),
        launched_at=launched_at,
        launched_by=launched_by,
        state=State(state),
        state_reason=reason,
        transition_reason=transition,
        terminated_at=terminated_at,
        rebooting=bool(rebooting),
        agent=None if agent is None else _decode_agent.decode(agent),
        observed_sequence=seen,
        assigned=bool(told),
    )


async def load_attached(tx: Tx, instances: Sequence[Instance]) -> list[Attached]:
    """Return *instances* with their interfaces."""
    attached: dict[str, list[NetworkInterface]] = {instance.id: [] for instance in instances}
    for interface in await interfaces.attached_to(tx, list(attached)):
        attached[interface.instance].append(interface)
    return [Attached(instance, tuple(attached[instance.id])) for instance in instances]


async def _load(tx: Tx, rows: Sequence[Row]) -> list[Attached]:
    return await load_attached(tx, [read_instance(row) for row in rows])


def _of(read: Callable[[Instance], str], sql: str = "") -> Field[Attached]:
    """Return the field of what an instance has one of, or (when empty) none."""

    def values(found: Attached) -> Iterable[str]:
        value = read(found.instance)
        return [value] if value else []

    return Field(values, sql)


def _placed(read: Callable[[Instance], str]) -> Field[Attached]:
    """Return the field of what an instance loses when it is terminated."""
    return _of(lambda i: "" if i.state is State.TERMINATED else read(i))


def _primary(read: Callable[[NetworkInterface], Iterable[str]], sql: str = "") -> Field[Attached]:
    return Field(lambda found: read(found.primary) if found.primary is not None else (), sql)


def _always(value: str) -> Field[Attached]:
    return Field(lambda _: [value])


def _by_interface(condition: str) -> str:
    return f"id IN (SELECT instance FROM ec2_interfaces WHERE {condition})"


def _any_interface(field: Field[NetworkInterface]) -> Field[Attached]:
    sql = _by_interface(field.sql) if field.sql.startswith(_INDEXED) else ""
    return Field(lambda found: [value for each in found.interfaces for value in field.values(each)], sql)


_INDEXED = ("address IN", "public_address IN", "attachment IN", "mac IN", "id IN ({})", "subnet IN", "description IN")


def _interface_fields() -> dict[str, Field[Attached]]:
    fields = {f"network-interface.{name}": _any_interface(each) for name, each in interfaces.INTERFACES.fields.items()}
    fields["network-interface.owner-id"] = Field(lambda found: [OWNER for _ in found.interfaces])
    return fields


def _groups(read: Callable[[NetworkInterface], Iterable[str]]) -> Field[Attached]:
    return _primary(read)


_metadata: dict[str, Field[Attached]] = {
    "metadata-options.http-tokens": _of(lambda i: "required" if i.options.metadata.tokens_required else "optional"),
    "metadata-options.http-put-response-hop-limit": _of(lambda i: str(i.options.metadata.hop_limit)),
    "metadata-options.http-endpoint": _of(lambda i: "enabled" if i.options.metadata.endpoint else "disabled"),
    "metadata-options.http-protocol.ipv4": _of(lambda i: "enabled" if i.options.metadata.endpoint else "disabled"),
    "metadata-options.http-protocol.ipv6": _always("disabled"),
    "metadata-options.instance-metadata-tags": _of(lambda i: "enabled" if i.options.metadata.tags else "disabled"),
}

INSTANCES: Kind[Attached] = Kind(
    "ec2_instances",
    COLUMNS,
    _load,
    {
        "architecture": _always("x86_64"),
        "availability-zone": _of(lambda i: i.zone),
        "availability-zone-id": _of(lambda i: zone_id(i.zone)),
        "client-token": _of(lambda i: i.options.client_token),
        "ebs-optimized": _always("false"),
        "ena-support": _always("true"),
        "enclave-options.enabled": _always("false"),
        "hibernation-options.configured": _always("false"),
        "hypervisor": _always("xen"),
        "iam-instance-profile.arn": _of(lambda i: i.profile_arn),
        "iam-instance-profile.id": _of(lambda i: i.profile_id),
        "iam-instance-profile.name": _of(lambda i: i.profile_arn.rpartition("/")[2]),
        "image-id": _of(lambda i: i.image),
        "instance-id": _of(lambda i: i.id, "id IN ({})"),
        "instance-state-code": _of(lambda i: str(i.state.code)),
        "instance-state-name": _of(lambda i: i.state, "state IN ({})"),
        "instance-type": _of(lambda i: i.type),
        "instance.group-id": _groups(lambda e: [group.id for group in e.groups]),
        "group-id": _groups(lambda e: [group.id for group in e.groups]),
        "instance.group-name": _groups(lambda e: [group.name for group in e.groups]),
        "group-name": _groups(lambda e: [group.name for group in e.groups]),
        "ip-address": _primary(
            lambda e: [e.public_address] if e.public_address else [], _by_interface("public_address IN ({})")
        ),
        "key-name": _of(lambda i: i.options.key_name),
        "launch-index": _of(lambda i: str(i.launch_index)),
        "launch-time": _of(lambda i: interfaces.iso(i.launched_at)),
        "maintenance-options.auto-recovery": _always("default"),
        "monitoring-state": _always("disabled"),
        "platform-details": _always("Linux/UNIX"),
        "private-dns-name": _primary(lambda e: [e.dns_name]),
        "private-ip-address": _primary(lambda e: [e.address], _by_interface("address IN ({})")),
        "reason": _of(lambda i: i.transition_reason),
        "reservation-id": _of(lambda i: i.reservation, "reservation IN ({})"),
        "root-device-name": _always(ROOT_DEVICE),
        "root-device-type": _always("ebs"),
        "source-dest-check": _placed(lambda _: flag(value=True)),
        "state-reason-code": _of(lambda i: i.reason_code),
        "state-reason-message": _of(lambda i: i.state_reason),
        "subnet-id": _placed(lambda i: i.subnet),
        "tenancy": _always("default"),
        "usage-operation": _always("RunInstances"),
        "virtualization-type": _always("hvm"),
        "vpc-id": _placed(lambda i: i.vpc),
        **_metadata,
        **_interface_fields(),
        **absent(
            *("affinity", "capacity-reservation-id", "dns-name", "host-id", "instance-lifecycle", "kernel-id"),
            *("placement-group-name", "placement-partition-number", "platform", "product-code", "product-code.type"),
            *("ramdisk-id", "requester-id", "spot-instance-request-id", "outpost-arn", "operator.principal"),
            *("block-device-mapping.attach-time", "block-device-mapping.delete-on-termination"),
            *("block-device-mapping.device-name", "block-device-mapping.status", "block-device-mapping.volume-id"),
        ),
    },
    "i",
    "instance ID",
    "InvalidInstanceID.NotFound",
    "InvalidInstanceID.Malformed",
)
