"""
Rows and values of EC2, and what other services may ask of it.

Other services import these names; everything else in the package is for EC2's own handlers.
"""

from homeport.services.ec2.store.defaults import ensure_default_vpc, initialise
from homeport.services.ec2.store.interfaces import (
    allocate_interface,
    find_interface,
    get_interface,
    release_interface,
)
from homeport.services.ec2.store.security_groups import default_security_group, get_security_groups
from homeport.services.ec2.store.vpcs import default_subnets, get_subnets, get_vpc

__all__ = [
    "allocate_interface",
    "default_security_group",
    "default_subnets",
    "ensure_default_vpc",
    "find_interface",
    "get_interface",
    "get_security_groups",
    "get_subnets",
    "get_vpc",
    "initialise",
    "release_interface",
]
