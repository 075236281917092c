"""
Placement strategies: each narrows the instances that would do to those it likes best.

In a chain the next one chooses among what the one before has left.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random as RandomSource

from homeport.services.ecs.placement.instance import Instance

INSTANCE_FIELDS = ("instanceId", "host")
ATTRIBUTE_PREFIX = "attribute:"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a strategy chooses from, and what it may know: *all* instances, those that cannot take the task too."""

    fitting: Sequence[Instance]
    all: Sequence[Instance]
    group: str
    random: RandomSource


@dataclass(frozen=True, slots=True)
class Random:
    """Any instance."""

    def narrow(self, choice: Choice) -> Sequence[Instance]:
        return [choice.random.choice(choice.fitting)]


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the fewest tasks of the group are: on an instance, or on all that share an attribute's value."""

    field: str

    def narrow(self, choice: Choice) -> Sequence[Instance]:
        counts: Counter[str] = Counter()
        for instance in choice.all:
            counts[self._value(instance)] += instance.tasks_of(choice.group)
        fewest = min(counts[self._value(instance)] for instance in choice.fitting)
        return [instance for instance in choice.fitting if counts[self._value(instance)] == fewest]

    def _value(self, instance: Instance) -> str:
        """Return what the instance shares with others; those without the attribute share that."""
        if self.field in INSTANCE_FIELDS:
            return instance.arn
        return instance.attributes.get(self.field.removeprefix(ATTRIBUTE_PREFIX), "")


@dataclass(frozen=True, slots=True)
class Binpack:
    """Where the least is left of a resource, so that whole instances stay free."""

    field: str

    def narrow(self, choice: Choice) -> Sequence[Instance]:
        left = {instance.arn: _LEFT[self.field](instance) for instance in choice.fitting}
        least = min(left.values())
        return [instance for instance in choice.fitting if left[instance.arn] == least]


_LEFT: Mapping[str, Callable[[Instance], int]] = {
    "cpu": lambda instance: instance.room.cpu,
    "memory": lambda instance: instance.room.memory_mib,
}
BINPACK_FIELDS = frozenset(_LEFT)

Strategy = Random | Spread | Binpack

#: What AWS does unless told otherwise.
DEFAULT: tuple[Strategy, ...] = (Spread("attribute:ecs.availability-zone"),)


def choose(choice: Choice, strategies: Sequence[Strategy]) -> Instance:
    """
    Return the instance that the strategies like best.

    Equals are parted by the tasks of the group they have, then by their ARNs: so neither the order in
    which instances come nor chance decides, except where chance was asked for.
    """
    fitting = choice.fitting
    for strategy in (*strategies, Spread("instanceId")):
        fitting = strategy.narrow(Choice(fitting, choice.all, choice.group, choice.random))
    return min(fitting, key=lambda instance: instance.arn)
