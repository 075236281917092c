"""Volumes and where they are mounted."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeport.services.ecs.errors import Client
from homeport.services.ecs.validation.names import check_volume

_KINDS = (
    "host",
    "dockerVolumeConfiguration",
    "efsVolumeConfiguration",
    "s3filesVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
)


def check_all(volumes: Sequence[Mapping[str, Any]], containers: Sequence[Mapping[str, Any]]) -> None:
    """Check the volumes by themselves, then that mounts and volumes know each other."""
    names = set()
    for volume in volumes:
        name = volume.get("name")
        if not name:
            raise Client("Volume.name should not be null or empty.")
        check_volume(name)
        if name in names:
            raise Client(f"Volume names must be unique within a task definition: '{name}'")
        names.add(name)
        if sum(volume.get(kind) is not None for kind in _KINDS) > 1:
            raise Client(f"Volume '{name}' must have one kind of configuration only.")
        _check_efs(volume.get("efsVolumeConfiguration"))
    mounted = set()
    for container in containers:
        paths = set()
        for mount in container.get("mountPoints", ()):
            source, path = mount.get("sourceVolume"), mount.get("containerPath")
            if source not in names:
                raise Client(f"Unknown volume '{source}'.")
            if not path:
                raise Client(f"MountPoint.containerPath should not be null or empty for volume '{source}'.")
            if path in paths:
                raise Client(f"Invalid 'mountPoints' setting. '{path}' is used more than once.")
            paths.add(path)
            mounted.add(source)
    unused = [
        volume["name"] for volume in volumes if volume.get("configuredAtLaunch") and volume["name"] not in mounted
    ]
    if unused:
        raise Client(f"Volumes [{', '.join(unused)}] are not referenced by any of the containers")


def _check_efs(efs: Mapping[str, Any] | None) -> None:
    if efs is None:
        return
    authorization = efs.get("authorizationConfig") or {}
    encrypted = efs.get("transitEncryption") == "ENABLED"
    if authorization.get("iam") == "ENABLED" and not encrypted:
        raise Client("EFS IAM authorization requires TransitEncryption to be enabled")
    if authorization.get("accessPointId"):
        if not encrypted:
            raise Client("EFS access points require TransitEncryption to be enabled")
        if efs.get("rootDirectory", "/") != "/":
            raise Client('When using an EFS access point, the root directory must either be set to "/" or be omitted')
    if efs.get("transitEncryptionPort") is not None and not encrypted:
        raise Client("TransitEncryptionPort requires TransitEncryption to be enabled")
