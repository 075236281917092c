"""Rules that AWS's model does not state: ranges, names, counts.  Pure."""

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from homeport.services.ec2 import errors

# No packet can be routed to these.
_UNUSABLE = tuple(IPv4Network(cidr) for cidr in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
_GROUP_TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}")
_RULE_TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_GROUP_TEXT_NAME = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"


def parse_network(text: str, parameter: str = "cidrBlock") -> IPv4Network:
    """Return an IPv4 range, host bits cleared as AWS does; the prefix length must be given."""
    try:
        if "/" not in text:
            raise AddressValueError
        return IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise errors.bad_value(text, parameter, "This is not a valid CIDR block.") from error


def check_vpc_range(network: IPv4Network, public: tuple[IPv4Address, IPv4Address]) -> None:
    """A VPC has between /16 and /28, of addresses that it can use: none from first to last of the *public* pool."""
    is_public = public[0] <= network.broadcast_address and network.network_address <= public[1]
    if not 16 <= network.prefixlen <= 28 or is_public or any(network.overlaps(other) for other in _UNUSABLE):
        raise errors.InvalidParameterValue(f"The CIDR '{network}' is invalid.", code="InvalidVpc.Range")


def check_subnet_range(network: IPv4Network, vpc: str, others: Iterable[str]) -> None:
    """A subnet has between /16 and /28 of its VPC, and shares nothing with the VPC's *others*."""
    if not 16 <= network.prefixlen <= 28 or not network.subnet_of(IPv4Network(vpc)):
        raise errors.InvalidParameterValue(f"The CIDR '{network}' is invalid.", code="InvalidSubnet.Range")
    if any(network.overlaps(IPv4Network(other)) for other in others):
        raise errors.InvalidParameterValue(
            f"The CIDR '{network}' conflicts with another subnet", code="InvalidSubnet.Conflict"
        )


def check_group_name(name: str) -> None:
    """A security group's name must not look like an id, nor be the name of the default group."""
    if name == "default":
        raise errors.InvalidParameterValue("Cannot use reserved security group name: default")
    if name.lower().startswith("sg-"):
        raise errors.bad_value(name, "GroupName", "Group names may not be in the format sg-*.")
    if name != name.strip():
        raise errors.bad_value(name, "GroupName", "Group names may not begin or end with a space.")
    if not _GROUP_TEXT.fullmatch(name):
        raise errors.bad_value(name, "GroupName", f"Valid names are up to 255 characters of {_GROUP_TEXT_NAME}")


def check_group_description(description: str) -> None:
    if not description.isascii():
        raise errors.bad_value(description, "GroupDescription", "Character sets beyond ASCII are not supported.")
    if not _GROUP_TEXT.fullmatch(description):
        raise errors.bad_value(
            description, "GroupDescription", f"Valid descriptions are up to 255 characters of {_GROUP_TEXT_NAME}"
        )


def check_rule_description(description: str) -> None:
    if not _RULE_TEXT.fullmatch(description):
        raise errors.InvalidParameterValue(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  "
            f"{_GROUP_TEXT_NAME}"
        )


def check_interface_description(description: str) -> None:
    if len(description) > 255:
        raise errors.bad_value(description, "description", "A description has at most 255 characters.")
