"""Each call runs once, however often Vapi delivers it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from .messages import ToolCallResult

Key = tuple[str, str]
"""The call's id and the tool call's id."""


class Ledger(Protocol):
    """Remembers answers. One of your own can share them between servers."""

    async def once(
        self, key: Key, start: Callable[[], asyncio.Future[ToolCallResult]]
    ) -> ToolCallResult:
        """The answer of this call: from an earlier run, from one that goes on, or from `start()`.

        Args:
            key: Two deliveries with one key are the same call.
            start: Begins the run. Its future always gets an answer, never an exception. It must
                not be cancelled: a repeat may be waiting for it.
        """
        ...


@dataclass
class _Entry:
    future: asyncio.Future[ToolCallResult]
    born: float


class MemoryLedger:
    """Keeps the answers in this process, up to a number and an age.

    Args:
        size: How many calls are kept; the oldest goes first.
        seconds: How long an answer is kept. Vapi's own retries end within minutes.
    """

    def __init__(self, size: int = 10_000, seconds: float = 900) -> None:
        self._size = size
        self._seconds = seconds
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()

    async def once(
        self, key: Key, start: Callable[[], asyncio.Future[ToolCallResult]]
    ) -> ToolCallResult:
        """See `Ledger.once`."""
        now = time.monotonic()
        self._forget(now)
        entry = self._entries.get(key)
        if entry is None or _is_lost(entry.future):
            entry = self._entries[key] = _Entry(start(), now)
        if entry.future.done():
            return entry.future.result()
        # Shielded: a delivery that is given up must not end the run that its repeat will join.
        return await asyncio.shield(entry.future)

    def _forget(self, now: float) -> None:
        while self._entries:
            key, oldest = next(iter(self._entries.items()))
            fresh = now - oldest.born < self._seconds and len(self._entries) < self._size
            if fresh or not (oldest.future.done() or _is_lost(oldest.future)):
                return
            del self._entries[key]

    def __len__(self) -> int:
        return len(self._entries)


def _is_lost(future: asyncio.Future[ToolCallResult]) -> bool:
    """Left behind unanswered by an event loop that is gone."""
    return not future.done() and future.get_loop() is not asyncio.get_running_loop()
