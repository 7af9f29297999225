"""Threads for blocking `def` tools, on a limiter of our own."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


_IDLE_SECONDS = 10.0


class Threads:
    """Runs blocking functions, each in a thread, at most `size` at once; the rest wait in line.

    The threads are daemons: one that a tool never gives back must not keep the process from
    ending, as those of `ThreadPoolExecutor` do.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._pending = 0

    async def run(self, function: Callable[[], Any]) -> Any:
        """Call the function in a thread, with the context variables of the caller.

        Cancelled while it waits in line, the function is never called; cancelled while it runs,
        it runs on, and nobody sees what it returns.

        Raises:
            BaseException: Whatever the function raises, `SystemExit` and its like included.
        """
        context = contextvars.copy_context()
        future: Future[_Outcome] = Future()
        self._submit(_Job(future, lambda: context.run(function)))
        outcome = await asyncio.wrap_future(future)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def _submit(self, job: _Job) -> None:
        with self._lock:
            self._jobs.put(job)
            self._pending += 1
            if self._started < min(self._pending, self._size):
                self._started += 1
                threading.Thread(target=self._work, name="vapitools", daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            with self._lock:
                self._pending -= 1

    def _next(self) -> _Job | None:
        try:
            return self._jobs.get(timeout=_IDLE_SECONDS)
        except queue.Empty:
            pass
        with self._lock:
            # A job may have come between the two.
            if not self._jobs.empty():
                return self._jobs.get_nowait()
            self._started -= 1
            return None


class _Outcome:
    """What came of a call. A future would not carry a `StopIteration` or a `SystemExit`."""

    def __init__(self, value: Any, error: BaseException | None) -> None:
        self.value = value
        self.error = error


class _Job:
    def __init__(self, future: Future[_Outcome], function: Callable[[], Any]) -> None:
        self._future = future
        self._function = function

    def run(self) -> None:
        if self._future.set_running_or_notify_cancel():
            self._future.set_result(_call(self._function))


def _call(function: Callable[[], Any]) -> _Outcome:
    try:
        return _Outcome(function(), None)
    # Whatever a tool raises belongs to its caller; a thread has nobody else to tell.
    except BaseException as error:
        return _Outcome(None, error)


shared = Threads(64)
"""For tools that are run without a server."""
