"""
Keep older datapoints at coarser resolutions, as AWS does, and drop the oldest; forget what alarms went through.

Work is done in slices, one transaction each, so that requests never wait behind it.
"""

from homeport.db.database import Database
from homeport.kit.clock import Clock
from homeport.services.cloudwatch.model import DAY, HOUR, RETENTION
from homeport.services.cloudwatch.store import alarms, datapoints, metrics

# Rows merged or removed in one transaction: a few milliseconds of work.
_SLICE = 300

#: For how many days an alarm's history is kept, as AWS says of DescribeAlarmHistory.
HISTORY_DAYS = 30


async def expire(database: Database, clock: Clock) -> None:
    """Run one pass to its end."""
    now = clock.now()
    for resolution in RETENTION:
        more = True
        while more:
            async with database.transaction() as tx:
                more = await datapoints.coarsen(tx, resolution, now, _SLICE)
    more = True
    while more:
        async with database.transaction() as tx:
            more = await metrics.forget(tx, int(now - RETENTION[HOUR][0]), _SLICE)
    more = True
    while more:
        async with database.transaction() as tx:
            more = await alarms.forget_history(tx, now - HISTORY_DAYS * DAY, _SLICE)
