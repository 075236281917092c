"""Where an instance runs.  Pure."""

from collections.abc import Mapping, Sequence

from homeport.aws.errors import AwsError
from homeport.fleet.assignments import Node
from homeport.services.ec2.instance_types import InstanceType, node_of_type


def pick_node(nodes: Sequence[Node], live: Mapping[str, int], instance_type: InstanceType) -> str | None:
    """
    Choose the connected node with the fewest instances, or say that there is none.

    *live* counts the instances of nodes that have any.  A node may hold more than it is large: AWS's sizes bound what each
    instance may use, not what the machine has.  A type that stands for a node runs there alone.
    """
    wanted = node_of_type(instance_type.name)
    fitting = [node for node in nodes if node.connected and wanted in (None, node.name)]
    if not fitting:
        return None
    return min(fitting, key=lambda node: (live.get(node.name, 0), -node.facts.memory, node.name)).name


def no_capacity(instance_type: str, zone: str) -> AwsError:
    return AwsError(
        f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested ({zone}): "
        "no node is connected that could run it.",
        code="InsufficientInstanceCapacity",
        status=500,
    )


def node_is_an_instance(count: int) -> AwsError:
    return AwsError(
        f"You have requested more instances ({count}) than your current instance limit of 1 allows for the specified "
        "instance type.",
        code="InstanceLimitExceeded",
    )
