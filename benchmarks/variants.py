"""What a request costs with several calls, with a `def` tool, and with a signature."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from starlette.types import ASGIApp

from vapitools import HmacSignature, SharedSecret, Toolset, router, tool
from vapitools.auth import Verifier, delivery_headers

from . import bodies
from .bodies import Call
from .exchange import Exchange
from .measure import fastest_loop, interleaved
from .proof import WrongAnswerError
from .report import Row
from .restaurant import RESULT, SECRET, TOOL, book_table, book_table_now

Kind = Literal["async", "def"]
Auth = Literal["secret", "hmac", "none"]

_TIMES = 20
_NUMBERS = itertools.count(1)
_URL = "https://hooks.example.com/webhook"


@dataclass(frozen=True)
class Variant:
    """One kind of request."""

    kilobytes: int
    calls: int
    kind: Kind
    auth: Auth

    def __str__(self) -> str:
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        return f"{self.kilobytes} KB, {calls}, {self.kind} tool, {self.auth}"


@dataclass(frozen=True)
class Axes:
    """Which variants are measured: each list is walked while the others stay at their first."""

    sizes: Sequence[int] = (20, 2, 100, 1000)
    calls: Sequence[int] = (1, 4, 16)
    kinds: Sequence[Kind] = ("async", "def")
    auths: Sequence[Auth] = ("secret", "hmac", "none")

    def __iter__(self) -> Iterator[Variant]:
        base = Variant(self.sizes[0], self.calls[0], self.kinds[0], self.auths[0])
        yield base
        for size in self.sizes[1:]:
            yield dataclasses.replace(base, kilobytes=size)
        for calls in self.calls[1:]:
            yield dataclasses.replace(base, calls=calls)
        for kind in self.kinds[1:]:
            yield dataclasses.replace(base, kind=kind)
        for auth in self.auths[1:]:
            yield dataclasses.replace(base, auth=auth)


def rows(rounds: int, axes: Axes) -> list[Row]:
    """Each, beside the first."""
    loop = fastest_loop()()
    variants = list(axes)
    batches = {str(variant): _batch(variant, loop) for variant in variants}
    times = interleaved(batches, rounds)
    loop.close()
    first = times[str(variants[0])]
    section = "vapitools: one request of another kind"
    return [
        Row(section, name, seconds, "µs", {"the first": seconds / first})
        for name, seconds in times.items()
    ]


def _batch(variant: Variant, loop: asyncio.AbstractEventLoop) -> Callable[[], float]:
    verifier = _verifier(variant.auth)
    function = book_table if variant.kind == "async" else book_table_now
    app: ASGIApp = router(Toolset([tool(name=TOOL)(function)]), auth=verifier)
    calls = [Call(f"call_{number:024x}") for number in range(variant.calls)]
    body = bodies.build(variant.kilobytes, calls)

    async def run() -> float:
        sent = [bodies.renumbered(body, next(_NUMBERS)) for _ in range(_TIMES)]
        exchanges = [Exchange(each, headers=_headers(verifier, each)) for each in sent]
        began = time.perf_counter()
        for exchange in exchanges:
            await exchange.run(app)
        await asyncio.sleep(0)
        seconds = time.perf_counter() - began
        for exchange in exchanges:
            _check(variant, exchange)
        return seconds / _TIMES

    return lambda: loop.run_until_complete(run())


def _verifier(auth: Auth) -> Verifier | None:
    if auth == "none":
        return None
    return SharedSecret(SECRET) if auth == "secret" else HmacSignature(SECRET)


def _headers(verifier: Verifier | None, body: bytes) -> Mapping[str, str]:
    return (delivery_headers(verifier, _URL, body) if verifier else None) or {}


def _check(variant: Variant, exchange: Exchange) -> None:
    results = [entry.get("result") for entry in exchange.results]
    if exchange.status != 200 or results != [RESULT] * variant.calls:
        raise WrongAnswerError(f"vapitools ({variant}) answered {exchange.sent}")
