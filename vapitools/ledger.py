"""Each call runs once, however often Vapi delivers it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, NamedTuple, Protocol

from .messages import ToolCallResult

Key = tuple[str, str]
"""The call's id and the tool call's id."""


class Answer:
    """What a run is answered with, now or in time.

    Any number of deliveries can await it. One that is given up ends neither the run nor the
    wait of another, as it would with a plain future.
    """

    __slots__ = ("_callbacks", "_loop", "_result", "_waiting")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._result: ToolCallResult | None = None
        self._waiting: list[asyncio.Future[ToolCallResult]] = []
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_given(self) -> bool:
        """Whether there is an answer."""
        return self._result is not None

    @property
    def is_lost(self) -> bool:
        """Whether there will be none: the event loop of the run is gone."""
        return self._result is None and self._loop is not asyncio.get_running_loop()

    def give(self, result: ToolCallResult) -> None:
        """Answer; once only."""
        self._result = result
        # Kept for long by a ledger, it must not keep what waited for it.
        callbacks, self._callbacks = self._callbacks, []
        waiting, self._waiting = self._waiting, []
        for callback in callbacks:
            callback()
        if self._loop.is_closed():
            return  # nobody is left who waits
        for future in waiting:
            if not future.done():
                future.set_result(result)

    def when_given(self, callback: Callable[[], None]) -> None:
        """Call back as soon as there is an answer."""
        if self.is_given:
            callback()
        else:
            self._callbacks.append(callback)

    def __await__(self) -> Generator[Any, None, ToolCallResult]:
        if self._result is not None:
            return self._result
        future: asyncio.Future[ToolCallResult] = self._loop.create_future()
        self._waiting.append(future)
        return (yield from future)


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
        self._running: dict[Key, Answer] = {}
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    def once(self, key: Key, start: Callable[[], Answer]) -> Answer:
        """See `Ledger.once`."""
        self._forget()
        if (kept := self._kept.get(key)) is not None:
            return kept.answer
        answer = self._running.get(key)
        if answer is None or answer.is_lost:
            answer = self._running[key] = start()
            answer.when_given(partial(self._keep, key, answer))
        return answer

    def _keep(self, key: Key, answer: Answer) -> None:
        if self._running.get(key) is answer:
            del self._running[key]
            self._kept[key] = _Kept(answer, self._clock())

    def _forget(self) -> None:
        """Forget the oldest answers: those past their age, and those there is no room for."""
        while self._kept:
            key, oldest = next(iter(self._kept.items()))
            if len(self._kept) <= self._size and self._clock() - oldest.since < self._seconds:
                return
            del self._kept[key]

    def __len__(self) -> int:
        return len(self._running) + len(self._kept)


class _Kept(NamedTuple):
    answer: Answer
    since: float
