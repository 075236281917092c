"""EC2's operations, one module per resource; importing this package registers them all."""

from homeport.services.ec2.handlers import (
    defaults,
    images,
    instance_attributes,
    instance_types,
    instances,
    internet_gateways,
    network_interfaces,
    places,
    route_tables,
    run_instances,
    security_group_rules,
    security_groups,
    subnets,
    tags,
    trunks,
    vpcs,
)

__all__ = [
    "defaults",
    "images",
    "instance_attributes",
    "instance_types",
    "instances",
    "internet_gateways",
    "network_interfaces",
    "places",
    "route_tables",
    "run_instances",
    "security_group_rules",
    "security_groups",
    "subnets",
    "tags",
    "trunks",
    "vpcs",
]
