"""Resources that a request names, from the store or refused as AWS refuses them."""

from homeport.aws.call import Call
from homeport.services.ecs.errors import Client, ClusterNotFound
from homeport.services.ecs.identify import Place
from homeport.services.ecs.model.clusters import Cluster
from homeport.services.ecs.model.task_definitions import TaskDefinition
from homeport.services.ecs.store import clusters, task_definitions

#: What a request means that names no cluster.
DEFAULT_CLUSTER = "default"


def place_of(call: Call) -> Place:
    return Place(call.account, call.region)


async def get_cluster(call: Call, given: str) -> Cluster:
    """Return the active cluster of that name or ARN."""
    cluster = await clusters.find(call.tx, place_of(call).cluster_arn(given))
    if cluster is None or cluster.status != "ACTIVE":
        raise ClusterNotFound
    return cluster


async def get_definition(call: Call, given: str) -> TaskDefinition:
    """Return the revision that was named, or the family's latest active one."""
    family, revision = place_of(call).definition(given)
    if revision is None:
        found = await task_definitions.find_latest(call.tx, call.region, family)
    else:
        found = await task_definitions.find(call.tx, call.region, family, revision)
    if found is None:
        raise Client("Unable to describe task definition.")
    return found
