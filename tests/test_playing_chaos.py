"""Trouble on demand: a right server stays right in it, and each wrong one is found."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from vapitools import ToolError, Toolset, router, tool
from vapitools.errors import PlayError
from vapitools.ledger import Answer
from vapitools.playing import Bot, ControlDesk, Played, Stage, hosting, play
from vapitools.playing._played import ToolUsed
from vapitools.playing._script import CallsTools, Expected, PlannedCall, Says
from vapitools.playing._stage import Runs, cast_of

from .live import serving
from .webhooks import (
    Webhook,
    calls_in,
    entry_for,
    played,
    right,
    rules,
    script,
    texts,
    tools,
    webhook,
)

BOTH = tools("book_table", "find_tables")


class Book:
    """Counts how often each table was booked."""

    def __init__(self) -> None:
        self.booked: list[str] = []
        self._lock = threading.Lock()

    @tool
    def book_table(self, day: str) -> str:
        """Book a table."""
        with self._lock:
            self.booked.append(day)
            return f"Booked as number {len(self.booked)}."

    @tool
    async def slow(self, day: str) -> str:
        """Look for long."""
        await asyncio.sleep(0.06)
        return self.book_table(day)

    @tool
    def full(self, day: str) -> str:
        """Say no."""
        raise ToolError("We are full.")


BOOK = Book()
CALL = script(
    Says("caller", "Hello"),
    CallsTools(
        [
            PlannedCall("book_table", {"day": "1"}),
            PlannedCall("slow", {"day": "2"}),
            PlannedCall("full", {"day": "3"}, Expected(error="full")),
        ]
    ),
    CallsTools([PlannedCall("book_table", {"day": "4"})]),
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with hosting(Bot(Toolset([BOOK.book_table, BOOK.slow, BOOK.full]))) as hosted:
        yield hosted


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    with webhook(right) as served:
        yield served


def shaken(stage: Stage, seed: int) -> Played:
    return asyncio.run(play(CALL, stage, seed=seed, limit=5))


@pytest.mark.parametrize("seed", range(3))
def test_a_right_server_runs_each_call_once_whatever_happens(stage: Stage, seed: int) -> None:
    BOOK.booked.clear()

    call = shaken(stage, seed)

    assert call.faults == []
    assert sorted(BOOK.booked) == ["1", "2", "4"]


def test_the_same_seed_makes_the_same_trouble(stage: Stage) -> None:
    seen = [
        [event.troubles for event in shaken(stage, seed).events if isinstance(event, ToolUsed)]
        for seed in (7, 7, 8)
    ]

    assert seen[0] == seen[1]
    assert seen[0] != seen[2]
    assert all(troubles for troubles in seen[0][:1])


def test_every_kind_of_trouble_comes(hook: Webhook) -> None:
    hook.answer = right
    before = len(hook.bodies)

    call = played(hook.url, BOTH, seed=1, server_messages=[])

    (first, _) = [event for event in call.events if isinstance(event, ToolUsed)]
    assert sorted(first.troubles) == ["cut", "dropped", "one by one", "reversed", "twice at once"]
    # Once cut, once dropped, twice at once, each alone, reversed, and as it should be.
    assert len(hook.bodies[before:]) >= 1 + 2 + 2 + 1 + 1


class Forgetful:
    """A ledger that keeps nothing."""

    def once(self, key: object, start: Callable[[], Answer]) -> Answer:
        return start()


def test_a_server_that_runs_repeats_is_found() -> None:
    runs, bot = Runs(), Bot(Toolset([BOOK.book_table]))
    app = router(bot.tools, auth=None, hooks=[runs], ledger=Forgetful())

    with serving(app, lifespan="off") as port:
        stage = Stage(cast_of(bot, f"http://127.0.0.1:{port}"), ControlDesk(), bot=bot, runs=runs)
        call = asyncio.run(play(script(tools("book_table")), stage, seed=1))

    assert rules(call) == ["same-answer", "ran-once"]
    # What was dropped may not have come that far.
    assert re.search("book_table ran [56] times", texts(call))


class Repeating:
    """Books for each delivery."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, message: dict[str, Any]) -> Any:
        entries = []
        for call in calls_in(message):
            self.count += 1
            entries.append(entry_for(call, f"Booked as number {self.count}."))
        return {"results": entries}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_server_that_does_it_again_answers_differently(hook: Webhook, seed: int) -> None:
    hook.answer = Repeating()

    call = played(hook.url, BOTH, seed=seed)

    assert rules(call) == ["same-answer"]
    assert len(call.faults) == 2


def test_a_server_that_gets_the_order_of_reversed_calls_wrong_is_found(hook: Webhook) -> None:
    def sorted_by_name(message: dict[str, Any]) -> Any:
        calls = sorted(calls_in(message), key=lambda call: str(call["function"]["name"]))
        return {"results": [entry_for(call) for call in calls]}

    hook.answer = sorted_by_name

    assert rules(played(hook.url, BOTH)) == []
    assert rules(played(hook.url, BOTH, seed=1)) == ["order"]


def test_a_server_that_fails_when_two_come_at_once_is_found(hook: Webhook) -> None:
    busy = threading.Lock()

    def one_at_a_time(message: dict[str, Any]) -> Any:
        if not busy.acquire(blocking=False):
            return {"results": []}
        try:
            time.sleep(0.05)
            return right(message)
        finally:
            busy.release()

    hook.answer = one_at_a_time

    call = played(hook.url, tools("book_table"), seed=1, server_messages=[], limit=2)

    assert "every-call" in rules(call)


def test_a_server_that_acts_on_half_a_body_is_found() -> None:
    """Such as one that looks for what it knows in a text, whatever is around it."""

    async def searching(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        ids = dict.fromkeys(re.findall(rb'"id": ?"(call_\w{24})"', body))
        results = [{"name": "a", "toolCallId": id_.decode(), "result": "Done."} for id_ in ids]
        await JSONResponse({"results": results})(scope, receive, send)

    with serving(searching, lifespan="off") as port:
        calls = [played(f"http://127.0.0.1:{port}", tools("a"), seed=seed) for seed in range(2)]

    assert {rule for call in calls for rule in rules(call)} == {"whole-body"}
    assert "a ran on half a body" in "".join(map(texts, calls))


def test_where_nothing_listens_is_one_error_in_chaos_too() -> None:
    with pytest.raises(PlayError, match="nothing answers"):
        played("http://127.0.0.1:1/webhook", BOTH, seed=1)


def test_what_is_on_its_way_is_let_go_of_when_a_call_is_broken_off(stage: Stage) -> None:
    """Nothing is left to warn of a task that nobody has waited for."""
    broken = script(Says("caller", "Hello"), CallsTools([PlannedCall("none", {})]))

    with pytest.raises(PlayError, match="there is no tool 'none'"):
        asyncio.run(play(broken, stage, seed=1))
    with pytest.raises(PlayError, match="nothing answers"):
        played("http://127.0.0.1:1", Says("caller", "Hi"), seed=1)
