"""Step scaling: how far off the threshold a metric is decides the adjustment."""

import math

from homeport.services.applicationautoscaling.model import AdjustmentType, Step, StepScaling


def find_step(configuration: StepScaling, difference: float) -> Step | None:
    """
    Return the step that *difference*, the metric less the alarm's threshold, falls into.

    Above the threshold a step includes its lower bound, below it the upper one, as AWS has it.
    """
    for step in configuration.steps:
        lower = -math.inf if step.lower is None else step.lower
        upper = math.inf if step.upper is None else step.upper
        inside = lower <= difference < upper if difference >= 0 else lower < difference <= upper
        if inside or (difference == 0 and upper == 0):
            return step
    return None


def adjusted(configuration: StepScaling, step: Step, capacity: int) -> int:
    """Return the capacity that *step* makes of *capacity*, before the target's bounds."""
    match configuration.adjustment_type:
        case AdjustmentType.EXACT:
            return step.adjustment
        case AdjustmentType.CHANGE:
            return capacity + step.adjustment
        case AdjustmentType.PERCENT:
            return capacity + _percent_of(capacity, step.adjustment, configuration.least or 0)


def _percent_of(capacity: int, percent: int, least: int) -> int:
    """Return the change: less than one task counts as one, the rest is rounded towards zero; *least* at least."""
    if percent == 0:
        return 0
    exact = capacity * percent / 100
    size = max(1, least, math.floor(abs(exact)))
    return size if percent > 0 else -size
