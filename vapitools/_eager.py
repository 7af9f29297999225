"""Begins a coroutine at once: what waits for nothing takes no turn of the event loop."""

from __future__ import annotations

import asyncio
import sys
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from typing import Any

# https://docs.python.org/3/library/asyncio-future.html#asyncio.isfuture
_MARK = "_asyncio_future_blocking"


def begun(run: Coroutine[Any, Any, None], *, name: str | None = None) -> asyncio.Task[None]:
    """A task of its own for the coroutine, which has run as far as it could without waiting.

    Args:
        run: Raises nothing.
        name: What the task is called where tasks are listed.
    """
    loop = asyncio.get_running_loop()
    if sys.version_info >= (3, 12):
        return asyncio.Task(run, loop=loop, name=name, eager_start=True)
    steps = _steps(run)
    task = asyncio.Task(steps, loop=loop, name=name)
    # So that who asks for the task, as every time limit does, gets this one. Meant for such use:
    # https://docs.python.org/3/library/asyncio-extending.html#task-lifetime-support
    current = asyncio.current_task(loop)
    if current is not None:
        _leave_task(loop, current)
    _enter_task(loop, task)
    try:
        next(steps)
    finally:
        _leave_task(loop, task)
        if current is not None:
            _enter_task(loop, current)
    return task


def _steps(run: Coroutine[Any, Any, None]) -> Generator[Any, None, None]:
    """The coroutine, for a task that goes on with it after it has begun; in its own context."""
    context = copy_context()
    step: Callable[[Any], Any] = run.send
    value: Any = None
    is_begun = False
    try:
        while True:
            try:
                awaited = context.run(step, value)
            finally:
                value = None  # the traceback of an error leads here
            try:
                if not is_begun:
                    is_begun = True
                    yield from _handed_over(awaited)
                yield awaited
            except BaseException as error:
                step, value = run.throw, error
            else:
                step = run.send
    except StopIteration:
        if not is_begun:
            yield


def _handed_over(awaited: Any) -> Generator[None, None, None]:
    """Goes back to `begun`, until the task goes on and waits for what is awaited."""
    # A future is marked for the one task that takes it next, and others can await it too.
    is_marked = getattr(awaited, _MARK, False)
    if is_marked:
        setattr(awaited, _MARK, False)
    try:
        yield
    except asyncio.CancelledError as error:
        # The task did not know yet what it waits for, and could not cancel that.
        if not (is_marked and awaited.cancel(*error.args)):
            raise
    if is_marked:
        setattr(awaited, _MARK, True)
