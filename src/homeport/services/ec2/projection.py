"""
The network as nodes are told of it.

Only what matters to packets crosses: IPv6 sources, descriptions and tags stay here.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from homeport.db.database import Tx
from homeport.services.ec2.identity import Signer, identity_document
from homeport.services.ec2.instance import Attached, Instance
from homeport.services.ec2.instance_types import InstanceType
from homeport.services.ec2.model import NetworkInterface, SecurityGroup, SecurityGroupRule, Tags, Vpc
from homeport.services.ec2.regions import zone_id
from homeport.services.ec2.store import interfaces, routes, security_groups, vpcs
from homeport.wire import messages as wire


def vpc_item(vpc: Vpc, *, internet_gateway: bool) -> wire.Vpc:
    return wire.Vpc(
        id=vpc.id, cidrs=(vpc.cidr,), dns=vpc.resolver, domain=vpc.domain, internet_gateway=internet_gateway
    )


def security_group_item(group: SecurityGroup) -> wire.SecurityGroup:
    return wire.SecurityGroup(
        id=group.id,
        vpc=group.vpc,
        ingress=_rules(rule for rule in group.rules if not rule.egress),
        egress=_rules(rule for rule in group.rules if rule.egress),
    )


def open_group(vpc: str) -> wire.SecurityGroup:
    """Return the group that nodes are told of for a load balancer without security groups: everything passes."""
    anything = (wire.Rule(cidr="0.0.0.0/0"),)
    return wire.SecurityGroup(id=f"open-{vpc}", vpc=vpc, ingress=anything, egress=anything)


def _groups(interface: NetworkInterface) -> tuple[str, ...]:
    return (open_group(interface.vpc).id,) if interface.is_open else tuple(group.id for group in interface.groups)


@dataclass(frozen=True, slots=True)
class Place:
    """What an interface's subnet adds to it: the range, and whether its routes lead to the internet."""

    cidr: str
    internet: bool


def eni_item(interface: NetworkInterface, place: Place) -> wire.Eni:
    return wire.Eni(
        id=interface.id,
        vpc=interface.vpc,
        subnet_cidr=place.cidr,
        mac=interface.mac,
        address=interface.address,
        dns_name=interface.dns_name,
        groups=_groups(interface),
        public_address=interface.public_address,
        internet=place.internet,
        kind=wire.EniKind(interface.kind),
        instance="" if interface.for_task else interface.instance,
        device_index=0 if interface.for_task or not interface.instance else interface.device_index,
        trunk=interface.association.trunk if interface.association is not None else "",
        vlan=interface.association.vlan if interface.association is not None else 0,
        block_metadata=interface.block_metadata,
        subnet=interface.subnet,
        balancer=interface.balancer,
    )


def instance_item(
    found: Attached, instance_type: InstanceType, tags: Tags, account: str, signer: Signer
) -> wire.Instance:
    """Return what a node is told of an instance that is not terminated."""
    instance, primary = found.instance, found.primary
    assert primary is not None, f"{found.id} is not terminated, so it has its primary interface"
    return wire.Instance(
        id=instance.id,
        interface=instance.interface,
        cpus=instance_type.vcpus,
        memory=instance_type.memory_mib,
        running=instance.meant_to_run,
        user_data=base64.b64decode(instance.options.user_data),
        metadata=_metadata(instance, primary, tags, account, signer),
    )


def _metadata(
    instance: Instance, primary: NetworkInterface, tags: Tags, account: str, signer: Signer
) -> wire.InstanceMetadata:
    options = instance.options.metadata
    signed = signer.sign(identity_document(instance, account, primary.address))
    return wire.InstanceMetadata(
        account=account,
        region=instance.region,
        availability_zone=instance.zone,
        availability_zone_id=zone_id(instance.zone),
        image=instance.image,
        instance_type=instance.type,
        reservation=instance.reservation,
        launch_index=instance.launch_index,
        key_name=instance.options.key_name,
        launched_at=instance.launched_at,
        profile_arn=instance.profile_arn,
        profile_id=instance.profile_id,
        groups=tuple(group.name for group in primary.groups),
        tags=dict(tags) if options.tags else {},
        identity=signed.document,
        identity_signature=signed.signature,
        identity_pkcs7=signed.pkcs7,
        endpoint=options.endpoint,
        tokens_required=options.tokens_required,
        hop_limit=options.hop_limit,
    )


def _rules(rules: Iterable[SecurityGroupRule]) -> tuple[wire.Rule, ...]:
    return tuple(
        wire.Rule(
            protocol="" if rule.protocol == "-1" else rule.protocol,
            from_port=rule.from_port,
            to_port=rule.to_port,
            cidr="" if rule.references_group else rule.source,
            group=rule.source if rule.references_group else "",
        )
        for rule in rules
        if not rule.is_ipv6
    )


def referenced(groups: Iterable[SecurityGroup]) -> set[str]:
    """Return the ids of the groups that the rules of *groups* name."""
    return {rule.source for group in groups for rule in group.rules if rule.references_group}


async def with_referenced(tx: Tx, ids: Iterable[str]) -> list[SecurityGroup]:
    """Return the groups with *ids*, and those that their rules name: what a node needs to filter for them."""
    groups = await security_groups.find_security_groups(tx, ids)
    others = referenced(groups) - {group.id for group in groups}
    return groups + await security_groups.find_security_groups(tx, others)


async def vpc_items(tx: Tx, ids: Iterable[str]) -> list[wire.Vpc]:
    """Return the projection of those VPCs of *ids* that exist."""
    return [
        vpc_item(vpc, internet_gateway=await routes.find_gateway_of(tx, vpc.id) is not None)
        for vpc in await vpcs.find_vpcs(tx, ids)
    ]


async def place_of(tx: Tx, interface: NetworkInterface) -> Place:
    """Return the place of an interface, which is that of all interfaces of its subnet."""
    (subnet,) = await vpcs.get_subnets(tx, interface.region, [interface.subnet])
    return Place(subnet.cidr, await routes.leads_to_internet(tx, interface.vpc, interface.subnet))


async def network_items(tx: Tx, interface: NetworkInterface) -> list[wire.Item]:
    """
    Return all that a node must have to make *interface*: its VPC, its groups and those they name, itself.

    A branch needs its trunk besides.
    """
    carriers = [interface]
    if interface.association is not None:
        trunk = await interfaces.find_interface(tx, interface.association.trunk)
        assert trunk is not None, "an association goes with its trunk"
        carriers.insert(0, trunk)
    groups = await with_referenced(tx, {group.id for carrier in carriers for group in carrier.groups})
    return [
        *await vpc_items(tx, {carrier.vpc for carrier in carriers}),
        *(security_group_item(group) for group in groups),
        *(open_group(carrier.vpc) for carrier in carriers if carrier.is_open),
        *[eni_item(carrier, await place_of(tx, carrier)) for carrier in carriers],
    ]
