"""
Evaluate alarms when their time has come: every minute, those of shorter periods every ten seconds.

Actions are not taken here: whoever carries one out looks for the alarms that call for it, and is woken when the state
of one has changed.
"""

from collections.abc import Callable, Sequence

from homeport.db.database import Database, Tx
from homeport.kit.clock import Clock
from homeport.services.cloudwatch.alarms.evaluation import judge, reason_data
from homeport.services.cloudwatch.alarms.model import AlarmRecord
from homeport.services.cloudwatch.model import MINUTE
from homeport.services.cloudwatch.store import alarms
from homeport.services.cloudwatch.watching import watched

NAME = "cloudwatch.alarms"

# Alarms evaluated in one transaction: a few milliseconds of work.
_SLICE = 25

#: Seconds after the end of a minute before it is looked at: what is published every minute has come by then.
GRACE = 5


class Alarms:
    """The evaluation of all alarms; *changed* are whom to wake when an alarm has another state."""

    def __init__(
        self, database: Database, clock: Clock, wake: Callable[[str], None], changed: Sequence[str] = ()
    ) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._changed = changed

    async def pass_(self) -> None:
        """Evaluate every alarm that is due."""
        now = self._clock.now()
        changed = False
        while True:
            async with self._database.snapshot() as tx:
                if not await alarms.due(tx, now, 1):
                    break
            async with self._database.transaction() as tx:
                for record in await alarms.due(tx, now, _SLICE):
                    changed |= await evaluate(tx, record, now)
        if changed:
            for name in self._changed:
                self._wake(name)


async def evaluate(tx: Tx, record: AlarmRecord, now: float) -> bool:
    """Bring the alarm into the state that follows from its metrics; True if it is another than before."""
    alarm = record.alarm
    grain = min(alarm.period, MINUTE)
    step = MINUTE if grain == MINUTE else 10
    await alarms.postpone(tx, record, now // step * step + step + (GRACE if step == MINUTE else 0))
    end = int(now // grain * grain)
    verdict = judge(alarm, await watched(tx, record, end))
    if verdict is None or verdict.state is record.state:
        return False
    await alarms.set_state(tx, record, verdict.state, verdict.reason, reason_data(alarm, verdict, now), now)
    return True
