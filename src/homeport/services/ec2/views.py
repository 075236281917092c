"""Resources in AWS's shapes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from homeport.aws.tags import tags_view
from homeport.services.ec2 import regions, rules
from homeport.services.ec2.model import (
    Association,
    DhcpOptions,
    InternetGateway,
    NetworkAcl,
    NetworkInterface,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Tags,
    Vpc,
)

View = dict[str, Any]


def arn(region: str, account: str, kind: str, id_: str) -> str:
    return f"arn:aws:ec2:{region}:{account}:{kind}/{id_}"


def tag_list(tags: Tags) -> list[dict[str, str]]:
    return tags_view(tags, key="Key", value="Value")


def vpc_view(vpc: Vpc, tags: Tags, account: str) -> View:
    return {
        "VpcId": vpc.id,
        "OwnerId": account,
        "State": "available",
        "CidrBlock": vpc.cidr,
        "CidrBlockAssociationSet": [
            {
                "AssociationId": vpc.cidr_association,
                "CidrBlock": vpc.cidr,
                "CidrBlockState": {"State": "associated"},
            }
        ],
        "Ipv6CidrBlockAssociationSet": [],
        "DhcpOptionsId": vpc.dhcp_options,
        "InstanceTenancy": "default",
        "IsDefault": vpc.is_default,
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": tag_list(tags),
    }


def subnet_view(subnet: Subnet, tags: Tags, account: str) -> View:
    return {
        "SubnetId": subnet.id,
        "SubnetArn": arn(subnet.region, account, "subnet", subnet.id),
        "OwnerId": account,
        "VpcId": subnet.vpc,
        "State": "available",
        "CidrBlock": subnet.cidr,
        "AvailableIpAddressCount": subnet.free,
        "AvailabilityZone": subnet.zone,
        "AvailabilityZoneId": regions.zone_id(subnet.zone),
        "DefaultForAz": subnet.default_for_zone,
        "MapPublicIpOnLaunch": subnet.map_public_ip,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
        "Ipv6Native": False,
        "EnableDns64": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "BlockPublicAccessStates": {"InternetGatewayBlockMode": "off"},
        "Tags": tag_list(tags),
    }


def security_group_view(group: SecurityGroup, tags: Tags, account: str) -> View:
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc,
        "OwnerId": account,
        "SecurityGroupArn": arn(group.region, account, "security-group", group.id),
        "IpPermissions": permissions_view((rule for rule in group.rules if not rule.egress), account),
        "IpPermissionsEgress": permissions_view((rule for rule in group.rules if rule.egress), account),
        "Tags": tag_list(tags),
    }


def permissions_view(items: Iterable[SecurityGroupRule | rules.Spec], account: str) -> list[View]:
    """Show rules, those of the same protocol and ports as one permission."""
    permissions = []
    for (protocol, from_port, to_port), members in rules.together(items).items():
        permission: View = {
            "IpProtocol": protocol,
            "IpRanges": [],
            "Ipv6Ranges": [],
            "PrefixListIds": [],
            "UserIdGroupPairs": [],
        }
        if protocol != rules.ALL:
            permission |= {"FromPort": from_port, "ToPort": to_port}
        for rule in members:
            described = {"Description": rule.description} if rule.description else {}
            if rule.source.startswith("sg-"):
                permission["UserIdGroupPairs"].append({"GroupId": rule.source, "UserId": account, **described})
            elif ":" in rule.source:
                permission["Ipv6Ranges"].append({"CidrIpv6": rule.source, **described})
            else:
                permission["IpRanges"].append({"CidrIp": rule.source, **described})
        permissions.append(permission)
    return permissions


def rule_view(rule: SecurityGroupRule, tags: Tags, account: str) -> View:
    view = _rule(rule) | {
        "GroupOwnerId": account,
        "SecurityGroupRuleArn": arn(rule.region, account, "security-group-rule", rule.id),
        "Tags": tag_list(tags),
    }
    if rule.references_group:
        view["ReferencedGroupInfo"] = {"GroupId": rule.source, "UserId": account}
    return view


def revoked_rule_view(rule: SecurityGroupRule) -> View:
    return _rule(rule) | ({"ReferencedGroupId": rule.source} if rule.references_group else {})


def _rule(rule: SecurityGroupRule) -> View:
    view: View = {
        "SecurityGroupRuleId": rule.id,
        "GroupId": rule.group,
        "IsEgress": rule.egress,
        "IpProtocol": rule.protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
    }
    if rule.description:
        view["Description"] = rule.description
    if not rule.references_group:
        view["CidrIpv6" if rule.is_ipv6 else "CidrIpv4"] = rule.source
    return view


def interface_view(interface: NetworkInterface, tags: Tags, account: str) -> View:
    view: View = {
        "NetworkInterfaceId": interface.id,
        "OwnerId": account,
        "VpcId": interface.vpc,
        "SubnetId": interface.subnet,
        "AvailabilityZone": interface.zone,
        "AvailabilityZoneId": regions.zone_id(interface.zone),
        "Description": interface.description,
        "Groups": [{"GroupId": group.id, "GroupName": group.name} for group in interface.groups],
        "InterfaceType": interface.type,
        "Ipv6Addresses": [],
        "MacAddress": interface.mac,
        "PrivateIpAddress": interface.address,
        "RequesterManaged": bool(interface.requester),
        "SourceDestCheck": True,
        "Status": interface.status,
        "Operator": {"Managed": False},
        "TagSet": tag_list(tags),
    }
    address: View = {"Primary": True, "PrivateIpAddress": interface.address}
    if interface.private_dns_name:
        view["PrivateDnsName"] = address["PrivateDnsName"] = interface.private_dns_name
    if interface.public_address:
        association = {"IpOwnerId": "amazon", "PublicDnsName": "", "PublicIp": interface.public_address}
        view["Association"] = address["Association"] = association
    if interface.requester:
        view["RequesterId"] = interface.requester
    if interface.attachment:
        view["Attachment"] = attachment_view(interface, account)
    return view | {"PrivateIpAddresses": [address]}


def attachment_view(interface: NetworkInterface, account: str) -> View:
    view: View = {
        "AttachmentId": interface.attachment,
        "AttachTime": datetime.fromtimestamp(interface.attached_at, UTC),
        "DeleteOnTermination": interface.delete_on_termination,
        "DeviceIndex": interface.device_index,
        "NetworkCardIndex": 0,
        "InstanceOwnerId": account if interface.instance else interface.service_owner,
        "Status": interface.attachment_status,
    }
    return view | {"InstanceId": interface.instance} if interface.instance else view


def gateway_view(gateway: InternetGateway, tags: Tags, account: str) -> View:
    return {
        "InternetGatewayId": gateway.id,
        "OwnerId": account,
        "Attachments": [{"VpcId": gateway.vpc, "State": "available"}] if gateway.vpc else [],
        "Tags": tag_list(tags),
    }


def route_table_view(table: RouteTable, tags: Tags, account: str) -> View:
    local = {
        "DestinationCidrBlock": table.vpc_cidr,
        "GatewayId": "local",
        "Origin": "CreateRouteTable",
        "State": "active",
    }
    others = [
        {
            "DestinationCidrBlock": route.destination,
            "GatewayId": route.gateway,
            "Origin": "CreateRoute",
            "State": "active" if route.active else "blackhole",
        }
        for route in table.routes
    ]
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc,
        "OwnerId": account,
        "Routes": [local, *others],
        "Associations": [_association(association) for association in table.associations],
        "PropagatingVgws": [],
        "Tags": tag_list(tags),
    }


def _association(association: Association) -> View:
    view: View = {
        "RouteTableAssociationId": association.id,
        "RouteTableId": association.route_table,
        "Main": not association.subnet,
        "AssociationState": {"State": "associated"},
    }
    return view | {"SubnetId": association.subnet} if association.subnet else view


def network_acl_view(acl: NetworkAcl, tags: Tags, account: str) -> View:
    return {
        "NetworkAclId": acl.id,
        "VpcId": acl.vpc,
        "OwnerId": account,
        "IsDefault": True,
        "Associations": [
            {"NetworkAclAssociationId": association, "NetworkAclId": acl.id, "SubnetId": subnet}
            for association, subnet in acl.subnets.items()
        ],
        "Entries": [
            {
                "CidrBlock": "0.0.0.0/0",
                "Egress": egress,
                "Protocol": "-1",
                "RuleAction": action,
                "RuleNumber": number,
            }
            for egress in (True, False)
            for number, action in ((100, "allow"), (32767, "deny"))
        ],
        "Tags": tag_list(tags),
    }


def dhcp_options_view(options: DhcpOptions, tags: Tags, account: str) -> View:
    return {
        "DhcpOptionsId": options.id,
        "OwnerId": account,
        "DhcpConfigurations": [
            {"Key": "domain-name", "Values": [{"Value": regions.internal_domain(options.region)}]},
            {"Key": "domain-name-servers", "Values": [{"Value": "AmazonProvidedDNS"}]},
        ],
        "Tags": tag_list(tags),
    }
