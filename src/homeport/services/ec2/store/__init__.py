"""
Rows and values of EC2, and what other services may ask of it.

Other services import these names; everything else in the package is for EC2's own handlers.
"""

from homeport.services.ec2.store.attachments import (
    allocate_task_interface,
    associate_branch,
    attach_interface,
    attach_trunk,
    find_trunk,
)
from homeport.services.ec2.store.defaults import ensure_default_vpc, initialise
from homeport.services.ec2.store.instances import (
    find_instance,
    find_type,
    get_instance,
    instances_in,
    states_of,
)
from homeport.services.ec2.store.interfaces import (
    allocate_interface,
    find_interface,
    get_interface,
    release_interface,
    set_groups,
)
from homeport.services.ec2.store.routes import has_internet_gateway
from homeport.services.ec2.store.security_groups import default_security_group, get_security_groups
from homeport.services.ec2.store.vpcs import default_subnets, find_vpcs, get_subnets, get_vpc, subnets_of

__all__ = [
    "allocate_interface",
    "allocate_task_interface",
    "associate_branch",
    "attach_interface",
    "attach_trunk",
    "default_security_group",
    "default_subnets",
    "ensure_default_vpc",
    "find_instance",
    "find_interface",
    "find_trunk",
    "find_type",
    "find_vpcs",
    "get_instance",
    "get_interface",
    "get_security_groups",
    "get_subnets",
    "get_vpc",
    "has_internet_gateway",
    "initialise",
    "instances_in",
    "release_interface",
    "set_groups",
    "states_of",
    "subnets_of",
]
