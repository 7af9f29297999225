"""Many blocking `def` tools at once, each through a request of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import date
from statistics import median

from starlette.types import ASGIApp

from vapitools import SharedSecret, Toolset, router, tool

from . import bodies, proof
from .exchange import Exchange
from .measure import fastest_loop
from .report import Row, value_goal
from .restaurant import RESULT, SECRET, TOOL

_CALLS = 64
_SECONDS = 0.1
_LIMIT = 0.2


def rows(rounds: int) -> list[Row]:
    """Our threads beside the event loop's default pool."""
    loop = fastest_loop()()
    section = f"{_CALLS} blocking {_SECONDS * 1000:g} ms tools at once"
    ours = median(loop.run_until_complete(_through_requests()) for _ in range(rounds))
    default = loop.run_until_complete(_through_default_pool())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    ratios = {"default pool": ours / default}
    return [
        Row(section, "asyncio.to_thread, default pool", default, "s", {"default pool": 1.0}),
        Row(section, "vapitools", ours, "s", ratios, [value_goal(ours, _LIMIT, "s")]),
    ]


def _sleep(day: date, party_size: int, name: str) -> str:
    time.sleep(_SECONDS)
    return RESULT


async def _through_requests() -> float:
    app: ASGIApp = router(Toolset([tool(_sleep, name=TOOL)]), auth=SharedSecret(SECRET))
    body = bodies.build(2)
    exchanges = [Exchange(bodies.renumbered(body, number)) for number in range(_CALLS)]
    began = time.perf_counter()
    await asyncio.gather(*(exchange.run(app) for exchange in exchanges))
    seconds = time.perf_counter() - began
    for number, exchange in enumerate(exchanges):
        proof.check("vapitools", exchange, number)
    return seconds


async def _through_default_pool() -> float:
    function: Callable[[], str] = lambda: _sleep(date.today(), 4, "Rossi")  # noqa: E731
    began = time.perf_counter()
    await asyncio.gather(*(asyncio.to_thread(function) for _ in range(_CALLS)))
    return time.perf_counter() - began
