"""What the caller hears around a tool call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from vapitools import (
    RequestComplete,
    RequestDelayed,
    RequestFailed,
    RequestStart,
    ToolError,
    ToolResult,
    Toolset,
    tool,
)
from vapitools.playing import Bot, Played, Stage, _hearing, hosting, play
from vapitools.playing._hearing import FILLER, NO_RESULT, Heard
from vapitools.playing._judging import ToolAnswer
from vapitools.playing._script import CallsTools, PlannedCall, Says

from .webhooks import script

DONE, FAILED, NONE = ToolAnswer("Done."), ToolAnswer(error="Full."), ToolAnswer()


def defined(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"function": {"name": "book"}, "messages": [*messages], **fields}


def says(type_: str, content: str = "", **fields: Any) -> dict[str, Any]:
    return {"type": type_, "content": content, **fields}


def heard_before(definition: dict[str, Any], **arguments: Any) -> list[str]:
    return [each.text for each in _hearing.before(definition, arguments)]


def heard_after(definition: dict[str, Any], answer: ToolAnswer, **arguments: Any) -> list[str]:
    return [each.text for each in _hearing.after(definition, arguments, answer, 1.0)]


# --- when it is called --------------------------------------------------------------------


def test_vapi_fills_the_silence_of_a_tool_that_says_nothing() -> None:
    assert heard_before(defined()) == [FILLER]


def test_a_request_start_is_heard_in_the_place_of_the_filler() -> None:
    assert heard_before(defined(says("request-start", "Let me look."))) == ["Let me look."]


def test_an_empty_request_start_is_silence() -> None:
    assert heard_before(defined(says("request-start", ""))) == []


def test_of_several_variants_one_is_heard() -> None:
    assert heard_before(defined(says("request-start", "A"), says("request-start", "B"))) == ["A"]


def test_the_first_language_stands_for_all_of_them() -> None:
    contents = [{"text": "Un momento.", "language": "es"}, {"text": "Moment.", "language": "de"}]

    assert heard_before(defined({"type": "request-start", "contents": contents})) == ["Un momento."]


def when(operator: str, value: Any, param: str = "people") -> dict[str, Any]:
    return {"conditions": [{"param": param, "operator": operator, "value": value}]}


@pytest.mark.parametrize(
    ("operator", "value", "people", "holds"),
    [
        ("eq", 4, 4, True),
        ("eq", "4", 4, True),
        ("eq", 4, 5, False),
        ("neq", 4, 5, True),
        ("gt", 8, 10, True),  # as numbers: as text, "10" is less than "8"
        ("gt", 8, 8, False),
        ("gte", 8, 8, True),
        ("lt", 8, 2.5, True),
        ("lte", 8, 9, False),
        ("eq", "garden", "garden", True),
        ("eq", "true", True, True),
        ("eq", False, "false", True),
    ],
)
def test_a_message_is_heard_when_its_condition_holds(
    operator: str, value: Any, people: Any, holds: bool
) -> None:
    only_then = says("request-start", "Many!", **when(operator, value))

    heard = heard_before(defined(only_then, says("request-start", "Few.")), people=people)

    assert heard == (["Many!"] if holds else ["Few."])


def test_all_conditions_must_hold() -> None:
    both = {"conditions": [*when("eq", 4)["conditions"], *when("eq", "in", "area")["conditions"]]}
    message = says("request-start", "A", **both)

    assert heard_before(defined(message), people=4, area="in") == ["A"]
    assert heard_before(defined(message), people=4, area="out") == []


# --- while it works -----------------------------------------------------------------------


def test_a_delayed_message_is_heard_after_its_time() -> None:
    definition = defined(
        says("request-response-delayed", "Still looking.", timingMilliseconds=1000),
        says("request-response-delayed", "Soon.", timingMilliseconds=3000),
    )

    heard = {
        seconds: [(each.text, each.seconds) for each in _hearing.during(definition, {}, seconds)]
        for seconds in (0.5, 2.0, 4.0)
    }

    assert heard == {
        0.5: [],
        2.0: [("Still looking.", 1.0)],
        4.0: [("Still looking.", 1.0), ("Soon.", 3.0)],
    }


# --- when it has answered -----------------------------------------------------------------


def test_a_message_of_the_answer_is_heard_in_the_place_of_the_tools_own() -> None:
    own = says("request-complete", "Done and dusted.")
    answered = ToolAnswer("Done.", message=says("request-complete", "Your table is booked."))

    assert heard_after(defined(own), DONE) == ["Done and dusted."]
    assert heard_after(defined(own), answered) == ["Your table is booked."]


def test_a_failure_has_messages_of_its_own() -> None:
    definition = defined(says("request-complete", "Done."), says("request-failed", "Oh no."))

    assert heard_after(definition, FAILED) == ["Oh no."]
    assert heard_after(definition, NONE) == ["Oh no."]


def test_the_model_finds_its_own_words_where_nothing_is_said() -> None:
    assert heard_after(defined(), DONE) == []
    assert heard_after(defined(), FAILED) == []


def test_no_result_is_heard_where_vapi_took_no_answer() -> None:
    (heard,) = _hearing.after(defined(), {}, NONE, 1.5)

    assert heard == Heard(NO_RESULT, "no-result", 1.5)


def test_what_is_said_to_the_model_is_not_heard() -> None:
    hint = says("request-complete", "Offer dessert.", role="system")
    answered = ToolAnswer("Done.", message=hint)

    assert heard_after(defined(hint), DONE) == []
    assert heard_after(defined(says("request-complete", "Done.")), answered) == []


def test_nobody_waits_for_an_async_tool() -> None:
    definition = defined(
        says("request-start", "A"),
        says("request-response-delayed", "B", timingMilliseconds=100),
        says("request-complete", "C"),
        says("request-failed", "D"),
        **{"async": True},
    )

    assert heard_before(definition) == []
    assert list(_hearing.during(definition, {}, 5)) == []
    assert heard_after(definition, DONE) == ["C"]
    assert heard_after(definition, FAILED) == []
    assert heard_after(definition, NONE) == []


def test_a_message_can_end_the_call() -> None:
    bye = says("request-complete", "Bye.", endCallAfterSpokenEnabled=True)

    (heard,) = _hearing.after(defined(bye), {}, DONE, 1.0)

    assert heard.ends_call


# --- in a call ----------------------------------------------------------------------------


@tool(messages=[RequestStart("Let me look."), RequestDelayed("Still looking.", after=0.1)])
async def find(day: str) -> str:
    """Find a table."""
    await asyncio.sleep(0.15)
    return "18:00"


@tool(messages=[RequestStart(""), RequestFailed("Sorry, we are full.")])
def full(day: str) -> str:
    """Say no."""
    raise ToolError("Full.")


@tool
def hinted(day: str) -> ToolResult:
    """Hint the model."""
    return ToolResult("Done.", message=RequestComplete("Offer dessert.", role="system"))


@tool
def bye(day: str) -> ToolResult:
    """Say goodbye."""
    return ToolResult("Done.", message=RequestComplete("Goodbye.", end_call=True))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with hosting(Bot(Toolset([find, full, hinted, bye]))) as hosted:
        yield hosted


def heard_of(stage: Stage, *names: str) -> Played:
    steps = [CallsTools([PlannedCall(name, {"day": "1"}, None)]) for name in names]
    return asyncio.run(play(script(Says("caller", "Hi"), *steps), stage))


def test_the_callers_ear_is_told_in_order(stage: Stage) -> None:
    call = heard_of(stage, "find", "full", "hinted")

    assert [(each.text, each.source) for each in call.heard] == [
        ("Let me look.", "request-start"),
        ("Still looking.", "request-response-delayed"),
        ("Sorry, we are full.", "request-failed"),
        (FILLER, "filler"),
    ]


def test_the_call_ends_after_a_message_that_ends_it(stage: Stage) -> None:
    call = heard_of(stage, "bye", "find")

    assert call.ended == "assistant-ended-call-after-message-spoken"
    assert [each.text for each in call.heard] == [FILLER, "Goodbye."]
    assert [fault.rule for fault in call.faults] == ["ended"]
