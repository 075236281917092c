"""
Instance types: size, network interfaces, and how many awsvpc tasks AWS lets an instance of each hold.

The table is data/instance_types.csv, read at first use.  Two of its columns need words:

- `trunk_task_limit` is the figure in the ECS developer guide, kept as printed even where it is odd
  (i4i.large: -2).  Types newer than that list have `trunk_task_limit_derived`, from the branch
  interfaces that EC2 gives the type; the formula yields all but 4 of the 426 documented figures that it
  can be held against.
- `trunk_capable` is false where ECS lists a type as unsupported, though EC2 would give it a trunk
  (a1.metal, all of c5n), where the documented figure leaves room for no task, and where there is no figure.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

#: A trunk tells its branches apart by VLAN ids from 1 to 120; a derived limit cannot be higher.
MAX_BRANCHES = 120

BURSTABLE_FAMILIES = frozenset(("t2", "t3", "t3a", "t4g"))
I386_TYPES = frozenset(
    (
        *("c1.medium", "c3.large", "m1.medium", "m1.small", "t1.micro"),
        *("t2.medium", "t2.micro", "t2.nano", "t2.small"),
    )
)

# Behind the generation's digit a g stands for Graviton: m7gd and im4gn, but not g4dn.
_GRAVITON = re.compile(r"a1|[a-z]+\d+g[a-z]*")


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One row of the table; `task_limit` is the awsvpc tasks of an instance without a trunk."""

    name: str
    vcpus: int
    memory_mib: int
    max_enis: int
    ipv4_per_eni: int
    task_limit: int
    trunk_task_limit: int | None
    trunk_task_limit_derived: int | None
    trunk_capable: bool

    @property
    def family(self) -> str:
        """The part before the dot: c5 of c5.large."""
        return self.name.partition(".")[0]

    @property
    def bare_metal(self) -> bool:
        return self.name.partition(".")[2].startswith("metal") or self.family == "homeport"

    @property
    def burstable(self) -> bool:
        return self.family in BURSTABLE_FAMILIES

    @property
    def architectures(self) -> tuple[str, ...]:
        """What the type's processor runs, in EC2's words; the family's name tells."""
        if self.family.startswith("mac"):
            return ("x86_64_mac",) if self.family == "mac1" else ("arm64_mac",)
        if _GRAVITON.fullmatch(self.family):
            return ("arm64",)
        return ("i386", "x86_64") if self.name in I386_TYPES else ("x86_64",)


#: Types with this prefix are nodes: machines of their own real size, with as many interfaces as the largest types.
NODE_TYPE_PREFIX = "homeport."
_NODE_INTERFACES = 15
_NODE_ADDRESSES = 50


class TrunkLimit(NamedTuple):
    """How many tasks a trunk carries, and whether that is our derivation rather than ECS's own figure."""

    tasks: int
    derived: bool


def find_trunk_limit(instance_type: InstanceType) -> TrunkLimit | None:
    """Return the type's limit with a trunk; None where there is none to have."""
    if instance_type.trunk_task_limit is not None:
        return TrunkLimit(instance_type.trunk_task_limit, derived=False)
    if instance_type.trunk_capable and instance_type.trunk_task_limit_derived is not None:
        return TrunkLimit(min(instance_type.trunk_task_limit_derived, MAX_BRANCHES), derived=True)
    return None


def task_eni_limit(instance_type: InstanceType, *, trunking: bool) -> int:
    """
    Return how many awsvpc tasks an instance of the type may hold.

    *trunking* says whether its role had opted in when it was launched, which changes nothing for a
    type that cannot have a trunk.
    """
    limit = find_trunk_limit(instance_type) if trunking and instance_type.trunk_capable else None
    return instance_type.task_limit if limit is None else limit.tasks


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Return all types by name, in the order of their names."""
    text = (resources.files(__package__) / "data" / "instance_types.csv").read_text(encoding="utf-8")
    rows = map(_instance_type, csv.DictReader(text.splitlines()))
    return MappingProxyType({row.name: row for row in sorted(rows, key=lambda row: row.name)})


def find_instance_type(name: str) -> InstanceType | None:
    return instance_types().get(name)


def node_of_type(name: str) -> str | None:
    """Return the node that a type stands for, None for one of AWS's."""
    return name.removeprefix(NODE_TYPE_PREFIX) if name.startswith(NODE_TYPE_PREFIX) else None


def type_of_node(node: str, *, vcpus: int, memory_mib: int) -> InstanceType:
    """Return the type that stands for the machine called *node*."""
    return InstanceType(
        name=f"{NODE_TYPE_PREFIX}{node}",
        vcpus=vcpus,
        memory_mib=memory_mib,
        max_enis=_NODE_INTERFACES,
        ipv4_per_eni=_NODE_ADDRESSES,
        task_limit=_NODE_INTERFACES - 1,
        trunk_task_limit=MAX_BRANCHES,
        trunk_task_limit_derived=None,
        trunk_capable=True,
    )


def _instance_type(row: Mapping[str, str]) -> InstanceType:
    return InstanceType(
        name=row["instance_type"],
        vcpus=int(row["vcpus"]),
        memory_mib=int(row["memory_mib"]),
        max_enis=int(row["max_enis"]),
        ipv4_per_eni=int(row["ipv4_per_eni"]),
        task_limit=int(row["task_limit"]),
        trunk_task_limit=_optional(row["trunk_task_limit"]),
        trunk_task_limit_derived=_optional(row["trunk_task_limit_derived"]),
        trunk_capable=row["trunk_capable"] == "true",
    )


def _optional(text: str) -> int | None:
    return int(text) if text else None
