"""Threads for blocking `def` tools, on a limiter of our own."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

logger = logging.getLogger("vapitools")

_IDLE_SECONDS = 10.0


class Threads:
    """Runs blocking functions, each in a thread, at most `size` at once; the rest wait in line.

    The threads are daemons: one that a tool never gives back must not keep the process from
    ending, as those of `ThreadPoolExecutor` do.

    Args:
        size: How many functions run at once.
        idle_seconds: How long a thread without work is kept.
    """

    def __init__(self, size: int, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._size = size
        self._idle_seconds = idle_seconds
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._pending = 0

    async def run(self, function: Callable[[], Any]) -> Any:
        """Call the function in a thread, with the context variables of the caller.

        Cancelled while it waits in line, the function is never called; cancelled while it runs,
        it runs on, nobody sees what it returns, and the log notes that it ended.

        Raises:
            BaseException: Whatever the function raises, `SystemExit` and its like included.
        """
        job = _Job(function)
        self._submit(job)
        try:
            outcome = await asyncio.wrap_future(job.future)
        except asyncio.CancelledError:
            job.is_abandoned = True
            raise
        # Neither this frame nor the job may keep an error whose traceback leads to both.
        error, outcome.error = outcome.error, None
        try:
            if error is not None:
                raise error
        finally:
            del error
        return outcome.value

    def _submit(self, job: _Job) -> None:
        with self._lock:
            self._jobs.put(job)
            self._pending += 1
            if self._started < min(self._pending, self._size):
                self._start_thread(job)

    def _start_thread(self, job: _Job) -> None:
        try:
            threading.Thread(target=self._work, name="vapitools", daemon=True).start()
        except RuntimeError:  # the system has no thread to give
            if not self._started:
                job.future.cancel()  # nobody is there to take it
                raise
        else:
            self._started += 1

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            del job  # an idle thread keeps nobody's arguments
            with self._lock:
                self._pending -= 1

    def _next(self) -> _Job | None:
        while True:
            try:
                return self._jobs.get(timeout=self._idle_seconds)
            except queue.Empty:
                with self._lock:
                    # As many jobs as threads: one of them is in line for this thread.
                    if self._started > self._pending:
                        self._started -= 1
                        return None


class _Outcome:
    """What came of a call. A future would not carry a `StopIteration` or a `SystemExit`."""

    def __init__(self, value: Any, error: BaseException | None) -> None:
        self.value = value
        self.error = error


class _Job:
    def __init__(self, function: Callable[[], Any]) -> None:
        self.future: Future[_Outcome] = Future()
        self.is_abandoned = False
        self._function = function
        self._context = contextvars.copy_context()

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        self.future.set_result(self._outcome())
        if self.is_abandoned:
            logger.info("%s ended when nobody waited for it any more", _name(self._function))

    def _outcome(self) -> _Outcome:
        try:
            return _Outcome(self._context.run(self._function), None)
        # Whatever a tool raises belongs to its caller; a thread has nobody else to tell.
        except BaseException as error:
            return _Outcome(None, error)


def _name(function: Callable[[], Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__qualname__", type(function).__qualname__))


shared = Threads(64)
"""For tools that are run without a server."""
