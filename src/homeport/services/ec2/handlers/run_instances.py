"""RunInstances: some instances or none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from homeport.aws.call import Call
from homeport.aws.errors import AwsError
from homeport.fleet import assignments
from homeport.services.ec2 import errors
from homeport.services.ec2.capacity import no_capacity, node_is_an_instance, pick_node
from homeport.services.ec2.handlers import launch
from homeport.services.ec2.handlers.documents import Documents, once, parse_tags_by_type
from homeport.services.ec2.handlers.launch import Device
from homeport.services.ec2.handlers.subnets import pick_zone
from homeport.services.ec2.instance import Instance, Options
from homeport.services.ec2.instance_types import InstanceType, node_of_type
from homeport.services.ec2.instance_views import instance_view, reservation_view
from homeport.services.ec2.model import NetworkInterface, SecurityGroup, Subnet, new_id
from homeport.services.ec2.service import INSTANCES, ec2
from homeport.services.ec2.store import attachments, instances, interfaces, tags, vpcs
from homeport.services.ec2.store import security_groups as groups_store
from homeport.services.ec2.store.instance_filters import load_attached

#: What a launch can tag; it makes no volumes, so that there is nothing to see of theirs.
_TAGGED = ("instance", "network-interface", "volume")


# CreditSpecification: nothing is throttled by credits.
# CapacityReservationSpecification: there are no reservations to use.
# MaintenanceOptions: an instance comes back with its node whatever is set.
@ec2.operation(
    "RunInstances", ignores=("CreditSpecification", "CapacityReservationSpecification", "MaintenanceOptions")
)
async def run_instances(
    call: Call,
    *,
    min_count: int,
    max_count: int,
    image_id: str | None = None,
    instance_type: str = launch.DEFAULT_TYPE,
    subnet_id: str | None = None,
    security_group_ids: Sequence[str] = (),
    security_groups: Sequence[str] = (),
    network_interfaces: Documents = (),
    private_ip_address: str | None = None,
    user_data: str | None = None,
    iam_instance_profile: dict[str, Any] | None = None,
    metadata_options: dict[str, Any] | None = None,
    tag_specifications: Documents = (),
    key_name: str | None = None,
    placement: dict[str, Any] | None = None,
    instance_initiated_shutdown_behavior: str = "stop",
    disable_api_termination: bool = False,
    disable_api_stop: bool = False,
    monitoring: dict[str, Any] | None = None,
    ebs_optimized: bool = False,
    hibernation_options: dict[str, Any] | None = None,
    enclave_options: dict[str, Any] | None = None,
    client_token: str = "",
) -> dict[str, Any]:
    launch.check_counts(min_count, max_count)
    launch.check_token(client_token)
    image = launch.parse_image(call.region, image_id)
    devices = launch.parse_devices(network_interfaces, max_count)
    launch.check_unmixed(devices, subnet_id, [*security_group_ids, *security_groups], private_ip_address)
    if private_ip_address and max_count > 1:
        raise launch.fixed_address_for_many()
    launch.check_key(key_name)
    launch.check_off({"Enabled": ebs_optimized}, "EbsOptimized", "Enabled")
    launch.check_off(monitoring, "Monitoring", "Enabled")
    launch.check_off(hibernation_options, "HibernationOptions", "Configured")
    launch.check_off(enclave_options, "EnclaveOptions", "Enabled")
    options = Options(
        metadata=launch.parse_metadata_options(metadata_options, launch.default_metadata_options(image)),
        user_data=launch.parse_user_data(user_data),
        profile_arn=launch.parse_profile(iam_instance_profile, call.account),
        shutdown_behavior=instance_initiated_shutdown_behavior,
        termination_protected=disable_api_termination,
        stop_protected=disable_api_stop,
        client_token=client_token,
    )
    given = parse_tags_by_type(tag_specifications, _TAGGED)
    chosen = await _type(call, instance_type)
    launch.check_architecture(chosen, image)
    zone, zone_id = launch.parse_zone(placement)
    wanted = _Network(subnet_id, tuple(security_group_ids), tuple(security_groups), zone, zone_id)

    async def make() -> str:
        plain = Device(0, subnet=subnet_id, address=private_ip_address)
        placed = await _place(call, wanted, devices or [plain])
        return await _launch(call, _Order(chosen, image.id, options, placed, given, min_count, max_count))

    request = {
        "n": [min_count, max_count], "i": image.id, "t": instance_type, "s": subnet_id, "g": list(security_group_ids),
        "gn": list(security_groups), "e": list(network_interfaces), "p": private_ip_address, "o": options, "z": placement,
        "tags": given,
    }  # fmt: skip
    made = await once(call, client_token, request, make)
    call.wake(INSTANCES)
    return await _reservation(call, made)


async def _type(call: Call, name: str) -> InstanceType:
    found = await instances.find_type(call.tx, name)
    if found is None:
        raise errors.InvalidParameterValue(f"Invalid value '{name}' for InstanceType.")
    return found


@dataclass(frozen=True, slots=True)
class _Network:
    """Where a request wants its instances; *names* are of groups of the default VPC."""

    subnet: str | None
    groups: tuple[str, ...]
    names: tuple[str, ...]
    zone: str | None
    zone_id: str | None


@dataclass(frozen=True, slots=True)
class _Placed:
    """A device with what it names: its subnet and groups, or the interface that there is already."""

    device: Device
    subnet: Subnet
    groups: tuple[SecurityGroup, ...] = ()
    existing: NetworkInterface | None = None
    public: bool = False


@dataclass(frozen=True, slots=True)
class _Order:
    """A launch of which everything is known."""

    type: InstanceType
    image: str
    options: Options
    devices: list[_Placed]
    tags: Mapping[str, Mapping[str, str]]
    smallest: int
    largest: int


async def _place(call: Call, wanted: _Network, devices: Sequence[Device]) -> list[_Placed]:
    """Look up what the devices name.  All lie in one zone, and in one VPC."""
    placed: list[_Placed] = []
    for device in devices:
        if device.existing:
            placed.append(await _existing(call, device))
            continue
        subnet = await _subnet(call, wanted, device.subnet)
        groups = await _groups(call, wanted, subnet, device.groups or wanted.groups)
        public = subnet.map_public_ip and len(devices) == 1 if device.public is None else device.public
        placed.append(_Placed(device, subnet, groups, public=public and device.index == 0))
    first = placed[0].subnet
    asked = wanted.zone is not None or wanted.zone_id is not None
    if asked and first.zone != pick_zone(call.region, wanted.zone, wanted.zone_id):
        raise errors.InvalidParameterCombination(
            f"The availability zone of the placement is not that of the subnet '{first.id}', {first.zone}."
        )
    for each in placed:
        if each.subnet.zone != first.zone:
            raise errors.InvalidParameterCombination(
                "You may not attach a network interface to an instance if they are not in the same availability zone"
            )
        if each.subnet.vpc != first.vpc:
            raise errors.UnsupportedOperation("Homeport launches all interfaces of an instance in one VPC.")
    return placed


async def _existing(call: Call, device: Device) -> _Placed:
    interface = await interfaces.get_interface(call.tx, call.region, device.existing)
    if interface.in_use:
        raise errors.InvalidParameterValue(f"Interface: [{interface.id}] in use.", code="InvalidNetworkInterface.InUse")
    (subnet,) = await vpcs.get_subnets(call.tx, call.region, [interface.subnet])
    return _Placed(device, subnet, existing=interface)


async def _subnet(call: Call, wanted: _Network, named: str | None) -> Subnet:
    """Return the subnet that a device names, or the default one of the zone that the request leaves."""
    if named is not None:
        (subnet,) = await vpcs.get_subnets(call.tx, call.region, [named])
        return subnet
    vpc = await vpcs.find_default_vpc(call.tx, call.region)
    if vpc is None:
        raise AwsError("No default VPC for this user", code="VPCIdNotSpecified")
    found = await vpcs.default_subnets(call.tx, call.region)
    if wanted.zone is not None or wanted.zone_id is not None:
        zone = pick_zone(call.region, wanted.zone, wanted.zone_id)
        found = [subnet for subnet in found if subnet.zone == zone]
    if not found:
        raise AwsError(
            f"No subnets found for the default VPC '{vpc.id}'. Please specify a subnet.", code="MissingInput"
        )
    return found[0]


async def _groups(call: Call, wanted: _Network, subnet: Subnet, ids: tuple[str, ...]) -> tuple[SecurityGroup, ...]:
    """Return the groups with these *ids* and the names in the request, or the VPC's default group."""
    found = await groups_store.get_security_groups(call.tx, call.region, ids) if ids else []
    if wanted.names:
        if wanted.subnet is not None:
            raise errors.InvalidParameterCombination("The parameter groupName cannot be used with the parameter subnet")
        found += [await _group_called(call, subnet.vpc, name) for name in wanted.names]
    for group in found:
        if group.vpc != subnet.vpc:
            raise errors.InvalidParameterCombination(
                f"Security group {group.id} and subnet {subnet.id} belong to different networks.",
                code="InvalidParameter",
            )
    return tuple(found) or (await groups_store.default_security_group(call.tx, subnet.vpc),)


async def _group_called(call: Call, vpc: str, name: str) -> SecurityGroup:
    group = await groups_store.find_by_name(call.tx, vpc, name)
    if group is None:
        raise errors.NotFound(
            f"The security group '{name}' does not exist in default VPC '{vpc}'", code="InvalidGroup.NotFound"
        )
    return group


async def _launch(call: Call, order: _Order) -> str:
    """Make as many instances as were asked for and have addresses, at least the smallest number."""
    if len(order.devices) > order.type.max_enis:
        raise attachments.limit_exceeded(len(order.devices), order.type.name)
    count = _affordable(order)
    if (
        node_of_type(order.type.name) is not None
        and (others := await instances.count_of_type(call.tx, order.type.name)) + count > 1
    ):
        raise node_is_an_instance(others + count)
    node = pick_node(await assignments.nodes(call.tx), await instances.live_on_nodes(call.tx), order.type)
    if node is None:
        raise no_capacity(order.type.name, order.devices[0].subnet.zone)
    reservation = new_id(call.ids, "r")
    for index in range(count):
        await _make(call, order, reservation, index, node)
    return reservation


def _affordable(order: _Order) -> int:
    """Return how many instances the subnets have addresses for, up to the largest number asked for."""
    count = order.largest
    for subnet in {each.subnet.id: each.subnet for each in order.devices}.values():
        needed = sum(each.existing is None and each.subnet.id == subnet.id for each in order.devices)
        if needed:
            count = min(count, subnet.free // needed)
    if count < order.smallest:
        raise errors.insufficient_addresses()
    return count


async def _make(call: Call, order: _Order, reservation: str, index: int, node: str) -> None:
    """Make one instance with its interfaces."""
    now, primary = call.now(), order.devices[0]
    made = [each.existing or await _interface(call, order, each) for each in order.devices]
    instance = Instance(
        id=new_id(call.ids, "i"),
        region=call.region,
        reservation=reservation,
        launch_index=index,
        type=order.type.name,
        image=order.image,
        vpc=primary.subnet.vpc,
        subnet=primary.subnet.id,
        zone=primary.subnet.zone,
        interface=made[0].id,
        node=node,
        options=structs.replace(order.options, public=primary.public),
        launched_at=now,
        launched_by=call.principal.arn,
    )
    await instances.insert_instance(call.tx, instance)
    for each, interface in zip(order.devices, made, strict=True):
        await attachments.attach_interface(
            call.tx,
            interface,
            instance,
            now=now,
            ids=call.ids,
            device_index=each.device.index,
            delete_on_termination=each.device.delete_on_termination,
        )
    await tags.put(call.tx, call.region, instance.id, order.tags.get("instance", {}))


async def _interface(call: Call, order: _Order, placed: _Placed) -> NetworkInterface:
    return await interfaces.allocate_interface(
        call.tx,
        subnet=placed.subnet,
        groups=placed.groups,
        now=call.now(),
        ids=call.ids,
        description=placed.device.description,
        private_ip=placed.device.address,
        public=placed.public,
        tag=order.tags.get("network-interface", {}),
    )


async def _reservation(call: Call, reservation: str) -> dict[str, Any]:
    """Answer with the instances of a launch, which a repeated request may find in any state."""
    found = await load_attached(call.tx, await instances.instances_of_reservation(call.tx, reservation))
    tagged = await tags.tags_of(call.tx, [each.id for each in found])
    views = [instance_view(each, tagged.get(each.id, {}), call.account) for each in found]
    return reservation_view(reservation, views, call.account)
