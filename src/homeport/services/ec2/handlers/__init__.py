"""EC2's operations, one module per resource; importing this package registers them all."""

from homeport.services.ec2.handlers import (
    defaults,
    images,
    instance_types,
    internet_gateways,
    network_interfaces,
    places,
    route_tables,
    security_group_rules,
    security_groups,
    subnets,
    tags,
    vpcs,
)

__all__ = [
    "defaults",
    "images",
    "instance_types",
    "internet_gateways",
    "network_interfaces",
    "places",
    "route_tables",
    "security_group_rules",
    "security_groups",
    "subnets",
    "tags",
    "vpcs",
]
