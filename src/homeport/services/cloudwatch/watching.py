"""What an alarm looks at."""

import logging

from homeport.aws.errors import AwsError
from homeport.db.database import Tx
from homeport.services.cloudwatch.alarms.evaluation import EXTRA_PERIODS, Point
from homeport.services.cloudwatch.alarms.model import AlarmRecord
from homeport.services.cloudwatch.queries import Span, compute, read_series

log = logging.getLogger(__name__)


async def watched(tx: Tx, record: AlarmRecord, end: int) -> list[Point]:
    """Return the periods of the alarm's evaluation range up to *end*, in seconds since the epoch, oldest first."""
    alarm = record.alarm
    queries = alarm.parsed_queries
    stats = {query.id: query.stat for query in queries if query.stat is not None}
    start = end - alarm.period * (alarm.periods + EXTRA_PERIODS)
    spans = {stat.period: Span(start, end) for stat in stats.values()}
    metrics = {name: await read_series(tx, record.region, stat, spans[stat.period]) for name, stat in stats.items()}
    (shown,) = (query for query in queries if query.returned)
    try:
        found = compute(queries, metrics, spans)[shown.id]
    except AwsError as problem:  # an expression that comes to nothing with these datapoints
        log.warning("the alarm %s cannot be evaluated: %s", alarm.name, problem)
        found = []
    series = found[0] if len(found) == 1 else {}
    return [Point(moment, series.get(moment)) for moment in range(start, end, alarm.period)]
