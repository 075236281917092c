"""
Let time pass faster in every Python program that is started with this folder on its PYTHONPATH.

The clock goes HURRY times as fast as the machine's from the moment HURRY_SINCE on, the same in all programs, and what
sleeps until a time of that clock wakes when it has come.  Timeouts stay what they are: the machine gets no faster.
"""

import asyncio
import os
import time
from typing import TypeVar, overload

T = TypeVar("T")
_machine, _sleep = time.time, asyncio.sleep
_SPEED, _SINCE = float(os.environ["HURRY"]), float(os.environ["HURRY_SINCE"])


def _now() -> float:
    return _SINCE + (_machine() - _SINCE) * _SPEED


@overload
async def _sleep_less(delay: float) -> None: ...
@overload
async def _sleep_less(delay: float, result: T) -> T: ...
async def _sleep_less(delay: float, result: object = None) -> object:
    return await _sleep(delay / _SPEED, result)


time.time = _now
asyncio.sleep = _sleep_less
