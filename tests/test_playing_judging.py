"""Each wrong answer is named by the rule that it breaks, and a right one by none."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vapitools.playing import RULES, _judging
from vapitools.playing._delivery import MAX_ANSWER, Delivery
from vapitools.playing._judging import ToolAnswer
from vapitools.playing._live_call import entry
from vapitools.playing._rules import Fault

ONE = [entry("book_table", {}, "call_1")]
TWO = [*ONE, entry("find_tables", {}, "call_2")]

RESULT = {"name": "book_table", "toolCallId": "call_1", "result": "Booked."}
OTHER = {"name": "find_tables", "toolCallId": "call_2", "result": "None."}


def delivery(content: Any, status: int = 200, type_: str = "application/json") -> Delivery:
    """An answer, of bytes or of JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Delivery(status, body, content_type=type_)


def results(*entries: Any) -> Delivery:
    return delivery({"results": [*entries]})


def of_tools(answer: Delivery, asked: list[dict[str, Any]] = ONE) -> list[Fault]:
    return _judging.tool_calls(answer, asked, 20).faults


def without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in RESULT.items() if key not in names}


WRONG_ANSWERS_TO_TOOLS: list[tuple[str, str, Delivery, str]] = [
    # id, the rule, the answer, what is said of it
    ("status 500", "status", delivery({"results": [RESULT]}, 500), "the status was 500"),
    ("status 201", "status", delivery({"results": [RESULT]}, 201), "the status was 201"),
    ("redirect", "status", delivery(b"", 307), "Vapi follows no redirect"),
    ("status 401", "status", delivery(b"", 401), "no secret was sent"),
    ("status 404", "status", delivery(b"", 404), "nothing is at this address"),
    ("status 422", "status", delivery(b"", 422), "arguments are an object"),
    ("late", "in-time", Delivery(None, failure="late"), "no answer within 20 s"),
    ("closed", "connection", Delivery(None, failure="closed"), "without a whole answer"),
    ("too long", "json", Delivery(200, failure="too long"), f"more than {MAX_ANSWER} bytes"),
    ("web page", "json", delivery(b"<!doctype html>", type_="text/html"), "a web page"),
    ("text", "json", delivery(b"Booked."), "no JSON"),
    ("not UTF-8", "json", delivery(b'"\xff"'), "no JSON"),
    ("NaN", "json", delivery(b'{"results": NaN}'), "no JSON"),
    ("half of JSON", "json", delivery(b'{"results": ['), "no JSON"),
    ("nested to death", "json", delivery(b"[" * 100_000), "no JSON"),
    ("deep", "json", delivery(b"[" * 200 + b"]" * 200), "more than 100 levels"),
    ("empty body", "results", delivery(b""), "nothing in it"),
    ("null", "results", delivery(None), "the answer is null"),
    ("a text", "results", delivery("Booked."), "the answer is text"),
    ("a list", "results", delivery([RESULT]), "the answer is a list"),
    ("true", "results", delivery(True), "the answer is true or false"),
    ("a number", "results", delivery(7), "the answer is a number"),
    ("result alone", "results", delivery({"result": "Booked."}), "'result' in it"),
    ("results is an object", "results", delivery({"results": RESULT}), "results is an object"),
    ("entry is a text", "results", results(RESULT, "Booked."), "an entry of results"),
    ("no entry", "every-call", results(), "book_table was not answered"),
    ("another id", "right-id", results({**RESULT, "toolCallId": "call_9"}), "another id"),
    ("no id", "right-id", results(without("toolCallId")), "no toolCallId"),
    ("id is a list", "right-id", results({**RESULT, "toolCallId": [1]}), "another id"),
    ("twice", "once", results(RESULT, RESULT), "answered 2 times"),
    ("thrice", "once", results(RESULT, RESULT, RESULT), "answered 3 times"),
    ("no name", "name", results(without("name")), "has no name"),
    ("empty name", "name", results({**RESULT, "name": ""}), "has no name"),
    ("object", "text", results({**RESULT, "result": {"a": 1}}), "is an object"),
    ("list", "text", results({**RESULT, "result": ["a"]}), "is a list"),
    ("number", "text", results({**RESULT, "result": 3}), "is a number"),
    ("error is true", "text", results({**without("result"), "error": True}), "is true or false"),
    ("line break", "one-line", results({**RESULT, "result": "a\nb"}), "has a line break"),
    ("return", "one-line", results({**RESULT, "result": "a\rb"}), "has a line break"),
    ("separator", "one-line", results({**RESULT, "result": "a\u2028b"}), "has a line break"),
    ("error of lines", "one-line", results({**without("result"), "error": "a\n"}), "the error of"),
    ("empty", "not-empty", results({**RESULT, "result": ""}), "is empty"),
    ("blank", "not-empty", results({**RESULT, "result": "  "}), "is empty"),
    ("neither", "result-or-error", results(without("result")), "neither result nor error"),
    ("null result", "result-or-error", results({**RESULT, "result": None}), "neither"),
    ("both", "result-or-error", results({**RESULT, "error": "No."}), "both"),
    ("message is text", "spoken", results({**RESULT, "message": "Bye"}), "is text"),
    ("message of no type", "spoken", results({**RESULT, "message": {}}), "has no type"),
    (
        "message too long",
        "spoken",
        results({**RESULT, "message": {"type": "request-complete", "content": "a" * 1001}}),
        "has 1001 characters",
    ),
]


@pytest.mark.parametrize(
    ("rule", "answer", "text"),
    [case[1:] for case in WRONG_ANSWERS_TO_TOOLS],
    ids=[case[0] for case in WRONG_ANSWERS_TO_TOOLS],
)
def test_a_wrong_answer_to_a_tool_call_is_named_by_its_rule(
    rule: str, answer: Delivery, text: str
) -> None:
    faults = of_tools(answer)

    assert rule in {fault.rule for fault in faults}
    assert any(text in fault.text for fault in faults)


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([RESULT], id="a result"),
        pytest.param([{**without("result"), "error": "Full."}], id="an error"),
        pytest.param([{**RESULT, "error": None}], id="error is null"),
        pytest.param([{**RESULT, "metadata": {"a": 1}}], id="metadata"),
        pytest.param(
            [{**RESULT, "message": {"type": "request-complete", "content": "a" * 1000}}],
            id="a message",
        ),
        pytest.param([{**RESULT, "message": None}], id="message is null"),
        pytest.param([{**RESULT, "result": "tab\tin it"}], id="a tab"),
    ],
)
def test_a_right_answer_breaks_no_rule(entries: list[Any]) -> None:
    assert of_tools(results(*entries)) == []


def test_an_answer_with_the_mark_of_its_encoding_in_front_is_read() -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"results": [RESULT]}).encode()

    assert of_tools(delivery(body)) == []


def test_only_the_first_call_is_answered() -> None:
    faults = of_tools(results(RESULT), TWO)

    assert [(fault.rule, fault.text) for fault in faults] == [
        ("every-call", "find_tables was not answered")
    ]


def test_answers_in_another_order_are_a_warning() -> None:
    faults = of_tools(results(OTHER, RESULT), TWO)

    assert [(fault.rule, fault.level) for fault in faults] == [("order", "warning")]
    assert faults[0].text == "the answers came as find_tables, book_table"


def test_what_vapi_takes_is_what_counts_of_an_answer() -> None:
    error = {**without("result"), "error": "Full."}

    judged = [
        _judging.tool_calls(results(each), ONE, 20).answers[0]
        for each in (RESULT, error, {**RESULT, "error": "No."}, {**RESULT, "result": "a\nb"})
    ]

    # An error beside a result wins: what has failed must not pass for done.
    assert judged == [
        ToolAnswer("Booked."),
        ToolAnswer(error="Full."),
        ToolAnswer(error="No."),
        ToolAnswer(),
    ]


def test_the_first_of_several_answers_counts() -> None:
    judgement = _judging.tool_calls(results(RESULT, {**RESULT, "result": "Again."}), ONE, 20)

    assert judgement.answers == [ToolAnswer("Booked.")]


def test_two_calls_that_were_asked_with_one_id_are_answered_twice() -> None:
    """As a body that was written by hand may have them, such as with no ids at all."""
    asked = [{**entry("a", {}), "id": None}, {**entry("b", {}), "id": None}]
    answers = [{"name": "a", "result": "1"}, {"name": "b", "result": "2"}]

    judgement = _judging.tool_calls(results(*answers), asked, 20)

    assert (judgement.faults, judgement.answers) == ([], [ToolAnswer("1"), ToolAnswer("2")])


def test_half_a_letter_is_taken_for_a_sign_that_stands_for_it() -> None:
    """JSON can spell it, and no file and no terminal can hold it."""
    body = delivery(b'{"results": [{"name": "a", "toolCallId": "call_1", "result": "\\ud83d!"}]}')

    judgement = _judging.tool_calls(body, ONE, 20)

    assert judgement.answers[0].text == "\ufffd!"


def test_the_fields_of_a_strangers_answer_are_cut() -> None:
    (fault,) = of_tools(delivery({"a" * 10_000: 1}))

    assert len(fault.text) < 150


# --- what else wants an answer ------------------------------------------------------------

NUMBER = {"destination": {"type": "number", "number": "+15550100020"}}
DOCUMENT = {"content": "We open at six.", "similarity": 0.9}

WRONG_ANSWERS: list[tuple[str, str, Any, str]] = [
    ("assistant-request", "who-answers", {}, "nothing in it"),
    ("assistant-request", "who-answers", None, "the answer is null"),
    ("assistant-request", "who-answers", {"assistantId": ""}, "'assistantId' in it"),
    ("assistant-request", "who-answers", {"assistantId": 5}, "'assistantId' in it"),
    ("assistant-request", "who-answers", {"assistant": "Luigi"}, "'assistant' in it"),
    ("assistant-request", "who-answers", {"error": ""}, "'error' in it"),
    ("assistant-request", "who-answers", {"results": []}, "'results' in it"),
    ("assistant-request", "destination", {"destination": {}}, "no type number"),
    ("transfer-destination-request", "destination", {}, "nothing in it"),
    ("transfer-destination-request", "destination", [], "the answer is a list"),
    ("transfer-destination-request", "destination", {"destination": "+1555"}, "'destination'"),
    ("transfer-destination-request", "destination", {"destination": {"type": "x"}}, "no type"),
    (
        "transfer-destination-request",
        "destination",
        {"destination": {"type": "number"}},
        "of type number has no number",
    ),
    ("handoff-destination-request", "destination", {"result": "ok"}, "'result' in it"),
    (
        "handoff-destination-request",
        "destination",
        {"destination": {"type": "assistant"}},
        "has no assistantName",
    ),
    ("knowledge-base-request", "documents", {}, "nothing in it"),
    ("knowledge-base-request", "documents", {"documents": "none"}, "'documents' in it"),
    ("knowledge-base-request", "documents", {"documents": [DOCUMENT, {}]}, "document 2"),
    (
        "knowledge-base-request",
        "documents",
        {"documents": [{**DOCUMENT, "similarity": 2}]},
        "document 1",
    ),
    (
        "knowledge-base-request",
        "documents",
        {"documents": [{**DOCUMENT, "similarity": True}]},
        "document 1",
    ),
    ("knowledge-base-request", "documents", {"documents": ["text"]}, "document 1"),
    ("function-call", "results", {"results": []}, "'results' in it"),
    ("function-call", "one-line", {"result": "a\nb"}, "has a line break"),
    ("function-call", "text", {"result": {}}, "is an object"),
]


@pytest.mark.parametrize(("type_", "rule", "content", "text"), WRONG_ANSWERS)
def test_a_wrong_answer_to_a_question_is_named_by_its_rule(
    type_: str, rule: str, content: Any, text: str
) -> None:
    (fault,) = _judging.answer(type_, content)

    assert fault.rule == rule
    assert text in fault.text


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("assistant-request", {"assistantId": "a"}),
        ("assistant-request", {"assistant": {"name": "Luigi"}}),
        ("assistant-request", {"squadId": "s"}),
        ("assistant-request", {"squad": {"members": []}}),
        ("assistant-request", {"workflowId": "w"}),
        ("assistant-request", {"error": "We are closed."}),
        ("assistant-request", NUMBER),
        ("transfer-destination-request", NUMBER),
        ("transfer-destination-request", {"error": "Nobody is here."}),
        ("transfer-destination-request", {"destination": {"type": "sip", "sipUri": "sip:a@b"}}),
        (
            "handoff-destination-request",
            {"destination": {"type": "assistant", "assistantName": "Mia"}},
        ),
        ("handoff-destination-request", {"destination": {"type": "squad", "squadId": "s"}}),
        ("knowledge-base-request", {"documents": [DOCUMENT]}),
        ("knowledge-base-request", {"documents": []}),
        ("knowledge-base-request", {"message": {"role": "assistant", "content": "No."}}),
        ("function-call", {"result": "Booked."}),
        ("status-update", {"what": "ever"}),
    ],
)
def test_a_right_answer_to_a_question_breaks_no_rule(type_: str, content: Any) -> None:
    assert _judging.answer(type_, content) == []


def test_what_wants_no_answer_may_be_answered_with_anything_of_status_200() -> None:
    assert _judging.told(delivery(b"<html>"), "hang", 20) == []


@pytest.mark.parametrize("answer", [delivery({}, 500), Delivery(None, failure="late")])
def test_what_wants_no_answer_is_received_all_the_same(answer: Delivery) -> None:
    (fault,) = _judging.told(answer, "hang", 20)

    assert fault.text.startswith("hang: ")


# --- the rules ----------------------------------------------------------------------------

# Not of one answer: by chaos, by a call file, or by the call that has ended before.
ELSEWHERE = {"ran-once", "same-answer", "whole-body", "expected", "ended"}


def test_every_rule_is_broken_by_some_test() -> None:
    here = {case[1] for case in (*WRONG_ANSWERS_TO_TOOLS, *WRONG_ANSWERS)}

    assert here | ELSEWHERE | {"order"} == {*RULES}


def test_every_rule_that_is_broken_elsewhere_is_broken_by_a_test_of_its_own() -> None:
    folder = Path(__file__).parent
    said = {
        node.value
        for name in ("chaos", "calls", "servers")
        for node in ast.walk(ast.parse((folder / f"test_playing_{name}.py").read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert said >= ELSEWHERE


def test_every_fault_of_the_package_has_a_rule() -> None:
    named = set(_fault_names())

    assert named == set(RULES)


def _fault_names() -> Iterator[str]:
    """The first argument of each `Fault(…)` in the room."""
    for path in Path(_judging.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                is_named = node.func.id == "Fault" and isinstance(node.args[0], ast.Constant)
                if is_named:
                    yield ast.literal_eval(node.args[0])


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_what_is_wanted(rule: str) -> None:
    fault = Fault(rule, "something was seen", "a.call.yaml:3")

    told = fault.to_json()

    assert str(fault).startswith("something was seen")
    assert str(fault).endswith(f"[{rule}]")
    assert told["wanted"]
    assert told["place"] == "a.call.yaml:3"


# --- whatever comes -----------------------------------------------------------------------

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(["name", "toolCallId", "result", "error", "message"])
ENTRIES = JSON | st.dictionaries(KEYS, JSON | st.sampled_from(["call_1", "call_2"]))
JUDGES: list[Callable[[Any], object]] = [
    lambda content: of_tools(delivery(content), TWO),
    lambda content: _judging.answer("assistant-request", content),
    lambda content: _judging.answer("transfer-destination-request", content),
    lambda content: _judging.answer("knowledge-base-request", content),
    lambda content: _judging.answer("function-call", content),
]


@given(JSON | st.fixed_dictionaries({"results": st.lists(ENTRIES, max_size=4)}))
def test_no_answer_stops_the_judge(content: Any) -> None:
    for judge in JUDGES:
        judge(content)


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_stop_the_judge(body: bytes) -> None:
    assert of_tools(delivery(body))
