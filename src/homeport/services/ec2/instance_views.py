"""Instances in AWS's shapes."""

from datetime import UTC, datetime

from homeport.services.ec2 import regions
from homeport.services.ec2.images import ROOT_DEVICE
from homeport.services.ec2.instance import Attached, Instance, MetadataOptions, State, Status
from homeport.services.ec2.model import NetworkInterface, Tags, TrunkAssociation
from homeport.services.ec2.views import View, attachment_view, tag_list


def state_view(state: State) -> View:
    return {"Code": state.code, "Name": state.value}


def instance_view(found: Attached, tags: Tags, account: str) -> View:
    instance = found.instance
    options = instance.options
    view: View = {
        "InstanceId": instance.id,
        "ImageId": instance.image,
        "State": state_view(instance.state),
        "PrivateDnsName": "",
        "PublicDnsName": "",
        "StateTransitionReason": instance.transition_reason,
        "AmiLaunchIndex": instance.launch_index,
        "ProductCodes": [],
        "InstanceType": instance.type,
        "LaunchTime": datetime.fromtimestamp(instance.launched_at, UTC),
        "Placement": {
            "AvailabilityZone": instance.zone,
            "AvailabilityZoneId": regions.zone_id(instance.zone),
            "GroupName": "",
            "Tenancy": "default",
        },
        "Monitoring": {"State": "disabled"},
        "Architecture": "x86_64",
        "BlockDeviceMappings": [],
        "ClientToken": options.client_token,
        "EbsOptimized": False,
        "EnaSupport": True,
        "Hypervisor": "xen",
        "RootDeviceName": ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "VirtualizationType": "hvm",
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "HibernationOptions": {"Configured": False},
        "EnclaveOptions": {"Enabled": False},
        "MetadataOptions": metadata_options_view(options.metadata, "applied" if instance.assigned else "pending"),
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "UsageOperationUpdateTime": datetime.fromtimestamp(instance.launched_at, UTC),
        "PrivateDnsNameOptions": {},
        "MaintenanceOptions": {"AutoRecovery": "default"},
        "Operator": {"Managed": False},
        "NetworkInterfaces": [],
        "SecurityGroups": [],
        "Tags": tag_list(tags),
    }
    if instance.profile_arn:
        view["IamInstanceProfile"] = {"Arn": instance.profile_arn, "Id": instance.profile_id}
    if instance.state_reason:
        view["StateReason"] = {"Code": instance.reason_code, "Message": instance.state_reason}
    return view | (_network(found, account) if found.primary is not None else {})


def _network(found: Attached, account: str) -> View:
    """Return what an instance has as long as it is not terminated."""
    instance, primary = found.instance, found.primary
    assert primary is not None, "only asked of an instance that has its primary interface"
    view: View = {
        "SubnetId": instance.subnet,
        "VpcId": instance.vpc,
        "PrivateIpAddress": primary.address,
        "PrivateDnsName": primary.dns_name,
        "PrivateDnsNameOptions": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "SourceDestCheck": True,
        "SecurityGroups": _groups(primary),
        "NetworkInterfaces": [_interface(interface, account) for interface in found.interfaces],
    }
    return view | {"PublicIpAddress": primary.public_address} if primary.public_address else view


def _groups(interface: NetworkInterface) -> list[View]:
    return [{"GroupId": group.id, "GroupName": group.name} for group in interface.groups]


def _interface(interface: NetworkInterface, account: str) -> View:
    attachment = attachment_view(interface, account)
    del attachment["InstanceOwnerId"], attachment["InstanceId"]
    address: View = {"Primary": True, "PrivateIpAddress": interface.address}
    view: View = {
        "Attachment": attachment,
        "Description": interface.description,
        "Groups": _groups(interface),
        "Ipv6Addresses": [],
        "MacAddress": interface.mac,
        "NetworkInterfaceId": interface.id,
        "OwnerId": account,
        "PrivateIpAddress": interface.address,
        "SourceDestCheck": True,
        "Status": interface.status,
        "SubnetId": interface.subnet,
        "VpcId": interface.vpc,
        "InterfaceType": interface.kind.value,
        "Operator": {"Managed": False},
    }
    if interface.private_dns_name:
        view["PrivateDnsName"] = address["PrivateDnsName"] = interface.private_dns_name
    if interface.public_address:
        association = {"IpOwnerId": "amazon", "PublicDnsName": "", "PublicIp": interface.public_address}
        view["Association"] = address["Association"] = association
    return view | {"PrivateIpAddresses": [address]}


def metadata_options_view(options: MetadataOptions, state: str) -> View:
    return {
        "State": state,
        "HttpTokens": "required" if options.tokens_required else "optional",
        "HttpPutResponseHopLimit": options.hop_limit,
        "HttpEndpoint": "enabled" if options.endpoint else "disabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "enabled" if options.tags else "disabled",
    }


def reservation_view(reservation: str, views: list[View], account: str) -> View:
    return {"ReservationId": reservation, "OwnerId": account, "Groups": [], "Instances": views}


def change_view(before: Instance, after: Instance) -> View:
    return {
        "InstanceId": after.id,
        "CurrentState": state_view(after.state),
        "PreviousState": state_view(before.state),
    }


def association_view(association: TrunkAssociation, tags: Tags, account: str) -> View:
    del account
    return {
        "AssociationId": association.id,
        "BranchInterfaceId": association.branch,
        "TrunkInterfaceId": association.trunk,
        "InterfaceProtocol": "VLAN",
        "VlanId": association.vlan,
        "Tags": tag_list(tags),
    }


def status_view(found: Status) -> View:
    return {
        "InstanceId": found.id,
        "AvailabilityZone": found.instance.zone,
        "AvailabilityZoneId": regions.zone_id(found.instance.zone),
        "InstanceState": state_view(found.instance.state),
        "InstanceStatus": _check(found, found.of_instance),
        "SystemStatus": _check(found, found.of_system),
        "Events": [],
        "Operator": {"Managed": False},
    }


def _check(found: Status, status: str) -> View:
    detail = found.reachability(status)
    details = [{"Name": "reachability", "Status": detail}] if detail else []
    return {"Status": status, "Details": details}
