"""Whole calls: who answers, where they go, what they are told while they live, and how they end."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.responses import JSONResponse

from vapitools import (
    Assistant,
    AssistantDestination,
    AssistantRequest,
    CallContext,
    EndOfCallReport,
    Events,
    HandoffDestinationRequest,
    KnowledgeBaseRequest,
    NumberDestination,
    RequestComplete,
    Squad,
    ToolError,
    Toolset,
    TransferDestinationRequest,
    tool,
)
from vapitools.errors import PlayError
from vapitools.playing import Bot, Cast, ControlDesk, Played, Stage, hosting, play, visiting
from vapitools.playing._delivery import Server
from vapitools.playing._played import Commanded, Noted
from vapitools.playing._player import ASSISTANT_REQUEST_SECONDS
from vapitools.playing._playing import calling
from vapitools.playing._script import (
    Asks,
    CallsTools,
    Ending,
    Expected,
    HandsOver,
    PlannedCall,
    Says,
    Step,
)

from .webhooks import Webhook, calls_in, played, right, rules, script, texts, tools, webhook

DESK = "+15550100020"


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    with webhook(right) as served:
        yield served


def run(stage: Stage, *steps: Step, **fields: Any) -> Played:
    return asyncio.run(play(script(*steps, **fields), stage, limit=2))


def called(name: str, expected: Expected | None = None, /, **arguments: Any) -> CallsTools:
    return CallsTools([PlannedCall(name, arguments, expected, "a.call.yaml:5")])


def heard(call: Played) -> list[str]:
    return [each.text for each in call.heard]


def notes(call: Played) -> list[str]:
    return [event.text for event in call.events if isinstance(event, Noted)]


# --- commands -----------------------------------------------------------------------------


@tool
async def talk(call: CallContext) -> str:
    """Say something meanwhile."""
    await call.say("Still looking.")
    return "Found."


@tool
async def take_leave(call: CallContext) -> str:
    """Say goodbye and hang up."""
    await call.say("Goodbye!", end_call=True)
    return "Done."


@tool(messages=[RequestComplete("Bye.", end_call=True)])
async def hang_up(call: CallContext) -> str:
    """Hang up."""
    await call.end()
    return "Done."


@tool
async def forward(call: CallContext) -> str:
    """Transfer."""
    await call.transfer(DESK, content="One second.")
    return "Done."


@tool
async def hint(call: CallContext) -> str:
    """Tell the model something."""
    await call.add_message("The caller is a regular.")
    return "Done."


@tool
async def to_mia(call: CallContext) -> str:
    """Hand over."""
    await call.handoff(AssistantDestination("Mia"))
    return "Done."


@tool
def say_no() -> str:
    """Say no."""
    raise ToolError("We are full.")


@tool
def menu() -> dict[str, Any]:
    """Tell the menu."""
    return {"soup": {"price": 4.5, "vegan": True}, "wines": ["red", "white"]}


LUIGI = Assistant(name="Luigi", first_message="Luigi's!", tools=[talk, to_mia])
MIA = Assistant(name="Mia", first_message="Mia here.", tools=[talk])
SPEAKING = Assistant(name="Mia", system_prompt="You are Mia.", model="openai/gpt-4o", tools=[talk])
TOOLS = Toolset([talk, take_leave, hang_up, forward, hint, to_mia, say_no, menu])


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with hosting(Bot(TOOLS)) as hosted:
        yield hosted


@pytest.fixture(scope="module")
def squad() -> Iterator[Stage]:
    events = Events()

    @events.on("handoff-destination-request")
    def choose(request: HandoffDestinationRequest) -> AssistantDestination:
        return AssistantDestination("Mia", message="I hand you over.")

    with hosting(Bot(TOOLS, events, squads=[Squad("Staff", [LUIGI, MIA])])) as hosted:
        yield hosted


def test_what_a_tool_says_is_heard(stage: Stage) -> None:
    call = run(stage, called("talk"))

    assert heard(call) == ["One moment.", "Still looking."]
    assert [each.source for each in call.heard] == ["filler", "say"]
    assert [e.command["type"] for e in call.events if isinstance(e, Commanded)] == ["say"]


@pytest.mark.parametrize(
    ("name", "reason", "last"),
    [
        ("take_leave", "assistant-ended-call-after-message-spoken", "Goodbye!"),
        ("hang_up", "assistant-ended-call", "One moment."),
        ("forward", "assistant-forwarded-call", "One second."),
    ],
)
def test_a_command_ends_the_call(stage: Stage, name: str, reason: str, last: str) -> None:
    call = run(stage, called(name), Says("caller", "Hello?"))

    assert call.ended == reason
    assert heard(call)[-1] == last
    assert rules(call) == ["ended"]
    assert "1 step was not played" in notes(call)


def test_where_a_call_is_transferred_is_told(stage: Stage) -> None:
    assert f"the call goes to {DESK}" in notes(run(stage, called("forward")))


def test_what_the_model_is_told_stands_in_the_conversation_and_is_not_heard(hook: Webhook) -> None:
    command = {"type": "add-message", "message": {"role": "user", "content": "Be short."}}
    before = len(hook.bodies)

    def commanding(message: dict[str, Any]) -> Any:
        if calls_in(message):
            assert post(message["call"]["monitor"]["controlUrl"], command) == 200
        return right(message)

    hook.answer = commanding
    with visiting(hook.url) as stage:
        call = asyncio.run(play(script(tools("a")), stage))

    (report,) = [m for m in hook.messages[before:] if m["type"] == "end-of-call-report"]
    assert {"role": "user", "content": "Be short."} in report["artifact"]["messagesOpenAIFormatted"]
    assert heard(call) == ["One moment."]
    assert "Be short." not in report["transcript"]


def test_a_tool_hands_the_call_over(squad: Stage) -> None:
    call = run(squad, called("to_mia"), called("talk"))

    assert call.faults == []
    assert call.assistant == "Mia"
    assert heard(call) == [
        "Luigi's!",
        "One moment.",
        "Mia here.",
        "One moment.",
        "Still looking.",
    ]


def test_the_first_reason_ends_the_call(stage: Stage) -> None:
    call = run(stage, called("hang_up"))

    assert call.ended == "assistant-ended-call"


def test_after_the_end_nothing_is_heard(stage: Stage) -> None:
    call = run(stage, called("hang_up"))

    assert "Bye." not in heard(call)


def test_what_is_on_its_way_is_let_go_of_when_a_call_is_broken_off(hook: Webhook) -> None:
    async def left() -> int:
        stage = Stage(Cast(Server(hook.url)), ControlDesk())
        with suppress(ZeroDivisionError):
            async with calling(script(Says("caller", "Hi")), stage, seed=1) as player:
                await player.say("caller", "Hi")
                assert len(asyncio.all_tasks()) > 1
                raise ZeroDivisionError
        return len(asyncio.all_tasks())

    assert asyncio.run(left()) == 1


def post(url: str, body: Any) -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"type": "say", "content": "Hi"}, 200),
        ({"type": "control", "control": "mute-assistant"}, 200),
        ({"type": "end-call"}, 200),
        ({"type": "say"}, 400),
        ({"type": "say", "content": ""}, 400),
        ({"type": "transfer", "destination": DESK}, 400),
        ({"type": "sing"}, 400),
        ({}, 400),
        ([], 400),
        (b"no JSON", 400),
    ],
)
def test_the_control_url_takes_what_vapi_takes(body: Any, status: int) -> None:
    desk = ControlDesk()

    with desk.serve():
        url = desk.open("call-1")
        answered = post(url, body)

    assert answered == status
    assert desk.taken("call-1") == ([body] if status == 200 else [])
    assert desk.taken("call-1") == []


def test_a_call_that_has_ended_answers_404() -> None:
    desk = ControlDesk()

    with desk.serve():
        url = desk.open("call-1")
        desk.close("call-1")

        assert post(url, {"type": "end-call"}) == 404
    assert desk.taken("call-1") == []


def test_a_call_that_was_broken_off_takes_no_more_commands(stage: Stage) -> None:
    async def broken_off() -> str:
        with suppress(ZeroDivisionError):
            async with calling(script(Says("caller", "Hi")), stage) as player:
                url = player._call.control_url or ""
                assert await asyncio.to_thread(post, url, {"type": "end-call"}) == 200
                raise ZeroDivisionError
        return url

    url = asyncio.run(broken_off())

    assert post(url, {"type": "end-call"}) == 404


def test_a_port_in_use_is_one_error(hook: Webhook) -> None:
    port = int(hook.url.split(":")[2].split("/")[0])

    with pytest.raises(PlayError, match=f"port {port} of this machine is in use"):
        visiting(hook.url, control_port=port).__enter__()


# --- who answers --------------------------------------------------------------------------

INLINE = {"name": "Luigi", "firstMessage": "Hello {{name}}!"}


def answering(answer: Any) -> Any:
    """Right to everything, and this to the question who answers."""

    def answered(message: dict[str, Any]) -> Any:
        is_asked = message["type"] == "assistant-request"
        return answer if is_asked else right(message)

    return answered


@pytest.mark.parametrize(
    ("answer", "who", "first"),
    [
        ({"assistant": INLINE}, "Luigi", ["Hello {{name}}!"]),
        (
            {
                "assistant": INLINE,
                "assistantOverrides": {"variableValues": {"name": "Ann"}, "name": "Luigi 2"},
            },
            "Luigi 2",
            ["Hello Ann!"],
        ),
        ({"assistantId": "a-1"}, "(stored as a-1)", []),
        ({"squadId": "s-1"}, "(stored as s-1)", []),
        ({"workflowId": "w-1"}, "(stored as w-1)", []),
        (
            {"squad": {"members": [{"assistant": INLINE}, {"assistantId": "a-2"}]}},
            "Luigi",
            ["Hello {{name}}!"],
        ),
        ({"squad": {"members": [{"assistantId": "a-2"}]}}, "(stored as a-2)", []),
        ({"squad": {"members": []}}, "(not named)", []),
    ],
)
def test_the_server_says_who_answers(
    hook: Webhook, answer: Any, who: str, first: list[str]
) -> None:
    hook.answer = answering(answer)

    call = played(hook.url, Says("caller", "Hi"), assistant="ask")

    assert call.faults == []
    assert call.assistant == who
    assert heard(call) == first


def test_the_others_of_a_squad_that_was_answered_can_take_over(hook: Webhook) -> None:
    mia = {"name": "Mia", "firstMessage": "Mia here."}
    hook.answer = answering({"squad": {"members": [{"assistant": INLINE}, {"assistant": mia}]}})

    call = played(hook.url, HandsOver("Mia"), assistant="ask")

    assert (call.assistant, heard(call)[-1]) == ("Mia", "Mia here.")


def test_an_error_is_said_to_the_caller_and_ends_the_call(hook: Webhook) -> None:
    hook.answer = answering({"error": "We are closed."})

    call = played(hook.url, Says("caller", "Hi"), assistant="ask")

    assert heard(call) == ["We are closed."]
    assert call.ended == "assistant-request-returned-error"
    assert rules(call) == ["ended"]


def test_a_destination_takes_the_call_away(hook: Webhook) -> None:
    destination = {"type": "number", "number": DESK, "message": "I put you through."}
    hook.answer = answering({"destination": destination})
    end = Ending(expected="assistant-request-returned-forwarding-phone-number")

    call = played(hook.url, assistant="ask", end=end)

    assert heard(call) == ["I put you through."]
    assert f"the call goes to {DESK}" in notes(call)
    assert rules(call) == ["ended"]


def slow(message: dict[str, Any]) -> Any:
    time.sleep(0.3)
    return {"assistant": INLINE}


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        pytest.param(lambda m: {}, "who-answers", id="nobody"),
        pytest.param(lambda m: JSONResponse({}, 500), "status", id="failed"),
        pytest.param(slow, "in-time", id="too late"),
    ],
)
def test_where_nobody_is_named_the_call_ends(hook: Webhook, answer: Any, rule: str) -> None:
    hook.answer = lambda m: answer(m) if m["type"] == "assistant-request" else right(m)

    call = played(hook.url, assistant="ask", limit=0.15)

    assert rules(call) == [rule, "ended"]
    assert call.ended == "assistant-request-failed"
    assert call.assistant is None
    assert "assistant-request: " in texts(call) or rule == "who-answers"


def test_the_question_who_answers_has_a_limit_of_its_own() -> None:
    """Fixed, from end to end, whatever the server's own limit is."""
    assert ASSISTANT_REQUEST_SECONDS == 7.5


def test_a_bot_that_says_who_answers_is_asked() -> None:
    events = Events()

    @events.on("assistant-request")
    def who(request: AssistantRequest) -> Assistant:
        return SPEAKING

    with hosting(Bot(Toolset([talk]), events)) as stage:
        call = run(stage, called("talk"))

    assert (call.faults, call.assistant) == ([], "Mia")


def test_the_first_of_a_squad_answers(squad: Stage) -> None:
    assert run(squad, Says("caller", "Hi")).assistant == "Luigi"


def test_the_only_assistant_answers() -> None:
    with hosting(Bot(Toolset([talk]), assistants=[MIA])) as stage:
        assert run(stage, Says("caller", "Hi")).assistant == "Mia"


def test_of_several_assistants_one_must_be_named() -> None:
    with hosting(Bot(TOOLS, assistants=[LUIGI, MIA])) as stage:
        with pytest.raises(PlayError, match="such as `assistant: Luigi`"):
            run(stage, Says("caller", "Hi"))
        assert run(stage, Says("caller", "Hi"), assistant="Mia").assistant == "Mia"
        with pytest.raises(PlayError, match="the assistants are: Luigi, Mia"):
            run(stage, Says("caller", "Hi"), assistant="Mario")


def test_an_assistant_whose_first_words_are_written_down_says_no_others(squad: Stage) -> None:
    call = run(squad, Says("assistant", "Good evening."), Says("caller", "Hi"))

    assert heard(call) == ["Good evening."]


def test_an_assistant_that_waits_for_the_caller_says_nothing_first(hook: Webhook) -> None:
    assistant = {**INLINE, "firstMessageMode": "assistant-waits-for-user"}
    hook.answer = right

    assert heard(played(hook.url, Says("caller", "Hi"), assistant=assistant)) == []


# --- where a call goes --------------------------------------------------------------------


def transfer(expected: Expected | None = None) -> Asks:
    return Asks("transfer-destination-request", {}, expected, "a.call.yaml:3")


def test_a_transfer_takes_the_call_away() -> None:
    events = Events()

    @events.on("transfer-destination-request")
    def where(request: TransferDestinationRequest) -> NumberDestination:
        return NumberDestination(DESK, message="I put you through.")

    with hosting(Bot(Toolset([talk]), events)) as stage:
        call = run(stage, transfer(Expected(answer={"destination": {"number": DESK}})))

    assert call.faults == []
    assert heard(call) == ["I put you through."]
    assert call.ended == "assistant-forwarded-call"


def test_a_transfer_that_is_refused_leaves_the_caller_here(hook: Webhook) -> None:
    hook.answer = lambda m: right(m) if calls_in(m) else {"error": "Nobody is here."}

    call = played(hook.url, transfer(Expected(error="Nobody")), Says("caller", "Pity."))

    assert call.faults == []
    assert heard(call) == ["Nobody is here."]


def test_a_handoff_goes_where_the_server_says(squad: Stage) -> None:
    step = Asks("handoff-destination-request", {"parameters": {}}, Expected())

    call = run(squad, step, called("talk"))

    assert (call.faults, call.assistant) == ([], "Mia")
    assert heard(call)[:3] == ["Luigi's!", "I hand you over.", "Mia here."]


def test_a_handoff_that_is_written_down_happens(squad: Stage) -> None:
    call = run(squad, HandsOver("Mia"))

    assert "Mia takes the call" in notes(call)
    assert call.assistant == "Mia"


def test_the_knowledge_base_is_asked_what_the_caller_asks(hook: Webhook) -> None:
    document = {"content": "We open at six.", "similarity": 0.9}
    hook.answer = lambda m: (
        {"documents": [document]} if m["type"] == "knowledge-base-request" else right(m)
    )
    step = Asks(
        "knowledge-base-request",
        {"question": "When do you open?"},
        Expected(answer={"documents": [document]}, matches="six"),
    )

    call = played(hook.url, step)

    asked = [m for m in hook.messages if m["type"] == "knowledge-base-request"][-1]
    assert call.faults == []
    assert asked["messages"][-1] == {"role": "user", "content": "When do you open?"}


def test_a_bot_answers_from_its_knowledge() -> None:
    events = Events()

    @events.on("knowledge-base-request")
    def look_up(request: KnowledgeBaseRequest) -> dict[str, Any]:
        return {"documents": [{"content": "At six.", "similarity": 1}]}

    with hosting(Bot(Toolset([talk]), events)) as stage:
        call = run(stage, Asks("knowledge-base-request", {"question": "When?"}, Expected()))

    assert call.faults == []


# --- what is expected ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("menu", Expected()),
        ("menu", Expected(result=None)),
        ("menu", Expected(result="soup")),
        ("menu", Expected(result={"soup": {"price": 4.5}})),
        ("menu", Expected(result={"wines": ["red", "white"]})),
        ("menu", Expected(matches=r"\d\.\d")),
        ("menu", Expected(heard=["moment"])),
        ("menu", Expected(within=2)),
        ("say_no", Expected(error="")),
        ("say_no", Expected(error="full")),
        ("say_no", Expected(error="full", matches="^We")),
        ("say_no", None),
    ],
)
def test_what_is_expected_comes_true(stage: Stage, name: str, expected: Expected | None) -> None:
    assert run(stage, called(name, expected)).faults == []


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("menu", Expected(result="pizza"), "menu: expected a result with 'pizza' in it, got"),
        ("menu", Expected(result={"soup": {"price": 5}}), "expected the result"),
        ("menu", Expected(result={"soup": {"vegan": 1}}), "expected the result"),
        ("menu", Expected(result={"wines": ["red"]}), "expected the result"),
        ("menu", Expected(result=["soup"]), "expected the result"),
        ("menu", Expected(matches="pizza"), "expected a match of 'pizza'"),
        ("menu", Expected(error="full"), "expected an error with 'full', got the result"),
        ("menu", Expected(error=""), "expected an error, got the result"),
        ("menu", Expected(heard=["Sorry"]), "expected the caller to hear 'Sorry', heard"),
        ("menu", Expected(within=0), "expected an answer within 0 s"),
        ("say_no", Expected(), "expected a result, got the error 'We are full.'"),
        ("say_no", Expected(result="soup"), "expected a result with 'soup' in it, got the error"),
        ("say_no", Expected(error="closed"), "expected an error with 'closed', got the error"),
    ],
)
def test_what_does_not_come_true_is_said_with_its_line(
    stage: Stage, name: str, expected: Expected, said: str
) -> None:
    (fault,) = run(stage, called(name, expected)).faults

    assert fault.rule == "expected"
    assert said in fault.text
    assert fault.place == "a.call.yaml:5"


def test_an_answer_that_was_expected_and_never_came_is_said(hook: Webhook) -> None:
    hook.answer = lambda m: {}

    call = played(hook.url, tools("a", result="Booked"))

    assert "a: expected an answer, got none" in texts(call)


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (Expected(answer={"destination": {"number": "+1"}}), "expected"),
        (Expected(error=""), "expected an error, got"),
        (Expected(matches="pizza"), "expected a match of 'pizza'"),
        (Expected(within=0), "expected an answer within 0 s"),
    ],
)
def test_what_does_not_come_true_of_an_answer_is_said(
    hook: Webhook, expected: Expected, said: str
) -> None:
    destination = {"destination": {"type": "number", "number": DESK}}
    hook.answer = lambda m: right(m) if calls_in(m) else destination

    (fault,) = played(hook.url, transfer(expected), server_messages=[]).faults

    assert said in fault.text
    assert fault.place == "a.call.yaml:3"


def test_an_error_that_nobody_expected_is_said(hook: Webhook) -> None:
    hook.answer = lambda m: {"error": "Nobody is here."}

    (fault,) = played(hook.url, transfer(Expected()), server_messages=[]).faults

    assert "expected an answer, got the error 'Nobody is here.'" in fault.text


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (Ending(expected="customer-ended-call"), None),
        (Ending(heard=["Still"]), None),
        (Ending(expected="assistant-ended-call", place="a:9"), "expected the call to end with"),
        (Ending(heard=["Goodbye"], place="a:9"), "expected the caller to hear 'Goodbye'"),
    ],
)
def test_the_end_is_as_expected(stage: Stage, end: Ending, said: str | None) -> None:
    call = run(stage, called("talk"), end=end)

    assert [fault.place for fault in call.faults] == ([] if said is None else ["a:9"])
    assert said is None or said in texts(call)


# --- what does not fit the bot ------------------------------------------------------------


def test_a_tool_that_the_bot_has_not_is_said_before_anything_is_sent(stage: Stage) -> None:
    steps = (
        called("tlak", Expected()),
        called("menu", Expected(), size=1),
        called("x", Expected()),
    )

    with pytest.raises(PlayError) as caught:
        run(stage, *steps)

    first, second, third = caught.value.problems
    assert first == "a.call.yaml:5: there is no tool 'tlak'. Did you mean 'talk'?"
    assert second == "a.call.yaml:5: menu takes no 'size'. There are none."
    assert "there is no tool 'x'. There are: talk, take_leave" in third


def test_a_call_that_is_to_fail_may_name_anything(stage: Stage) -> None:
    call = run(stage, called("none", Expected(error="no such tool")))

    assert call.faults == []


# --- the bot ------------------------------------------------------------------------------


def test_a_bot_has_its_lifespan_around_the_calls() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        seen.append("opened")
        yield
        seen.append("closed")

    with hosting(Bot(Toolset([talk]), lifespan=lifespan)) as stage:
        run(stage, called("talk"))
        assert seen == ["opened"]
    assert seen == ["opened", "closed"]


@pytest.mark.parametrize("error", [OSError("no\ndatabase"), SystemExit("no database")])
def test_a_lifespan_that_fails_is_one_error(error: BaseException) -> None:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        raise error
        yield

    with pytest.raises(PlayError, match=r"^its lifespan failed: \w+: no database$") as caught:
        hosting(Bot(Toolset([talk]), lifespan=lifespan)).__enter__()

    assert caught.value.__cause__ is error


def test_events_of_the_bot_are_told() -> None:
    events, seen = Events(), []

    @events.on("end-of-call-report")
    def keep(report: EndOfCallReport) -> None:
        seen.append(report.ended_reason)

    with hosting(Bot(Toolset([talk]), events)) as stage:
        run(stage, called("talk"))

    assert seen == ["customer-ended-call"]


def test_what_a_tool_has_raised_is_kept() -> None:
    @tool
    def broken() -> str:
        """Fail."""
        raise ZeroDivisionError

    with hosting(Bot(Toolset([broken]))) as stage:
        call = run(stage, called("broken", None))

    (event,) = [e for e in call.events if getattr(e, "raised", None) is not None]
    assert isinstance(event.raised, ZeroDivisionError)  # type: ignore[union-attr]
