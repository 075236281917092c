"""Network interfaces, and the addresses they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from homeport.aws.errors import AwsError
from homeport.db.database import Row, Tx
from homeport.kit.ids import Ids
from homeport.services.ec2 import errors
from homeport.services.ec2.model import (
    GROUPS_PER_INTERFACE,
    PUBLIC_POOL,
    GroupName,
    InterfaceKind,
    NetworkInterface,
    SecurityGroup,
    Subnet,
    TrunkAssociation,
    dotted,
    new_id,
    usable,
)
from homeport.services.ec2.regions import zone_id
from homeport.services.ec2.store import addresses, tags
from homeport.services.ec2.store.selection import OWNER, Field, Kind, absent, get, marks
from homeport.services.ec2.store.vpcs import flag

_COLUMNS = """id, region, vpc, subnet, zone, mac, address, public_address, description, requester, attachment, created_at,
    kind, instance, device_index, for_task, delete_on_termination, attached_at, detaching, block_metadata,
    balancer, (SELECT dns_hostnames FROM ec2_vpcs v WHERE v.id = ec2_interfaces.vpc)"""


async def _load(tx: Tx, rows: Sequence[Row]) -> list[NetworkInterface]:
    groups: dict[str, list[GroupName]] = {row[0]: [] for row in rows}
    for interface, group, name in await tx.fetch(
        f"""SELECT i.interface, i.group_id, g.name FROM ec2_interface_groups i
            JOIN ec2_security_groups g ON g.id = i.group_id
            WHERE i.interface IN ({marks(groups)}) ORDER BY i.interface, i.position""",
        *groups,
    ):
        groups[interface].append(GroupName(group, name))
    branches = [row[0] for row in rows if row[12] == InterfaceKind.BRANCH]
    associations = await associations_of(tx, branches) if branches else {}
    return [_read(row, tuple(groups[row[0]]), associations.get(row[0])) for row in rows]


async def associations_of(tx: Tx, branches: Sequence[str]) -> dict[str, TrunkAssociation]:
    """Return the associations of *branches* by branch; one that no trunk carries is absent."""
    rows = await tx.fetch(
        f"SELECT id, region, trunk, branch, vlan FROM ec2_trunk_associations WHERE branch IN ({marks(branches)})",
        *branches,
    )
    return {row[3]: TrunkAssociation(*row) for row in rows}


def _read(row: Row, groups: tuple[GroupName, ...], association: TrunkAssociation | None) -> NetworkInterface:
    id_, region, vpc, subnet, zone, mac, address, public, description, requester, attachment, made, *attached = row
    kind, instance, index, for_task, delete, attached_at, detaching, block_metadata, balancer, names = attached
    return NetworkInterface(
        id=id_,
        region=region,
        vpc=vpc,
        subnet=subnet,
        zone=zone,
        mac=mac,
        address=address,
        dns_hostnames=bool(names),
        groups=groups,
        public_address=public or "",
        description=description,
        requester=requester,
        attachment=attachment or "",
        created_at=made,
        kind=InterfaceKind(kind),
        instance=instance or "",
        device_index=index,
        for_task=bool(for_task),
        delete_on_termination=bool(delete),
        attached_at=attached_at,
        detaching=bool(detaching),
        block_metadata=bool(block_metadata),
        association=association,
        balancer=balancer,
    )


def iso(moment: float) -> str:
    """Return a time as filters spell it."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S.000Z}"


def _given(text: str) -> list[str]:
    return [text] if text else []


def _instance_owner(interface: NetworkInterface) -> list[str]:
    if interface.instance:
        return [OWNER]
    return [interface.service_owner] if interface.attachment else []


_address: Field[NetworkInterface] = Field(lambda i: [i.address], "address IN ({})")
_public: Field[NetworkInterface] = Field(lambda i: _given(i.public_address), "public_address IN ({})")
_public_owner: Field[NetworkInterface] = Field(lambda i: ["amazon"] if i.public_address else [])
_attachment: Field[NetworkInterface] = Field(lambda i: _given(i.attachment), "attachment IN ({})")

INTERFACES: Kind[NetworkInterface] = Kind(
    "ec2_interfaces",
    _COLUMNS,
    _load,
    {
        "addresses.association.public-ip": _public,
        "addresses.primary": Field(lambda _: ["true"]),
        "addresses.private-ip-address": _address,
        "association.public-ip": _public,
        "association.ip-owner-id": _public_owner,
        "addresses.association.owner-id": _public_owner,
        "attachment.attachment-id": _attachment,
        "attachment.attach-time": Field(lambda i: [iso(i.attached_at)] if i.attachment else []),
        "attachment.device-index": Field(lambda i: [str(i.device_index)] if i.attachment else []),
        "attachment.delete-on-termination": Field(lambda i: [flag(i.delete_on_termination)] if i.attachment else []),
        "attachment.instance-id": Field(lambda i: _given(i.instance), "instance IN ({})"),
        "attachment.instance-owner-id": Field(_instance_owner),
        "attachment.status": Field(lambda i: [i.attachment_status] if i.attachment else []),
        "availability-zone": Field(lambda i: [i.zone]),
        "availability-zone-id": Field(lambda i: [zone_id(i.zone)]),
        "description": Field(lambda i: [i.description], "description IN ({})"),
        "group-id": Field(
            lambda i: [g.id for g in i.groups],
            "id IN (SELECT interface FROM ec2_interface_groups WHERE group_id IN ({}))",
        ),
        "group-name": Field(lambda i: [g.name for g in i.groups]),
        "interface-type": Field(lambda i: [i.type]),
        "mac-address": Field(lambda i: [i.mac], "mac IN ({})"),
        "network-interface-id": Field(lambda i: [i.id], "id IN ({})"),
        "private-dns-name": Field(lambda i: _given(i.private_dns_name)),
        "private-ip-address": _address,
        "requester-id": Field(lambda i: _given(i.requester)),
        "requester-managed": Field(lambda i: [flag(i.requester)]),
        "source-dest-check": Field(lambda _: ["true"]),
        "status": Field(lambda i: [i.status]),
        "subnet-id": Field(lambda i: [i.subnet], "subnet IN ({})"),
        "vpc-id": Field(lambda i: [i.vpc], "vpc IN ({})"),
        **absent(
            "association.allocation-id",
            "association.association-id",
            "association.public-dns-name",
            "attachment.nat-gateway-id",
            "ipv6-addresses.ipv6-address",
            "operator.principal",
        ),
    },
    "eni",
    "networkInterface ID",
    "InvalidNetworkInterfaceID.NotFound",
    "InvalidNetworkInterfaceId.Malformed",
)


def too_many_groups() -> AwsError:
    return AwsError(
        "The maximum number of security groups per interface has been reached.",
        code="SecurityGroupsPerInterfaceLimitExceeded",
    )


def other_network() -> AwsError:
    return AwsError(
        "You have specified two resources that belong to different networks.", code="InvalidParameterCombination"
    )


async def allocate_interface(
    tx: Tx,
    *,
    subnet: Subnet,
    groups: Sequence[SecurityGroup],
    now: float,
    ids: Ids,
    description: str = "",
    private_ip: str | None = None,
    public: bool = False,
    requester: str = "",
    tag: Mapping[str, str] | None = None,
    kind: InterfaceKind = InterfaceKind.INTERFACE,
    block_metadata: bool = False,
    balancer: str = "",
) -> NetworkInterface:
    """
    Make a network interface with an address of *subnet*, the given one or any that is free.

    With a *requester* (the id of the AWS service that asks) its users can neither delete nor change it, and a plain one
    counts as attached to something of that service's.  *block_metadata* keeps the task that gets it from an
    instance's metadata; *balancer* is the load balancer in whose namespace it lies.  Raises EC2's errors for an address that is not to be had; then
    nothing was taken, and the transaction may go on.
    """
    if len(groups) > GROUPS_PER_INTERFACE:
        raise too_many_groups()
    if any(group.vpc != subnet.vpc for group in groups):
        raise other_network()
    row = await tx.fetch_one("SELECT dns_hostnames FROM ec2_vpcs WHERE id = ?", subnet.vpc)
    assert row is not None, f"{subnet.vpc} of {subnet.id} does not exist"
    address, public_address = await _take_addresses(tx, subnet, private_ip, public=public)
    interface = NetworkInterface(
        id=new_id(ids, "eni"),
        region=subnet.region,
        vpc=subnet.vpc,
        subnet=subnet.id,
        zone=subnet.zone,
        mac=await _fresh_mac(tx, ids),
        address=address,
        dns_hostnames=bool(row[0]),
        groups=tuple(GroupName(group.id, group.name) for group in groups),
        public_address=public_address,
        description=description,
        requester=requester,
        attachment=new_id(ids, "ela-attach") if requester and kind is InterfaceKind.INTERFACE else "",
        created_at=now,
        kind=kind,
        attached_at=now,
        block_metadata=block_metadata,
        balancer=balancer,
    )
    await _insert(tx, interface)
    await tags.put(tx, subnet.region, interface.id, tag or {})
    return interface


async def release_interface(tx: Tx, interface: str) -> None:
    """
    Delete an interface and give its addresses, its place on an instance and its VLAN id back.

    One that is gone already is no error.
    """
    row = await tx.fetch_one("SELECT subnet, address, public_address FROM ec2_interfaces WHERE id = ?", interface)
    if row is None:
        return
    await tx.execute("DELETE FROM ec2_interface_groups WHERE interface = ?", interface)
    await tx.execute("DELETE FROM ec2_trunk_associations WHERE branch = ?", interface)
    await tx.execute("DELETE FROM ec2_trunk_associations WHERE trunk = ?", interface)
    await tx.execute("DELETE FROM ec2_interfaces WHERE id = ?", interface)
    await tags.forget(tx, interface)
    subnet, address, public = row
    await addresses.give_back(tx, subnet, int(IPv4Address(address)))
    if public:
        await addresses.give_back(tx, PUBLIC_POOL, int(IPv4Address(public)))


async def get_interface(tx: Tx, region: str, interface: str) -> NetworkInterface:
    """Return an interface, or raise InvalidNetworkInterfaceID.NotFound."""
    return await get(tx, INTERFACES, region, interface)


async def find_interface(tx: Tx, interface: str) -> NetworkInterface | None:
    """Return an interface of any region."""
    found = await _load(tx, await tx.fetch(f"SELECT {_COLUMNS} FROM ec2_interfaces WHERE id = ?", interface))
    return found[0] if found else None


async def find_by_attachment(tx: Tx, region: str, attachment: str) -> NetworkInterface | None:
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM ec2_interfaces WHERE attachment = ? AND region = ?", attachment, region
    )
    found = await _load(tx, rows)
    return found[0] if found else None


async def update_interface(tx: Tx, interface: NetworkInterface) -> None:
    """Write what users may change: description and groups."""
    await tx.execute(
        "UPDATE ec2_interfaces SET description = ?, stale = 1 WHERE id = ?", interface.description, interface.id
    )
    await tx.execute("DELETE FROM ec2_interface_groups WHERE interface = ?", interface.id)
    await _insert_groups(tx, interface)
    if interface.instance:  # its metadata names the groups
        await tx.execute("UPDATE ec2_instances SET stale = 1 WHERE id = ?", interface.instance)


async def set_groups(tx: Tx, interface: str, groups: Sequence[SecurityGroup]) -> None:
    """Give an interface of a service's other security groups."""
    found = await find_interface(tx, interface)
    assert found is not None, f"{interface} does not exist"
    await update_interface(tx, reassigned(found, groups))


async def update_attachment(tx: Tx, interface: NetworkInterface) -> None:
    """Write to what an interface is attached, and how."""
    await tx.execute(
        """UPDATE ec2_interfaces SET attachment = ?, instance = ?, device_index = ?, for_task = ?,
           delete_on_termination = ?, attached_at = ?, detaching = ?, stale = 1 WHERE id = ?""",
        interface.attachment or None,
        interface.instance or None,
        interface.device_index,
        int(interface.for_task),
        int(interface.delete_on_termination),
        interface.attached_at,
        int(interface.detaching),
        interface.id,
    )


async def attached_to(tx: Tx, instances: Sequence[str], kind: InterfaceKind | None = None) -> list[NetworkInterface]:
    """Return the interfaces attached to *instances*, of one *kind* or all, by device number."""
    narrow, values = ("", []) if kind is None else (" AND kind = ?", [kind])
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM ec2_interfaces WHERE instance IN ({marks(instances)}){narrow}
            ORDER BY instance, device_index""",
        *instances,
        *values,
    )
    return await _load(tx, rows)


async def devices_of(tx: Tx, instance: str) -> set[int]:
    """Return the device numbers that are taken on an instance."""
    rows = await tx.fetch("SELECT device_index FROM ec2_interfaces WHERE instance = ?", instance)
    return {row[0] for row in rows}


async def lend_public_address(tx: Tx, interface: NetworkInterface) -> NetworkInterface:
    """Give an interface a public address.  Raises EC2's error where none is left."""
    lent = await addresses.lend(tx, PUBLIC_POOL)
    if lent is None:
        raise errors.insufficient_public_addresses()
    return await _set_public_address(tx, interface, dotted(lent))


async def return_public_address(tx: Tx, interface: NetworkInterface) -> NetworkInterface:
    """Take an interface's public address, if it has one, and give it back."""
    if not interface.public_address:
        return interface
    await addresses.give_back(tx, PUBLIC_POOL, int(IPv4Address(interface.public_address)))
    return await _set_public_address(tx, interface, "")


async def _set_public_address(tx: Tx, interface: NetworkInterface, address: str) -> NetworkInterface:
    await tx.execute(
        "UPDATE ec2_interfaces SET public_address = ?, stale = 1 WHERE id = ?", address or None, interface.id
    )
    return replace(interface, public_address=address)


async def mark_interface_stale(tx: Tx, interface: str) -> None:
    """Note that the projection of one interface may have changed."""
    await tx.execute("UPDATE ec2_interfaces SET stale = 1 WHERE id = ?", interface)


async def has_interfaces(tx: Tx, *, vpc: str = "", subnet: str = "", public: bool = False) -> bool:
    """Say whether the VPC or subnet has an interface (with *public*: one with a public address)."""
    column, value = ("vpc", vpc) if vpc else ("subnet", subnet)
    narrow = " AND public_address IS NOT NULL" if public else ""
    return await tx.fetch_one(f"SELECT 1 FROM ec2_interfaces WHERE {column} = ?{narrow} LIMIT 1", value) is not None


async def groups_on_node(tx: Tx, node: str) -> list[str]:
    """
    Return the security groups of the interfaces that are assigned to a node.

    Asked group by group, since the first interface found answers for its group: a node has many
    interfaces of few groups.
    """
    rows = await tx.fetch(
        """SELECT s.id FROM ec2_security_groups s WHERE EXISTS (
               SELECT 1 FROM ec2_interface_groups g CROSS JOIN assignments a
               WHERE g.group_id = s.id AND a.node = ? AND a.kind = 'Eni' AND a.id = g.interface
               AND a.body IS NOT NULL)""",
        node,
    )
    return [row[0] for row in rows]


async def open_vpcs_on_node(tx: Tx, node: str) -> list[str]:
    """Return the VPCs of the node's load balancers that have no security groups."""
    rows = await tx.fetch(
        """SELECT DISTINCT e.vpc FROM ec2_interfaces e CROSS JOIN assignments a
           WHERE e.balancer <> '' AND a.node = ? AND a.kind = 'Eni' AND a.id = e.id AND a.body IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM ec2_interface_groups g WHERE g.interface = e.id) ORDER BY e.vpc""",
        node,
    )
    return [row[0] for row in rows]


async def nodes_of(tx: Tx, interface: str) -> list[str]:
    """Return the nodes that an interface is assigned to: one, or none."""
    rows = await tx.fetch(  # CROSS JOIN keeps SQLite from reading all assignments: nodes are the few
        """SELECT n.name FROM nodes n CROSS JOIN assignments a
           WHERE a.node = n.name AND a.kind = 'Eni' AND a.id = ? AND a.body IS NOT NULL""",
        interface,
    )
    return [row[0] for row in rows]


async def mark_stale(tx: Tx, vpc: str) -> None:
    """Note that the projection of a VPC's interfaces may have changed: its routes or its gateway have."""
    await tx.execute("UPDATE ec2_interfaces SET stale = 1 WHERE vpc = ?", vpc)


async def stale_interfaces(tx: Tx, limit: int) -> list[NetworkInterface]:
    """Return interfaces whose nodes may have to be told of a change."""
    return await _load(tx, await tx.fetch(f"SELECT {_COLUMNS} FROM ec2_interfaces WHERE stale = 1 LIMIT {limit}"))


async def mark_told(tx: Tx, interface: str) -> None:
    """Note that the interface's node, if it has one, was told of it as it is."""
    await tx.execute("UPDATE ec2_interfaces SET stale = 0 WHERE id = ?", interface)


def reassigned(interface: NetworkInterface, groups: Sequence[SecurityGroup]) -> NetworkInterface:
    """Return *interface* with other security groups."""
    return replace(interface, groups=tuple(GroupName(group.id, group.name) for group in groups))


async def _take_addresses(tx: Tx, subnet: Subnet, wanted: str | None, *, public: bool) -> tuple[str, str]:
    """Take an address of the subnet and, for *public*, one of the public pool; both or none."""
    address = await _take_address(tx, subnet, wanted)
    if not public:
        return address, ""
    lent = await addresses.lend(tx, PUBLIC_POOL)
    if lent is None:
        await addresses.give_back(tx, subnet.id, int(IPv4Address(address)))
        raise errors.insufficient_public_addresses()
    return address, dotted(lent)


async def _take_address(tx: Tx, subnet: Subnet, wanted: str | None) -> str:
    if wanted is None:
        address = await addresses.lend(tx, subnet.id)
        if address is None:
            raise errors.insufficient_addresses()
        return dotted(address)
    try:
        number = int(IPv4Address(wanted))
    except AddressValueError as error:
        raise errors.InvalidParameterValue(
            f"Invalid value '{wanted}' for parameter privateIpAddress. It is not a valid IPv4 address."
        ) from error
    first, last = usable(subnet.cidr)
    if IPv4Address(number) not in IPv4Network(subnet.cidr):
        raise errors.InvalidParameterValue(f"Address {wanted} does not fall within the subnet's address range")
    if not first <= number <= last:
        raise errors.InvalidParameterValue(f"Address {wanted} is in subnet's reserved address range")
    if not await addresses.lend_exactly(tx, subnet.id, number):
        raise errors.address_in_use()
    return dotted(number)


async def _fresh_mac(tx: Tx, ids: Ids) -> str:
    while True:  # 40 random bits: a second round is rare, a third is not seen
        digits = "0e" + ids.hex(10)
        mac = ":".join(digits[i : i + 2] for i in range(0, 12, 2))
        if await tx.fetch_one("SELECT 1 FROM ec2_interfaces WHERE mac = ?", mac) is None:
            return mac


async def _insert(tx: Tx, interface: NetworkInterface) -> None:
    await tx.execute(
        """INSERT INTO ec2_interfaces
           (id, region, vpc, subnet, zone, mac, address, public_address, description, requester, attachment,
            created_at, kind, attached_at, block_metadata, balancer, stale)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)""",
        interface.id,
        interface.region,
        interface.vpc,
        interface.subnet,
        interface.zone,
        interface.mac,
        interface.address,
        interface.public_address or None,
        interface.description,
        interface.requester,
        interface.attachment or None,
        interface.created_at,
        interface.kind,
        interface.attached_at,
        int(interface.block_metadata),
        interface.balancer,
    )
    await _insert_groups(tx, interface)


async def _insert_groups(tx: Tx, interface: NetworkInterface) -> None:
    for position, group in enumerate(interface.groups):
        await tx.execute(
            "INSERT INTO ec2_interface_groups (interface, position, group_id) VALUES (?, ?, ?)",
            interface.id,
            position,
            group.id,
        )
