"""A node that is told of instances, and says of them what a test makes it say."""

import base64
import time
from typing import Any

from homeport.fleet import assignments
from homeport.kit.clock import FixedClock, SystemClock
from homeport.services.ec2.identity import Signer
from homeport.services.ec2.images import ecs_optimised_image
from homeport.services.ec2.observe import observe_instance
from homeport.services.ec2.reconcilers.instances import Instances
from homeport.wire.messages import Eni, Facts, Instance, InstanceObserved, InstancePhase

NODE = "node-1"
SIGNER = Signer.create(time.time())


class Machine:
    """EC2's client, and levers for the node behind it."""

    def __init__(self, api: Any, ec2: Any, in_transaction: Any) -> None:
        self.api = api
        self.ec2 = ec2
        self.in_transaction = in_transaction
        self.image = ecs_optimised_image(api.region).id
        self.sequences: dict[str, int] = {}

    def join(self, node: str = NODE, *, cpus: int = 2, memory: int = 4096) -> None:
        facts = Facts(cpus=cpus, memory=memory, kernel="6.1")
        self.in_transaction(lambda tx: assignments.register(tx, node, facts, time.time()))

    def leave(self, node: str = NODE) -> None:
        self.in_transaction(lambda tx: assignments.set_disconnected(tx, node))

    def run(self, **more: Any) -> dict[str, Any]:
        """Launch one c5.large, unless *more* says otherwise, and return it as answered."""
        return self.launch(**more)[0]

    def launch(self, **more: Any) -> list[dict[str, Any]]:
        asked = {"ImageId": self.image, "InstanceType": "c5.large", "MinCount": 1, "MaxCount": 1} | more
        return list(self.ec2.run_instances(**asked)["Instances"])

    def running(self, **more: Any) -> str:
        """Launch an instance and have its node say that it runs."""
        instance = str(self.run(**more)["InstanceId"])
        self.look()
        self.report(instance, "running", agent={"ECS_CLUSTER": "web"})
        return instance

    def stopped(self, **more: Any) -> str:
        instance = self.running(**more)
        self.ec2.stop_instances(InstanceIds=[instance])
        self.look()
        self.report(instance, "stopped")
        return instance

    def terminate(self, instance: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.look()
        self.report(instance, "gone")

    def look(self, *, later: float = 0.0) -> list[str]:
        """Let the reconciler look once, *later* seconds from now; returns the wakes that went out."""
        clock = FixedClock(time.time() + later) if later else SystemClock()
        wakes: list[str] = []
        reconciler = Instances(self.api.database, clock, SIGNER, self.api.account, wakes.append)
        self.api.run(reconciler.pass_())
        return wakes

    def report(
        self, instance: str, phase: str, *, agent: dict[str, str] | None = None, reason: str = "", node: str = NODE,
        sequence: int | None = None,
    ) -> None:  # fmt: skip
        """Have the node report a phase of an instance, with its next sequence number unless one is given."""
        number = sequence if sequence is not None else self.sequences.get(instance, 0) + 1
        self.sequences[instance] = number
        observed = InstanceObserved(
            instance=instance, sequence=number, phase=InstancePhase(phase), agent=agent or {}, reason=reason
        )
        self.in_transaction(lambda tx: observe_instance(tx, node, observed, time.time()))

    def describe(self, instance: str) -> dict[str, Any]:
        (reservation,) = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        (described,) = reservation["Instances"]
        return dict(described)

    def state(self, instance: str) -> str:
        return str(self.describe(instance)["State"]["Name"])

    def interfaces(self, instance: str) -> list[dict[str, Any]]:
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "attachment.instance-id", "Values": [instance]}])
        return list(found["NetworkInterfaces"])

    def assigned(self, kind: type, node: str = NODE) -> dict[str, Any]:
        """Return the node's items of one kind by id."""
        items = self.in_transaction(lambda tx: assignments.items(tx, node, kind.__name__))
        return {item.id: item for item in items}

    def assigned_instances(self, node: str = NODE) -> list[Instance]:
        return list(self.assigned(Instance, node).values())

    def told(self, instance: str) -> Instance:
        item: Instance = self.assigned(Instance)[instance]
        return item

    def enis(self) -> dict[str, Eni]:
        return self.assigned(Eni)

    def eni(self, **more: Any) -> str:
        """Make an interface in the first default subnet."""
        made = self.ec2.create_network_interface(**{"SubnetId": self.subnet()} | more)["NetworkInterface"]
        return str(made["NetworkInterfaceId"])

    def subnet(self, zone: str = "us-east-1a") -> str:
        filters = [{"Name": "default-for-az", "Values": ["true"]}, {"Name": "availability-zone", "Values": [zone]}]
        return str(self.ec2.describe_subnets(Filters=filters)["Subnets"][0]["SubnetId"])

    def free(self, subnet: str) -> int:
        return int(self.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"])


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
