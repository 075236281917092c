"""
What the instance metadata service has to tell of an instance, as a tree.

Pure.  Only what is there is in it: an instance without a public address has no `public-ipv4`.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from homeport.wire.messages import Eni, Instance, Vpc

Tree: TypeAlias = Mapping[str, "Tree | str | bytes"]

_DOMAIN = "amazonaws.com"


def tree(instance: Instance, enis: Sequence[Eni], vpc: Vpc) -> Tree:
    """Return everything below a version: metadata, dynamic data, user data."""
    found: dict[str, Tree | str | bytes] = {
        "dynamic": {"instance-identity": _identity(instance)},
        "meta-data": _metadata(instance, enis, vpc),
    }
    if instance.user_data:
        found["user-data"] = instance.user_data
    return found


def listing(found: Tree) -> str:
    """Return the names in a directory as AWS lists them, directories with a slash behind."""
    return "\n".join(f"{name}/" if isinstance(value, Mapping) else name for name, value in sorted(found.items()))


def look_up(found: Tree, path: Sequence[str]) -> Tree | str | bytes | None:
    """Return what is at *path*, or None; an empty last part is a directory's own slash."""
    at: Tree | str | bytes = found
    for number, name in enumerate(path):
        if not isinstance(at, Mapping):
            return None
        if not name and number == len(path) - 1:
            return at
        if name not in at:
            return None
        at = at[name]
    return at


def _present(found: Mapping[str, "Tree | str | bytes"]) -> dict[str, "Tree | str | bytes"]:
    return {name: value for name, value in found.items() if value}


def _identity(instance: Instance) -> Tree:
    said = instance.metadata
    return _present(
        {"document": said.identity, "signature": said.identity_signature, "pkcs7": said.identity_pkcs7},
    )


def _metadata(instance: Instance, enis: Sequence[Eni], vpc: Vpc) -> Tree:
    said = instance.metadata
    primary = next(eni for eni in enis if eni.id == instance.interface)
    return _present(
        {
            "ami-id": said.image,
            "ami-launch-index": str(said.launch_index),
            "ami-manifest-path": "(unknown)",
            "hostname": primary.dns_name,
            "iam": _profile(instance),
            "instance-action": "none",
            "instance-id": instance.id,
            "instance-life-cycle": "on-demand",
            "instance-type": said.instance_type,
            "local-hostname": primary.dns_name,
            "local-ipv4": primary.address,
            "mac": primary.mac,
            "network": {"interfaces": {"macs": {eni.mac: _interface(eni, instance, vpc) for eni in enis}}},
            "placement": {
                "availability-zone": said.availability_zone,
                "availability-zone-id": said.availability_zone_id,
                "region": said.region,
            },
            "public-ipv4": primary.public_address,
            "reservation-id": said.reservation,
            "security-groups": "\n".join(said.groups),
            "services": {"domain": _DOMAIN, "partition": "aws"},
            "tags": {"instance": dict(said.tags)} if said.tags else {},
        }
    )


def _profile(instance: Instance) -> Tree:
    """Return the instance profile; there are no roles yet, so there are no credentials of one."""
    said = instance.metadata
    if not said.profile_arn:
        return {}
    moment = datetime.fromtimestamp(int(said.launched_at), UTC).isoformat().replace("+00:00", "Z")
    info = {
        "Code": "Success",
        "LastUpdated": moment,
        "InstanceProfileArn": said.profile_arn,
        "InstanceProfileId": said.profile_id,
    }
    return {"info": json.dumps(info, indent=2)}


def _interface(eni: Eni, instance: Instance, vpc: Vpc) -> Tree:
    primary = eni.id == instance.interface
    return _present(
        {
            "device-number": str(eni.device_index),
            "interface-id": eni.id,
            "ipv4-associations": {eni.public_address: eni.address} if eni.public_address else {},
            "local-hostname": eni.dns_name,
            "local-ipv4s": eni.address,
            "mac": eni.mac,
            "owner-id": instance.metadata.account,
            "public-ipv4s": eni.public_address,
            "security-group-ids": "\n".join(eni.groups),
            "security-groups": "\n".join(instance.metadata.groups) if primary else "",
            "subnet-id": eni.subnet,
            "subnet-ipv4-cidr-block": eni.subnet_cidr,
            "vpc-id": eni.vpc,
            "vpc-ipv4-cidr-block": vpc.cidrs[0],
            "vpc-ipv4-cidr-blocks": "\n".join(vpc.cidrs),
        }
    )
