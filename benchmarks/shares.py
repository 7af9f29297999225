"""Where the time of one request goes: each step by itself, beside the whole."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from vapitools import CallContext, SharedSecret, Toolset, messages, router, tool
from vapitools._gate import Gate
from vapitools.dispatch import Dispatcher, begun
from vapitools.messages import Message
from vapitools.settings import Settings

from . import bodies
from .exchange import Exchange
from .measure import fastest_loop, interleaved
from .report import Row
from .restaurant import SECRET, book_table

T = TypeVar("T")

_TIMES = 60
_NUMBERS = itertools.count(1)


def rows(rounds: int) -> list[Row]:
    """The steps in the order in which a request takes them; they do not overlap."""
    loop = fastest_loop()()
    times = interleaved(_batches(loop), rounds)
    loop.close()
    whole, answer = times["whole"], times["answer"]
    steps = {
        "headers, secret, reading the body": times["admit"],
        "decoding": times["decode"],
        "validating the arguments, and the tool": times["run"],
        "a task of its own, to outlive the request": times["task"],
        "ledger, hooks, context, encoding, turns of the loop": answer
        - times["run"]
        - times["task"],
        "routing, responding, and what colder caches cost": (
            whole - times["admit"] - times["decode"] - answer
        ),
        "the whole request": whole,
    }
    section = "Where the time goes: vapitools, 20 KB"
    return [
        Row(section, name, seconds, "µs", {"the whole": seconds / whole})
        for name, seconds in steps.items()
    ]


def _batches(loop: asyncio.AbstractEventLoop) -> Mapping[str, Callable[[], float]]:
    body = bodies.build(20)
    toolset = Toolset([tool(book_table)])
    verifier = SharedSecret(SECRET)
    app = router(toolset, auth=verifier)
    gate, dispatcher = Gate(verifier, Settings()), Dispatcher(toolset)
    each, call = next(iter(toolset)), CallContext()

    def fresh() -> bytes:
        return bodies.renumbered(body, next(_NUMBERS))

    def exchange() -> Exchange:
        return Exchange(fresh())

    def message() -> Message:
        return messages.parse(fresh())

    async def decode(sent: bytes) -> None:
        messages.parse(sent)

    async def in_task(_: int) -> None:
        begun(_nothing(), each.name)

    return {
        "whole": _batch(loop, exchange, lambda made: made.run(app)),
        "admit": _batch(loop, exchange, lambda made: gate.admit(made.scope, made.receive)),
        "decode": _batch(loop, fresh, decode),
        "answer": _batch(loop, message, dispatcher.answer),
        "run": _batch(loop, message, lambda made: each.run(made.tool_calls[0].arguments, call)),
        "task": _batch(loop, int, in_task),
    }


def _batch(
    loop: asyncio.AbstractEventLoop, make: Callable[[], T], step: Callable[[T], Awaitable[object]]
) -> Callable[[], float]:
    """Seconds for each of many; what a step takes is made beforehand."""

    async def run() -> float:
        made = [make() for _ in range(_TIMES)]
        began = time.perf_counter()
        for each in made:
            await step(each)
        await asyncio.sleep(0)
        return (time.perf_counter() - began) / _TIMES

    return lambda: loop.run_until_complete(run())


async def _nothing() -> None:
    pass
