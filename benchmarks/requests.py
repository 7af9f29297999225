"""One request in process, no socket: body in, answer out."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from . import bodies, contestants, proof
from .contestants import BARE, FASTAPI, FASTMCP, FLASK, FLOOR, JSON, MSGSPEC, OURS, MissingError
from .exchange import Exchange
from .lifespan import Lifespan
from .measure import event_loops, interleaved
from .report import Goal, Row, missing_row, ratio_goal
from .restaurant import SECRET

_PROVEN = (FLOOR, MSGSPEC, JSON, FASTAPI, FLASK, OURS)
_NO_CALL_ID, _REPEAT = "vapitools, no call id", "vapitools, a repeat"

_REQUESTS = {2: 120, 20: 80, 100: 30}
_FEW = 8
# Whoever ran before has left the processor's caches full of something else.
_WARM = 3
_SLOW = (FASTAPI, FLASK, FASTMCP)
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class _Entry:
    """An app, and which of the three kinds of body it gets."""

    module: Any
    app: ASGIApp
    kind: str = "fresh"
    is_slow: bool = False

    def exchange(self, body: bytes) -> Exchange:
        make = getattr(self.module, "exchange", Exchange)
        made: Exchange = make(body)
        return made

    def check(self, name: str, exchange: Exchange, number: int) -> None:
        getattr(self.module, "check", proof.check)(name, exchange, number)


def rows(rounds: int, sizes: Sequence[int] = bodies.SIZES) -> list[Row]:
    """Every body size on every event loop."""
    found: list[Row] = []
    for loop_name, new_loop in event_loops().items():
        loop = new_loop()
        asyncio.set_event_loop(loop)
        missing = _prove(loop)
        proof.prove_repeats(loop)
        for size in sizes:
            section = f"One request, {size} KB, {loop_name}"
            found += _rows(section, size, _times(size, rounds, loop))
            found += [missing_row(section, name, "µs", why) for name, why in missing.items()]
        loop.close()
    return found


def _prove(loop: asyncio.AbstractEventLoop) -> dict[str, MissingError]:
    """See that each answers right; who cannot be had, and why."""
    missing: dict[str, MissingError] = {}
    for name in contestants.MODULES:
        try:
            module = contestants.load(name)
        except MissingError as error:
            missing[name] = error
            continue
        if name in _PROVEN:
            proof.prove(name, module.make, loop)
    return missing


def _times(size: int, rounds: int, loop: asyncio.AbstractEventLoop) -> dict[str, float]:
    entries = _entries()
    opened = [Lifespan(entry.app) for name, entry in entries.items() if name == FASTMCP]
    for lifespan in opened:
        loop.run_until_complete(lifespan.start())

    def batch(name: str, entry: _Entry) -> Callable[[], float]:
        return lambda: loop.run_until_complete(_batch(name, entry, size))

    times = interleaved({name: batch(name, entry) for name, entry in entries.items()}, rounds)
    for lifespan in opened:
        loop.run_until_complete(lifespan.stop())
    return times


def _entries() -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    for name in contestants.MODULES:
        try:
            module = contestants.load(name)
        except MissingError:
            continue
        entries[name] = _Entry(module, module.make(SECRET), is_slow=name in _SLOW)
    ours = contestants.load(OURS)
    entries[_NO_CALL_ID] = _Entry(ours, ours.make(SECRET), "no call id")
    entries[_REPEAT] = _Entry(ours, ours.make(SECRET), "repeat")
    return entries


async def _batch(name: str, entry: _Entry, size: int) -> float:
    """Seconds for each of many requests, every answer checked."""
    body = bodies.build(size, with_call_id=entry.kind != "no call id")
    times = min(_FEW, _REQUESTS.get(size, _FEW)) if entry.is_slow else _REQUESTS.get(size, _FEW)
    numbers = [0 if entry.kind == "repeat" else next(_NUMBERS) for _ in range(times + _WARM)]
    exchanges = [entry.exchange(bodies.renumbered(body, number)) for number in numbers]
    for exchange in exchanges[:_WARM]:
        await exchange.run(entry.app)
    began = time.perf_counter()
    for exchange in exchanges[_WARM:]:
        await exchange.run(entry.app)
    # What an app leaves to the event loop is a part of what it costs.
    await asyncio.sleep(0)
    seconds = time.perf_counter() - began
    if name != BARE:
        for exchange, number in zip(exchanges, numbers, strict=True):
            entry.check(name, exchange, number)
    return seconds / times


def _rows(section: str, size: int, times: Mapping[str, float]) -> list[Row]:
    found: list[Row] = []
    for name, seconds in times.items():
        ratios = {FLOOR: seconds / times[FLOOR], JSON: seconds / times[JSON]}
        goals = _goals(size, ratios) if name == OURS else []
        found.append(Row(section, name, seconds, "µs", ratios, goals))
    return found


def _goals(size: int, ratios: Mapping[str, float]) -> list[Goal]:
    if size == 20:
        return [ratio_goal(ratios, FLOOR, 2.5), ratio_goal(ratios, JSON, 0.35)]
    return [ratio_goal(ratios, FLOOR, 1.8)] if size == 100 else []
