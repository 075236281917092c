"""`homeport join`: this physical machine as one container instance of its real size."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from homeport.cli.client import Clients, complain
from homeport.kit.installation import read

_IMAGE = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
_PATIENCE = 120.0  # seconds; booting takes a few


class JoinFailed(Exception):
    """The machine is no container instance; the message says why."""


def join(cluster: str, subnet: str, groups: Sequence[str]) -> int:
    """Launch the instance, wait until it is ACTIVE, and say what came of it."""
    clients = Clients()
    installation = read()
    assert installation is not None, "clients have been made of it"
    ec2, ecs = clients.client("ec2"), clients.client("ecs")
    try:
        image = clients.client("ssm").get_parameter(Name=_IMAGE)["Parameter"]["Value"]
        _check_cluster(ecs, cluster)
        asked = request_of(installation.node, image, cluster, subnet or _default_subnet(ec2), groups)
        instance = ec2.run_instances(**asked)["Instances"][0]["InstanceId"]
        print(f"{instance} is launched as {asked['InstanceType']}; waiting for it to register in {cluster}.")
        registered = _wait(ecs, ec2, cluster, instance)
    except (BotoCoreError, ClientError, JoinFailed) as error:
        return complain(error)
    print("\n".join(describe(registered, instance)))
    return 0


def request_of(node: str, image: str, cluster: str, subnet: str, groups: Sequence[str]) -> dict[str, Any]:
    """Return what RunInstances is asked for."""
    script = f"#!/bin/sh\necho ECS_CLUSTER={cluster} >> /etc/ecs/ecs.config\n"
    asked: dict[str, Any] = {
        "ImageId": image,
        "InstanceType": f"homeport.{node}",
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": subnet,
        "UserData": script,
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": node}]}],
    }
    return asked | ({"SecurityGroupIds": list(groups)} if groups else {})


def describe(registered: Mapping[str, Any], instance: str) -> list[str]:
    """Say what the machine now is, and what it is not."""
    sizes = {each["name"]: each.get("integerValue", 0) for each in registered["registeredResources"]}
    return [
        registered["containerInstanceArn"],
        f"This machine is a container instance: {sizes['CPU']} CPU units, {sizes['MEMORY']} MiB of memory.",
        "It is a network namespace and a control group on this machine. Tasks in host mode share that namespace, not the",
        "machine's own network; what else runs here is neither seen nor counted.",
        f"It ends with: aws ec2 terminate-instances --instance-ids {instance}",
    ]


def _check_cluster(ecs: Any, cluster: str) -> None:
    """Refuse before anything is launched: an instance that finds no cluster would wait for it silently."""
    found = ecs.describe_clusters(clusters=[cluster])["clusters"]
    if not any(each["status"] == "ACTIVE" for each in found):
        raise JoinFailed(f"there is no cluster {cluster}: aws ecs create-cluster --cluster-name {cluster}")


def _default_subnet(ec2: Any) -> str:
    found = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    if not found:
        raise JoinFailed("there is no default subnet: choose one with --subnet")
    return str(min(found, key=lambda subnet: str(subnet["AvailabilityZone"]))["SubnetId"])


def _wait(ecs: Any, ec2: Any, cluster: str, instance: str) -> Mapping[str, Any]:
    """Return the container instance once it is ACTIVE."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        for status in ("ACTIVE", "REGISTRATION_FAILED"):
            arns = ecs.list_container_instances(cluster=cluster, filter=f"ec2InstanceId == {instance}", status=status)[
                "containerInstanceArns"
            ]
            if not arns:
                continue
            found = ecs.describe_container_instances(cluster=cluster, containerInstances=arns)["containerInstances"][0]
            if status == "REGISTRATION_FAILED":
                raise JoinFailed(f"{instance} could not register: {found.get('statusReason', 'no reason is given')}")
            return dict(found)
        _check_instance(ec2, instance)
        time.sleep(0.2)
    raise JoinFailed(f"{instance} has not registered in {cluster} within {_PATIENCE:.0f} s; see homeport logs")


def _check_instance(ec2: Any, instance: str) -> None:
    found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    if found["State"]["Name"] not in {"pending", "running"}:
        reason = (
            found.get("StateReason", {}).get("Message") or found.get("StateTransitionReason") or "no reason is given"
        )
        raise JoinFailed(f"{instance} is {found['State']['Name']}: {reason}")
