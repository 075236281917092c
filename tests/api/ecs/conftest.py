"""ECS with a network and, where a test wants one, a node that says what the test makes it say."""

import json
import time
from typing import Any

import pytest
from tests.api.refusal import refusal

from homeport.db.database import Tx
from homeport.fleet import assignments
from homeport.gateway.app import Gateway
from homeport.kit.clock import FixedClock, SystemClock
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.model import PUBLIC_POOL, PUBLIC_POOL_CIDR
from homeport.services.ec2.store.addresses import ensure_pool
from homeport.services.ecs import handlers
from homeport.services.ecs.handlers.clusters import ensure_default_cluster
from homeport.services.ecs.observe import observe
from homeport.services.ecs.reconcilers.cleanup import Cleanup
from homeport.services.ecs.reconcilers.placement import Placement
from homeport.services.ecs.reconcilers.services import Services
from homeport.services.ecs.service import ecs as service
from homeport.wire.messages import ContainerObserved, Eni, Facts, Observed, StopCause, Task, TaskPhase

assert handlers  # importing it registers the operations

NODE = "node-1"


def check_answer(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Hold an answer against AWS's model: clients drop what they do not know, so nobody else would notice."""
    if response_dict["status_code"] < 300 and operation_model.output_shape is not None:
        check_conforms(operation_model.output_shape, json.loads(response_dict["body"]), operation_model.name)


_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "list": list,
    "map": dict,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "timestamp": (int, float),
    "double": (int, float),
}


def check_conforms(shape: Any, value: Any, path: str) -> None:
    conforms = isinstance(value, _JSON_TYPES[shape.type_name])
    assert conforms, f"{path} is no {shape.type_name}: {value!r}"
    if shape.type_name == "structure":
        for name, member in value.items():
            assert name in shape.members, f"{path} has no member {name}"
            check_conforms(shape.members[name], member, f"{path}.{name}")
        assert set(shape.required_members) <= set(value), f"{path} lacks a required member"
    elif shape.type_name == "list":
        for item in value:
            check_conforms(shape.member, item, f"{path}[]")
    elif shape.type_name == "map":
        for item in value.values():
            check_conforms(shape.value, item, f"{path}{{}}")
    elif getattr(shape, "enum", None):
        assert value in shape.enum, f"{path} cannot be {value}"


class Installation:
    """ECS as a client sees it, and levers for what stands behind it."""

    def __init__(self, api: Any, subnets: list[Any]) -> None:
        self.api = api
        self.client = api.client("ecs")
        self.unchecked = api.client("ecs", validate=False)
        for client in (self.client, self.unchecked):
            client.meta.events.register("before-parse.ecs.*", check_answer, unique_id="conforms")
        self.database = api.database
        self.wakes: list[str] = api.wakes
        self.clock = FixedClock(time.time())
        self.connected = frozenset({NODE})
        self.subnets = subnets
        self.sequences: dict[str, int] = {}
        self._placement = Placement(
            api.database, self.clock, RandomIds(), api.account, lambda: self.connected, self.wakes.append
        )
        self._services = Services(api.database, self.clock, RandomIds(), api.account, self.wakes.append)

    @property
    def subnet(self) -> str:
        subnet: str = self.subnets[0].id
        return subnet

    def network(self, **more: Any) -> dict[str, Any]:
        return {"awsvpcConfiguration": {"subnets": [self.subnet], **more}}

    def register(self, *containers: dict[str, Any], **more: Any) -> str:
        """Register a Fargate task definition, of one container called web unless others are given."""
        arguments = {
            "family": "web",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{"name": "web", "image": "homeport/web:latest"}, *containers][bool(containers) :],
        } | more
        arn: str = self.client.register_task_definition(**arguments)["taskDefinition"]["taskDefinitionArn"]
        return arn

    def run(self, **more: Any) -> dict[str, Any]:
        """Run one task of the latest revision of "web", which is registered if there is none."""
        if "taskDefinition" not in more:
            more["taskDefinition"] = self.register()
        arguments = {"launchType": "FARGATE", "networkConfiguration": self.network()} | more
        task: dict[str, Any] = self.client.run_task(**arguments)["tasks"][0]
        return task

    refusal = staticmethod(refusal)

    def describe(self, task: dict[str, Any], **more: Any) -> dict[str, Any]:
        described: dict[str, Any] = self.client.describe_tasks(
            tasks=[task["taskArn"]], cluster=task["clusterArn"], **more
        )["tasks"][0]
        return described

    def place(self) -> None:
        """Let placement look once."""
        self.api.run(self._placement.pass_())

    def keep(self, passes: int = 10) -> None:
        """Let the reconciler look at the services that are due, as often as there is more to do at once."""
        self.clock.seconds = max(self.clock.seconds, time.time())  # what was reported was reported before
        for _ in range(passes):
            self.wakes.clear()
            self.api.run(self._services.pass_())
            if "ecs.services" not in self.wakes:
                return

    def cleanup(self, later: float) -> None:
        """Let the clean-up look once, *later* seconds from now."""
        self.api.run(Cleanup(self.database, FixedClock(time.time() + later)).pass_())

    def report(
        self, task: dict[str, Any], phase: str, cause: str = "", reason: str = "", sequence: int | None = None,
        node: str = NODE, containers: dict[str, Any] | None = None, **times: float,
    ) -> None:  # fmt: skip
        """Have the node report a phase of a task, with its next sequence number unless one is given."""
        task_id = task["taskArn"].rpartition("/")[2]
        number = sequence if sequence is not None else self.sequences.get(task_id, 0) + 1
        self.sequences[task_id] = number
        observed = Observed(
            task=task_id,
            sequence=number,
            phase=TaskPhase(phase),
            cause=StopCause(cause),
            reason=reason,
            containers=tuple(ContainerObserved(name=name, **told) for name, told in (containers or {}).items()),
            **times,
        )
        self.in_transaction(lambda tx: observe(tx, node, observed, time.time()))

    def assigned(self, kind: type) -> list[Any]:
        """Return the node's items of one kind."""
        return [
            item
            for item in self.in_transaction(lambda tx: assignments.assignment(tx, NODE)).items
            if isinstance(item, kind)
        ]

    def assigned_task(self, task: dict[str, Any]) -> Task | None:
        return next((item for item in self.assigned(Task) if item.arn == task["taskArn"]), None)

    def assigned_eni(self, task: dict[str, Any]) -> Eni:
        item = self.assigned_task(task)
        assert item is not None, "the task is not in the node's assignment"
        return next(eni for eni in self.assigned(Eni) if eni.id == item.eni)

    def in_transaction(self, work: Any) -> Any:
        async def run() -> Any:
            async with self.database.transaction() as tx:
                return await work(tx)

        return self.api.run(run())


@pytest.fixture
def ecs(api: Any, api_server: Any) -> Installation:
    """Give an ECS with a default VPC, the default cluster and one connected node."""

    async def prepare(tx: Tx) -> list[Any]:
        await ec2.ensure_default_vpc(tx, api.region, RandomIds())
        await ensure_pool(tx, PUBLIC_POOL, PUBLIC_POOL_CIDR)
        await ensure_default_cluster(tx, api.account, api.region)
        await assignments.register(tx, NODE, Facts(cpus=2, memory=4096, kernel="6.1"), time.time())
        return await ec2.default_subnets(tx, api.region)

    async def run() -> list[Any]:
        async with api.database.transaction() as tx:
            return await prepare(tx)

    installation = Installation(api, api.run(run()))
    api_server.gateway = Gateway(
        {"ecs": service},
        api.database,
        api.keys,
        account=api.account,
        clock=SystemClock(),
        ids=RandomIds(),
        wake=api.wakes.append,
    )
    return installation
