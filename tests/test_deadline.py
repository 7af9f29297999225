"""A time limit that keeps the work in its task, and the cancellation of others."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from vapitools._deadline import TooLateError, within

counts_cancellations = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python counts none")


async def never() -> None:
    await asyncio.Event().wait()


async def limited(seconds: float) -> None:
    await within(seconds, never())


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 5))


def test_work_in_time_is_done_in_the_same_task() -> None:
    async def work() -> Any:
        return asyncio.current_task()

    async def scenario() -> None:
        assert await within(5, work()) is asyncio.current_task()

    run(scenario())


def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise TimeoutError("of its own")

    async def scenario() -> None:
        await within(5, work())

    with pytest.raises(TimeoutError, match="of its own"):
        run(scenario())


def test_a_limit_that_was_kept_cuts_off_nothing_later() -> None:
    async def scenario() -> None:
        await within(0.01, asyncio.sleep(0))
        await asyncio.sleep(0.02)

    run(scenario())


@pytest.mark.parametrize("pause", [0, 0.001])
def test_what_the_work_waits_for_may_raise(pause: float) -> None:
    async def fails() -> None:
        await asyncio.sleep(pause)
        raise LookupError("no such table")

    async def work() -> str:
        try:
            await fails()
        except LookupError as error:
            await asyncio.sleep(pause)
            return str(error)
        return ""

    async def scenario() -> None:
        assert await within(5, work()) == "no such table"

    run(scenario())


def test_work_that_is_given_up_cleans_up_and_leaves_no_timer() -> None:
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            cleaned.append(True)

    async def outer() -> None:
        await within(0.01, work())

    async def scenario() -> None:
        given_up = outer()
        given_up.send(None)
        given_up.close()
        assert cleaned == [True]
        await asyncio.sleep(0.02)

    run(scenario())


def test_late_work_is_cut_off_and_the_task_goes_on() -> None:
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            await never()
        finally:
            cleaned.append(True)

    async def scenario() -> None:
        with pytest.raises(TooLateError):
            await within(0.01, work())
        await asyncio.sleep(0)

    run(scenario())

    assert cleaned == [True]


def test_who_is_cancelled_by_others_is_not_late() -> None:
    async def scenario() -> None:
        task = asyncio.create_task(limited(5))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    run(scenario())


@counts_cancellations
@pytest.mark.parametrize("order", [["alarm", "other"], ["other", "alarm"]], ids=" first: ".join)
def test_cancelled_by_others_in_the_moment_of_the_deadline_it_stays_cancelled(
    order: list[str],
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(limited(0.01))
        await asyncio.sleep(0)
        # Both run in the same turn of the loop, in the order of their times.
        loop.call_later(0.02 if order[0] == "alarm" else 0, task.cancel)
        time.sleep(0.03)
        await asyncio.wait({task})
        assert task.cancelled()

    run(scenario())


@counts_cancellations
def test_a_cut_off_is_not_counted_as_a_cancellation() -> None:
    async def scenario() -> None:
        task: Any = asyncio.current_task()
        before = task.cancelling()
        with pytest.raises(TooLateError):
            await within(0.01, never())
        assert task.cancelling() == before

    run(scenario())


@counts_cancellations
def test_work_that_would_not_be_cut_off_leaves_no_cancellation_behind() -> None:
    async def work() -> str:
        try:
            await never()
        except asyncio.CancelledError:
            return "kept"
        return ""

    async def scenario() -> None:
        task: Any = asyncio.current_task()
        assert await within(0.01, work()) == "kept"
        assert task.cancelling() == 0

    asyncio.run(scenario())


def test_a_limit_inside_another_is_told_apart() -> None:
    async def inner() -> str:
        with pytest.raises(TooLateError):
            await within(0.01, never())
        return "inner"

    async def outer() -> None:
        await within(5, never())

    async def scenario() -> None:
        assert await within(5, inner()) == "inner"
        with pytest.raises(TooLateError):
            await within(0.01, outer())

    run(scenario())


def test_late_work_leaves_nothing_for_the_garbage_collector() -> None:
    async def scenario() -> None:
        gc.collect()
        for _ in range(5):
            with pytest.raises(TooLateError):
                await within(0.001, never())
        await asyncio.sleep(0)
        assert gc.collect() == 0

    gc.disable()
    try:
        run(scenario())
    finally:
        gc.enable()
