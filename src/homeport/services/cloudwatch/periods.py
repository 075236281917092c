"""Which periods may be asked for, and how datapoints fall into them."""

from collections.abc import Iterable, Mapping

from homeport.services.cloudwatch.distribution import Distribution, merge
from homeport.services.cloudwatch.model import DAY, HOUR, MINUTE, Datapoint

#: Periods below a minute that AWS has; all others are whole minutes.
SHORT_PERIODS = (1, 5, 10, 20, 30)


def is_period(period: int) -> bool:
    return period in SHORT_PERIODS or (period > 0 and period % MINUTE == 0)


def first_start(start: float, period: int, now: float) -> int:
    """
    Return where the first period begins: *start* rounded down as AWS does.

    To the period if it is below a minute; otherwise to the minute, and to five minutes or the hour where older
    datapoints are kept at that resolution only.
    """
    age = now - start
    if period < MINUTE:
        grain = period
    elif age < 15 * DAY:
        grain = MINUTE
    else:
        grain = 5 * MINUTE if age < 63 * DAY else HOUR
    return int(start // grain * grain)


def into_periods(
    points: Iterable[Datapoint], start: int, period: int, *, by_unit: bool
) -> Mapping[tuple[int, str], Distribution]:
    """
    Return the distribution per period and unit; the unit is empty when it makes no difference.

    Datapoints that are kept at a coarser resolution than *period* belong to no period.
    """
    parts: dict[tuple[int, str], list[Distribution]] = {}
    for point in points:
        if point.resolution <= period:
            begin = start + (point.timestamp - start) // period * period
            parts.setdefault((begin, point.unit if by_unit else ""), []).append(point.distribution)
    return {key: merge(found) for key, found in parts.items()}
