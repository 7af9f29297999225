from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies

from tests.test_server_messages import FINAL
from vapitools import (
    Assistant,
    AssistantDestination,
    CampaignPredial,
    DefinitionError,
    Document,
    EndOfCallReport,
    Events,
    Hang,
    ServerMessage,
    answers,
)
from vapitools.events import ANSWERED
from vapitools.server_messages import CHOOSABLE, CLASSES

TOLD = sorted(CLASSES.keys() - ANSWERED)
ASKED = sorted(ANSWERED)


def handle(message: Any) -> Any:
    """A handler."""


def handle_too(message: Any) -> Any:
    """Another one."""


def register(events: Events, type_: Any, handler: Any = handle, **options: Any) -> Any:
    on: Callable[..., Any] = events.on
    return on(type_, **options)(handler)


def problem(type_: Any, handler: Any = handle, **options: Any) -> str:
    with pytest.raises(DefinitionError) as raised:
        register(Events(), type_, handler, **options)
    return str(raised.value)


# --- who is told --------------------------------------------------------------------------


@pytest.mark.parametrize("type_", CLASSES)
def test_the_decorated_function_is_still_the_function(type_: str) -> None:
    events = Events()

    assert register(events, type_) is handle
    assert events.on_any(handle_too) is handle_too


@pytest.mark.parametrize("type_", TOLD)
def test_every_type_can_have_any_number_of_listeners_told_in_their_order(type_: str) -> None:
    events = Events()

    for handler in (handle, handle_too, handle):
        register(events, type_, handler)

    assert list(events.listeners(type_)) == [handle, handle_too, handle]
    assert events.answerer(type_) is None
    assert list(events.listeners("unknown-type")) == []


def test_who_listens_to_everything_comes_last() -> None:
    events = Events()
    events.on_any(handle_too)
    register(events, "hang")
    register(events, "assistant-request", handle)

    assert list(events.listeners("hang")) == [handle, handle_too]
    assert list(events.listeners("assistant-request")) == [handle_too]
    for type_ in ("tool-calls", "unknown-type", "hang[loud]x", ""):
        assert list(events.listeners(type_))[-1] == handle_too


def test_a_type_in_brackets_comes_under_its_plain_name_too() -> None:
    events = Events()
    register(events, "transcript", handle)
    register(events, FINAL, handle_too)

    assert list(events.listeners(FINAL)) == [handle_too, handle]
    assert list(events.listeners("transcript")) == [handle]
    assert list(events.listeners('transcript[transcriptType="partial"]')) == [handle]


def test_two_events_know_nothing_of_each_other() -> None:
    one, other = Events(), Events()
    register(one, "hang")
    one.on_any(handle)
    register(one, "assistant-request")

    assert other.types == []
    assert list(other.listeners("hang")) == []
    assert other.answerer("assistant-request") is None


# --- who answers --------------------------------------------------------------------------


def test_the_types_that_are_answered_in_json_are_those_but_for_sound() -> None:
    assert {*answers._KINDS, "voice-request"} == ANSWERED
    assert ANSWERED.issubset(CLASSES)


@pytest.mark.parametrize("type_", ASKED)
def test_a_type_that_wants_an_answer_has_one_handler(type_: str) -> None:
    events = Events()
    register(events, type_, handle)

    with pytest.raises(DefinitionError) as raised:
        register(events, type_, handle_too)

    assert str(raised.value) == (
        f"handle_too: {type_} is answered by handle already; there can be one answer"
    )
    answerer = events.answerer(type_)
    assert answerer is not None
    assert answerer.handler is handle
    assert list(events.listeners(type_)) == []


@pytest.mark.parametrize("type_", ASKED)
def test_an_answer_has_a_deadline_before_vapis_own(type_: str) -> None:
    events = Events()
    register(events, type_)

    answerer = events.answerer(type_)

    assert answerer is not None
    assert 0 < answerer.timeout < (7.5 if type_ == "assistant-request" else 20)


@pytest.mark.parametrize("type_", sorted(answers._KINDS))
def test_the_fallback_of_the_package_is_an_answer(type_: str) -> None:
    events = Events()
    register(events, type_)

    answerer = events.answerer(type_)

    assert answerer is not None
    if type_ == "campaign.predial":
        assert answerer.fallback is None
    else:
        assert answers.to_json(type_, answerer.fallback, Assistant.definition)


FALLBACKS: dict[str, Any] = {
    "assistant-request": "We are closed.",
    "call.endpointing.request": 0,
    "campaign.predial": False,
    "handoff-destination-request": AssistantDestination("Billing"),
    "knowledge-base-request": [Document("30 days.", 0.9)],
    "transfer-destination-request": "+15550100020",
    "voice-request": b"\x00\x00",
}


@pytest.mark.parametrize("type_", FALLBACKS)
def test_a_timeout_and_a_fallback_of_ones_own_are_kept(type_: str) -> None:
    events = Events()
    register(events, type_, timeout=1, fallback=FALLBACKS[type_])

    answerer = events.answerer(type_)

    assert answerer is not None
    assert answerer.timeout == 1
    assert answerer.fallback is FALLBACKS[type_]


@pytest.mark.parametrize("type_", ASKED)
@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 300, "5"])
def test_a_timeout_that_cannot_be_is_refused(type_: str, timeout: Any) -> None:
    most = "7.5" if type_ == "assistant-request" else "300"

    assert problem(type_, timeout=timeout) == (
        f"handle: timeout={timeout!r} must be a number of seconds above 0 and below {most}"
    )


def test_vapi_waits_seven_and_a_half_seconds_for_an_assistant() -> None:
    assert "below 7.5" in problem("assistant-request", timeout=7.5)
    register(Events(), "assistant-request", timeout=7.4)
    register(Events(), "transfer-destination-request", timeout=299)


@pytest.mark.parametrize(
    ("type_", "fallback", "wanted"),
    [
        ("assistant-request", "7f3a9c", "got str; return an Assistant, "),
        ("transfer-destination-request", {"to": "7f3a9c"}, "got dict; return a destination"),
        ("handoff-destination-request", "+15550100020", "got str; return an AssistantDest"),
        ("knowledge-base-request", "", "got str; return a list of Documents"),
        ("call.endpointing.request", 16, "got int; return a number of seconds from 0 to 15"),
        ("campaign.predial", 0, "got int; return True or False"),
        ("voice-request", "7f3a9c", "got str; give bytes"),
        ("voice-request", iter([b""]), "got list_iterator; give bytes"),
    ],
)
def test_a_fallback_that_is_no_answer_is_refused_when_it_is_registered(
    type_: str, fallback: Any, wanted: str
) -> None:
    found = problem(type_, fallback=fallback)

    assert found.startswith(f"handle: fallback: {wanted}")
    assert "7f3a9c" not in found


def test_all_that_is_wrong_with_an_answerer_is_told_at_once() -> None:
    found = problem("campaign.predial", timeout=0, fallback="yes")

    assert [line.split()[1] for line in found.splitlines()] == ["timeout=0", "fallback:"]


@pytest.mark.parametrize("options", [{"timeout": 5}, {"fallback": "Sorry, no."}, {"timeout": 0}])
@pytest.mark.parametrize("type_", TOLD)
def test_what_wants_no_answer_has_no_deadline(type_: str, options: dict[str, Any]) -> None:
    assert problem(type_, **options) == (
        f"{type_} wants no answer, so no timeout and no fallback either"
    )


# --- what can be registered ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "hint"),
    [
        ("end-of-call-raport", "; did you mean 'end-of-call-report'?"),
        (
            "End-Of-Call-Report",
            "; did you mean 'end-of-call-report'? One that is new at Vapi comes to on_any",
        ),
        ("assistant.speechstarted", "; did you mean 'assistant.speechStarted'?"),
        ("transcript[transcriptType='final']", f"; did you mean {FINAL!r}?"),
        ("hang[loud]", "one that is new at Vapi comes to on_any"),
        ("status_update", "; did you mean 'status-update'?"),
        ("", "one that is new at Vapi comes to on_any"),
        (None, "one that is new at Vapi comes to on_any"),
        ("tool-calls", "is answered by tools; put @tool on a function"),
        ("function-call", "is answered by tools; put @tool on a function"),
    ],
)
def test_a_type_that_never_comes_is_refused(type_: Any, hint: str) -> None:
    assert hint in problem(type_)


def test_a_decorator_without_a_type_is_refused() -> None:
    events: Any = Events()

    with pytest.raises(DefinitionError, match="with the type of the messages"):
        events.on(handle)


class Desk:
    def method(self, message: Any) -> None: ...

    @staticmethod
    def static(message: Any) -> None: ...

    @classmethod
    def of_class(cls, message: Any) -> None: ...

    def __call__(self, message: Any) -> None: ...


async def asynchronous(message: Any) -> None: ...


def with_more(message: Any, retries: int = 3, *, loud: bool = False) -> None: ...


def with_any(*messages: Any) -> None: ...


def needs_two(message: Any, retries: int) -> None: ...


def needs_none() -> None: ...


def needs_a_name(*, message: Any) -> None: ...


heard: set[Any] = set()

HANDLERS = {
    "method": Desk().method,
    "static": Desk.static,
    "class": Desk.of_class,
    "callable": Desk(),
    "async": asynchronous,
    "defaults": with_more,
    "any number": with_any,
    "lambda": lambda message: None,
    "partial": functools.partial(needs_two, retries=3),
    "written in C": heard.add,
    "without a signature": dict,
}
NO_HANDLERS = {
    "two": (needs_two, "needs_two"),
    "none": (needs_none, "needs_none"),
    "a name": (needs_a_name, "needs_a_name"),
    "partial": (functools.partial(handle, None), "partial"),
    "unbound": (Desk.method, "Desk.method"),
}


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
@pytest.mark.parametrize("type_", ["hang", "campaign.predial"])
def test_whatever_can_be_called_with_a_message_is_a_handler(type_: str, handler: Any) -> None:
    events = Events()

    assert register(events, type_, handler) is handler
    assert events.on_any(handler) is handler


@pytest.mark.parametrize(("handler", "name"), NO_HANDLERS.values(), ids=NO_HANDLERS)
@pytest.mark.parametrize("type_", ["hang", "campaign.predial"])
def test_a_handler_takes_the_message_and_nothing_else(type_: str, handler: Any, name: str) -> None:
    wanted = f"{name}: a handler takes one argument, the message"

    assert problem(type_, handler) == wanted
    with pytest.raises(DefinitionError, match=wanted):
        Events().on_any(handler)


def test_what_cannot_be_called_is_no_handler() -> None:
    assert "the handler of hang cannot be called" in problem("hang", 5)


@pytest.mark.parametrize("type_", ["hang", "campaign.predial"])
def test_what_was_refused_is_not_registered(type_: str) -> None:
    events = Events()

    for handler, options in [(needs_two, {}), (handle, {"timeout": 0})]:
        with pytest.raises(DefinitionError):
            register(events, type_, handler, **options)

    assert events.types == []


@given(type_=strategies.text() | strategies.sampled_from(sorted(CLASSES)))
def test_every_type_is_registered_or_refused_in_words(type_: str) -> None:
    events = Events()
    try:
        register(events, type_)
    except DefinitionError:
        assert events.types == []
        assert type_ not in CLASSES
    else:
        assert events.types == [type_]


# --- what is asked of Vapi ----------------------------------------------------------------


def test_the_types_are_those_with_a_handler() -> None:
    events = Events()
    for type_ in ("hang", "assistant-request", FINAL, "hang"):
        register(events, type_, handle)
    events.on_any(handle)

    assert sorted(events.types) == sorted(["assistant-request", "hang", FINAL])
    assert repr(events) == f"Events({events.types})"


def test_an_assistant_is_told_to_send_what_is_handled_and_tool_calls() -> None:
    events = Events()
    assert events.server_messages == ["tool-calls"]

    for type_ in CLASSES:
        register(events, type_)

    asked_for = events.server_messages
    assert asked_for is not None
    assert asked_for[0] == "tool-calls"
    assert set(asked_for) == CHOOSABLE - {"function-call"}
    assert len(asked_for) == len(set(asked_for))
    assert Assistant(server_messages=asked_for)


def test_who_listens_to_everything_leaves_the_choice_to_vapi() -> None:
    events = Events()
    register(events, "hang")
    events.on_any(handle)

    assert events.server_messages is None


# --- the functions are still the functions ------------------------------------------------

events = Events()


@events.on("end-of-call-report")
def keep(report: EndOfCallReport, *, loud: bool = False) -> str:
    return f"{report.summary}{'!' * loud}"


@events.on("campaign.predial", fallback=False)
def is_awake(request: CampaignPredial) -> bool:
    return request.number == "+15550100010"


@events.on("hang")
@events.on_any
def note(message: ServerMessage) -> str:
    return type(message).__name__


def test_a_handler_is_tested_by_calling_it() -> None:
    report = EndOfCallReport({"summary": "A parcel is lost."})

    assert keep(report, loud=True) == "A parcel is lost.!"
    assert is_awake(CampaignPredial({"contact": {"number": "+15550100010"}}))
    assert note(Hang({})) == "Hang"
