"""What one request takes at its peak, the body itself counted, and what stays behind."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

from starlette.types import ASGIApp

from . import bodies, contestants
from .contestants import FLOOR, JSON, MSGSPEC, OURS
from .exchange import Exchange
from .measure import fastest_loop
from .report import Row, ratio_goal
from .restaurant import SECRET

_SIZE = 100
_LIMIT = 2.5
_KEPT_REQUESTS = 500


def rows() -> list[Row]:
    """Every contestant's peak; and what our ledger keeps."""
    loop = fastest_loop()()
    apps = {name: contestants.load(name).make(SECRET) for name in (FLOOR, MSGSPEC, JSON, OURS)}
    found = [_peak_row(name, app, loop) for name, app in apps.items()]
    kept = _kept(contestants.load(OURS).make(SECRET), loop)
    loop.close()
    return [*found, Row(_section(), "vapitools, kept per call by the ledger", kept, "bytes")]


def _peak_row(name: str, app: ASGIApp, loop: asyncio.AbstractEventLoop) -> Row:
    body = bodies.build(_SIZE)
    peak = _peak(app, body, loop)
    ratios = {"the body": peak / len(body)}
    goals = [ratio_goal(ratios, "the body", _LIMIT)] if name == OURS else []
    return Row(_section(), name, peak, "kB", ratios, goals)


def _peak(app: ASGIApp, body: bytes, loop: asyncio.AbstractEventLoop) -> float:
    for number in range(20):  # caches fill
        loop.run_until_complete(Exchange(bodies.renumbered(body, number)).run(app))
    gc.collect()
    tracemalloc.start()
    # The exchange cuts the body into new chunks: they are what a server holds of it.
    loop.run_until_complete(Exchange(body).run(app))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _kept(app: ASGIApp, loop: asyncio.AbstractEventLoop) -> float:
    body = bodies.build(2)
    loop.run_until_complete(Exchange(bodies.renumbered(body, 0)).run(app))
    gc.collect()
    tracemalloc.start()
    for number in range(1, _KEPT_REQUESTS + 1):
        loop.run_until_complete(Exchange(bodies.renumbered(body, number)).run(app))
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return kept / _KEPT_REQUESTS


def _section() -> str:
    return f"Memory at the peak of one request, {_SIZE} KB, the body included"
