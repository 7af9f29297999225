"""A time limit for work that stays in its task."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Awaitable, Generator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class TooLateError(Exception):
    """The work took longer than it may."""


def within(seconds: float, work: Awaitable[T]) -> Awaitable[T]:
    """Wait for the work; cut it off when the time is over.

    Before Python 3.12 `asyncio.wait_for` does the work in a task of its own. That costs as much
    as all the rest of a small request, and an async generator must not change its task.

    Raises:
        TooLateError: It was cut off.
    """
    return timed(work, _Alarm(seconds))


@types.coroutine
def timed(work: Awaitable[T], timer: AbstractContextManager[None]) -> Generator[Any, None, T]:
    """Do the work, within the timer as soon as the work has to wait.

    What waits for nothing needs none: the body of nearly every request is there already.
    """
    steps = work.__await__()
    try:
        awaited = next(steps)
    except StopIteration as end:
        value: T = end.value
        return value
    with timer:
        return (yield from _rest(steps, awaited))


def _rest(steps: Generator[Any, Any, T], awaited: Any) -> Generator[Any, None, T]:
    """What is left of work that has begun to wait."""
    while True:
        try:
            yield awaited
        except BaseException as error:
            step = partial(steps.throw, error)
        else:
            return (yield from steps)
        try:
            awaited = step()
        except StopIteration as end:
            value: T = end.value
            return value
        finally:
            del step  # the traceback of an error leads here


class _Alarm:
    """Cancels the task that has set it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._has_rung = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._task: Any = asyncio.current_task(loop)
        self._cancelled_before = _cancelling(self._task)
        self._timer = loop.call_later(self._seconds, self._ring)

    def _ring(self) -> None:
        self._has_rung = True
        self._task.cancel()

    def __exit__(self, type_: object, error: BaseException | None, traceback: object) -> None:
        self._timer.cancel()
        # Also of work that would not be cut off, what was done to the task is taken back.
        if self._has_rung and self._taken_back() and isinstance(error, asyncio.CancelledError):
            raise TooLateError from None

    def _taken_back(self) -> bool:
        """Whether nobody else has cancelled the task; what we did is taken back."""
        if sys.version_info >= (3, 11):
            self._task.uncancel()
        return _cancelling(self._task) <= self._cancelled_before


def _cancelling(task: Any) -> int:
    """How often the task was asked to end; Python 3.10 does not count that."""
    return task.cancelling() if sys.version_info >= (3, 11) else 0
