"""How handlers of events are run: in time, or after the response, and hurting nobody."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import logging
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message

from vapitools import (
    Assistant,
    CallContext,
    Events,
    Hang,
    Settings,
    SharedSecret,
    messages,
    router,
    server_messages,
    tool,
)
from vapitools._handlers import Handlers
from vapitools._threads import Threads
from vapitools.errors import DefinitionError
from vapitools.events import ANSWERED

from . import live, wire
from .conftest import SHARED, shared
from .servers import until
from .wire import JSON_TYPE, Reply, Run

SORRY = "Sorry, this is not possible right now. Please try again later."
SECRET = "MARKER-4711"
CONTEXT = CallContext()
CALL = {"call": {"id": "c-1"}}

Register = Callable[[Any], Any]


def body(type_: str, **fields: Any) -> dict[str, Any]:
    return {"message": {"type": type_, **CALL, **fields}}


def app(events: Events, *tools: Any, **options: Any) -> ASGIApp:
    return router(tools, **{"auth": None, "events": events, **options})


def answering(handler: Any, type_: str = "assistant-request", **options: Any) -> Events:
    """Events with one handler, whatever a type checker would say of it."""
    events: Any = Events()
    events.on(type_, **options)(handler)
    return events  # type: ignore[no-any-return]


def listening(*handlers: Any, type_: str = "status-update") -> Events:
    events: Any = Events()
    for handler in handlers:
        events.on(type_)(handler)
    return events  # type: ignore[no-any-return]


def asked(
    handler: Any,
    type_: str = "assistant-request",
    *,
    limits: Settings | None = None,
    **options: Any,
) -> Any:
    """What a message of that type is answered with."""
    served = app(answering(handler, type_, **options), settings=limits)
    reply = wire.post(served, body(type_))
    assert reply.status == 200
    return reply.json()


def told(caplog: pytest.LogCaptureFixture) -> str:
    """The one thing that was found wrong."""
    ours = [record for record in caplog.records if record.name == "vapitools"]
    (line,) = [record.getMessage() for record in ours if record.levelno >= logging.WARNING]
    assert SECRET not in caplog.text
    return line


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError(SECRET)


FAILURES = [
    ValueError(SECRET),
    UnprintableError(SECRET),
    SystemExit(SECRET),
    KeyboardInterrupt(SECRET),
    StopIteration(SECRET),
    asyncio.CancelledError(SECRET),
]
failures = pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)


def raising(error: BaseException) -> list[Any]:
    """An `async def` and a `def` that raise it."""

    async def pick(_: Any) -> None:
        raise error

    def pick_in_thread(_: Any) -> None:
        raise error

    return [pick, pick_in_thread]


# --- answers in time ----------------------------------------------------------------------


async def pick(request: Any) -> str:
    return f"Nobody is here for {request.call.id}."


def pick_in_thread(request: Any) -> str:
    assert threading.current_thread().name == "vapitools"
    return f"Nobody is here for {request.call.id}."


class Picker:
    async def __call__(self, request: Any) -> str:
        return await pick(request)

    def method(self, request: Any) -> str:
        return pick_in_thread(request)


@pytest.mark.parametrize("handler", [pick, pick_in_thread, Picker(), Picker().method])
def test_what_a_handler_returns_is_the_answer(handler: Any) -> None:
    assert asked(handler) == {"error": "Nobody is here for c-1."}


def test_a_def_handler_can_return_what_is_awaited() -> None:
    assert asked(lambda request: pick(request)) == {"error": "Nobody is here for c-1."}


@pytest.mark.parametrize("type_", sorted(ANSWERED - {"voice-request"}))
def test_without_a_handler_a_question_is_answered_with_nothing_and_noted(
    type_: str, caplog: pytest.LogCaptureFixture
) -> None:
    reply = wire.post(app(Events()), body(type_))

    assert (reply.status, reply.json()) == (200, {})
    assert told(caplog) == f"nothing here answers {type_}: @events.on({type_!r})"


def test_a_late_handler_is_cancelled_and_the_fallback_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cancelled: list[bool] = []

    async def pick(_: Any) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    assert asked(pick, timeout=0.02, fallback="Call later, please.") == {
        "error": "Call later, please."
    }
    assert cancelled == [True]
    assert told(caplog).endswith(
        "pick did not answer a message of type assistant-request within 0.02 seconds; "
        "the fallback was answered"
    )


def test_a_handler_that_will_not_be_cancelled_is_left_behind() -> None:
    is_answered = asyncio.Event()

    async def pick(_: Any) -> str:
        while not is_answered.is_set():
            try:
                await is_answered.wait()
            except asyncio.CancelledError:
                continue
        return "too late"

    async def scenario() -> Reply:
        served = app(answering(pick, timeout=0.02))
        reply = await asyncio.wait_for(wire.send(served, body("assistant-request")), 5)
        is_answered.set()
        await asyncio.sleep(0)
        return reply

    assert asyncio.run(scenario()).json() == {"error": SORRY}


def test_a_late_def_handler_does_not_hold_up_the_answer() -> None:
    may_end = threading.Event()

    def pick(_: Any) -> str:
        may_end.wait(5)
        return "too late"

    began = time.monotonic()
    answer = asked(pick, timeout=0.02)
    took = time.monotonic() - began
    may_end.set()

    assert answer == {"error": SORRY}
    assert took < 4


@failures
@pytest.mark.parametrize("which", [0, 1], ids=["async def", "def"])
def test_a_failing_handler_is_noted_and_the_fallback_answered(
    error: BaseException, which: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert asked(raising(error)[which], fallback="Call later, please.") == {
        "error": "Call later, please."
    }
    assert "pick" in told(caplog).splitlines()[0]
    assert "of assistant-request failed" in told(caplog).splitlines()[0]


def test_the_text_of_an_exception_is_logged_only_when_that_is_set(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked(raising(ValueError(SECRET))[0], limits=Settings(log_exceptions=True))

    assert f"ValueError: {SECRET}" in caplog.text


NONSENSE: dict[str, list[Any]] = {
    "assistant-request": [None, 7, [], {}, {"x": SECRET}, "", object(), b"x", float("nan")],
    "call.endpointing.request": [None, "soon", -1, 16, float("nan"), True, {}],
    "campaign.predial": [None, "yes", 1, {}],
    "handoff-destination-request": [None, 7, {"x": SECRET}, ""],
    "knowledge-base-request": [None, 7, [7], [SECRET], {"x": SECRET}],
    "transfer-destination-request": [None, 7, {"x": SECRET}, ""],
}


@pytest.mark.parametrize(
    ("type_", "value"), [(type_, value) for type_, values in NONSENSE.items() for value in values]
)
def test_who_returns_no_answer_is_told_what_to_return(
    type_: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def pick(_: Any) -> Any:
        return value

    fallback = asked(lambda _: 1 / 0, type_)
    caplog.clear()

    assert asked(pick, type_) == fallback
    line = told(caplog)
    assert f"pick of {type_} failed: got {type(value).__name__}; return " in line
    assert "\n" not in line


class Circle(dict[str, Any]):
    """A mapping that holds itself."""

    def __init__(self) -> None:
        super().__init__(error="x")
        self["x"] = self


class Failing(dict[str, Any]):
    def __iter__(self) -> Iterator[str]:
        raise ValueError(SECRET)


UNWRITABLE = [{"error": object()}, {"error": {1j: 2}}, Circle(), Failing(x=1)]


@pytest.mark.parametrize("value", UNWRITABLE, ids=lambda value: type(value).__name__)
def test_what_cannot_be_written_as_json_is_not_answered(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def pick(_: Any) -> Any:
        return value

    assert asked(pick) == {"error": SORRY}
    assert "of assistant-request failed" in told(caplog)


def test_a_cancelled_request_is_answered_with_the_fallback_and_its_handler_is_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended: list[bool] = []

    async def pick(_: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def scenario() -> Reply:
        served = app(answering(pick))
        request = asyncio.create_task(wire.send(served, body("assistant-request")))
        await asyncio.sleep(0.01)
        request.cancel()
        return await request

    assert asyncio.run(scenario()).json() == {"error": SORRY}
    assert ended == [True]
    assert caplog.messages == []


# --- an assistant returned inline ---------------------------------------------------------


@tool
async def find_tables() -> str:
    """Find free tables."""
    return "none"


@tool
async def cancel_booking() -> str:
    """Cancel a booking."""
    return "done"


def inline(
    assistant: Assistant,
    *headers: tuple[bytes, bytes],
    root_path: str = "",
    **options: Any,
) -> Any:
    """The definition of an assistant that a handler has returned."""

    async def pick(_: Any) -> Assistant:
        return assistant

    served = app(answering(pick), find_tables, **options)

    async def below(scope: Any, receive: Any, send: Any) -> None:
        path = root_path + scope["path"]
        await served({**scope, "root_path": root_path, "path": path}, receive, send)

    sent = [*JSON_TYPE, *headers]
    return wire.post(below, body("assistant-request"), headers=sent).json()["assistant"]


LUIGI = Assistant(name="Luigi", model="openai/gpt-4o", system_prompt="Take bookings.")


def test_an_inline_assistant_gets_the_tools_and_the_secret_of_the_router() -> None:
    auth = SharedSecret("s3cret", "older")

    definition = inline(
        LUIGI,
        (b"x-vapi-secret", b"s3cret"),
        auth=auth,
        settings=Settings(url="https://luigi.example.com/vapi"),
    )

    (defined,) = definition["model"]["tools"]
    assert definition["name"] == "Luigi"
    assert definition["server"] == {
        "url": "https://luigi.example.com/vapi/webhook",
        "secret": "s3cret",
    }
    assert defined["function"]["name"] == "find_tables"
    assert defined["server"]["url"] == "https://luigi.example.com/vapi/tools/find_tables"
    assert defined["server"]["secret"] == "s3cret"
    assert definition["serverMessages"] == ["tool-calls"]


def test_what_vapi_is_told_of_the_server_can_be_given() -> None:
    definition = inline(LUIGI, server={"credentialId": "cred-1"})

    assert definition["server"]["credentialId"] == "cred-1"
    assert definition["model"]["tools"][0]["server"]["credentialId"] == "cred-1"


HOST = (b"host", b"inside:8000")
ADDRESSES: dict[str, tuple[list[tuple[bytes, bytes]], str, str]] = {
    "the host": ([HOST], "", "http://inside:8000"),
    "a prefix": ([HOST], "/vapi", "http://inside:8000/vapi"),
    "a proxy": (
        [HOST, (b"x-forwarded-host", b"out.example"), (b"x-forwarded-proto", b"https")],
        "/vapi",
        "https://out.example/vapi",
    ),
    "two proxies": (
        [HOST, (b"x-forwarded-host", b"out.example, mid"), (b"x-forwarded-proto", b"https, http")],
        "",
        "https://out.example",
    ),
    "nothing": ([], "", "http://localhost"),
}


@pytest.mark.parametrize(("headers", "root_path", "url"), ADDRESSES.values(), ids=ADDRESSES)
def test_without_a_set_address_an_inline_assistant_gets_the_one_that_was_called(
    headers: list[tuple[bytes, bytes]], root_path: str, url: str
) -> None:
    definition = inline(LUIGI, *headers, root_path=root_path)

    assert definition["server"]["url"] == f"{url}/webhook"
    assert definition["model"]["tools"][0]["server"]["url"] == f"{url}/tools/find_tables"


def test_an_assistant_with_a_tool_that_is_not_served_here_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def pick(_: Any) -> Assistant:
        return Assistant(
            model="openai/gpt-4o", system_prompt="Hi.", tools=[find_tables, cancel_booking]
        )

    reply = wire.post(app(answering(pick), find_tables), body("assistant-request"))

    assert reply.json() == {"error": SORRY}
    assert told(caplog).endswith("failed: the router has no tools cancel_booking")


def test_a_fallback_that_cannot_be_given_leaves_an_empty_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    elsewhere = Assistant(model="openai/gpt-4o", system_prompt="Hi.", tools=[cancel_booking])

    assert asked(pick_none, fallback=elsewhere) == {}
    assert "got NoneType; return " in caplog.messages[0]
    assert caplog.messages[1].endswith("failed: the router has no tools cancel_booking")


async def pick_none(_: Any) -> None: ...


# --- told after the response --------------------------------------------------------------


class Listener:
    """An `async def` handler that goes on until it may end."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.state = "not run"

    async def __call__(self, _: Any) -> None:
        self.state = "running"
        try:
            await self.may_end.wait()
            self.state = "done"
        except asyncio.CancelledError:
            self.state = "ended"
            raise


def test_the_client_has_its_answer_while_handlers_run() -> None:
    may_end, state = threading.Event(), list[str]()

    def keep(_: Any) -> None:
        state.append("running")
        may_end.wait(5)
        state.append("done")

    with live.serving(app(listening(keep))) as port, live.connected(port) as peer:
        for _ in range(2):
            peer.sendall(live.request(body("status-update")))
            status, _, answer = live.answer(peer)
            assert (status, answer) == (200, b"{}")
        until(lambda: len(state) == 2)
        assert state == ["running", "running"]
        may_end.set()
        until(lambda: len(state) == 4)


def test_handlers_of_one_message_run_at_the_same_time() -> None:
    met: list[str] = []

    async def scenario() -> None:
        barrier: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]

        def meeting(mine: int) -> Any:
            async def keep(_: Any) -> None:
                barrier[mine].set()
                await asyncio.wait_for(barrier[1 - mine].wait(), 5)
                met.append("met")

            return keep

        await wire.send(app(listening(meeting(0), meeting(1))), body("status-update"))

    asyncio.run(scenario())

    assert met == ["met", "met"]


@failures
def test_a_failing_listener_hurts_nobody(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []

    reply = wire.post(
        app(listening(heard.append, *raising(error), heard.append)), body("status-update")
    )

    assert (reply.status, reply.body) == (200, b"{}")
    assert len(heard) == 2
    assert len(caplog.messages) == 2
    assert all("of status-update failed\n" in line for line in caplog.messages)
    assert SECRET not in caplog.text


def test_a_handler_of_everything_hears_everything() -> None:
    heard: list[Any] = []
    events = Events()
    events.on_any(heard.append)
    types = [*server_messages.CLASSES, "brand-new", 'transcript[transcriptType="final"]']
    served = app(events, find_tables)

    for type_ in types:
        assert wire.post(served, body(type_)).status == 200
    reply = wire.post(served, wire.tool_calls(wire.entry("find_tables")))

    assert reply.result["result"] == "none"
    assert [message.type for message in heard] == [*types, "tool-calls"]


def test_a_type_in_brackets_comes_under_its_plain_name_too() -> None:
    heard: list[Any] = []
    events = Events()
    events.on("transcript")(heard.append)
    events.on('transcript[transcriptType="final"]')(heard.append)
    served = app(events)

    wire.post(served, body("transcript"))
    wire.post(served, body('transcript[transcriptType="final"]'))

    assert [message.is_final for message in heard] == [False, True, True]


def test_the_type_of_a_message_is_no_way_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    events.on_any(raising(ValueError())[0])

    wire.post(app(events), body("x\nERROR: all is lost"))

    assert "of (not printable) failed" in told(caplog)


def test_when_the_request_is_cancelled_its_listeners_run_on() -> None:
    async def scenario() -> None:
        listener = Listener()
        request = asyncio.create_task(wire.send(app(listening(listener)), body("status-update")))
        await asyncio.sleep(0.01)
        request.cancel()
        await asyncio.wait({request})
        assert listener.state == "running"
        listener.may_end.set()
        await asyncio.sleep(0.01)
        assert listener.state == "done"

    asyncio.run(scenario())


def test_when_the_answer_cannot_be_sent_the_listeners_are_told_all_the_same() -> None:
    heard: list[Any] = []

    async def lost(_: Message) -> None:
        raise OSError("the peer has gone")

    async def unheard(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(OSError, match="the peer has gone"):
            await app(listening(heard.append))(scope, receive, lost)

    wire.post(unheard, body("status-update"))

    assert len(heard) == 1


# --- the end of the server ----------------------------------------------------------------


@asynccontextmanager
async def running(served: Any) -> AsyncIterator[None]:
    """The lifespan of a router."""
    async with served.lifespan_context(served):
        yield


async def given_up(served: Any, *listeners: Listener) -> None:
    """Tell listeners of a message, in a request that is cancelled then."""
    request = asyncio.create_task(wire.send(served, body("status-update")))
    await asyncio.sleep(0.01)
    request.cancel()
    await asyncio.wait({request})
    assert [listener.state for listener in listeners] == ["running"] * len(listeners)


def test_the_server_waits_for_its_listeners(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        listener = Listener()
        served = app(listening(listener))
        async with running(served):
            await given_up(served, listener)
            asyncio.get_running_loop().call_later(0.05, listener.may_end.set)
        assert listener.state == "done"

    asyncio.run(scenario())

    assert caplog.messages == []


def test_listeners_that_go_on_for_too_long_are_ended_with_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_open: list[bool] = []

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        is_open.append(True)
        yield
        is_open.append(False)

    class Cleaning(Listener):
        async def __call__(self, _: Any) -> None:
            try:
                await super().__call__(_)
            finally:
                await asyncio.sleep(0.01)
                self.state += f" while open: {is_open[-1]}"

    async def scenario() -> None:
        listeners = Cleaning(), Cleaning()
        limits: Any = {"grace_seconds": 0.02}
        served = app(listening(*listeners), settings=Settings(**limits), lifespan=lifespan)
        async with running(served):
            await given_up(served, *listeners)
        assert [each.state for each in listeners] == ["ended while open: True"] * 2

    asyncio.run(scenario())

    assert told(caplog) == "2 handlers of events were ended with the server"


def serve_in_one_event_loop_after_the_other() -> None:
    listener = Listener()
    served = app(listening(listener))

    async def leave() -> None:
        await given_up(served, listener)

    # Closed with its task in it, as no good runner does.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    loop.close()

    async def scenario() -> None:
        async with running(served):
            listener.may_end = asyncio.Event()
            listener.may_end.set()
            await wire.send(served, body("status-update"))
            assert listener.state == "done"

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_a_router_serves_in_one_event_loop_after_the_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    serve_in_one_event_loop_after_the_other()
    # What was left in the first loop is thrown away here, and not in the middle of another test.
    gc.collect()

    assert [record for record in caplog.records if record.name == "vapitools"] == []


def test_what_the_lifespan_yields_reaches_handlers() -> None:
    seen: list[Any] = []

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"tables": 7}

    events = Events()
    events.on("status-update")(lambda message: seen.append(message.call.state["tables"]))
    events.on("assistant-request")(lambda request: f"There are {request.call.state['tables']}.")

    with live.serving(app(events, lifespan=lifespan)) as port, live.connected(port) as peer:
        peer.sendall(live.request(body("assistant-request")))
        _, _, answer = live.answer(peer)
        peer.sendall(live.request(body("status-update")))
        live.answer(peer)
        until(lambda: bool(seen))

    assert json.loads(answer) == {"error": "There are 7."}
    assert seen == [7]


# --- sound --------------------------------------------------------------------------------

PCM = b"\x01\x02" * 8


def spoken(handler: Any, *, limits: Settings | None = None, **options: Any) -> bytes:
    """What a `voice-request` is answered with."""
    served = app(answering(handler, "voice-request", **options), settings=limits)
    reply = wire.post(served, body("voice-request", text="Hi", sampleRate=8000))
    assert (reply.status, reply.headers) == (200, {"content-type": "application/octet-stream"})
    return reply.body


async def speak_whole(_: Any) -> bytes:
    return PCM


def speak_in_thread(_: Any) -> bytes:
    return PCM


async def speak(_: Any) -> AsyncGenerator[bytes]:
    for byte in PCM:
        await asyncio.sleep(0)
        yield bytes([byte])


def speak_steps(_: Any) -> Iterator[bytes]:
    for byte in PCM:
        assert threading.current_thread().name == "vapitools"
        yield bytes([byte])


async def speak_async_iterator(_: Any) -> Any:
    return speak(_)


def speak_list(_: Any) -> list[bytes]:
    return [PCM[:3], b"", PCM[3:]]


SPEAKERS = [
    speak_whole,
    speak_in_thread,
    speak,
    speak_steps,
    speak_async_iterator,
    speak_list,
]


@pytest.mark.parametrize("handler", SPEAKERS)
def test_sound_is_streamed(handler: Any) -> None:
    assert spoken(handler) == PCM


def test_without_a_handler_a_voice_request_is_answered_with_nothing() -> None:
    assert wire.post(app(Events()), body("voice-request")).body == b"{}"


async def speak_number(_: Any) -> Any:
    return 7


async def speak_none(_: Any) -> None: ...


async def speak_text(_: Any) -> Any:
    yield "Hi"


def speak_text_steps(_: Any) -> Any:
    yield "Hi"


def speak_gap(_: Any) -> Any:
    yield None


NO_SOUND = [
    (speak_number, "int"),
    (speak_none, "NoneType"),
    (speak_text, "str"),
    (speak_text_steps, "str"),
    (speak_gap, "NoneType"),
    (lambda _: "Hi", "str"),
]


@pytest.mark.parametrize(("handler", "type_"), NO_SOUND)
def test_who_gives_no_sound_is_told_and_the_fallback_is_spoken(
    handler: Any, type_: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert spoken(handler, fallback=PCM) == PCM
    assert told(caplog).endswith(
        f"of voice-request failed: got {type_}; return or yield bytes of 16-bit PCM with one "
        "channel"
    )


def cut_off(error: BaseException) -> list[Any]:
    """Handlers that fail after a part of the sound."""

    async def speak(_: Any) -> AsyncGenerator[bytes]:
        yield PCM
        raise error

    def speak_steps(_: Any) -> Iterator[bytes]:
        yield PCM
        raise error

    return [speak, speak_steps]


@pytest.mark.parametrize("error", FAILURES[:-1], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("which", [0, 1], ids=["async", "plain"])
def test_sound_that_fails_in_the_middle_ends_there(
    error: BaseException, which: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert spoken(cut_off(error)[which], fallback=b"not spoken") == PCM
    assert "of voice-request failed\n" in told(caplog)


@failures
def test_a_voice_that_fails_before_it_speaks_is_replaced(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    for handler in raising(error):
        caplog.clear()

        assert spoken(handler, fallback=PCM) == PCM
        assert "of voice-request failed\n" in told(caplog)


async def speak_and_hang(_: Any) -> AsyncGenerator[bytes]:
    yield PCM
    await asyncio.Event().wait()


async def hang(_: Any) -> AsyncGenerator[bytes]:
    await asyncio.Event().wait()
    yield b"too late"


async def hang_whole(_: Any) -> bytes:
    await asyncio.Event().wait()
    return b"too late"


@pytest.mark.parametrize("handler", [speak_and_hang, hang, hang_whole])
def test_a_voice_that_hangs_is_ended(handler: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert spoken(handler, timeout=0.02, fallback=PCM) == PCM
    assert "within 0.02 seconds" in told(caplog) or "for 0.02 seconds" in told(caplog)


def test_a_voice_that_hangs_in_a_thread_is_closed_when_it_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    may_go_on, is_closed = threading.Event(), threading.Event()

    def speak(_: Any) -> Iterator[bytes]:
        try:
            yield PCM
            may_go_on.wait(5)
            yield PCM
        finally:
            is_closed.set()

    assert spoken(speak, timeout=0.02, limits=Settings(threads=1)) == PCM
    assert told(caplog).endswith("speak of voice-request failed: no sound came for 0.02 seconds")
    assert not is_closed.is_set()
    may_go_on.set()
    assert is_closed.wait(5)


def test_a_voice_speaks_in_one_task() -> None:
    """As what it holds between two pieces, such as a time limit, needs."""
    tasks: set[Any] = set()

    async def speak(_: Any) -> AsyncGenerator[bytes]:
        for _ in range(3):
            tasks.add(asyncio.current_task())
            yield PCM

    spoken(speak)

    assert len(tasks) == 1


def voice_request() -> messages.Message:
    return messages.parse(json.dumps(body("voice-request")).encode())


def stoppable(closed_in: list[str]) -> list[Any]:
    """Handlers that note in which thread they are closed."""

    async def speak(_: Any) -> AsyncGenerator[bytes]:
        try:
            yield PCM
            yield PCM
        finally:
            closed_in.append(threading.current_thread().name)

    def speak_steps(_: Any) -> Iterator[bytes]:
        try:
            yield PCM
            yield PCM
        finally:
            closed_in.append(threading.current_thread().name)

    return [speak, speak_steps]


@pytest.mark.parametrize(("which", "thread"), [(0, "MainThread"), (1, "vapitools")])
def test_a_voice_that_is_stopped_is_closed_at_once(which: int, thread: str) -> None:
    closed_in: list[str] = []

    async def scenario() -> None:
        events = answering(stoppable(closed_in)[which], "voice-request")
        sound = Handlers(events, Settings()).sound(voice_request(), CONTEXT)
        assert sound is not None
        assert await anext(sound) == PCM
        await sound.aclose()
        assert closed_in == [thread]

    asyncio.run(scenario())


def test_a_voice_whose_sound_cannot_be_sent_is_closed_at_once() -> None:
    closed_in: list[str] = []
    served = app(answering(stoppable(closed_in)[0], "voice-request"))

    async def lost(event: Message) -> None:
        if event.get("body"):
            raise OSError("the peer has gone")

    async def unheard(scope: Any, receive: Any, send: Any) -> None:
        asgi = {"version": "3.0", "spec_version": "2.4"}
        with pytest.raises(ClientDisconnect):
            await served({**scope, "asgi": asgi}, receive, lost)
        assert closed_in == ["MainThread"]

    wire.post(unheard, body("voice-request"))


class NoThreads(Threads):
    async def run(self, function: Callable[[], Any]) -> Any:
        pytest.fail("a thread was asked for")


class Speaker:
    async def __call__(self, request: Any) -> AsyncGenerator[bytes]:
        async for piece in speak(request):
            yield piece


@pytest.mark.parametrize(
    "handler", [speak, speak_whole, Speaker(), partial(speak)], ids=lambda each: type(each).__name__
)
def test_what_is_async_needs_no_thread(handler: Any) -> None:
    async def scenario() -> bytes:
        handlers = Handlers(answering(handler, "voice-request"), Settings())
        handlers._threads = NoThreads(1)
        sound = handlers.sound(voice_request(), CONTEXT)
        assert sound is not None
        return b"".join([piece async for piece in sound])

    assert asyncio.run(scenario()) == PCM


async def speak_nothing(_: Any) -> AsyncGenerator[bytes]:
    for piece in list[bytes]():
        yield piece


@pytest.mark.parametrize("handler", [speak_nothing, lambda _: b"", lambda _: []])
def test_a_voice_can_be_silent(handler: Any) -> None:
    assert spoken(handler, fallback=PCM) == b""


def endless(stopped: threading.Event) -> list[Any]:
    async def speak(_: Any) -> AsyncGenerator[bytes]:
        try:
            while True:
                yield PCM * 1000
                await asyncio.sleep(0.001)
        finally:
            stopped.set()

    def speak_steps(_: Any) -> Iterator[bytes]:
        try:
            while True:
                yield PCM * 1000
        finally:
            stopped.set()

    return [speak, speak_steps]


@pytest.mark.parametrize("which", [0, 1], ids=["async", "plain"])
@pytest.mark.parametrize("reads", [True, False], ids=["at once", "after reading nothing"])
def test_an_endless_voice_stops_when_the_peer_goes_away(
    which: int, reads: bool, caplog: pytest.LogCaptureFixture
) -> None:
    stopped = threading.Event()
    events = answering(endless(stopped)[which], "voice-request")
    heard: list[Any] = []
    events.on_any(heard.append)

    with live.serving(app(events)) as port:
        with live.connected(port) as peer:
            peer.sendall(live.request(body("voice-request")))
            received = b""
            while PCM not in received:
                received += peer.recv(4096)
            assert received.startswith(b"HTTP/1.1 200 OK")
            if not reads:
                time.sleep(0.1)  # until nothing more fits between them
        assert stopped.wait(5)
        until(lambda: bool(heard))
        with live.connected(port) as peer:
            peer.sendall(live.request(body("status-update")))
            assert live.answer(peer)[0] == 200

    assert caplog.messages == []


def test_a_plain_voice_that_is_busy_when_the_peer_goes_away_is_closed_as_soon_as_it_can_be() -> (
    None
):
    is_busy, may_go_on, is_closed = threading.Event(), threading.Event(), threading.Event()
    heard: list[Any] = []

    def speak(_: Any) -> Iterator[bytes]:
        try:
            yield PCM
            is_busy.set()
            may_go_on.wait(5)
            yield PCM
        finally:
            is_closed.set()

    events = answering(speak, "voice-request")
    events.on_any(heard.append)

    with live.serving(app(events)) as port:
        with live.connected(port) as peer:
            peer.sendall(live.request(body("voice-request")))
            received = b""
            while PCM not in received:
                received += peer.recv(4096)
            assert is_busy.wait(5)
        until(lambda: bool(heard))
        assert not is_closed.is_set()
        may_go_on.set()
        assert is_closed.wait(5)


# --- every message ------------------------------------------------------------------------


def everything() -> Events:
    """Handlers of all types, each of which reads all there is to read."""
    events: Any = Events()
    answers = {
        "call.endpointing.request": 1,
        "campaign.predial": True,
        "knowledge-base-request": "Yes.",
        "voice-request": PCM,
    }

    def read(message: Any) -> Any:
        for name in dir(message):
            if not name.startswith("_"):
                getattr(message, name)
        return answers.get(message.type, "Not today.")

    async def handle(message: Any) -> Any:
        return read(message)

    for type_ in server_messages.CLASSES:
        events.on(type_)(handle)
    events.on_any(handle)
    return events  # type: ignore[no-any-return]


def recorded() -> dict[str, Any]:
    theirs = {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in sorted((SHARED / "payloads").glob("*.json"))
    }
    unknown = {"unknown": body("brand-new")}
    own = {type_: body(type_) for type_ in server_messages.CLASSES}
    return {**wire.RECORDED, **theirs, **unknown, **own}


BODIES = recorded()


@pytest.mark.parametrize("events", [Events(), everything()], ids=["no handlers", "all handlers"])
def test_every_recorded_message_is_answered(
    events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    shared("payloads")
    served = app(events, find_tables)

    with wire.event_loop() as run:
        for name, each in BODIES.items():
            assert run(wire.send(served, each)).status == 200, name

    assert " failed" not in caplog.text


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside, some levels deep."""
    if len(path) < 5 and isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from places(value[key], (*path, key))


PLACES = {name: list(places(each)) for name, each in BODIES.items()}
GONE = object()
VALUES = [GONE, None, True, 0, -1.5, 10**30, "", "x\n", "\ud83d", [], [[]], {}, {"x": None}]
changes = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(VALUES)), min_size=1, max_size=4
)


def changed(name: str, edits: list[tuple[int, Any]]) -> Any:
    """A recorded body with some fields gone, or of another type."""
    result = copy.deepcopy(BODIES[name])
    for place, value in edits:
        *way, last = PLACES[name][place % len(PLACES[name])]
        target = result
        try:
            for key in way:
                target = target[key]
            if value is GONE:
                del target[last]
            else:
                target[last] = copy.deepcopy(value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier edit took it away
    return result


@contextmanager
def failures_noted() -> Iterator[list[str]]:
    """What is logged as an error; nothing else is kept, since it would be thousands of lines."""
    logger, noted = logging.getLogger("vapitools"), list[str]()

    def note(record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR:
            noted.append(record.getMessage())
        return False

    logger.addFilter(note)
    try:
        yield noted
    finally:
        logger.removeFilter(note)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with wire.event_loop() as run:
        yield run


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(BODIES)), changes)
def test_messages_with_any_field_changed_are_answered_and_read(
    run: Run, name: str, edits: list[tuple[int, Any]]
) -> None:
    with failures_noted() as failed:
        reply = run(wire.send(EVERYTHING, changed(name, edits)))

    assert reply.status == 200
    assert failed == []


EVERYTHING = app(everything(), find_tables)


def test_a_fallback_that_is_no_answer_is_an_error_at_once() -> None:
    with pytest.raises(DefinitionError, match="fallback: got int"):
        answering(pick, fallback=7)


# --- limits ------------------------------------------------------------------------------


def test_slow_handlers_keep_no_tool_waiting() -> None:
    done = threading.Event()
    events = Events()

    @events.on("hang")
    def wait(_: Hang) -> None:
        done.wait(10)

    @tool
    def greet() -> str:
        return "Hello."

    async def flooded() -> Any:
        served = router([greet], auth=None, events=events, settings=Settings(threads=2))
        floods = [asyncio.ensure_future(wire.send(served, body("hang"))) for _ in range(5)]
        await asyncio.sleep(0.05)
        reply = await wire.send(served, wire.tool_calls(wire.entry("greet")))
        done.set()
        await asyncio.gather(*floods)
        return reply.result["result"]

    assert asyncio.run(flooded()) == "Hello."


def test_more_handlers_than_may_run_are_not_begun(caplog: pytest.LogCaptureFixture) -> None:
    events, begun = Events(), list[str | None]()
    go = asyncio.Event()

    @events.on("hang")
    async def wait(message: Hang) -> None:
        begun.append(message.call.id)
        await go.wait()

    async def flooded() -> list[int]:
        served = router(auth=None, events=events, settings=Settings(handlers=2))
        floods = [asyncio.ensure_future(wire.send(served, body("hang"))) for _ in range(4)]
        await asyncio.sleep(0.05)
        go.set()
        return [reply.status for reply in await asyncio.gather(*floods)]

    assert asyncio.run(flooded()) == [200] * 4
    assert len(begun) == 2
    assert caplog.text.count("2 handlers are running, as many as may") == 2


def test_a_handler_that_never_ends_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    events, ended = Events(), list[bool]()

    @events.on("hang")
    async def stay(_: Hang) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    settings = Settings(handler_seconds=0.05)  # type: ignore[arg-type]
    reply = wire.post(router(auth=None, events=events, settings=settings), body("hang"))

    assert (reply.status, ended) == (200, [True])
    assert "a handler was ended after" in told(caplog)
