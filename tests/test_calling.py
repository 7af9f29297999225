"""`call`: one tool by itself, run as a call runs it. `RecordingControl`: what it told the call."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import datetime as dt
import enum
import functools
import json
import threading
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import Field
from starlette.testclient import TestClient

from vapitools import (
    ArgumentError,
    CallContext,
    CallControlError,
    DefinitionError,
    NumberDestination,
    RequestComplete,
    RequestFailed,
    Static,
    ToolError,
    ToolResult,
    router,
    tool,
)
from vapitools.errors import ResultError
from vapitools.testing import Called, RecordingControl, call


class Area(enum.Enum):
    INSIDE = "inside"
    GARDEN = "garden"


@dataclasses.dataclass
class Guest:
    name: str
    born: dt.date | None = None


@tool
def book(day: dt.date, people: int = 2, area: Area = Area.INSIDE) -> str:
    return f"{day:%d %B}, {people}, {area.name}"


@tool
async def book_later(day: dt.date, people: int = 2) -> str:
    await asyncio.sleep(0)
    return f"{day:%d %B}, {people}"


# --- the arguments ------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2026-12-24", dt.date(2026, 12, 24)], ids=["text", "date"])
def test_arguments_go_through_json_and_are_mended(day: Any) -> None:
    called = call(book, day=day, people="4", area=" Garden ")

    assert called == Called("24 December, 4, GARDEN", "24 December, 4, GARDEN")


def test_an_enum_a_dataclass_and_a_moment_are_sent_as_json() -> None:
    @tool
    def greet(guest: Guest, area: Area, at: dt.time, length: dt.timedelta) -> list[Any]:
        return [guest, area, at, length]

    sent = [Guest("Ann", dt.date(1980, 5, 17)), Area.GARDEN, dt.time(19, 30), dt.timedelta(hours=1)]

    called = call(greet, guest=sent[0], area=sent[1], at=sent[2], length=sent[3])

    assert called.value == sent


def test_what_does_not_fit_is_an_argument_error() -> None:
    with pytest.raises(ArgumentError, match=r"^people: wanted a whole number, got text"):
        call(book, day="2026-12-24", people="many")


def test_a_parameter_may_have_any_name() -> None:
    @tool
    def write(tool: str, context: int, arguments: int, self: str = "") -> str:
        return f"{tool} {context} {arguments} {self}"

    assert call(write, tool="pen", context=3, arguments=4, self="me").value == "pen 3 4 me"


def test_a_name_that_is_no_parameter_is_a_slip_of_the_test() -> None:
    with pytest.raises(TypeError, match=r"^book has no parameter 'peopel'; did you mean 'people'"):
        call(book, day="2026-12-24", peopel=3)
    with pytest.raises(TypeError, match=r"no parameter 'zzz'; it has: day, people, area$"):
        call(book, zzz=3)


def test_an_argument_that_json_cannot_carry_is_a_slip_of_the_test() -> None:
    with pytest.raises(TypeError, match=r"^book: JSON cannot carry the arguments; give them as"):
        call(book, day=object())


def test_what_vapi_fills_in_is_given_like_any_argument() -> None:
    @tool
    def note(
        caller: Annotated[str, Static("{{customer.number}}")],
        place: Annotated[str, Static("Rome")],
    ) -> str:
        return f"{caller} in {place}"

    assert call(note, caller="+15550100010").text == "+15550100010 in Rome"
    assert call(note, caller="+15550100010", place="Pisa").text == "+15550100010 in Pisa"
    with pytest.raises(ArgumentError, match=r"^caller: wanted text, got nothing"):
        call(note)


# --- the result ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "Done."),
        ("one\ntwo", "one two"),
        (dt.date(2026, 12, 24), "2026-12-24"),
        ([Area.GARDEN, Guest("Ann")], '["garden",{"name":"Ann","born":null}]'),
        (ToolResult(ToolResult(True)), "yes"),
        ("x" * 10_001, "x" * 10_000 + " … (cut: 10000 of 10001 characters)"),
    ],
    ids=["nothing", "lines", "date", "parts", "result", "long"],
)
def test_the_text_is_what_the_model_reads(value: Any, text: str) -> None:
    @tool
    def give() -> Any:
        return value

    called = call(give)

    assert called.value is value
    assert called.text == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            object(),
            "a tool returned object; return text, numbers, lists, dicts or models",
        ),
        (
            {"n": (n for n in [1])},
            "a tool returned generator; return text, numbers, lists, dicts or models",
        ),
        (b"\xff", "a tool returned bytes that are no text; return text, numbers, lists, dicts or"),
        (ToolResult({1j: 1}), "a tool returned "),
        (
            ToolResult("Fine.", message=RequestFailed("No.")),  # type: ignore[arg-type]
            "the message must be a RequestComplete or text, not RequestFailed; ToolResult takes a "
            "text and JSON values",
        ),
        (
            ToolResult("Fine.", metadata={"lock": object()}),
            "a tool returned object; ToolResult takes a text and JSON values",
        ),
        (
            ToolResult("Fine.", metadata=["no dict"]),  # type: ignore[arg-type]
            "the metadata must be a dict, not list; ToolResult takes a text and JSON values",
        ),
        (ToolResult(ToolResult(1, metadata={"": object()})), "a tool returned object; ToolResult"),
    ],
    ids=["object", "part", "bytes", "in a result", "message", "metadata", "list", "in two"],
)
def test_a_result_that_cannot_be_sent_is_an_error_with_what_to_do(value: Any, text: str) -> None:
    @tool
    def give() -> Any:
        return value

    with pytest.raises(ResultError) as raised:
        call(give)

    assert str(raised.value).startswith(f"give: {text}")


def test_a_result_with_more_than_its_value_is_kept_whole() -> None:
    @tool
    def give() -> ToolResult:
        return ToolResult(3, message=RequestComplete("Three."), metadata={"n": 3})

    called = call(give)

    assert (called.value.message, called.text) == (RequestComplete("Three."), "3")


def test_what_the_tool_raises_is_raised() -> None:
    @tool
    def fail(how: str) -> None:
        raise {"no": ToolError("No."), "key": KeyError("k"), "exit": SystemExit(3)}[how]

    for how, error in {"no": ToolError, "key": KeyError, "exit": SystemExit}.items():
        with pytest.raises(error) as raised:
            call(fail, how=how)
        assert raised.value.__context__ is None


# --- every kind of tool, everywhere -------------------------------------------------------


class Desk:
    def __init__(self, place: str) -> None:
        self.place = place

    @tool
    def ask(self, question: str) -> str:
        return f"{question} in {self.place}"

    @tool
    async def wonder(self, question: str) -> str:
        return f"{question} in {self.place}"

    @tool
    @staticmethod
    def count(n: int) -> int:
        return n

    @tool
    @classmethod
    def name(cls) -> str:
        return cls.__name__


KINDS: dict[str, tuple[Callable[[], str], str]] = {
    "def": (lambda: call(book, day="2026-12-24").value, "24 December, 2, INSIDE"),
    "async def": (lambda: call(book_later, day="2026-12-24").value, "24 December, 2"),
    "method": (lambda: call(Desk("Rome").ask, question="who").value, "who in Rome"),
    "async method": (lambda: call(Desk("Rome").wonder, question="who").value, "who in Rome"),
    "static method": (lambda: call(Desk.count, n="7").text, "7"),
    "class method": (lambda: call(Desk.name).value, "Desk"),
    "partial": (
        lambda: call(tool(functools.partial(book, people=9)), day="2026-12-24").value,
        "24 December, 9, INSIDE",
    ),
}


@pytest.mark.parametrize(("make", "expected"), KINDS.values(), ids=KINDS)
def test_every_kind_of_tool_is_called_inside_and_outside_of_a_loop(
    make: Callable[[], str], expected: str
) -> None:
    async def inside() -> str:
        return make()

    assert make() == expected
    assert asyncio.run(inside()) == expected


def test_context_variables_of_the_test_are_seen_by_the_tool() -> None:
    user = contextvars.ContextVar("user", default="nobody")

    @tool
    def ask() -> str:
        return user.get()

    @tool
    async def ask_later() -> str:
        return user.get()

    async def inside() -> list[str]:
        user.set("Bob")
        return [call(ask).value, call(ask_later).value]

    user.set("Ann")
    assert [call(ask).value, call(ask_later).value] == ["Ann", "Ann"]
    assert asyncio.run(inside()) == ["Bob", "Bob"]


def test_a_def_tool_runs_in_a_thread_as_in_a_call() -> None:
    @tool
    def where() -> bool:
        return threading.current_thread() is threading.main_thread()

    assert call(where).text == "no"


def test_what_is_no_tool_is_told_apart() -> None:
    with pytest.raises(DefinitionError, match="is no tool; put @tool on the function"):
        call(print)  # type: ignore[call-overload]
    with pytest.raises(DefinitionError, match="take it from an object"):
        call(Desk.ask, question="who")


def test_a_tool_that_is_not_enabled_refuses() -> None:
    with pytest.raises(ToolError, match="cannot be used in this call"):
        call(book.enabled(lambda context: False), day="2026-12-24")


# --- the live call ------------------------------------------------------------------------


@tool
async def transfer(context: CallContext, to: Annotated[str, Field(min_length=2)]) -> str:
    await context.say("I put you through.", end_call=False)
    await context.transfer(NumberDestination(to), content="One moment.")
    return "Transferred."


def test_a_recording_control_keeps_what_the_call_was_told() -> None:
    control = RecordingControl()

    call(transfer, CallContext(control=control), to="+15550100020")

    assert control.said == ["I put you through."]
    assert control.commands == [
        {"type": "say", "content": "I put you through.", "endCallAfterSpoken": False},
        {
            "type": "transfer",
            "destination": {"type": "number", "number": "+15550100020"},
            "content": "One moment.",
        },
    ]


def test_the_record_cannot_be_changed_from_outside() -> None:
    control = RecordingControl()
    call(transfer, CallContext(control=control), to="+15550100020")

    control.commands[0]["content"] = "Something else."
    control.commands.clear()

    assert control.said == ["I put you through."]


def test_a_command_is_kept_as_it_was_when_it_was_sent() -> None:
    control = RecordingControl()
    message = {"role": "system", "content": "The caller is a regular."}

    asyncio.run(control.send(None, {"type": "add-message", "message": message}))
    message["content"] = "Something else."

    assert control.commands[0]["message"]["content"] == "The caller is a regular."


def test_the_next_command_can_fail() -> None:
    control = RecordingControl()
    context = CallContext(control=control)
    control.fail_with(times=2)
    control.fail_with("no answer within 5 s", status=None)

    for _ in range(2):
        with pytest.raises(
            CallControlError, match=r"^say: the call has ended \(status 404\)$"
        ) as e:
            call(transfer, context, to="+15550100020")
        assert e.value.status == 404
    with pytest.raises(CallControlError, match=r"^say: no answer within 5 s$") as raised:
        call(transfer, context, to="+15550100020")
    call(transfer, context, to="+15550100020")

    assert raised.value.status is None
    assert [command["type"] for command in control.commands] == ["say", "transfer"]


def test_a_command_that_json_cannot_carry_is_refused_as_by_vapi() -> None:
    control = RecordingControl()

    with pytest.raises(CallControlError, match=r"^say: it holds a value that JSON has no word for"):
        asyncio.run(control.send(None, {"type": "say", "content": object()}))

    assert control.commands == []


def test_a_router_takes_a_recording_control() -> None:
    control = RecordingControl()
    client = TestClient(router([transfer], auth=None, control=control))

    answer = client.post("/tools/transfer", json={"to": "+15550100020"})

    assert answer.json() == {"result": "Transferred."}
    assert control.said == ["I put you through."]
    assert repr(control) == "<RecordingControl: 2 commands>"
    assert json.dumps(control.commands)
