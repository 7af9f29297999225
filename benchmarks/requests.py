"""One request in process, no socket: body in, answer out."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp

from . import bodies, proof
from .contestants import bare, floor, ours, starlette_json, starlette_msgspec
from .exchange import Exchange
from .measure import event_loops, interleaved
from .report import Goal, Row, ratio_goal
from .restaurant import SECRET

FLOOR, JSON, OURS = "floor", "Starlette+json", "vapitools"
_BARE = "bare ASGI, reads the body only"
_NO_CALL_ID, _REPEAT = "vapitools, no call id", "vapitools, a repeat"

RIVALS: dict[str, Callable[[str], ASGIApp]] = {
    FLOOR: floor.make,
    "Starlette+msgspec": starlette_msgspec.make,
    JSON: starlette_json.make,
    OURS: ours.make,
}

_REQUESTS = {2: 120, 20: 80, 100: 30}
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class _Entry:
    """An app, and which of the three kinds of body it gets."""

    app: ASGIApp
    kind: str = "fresh"


def rows(rounds: int) -> list[Row]:
    """Every body size on every event loop."""
    found: list[Row] = []
    for loop_name, new_loop in event_loops().items():
        loop = new_loop()
        for name, make in RIVALS.items():
            proof.prove(name, make, loop)
        proof.prove_repeats(loop)
        for size in bodies.SIZES:
            found += _rows(size, loop_name, _times(size, rounds, loop))
        loop.close()
    return found


def _times(size: int, rounds: int, loop: asyncio.AbstractEventLoop) -> dict[str, float]:
    entries = {_BARE: _Entry(bare.make(SECRET))}
    entries |= {name: _Entry(make(SECRET)) for name, make in RIVALS.items()}
    entries[_NO_CALL_ID] = _Entry(ours.make(SECRET), "no call id")
    entries[_REPEAT] = _Entry(ours.make(SECRET), "repeat")

    def batch(name: str, entry: _Entry) -> Callable[[], float]:
        return lambda: loop.run_until_complete(_batch(name, entry, size))

    return interleaved({name: batch(name, entry) for name, entry in entries.items()}, rounds)


async def _batch(name: str, entry: _Entry, size: int) -> float:
    """Seconds for each of many requests, every answer checked."""
    body = bodies.build(size, with_call_id=entry.kind != "no call id")
    numbers = [0 if entry.kind == "repeat" else next(_NUMBERS) for _ in range(_REQUESTS[size])]
    exchanges = [Exchange(bodies.renumbered(body, number)) for number in numbers]
    began = time.perf_counter()
    for exchange in exchanges:
        await exchange.run(entry.app)
    seconds = time.perf_counter() - began
    if name != _BARE:
        for exchange, number in zip(exchanges, numbers, strict=True):
            proof.check(name, exchange, number)
    return seconds / len(exchanges)


def _rows(size: int, loop_name: str, times: Mapping[str, float]) -> list[Row]:
    section = f"One request, {size} KB, {loop_name}"
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
