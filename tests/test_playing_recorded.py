"""Recorded webhook bodies become scripts that can be played again."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.conftest import SHARED
from vapitools import (
    Assistant,
    AssistantDestination,
    AssistantRequest,
    CallContext,
    Document,
    Encrypted,
    Events,
    HandoffDestinationRequest,
    KnowledgeBaseRequest,
    NumberDestination,
    RequestComplete,
    RequestFailed,
    RequestStart,
    Squad,
    Static,
    ToolError,
    Toolset,
    TransferDestinationRequest,
    router,
    tool,
)
from vapitools.errors import PlayError
from vapitools.playing import (
    Bot,
    LiveCall,
    Played,
    Recorded,
    Script,
    Stage,
    _bodies,
    _recorded,
    _stage,
    hosting,
    play,
    read_script,
    scripts_from,
    tool_calls,
    write_script,
)
from vapitools.playing._script import CallsTools, PlannedCall, Says

PAYLOADS = sorted((SHARED / "payloads").glob("*.json"))


CALL = {"id": "c-1"}


def keep(folder: Path, *bodies: Any, begin: int = 1) -> Path:
    """The folder with the bodies in it, in files whose names count."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, body in enumerate(bodies, start=begin):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        (folder / f"{number}.json").write_bytes(content)
    return folder


def only(folder: Path, bot: Bot | None = None) -> Recorded:
    """The one call of a folder."""
    (call,) = scripts_from(folder, bot).calls
    return call


def text_of(call: Recorded) -> str:
    """The call file, which is read back to the same script."""
    text = write_script(call.script, call.notes)
    assert without_places(read_script(text)) == without_places(call.script)
    return text


def steps_of(call: Recorded) -> str:
    """The file from its steps on."""
    return text_of(call).partition("steps:")[2]


def without_places(script: Script) -> str:
    """The script as JSON, in which a list is a tuple, and 1 is not 1.0."""
    text = json.dumps(asdict(script), default=repr)
    return re.sub(r'"(place|path)": ("[^"]*"|null)', "", text)


def called(*calls: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A bare `tool-calls` message."""
    return {"message": {"type": "tool-calls", "toolCallList": [*calls], **fields}}


def entry(id_: Any, name: str, arguments: Any = None) -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments or {}}}


def talk(*said: tuple[str, Any]) -> dict[str, Any]:
    """An artifact with what was said and done."""
    messages: list[dict[str, Any]] = []
    for role, what in said:
        if role == "tool_calls":
            messages.append({"role": role, "toolCalls": what, "message": ""})
        elif role == "tool_call_result":
            id_, result = what
            messages.append({"role": role, "toolCallId": id_, "result": result})
        else:
            messages.append({"role": role, "message": what})
    return {"messages": messages}


def report(**fields: Any) -> dict[str, Any]:
    head = {"type": "end-of-call-report", "endedReason": "customer-ended-call"}
    return {"message": {**head, "call": CALL, **fields}}


# --- played, recorded, and played again ---------------------------------------------------

STATIC = Static("{{customer.number}}")


@tool(
    messages=[
        RequestStart("Let me look."),
        RequestComplete("There you are."),
        RequestFailed("That did not work."),
    ]
)
def find(day: str, people: int = 2, caller: Annotated[str, STATIC] = "") -> str:
    """Find tables.

    Args:
        day: The day.
        people: How many.
    """
    if day == "never":
        raise ToolError("There is no such day.")
    return f"{caller} finds a table for {people} on {day}."


@tool
def book(name: str) -> str:
    """Book a table.

    Args:
        name: The caller's.
    """
    return f"Booked for {name}."


@tool
def pay(card: Annotated[str, Encrypted]) -> str:
    """Take the payment.

    Args:
        card: The number of the card.
    """
    return f"Paid with {len(card)} digits."


@tool
async def move(call: CallContext) -> str:
    """Hand the call to those who pay money back."""
    await call.handoff(AssistantDestination("Refunds"))
    return "Done."


events = Events()


@events.on("transfer-destination-request")
def transfer(asked: TransferDestinationRequest) -> NumberDestination:
    """Everybody goes to one person."""
    return NumberDestination("+15550100020", message="I put you through.")


@events.on("handoff-destination-request")
def hand_off(asked: HandoffDestinationRequest) -> AssistantDestination | str:
    """Refunds have a desk of their own."""
    if asked.parameters.get("topic") == "refund":
        return AssistantDestination("Refunds")
    return "Nobody can help with that."


@events.on("knowledge-base-request")
def know(asked: KnowledgeBaseRequest) -> list[Document]:
    """Know one thing."""
    return [Document("We open at ten.", 0.9)]


EVERYTHING = [
    "tool-calls",
    "status-update",
    "assistant.started",
    "transfer-update",
    "transfer-destination-request",
    "handoff-destination-request",
    "end-of-call-report",
    "conversation-update",
    "transcript",
    "hang",
]
TOOLS = Toolset([find, book, move])


def speaker(name: str, wants: Sequence[str], **more: Any) -> Assistant:
    return Assistant(
        name=name,
        model="openai/gpt-4o",
        system_prompt="You look after tables.",
        tools=[find, book, move],
        server_messages=list(wants),
        **more,
    )


def desk(wants: Sequence[str] = EVERYTHING) -> Bot:
    """Two assistants, and a server that knows where calls go."""
    front = speaker("Front", wants, first_message="Front desk, hello {{greeting}}!")
    refunds = speaker("Refunds", wants, first_message="Refunds, hello.")
    return Bot(TOOLS, events, squads=[Squad("Desk", [front, refunds])])


class Studio:
    """A bot that is served, with an app around it that keeps each body as it came."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._folder = Path()
        self._stage: Stage | None = None

    @contextmanager
    def open(self) -> Iterator[Studio]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_stage, "router", self._keeping)
            with hosting(self.bot) as self._stage:
                yield self

    def record(self, script: Script, folder: Path) -> Played:
        """Play a call, and keep in the folder what was sent."""
        folder.mkdir()
        self._folder = folder
        assert self._stage is not None
        return asyncio.run(play(script, self._stage))

    def _keeping(self, *args: Any, **options: Any) -> ASGIApp:
        app = router(*args, **options)
        numbers = itertools.count(1)

        async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
            body = b""

            async def receive_a_copy() -> Message:
                nonlocal body
                event = await receive()
                body += event.get("body", b"")
                if body and not event.get("more_body", False):
                    # Before the answer: whoever has it may look into the folder.
                    (self._folder / f"{next(numbers)}.json").write_bytes(body)
                    body = b""
                return event

            await app(scope, receive_a_copy, send)

        return keeping


@pytest.fixture(scope="module")
def studios() -> Iterator[dict[str, Studio]]:
    """A desk for each choice of what its assistants want to be sent."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Studio(desk(wants)).open()) for name, wants in WANTS.items()
        }


def happened(call: Played) -> list[dict[str, Any]]:
    """What has happened in it, without how long it took and what was wrong."""
    times = ("seconds", "after_seconds", "faults")
    return [
        {name: value for name, value in event.items() if name not in times}
        for event in call.to_json()["events"]
    ]


CALLS = {
    "sentences and tools": """
      - caller: A table, please.
      - tool: find
        arguments: {day: Monday, people: 4}
      - assistant: There is one.
      - caller: "It's Ann: A\\nMoss."
      - tool: book
        arguments: {name: Ann}
    """,
    "several tools at once, and one that fails": """
      - caller: Monday or never.
      - tools:
          - tool: find
            arguments: {day: Monday}
          - tool: find
            arguments: {day: never}
      - tool: find
        arguments: {day: never}
      - caller: Oh.
    """,
    "nobody says a word": "[]",
    "a question": """
      - caller: Hello.
      - knowledge: When do you open?
      - assistant: At ten.
      - caller: Thanks.
    """,
    "the call goes away": """
      - caller: A person, please.
      - transfer:
    """,
    "a handoff that is asked for": """
      - caller: My money, please.
      - handoff: {topic: refund}
      - caller: I want it back.
      - tool: book
        arguments: {name: Ben}
    """,
    "a handoff that is refused": """
      - handoff: {topic: weather}
      - caller: A pity.
    """,
    "a handoff to a name": """
      - tool: book
        arguments: {name: Ben}
      - caller: My money, please.
      - handoff: Refunds
      - caller: I want it back.
      - tool: find
        arguments: {day: Monday}
    """,
    "a handoff there and back": """
      - handoff: Refunds
      - handoff: Front
      - caller: Thanks.
    """,
    "a handoff by a tool": """
      - caller: My money, please.
      - tool: move
      - caller: I want it back.
      - tool: book
        arguments: {name: Ben}
    """,
    "another message": """
      - caller: Hello?
      - message: {type: hang, why: [1, null]}
      - message: {type: my-own-event}
      - caller: Hello?
    """,
}
HEADS = {
    "outbound": "kind: outbound\ncaller: {name: Ann Moss, number: '+15550100042'}\n",
    "web": "kind: web\nvariables: {greeting: you, list: [1, {a: 2.5}], date: mine}\n",
}
WANTS = {"all": EVERYTHING, "tools alone": ["tool-calls", "end-of-call-report"]}
# No message tells of it.
UNTOLD = ("a handoff there and back", "tools alone")


HEADS_AND_CALLS = {
    **{name: ("", steps) for name, steps in CALLS.items()},
    **{name: (head, CALLS["sentences and tools"]) for name, head in HEADS.items()},
}


@pytest.mark.parametrize(
    ("head", "steps", "wants"),
    [
        pytest.param(head, steps, wants, id=f"{name}, {wants}")
        for name, (head, steps) in HEADS_AND_CALLS.items()
        for wants in WANTS
        if (name, wants) != UNTOLD
    ],
)
def test_a_call_that_was_recorded_plays_again_the_same(
    tmp_path: Path, studios: dict[str, Studio], head: str, steps: str, wants: str
) -> None:
    file = f"{head}steps: {steps}\nend: {{reason: silence-timed-out, summary: S, data: [1]}}"
    studio = studios[wants]
    first = studio.record(read_script(file), tmp_path / "bodies")

    call = only(tmp_path / "bodies", studio.bot)
    again = studio.record(read_script(text_of(call)), tmp_path / "more")

    assert happened(again) == happened(first)
    assert again.assistant == first.assistant
    assert [fault.text for fault in again.faults] == [fault.text for fault in first.faults]


@pytest.mark.parametrize("answer", [None, "We are closed.", "+15550100020"])
def test_a_call_whose_assistant_the_server_chooses_plays_again_the_same(
    tmp_path: Path, answer: str | None
) -> None:
    own = Events()

    @own.on("assistant-request")
    def choose(asked: AssistantRequest) -> Any:
        return answer or speaker("Luigi", EVERYTHING, first_message="Hello.")

    steps = "[]" if answer else "[{caller: Hi}, {tool: book, arguments: {name: Ann}}]"
    with Studio(Bot(TOOLS, own)).open() as studio:
        first = studio.record(read_script(f"steps: {steps}"), tmp_path / "bodies")
        call = only(tmp_path / "bodies", studio.bot)
        again = studio.record(call.script, tmp_path / "more")

    assert call.script.assistant == "ask"
    assert happened(again) == happened(first)
    assert not again.faults


# --- tool calls ---------------------------------------------------------------------------


def test_each_tool_call_is_one_step_however_often_a_body_tells_of_it(tmp_path: Path) -> None:
    call = LiveCall()
    call.say("caller", "Hi")
    bodies = [
        tool_calls(("book", {"name": "Ann"}), call=call, timestamp=1_800_000_000_000),
        tool_calls(("book", {"name": "Ben"}), call=call, timestamp=1_800_000_001_000),
    ]
    sent_again = {"message": {**bodies[0]["message"], "timestamp": 1_800_000_000_900}}

    found = only(keep(tmp_path, *bodies, sent_again, bodies[0]))

    names = [call.arguments["name"] for call in found.script.tool_calls]
    assert names == ["Ann", "Ben"]
    assert steps_of(found).startswith("\n  - caller: Hi\n  - tool: book\n")


def test_a_body_that_came_twice_counts_once(tmp_path: Path) -> None:
    body = called(entry(None, "find", {"day": "x"}))

    found = only(keep(tmp_path, body, body))

    assert (found.bodies, len(found.script.tool_calls)) == (1, 1)


@pytest.mark.parametrize(
    "sent",
    [{"day": "x"}, '{"day": "x"}', '"{\\"day\\": \\"x\\"}"'],
    ids=["object", "text", "text in text"],
)
def test_arguments_come_as_an_object_or_as_text(tmp_path: Path, sent: Any) -> None:
    found = only(keep(tmp_path, called(entry("a", "find", sent))))

    assert found.script.tool_calls[0].arguments == {"day": "x"}


def test_arguments_on_the_wire_count_more_than_those_of_the_conversation(tmp_path: Path) -> None:
    told = talk(("user", "Hi"), ("tool_calls", [entry("a", "find", '{"day": "told"}')]))
    body = called(entry("a", "find", {"day": "sent"}), artifact=told)

    found = only(keep(tmp_path, body))

    assert found.script.tool_calls == [PlannedCall("find", {"day": "sent"}, place=ONE)]


ONE = "step 2, call 1"


def test_calls_of_one_message_are_made_at_once(tmp_path: Path) -> None:
    told = talk(
        ("user", "Hi"),
        ("tool_calls", [entry("a", "find")]),
        ("tool_calls", [entry("b", "book")]),
        ("tool_calls", [entry("c", "pay")]),
    )
    bodies = [called(entry("a", "find"), entry("b", "book")), called(entry("c", "pay"))]

    found = only(keep(tmp_path, *bodies, report(artifact=told)))

    assert [len(step.calls) for step in found.script.steps if isinstance(step, CallsTools)] == [
        2,
        1,
    ]


def test_what_vapi_fills_in_is_left_out(tmp_path: Path) -> None:
    sent = {"day": "x", "caller": "+1", "key": 3}
    known = {"type": "function", "function": {"name": "find"}}
    static = [{"key": "caller", "value": "{{customer.number}}"}, {"key": "key", "value": 3}, None]
    with_tool = {**known, "parameters": static, "toolCall": entry("a", "find", sent)}
    body = called(entry("a", "find", sent), toolWithToolCallList=[{"type": "mcp"}, with_tool])

    assert only(keep(tmp_path, body)).script.tool_calls[0].arguments == {"day": "x"}


def test_what_the_bot_declares_as_static_is_left_out(tmp_path: Path) -> None:
    body = called(entry("a", "find", {"day": "x", "caller": "+1"}))

    assert only(keep(tmp_path, body), desk()).script.tool_calls[0].arguments == {"day": "x"}


def test_what_a_tool_was_answered_stands_above_it(tmp_path: Path) -> None:
    told = talk(
        ("tool_calls", [entry("a", "find"), entry("b", "book"), entry("c", "pay")]),
        ("tool_call_result", ("a", f"Line one\nline two {'x' * 200}")),
        ("tool_call_result", ("b", "")),
    )

    found = only(keep(tmp_path, report(artifact=told)))

    above = f"Line one line two {'x' * 102}…"
    assert f"  - tools:\n      # answered: {above}\n      - tool: find\n" in steps_of(found)
    assert steps_of(found).count("answered") == 1


def test_a_result_that_is_pending_is_no_answer(tmp_path: Path) -> None:
    conversation = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [entry("a", "find", "{}")]},
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": "Tool Result Still Pending But Proceed Further If Possible.",
        },
    ]

    assert "answered:" not in text_of(only(keep(tmp_path, report(conversation=conversation))))


def test_what_vapi_says_around_a_call_is_not_said_twice(tmp_path: Path) -> None:
    known = {
        "function": {"name": "find"},
        "messages": [{"type": "request-complete", "contents": [{"text": "There you are."}]}],
    }
    told = talk(
        ("user", "Hi"),
        ("tool_calls", [entry("a", "find")]),
        ("bot", "Let me look."),
        ("tool_call_result", ("a", "x")),
        ("bot", "There  you are."),
        ("bot", "Is that right?"),
        ("user", "Yes."),
        ("bot", "There you are."),
    )
    body = report(artifact=told, assistant={"model": {"tools": [known]}})

    said = [step.text for step in only(keep(tmp_path, body)).script.steps if isinstance(step, Says)]

    assert said == ["Hi", "Is that right?", "Yes.", "There you are."]


def test_the_assistant_goes_on_while_a_tool_works_that_nobody_waits_for(tmp_path: Path) -> None:
    told = talk(
        ("tool_calls", [entry("a", "find")]),
        ("bot", "Meanwhile, how are you?"),
        ("tool_call_result", ("a", "x")),
    )
    known = {"function": {"name": "find"}, "async": True}

    steps = steps_of(
        only(keep(tmp_path, report(artifact=told, assistant={"model": {"tools": [known]}})))
    )

    assert "- assistant: Meanwhile, how are you?" in steps


@pytest.mark.parametrize("name", ["endCall", "transfer_call_tool", "dtmf", "handoff_to_refunds"])
def test_vapis_own_tools_are_a_comment(tmp_path: Path, name: str) -> None:
    own = {"type": "transferCall", "function": {"name": "transfer_call_tool"}}
    told = talk(("user", "Bye"), ("tool_calls", [entry("a", name, {"x": "y"})]), ("bot", "Bye!"))
    more = {"assistant": {"name": "Front", "model": {"tools": [own]}}}
    squad = {"squad": {"members": [{"assistant": {"name": "Refunds"}}]}}

    steps = steps_of(only(keep(tmp_path, report(artifact=told, **more, **squad))))

    assert f'\n  # Vapi\'s own tool: {name} {{"x": "y"}}\n' in steps
    assert ("\n  - handoff: Refunds\n" in steps) == (name == "handoff_to_refunds")
    assert steps.rstrip().endswith("- assistant: Bye!\nend: customer-ended-call")


def test_a_tool_of_that_name_which_the_server_was_sent_is_no_tool_of_vapis(tmp_path: Path) -> None:
    function = {"type": "function-call", "functionCall": {"name": "query", "parameters": {"a": 1}}}
    told = talk(("user", "Hi"), ("tool_calls", [entry("x", "query", {"a": 1})]), ("user", "Bye"))

    found = only(keep(tmp_path, {"message": function}, report(artifact=told)))

    assert [call.tool for call in found.script.tool_calls] == ["query"]
    assert found.script.steps[-1] == Says("caller", "Bye", "step 3")


def test_what_the_bot_does_not_have_is_a_comment(
    tmp_path: Path, studios: dict[str, Studio]
) -> None:
    body = called(entry("a", "gone", {"b": 1}), entry("b", "book", {"name": "Ann", "table": 4}))

    found = only(keep(tmp_path, body), desk())

    assert '\n  # The bot has no such tool: gone {"b": 1}\n' in steps_of(found)
    assert '\n  # The tool takes no such: {"table": 4}\n' in steps_of(found)
    assert [(call.tool, call.arguments) for call in found.script.tool_calls] == [
        ("book", {"name": "Ann"})
    ]
    assert not list(studios["all"].record(found.script, tmp_path / "more").failures())


def test_what_cannot_be_played_as_it_was_is_said(tmp_path: Path) -> None:
    server = {"encryptedPaths": ["card"]}
    known = {"name": "pay", "server": server, "toolCall": entry("a", "pay", {"card": "c2VjcmV0"})}
    body = called(
        entry("a", "pay", {"card": "c2VjcmV0"}),
        entry("b", "find", "half of {"),
        toolWithToolCallList=[known, {"toolCall": entry("b", "find", "half of {")}],
    )

    steps = steps_of(only(keep(tmp_path, body)))

    assert '# Was encrypted, and has to be written anew: ["card"]' in steps
    assert "# Its arguments were no JSON object." in steps


# --- who speaks ---------------------------------------------------------------------------

MEMBERS = [
    {"assistant": {"name": "Front", "firstMessage": "Hello."}},
    {"assistant": {"name": "Refunds", "firstMessage": "Refunds."}},
    {"assistant": {"firstMessage": "Nobody."}},
]
MOVED = talk(
    ("bot", "Hello."),
    ("user", "My money."),
    ("tool_calls", [entry("t", "transferCall", {"destination": "Refunds"})]),
    ("tool_call_result", ("t", "Success.")),
    ("bot", "Refunds!"),
    ("user", "I want it back."),
    ("tool_calls", [entry("a", "book")]),
    ("user", "Thanks."),
)
SQUAD = {**CALL, "squad": {"members": MEMBERS}}


def test_a_transfer_by_vapis_own_tool_is_a_handoff(tmp_path: Path) -> None:
    until_then = {"messages": MOVED["messages"][:7]}
    speaks = {"assistant": {"name": "Refunds"}}
    bodies = [
        called(call=SQUAD, artifact={"messages": MOVED["messages"][:1]}),
        called(entry("f", "find"), call=SQUAD, assistant={"name": "Front"}),
        called(entry("a", "book"), call=SQUAD, artifact=until_then, **speaks),
        report(call=SQUAD, artifact=MOVED),
    ]

    steps = steps_of(only(keep(tmp_path, *bodies)))

    assert (
        "\n  - caller: My money.\n"
        '  # Vapi\'s own tool: transferCall {"destination": "Refunds"}\n'
        "  - handoff: Refunds\n"
        "  - caller: I want it back.\n"
        "  - tool: book\n"
    ) in steps
    assert steps.count("handoff") == 1


def test_a_handoff_of_which_nothing_was_said_comes_before_what_follows_it(tmp_path: Path) -> None:
    bodies = [
        called(entry("a", "find"), call=CALL, assistant={"name": "Front"}),
        called(entry("b", "book"), call=CALL, assistant={"name": "Refunds"}),
    ]

    steps = steps_of(only(keep(tmp_path, *bodies, report(artifact=talk(("user", "Hi"))))))

    assert steps.startswith(
        "\n  - tool: find\n  - handoff: Refunds\n  - tool: book\n  - caller: Hi\n"
    )


def test_an_assistant_that_the_bot_does_not_have_takes_no_call(tmp_path: Path) -> None:
    moved = {"message": {"type": "transfer-update", "toAssistant": {"name": "Gone"}, "call": CALL}}
    begun = {"type": "assistant.started", "newAssistant": {"name": "Front"}, "call": CALL}

    found = only(keep(tmp_path, {"message": begun}, moved, report()), desk())

    assert "steps: []\n# Another assistant took the call: 'Gone'\nend:" in text_of(found)


# --- what was said ------------------------------------------------------------------------


def test_the_longest_conversation_is_told_whatever_its_format(tmp_path: Path) -> None:
    openai = [
        {"role": "system", "content": "Be kind."},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello."}]},
        {"role": "user", "content": "A table."},
        {"role": "assistant", "content": "One moment.", "tool_calls": [entry("a", "find", "{}")]},
        {"role": "tool", "tool_call_id": "a", "content": "None."},
    ]
    short = report(artifact=talk(("bot", "Hello.")))
    update = {"message": {"type": "conversation-update", "conversation": openai, "call": CALL}}

    steps = steps_of(only(keep(tmp_path, update, short)))

    assert steps.startswith(
        "\n  - assistant: Hello.\n  - caller: A table.\n  - assistant: One moment.\n"
        "  # answered: None.\n  - tool: find\n"
    )


def test_final_transcripts_stand_in_for_a_conversation(tmp_path: Path) -> None:
    def spoken(role: str, text: str, kind: str = "final") -> dict[str, Any]:
        said = {"role": role, "transcript": text, "transcriptType": kind}
        return {"message": {"type": "transcript", **said, "call": CALL}}

    twice = {"type": 'transcript[transcriptType="final"]', "role": "user", "transcript": "A table."}
    bodies = [
        spoken("assistant", "Hello."),
        spoken("user", "A", "partial"),
        spoken("user", "A table."),
        {"message": {**twice, "call": CALL}},
        called(entry("a", "find"), call=CALL),
        spoken("assistant", "None."),
    ]

    steps = steps_of(only(keep(tmp_path, *bodies)))

    assert steps.startswith(
        "\n  - assistant: Hello.\n  - caller: A table.\n  - tool: find\n  - assistant: None.\n"
    )


def test_the_text_of_a_transcript_stands_in_for_a_conversation(tmp_path: Path) -> None:
    text = "nobody\nAI: Hello.\nHow are you?\nUser: Well: thanks.\n\n"

    steps = steps_of(only(keep(tmp_path, report(artifact={"transcript": text}))))

    assert steps.startswith(
        "\n  - assistant: Hello. How are you?\n  - caller: 'Well: thanks.'\nend:"
    )


def test_a_knowledge_base_is_asked_what_the_caller_said_last(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "When?"}, {"role": "assistant", "content": "Well,"}]
    asking = {"type": "knowledge-base-request", "messagesOpenAIFormatted": said}

    steps = steps_of(only(keep(tmp_path, {"message": asking})))

    assert steps.startswith("\n  - caller: When?\n  - assistant: Well,\n  - knowledge: When?\n")


def test_a_knowledge_base_that_was_asked_nothing_is_no_step(tmp_path: Path) -> None:
    asking = {"type": "knowledge-base-request", "messages": [{"role": "user", "content": " "}]}

    assert not only(keep(tmp_path, {"message": asking})).script.steps


def test_a_call_that_nobody_has_answered_has_no_steps(tmp_path: Path) -> None:
    asking = {"message": {"type": "assistant-request", "call": CALL}}
    ended = report(
        endedReason="assistant-request-returned-error", artifact=talk(("bot", "Closed."))
    )

    found = only(keep(tmp_path, asking, ended))

    assert not found.script.steps
    assert found.script.end.reason == "assistant-request-returned-error"


def test_messages_that_nothing_else_brings_are_steps(tmp_path: Path) -> None:
    beside = {"timestamp": 1, "artifact": {}, "assistant": {"name": "A"}, "customer": {}}
    bodies = [
        {"message": {"type": "hang", "call": CALL, "chat": {}, **beside}},
        {"message": {"type": "statusupdate", "call": CALL}},
        {"message": {"type": "speech-update", "call": CALL}},
        {"message": {"type": "session.created", "session": {"id": "s"}, "call": CALL}},
    ]

    steps = steps_of(only(keep(tmp_path, *bodies)))

    assert steps.startswith(
        "\n  - message: {type: hang}\n  - message: {type: session.created, session: {id: s}}\n# How"
    )


# --- the head and the end -----------------------------------------------------------------


def test_the_head_says_who_calls(tmp_path: Path) -> None:
    customer = {"number": "+15550100001", "name": "Ann", "sipUri": "sip:a@x", "email": "a@b.c"}
    call = {"id": "c-1", "type": "outboundPhoneCall", "customer": customer}
    body = called(entry("a", "find"), call=call, phoneNumber={"number": "+15550100002"})

    script = only(keep(tmp_path, body)).script

    assert script.customer == {"number": "+15550100001", "name": "Ann", "sipUri": "sip:a@x"}
    assert (script.number, script.kind) == ("+15550100002", "outbound")


@pytest.mark.parametrize(
    ("owner", "kind"),
    [
        ({"call": {"id": "c", "type": "webCall"}}, "web"),
        ({"chat": {"id": "c"}}, "web"),
        ({"call": {"id": "c", "type": "inboundPhoneCall"}}, "inbound"),
        ({"call": {"id": "c", "type": None}}, "inbound"),
    ],
    ids=["web", "chat", "phone", "unknown"],
)
def test_the_kind_is_that_of_the_call(tmp_path: Path, owner: dict[str, Any], kind: str) -> None:
    assert only(keep(tmp_path, called(entry("a", "find"), **owner))).script.kind == kind


def test_variables_are_those_that_somebody_has_set(tmp_path: Path) -> None:
    values = {"greeting": "Hi", "now": "today", "customer": {"number": "+1"}, "transport": {}}
    body = called(entry("a", "find"), artifact={"variableValues": values})

    assert only(keep(tmp_path, body)).script.variables == {"greeting": "Hi"}


def test_variables_of_the_answer_to_the_request_come_again_with_it(tmp_path: Path) -> None:
    asking = {"message": {"type": "assistant-request", "call": CALL}}
    overrides = {"variableValues": {"name": "Ann"}}
    body = called(entry("a", "find"), call={**CALL, "assistantOverrides": overrides})

    assert only(keep(tmp_path, asking, body)).script.variables == {}
    assert only(keep(tmp_path, body, body)).script.variables == {"name": "Ann"}


def test_an_assistant_that_the_bot_has_answers(tmp_path: Path) -> None:
    keep(tmp_path, called(entry("a", "book"), assistant={"name": "Refunds"}))

    assert only(tmp_path, desk()).script.assistant == "Refunds"


def test_an_assistant_that_nobody_knows_is_a_comment(tmp_path: Path) -> None:
    keep(tmp_path, called(entry("a", "book"), assistant={"name": "Old\none"}))

    assert "by the assistant 'Old one'.\n" in text_of(only(tmp_path))
    assert "'Old one', which the bot does not have.\n" in text_of(only(tmp_path, desk()))
    assert only(tmp_path, desk()).script.assistant is None


def test_what_the_server_is_sent_is_what_the_assistant_says(tmp_path: Path) -> None:
    wants = ["tool-calls", "hang", "no-such-type", 3]
    body = called(entry("a", "find"), assistant={"name": "A", "serverMessages": wants})

    assert only(keep(tmp_path, body)).script.server_messages == ["tool-calls", "hang"]


def test_the_end_is_that_of_the_report(tmp_path: Path) -> None:
    analysis = {"summary": "All\nwell", "successEvaluation": True, "structuredData": {"a": [1]}}
    ended = {"message": {"type": "status-update", "status": "ended", "endedReason": "first"}}

    found = only(keep(tmp_path, report(endedReason="hung-up", analysis=analysis), ended))

    text = text_of(found)
    assert text.endswith(
        'end:\n  reason: hung-up\n  summary: "All\\nwell"\n  success: "true"\n  data: {a: [1]}\n'
    )
    assert "not recorded" not in text


def test_an_end_that_was_not_recorded_is_said(tmp_path: Path) -> None:
    text = text_of(only(keep(tmp_path, called(entry("a", "find")))))

    assert text.endswith("# How the call has ended was not recorded.\nend: customer-ended-call\n")


def test_days_of_then_are_pointed_at(tmp_path: Path) -> None:
    keep(tmp_path / "a", called(entry("a", "find", {"at": "2024-05-01T10:00"})))
    keep(tmp_path / "b", called(entry("a", "find", {"order": "2024-05-0199"})))

    assert "`!day +1` writes tomorrow" in text_of(only(tmp_path / "a"))
    assert "!day" not in text_of(only(tmp_path / "b"))


# --- which bodies belong together ---------------------------------------------------------


def test_bodies_are_ordered_by_their_moment_and_then_by_their_name(tmp_path: Path) -> None:
    def at(moment: Any, name: str) -> dict[str, Any]:
        return called(entry(name, name), timestamp=moment, call=CALL)

    bodies = [
        at("2030-01-01T10:00:05.000Z", "third"),
        at(1_893_492_000_000, "first"),
        at(None, "second"),
        *[at("2031-01-01", f"later{number}") for number in range(9)],
    ]

    found = only(keep(tmp_path, *bodies))

    names = [call.tool for call in found.script.tool_calls]
    assert names == ["first", "second", "third", *[f"later{number}" for number in range(9)]]


def test_bodies_of_one_call_may_lie_in_several_folders(tmp_path: Path) -> None:
    for folder in ("tools", "reports"):
        keep(tmp_path / folder, called(entry(folder, folder), call=CALL))
        keep(tmp_path / folder, called(entry("o", "other"), call={"id": "c-2"}), begin=2)

    calls = scripts_from(tmp_path).calls

    tools = sorted([call.tool for call in each.script.tool_calls] for each in calls)
    assert tools == [["other"], ["reports", "tools"]]


def test_made_up_ids_of_recorded_folders_are_not_believed(tmp_path: Path) -> None:
    for number in (1, 2):
        keep(tmp_path / f"call-000{number}", called(entry("a", f"tool{number}"), call=CALL))

    calls = scripts_from(tmp_path).calls

    assert [each.script.tool_calls[0].tool for each in calls] == ["tool1", "tool2"]


def test_a_body_without_an_id_belongs_to_the_one_call_of_its_folder(tmp_path: Path) -> None:
    keep(tmp_path / "a", report(), called(entry("a", "find")))
    two = [report(call={"id": "c-2"}), report(call={"id": "c-3"})]
    keep(tmp_path / "b", *two, called(entry("a", "find")))

    calls = scripts_from(tmp_path).calls

    assert [each.bodies for each in calls] == [2, 1, 1, 1]


def test_one_file_is_enough(tmp_path: Path) -> None:
    keep(tmp_path, called(entry("a", "find")), called(entry("b", "book")))

    assert only(tmp_path / "2.json").script.tool_calls[0].tool == "book"


# --- what is no body ----------------------------------------------------------------------


def test_what_is_no_body_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_recorded, "_MAX_BYTES", 2 * 1024 * 1024)
    no_messages = [{}, [], "x", {"package": "json"}]
    deep = b'{"message": ' + b"[" * 200_000
    keep(tmp_path, *no_messages, b'{"half', b"", b"\xff\xfe", deep, b" " * 3_000_000)
    keep(tmp_path, called(entry("a", "find")), begin=99)

    found = scripts_from(tmp_path)

    assert len(found.calls) == 1
    assert found.left_out == (
        "4 no message of Vapi's (1.json, 2.json, 3.json, 1 more); "
        "4 no JSON (5.json, 6.json, 7.json, 1 more); 1 of more than 2 MiB (9.json)"
    )


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlayError, match=r"there is no folder .*none"):
        scripts_from(tmp_path / "none")


def test_a_folder_without_bodies_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlayError, match=r"there is no \.json file; vapitools serve --record"):
        scripts_from(tmp_path)
    with pytest.raises(PlayError, match=r"no file in it is a webhook body: 1 no JSON \(1.json\)"):
        scripts_from(keep(tmp_path, b"{"))


@pytest.mark.parametrize(
    ("error", "why"),
    [(PermissionError, "1 not to be read"), (RecursionError, "1 nested too deeply")],
)
def test_a_file_that_cannot_be_read_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception], why: str
) -> None:
    def fail(content: bytes) -> None:
        raise error

    monkeypatch.setattr(_bodies, "read", fail)

    with pytest.raises(PlayError, match=rf"{why} \(1\.json\)"):
        scripts_from(keep(tmp_path, report()))


def test_a_folder_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, pattern: str) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "rglob", fail)

    with pytest.raises(PlayError, match=f"{tmp_path.name}: Input/output error"):
        scripts_from(tmp_path)


def test_too_many_files_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_recorded, "_MAX_FILES", 1)
    keep(tmp_path, report(), report())

    with pytest.raises(PlayError, match="there are more than 1 files; name a folder in it"):
        scripts_from(tmp_path)


# --- whatever comes -----------------------------------------------------------------------


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_a_real_body_becomes_a_call_file(path: Path) -> None:
    """Those of the platform; skipped where they are not beside this checkout."""
    found = only(path)

    text_of(found)
    kind = path.stem.partition("_")[2]
    if kind.startswith(("tool-calls", "function-call")) and "empty" not in kind:
        assert found.script.tool_calls
    if kind.startswith("end-of-call-report"):
        assert found.script.end.report
        assert any(isinstance(step, Says) for step in found.script.steps)


SIGNS = st.sampled_from(
    [*"\n\r\t\0\x07\x1b\x85\u2028\ufeff\ud83d:#-'\"{}[]&*!|>%@`?,<= 0e1.~", "é"]
)
HOSTILE = st.one_of(
    st.text(SIGNS, max_size=8),
    st.text(st.characters(), max_size=8),
    st.sampled_from(
        ["null", "true", "1e5", "0x1", "---", "- a", "a: b", "!day +1", "<<", "k" * 2000]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=6,
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "bot", "tool_calls", "tool_call_result", "x"])},
        optional={
            "message": HOSTILE,
            "time": VALUES,
            "toolCallId": HOSTILE,
            "result": VALUES,
            "toolCalls": st.lists(
                st.builds(entry, HOSTILE, HOSTILE, st.dictionaries(HOSTILE, VALUES)), max_size=2
            ),
        },
    ),
    max_size=5,
)
TYPES = st.sampled_from(
    [
        "tool-calls",
        "status-update",
        "end-of-call-report",
        "transfer-destination-request",
        "handoff-destination-request",
        "knowledge-base-request",
        "transfer-update",
        "hang",
        "transcript",
        "assistant-request",
        "chat.created",
    ]
)
BODIES = st.fixed_dictionaries(
    {"type": TYPES | HOSTILE},
    optional={
        "toolCallList": st.lists(
            st.builds(entry, HOSTILE | st.none(), HOSTILE, st.dictionaries(HOSTILE, VALUES)),
            max_size=3,
        ),
        "timestamp": VALUES,
        "call": st.fixed_dictionaries({"id": HOSTILE}, optional={"type": HOSTILE}),
        "customer": st.dictionaries(st.sampled_from(["number", "name", "sipUri"]), VALUES),
        "phoneNumber": st.fixed_dictionaries({"number": HOSTILE}),
        "artifact": st.fixed_dictionaries(
            {"messages": TURNS},
            optional={"variableValues": st.dictionaries(HOSTILE, VALUES), "transcript": HOSTILE},
        ),
        "messages": TURNS | VALUES,
        "assistant": st.fixed_dictionaries(
            {"name": HOSTILE}, optional={"serverMessages": VALUES, "model": VALUES}
        ),
        "destination": VALUES,
        "toAssistant": st.fixed_dictionaries({"name": HOSTILE}),
        "parameters": VALUES,
        "endedReason": HOSTILE,
        "analysis": st.fixed_dictionaries(
            {"summary": HOSTILE, "structuredData": VALUES, "successEvaluation": VALUES}
        ),
        "role": st.sampled_from(["user", "assistant"]),
        "transcript": HOSTILE,
        "other": VALUES,
    },
)


DESK = desk()


@settings(max_examples=40, deadline=None)
@given(bodies=st.lists(BODIES, min_size=1, max_size=4))
def test_whatever_a_body_holds_the_file_is_read_back_to_the_same(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[dict[str, Any]]
) -> None:
    folder = keep(tmp_path_factory.mktemp("bodies"), *({"message": body} for body in bodies))
    try:
        calls = scripts_from(folder).calls
    except PlayError:
        return

    for call in (*calls, *scripts_from(folder, DESK).calls):
        text_of(call)


@settings(max_examples=40, deadline=None)
@given(text=st.text(SIGNS) | st.text(st.characters(codec="utf-8")))
def test_a_comment_stays_a_comment(text: str) -> None:
    step = Says("caller", "Hi", "there")
    script = Script("x", [step])

    written = write_script(script, {"": text, "there": text, script.end.place: text})

    assert without_places(read_script(written)) == without_places(script)
