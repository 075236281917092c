"""
What RunInstances is asked for, read and held against every rule that needs no look at the store.

What cannot be honoured is refused here, by its name.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homeport.aws.fields import Fields
from homeport.kit import userdata
from homeport.services.ec2 import errors
from homeport.services.ec2.handlers.documents import Documents
from homeport.services.ec2.images import Image, ecs_optimised_image, find_image
from homeport.services.ec2.instance import MetadataOptions
from homeport.services.ec2.instance_types import InstanceType
from homeport.services.ec2.validation import check_interface_description

#: AWS's limit on user data before it is encoded, in bytes.
USER_DATA_LIMIT = 16384
#: AWS's type where a request names none.
DEFAULT_TYPE = "m1.small"
#: The hops that a token's answer may travel.
HOP_LIMITS = range(1, 65)

_RESOLVE = "resolve:ssm:"
_PARAMETER = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
_PROFILE_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_PROFILE_ARN = re.compile(r"arn:aws:iam::(\d{12}):instance-profile/([!-~]+/)?[\w+=,.@-]{1,128}", re.ASCII)
_CLIENT_TOKEN = 64


@dataclass(frozen=True, slots=True)
class Device:
    """One interface to attach: an existing one, or what to make; None where the request leaves it open."""

    index: int
    existing: str = ""
    subnet: str | None = None
    groups: tuple[str, ...] = ()
    address: str | None = None
    description: str = ""
    public: bool | None = None
    delete_on_termination: bool = True


def parse_devices(documents: Documents, count: int) -> list[Device]:
    """Return the devices of NetworkInterfaces for up to *count* instances, the primary one first."""
    devices = sorted((_device(*numbered) for numbered in enumerate(documents, 1)), key=lambda device: device.index)
    indexes = [device.index for device in devices]
    if devices and indexes[0] != 0:
        raise errors.InvalidParameterCombination("The primary network interface must be at device index 0.")
    if len(set(indexes)) != len(indexes):
        raise errors.InvalidParameterCombination("Each network interface must have a device index of its own.")
    asked = [device for device in devices if device.public is not None]
    if asked and len(devices) > 1:
        raise errors.InvalidParameterCombination(
            "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces."
        )
    if count > 1 and any(device.existing for device in devices):
        raise errors.InvalidParameterCombination(
            "A network interface ID may not be specified when launching more than one instance."
        )
    if count > 1 and any(device.address for device in devices):
        raise fixed_address_for_many()
    return devices


def fixed_address_for_many() -> errors.InvalidParameterCombination:
    return errors.InvalidParameterCombination(
        "A private IP address may not be specified when launching more than one instance."
    )


def _device(number: int, document: Mapping[str, Any]) -> Device:
    with Fields(document, f"NetworkInterface.{number}") as fields:
        index = fields.take("DeviceIndex", int, None)
        existing, subnet = fields.take("NetworkInterfaceId", str, ""), fields.take("SubnetId", str, None)
        groups, address = fields.take("Groups", list, []), fields.take("PrivateIpAddress", str, None)
        addresses = fields.take("PrivateIpAddresses", list, [])
        description, public = fields.take("Description", str, ""), fields.take("AssociatePublicIpAddress", bool, None)
        delete = fields.take("DeleteOnTermination", bool, None)
        kind, card = fields.take("InterfaceType", str, "interface"), fields.take("NetworkCardIndex", int, 0)
    if index is None:
        raise errors.missing(f"NetworkInterface.{number}.DeviceIndex")
    check_device_index(index)
    if kind != "interface" or card:
        raise errors.UnsupportedOperation("Homeport launches plain interfaces on network card 0 only.")
    if existing and (subnet or groups or address or addresses or description or public is not None):
        raise errors.InvalidParameterCombination(
            "A network interface may not specify both a network interface ID and a subnet"
        )
    check_interface_description(description)
    wanted = one_address(address, addresses)
    keep = bool(existing) if delete is None else not delete
    return Device(index, existing, subnet, tuple(groups), wanted, description, public, not keep)


def check_device_index(index: int) -> None:
    if not 0 <= index <= 31:
        raise errors.InvalidParameterValue(f"Invalid value '{index}' for deviceIndex. It must be from 0 to 31.")


def one_address(single: str | None, several: Documents) -> str | None:
    """Return the address that a request asks for, in one way or the other; there are no secondary ones."""
    addresses: list[str] = []
    for number, document in enumerate(several, 1):
        with Fields(document, f"PrivateIpAddresses.{number}") as fields:
            address, primary = fields.take("PrivateIpAddress", str), fields.take("Primary", bool, False)
        if not primary:
            raise errors.UnsupportedOperation("Homeport does not support secondary private IP addresses.")
        addresses.append(address)
    if len(addresses) > 1:
        raise errors.InvalidParameterValue("Only one primary private IP address can be specified.")
    if addresses and single is not None and addresses != [single]:
        raise errors.InvalidParameterCombination("Only one primary private IP address can be specified.")
    return single if single is not None else next(iter(addresses), None)


def parse_image(region: str, image_id: str | None) -> Image:
    """Return the image that a request names, by its id or by the public parameter that holds it."""
    if image_id is None:
        raise errors.missing("ImageId")
    if image_id.startswith(_RESOLVE):
        if image_id.removeprefix(_RESOLVE) != _PARAMETER:
            raise errors.InvalidParameterValue(
                f"Invalid value '{image_id}' for ImageId. Homeport resolves only {_RESOLVE}{_PARAMETER}."
            )
        return ecs_optimised_image(region)
    if not re.fullmatch(r"ami-[0-9a-f]{8,17}", image_id):
        raise errors.NotFound(f'Invalid id: "{image_id}" (expecting "ami-...")', code="InvalidAMIID.Malformed")
    image = find_image(region, image_id)
    if image is None:
        raise errors.no_such_images([image_id])
    return image


def check_architecture(instance_type: InstanceType, image: Image) -> None:
    """Refuse a type whose processor does not run the image."""
    if image.architecture not in instance_type.architectures:
        raise errors.InvalidParameterValue(
            f"The architecture '{instance_type.architectures[0]}' of the specified instance type does not match the "
            f"architecture '{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have "
            "matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to "
            "discover the architecture of the instance type or AMI."
        )


def check_counts(smallest: int, largest: int) -> None:
    if smallest < 1 or largest < 1:
        name, value = ("minCount", smallest) if smallest < 1 else ("maxCount", largest)
        raise errors.InvalidParameterValue(f"Invalid value '{value}' for {name}. Must be a positive integer.")
    if smallest > largest:
        raise errors.InvalidParameterValue(
            f"Minimum instance count ({smallest}) should not exceed the maximum instance count ({largest})"
        )


def parse_user_data(text: str | None) -> str:
    """Return user data as base64, after a look whether the instance could do what it says."""
    return encode_user_data(decode_user_data(text)) if text else ""


def decode_user_data(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.InvalidParameterValue("Invalid BASE64 encoding of user data.") from error


def encode_user_data(content: bytes) -> str:
    """Return user data as base64.  Raises EC2's errors for what is too long or could not be run."""
    if len(content) > USER_DATA_LIMIT:
        raise errors.InvalidParameterValue(f"User data is limited to {USER_DATA_LIMIT} bytes")
    check_runnable(content)
    return base64.b64encode(content).decode()


def check_runnable(content: bytes) -> None:
    """Refuse user data in a form that cloud-init here does not run."""
    try:
        userdata.parse_user_data(content)
    except userdata.UnsupportedUserData as error:
        raise errors.InvalidParameterValue(f"Invalid user data: {error}") from error


def parse_profile(document: Mapping[str, Any] | None, account: str) -> str:
    """Return the ARN of the instance profile that a request names; nothing without one."""
    if document is None:
        return ""
    with Fields(document, "IamInstanceProfile") as fields:
        arn, name = fields.take("Arn", str, ""), fields.take("Name", str, "")
    if arn and name:
        raise errors.InvalidParameterCombination(
            "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'"
        )
    if name:
        if not _PROFILE_NAME.fullmatch(name):
            raise errors.bad_value(name, "iamInstanceProfile.name", "Invalid IAM Instance Profile name")
        return f"arn:aws:iam::{account}:instance-profile/{name}"
    found = _PROFILE_ARN.fullmatch(arn)
    if arn and (found is None or found[1] != account):
        raise errors.bad_value(arn, "iamInstanceProfile.arn", "Invalid IAM Instance Profile ARN")
    return arn


def default_metadata_options(image: Image) -> MetadataOptions:
    """Return what an image asks for where the launch does not say."""
    modern = image.imds_support == "v2.0"
    return MetadataOptions(tokens_required=modern, hop_limit=2 if modern else 1)


def parse_metadata_options(document: Mapping[str, Any] | None, before: MetadataOptions) -> MetadataOptions:
    """Return *before* with what a request changes of it."""
    with Fields(document or {}, "MetadataOptions") as fields:
        tokens, endpoint = fields.take("HttpTokens", str, ""), fields.take("HttpEndpoint", str, "")
        hop_limit = fields.take("HttpPutResponseHopLimit", int, before.hop_limit)
        tags, ipv6 = fields.take("InstanceMetadataTags", str, ""), fields.take("HttpProtocolIpv6", str, "disabled")
    if hop_limit not in HOP_LIMITS:
        raise errors.InvalidParameterValue(
            f"Invalid value '{hop_limit}' for HttpPutResponseHopLimit. It must be from 1 to 64."
        )
    if ipv6 != "disabled":
        raise errors.UnsupportedOperation("Homeport has no IPv6 endpoint of the instance metadata service.")
    return MetadataOptions(
        tokens_required=tokens == "required" if tokens else before.tokens_required,
        hop_limit=hop_limit,
        endpoint=endpoint == "enabled" if endpoint else before.endpoint,
        tags=tags == "enabled" if tags else before.tags,
    )


def parse_zone(document: Mapping[str, Any] | None) -> tuple[str | None, str | None]:
    """Return the zone that a Placement names, by name or id; of the rest only the default tenancy is to be had."""
    with Fields(document or {}, "Placement") as fields:
        zone, zone_id = fields.take("AvailabilityZone", str, None), fields.take("AvailabilityZoneId", str, None)
        tenancy = fields.take("Tenancy", str, "default")
    if tenancy != "default":
        raise errors.UnsupportedOperation(f"Homeport does not support the tenancy '{tenancy}'.")
    return zone, zone_id


def check_key(name: str | None) -> None:
    """Refuse a key pair, as there are none."""
    if name is not None:
        raise errors.NotFound(f"The key pair '{name}' does not exist", code="InvalidKeyPair.NotFound")


def check_off(document: Mapping[str, Any] | None, path: str, member: str) -> None:
    """Refuse a structure whose *member* switches on what there is not."""
    if document is None:
        return
    with Fields(document, path) as fields:
        if fields.take(member, bool, False):
            raise errors.UnsupportedOperation(f"Homeport does not support {path}: it can only be off.")


def check_token(token: str) -> None:
    if len(token) > _CLIENT_TOKEN or not token.isascii():
        raise errors.InvalidParameterValue(
            f"Invalid value '{token}' for clientToken. It has at most {_CLIENT_TOKEN} ASCII characters."
        )


def check_unmixed(devices: Sequence[Device], subnet: str | None, groups: Sequence[str], address: str | None) -> None:
    """Refuse what a request says of its instance when it says it of the interfaces already."""
    if not devices:
        return
    mixed = (
        (subnet, "subnet ID"),
        (groups, "security groups"),
        (address, "private address"),
    )
    for value, noun in mixed:
        if value:
            raise errors.InvalidParameterCombination(
                f"Network interfaces and an instance-level {noun} may not be specified on the same request"
            )
