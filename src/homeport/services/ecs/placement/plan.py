"""
Place tasks on container instances, one after the other.

Each task reduces what its instance has left before the next is looked at, in this plan as in the
store afterwards: two tasks of one request cannot be given the same port.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from homeport.services.ecs.placement.filters import Refusal, Requirements, find_refusal
from homeport.services.ecs.placement.instance import Instance
from homeport.services.ecs.placement.strategies import DEFAULT, Choice, Strategy, choose


@dataclass(frozen=True, slots=True)
class Placement:
    """
    Where each task goes, and why no more of them could be placed.

    The tasks are alike, so what keeps one from an instance keeps all that remain: one refusal for each
    instance speaks for every task that is not placed.  There are none when all are.
    """

    placed: tuple[str, ...]  # the ARN of an instance for each task
    unplaced: int
    refusals: tuple[Refusal, ...]


def plan_placement(
    requirements: Requirements,
    instances: Sequence[Instance],
    strategies: Sequence[Strategy],
    count: int,
    random: Random,
) -> Placement:
    """Give as many of *count* equal tasks an instance as there is room for; *random* alone brings chance into it."""
    # By ARN, so that the same cluster and the same random source always give the same plan.
    current = {instance.arn: instance for instance in sorted(instances, key=lambda instance: instance.arn)}
    refusals = {arn: find_refusal(requirements, instance) for arn, instance in current.items()}
    placed: list[str] = []
    while len(placed) < count:
        fitting = [instance for arn, instance in current.items() if refusals[arn] is None]
        if not fitting:
            break
        choice = Choice(fitting, list(current.values()), requirements.group, random)
        chosen = choose(choice, strategies or DEFAULT).with_task(requirements.demand, requirements.group)
        placed.append(chosen.arn)
        # Filters look at one instance at a time, so only this one can have changed its answer.
        current[chosen.arn] = chosen
        refusals[chosen.arn] = find_refusal(requirements, chosen)
    unplaced = count - len(placed)
    why = tuple(refusal for refusal in refusals.values() if refusal is not None) if unplaced else ()
    return Placement(tuple(placed), unplaced, why)
