"""Each contestant first proves that it answers right, so that nobody wins by being wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date

from starlette.types import ASGIApp

from vapitools import SharedSecret, Toolset, router, tool

from . import bodies
from .bodies import Call
from .exchange import Exchange
from .restaurant import ARGUMENTS, RESULT, SECRET, TOOL, book_table


class WrongAnswerError(Exception):
    """A contestant answered something wrong, so its time says nothing."""


def prove(name: str, make: Callable[[str], ASGIApp], loop: asyncio.AbstractEventLoop) -> None:
    """Ask the contestant everything that the others are asked.

    Raises:
        WrongAnswerError: It got one of them wrong.
    """
    app = make(SECRET)

    def ask(body: bytes, secret: str | None = SECRET) -> Exchange:
        exchange = Exchange(body, secret)
        loop.run_until_complete(exchange.run(app))
        return exchange

    for number, size in enumerate(bodies.SIZES, start=1):
        check(name, ask(bodies.renumbered(bodies.build(size), number)), number)
    _check_parallel_calls(name, ask)
    _check_mistakes(name, ask)
    _check_strangers(name, ask)


def check(name: str, exchange: Exchange, number: int) -> None:
    """Check the answer to a body that was renumbered so.

    Raises:
        WrongAnswerError: It is not the right one.
    """
    expected = {"name": TOOL, "toolCallId": f"call_{number:024x}", "result": RESULT}
    if exchange.status != 200 or exchange.results != [expected]:
        raise WrongAnswerError(f"{name} answered {exchange.sent} instead of {expected}")


def prove_repeats(loop: asyncio.AbstractEventLoop) -> None:
    """See that a repeat is answered right without another run.

    Raises:
        WrongAnswerError: The tool ran twice.
    """
    runs = 0

    @tool(name=TOOL)
    async def counted(day: date, party_size: int, name: str) -> str:
        nonlocal runs
        runs += 1
        return await book_table(day, party_size, name)

    app = router(Toolset([counted]), auth=SharedSecret(SECRET))
    for _ in range(3):
        exchange = Exchange(bodies.renumbered(bodies.build(2), 1))
        loop.run_until_complete(exchange.run(app))
        check("a repeat", exchange, 1)
    if runs != 1:
        raise WrongAnswerError(f"a call that came three times ran {runs} times")


def _check_parallel_calls(name: str, ask: Callable[[bytes], Exchange]) -> None:
    """Both, once each although three lists hold them, in order."""
    calls = [Call("call_b"), Call("call_a", arguments={**ARGUMENTS, "name": "Bianchi"})]
    results = ask(bodies.build(2, calls)).results
    found = [(entry["toolCallId"], entry.get("result")) for entry in results]
    if found != [("call_b", RESULT), ("call_a", RESULT.replace("Rossi", "Bianchi"))]:
        raise WrongAnswerError(f"{name} answered two calls with {results}")


def _check_mistakes(name: str, ask: Callable[[bytes], Exchange]) -> None:
    """An error for that call, its neighbour still runs, and the status stays 200."""
    # Ids that came before would be answered as repeats.
    wrong = [
        Call("call_c", arguments={**ARGUMENTS, "party_size": "many"}),
        Call("call_d", name="no_such_tool"),
        Call("call_e"),
    ]
    exchange = ask(bodies.build(2, wrong))
    outcomes = ["error" if entry.get("error") else "result" for entry in exchange.results]
    if exchange.status != 200 or outcomes != ["error", "error", "result"]:
        raise WrongAnswerError(f"{name} answered mistakes with {exchange.sent}")


def _check_strangers(name: str, ask: Callable[[bytes, str | None], Exchange]) -> None:
    for secret in (None, "", "another-secret-of-a-usual-length-0123"):
        status = ask(bodies.build(2), secret).status
        if status != 401:
            raise WrongAnswerError(f"{name} answered a stranger with {status}")
