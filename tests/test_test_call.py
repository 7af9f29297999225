"""A phone call in a test's own code."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.live import serving
from vapitools import (
    Assistant,
    AssistantRequest,
    CallContext,
    DefinitionError,
    Document,
    EndOfCallReport,
    Events,
    HandoffDestinationRequest,
    KnowledgeBaseRequest,
    NumberDestination,
    RequestStart,
    Settings,
    SharedSecret,
    Squad,
    Static,
    ToolError,
    Toolset,
    TransferDestinationRequest,
    router,
    tool,
)
from vapitools.errors import PlayError
from vapitools.testing import TestCall

Calls = Callable[..., TestCall]

SECRET = "s3cret-of-the-house"


@tool(messages=[RequestStart("Let me add that up.")])
async def add(first: int, second: int = 2) -> int:
    """Add two numbers."""
    return first + second


@tool
def whoami(caller: Annotated[str, Static("{{customer.number}}")] = "") -> str:
    """Say who calls."""
    return f"You are {caller}."


@tool
async def talk(call: CallContext) -> str:
    """Say something while it works."""
    await call.say("Still here.")
    return "Done."


@tool
async def hang_up(call: CallContext) -> str:
    """End the call."""
    await call.end()
    return "Bye."


@tool
def fail() -> str:
    """Has a bug."""
    raise KeyError("the name of the caller")


@tool
def refuse() -> str:
    """Says no."""
    raise ToolError("Not today.")


@tool
def state(call: CallContext) -> str:
    """Say what the lifespan has opened."""
    return str(call.state["word"])


TOOLS = Toolset([add, whoami, talk, hang_up, fail, refuse, state])


# --- tools --------------------------------------------------------------------------------


def test_a_tool_answers_with_a_value_a_text_and_what_was_heard(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS)

    answer = call.tool("add", first="1")

    assert (answer.value, answer.result, answer.error) == (3, "3", None)
    assert answer.heard == ["Let me add that up."]
    assert call.heard == ["Let me add that up."]


def test_several_tools_are_called_at_once_and_answered_in_their_order(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS)

    answers = call.tools(("add", {"first": 1}), ("refuse", {}), ("add", {"first": 5}))

    assert [answer.result for answer in answers] == ["3", None, "7"]
    assert answers[1].error == "Not today."


def test_an_error_that_the_tool_means_is_an_answer_without_a_value(vapi_call: Calls) -> None:
    answer = vapi_call(TOOLS).tool("refuse")

    assert answer.error == "Not today."
    with pytest.raises(AssertionError, match=r"got the error 'Not today\.'"):
        _ = answer.value


def test_a_bug_in_a_tool_fails_the_test_with_its_line_and_its_traceback(
    vapi_call: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    call = vapi_call(TOOLS)
    line = inspect.getsourcelines(fail._function)[1] + 3

    with pytest.raises(AssertionError) as raised:
        call.tool("fail")

    place = Path("tests", "test_test_call.py")
    assert str(raised.value) == f"fail raised KeyError at {place}:{line}"
    assert isinstance(raised.value.__cause__, KeyError)


def test_a_bug_that_shows_in_a_library_is_told_by_the_line_that_called_it(
    vapi_call: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    @tool
    def parse() -> Any:
        """Has a bug that json finds."""
        return json.loads("{")

    monkeypatch.chdir(Path(__file__).parent)

    with pytest.raises(
        AssertionError, match=r"^parse raised JSONDecodeError at test_test_call\.py:"
    ):
        vapi_call([parse]).tool("parse")


def test_a_bug_elsewhere_is_told_without_a_line(
    vapi_call: Calls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(AssertionError, match=r"^fail raised KeyError$"):
        vapi_call(TOOLS).tool("fail")


def test_vapi_fills_in_who_calls(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS, caller="+15550100042")

    assert call.tool("whoami").result == "You are +15550100042."


def test_what_a_tool_says_to_the_call_is_heard_while_the_call_lives(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS)

    answer = call.tool("talk")

    assert answer.heard == ["One moment.", "Still here."]
    assert [command["type"] for command in call.commands] == ["say"]


def test_a_tool_can_end_the_call(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS)

    call.tool("hang_up")
    call.end()

    assert call.ended == "assistant-ended-call"


def test_the_lifespan_opens_what_the_tools_share(vapi_call: Calls) -> None:
    closed: list[str] = []

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[dict[str, str]]:
        yield {"word": "open"}
        closed.append("closed")

    with TestCall(TOOLS, lifespan=lifespan) as call:
        assert call.tool("state").result == "open"

    assert closed == ["closed"]


# --- slips of the test --------------------------------------------------------------------


SLIPS: dict[str, tuple[Callable[[TestCall], object], str]] = {
    "a tool": (lambda call: call.tool("ad", first=1), "there is no tool 'ad'. Did you mean 'add'?"),
    "an argument": (
        lambda call: call.tool("add", frist=1),
        "add takes no 'frist'. Did you mean 'first'?",
    ),
    "several": (
        lambda call: call.tools(("fial", {}), ("talk", {"loud": True})),
        "there is no tool 'fial'. Did you mean 'fail'?\ntalk takes no 'loud'. There are none.",
    ),
    "a type": (
        lambda call: call.send("user-interruptd"),
        "message: there is no type 'user-interruptd'; did you mean 'user-interrupted'?",
    ),
    "the type of tools": (
        lambda call: call.send("tool-calls"),
        "message: for 'tool-calls' use call.tool('name', …)",
    ),
}


@pytest.mark.parametrize(("step", "text"), SLIPS.values(), ids=SLIPS)
def test_a_word_that_is_misspelt_is_refused_and_nothing_is_sent(
    step: Callable[[TestCall], object], text: str, vapi_call: Calls
) -> None:
    call = vapi_call(TOOLS)

    with pytest.raises(DefinitionError, match=f"^{re.escape(text)}$"):
        step(call)

    assert call.heard == []


def test_a_kind_of_call_that_is_misspelt_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"no kind 'inbond'\. Did you mean 'inbound'\?$"):
        TestCall(TOOLS, kind="inbond")  # type: ignore[arg-type]


def test_a_wrong_name_can_be_sent_on_purpose(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS)

    unknown, spare = call.tools(("ad", {}), ("add", {"first": 1, "third": 3}), checked=False)

    assert unknown.error is not None
    assert spare.value == 3


def test_what_vapi_fills_in_is_an_argument_and_an_app_of_ones_own_may_have_any_tool(
    vapi_call: Calls,
) -> None:
    app = Starlette(routes=[Mount("/vapi", router(TOOLS, auth=None))])

    assert vapi_call(TOOLS).tool("whoami", caller="Ann").result == "You are +15550100000."
    assert vapi_call(app, path="/vapi/webhook").tool("ad").error is not None


# --- every other message ------------------------------------------------------------------


def answering() -> Events:
    """Handlers of what Vapi asks."""
    events = Events()

    @events.on("transfer-destination-request")
    def transfer(request: TransferDestinationRequest) -> NumberDestination:
        return NumberDestination("+15550100020", message="I am putting you through.")

    @events.on("handoff-destination-request")
    def handoff(request: HandoffDestinationRequest) -> str:
        return f"There is nobody for {request.parameters['topic']}."

    @events.on("knowledge-base-request")
    def know(request: KnowledgeBaseRequest) -> list[Document]:
        return [Document(f"About: {request.question}", similarity=0.9)]

    return events


def test_what_vapi_asks_is_answered(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS, events=answering())

    assert call.handoff(topic="cats") == {"error": "There is nobody for cats."}
    [document] = call.knowledge("Do you sell cats?")["documents"]
    assert document["content"] == "About: Do you sell cats?"
    assert call.transfer()["destination"]["number"] == "+15550100020"
    assert "I am putting you through." in call.heard
    assert call.ended == "assistant-forwarded-call"


def test_the_report_at_the_end_reaches_its_handler(vapi_call: Calls) -> None:
    events, told = Events(), list[str]()
    arrived = threading.Event()

    @events.on("end-of-call-report")
    def keep(report: EndOfCallReport) -> None:
        told.append(f"{report.call.customer.number}: {report.summary} ({report.ended_reason})")
        arrived.set()

    call = vapi_call(TOOLS, events=events)
    call.say("Hello?")
    call.end("silence-timed-out", summary="Nobody spoke.")

    assert arrived.wait(5)
    assert told == ["+15550100000: Nobody spoke. (silence-timed-out)"]


def test_any_other_message_can_be_sent(vapi_call: Calls) -> None:
    events, told = Events(), list[Any]()
    arrived = threading.Event()

    @events.on("user-interrupted")
    def note(message: Any) -> None:
        told.append(message.raw["turnId"])
        arrived.set()

    vapi_call(TOOLS, events=events).send("user-interrupted", turnId="7")

    assert arrived.wait(5)
    assert told == ["7"]


# --- who answers --------------------------------------------------------------------------

LUIGI = Assistant(
    "Luigi",
    first_message="Luigi's, hello {{guest}}!",
    system_prompt="You take bookings.",
    model="openai/gpt-4o",
    tools=[add],
)
MARIO = Assistant(
    "Mario",
    first_message="Mario here.",
    system_prompt="You cook.",
    model="openai/gpt-4o",
    tools=[whoami],
)


def test_an_assistant_says_its_first_message_with_the_calls_variables(vapi_call: Calls) -> None:
    call = vapi_call(LUIGI, variables={"guest": "Ann"})

    assert call.assistant == "Luigi"
    assert call.heard == ["Luigi's, hello Ann!"]
    assert call.tool("add", first=1).value == 3


def test_in_a_squad_the_first_answers_and_can_hand_the_call_over(vapi_call: Calls) -> None:
    call = vapi_call(Squad("Kitchen", [LUIGI, MARIO]))

    call.hand_over("Mario")

    assert call.assistant == "Mario"
    assert call.tool("whoami").result == "You are +15550100000."


def test_a_bot_that_says_who_answers_is_asked(vapi_call: Calls) -> None:
    events = Events()

    @events.on("assistant-request")
    def answer(request: AssistantRequest) -> Assistant:
        return LUIGI

    call = vapi_call([add], events=events)

    assert call.assistant == "Luigi"


# --- where the bot is ---------------------------------------------------------------------


def test_with_a_secret_in_the_settings_the_messages_are_signed(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS, settings=Settings(server_secrets=(SECRET,)))

    assert call.tool("add", first=1).value == 3


def test_an_app_of_ones_own_is_served(vapi_call: Calls) -> None:
    app = Starlette(routes=[Mount("/vapi", router(TOOLS, auth=None))])

    call = vapi_call(app, path="/vapi/webhook")

    assert call.tool("add", first=1).value == 3


def test_a_server_that_runs_already_is_called(vapi_call: Calls) -> None:
    app = router(TOOLS, auth=SharedSecret(SECRET))
    with serving(app) as port:
        url = f"http://127.0.0.1:{port}"
        call = vapi_call(url, settings=Settings(server_secrets=(SECRET,)))

        assert call.tool("add", first=1).value == 3


def test_a_stranger_is_told_that_the_secret_is_another(vapi_call: Calls) -> None:
    with (
        serving(router(TOOLS, auth=SharedSecret(SECRET))) as port,
        pytest.raises(AssertionError, match="the status was 401, and no secret was sent") as raised,
    ):
        vapi_call(f"http://127.0.0.1:{port}")

    assert SECRET not in str(raised.value)


def test_a_server_that_is_not_there_is_said_in_one_line(vapi_call: Calls) -> None:
    with pytest.raises(PlayError, match=r"^nothing answers at http://127\.0\.0\.1:9/webhook;"):
        vapi_call("http://127.0.0.1:9")


def test_a_webhook_that_breaks_a_rule_fails_the_step_with_the_rule(vapi_call: Calls) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = b'{"results": [{"name": "add", "toolCallId": "another", "result": "3"}]}'
        await send({"type": "http.response.body", "body": body})

    call = vapi_call(app)

    with pytest.raises(AssertionError) as raised:
        call.tool("add", first=1)

    assert "an answer has another id" in str(raised.value)
    assert "wanted: toolCallId is the id of a call that was asked" in str(raised.value)


def test_a_lifespan_that_fails_is_said(vapi_call: Calls) -> None:
    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    with pytest.raises(PlayError, match="its lifespan failed: OSError: no database"):
        vapi_call(TOOLS, lifespan=lifespan)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(DefinitionError, match="TestCall takes tools, an assistant"):
        TestCall(7)


def test_a_call_that_was_not_opened_says_how(vapi_call: Calls) -> None:
    with pytest.raises(DefinitionError, match="begins in a `with` block"):
        TestCall(TOOLS).say("Hello?")


STEPS: dict[str, Callable[[TestCall], object]] = {
    "say": lambda call: call.say("Hello?"),
    "tool": lambda call: call.tool("add", first=1),
    "transfer": lambda call: call.transfer(),
    "handoff": lambda call: call.handoff(topic="cats"),
    "knowledge": lambda call: call.knowledge("Do you sell cats?"),
    "send": lambda call: call.send("user-interrupted"),
    "hand over": lambda call: call.hand_over("Mario"),
    "end": lambda call: call.end(),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_no_step_follows_the_end(step: Callable[[TestCall], object], vapi_call: Calls) -> None:
    call = vapi_call(TOOLS, events=answering())
    call.end("silence-timed-out")

    with pytest.raises(DefinitionError, match=r"^the call has ended \(silence-timed-out\), so no"):
        step(call)


def test_when_a_tool_has_ended_the_call_only_the_report_follows(vapi_call: Calls) -> None:
    call = vapi_call(TOOLS)
    call.tool("hang_up")

    with pytest.raises(DefinitionError, match=r"^the call has ended \(assistant-ended-call\)"):
        call.tool("add", first=1)
    call.end()
    with pytest.raises(DefinitionError, match=r"^the call has ended \(assistant-ended-call\)"):
        call.end()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_no_step_follows_the_block(step: Callable[[TestCall], object]) -> None:
    with TestCall(TOOLS) as call:
        pass

    with pytest.raises(DefinitionError, match=r"^the `with` block of this TestCall is over;"):
        step(call)
    # A coroutine that nobody awaits complains when it is cleared away.
    gc.collect()


def test_one_that_was_made_is_one_call() -> None:
    call = TestCall(TOOLS)
    with call:
        call.tool("add", first=1)

    with pytest.raises(DefinitionError, match=r"^a TestCall is one call; make another one"), call:
        pass


def test_a_call_works_while_an_event_loop_runs() -> None:
    async def main() -> int:
        with TestCall(TOOLS) as call:
            return int(call.tool("add", first=1).value)

    assert asyncio.run(main()) == 3


def test_a_call_leaves_no_threads_behind() -> None:
    before = set(threading.enumerate())

    with TestCall(TOOLS) as call:
        call.tool("add", first=1)

    assert set(threading.enumerate()) <= before
