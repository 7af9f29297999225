"""How cost grows: with the tools of a set, the requests at once, what is remembered, and time."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import date

from starlette.types import ASGIApp

from vapitools import Settings, SharedSecret, Toolset, router, tool
from vapitools.ledger import Answer, MemoryLedger
from vapitools.messages import ToolCallResult
from vapitools.toolset import AnyTool

from . import bodies
from .exchange import Exchange
from .measure import fastest_loop, interleaved, per_call
from .proof import check
from .report import Row, ratio_goal
from .restaurant import RESULT, SECRET, TOOL, book_table

_TOOLS = (1, 100, 1000)
_AT_ONCE = (1, 16, 64, 256)
_REMEMBERED = (1, 100_000)
_TIMES = 40

# An hour in which a request comes every tenth of a second.
_HOUR, _EVERY = 3600, 0.1
_ALLOWED_GROWTH = 1.02

_NUMBERS = itertools.count(1)


def rows(rounds: int) -> list[Row]:
    """All of it; the first of each list is what the others are held against."""
    loop = fastest_loop()()
    found = [
        *_tool_rows(rounds, loop),
        *_start_rows(max(1, rounds // 5)),
        *_concurrency_rows(rounds, loop),
        *_ledger_rows(rounds, loop),
        *_hour_rows(loop),
    ]
    loop.close()
    return found


def _tool_rows(rounds: int, loop: asyncio.AbstractEventLoop) -> list[Row]:
    apps = {f"{count} tools": _app(Toolset(_tools(count))) for count in _TOOLS}
    batches = {name: _requests(app, loop) for name, app in apps.items()}
    return _rows("One request, 2 KB, by the tools of the set", interleaved(batches, rounds), "µs")


def _start_rows(rounds: int) -> list[Row]:
    def start(count: int) -> Callable[[], object]:
        return lambda: router(Toolset(_tools(count)), auth=SharedSecret(SECRET))

    batches = {f"{count} tools": per_call(start(count), 1) for count in _TOOLS}
    section = "Deriving the tools and making the router"
    return _rows(section, interleaved(batches, rounds), "ms")


def _concurrency_rows(rounds: int, loop: asyncio.AbstractEventLoop) -> list[Row]:
    @tool(name=TOOL)
    async def waiting(day: date, party_size: int, name: str) -> str:
        await asyncio.sleep(0)
        return await book_table(day, party_size, name)

    app = _app(Toolset([waiting]))

    def batch(count: int) -> Callable[[], float]:
        async def run() -> float:
            numbers = [next(_NUMBERS) for _ in range(count)]
            exchanges = [_exchange(number) for number in numbers]
            began = time.perf_counter()
            await asyncio.gather(*(exchange.run(app) for exchange in exchanges))
            seconds = time.perf_counter() - began
            for exchange, number in zip(exchanges, numbers, strict=True):
                check("vapitools", exchange, number)
            return seconds / count

        return lambda: loop.run_until_complete(run())

    batches = {f"{count} at once": batch(count) for count in _AT_ONCE}
    section = "One request, 2 KB, of several at once, with a tool that waits"
    return _rows(section, interleaved(batches, rounds), "µs")


def _ledger_rows(rounds: int, loop: asyncio.AbstractEventLoop) -> list[Row]:
    batches: dict[str, Callable[[], float]] = {}
    for count in _REMEMBERED:
        ledger = MemoryLedger(size=count)
        loop.run_until_complete(_fill(ledger, count))
        app = router(Toolset([tool(book_table)]), auth=SharedSecret(SECRET), ledger=ledger)
        batches[f"{count} answers remembered"] = _requests(app, loop)
    return _rows("One request, 2 KB, by the answers kept", interleaved(batches, rounds), "µs")


async def _fill(ledger: MemoryLedger, count: int) -> None:
    def given() -> Answer:
        answer = Answer()
        answer.give(ToolCallResult(TOOL, "call", result=RESULT))
        return answer

    for number in range(count):
        await ledger.once(("another call", str(number)), given)


def _hour_rows(loop: asyncio.AbstractEventLoop) -> list[Row]:
    """What is held after half an hour and after an hour; the clock of the ledger is ours."""
    now = 0.0
    settings = Settings()
    ledger = MemoryLedger(settings.ledger_calls, settings.ledger_seconds, clock=lambda: now)
    app = router(Toolset([tool(book_table)]), auth=SharedSecret(SECRET), ledger=ledger)

    async def half_an_hour() -> None:
        nonlocal now
        for _ in range(round(_HOUR / _EVERY) // 2):
            now += _EVERY
            await _exchange(next(_NUMBERS)).run(app)

    held: list[tuple[float, int]] = []
    tracemalloc.start()
    for _ in range(2):
        loop.run_until_complete(half_an_hour())
        gc.collect()
        held.append((tracemalloc.get_traced_memory()[0], sys.getallocatedblocks()))
    tracemalloc.stop()
    section = f"Memory held, with {1 / _EVERY:g} requests a second"
    (half, half_blocks), (whole, whole_blocks) = held
    ratios = {"half an hour": max(whole / half, whole_blocks / half_blocks)}
    goal = ratio_goal(ratios, "half an hour", _ALLOWED_GROWTH)
    return [
        Row(section, "after half an hour", half, "kB", {"half an hour": 1.0}),
        Row(section, "after an hour", whole, "kB", ratios, [goal]),
    ]


def _tools(count: int) -> list[AnyTool]:
    others = [tool(name=f"{TOOL}_{number}")(book_table) for number in range(count - 1)]
    return [*others, tool(book_table)]


def _app(tools: Toolset) -> ASGIApp:
    return router(tools, auth=SharedSecret(SECRET))


def _exchange(number: int) -> Exchange:
    return Exchange(bodies.renumbered(bodies.build(2), number))


def _requests(app: ASGIApp, loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    async def run() -> float:
        numbers = [next(_NUMBERS) for _ in range(_TIMES)]
        exchanges = [_exchange(number) for number in numbers]
        began = time.perf_counter()
        for exchange in exchanges:
            await exchange.run(app)
        seconds = time.perf_counter() - began
        for exchange, number in zip(exchanges, numbers, strict=True):
            check("vapitools", exchange, number)
        return seconds / _TIMES

    return lambda: loop.run_until_complete(run())


def _rows(section: str, times: dict[str, float], unit: str) -> list[Row]:
    first = next(iter(times))
    return [
        Row(section, name, seconds, unit, {first: seconds / times[first]})
        for name, seconds in times.items()
    ]
