"""Each call runs once, however often Vapi delivers it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol

from .messages import ToolCallResult

Key = tuple[str, str]
"""The call's id and the tool call's id."""


class Answer:
    """What a run is answered with, now or in time.

    Any number of deliveries can await it. One that is given up ends neither the run nor the
    wait of another, as it would with a plain future.

    Attributes:
        is_given: Whether there is an answer.
    """

    __slots__ = ("_keeper", "_key", "_loop", "_result", "_waiting", "is_given")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._result: ToolCallResult | None = None
        self._waiting: tuple[asyncio.Future[None], ...] = ()
        self._keeper: MemoryLedger | None = None
        self.is_given = False

    @property
    def is_lost(self) -> bool:
        """Whether there will be none: the event loop of the run is gone."""
        return not self.is_given and self._loop is not asyncio.get_running_loop()

    def give(self, result: ToolCallResult) -> None:
        """Answer; once only."""
        self._result = result
        self.is_given = True
        # Kept for long by a ledger, it must keep neither that nor what waited for it.
        waiting, self._waiting = self._waiting, ()
        keeper, self._keeper = self._keeper, None
        for future in waiting:
            # Nobody waits any more who was given up, or whose event loop has ended.
            if not future.done() and not self._loop.is_closed():
                future.set_result(None)
        if keeper is not None:
            keeper.keep(self._key, self)

    def keep_in(self, ledger: MemoryLedger, key: Key) -> None:
        """Tell the one ledger that keeps it as soon as it is given."""
        if self.is_given:
            ledger.keep(key, self)
        else:
            # No callback: of each call that waits, little is held.
            self._keeper, self._key = ledger, key

    def __await__(self) -> Generator[Any, None, ToolCallResult]:
        while self._result is None:
            future = self._loop.create_future()
            self._waiting = (*self._waiting, future)
            yield from future
        return self._result


class Ledger(Protocol):
    """Remembers answers. One of your own can share them between servers.

    When it fails, that is logged and the call is answered without it.
    """

    def once(self, key: Key, start: Callable[[], Answer]) -> Awaitable[ToolCallResult]:
        """The answer of this call: from an earlier run, from one that goes on, or from `start()`.

        It may be an `async def`, and has to keep to time limits of its own.

        Args:
            key: Two deliveries with one key are the same call.
            start: Begins the run. Its answer always comes.
        """
        ...


class MemoryLedger:
    """Keeps the answers in this process, up to a number and an age.

    Args:
        size: How many answers are kept; the oldest goes first.
        seconds: How long an answer is kept. Vapi's own retries end within minutes.
        clock: Tells the seconds.
    """

    def __init__(
        self,
        size: int = 10_000,
        seconds: float = 900,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size = size
        self._seconds = seconds
        self._clock = clock
        self._answers: dict[Key, Answer] = {}
        # Those that are given, the oldest first, and since when.
        self._kept: deque[tuple[float, Key]] = deque()

    def once(self, key: Key, start: Callable[[], Answer]) -> Answer:
        """See `Ledger.once`."""
        self._forget()
        answer = self._answers.get(key)
        if answer is None or answer.is_lost:
            answer = self._answers[key] = start()
            answer.keep_in(self, key)
        return answer

    def keep(self, key: Key, answer: Answer) -> None:
        """Keep an answer that was given just now."""
        if self._answers.get(key) is answer:
            self._kept.append((self._clock(), key))

    def _forget(self) -> None:
        """Forget the oldest answers: those past their age, and those there is no room for."""
        kept = self._kept
        while kept and (len(kept) > self._size or self._clock() - kept[0][0] >= self._seconds):
            del self._answers[kept.popleft()[1]]

    def __len__(self) -> int:
        return len(self._answers)
