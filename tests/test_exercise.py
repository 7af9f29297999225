"""`exercise`: what would break a call is found, with the simplest arguments that do it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import json
import subprocess
import sys
import traceback
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, AnyUrl, BaseModel, Field, Json

from vapitools import (
    ArgumentError,
    CallContext,
    DefinitionError,
    RequestFailed,
    Static,
    ToolError,
    ToolResult,
    tool,
)
from vapitools.testing import RecordingControl, exercise
from vapitools.testing._strategies import arguments_for

from .signatures import Signature, bind, examples, read, signatures, taking


def failure(made: Any, **options: Any) -> str:
    """The text with which the tool fails."""
    with pytest.raises(AssertionError) as raised:
        exercise(made, **options)
    return str(raised.value)


# --- tools that break a call --------------------------------------------------------------


@tool
def share(people: int, name: str = "nobody") -> str:
    return f"{name}: {100 // people}"


def test_the_failure_tells_the_arguments_what_happened_the_rule_and_what_to_do() -> None:
    assert failure(share) == (
        "share(people=0): it raised ZeroDivisionError: integer division or modulo by zero\n"
        "The rule: a tool says in words what went wrong; here the caller hears only that it "
        "failed\n"
        "What to do: raise ToolError(…) with what to offer instead, or let the type keep such "
        "arguments out, as Annotated[int, Field(ge=1)] does"
    )


def test_the_traceback_of_the_tool_is_attached() -> None:
    with pytest.raises(AssertionError) as raised:
        exercise(share)

    cause = raised.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    assert traceback.extract_tb(cause.__traceback__)[-1].name == "share"


def test_the_arguments_are_the_simplest_and_the_same_each_time() -> None:
    @tool
    def pick(numbers: list[int], limit: int = 3) -> str:
        if len(numbers) > 2 and numbers[2] > 11:
            raise LookupError
        return "Picked."

    texts = {failure(pick) for _ in range(3)}

    assert [text.partition("\n")[0] for text in texts] == [
        "pick(numbers=[0, 0, 12]): it raised LookupError"
    ]


@tool
def give_generator(n: int) -> Any:
    return (i for i in range(n))


@tool
async def give_object() -> Any:
    return object()


@tool
def give_nothing(found: bool) -> str:
    return "Found." if found else " "


@tool
def give_lines(days: Annotated[list[int], Field(max_length=3)]) -> str:
    return "\n".join(["The days:", *map(str, days)])


@tool
def give_much(times: int) -> str:
    return "many words " * 1000 if times == 7 else "few"


@tool
def give_long_list() -> list[str]:
    return ["word"] * 5000


@tool
def give_wrong_message() -> ToolResult:
    return ToolResult("Fine.", message=RequestFailed("No."))  # type: ignore[arg-type]


@tool
def give_wrong_metadata() -> ToolResult:
    return ToolResult("Fine.", metadata={"lock": object()})


@tool
def leave(n: int) -> None:
    sys.exit(3)


@tool
async def cancel(n: int) -> None:
    raise asyncio.CancelledError


WRONG: dict[str, tuple[Any, str]] = {
    "a generator": (
        give_generator,
        "give_generator(n=0): its result cannot be sent: a tool returned generator\n"
        "The rule: a result is text or JSON; of any other the caller hears that the tool failed\n"
        "What to do: return text, numbers, lists, dicts or models, or a ToolResult of them",
    ),
    "an object": (give_object, "give_object(): its result cannot be sent: a tool returned object"),
    "empty text": (
        give_nothing,
        "give_nothing(found=False): it returned empty text\n"
        "The rule: Vapi takes an empty result for none, so the model reads 'Done.' in its place\n"
        "What to do: return what the model is to know, such as 'Nothing was found.'; or None",
    ),
    "a line break": (
        give_lines,
        "give_lines(days=[0]): it returned text with a line break\n"
        "The rule: Vapi drops a result that has one, so the model reads all of it in one line\n"
        "What to do: put commas or full stops between the parts, or return a list",
    ),
    "long text": (
        give_much,
        "give_much(times=7): it returned 10999 characters\n"
        "The rule: a result stays in the conversation, so it is cut at 10000 characters\n"
        "What to do: return the first few, and say how many more there are",
    ),
    "long JSON": (give_long_list, "give_long_list(): it returned 35001 characters"),
    "a message": (
        give_wrong_message,
        "give_wrong_message(): its result cannot be sent: the message must be a RequestComplete "
        "or text, not RequestFailed",
    ),
    "metadata": (
        give_wrong_metadata,
        "give_wrong_metadata(): its result cannot be sent: a tool returned object",
    ),
    "an exit": (leave, "leave(n=0): it raised SystemExit: 3"),
    "a cancellation": (cancel, "cancel(n=0): it raised CancelledError"),
}


@pytest.mark.parametrize(("made", "text"), WRONG.values(), ids=WRONG)
def test_what_would_break_a_call_is_found(made: Any, text: str) -> None:
    assert failure(made).startswith(text)


def test_an_optional_argument_is_left_out_at_times() -> None:
    @tool
    def find(name: str | None = None, day: dt.date | None = None) -> str:
        return f"{name or 'nobody'}, {day.isoformat()}"  # type: ignore[union-attr]

    assert failure(find).startswith("find(): it raised AttributeError")


def test_a_failure_that_does_not_come_again_is_said_to_be_one() -> None:
    seen: set[int] = set()

    @tool
    def remember(n: int) -> str:
        if n in seen or n < 5:
            return "Known."
        seen.add(n)
        raise LookupError("never seen")

    text = failure(remember)

    assert "it raised LookupError: never seen\n" in text
    assert text.endswith(
        "The same arguments did not fail again: the tool keeps something from one run to the "
        "next, or leaves it to chance. Let it begin anew each time."
    )


# --- tools that do not --------------------------------------------------------------------


class Size(enum.Enum):
    SMALL = "small"


@dataclasses.dataclass
class Guest:
    name: Annotated[str, Field(min_length=1)]
    friends: list[Guest] = dataclasses.field(default_factory=list)


@tool
def refuse(n: int) -> str:
    raise ToolError


@tool
def echo(text: str, day: dt.date, size: Size, guest: Guest) -> dict[str, Any]:
    return {"text": text, "day": day, "size": size, "guest": guest, "lines": "a\nb"}


@tool
async def wait(n: Annotated[int, Field(ge=1)]) -> ToolResult:
    await asyncio.sleep(0)
    return ToolResult(100 // n, message="There.", metadata={"n": n})


@tool
def do() -> None: ...


@tool
def refuse_arguments(n: int) -> None:
    raise ArgumentError("n: wanted another")


@pytest.mark.parametrize("made", [refuse, echo, wait, do, refuse_arguments], ids=lambda t: t.name)
def test_a_tool_that_answers_whatever_comes_passes(made: Any) -> None:
    exercise(made)


def test_a_method_and_its_state_are_exercised() -> None:
    class Desk:
        def __init__(self) -> None:
            self.asked: list[str] = []

        @tool
        def ask(self, question: str) -> str:
            self.asked.append(question)
            return "Noted."

    desk = Desk()
    exercise(desk.ask, examples=30)

    assert len(set(desk.asked)) > 10
    with pytest.raises(DefinitionError, match="take it from an object"):
        exercise(Desk.ask)


def test_the_same_arguments_come_each_time() -> None:
    seen: list[str] = []

    @tool
    def note(n: float, words: list[str], day: dt.date | None = None) -> None:
        seen.append(repr((n, words, day)))

    exercise(note, examples=20)
    exercise(note, examples=20)

    assert seen[:20] == seen[20:]
    assert len(set(seen)) > 10


def test_as_many_examples_run_as_were_asked_for() -> None:
    seen: list[int] = []

    @tool
    def note(n: int) -> None:
        seen.append(n)

    exercise(note, examples=17)

    assert len(seen) == 17


def test_what_vapi_fills_in_is_there() -> None:
    @tool
    def note(caller: Annotated[str, Static("{{customer.number}}")]) -> str:
        return f"From {caller}."

    exercise(note)


def test_a_tool_gets_its_context_or_one_made_for_each_run() -> None:
    made: list[RecordingControl] = []

    def context() -> CallContext:
        made.append(RecordingControl())
        return CallContext(control=made[-1])

    @tool
    async def say(text: Annotated[str, Field(pattern="^[a-z]+$")], call: CallContext) -> None:
        await call.say(text)

    exercise(say, context=context, examples=10)
    exercise(say, context=CallContext(control=RecordingControl()), examples=10)

    assert len(made) == 10
    assert all(len(control.said) == 1 for control in made)


def test_a_tool_that_speaks_to_a_call_is_told_to_be_given_one() -> None:
    @tool
    async def say(call: CallContext) -> None:
        await call.say("Hello!")

    def ended() -> CallContext:
        control = RecordingControl()
        control.fail_with("the call has ended")
        return CallContext(control=control)

    assert failure(say) == (
        "say(): it spoke to the live call, and exercise was given none\n"
        "The rule: a tool reaches its call over the context, which is empty where none is given\n"
        "What to do: exercise(say, context=lambda: CallContext(control=RecordingControl()))"
    )
    assert failure(say, context=ended).startswith("say(): it raised CallControlError: say: the")


def test_all_runs_share_one_event_loop_which_is_cleared_away() -> None:
    loops: set[asyncio.AbstractEventLoop] = set()
    ended: list[str] = []

    @tool
    async def leave_a_task(n: int) -> None:
        async def linger() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("task")

        loop = asyncio.get_running_loop()
        if loop not in loops:
            loops.add(loop)
            leave_a_task.left = loop.create_task(linger())  # type: ignore[attr-defined]
            await asyncio.sleep(0)

    exercise(leave_a_task)

    assert [loop.is_closed() for loop in loops] == [True]
    assert ended == ["task"]


def test_it_runs_inside_of_an_event_loop_too() -> None:
    async def inside() -> str:
        exercise(wait)
        return failure(share)

    assert asyncio.run(inside()).startswith("share(people=0): ")


# --- tools that are never reached ---------------------------------------------------------


def sesame(word: str) -> str:
    if word != "sesame":
        raise ValueError
    return word


def test_a_tool_that_no_argument_reaches_fails() -> None:
    @tool
    def unlock(word: Annotated[str, AfterValidator(sesame)]) -> str:
        return "Open."

    assert failure(unlock, examples=20) == (
        "unlock: no arguments of 20 reached the function\n"
        "The last answer: word: wanted text, got text that does not fit\n"
        "What to do: say in the type what a validator asks for, such as Field(pattern=…) or "
        "Literal[…], or run it with arguments of your own: call(unlock, …)"
    )


@pytest.mark.parametrize(
    "limits", [Field(gt=1, lt=2), Field(ge=1, le=4, multiple_of=5)], ids=["ends", "step"]
)
def test_a_tool_whose_limits_nothing_keeps_fails(limits: Any) -> None:
    @tool
    def unlock(code: Annotated[int, limits]) -> None: ...

    assert failure(unlock).startswith(
        "unlock: no arguments of 100 reached the function\n"
        "The last answer: code: wanted a whole number, "
    )


def test_a_sample_reaches_a_tool_that_nothing_else_does() -> None:
    def first(number: int) -> int:
        if number % 1000 != 7:
            raise ValueError
        return number

    Rare = Annotated[int, AfterValidator(first)]  # noqa: N806

    @tool
    def unlock(a: Rare, b: Rare, c: Rare) -> int:
        return 1 // (a - 7)

    assert failure(unlock, examples=5).startswith("unlock(a=7, b=7, c=7): it raised ZeroDiv")


def test_a_tool_that_is_not_enabled_fails() -> None:
    closed = share.enabled(lambda call: False)

    assert failure(closed, examples=20) == (
        "share: no arguments of 20 reached the function\n"
        "The last answer: This tool cannot be used in this call. Go on without it.\n"
        "What to do: give a context=… for which the tool is enabled"
    )


def test_only_a_tool_can_be_exercised() -> None:
    with pytest.raises(DefinitionError, match="is no tool; put @tool on the function"):
        exercise(sesame)  # type: ignore[arg-type]


# --- the arguments ------------------------------------------------------------------------


@given(signatures(), st.data())
@examples(60)
def test_whatever_a_tool_takes_its_arguments_fit(signature: Signature, data: st.DataObject) -> None:
    arguments = data.draw(arguments_for(tool(signature.function)))

    bind(read(signature.function), arguments)


class Card(BaseModel):
    kind: Literal["card"]
    number: str = Field(pattern=r"^\d{4}$")
    note: str | None


class Cash(BaseModel):
    kind: Literal["cash"]
    amount: Decimal = Field(gt=0, lt=1)


class Pair(NamedTuple):
    low: int
    high: int = 9


class Tree(BaseModel):
    value: int
    below: list[Tree] = []
    beside: Tree | None = None


LIMITED: dict[str, Any] = {
    "between": Annotated[int, Field(gt=3, lt=6)],
    "above the most": Annotated[int, Field(ge=2**60)],
    "below the least": Annotated[int, Field(le=-(2**60))],
    "multiple": Annotated[int, Field(multiple_of=7, ge=50)],
    "part": Annotated[float, Field(gt=0, lt=0.25)],
    "halves": Annotated[float, Field(multiple_of=0.5)],
    "lengths": Annotated[str, Field(min_length=3, max_length=5)],
    "pattern": Annotated[str, Field(pattern="^[A-Z]{2}[0-9]+$", max_length=9)],
    "long pattern": Annotated[str, Field(pattern="^[a-z]+$", min_length=40)],
    "a pattern of another kind": Annotated[str, Field(pattern=r"^(?<first>[ab]+)\z")],
    "items": Annotated[list[bool], Field(min_length=2, max_length=4)],
    "set": Annotated[set[int], Field(min_length=3, max_length=4)],
    "tuple": tuple[int, str, dt.date],
    "tuple of any length": Annotated[tuple[int, ...], Field(min_length=2)],
    "entries": Annotated[dict[str, int], Field(min_length=1, max_length=2)],
    "keys": dict[Literal["a", "b"], int],
    "keys that match": dict[Annotated[str, Field(pattern="^[ab]+$")], int],
    "object": dict[str, Any],
    "tagged union": Annotated[Card | Cash, Field(discriminator="kind")],
    "recursion": Tree,
    "named tuple": Pair,
    "JSON": Json[dict[str, int]],
    "URL": AnyUrl,
    "moment": dt.datetime | dt.time,
    "duration": dt.timedelta,
    "UUID": uuid.UUID,
    "bytes": bytes,
    "anything": Any,
    "null": None,
}


@pytest.mark.parametrize("hint", LIMITED.values(), ids=LIMITED)
def test_arguments_keep_the_limits_of_their_type(hint: Any) -> None:
    parameters, seen = read(taking(hint)), set()

    @given(arguments_for(tool(taking(hint))))
    @examples(50)
    def holds(arguments: dict[str, Any]) -> None:
        bind(parameters, arguments)
        seen.add(json.dumps(arguments))

    holds()
    assert len(seen) > 1


def test_an_object_with_nothing_in_it_is_sent_empty() -> None:
    class Nothing(BaseModel, extra="forbid"): ...

    @tool
    def take(nothing: Nothing) -> None: ...

    exercise(take)


def test_keys_that_are_no_text_are_met_at_times() -> None:
    @tool
    def count(seats: Annotated[dict[int, str], Field(min_length=1)]) -> None: ...

    exercise(count)


# --- what it needs ------------------------------------------------------------------------


def test_without_hypothesis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)

    with pytest.raises(ModuleNotFoundError, match=r"^exercise needs hypothesis: pip install hypo"):
        exercise(share)


def test_importing_the_kit_loads_neither_hypothesis_nor_pytest() -> None:
    script = "import sys, vapitools.testing; print({'hypothesis', 'pytest'} & sys.modules.keys())"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "set()\n"


def test_serving_loads_nothing_of_the_kit() -> None:
    script = "import sys, vapitools, vapitools.cli; print('vapitools.testing' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "False\n"


def test_nothing_is_kept_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    failure(share)

    assert [path for path in tmp_path.rglob("*") if "examples" in path.parts] == []
