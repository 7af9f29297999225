"""Runs what is asynchronous, so that Ctrl-C ends it in order."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end.

    Raises:
        KeyboardInterrupt: Ctrl-C came; by then all that it held open is closed.
    """
    # Before 3.11, Ctrl-C is raised amid whatever the event loop does, and tears it apart.
    orderly = work if sys.version_info >= (3, 11) else _cancelled_by_interrupt(work)
    try:
        return asyncio.run(orderly)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _cancelled_by_interrupt(work: Coroutine[Any, Any, T]) -> T:
    task: Any = asyncio.current_task()
    with suppress(NotImplementedError):  # on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    return await work
