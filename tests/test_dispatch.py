"""Whatever a tool returns, raises or waits for: one answer per call, in time, and the right one."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from vapitools import (
    CallContext,
    RequestComplete,
    RequestFailed,
    RequestStart,
    Settings,
    Tool,
    ToolError,
    ToolResult,
    Toolset,
    VapiToolsError,
    messages,
    tool,
)
from vapitools.dispatch import Dispatcher
from vapitools.errors import ResultError
from vapitools.instrumentation import LogRuns, ToolRun
from vapitools.ledger import Answer, Key
from vapitools.messages import ToolCallResult

from .wire import Reply, entry, tool_calls

SECRET = "MARKER-4711"
TOO_LATE = "The tool took too long. Say so, and offer to try again later."

AnyTool = Tool[..., Any]


def dispatcher(*tools: AnyTool, **options: Any) -> Dispatcher:
    return Dispatcher(Toolset(tools), **options)


async def ask(asked: Dispatcher, body: dict[str, Any]) -> list[dict[str, Any]]:
    began = time.monotonic()
    answer = await asyncio.wait_for(asked.answer(messages.parse(json.dumps(body).encode())), 10)
    # A call that is cancelled, as by a time limit, is answered too: so look at the clock.
    assert time.monotonic() - began < 9
    return Reply(200, {}, answer).results


def answers(*tools: AnyTool, **options: Any) -> list[dict[str, Any]]:
    """Call each of the tools once, in one message."""
    calls = [entry(each.name, id_=f"id-{i}") for i, each in enumerate(tools)]
    return asyncio.run(ask(dispatcher(*tools, **options), tool_calls(*calls)))


def returning(value: Any, name: str = "returning") -> AnyTool:
    @tool(name=name)
    async def function() -> Any:
        return value

    return function


def raising(error: BaseException, *, in_thread: bool = False) -> AnyTool:
    @tool(name="raising")
    async def function() -> None:
        raise error

    @tool(name="raising")
    def blocking_function() -> None:
        raise error

    return blocking_function if in_thread else function


# --- many calls ---------------------------------------------------------------------------


def test_calls_of_one_message_run_side_by_side_and_keep_their_order() -> None:
    waiting: list[asyncio.Event] = []

    @tool
    async def last_first(number: int) -> int:
        waiting.append(asyncio.Event())
        if len(waiting) == 5:  # all are there: let them go, the last one first
            for event in reversed(waiting):
                event.set()
        await waiting[number].wait()
        return number

    calls = [entry("last_first", {"number": n}, f"id-{n}") for n in range(5)]
    results = asyncio.run(ask(dispatcher(last_first), tool_calls(*calls)))

    assert [(each["toolCallId"], each["result"]) for each in results] == [
        (f"id-{n}", str(n)) for n in range(5)
    ]


def test_64_blocking_tools_are_inside_at_once() -> None:
    barrier = threading.Barrier(64)

    @tool
    def meet() -> str:
        barrier.wait(timeout=5)
        return "met"

    calls = [entry("meet", id_=f"id-{n}") for n in range(64)]
    results = asyncio.run(ask(dispatcher(meet), tool_calls(*calls)))

    assert [each["result"] for each in results] == ["met"] * 64


def test_a_failing_call_costs_its_neighbours_nothing() -> None:
    results = answers(returning("a", "first"), raising(SystemExit(SECRET)), returning("b", "third"))

    assert [each.get("result") for each in results] == ["a", None, "b"]


def test_an_unknown_tool_is_told_which_there_are() -> None:
    asked = dispatcher(returning(1, "one"), returning(2, "two"))

    (result,) = asyncio.run(ask(asked, tool_calls(entry("three"))))

    assert result["name"] == "three"
    assert result["error"] == "There is no such tool. The tools are: one, two."


@pytest.mark.parametrize("name", [None, "", 7, [], {}], ids=repr)
def test_a_call_without_a_name_is_answered_too(name: Any) -> None:
    (result,) = asyncio.run(ask(dispatcher(), tool_calls(entry(name))))

    assert result["name"] == ""
    assert result["error"] == "There is no such tool. The tools are: none."


@pytest.mark.parametrize("id_", [None, "", True, 1.5, ["x"], {"a": 1}], ids=repr)
def test_an_odd_id_comes_back_as_it_came_and_is_never_taken_for_a_repeat(id_: Any) -> None:
    asked = dispatcher(counting := Counting())

    async def twice() -> list[Any]:
        body = tool_calls(entry("count", id_=id_))
        return [*await ask(asked, body), *await ask(asked, body)]

    first, second = asyncio.run(twice())

    assert first["toolCallId"] == second["toolCallId"] == id_
    assert counting.runs == 2


@pytest.mark.parametrize("where", [{"call_id": "c-1"}, {"call_id": None, "chat": {"id": "chat-1"}}])
def test_a_number_is_an_id_and_a_chat_has_its_repeats_too(where: dict[str, Any]) -> None:
    asked = dispatcher(counting := Counting())

    async def twice() -> list[Any]:
        body = tool_calls(entry("count", id_=7), entry("count", id_="7"), **where)
        return [*await ask(asked, body), *await ask(asked, body)]

    ids = [result["toolCallId"] for result in asyncio.run(twice())]

    assert ids == [7, "7", 7, "7"]
    assert counting.runs == 2


# --- what a tool raises -------------------------------------------------------------------


class UnspeakableError(Exception):
    """Whatever is asked of it fails."""

    def __str__(self) -> str:
        raise SystemExit(SECRET)

    def __repr__(self) -> str:
        raise ValueError(SECRET)


class UnspeakableToolError(ToolError):
    def __str__(self) -> str:
        raise KeyboardInterrupt(SECRET)


class OurError(VapiToolsError):
    """An exception of the author's, below one of ours."""


def ring() -> Exception:
    first, second = ValueError(SECRET), KeyError(SECRET)
    first.__cause__, second.__cause__ = second, first
    return first


def chain() -> BaseException:
    error: BaseException = ValueError(SECRET)
    for _ in range(5000):
        outer = ValueError(SECRET)
        outer.__context__ = error
        error = outer
    return error


class GroupError(Exception):
    """What an `ExceptionGroup` looks like, which Python 3.10 lacks."""

    exceptions = (ValueError(SECRET), "no exception")


ERRORS: dict[str, BaseException] = {
    "an exception": ValueError(SECRET),
    "exit": SystemExit(SECRET),
    "ctrl-c": KeyboardInterrupt(SECRET),
    "generator exit": GeneratorExit(SECRET),
    "stop iteration": StopIteration(SECRET),
    "stop async iteration": StopAsyncIteration(SECRET),
    "cancelled": asyncio.CancelledError(SECRET),
    "timeout": asyncio.TimeoutError(SECRET),
    "out of memory": MemoryError(SECRET),
    "recursion": RecursionError(SECRET),
    "unspeakable": UnspeakableError(SECRET),
    "an unspeakable tool error": UnspeakableToolError(SECRET),
    "one of our own class": OurError(SECRET),
    "a ring of causes": ring(),
    "a long chain": chain(),
    "a group": GroupError(SECRET),
    "warning": UserWarning(SECRET),
    "bad unicode": UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
}


@pytest.mark.parametrize("in_thread", [False, True], ids=["async", "thread"])
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_whatever_a_tool_raises_is_answered_and_logged_without_its_text(
    error: BaseException, in_thread: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (result,) = answers(raising(error, in_thread=in_thread))

    said, _, reference = result["error"].rpartition(" ")
    assert said == "The tool failed. Say so, and offer to try again. Reference:"
    assert f"raising failed, reference {reference.rstrip('.')}" in caplog.text
    assert "in function" in caplog.text or "in blocking_function" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("in_thread", [False, True], ids=["async", "thread"])
@pytest.mark.parametrize("kind", [ValueError, ToolError])
def test_a_run_that_fails_leaves_nothing_for_the_garbage_collector(
    kind: type[Exception], in_thread: bool
) -> None:
    """Else what came with its message would stay in memory until that comes round."""

    async def waits_and_fails() -> None:
        await asyncio.sleep(0)
        raise kind("odd")

    def fails_in_a_thread() -> None:
        raise kind("odd")

    fails = tool(fails_in_a_thread if in_thread else waits_and_fails, name="fails")

    async def scenario() -> int:
        asked = dispatcher(fails)
        await ask(asked, tool_calls(entry("fails", id_="first")))
        await asyncio.sleep(0)
        gc.collect()
        await ask(asked, tool_calls(*(entry("fails", id_=str(n)) for n in range(5))))
        await asyncio.sleep(0)
        return gc.collect()

    gc.disable()
    try:
        assert asyncio.run(scenario()) == 0
    finally:
        gc.enable()


def test_the_text_is_logged_when_that_is_turned_on(caplog: pytest.LogCaptureFixture) -> None:
    answers(raising(ValueError(SECRET)), settings=Settings(log_exceptions=True))

    assert f"ValueError: {SECRET}" in caplog.text


class UnshowableError(Exception):
    @property
    def exceptions(self) -> Any:
        raise ValueError(SECRET)


@pytest.mark.parametrize("log_exceptions", [False, True], ids=["without text", "with text"])
def test_an_exception_that_cannot_be_shown_is_logged_by_its_class(
    log_exceptions: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (result,) = answers(
        raising(UnshowableError()), settings=Settings(log_exceptions=log_exceptions)
    )

    assert result["error"].startswith("The tool failed.")
    assert "UnshowableError" in caplog.text
    assert SECRET not in caplog.text


def test_endless_recursion_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def deeper() -> Any:
        def down() -> Any:
            return down()

        return down()

    (result,) = answers(deeper)

    assert result["error"].startswith("The tool failed.")
    assert "RecursionError" in caplog.text


def test_what_the_log_says_of_a_result_is_our_own_text(caplog: pytest.LogCaptureFixture) -> None:
    answers(returning(object()))

    assert "ResultError: a tool returned object; return text" in caplog.text


def test_an_error_that_comes_from_another_names_both(caplog: pytest.LogCaptureFixture) -> None:
    @tool
    async def chained() -> None:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ResultError(SECRET + "!") from error

    answers(chained)

    assert "KeyError (its text is logged with" in caplog.text
    assert "which led to:" in caplog.text


TOLD = [
    ("That table was just taken.", "That table was just taken."),
    ("Line\nbreaks\u2028too", "Line breaks too"),
    ("half \ud83d", "half ?"),
    ("", "The tool could not do this."),
    (" \n", "The tool could not do this."),
    (7, "7"),
    (None, "None"),
    ("x" * 90, "x" * 50 + " … (cut: 50 of 90 characters)"),
]


@pytest.mark.parametrize(("text", "told"), TOLD, ids=[ascii(text)[:20] for text, _ in TOLD])
def test_the_text_of_a_tool_error_goes_to_the_assistant(text: Any, told: str) -> None:
    (result,) = answers(raising(ToolError(text)), settings=Settings(max_result_characters=50))

    assert result["error"] == told


def test_arguments_that_do_not_fit_are_told_without_their_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @tool
    async def book(people: int) -> None: ...

    body = tool_calls(entry("book", {"people": SECRET}))
    (result,) = asyncio.run(ask(dispatcher(book), body))

    assert result["error"].startswith("people: ")
    assert SECRET not in result["error"] + caplog.text


# --- what a tool returns ------------------------------------------------------------------


async def _coroutine() -> str:
    return "awaited"


def test_an_awaitable_from_a_plain_function_is_awaited() -> None:
    @tool
    def later() -> Awaitable[str]:
        return _coroutine()

    assert answers(later)[0]["result"] == "awaited"


@pytest.mark.parametrize("value", [object(), (n for n in "ab"), b"\xff", 10**5000], ids=type)
def test_what_cannot_be_sent_is_a_failure_that_is_answered(value: Any) -> None:
    (result,) = answers(returning(value))

    assert result["error"].startswith("The tool failed.")


def test_a_result_has_more_than_its_value() -> None:
    value = ToolResult(["a"], message=RequestComplete("Enjoy!", end_call=True), metadata={"n": 1})

    (result,) = answers(returning(value))

    assert result["result"] == '["a"]'
    assert result["message"]["content"] == "Enjoy!"
    assert result["message"]["endCallAfterSpokenEnabled"] is True
    assert result["metadata"] == {"n": 1}


def test_a_result_within_a_result_is_unpacked() -> None:
    value = ToolResult(ToolResult("ok", message="inner", metadata={"a": 1}), message="outer")

    (result,) = answers(returning(value))

    assert (result["result"], result["metadata"]) == ("ok", {"a": 1})
    assert result["message"] == {"type": "request-complete", "content": "outer"}


class Evil:
    def __bool__(self) -> bool:
        raise ValueError(SECRET)

    def __eq__(self, other: object) -> bool:
        raise ValueError(SECRET)

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    "odd",
    [
        {"message": 7},
        {"message": "x" * 1001},
        {"message": RequestStart("x")},
        {"message": RequestFailed("x")},
        {"message": Evil()},
        {"metadata": "text"},
        {"metadata": [1]},
        {"metadata": {"a": object()}},
        {"metadata": Evil()},
    ],
    ids=lambda odd: f"{next(iter(odd))} {type(next(iter(odd.values()))).__name__}",
)
def test_an_odd_extra_is_left_out_and_the_result_is_kept(
    odd: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    (result,) = answers(returning(ToolResult("booked", **odd)))

    assert result == {"name": "returning", "toolCallId": "id-0", "result": "booked"}
    assert f"returning: the {next(iter(odd))} of its answer was left out" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("message", [RequestFailed("Sorry."), "Sorry."], ids=type)
def test_a_tool_error_can_bring_its_own_words(message: Any) -> None:
    (result,) = answers(raising(ToolError("taken", message=message)))

    assert result["error"] == "taken"
    assert result["message"] == {"type": "request-failed", "content": "Sorry."}


@pytest.mark.parametrize("message", [7, RequestComplete("x"), Evil(), "x" * 1001], ids=type)
def test_an_odd_message_of_a_tool_error_is_left_out(message: Any) -> None:
    (result,) = answers(raising(ToolError("taken", message=message)))

    assert result == {"name": "raising", "toolCallId": "id-0", "error": "taken"}


# --- deadlines ----------------------------------------------------------------------------


@tool(timeout=0.02)
async def sleeps() -> str:
    await asyncio.sleep(60)
    return SECRET


@tool(timeout=0.02)
async def will_not_stop() -> str:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.01)
    return SECRET


@tool(timeout=0.02)
async def fails_when_stopped() -> str:
    try:
        await asyncio.sleep(60)
    finally:
        raise ValueError(SECRET)


@pytest.mark.parametrize("late", [sleeps, will_not_stop, fails_when_stopped], ids=repr)
def test_past_its_deadline_an_async_tool_is_answered(late: AnyTool) -> None:
    results = answers(late, returning("quick"))

    assert [each.get("error", each.get("result")) for each in results] == [TOO_LATE, "quick"]


def test_a_late_end_is_noted_and_its_result_never_sent(caplog: pytest.LogCaptureFixture) -> None:
    asked = dispatcher(will_not_stop)

    async def scenario() -> list[Any]:
        body = tool_calls(entry("will_not_stop"))
        first = await ask(asked, body)
        while "too late" not in caplog.text:
            await asyncio.sleep(0.001)
        return [*first, *await ask(asked, body)]

    results = asyncio.run(scenario())

    assert [each["error"] for each in results] == [TOO_LATE, TOO_LATE]
    assert SECRET not in caplog.text


def test_a_run_that_ended_in_time_is_not_noted_when_its_deadline_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @tool(timeout=0.02)
    async def in_time() -> str:
        await asyncio.sleep(0)
        return "in time"

    async def scenario() -> list[Any]:
        results = await ask(dispatcher(in_time), tool_calls(entry("in_time")))
        await asyncio.sleep(0.05)
        return results

    (result,) = asyncio.run(scenario())

    assert result["result"] == "in time"
    assert caplog.messages == []


def test_past_its_deadline_a_blocking_tool_is_answered_and_its_thread_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    free = threading.Event()

    @tool(timeout=0.02)
    def blocks() -> str:
        free.wait(5)
        return SECRET

    with caplog.at_level(logging.INFO, logger="vapitools"):
        (result,) = answers(blocks)
        free.set()
        for _ in range(1000):
            if "nobody waited" in caplog.text:
                break
            threading.Event().wait(0.005)

    assert result["error"] == TOO_LATE
    assert "blocks ended when nobody waited for it any more" in caplog.text


def test_a_blocking_tool_in_line_past_its_deadline_is_never_begun() -> None:
    free, begun = threading.Event(), list[str]()

    @tool(timeout=0.05)
    def blocks(name: str) -> None:
        begun.append(name)
        free.wait(5)

    async def scenario() -> list[Any]:
        asked = dispatcher(blocks, settings=Settings(threads=1))
        calls = [entry("blocks", {"name": n}, n) for n in "ab"]
        results = await ask(asked, tool_calls(*calls))
        free.set()
        await asyncio.sleep(0.02)
        return results

    results = asyncio.run(scenario())

    assert [each["error"] for each in results] == [TOO_LATE] * 2
    assert begun == ["a"]


def test_a_tool_that_cancels_its_own_task_is_answered() -> None:
    @tool
    async def gives_up() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        return "not reached"

    @tool
    async def cancels_and_returns() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "returned"

    first, second = answers(gives_up, cancels_and_returns)

    assert first["error"].startswith("The tool failed.")
    assert second["result"] == "returned"


def test_a_tool_knows_how_much_time_is_left() -> None:
    @tool(timeout=5)
    async def remaining(call: CallContext) -> bool:
        return 4 < call.remaining() <= 5

    assert answers(remaining)[0]["result"] == "yes"


@pytest.mark.parametrize("begun", [False, True], ids=["not begun", "begun"])
def test_a_tool_that_runs_while_the_server_stops_is_answered(begun: bool) -> None:
    async def scenario() -> list[Any]:
        asked = dispatcher(sleeps_long)
        delivery = asyncio.create_task(ask(asked, tool_calls(entry("sleeps_long"))))
        while not asked._tasks:
            await asyncio.sleep(0)
        if begun:
            await asyncio.sleep(0)
        for task in asked._tasks:
            task.cancel()
        return await delivery

    @tool
    async def sleeps_long() -> None:
        await asyncio.sleep(60)

    (result,) = asyncio.run(scenario())

    assert "again" in result["error"]


def test_a_run_left_behind_by_a_dead_event_loop_is_silent() -> None:
    loop = asyncio.new_event_loop()
    asked = dispatcher(sleeps)
    task = loop.create_task(ask(asked, tool_calls(entry("sleeps"))))
    loop.run_until_complete(asyncio.sleep(0.001))

    for each in asyncio.all_tasks(loop):
        each.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()

    assert task.done()


def test_a_request_that_a_stopping_server_cancels_is_still_answered() -> None:
    async def scenario() -> bytes:
        body = tool_calls(entry("sleeps", id_="1"), entry("quick", id_="2"))
        message = messages.parse(json.dumps(body).encode())
        asked = asyncio.create_task(dispatcher(sleeps, quick).answer(message))
        await asyncio.sleep(0.01)
        asked.cancel()
        return await asked

    @tool
    async def quick() -> str:
        return "done before"

    first, second = Reply(200, {}, asyncio.run(scenario())).results

    assert (first["toolCallId"], first["error"]) == (
        "1",
        "The server was stopped. Offer to try again.",
    )
    assert (second["toolCallId"], second["result"]) == ("2", "done before")


# --- once only ----------------------------------------------------------------------------


class Counting(Tool[[], Any]):
    """A tool that counts its runs, and waits for a sign when it is given one."""

    def __init__(self, wait: Callable[[], asyncio.Event] | None = None) -> None:
        self.runs = 0

        async def count() -> str:
            self.runs += 1
            if wait is not None:
                await wait().wait()
            return f"run {self.runs}"

        made = tool(count)
        super().__init__(made._function, made._spec)


def test_a_repeated_delivery_gets_the_same_answer() -> None:
    asked = dispatcher(counting := Counting())

    async def thrice() -> list[Any]:
        return [(await ask(asked, tool_calls(entry("count"))))[0] for _ in range(3)]

    assert [each["result"] for each in asyncio.run(thrice())] == ["run 1"] * 3
    assert counting.runs == 1


def test_a_repeat_joins_the_run_though_the_first_sender_is_gone() -> None:
    async def scenario() -> list[Any]:
        sign = asyncio.Event()
        asked = dispatcher(counting := Counting(lambda: sign))
        body = tool_calls(entry("count"))
        first = asyncio.create_task(ask(asked, body))
        while not counting.runs:
            await asyncio.sleep(0)
        first.cancel()
        second = asyncio.create_task(ask(asked, body))
        await asyncio.sleep(0)
        sign.set()
        return await second

    (result,) = asyncio.run(scenario())

    assert result["result"] == "run 1"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"call_id": "a"}, {"call_id": "b"}),
        ({"call_id": None}, {"call_id": None}),
        ({"call_id": ""}, {"call_id": ""}),
        ({"call_id": 7}, {"call_id": 7}),
    ],
    ids=["another call", "no call", "an empty id", "a number"],
)
def test_without_the_same_two_ids_each_delivery_runs(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    asked = dispatcher(counting := Counting())

    async def both() -> None:
        for ids in (first, second):
            await ask(asked, tool_calls(entry("count"), **ids))

    asyncio.run(both())

    assert counting.runs == 2


class SharedLedger:
    """One that somebody else wrote, and that may fail before or after the run is begun."""

    def __init__(self, fails: str = "") -> None:
        self._fails = fails
        self._known: dict[Key, ToolCallResult] = {}

    async def once(self, key: Key, start: Callable[[], Answer]) -> ToolCallResult:
        if self._fails == "before":
            raise ConnectionError(SECRET)
        if key not in self._known:
            self._known[key] = await start()
            if self._fails == "after":
                raise ConnectionError(SECRET)
        return self._known[key]


class PlainLedger:
    def once(self, key: Key, start: Callable[[], Answer]) -> Awaitable[ToolCallResult]:
        raise ConnectionError(SECRET)


@pytest.mark.parametrize(
    "ledger", [SharedLedger("before"), SharedLedger("after"), PlainLedger()], ids=type
)
def test_when_the_ledger_fails_the_call_runs_once_and_is_answered(
    ledger: Any, caplog: pytest.LogCaptureFixture
) -> None:
    asked = dispatcher(counting := Counting(), ledger=ledger)

    (result,) = asyncio.run(ask(asked, tool_calls(entry("count"))))

    assert result["result"] == "run 1"
    assert counting.runs == 1
    assert "the ledger failed; the call is answered without it" in caplog.text
    assert SECRET not in caplog.text


def test_a_ledger_of_ones_own_is_asked() -> None:
    ledger, counting = SharedLedger(), Counting()

    async def from_two_servers() -> list[Any]:
        body = tool_calls(entry("count"), entry("count", id_="call_2"))
        asked = [dispatcher(counting, ledger=ledger) for _ in range(2)]
        return [*await ask(asked[0], body), *await ask(asked[1], body)]

    results = asyncio.run(from_two_servers())

    assert counting.runs == 2
    assert results[:2] == results[2:]


# --- hooks --------------------------------------------------------------------------------


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str | None]] = []

    def started(self, run: ToolRun) -> None:
        self.seen.append(("started", run.tool, run.outcome))

    def finished(self, run: ToolRun) -> None:
        self.seen.append(("finished", run.tool, run.outcome))


OUTCOMES: dict[str, AnyTool] = {
    "ok": returning(1),
    "tool_error": raising(ToolError("no")),
    "failed": raising(ValueError()),
    "timeout": sleeps,
}


@pytest.mark.parametrize(("outcome", "each"), OUTCOMES.items(), ids=OUTCOMES)
def test_a_hook_sees_each_run_begin_and_end_once(outcome: str, each: AnyTool) -> None:
    recorder = Recorder()

    answers(each, hooks=[recorder])

    assert recorder.seen == [("started", each.name, None), ("finished", each.name, outcome)]


def test_a_hook_sees_what_a_tool_has_raised_and_no_log_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors: list[BaseException | None] = []
    error = ValueError(SECRET)

    class Errors(Recorder):
        def finished(self, run: ToolRun) -> None:
            errors.append(run.error)
            assert SECRET not in repr(run)

    for each in (raising(error), raising(ToolError("no")), returning(1)):
        answers(each, hooks=[Errors()])

    assert errors == [error, None, None]
    assert SECRET not in caplog.text


def test_a_hook_sees_the_run_of_an_unknown_tool_begin_and_end_too() -> None:
    recorder = Recorder()

    asyncio.run(ask(dispatcher(hooks=[recorder]), tool_calls(entry("nope"))))

    assert recorder.seen == [("started", "nope", None), ("finished", "nope", "unknown_tool")]


@pytest.mark.parametrize(
    "error", [ValueError(SECRET), SystemExit(SECRET), UnspeakableError()], ids=type
)
@pytest.mark.parametrize("broken", ["started", "finished"])
def test_a_hook_that_raises_hurts_neither_the_call_nor_other_hooks(
    broken: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(run: ToolRun) -> None:
        raise error

    bad, good = Recorder(), Recorder()
    setattr(bad, broken, fail)

    (result,) = answers(returning("fine"), hooks=[bad, good])

    assert result["result"] == "fine"
    assert len(good.seen) == 2
    assert "a run hook failed" in caplog.text
    assert SECRET not in caplog.text


def test_what_a_hook_writes_into_a_run_changes_no_answer() -> None:
    class Renaming(Recorder):
        def started(self, run: ToolRun) -> None:
            run.tool = "\ud800"

    (result,) = answers(returning("fine"), hooks=[Renaming()])

    assert result == {"name": "returning", "toolCallId": "id-0", "result": "fine"}


# --- the log ------------------------------------------------------------------------------


def test_each_run_is_one_line_and_nothing_from_outside_is_printed_raw(
    caplog: pytest.LogCaptureFixture,
) -> None:
    odd = "x\nERROR forged\x1b[31m"
    body = tool_calls(entry(odd, id_=odd), entry("returning", id_="b"), call_id=odd)

    with caplog.at_level(logging.INFO, logger="vapitools"):
        asyncio.run(ask(dispatcher(returning(1)), body))

    unknown, known = caplog.messages
    assert unknown.startswith("(not printable) ")
    assert unknown.endswith(" unknown_tool (call (not printable), tool call (not printable))")
    assert known.startswith("returning ")


@pytest.mark.parametrize("each", [returning(1), raising(ValueError(SECRET))], ids=["ok", "failed"])
def test_a_log_that_fails_costs_no_answer(each: AnyTool, caplog: pytest.LogCaptureFixture) -> None:
    def fail(record: logging.LogRecord) -> bool:
        raise ValueError(SECRET)

    logger = logging.getLogger("vapitools")
    logger.addFilter(fail)
    try:
        with caplog.at_level(logging.INFO, logger="vapitools"):
            (result,) = answers(each, hooks=[LogRuns()])
    finally:
        logger.removeFilter(fail)

    assert SECRET not in json.dumps(result)


def test_a_call_without_an_id_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(ask(dispatcher(returning(1)), tool_calls({"name": "returning"})))

    assert caplog.messages == ["a call of returning came without an id"]
