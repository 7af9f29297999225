"""Blocking functions run in threads of our own."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from vapitools._threads import Threads

LANGUAGE = contextvars.ContextVar("LANGUAGE", default="en")


def run(*functions: Callable[[], Any], threads: Threads | None = None) -> list[Any]:
    """What the functions return, or raise, when they run side by side."""
    pool = threads or Threads(64)

    async def run_all() -> list[Any]:
        return await asyncio.gather(*map(pool.run, functions), return_exceptions=True)

    return asyncio.run(run_all())


def raising(error: BaseException) -> Callable[[], Any]:
    def function() -> None:
        raise error

    return function


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def our_threads() -> int:
    return sum(thread.name == "vapitools" for thread in threading.enumerate())


def test_a_function_runs_in_a_daemon_thread_with_the_callers_context() -> None:
    def function() -> tuple[str, bool]:
        # One that is no daemon keeps the process from ending.
        return LANGUAGE.get(), threading.current_thread().daemon

    async def caller() -> Any:
        LANGUAGE.set("pt")
        return await Threads(1).run(function)

    assert asyncio.run(caller()) == ("pt", True)


def test_64_blocking_functions_are_inside_at_once() -> None:
    barrier = threading.Barrier(64)

    met = run(*[lambda: barrier.wait(timeout=5)] * 64)

    assert sorted(met) == list(range(64))


def test_no_more_run_at_once_than_there_are_threads() -> None:
    inside: list[int] = []
    most: list[int] = []

    def function() -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.002)
        inside.pop()

    run(*[function] * 20, threads=Threads(3))

    assert len(most) == 20
    assert max(most) <= 3


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), StopAsyncIteration()],
    ids=repr,
)
def test_what_a_function_raises_reaches_its_caller_alone(error: BaseException) -> None:
    threads = Threads(1)

    async def caller() -> None:
        with pytest.raises(type(error)) as caught:
            await threads.run(raising(error))
        assert caught.value is error
        assert await threads.run(lambda: "alive") == "alive"

    asyncio.run(caller())


def test_a_stop_iteration_cannot_pass_a_coroutine_and_is_told_as_one() -> None:
    (caught,) = run(raising(StopIteration()))

    assert isinstance(caught, RuntimeError)
    assert isinstance(caught.__cause__, StopIteration)


def test_cancelled_in_line_a_function_is_never_called() -> None:
    threads, blocked, called = Threads(1), threading.Event(), list[int]()

    async def caller() -> None:
        first = asyncio.create_task(threads.run(lambda: blocked.wait(5)))
        second = asyncio.create_task(threads.run(lambda: called.append(1)))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        blocked.set()
        await first
        assert await threads.run(lambda: "next") == "next"

    asyncio.run(caller())

    assert called == []


def test_cancelled_while_it_runs_a_function_runs_on_and_its_end_is_noted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    threads, inside, blocked = Threads(1), threading.Event(), threading.Event()

    def slow_booking() -> None:
        inside.set()
        blocked.wait(5)

    async def caller() -> None:
        task = asyncio.create_task(threads.run(slow_booking))
        while not inside.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with caplog.at_level(logging.INFO, logger="vapitools"):
        asyncio.run(caller())
        blocked.set()
        until(lambda: bool(caplog.messages))

    assert "slow_booking ended when nobody waited for it any more" in caplog.text


def test_threads_without_work_end_and_new_ones_start() -> None:
    threads, before = Threads(4, idle_seconds=0.05), our_threads()

    for _ in range(3):
        assert run(*[lambda: "done"] * 8, threads=threads) == ["done"] * 8
        # Idle threads of other tests may end meanwhile, too.
        until(lambda: threads._started == 0 and our_threads() <= before)

    assert threads._pending == 0


def test_a_thread_that_is_about_to_end_takes_the_job_that_has_just_come() -> None:
    threads, late = Threads(1), ["nothing", "the job"]

    class LateQueue:
        def put(self, job: object) -> None: ...

        def get(self, timeout: float) -> object:
            if late.pop(0) == "nothing":
                raise queue.Empty
            return "the job"

    threads._jobs = LateQueue()  # type: ignore[assignment]
    threads._started = threads._pending = 1

    assert threads._next() == "the job"  # type: ignore[comparison-overlap]


def test_no_job_is_lost_while_threads_come_and_go() -> None:
    """The idle time is so short that threads end while jobs come."""
    threads = Threads(4, idle_seconds=0.0001)

    for _ in range(100):
        assert run(*[lambda: "done"] * 6, threads=threads) == ["done"] * 6


def no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_without_a_thread_to_be_had_the_caller_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = Threads(2)
    monkeypatch.setattr(threading.Thread, "start", no_thread)

    (caught,) = run(lambda: "never", threads=threads)

    assert isinstance(caught, RuntimeError)
    monkeypatch.undo()
    assert run(lambda: "again", threads=threads) == ["again"]


def test_without_another_thread_to_be_had_those_there_are_do_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = Threads(4)
    run(lambda: "one thread is begun", threads=threads)
    monkeypatch.setattr(threading.Thread, "start", no_thread)

    assert run(*[lambda: "done"] * 8, threads=threads) == ["done"] * 8
