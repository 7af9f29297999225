"""What is begun at once behaves as in any other task, on every version of Python."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from vapitools._eager import begun

WHERE: ContextVar[str] = ContextVar("WHERE", default="nowhere")


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_what_waits_for_nothing_is_over_at_once() -> None:
    seen: list[str] = []

    async def work() -> None:
        seen.append("run")

    async def scenario() -> None:
        task = begun(work())
        seen.append("begun")
        await task

    run(scenario)

    assert seen == ["run", "begun"]


def test_it_goes_on_when_what_it_waits_for_is_there() -> None:
    async def work(ready: asyncio.Event, seen: list[str]) -> None:
        seen.append("begun")
        await ready.wait()
        seen.append("ready")
        await asyncio.sleep(0)
        seen.append("over")

    async def scenario() -> None:
        ready, seen = asyncio.Event(), list[str]()
        task = begun(work(ready, seen))
        assert seen == ["begun"]
        await asyncio.sleep(0.01)
        assert seen == ["begun"]
        ready.set()
        await task
        assert seen == ["begun", "ready", "over"]

    run(scenario)


def test_what_is_ready_in_the_same_moment_is_not_missed() -> None:
    async def work(future: asyncio.Future[str], seen: list[str]) -> None:
        seen.append(await future)

    async def scenario() -> None:
        future, seen = asyncio.get_running_loop().create_future(), list[str]()
        task = begun(work(future, seen))
        future.set_result("there")
        await task
        assert seen == ["there"]

    run(scenario)


@pytest.mark.parametrize("pause", [lambda: asyncio.sleep(0), lambda: asyncio.sleep(0.01)])
def test_what_it_awaits_may_raise(pause: Callable[[], Awaitable[None]]) -> None:
    async def fails() -> None:
        await pause()
        raise LookupError("no such table")

    async def work(seen: list[str]) -> None:
        try:
            await fails()
        except LookupError as error:
            await pause()
            seen.append(str(error))

    async def scenario() -> None:
        seen = list[str]()
        await begun(work(seen))
        assert seen == ["no such table"]

    run(scenario)


def test_it_is_in_its_own_task_from_the_first_step_to_the_last() -> None:
    async def work(seen: list[Any]) -> None:
        seen.append(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(asyncio.current_task())

    async def scenario() -> None:
        own, seen = asyncio.current_task(), list[Any]()
        task = begun(work(seen))
        assert asyncio.current_task() is own
        await task
        assert seen == [task, task]

    run(scenario)


def test_one_may_begin_another() -> None:
    async def inner(seen: list[Any]) -> None:
        seen.append(asyncio.current_task())

    async def outer(seen: list[Any]) -> None:
        seen.append(begun(inner(seen)))
        seen.append(asyncio.current_task())

    async def scenario() -> None:
        seen = list[Any]()
        task = begun(outer(seen))
        assert seen == [seen[1], seen[1], task]
        assert seen[1] is not task

    run(scenario)


def test_it_may_be_begun_where_no_task_is_current() -> None:
    async def work(done: asyncio.Event) -> None:
        await asyncio.sleep(0)
        done.set()

    async def scenario() -> None:
        done, tasks = asyncio.Event(), list[Any]()
        asyncio.get_running_loop().call_soon(lambda: tasks.append(begun(work(done))))
        await done.wait()
        assert len(tasks) == 1

    run(scenario)


def test_its_context_is_one_and_its_own() -> None:
    async def work(seen: list[str]) -> None:
        seen.append(WHERE.get())
        token = WHERE.set("in the first step")
        await asyncio.sleep(0)
        seen.append(WHERE.get())
        # Refused in a copy of the context.
        WHERE.reset(token)
        seen.append(WHERE.get())

    async def scenario() -> None:
        WHERE.set("outside")
        seen = list[str]()
        task = begun(work(seen))
        assert WHERE.get() == "outside"
        await task
        assert seen == ["outside", "in the first step", "outside"]

    run(scenario)


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_cancelled_it_can_clean_up(turns: int) -> None:
    async def work(seen: list[str]) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("cleaned up")
            raise

    async def scenario() -> None:
        seen = list[str]()
        task = begun(work(seen))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert seen == ["cleaned up"]

    run(scenario)


@pytest.mark.parametrize("has_own_task", [True, False])
def test_several_may_wait_for_the_same(has_own_task: bool) -> None:
    async def work(shared: asyncio.Future[str], seen: list[str]) -> None:
        seen.append(await shared)

    async def scenario() -> None:
        seen = list[str]()
        shared = asyncio.ensure_future(asyncio.sleep(0.01, "token"))
        begin = asyncio.create_task if has_own_task else begun
        tasks = [begun(work(shared, seen)), begin(work(shared, seen)), begun(work(shared, seen))]
        await asyncio.gather(*tasks)
        assert seen == ["token"] * 3

    run(scenario)


def test_cancelled_before_its_first_turn_it_cancels_what_it_waits_for() -> None:
    async def work(inner: asyncio.Future[None], seen: list[str]) -> None:
        try:
            await inner
        except asyncio.CancelledError:
            seen.append("cleaned up")
            raise

    async def scenario() -> None:
        seen = list[str]()
        inner = asyncio.ensure_future(asyncio.sleep(5))
        task = begun(work(inner, seen))
        task.cancel()
        await asyncio.wait({task, inner})
        assert (task.cancelled(), inner.cancelled(), seen) == (True, True, ["cleaned up"])

    run(scenario)


def test_cancelled_when_what_it_waits_for_is_there_it_is_cancelled_all_the_same() -> None:
    async def work(ready: asyncio.Future[None], seen: list[str]) -> None:
        await ready
        seen.append("went on")

    async def scenario() -> None:
        seen = list[str]()
        ready = asyncio.get_running_loop().create_future()
        task = begun(work(ready, seen))
        ready.set_result(None)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert seen == []

    run(scenario)


def test_once_it_is_over_nothing_is_left_for_the_garbage_collector() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        gc.collect()
        for _ in range(5):
            task = begun(work())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
        del task
        await asyncio.sleep(0)
        assert gc.collect() == 0

    gc.disable()
    try:
        run(scenario)
    finally:
        gc.enable()


def test_a_time_limit_in_it_holds() -> None:
    async def work(seen: list[str]) -> None:
        with anyio.move_on_after(0.01):
            await asyncio.Event().wait()
        async with anyio.create_task_group() as group:
            group.start_soon(asyncio.sleep, 0)
        seen.append("went on")

    async def scenario() -> None:
        seen = list[str]()
        await begun(work(seen))
        assert seen == ["went on"]

    run(scenario)


def test_nothing_is_logged_when_the_loop_ends_with_it(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    async def scenario() -> None:
        begun(work())
        begun(asyncio.sleep(0))
        begun(nothing())

    run(scenario)

    assert not caplog.messages


async def nothing() -> None:
    pass
