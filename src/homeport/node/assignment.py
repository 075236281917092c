"""The node's desired state in memory: what the server assigned, by kind and id."""

from collections.abc import Iterable

from homeport.wire.messages import (
    Drop,
    EndpointCheck,
    Eni,
    Instance,
    Item,
    LoadBalancer,
    SecurityGroup,
    Target,
    TargetGroup,
    Task,
    Vpc,
)


class Assignment:
    """What this node shall have.  Whoever changes it has already written the change to the store."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self.vpcs: dict[str, Vpc] = {}
        self.groups: dict[str, SecurityGroup] = {}
        self.enis: dict[str, Eni] = {}
        self.instances: dict[str, Instance] = {}
        self.tasks: dict[str, Task] = {}
        self.balancers: dict[str, LoadBalancer] = {}
        self.target_groups: dict[str, TargetGroup] = {}
        self.targets: dict[str, Target] = {}
        self.checks: dict[str, EndpointCheck] = {}
        self.change(items, ())

    def replace(self, items: Iterable[Item]) -> None:
        """Take *items* for the whole assignment."""
        for kind in (self.vpcs, self.groups, self.enis, self.instances, self.tasks):
            kind.clear()
        for balancing in (self.balancers, self.target_groups, self.targets, self.checks):
            balancing.clear()
        self.change(items, ())

    def change(self, puts: Iterable[Item], drops: Iterable[Drop]) -> None:
        """Take a change: a drop and a put of one item in one change leave the item."""
        for drop in drops:
            self._drop(drop)
        for item in puts:
            self._put(item)

    def _drop(self, drop: Drop) -> None:
        match drop.kind:
            case "Vpc":
                self.vpcs.pop(drop.id, None)
            case "SecurityGroup":
                self.groups.pop(drop.id, None)
            case "Eni":
                self.enis.pop(drop.id, None)
            case "Instance":
                self.instances.pop(drop.id, None)
            case "Task":
                self.tasks.pop(drop.id, None)
            case "LoadBalancer":
                self.balancers.pop(drop.id, None)
            case "TargetGroup":
                self.target_groups.pop(drop.id, None)
            case "Target":
                self.targets.pop(drop.id, None)
            case "EndpointCheck":
                self.checks.pop(drop.id, None)

    def _put(self, item: Item) -> None:
        match item:
            case Vpc():
                self.vpcs[item.id] = item
            case SecurityGroup():
                self.groups[item.id] = item
            case Eni():
                self.enis[item.id] = item
            case Instance():
                self.instances[item.id] = item
            case Task():
                self.tasks[item.id] = item
            case LoadBalancer():
                self.balancers[item.id] = item
            case TargetGroup():
                self.target_groups[item.id] = item
            case Target():
                self.targets[item.id] = item
            case EndpointCheck():
                self.checks[item.id] = item
