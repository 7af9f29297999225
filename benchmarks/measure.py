"""Timing: contestants take turns, so that a slow moment of the machine hits all of them."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import TypeVar

T = TypeVar("T")

NewLoop = Callable[[], asyncio.AbstractEventLoop]


def event_loops() -> dict[str, NewLoop]:
    """Name → how to make one; uvloop first, which is what `uvicorn[standard]` runs on."""
    try:
        import uvloop
    except ImportError:  # it does not exist for Windows
        return {"asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


def fastest_loop() -> NewLoop:
    return next(iter(event_loops().values()))


def interleaved(batches: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of what each batch returns, over rounds in which each runs once.

    The order turns with each round, and nobody pays for the garbage of another.
    """
    found: dict[str, list[float]] = {name: [] for name in batches}
    names = list(batches)
    for name in names:
        batches[name]()  # warms up
    # What is there already is not looked at again.
    gc.collect()
    gc.freeze()
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            gc.collect()
            found[name].append(batches[name]())
    gc.unfreeze()
    return {name: median(times) for name, times in found.items()}


def per_call(function: Callable[[], object], times: int) -> Callable[[], float]:
    """A batch: seconds for each of many calls."""

    def batch() -> float:
        began = time.perf_counter()
        for _ in range(times):
            function()
        return (time.perf_counter() - began) / times

    return batch


def per_await(
    function: Callable[[], Awaitable[object]], times: int, loop: asyncio.AbstractEventLoop
) -> Callable[[], float]:
    """A batch: seconds for each of many awaited calls."""

    async def run() -> float:
        began = time.perf_counter()
        for _ in range(times):
            await function()
        return (time.perf_counter() - began) / times

    return lambda: loop.run_until_complete(run())
