"""Each call runs once, within a number and an age."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from vapitools.ledger import Answer, Key, MemoryLedger
from vapitools.messages import ToolCallResult

from . import wire

A, B = ("call", "a"), ("call", "b")


class Runs:
    """Counts what is begun; answers when told to, or at once."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.begun: list[Key] = []
        self.answers: list[Answer] = []
        self._at_once = at_once

    def start(self, key: Key) -> Callable[[], Answer]:
        def begin() -> Answer:
            self.begun.append(key)
            self.answers.append(Answer())
            if self._at_once:
                self.finish()
            return self.answers[-1]

        return begin

    def finish(self) -> None:
        self.answers[-1].give(ToolCallResult("tool", result=f"run {len(self.answers)}"))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def ask(ledger: MemoryLedger, runs: Runs, *keys: Key) -> list[Any]:
    return [(await ledger.once(key, runs.start(key))).result for key in keys]


def test_a_repeat_gets_the_same_answer() -> None:
    runs = Runs()

    answers = asyncio.run(ask(MemoryLedger(), runs, A, A, A))

    assert answers == ["run 1"] * 3
    assert runs.begun == [A]


@pytest.mark.parametrize("other", [("call", "b"), ("other call", "a")], ids=["tool call", "call"])
def test_calls_that_differ_in_one_id_do_not_mix(other: Key) -> None:
    answers = asyncio.run(ask(MemoryLedger(), Runs(), A, other, A, other))

    assert answers == ["run 1", "run 2", "run 1", "run 2"]


def test_repeats_while_it_runs_join_the_run() -> None:
    ledger, runs = MemoryLedger(), Runs(at_once=False)

    async def scenario() -> None:
        waiting = [asyncio.create_task(ask(ledger, runs, A)) for _ in range(3)]
        await asyncio.sleep(0)
        runs.finish()
        assert await asyncio.gather(*waiting) == [["run 1"]] * 3

    asyncio.run(scenario())

    assert runs.begun == [A]


def test_a_delivery_that_is_given_up_ends_no_run() -> None:
    ledger, runs = MemoryLedger(), Runs(at_once=False)

    async def scenario() -> None:
        first, second = [asyncio.create_task(ask(ledger, runs, A)) for _ in range(2)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        assert first.cancelled()
        third = asyncio.create_task(ask(ledger, runs, A))
        await asyncio.sleep(0)
        runs.finish()
        assert [await second, await third] == [["run 1"]] * 2

    asyncio.run(scenario())

    assert runs.begun == [A]


def test_an_answer_is_forgotten_when_it_is_old() -> None:
    clock, runs = Clock(), Runs()
    ledger = MemoryLedger(seconds=60, clock=clock)

    asyncio.run(ask(ledger, runs, A))
    clock.now = 59.9
    asyncio.run(ask(ledger, runs, A, B))
    clock.now = 60.0
    asyncio.run(ask(ledger, runs, A, B))

    assert runs.begun == [A, B, A]


def test_only_so_many_answers_are_kept() -> None:
    ledger, runs = MemoryLedger(size=2), Runs()

    asyncio.run(ask(ledger, runs, *(("call", str(n)) for n in range(1000))))

    assert len(ledger) <= 3


def test_only_so_many_are_kept_of_answers_that_were_waited_for() -> None:
    ledger, runs = MemoryLedger(size=2), Runs(at_once=False)

    async def scenario() -> None:
        for number in range(100):
            asked = asyncio.create_task(ask(ledger, runs, ("call", str(number))))
            await asyncio.sleep(0)
            runs.finish()
            await asked

    asyncio.run(scenario())

    assert len(ledger) <= 3


def test_a_repeat_of_the_oldest_answer_is_known_when_all_places_are_taken() -> None:
    ledger, runs = MemoryLedger(size=2), Runs()

    asyncio.run(ask(ledger, runs, A, B, A, B))

    assert runs.begun == [A, B]


def test_a_run_that_goes_on_is_never_forgotten_and_keeps_nothing_else() -> None:
    clock, runs = Clock(), Runs(at_once=False)
    ledger = MemoryLedger(size=1, seconds=60, clock=clock)

    async def scenario() -> None:
        long = asyncio.create_task(ask(ledger, runs, A))
        await asyncio.sleep(0)
        await ask(ledger, Runs(), *(("call", str(n)) for n in range(100)))
        clock.now = 1000.0
        repeat = asyncio.create_task(ask(ledger, runs, A))
        await asyncio.sleep(0)
        runs.finish()
        assert [await long, await repeat] == [["run 1"]] * 2

    asyncio.run(scenario())

    assert len(ledger) <= 3


def test_the_oldest_is_what_was_answered_first_and_not_what_was_begun_first() -> None:
    ledger, slow = MemoryLedger(size=10), Runs(at_once=False)

    async def scenario() -> None:
        first = asyncio.create_task(ask(ledger, slow, A))
        await asyncio.sleep(0)
        await ask(ledger, Runs(), *(("call", str(n)) for n in range(10)))
        slow.finish()
        await first
        await ask(ledger, Runs(), B)
        assert await ask(ledger, slow, A) == ["run 1"]

    asyncio.run(scenario())

    assert slow.begun == [A]


def test_runs_that_go_on_take_no_room_and_give_no_answer_more() -> None:
    async def scenario() -> int:
        ledger = MemoryLedger(size=10)
        for number in range(100):
            ledger.once(("running", str(number)), Answer)
        await ask(ledger, Runs(), *(("call", str(n)) for n in range(1000)))
        return len(ledger)

    assert asyncio.run(scenario()) <= 100 + 11


def test_another_event_loop_asks_for_something_else_and_no_run_is_forgotten() -> None:
    ledger, runs = MemoryLedger(), Runs(at_once=False)

    async def scenario() -> None:
        first = asyncio.create_task(ask(ledger, runs, A))
        await asyncio.sleep(0)
        await asyncio.to_thread(asyncio.run, ask(ledger, Runs(), B))
        repeat = asyncio.create_task(ask(ledger, runs, A))
        await asyncio.sleep(0)
        runs.finish()
        assert await first == await repeat == ["run 1"]

    asyncio.run(scenario())

    assert runs.begun == [A]


def test_a_ledger_that_nobody_needs_any_more_is_gone_at_once() -> None:
    async def scenario() -> weakref.ref[MemoryLedger]:
        ledger, runs = MemoryLedger(), Runs(at_once=False)
        asked = asyncio.create_task(ask(ledger, runs, A))
        await asyncio.sleep(0)
        runs.finish()
        await asked
        return weakref.ref(ledger)

    gc.disable()
    try:
        assert asyncio.run(scenario())() is None
    finally:
        gc.enable()


def test_an_answer_keeps_nothing_of_who_has_waited_for_it() -> None:
    async def scenario() -> None:
        answer = Answer()
        waiting = answer.__await__()
        waited_for = weakref.ref(next(waiting))
        answer.give(ToolCallResult("tool", result="Done."))
        del waiting
        assert waited_for() is None
        assert answer.is_given

    asyncio.run(scenario())


def test_a_run_that_died_with_its_event_loop_is_run_again() -> None:
    ledger, runs = MemoryLedger(), Runs(at_once=False)

    async def dies() -> None:
        ledger.once(A, runs.start(A))

    asyncio.run(dies())
    again = asyncio.run(ask(ledger, new := Runs(), A))
    runs.finish()  # as a thread may that outlived the loop

    assert again == asyncio.run(ask(ledger, new, A)) == ["run 1"]
    assert new.begun == [A]


def test_an_answer_outlives_its_event_loop() -> None:
    ledger, runs = MemoryLedger(), Runs()

    assert asyncio.run(ask(ledger, runs, A)) == asyncio.run(ask(ledger, runs, A))


def test_an_answer_given_after_its_event_loop_is_closed_hurts_nobody() -> None:
    told: list[object] = []

    async def wait() -> Answer:
        answer = Answer()
        next(answer.__await__()).add_done_callback(told.append)
        return answer

    with wire.event_loop() as run:
        answer = run(wait())

    answer.give(ToolCallResult("tool", result="late"))

    assert answer.is_given
    assert told == []
