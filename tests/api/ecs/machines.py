"""EC2 instances below the API, for container instances that register by themselves."""

import time
from dataclasses import replace
from typing import Any

from homeport.db.database import Tx
from homeport.kit.clock import FixedClock
from homeport.kit.ids import RandomIds
from homeport.services.ec2 import store as ec2
from homeport.services.ec2.instance import Instance, Options, State
from homeport.services.ec2.model import new_id
from homeport.services.ec2.store import attachments, instances
from homeport.services.ecs.reconcilers.container_instances import ContainerInstances
from homeport.services.ecs.store import container_instances

ROOT = "arn:aws:iam::123456789012:root"


class Machines:
    """Machines that run or do not, as their node would have reported."""

    def __init__(self, ecs: Any) -> None:
        self.ecs = ecs
        self.ids = RandomIds()

    def launch(self, *, role: str = "", launched_at: float = 0.0, zone: int = 0, **more: Any) -> str:
        """Add a c5.large that runs, with an agent for the cluster called default; return its id."""
        subnet = self.ecs.subnets[zone]
        profile = f"arn:aws:iam::123456789012:instance-profile/{role}" if role else ""

        async def add(tx: Tx) -> str:
            group = await ec2.default_security_group(tx, subnet.vpc)
            interface = await ec2.allocate_interface(tx, subnet=subnet, groups=[group], now=1.0, ids=self.ids)
            values: dict[str, Any] = {
                "id": new_id(self.ids, "i"),
                "region": subnet.region,
                "reservation": new_id(self.ids, "r"),
                "launch_index": 0,
                "type": "c5.large",
                "image": "ami-00000000000000000",
                "vpc": subnet.vpc,
                "subnet": subnet.id,
                "zone": subnet.zone,
                "interface": interface.id,
                "node": "node-1",
                "options": Options(profile_arn=profile),
                "launched_at": launched_at or time.time(),
                "launched_by": ROOT,
                "state": State.RUNNING,
                "agent": {},
            }
            instance = Instance(**(values | more))
            await instances.insert_instance(tx, instance)
            await attachments.attach_interface(tx, interface, instance, now=1.0, ids=self.ids, device_index=0)
            return instance.id

        return str(self.ecs.in_transaction(add))

    def become(self, machine: str, state: State) -> None:
        """Have a machine be in another state."""

        async def change(tx: Tx) -> None:
            found = await ec2.find_instance(tx, machine)
            assert found is not None
            await instances.update_instance(tx, replace(found, state=state))

        self.ecs.in_transaction(change)

    def look(self) -> None:
        """Let the reconciler look, as often as it wakes itself."""
        wakes: list[str] = []
        made = ContainerInstances(
            self.ecs.database, FixedClock(time.time()), self.ids, "123456789012", "x86_64", wakes.append
        )
        for _ in range(3):
            self.ecs.api.run(made.pass_())

    def registered(self, machine: str) -> dict[str, Any]:
        """Return the container instance that a machine is."""
        self.look()
        (known,) = self.ecs.in_transaction(lambda tx: container_instances.of_machine(tx, machine))
        arns = [known.arn]
        found = self.ecs.client.describe_container_instances(containerInstances=arns)["containerInstances"]
        return dict(found[0])
