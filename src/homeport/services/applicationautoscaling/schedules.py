"""
When scheduled actions run: `at(...)`, `rate(...)` and `cron(...)`, in a time zone.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class BadSchedule(Exception):
    """An expression that means no time; the text says why."""


class Expression(Protocol):
    """A schedule."""

    def next_after(self, moment: float) -> float | None:
        """Return the first time after *moment*, in seconds since the epoch; None if there is none left."""


_FORM = re.compile(r"(at|rate|cron)\(\s*(.*?)\s*\)", re.ASCII)
_RATE = re.compile(r"(\d{1,6}) (minute|minutes|hour|hours|day|days)", re.ASCII)
_UNITS = {"minute": 60, "hour": 3_600, "day": 86_400}
_MONTHS = {
    name: n
    for n, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
_DAYS = {name: n for n, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], 1)}
_YEARS = (1970, 2199)


def find_zone(name: str) -> tzinfo:
    """Return the time zone of that IANA name; UTC for an empty one, which needs no data on the machine."""
    try:
        return ZoneInfo(name) if name not in ("", "UTC") else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadSchedule(f"there is no time zone {name}") from None


def parse_schedule(text: str, time_zone: str, start: float) -> Expression:
    """Return the schedule that *text* means; a rate counts from *start*."""
    zone = find_zone(time_zone)
    found = _FORM.fullmatch(text)
    if found is None:
        raise BadSchedule("it is neither at(...), rate(...) nor cron(...)")
    match found[1]:
        case "at":
            return At(_moment(found[2], zone))
        case "rate":
            return _rate(found[2], start)
        case _:
            return _cron(found[2], zone)


def _moment(text: str, zone: tzinfo) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).timestamp()
    except ValueError:
        raise BadSchedule("at(...) needs a time such as 2026-11-26T14:00:00") from None


def _rate(text: str, start: float) -> "Rate":
    found = _RATE.fullmatch(text)
    if found is None or (value := int(found[1])) < 1 or (value == 1) == found[2].endswith("s"):
        raise BadSchedule("rate(...) needs a positive number and minute(s), hour(s) or day(s)")
    return Rate(start, value * _UNITS[found[2].rstrip("s")])


@dataclass(frozen=True, slots=True)
class At:
    """Once."""

    when: float

    def next_after(self, moment: float) -> float | None:
        return self.when if self.when > moment else None


@dataclass(frozen=True, slots=True)
class Rate:
    """Every *seconds*, the first time *seconds* after *start*."""

    start: float
    seconds: int

    def next_after(self, moment: float) -> float | None:
        turns = max(1, int((moment - self.start) // self.seconds) + 1)
        return self.start + turns * self.seconds


Days = Callable[[int, int], set[int]]  # year, month -> the days of that month


@dataclass(frozen=True, slots=True)
class Cron:
    """At each of these minutes and hours of each of these days, by the clock of *zone*."""

    minutes: Sequence[int]
    hours: Sequence[int]
    days: Days
    months: frozenset[int]
    years: frozenset[int]
    zone: tzinfo

    def next_after(self, moment: float) -> float | None:
        # A day earlier than local midnight: where clocks are set back, the day before has times that are still to come.
        first = datetime.fromtimestamp(moment, self.zone).date() - timedelta(days=1)
        for day in self._dates(first):
            later = [time for time in self._times(day) if time > moment]
            if later:
                return min(later)
        return None

    def _dates(self, first: date) -> Iterator[date]:
        for year in sorted(year for year in self.years if year >= first.year):
            for month in sorted(self.months):
                if (year, month) < (first.year, first.month):
                    continue
                for number in sorted(self.days(year, month)):
                    if (day := date(year, month, number)) >= first:
                        yield day

    def _times(self, day: date) -> Iterator[float]:
        """Yield the moments of *day*.  An hour that clocks leave out counts as the one behind it; one that they repeat counts once."""
        for hour in self.hours:
            for minute in self.minutes:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                yield local.astimezone(UTC).timestamp()


def _cron(text: str, zone: tzinfo) -> Cron:
    fields = text.upper().split()
    if len(fields) != 6:
        raise BadSchedule("cron(...) needs six fields: minutes, hours, day of month, month, day of week, year")
    minutes, hours, of_month, months, of_week, years = fields
    if (of_month == "?") == (of_week == "?"):
        raise BadSchedule("either the day of the month or the day of the week must be ?, and not both")
    cron = Cron(
        minutes=sorted(_numbers(minutes, 0, 59)),
        hours=sorted(_numbers(hours, 0, 23)),
        days=_days_of_month(of_month) if of_week == "?" else _days_of_week(of_week),
        months=frozenset(_numbers(months, 1, 12, _MONTHS)),
        years=frozenset(_numbers(years, *_YEARS)),
        zone=zone,
    )
    if not any(cron.days(year, month) for year in (2024, 2025) for month in cron.months):  # a leap year, and none
        raise BadSchedule("there is no such day")
    return cron


def _numbers(text: str, low: int, high: int, names: Mapping[str, int] | None = None) -> set[int]:
    """Return the numbers that a field means: `*`, `5`, `1-5`, `*/15`, `3/10`, and lists of those."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        begin = low if first == "*" else _number(first, names)
        end = _number(last, names) if dash else (high if first == "*" or slash else begin)
        stride = _number(step, None) if slash else 1
        if not (low <= begin <= end <= high and stride >= 1) or (first == "*" and dash):
            raise BadSchedule(f"the field {text} does not lie between {low} and {high}")
        found.update(range(begin, end + 1, stride))
    return found


def _number(text: str, names: Mapping[str, int] | None) -> int:
    if names is not None and text in names:
        return names[text]
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise BadSchedule(f"{text!r} is no number")
    return int(text)


def _length(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _days_of_month(text: str) -> Days:
    if text == "L":
        return lambda year, month: {_length(year, month)}
    if text.endswith("W"):
        wanted = _number(text[:-1], None)
        if not 1 <= wanted <= 31:
            raise BadSchedule(f"there is no day {wanted}")
        return lambda year, month: _nearest_weekday(year, month, wanted)
    numbers = _numbers(text, 1, 31)
    return lambda year, month: {day for day in numbers if day <= _length(year, month)}


def _nearest_weekday(year: int, month: int, wanted: int) -> set[int]:
    """Return the day from Monday to Friday that is nearest to *wanted*, in the same month."""
    if wanted > _length(year, month):
        return set()
    for offset in (0, -1, 1, -2, 2):
        day = wanted + offset
        if 1 <= day <= _length(year, month) and date(year, month, day).weekday() < 5:
            return {day}
    return set()


def _days_of_week(text: str) -> Days:
    """Return the days that a field of weekdays means; Sunday is 1."""
    if text.endswith("L") and len(text) > 1:
        weekday = _weekday(text[:-1])
        return lambda year, month: {max(_days_on(year, month, {weekday}))}
    if "#" in text:
        name, _, ordinal = text.partition("#")
        weekday, place = _weekday(name), _number(ordinal, None)
        if not 1 <= place <= 5:
            raise BadSchedule(f"a month has no {place} weeks")
        return lambda year, month: set(sorted(_days_on(year, month, {weekday}))[place - 1 : place])
    weekdays = {7} if text == "L" else _numbers(text, 1, 7, _DAYS)
    return lambda year, month: _days_on(year, month, weekdays)


def _weekday(text: str) -> int:
    number = _number(text, _DAYS)
    if not 1 <= number <= 7:
        raise BadSchedule(f"there is no weekday {text}")
    return number


def _days_on(year: int, month: int, weekdays: set[int]) -> set[int]:
    days = range(1, _length(year, month) + 1)
    return {day for day in days if date(year, month, day).isoweekday() % 7 + 1 in weekdays}
