"""Every shape that a webhook body comes in, and what goes back."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from msgspec import UNSET, Raw

from vapitools import messages
from vapitools.errors import MessageError
from vapitools.messages import Message, ToolCallResult

from . import wire
from .wire import entry

ARGUMENTS = {"day": "2026-12-24"}
TEXT = json.dumps(ARGUMENTS)
CALLS = [("call_1", "find", ARGUMENTS)]
FLAT = {"id": "call_1", "name": "find", "arguments": ARGUMENTS}


def message(body: Any) -> Message:
    return messages.parse(json.dumps(body).encode())


def calls(parsed: Message) -> list[tuple[Any, str | None, Any]]:
    return [(call.id, call.name, json.loads(call.arguments)) for call in parsed.tool_calls]


def listed(*entries: Any, name: str = "toolCallList", **fields: Any) -> dict[str, Any]:
    return {"message": {"type": "tool-calls", name: [*entries], **fields}}


ENTRIES: dict[str, dict[str, Any]] = {
    "on the wire": entry("find", ARGUMENTS),
    "arguments as text": entry("find", TEXT),
    "arguments as text with line breaks": entry("find", json.dumps(ARGUMENTS, indent=2)),
    "arguments encoded twice": entry("find", json.dumps(TEXT)),
    "flat": FLAT,
    "flat, with parameters": {"id": "call_1", "name": "find", "parameters": ARGUMENTS},
    "function and arguments apart": {
        "id": "call_1",
        "function": {"name": "find"},
        "arguments": ARGUMENTS,
    },
    "function with parameters": {
        "id": "call_1",
        "function": {"name": "find", "parameters": ARGUMENTS},
    },
    "null arguments beside parameters": {**FLAT, "arguments": None, "parameters": TEXT},
    "blank arguments beside parameters": {**FLAT, "arguments": "", "parameters": ARGUMENTS},
    "null fields": {**FLAT, "function": None, "type": None, "parameters": None, "toolCall": None},
    "numbers for texts": {**FLAT, "type": 7, "function": "find"},
}


@pytest.mark.parametrize("name", ["toolCallList", "toolCalls", "toolWithToolCallList"])
@pytest.mark.parametrize("given", ENTRIES.values(), ids=ENTRIES)
def test_an_entry_of_any_shape_is_read_in_any_list(given: dict[str, Any], name: str) -> None:
    parsed = message(listed(given, name=name))

    assert calls(parsed) == CALLS


DEFINITION = {
    "type": "function",
    "name": "find",
    "function": {"name": "find", "parameters": {"type": "object", "properties": {}}},
    "parameters": [{"key": "caller", "value": "{{customer.number}}"}],
}


@pytest.mark.parametrize("given", ENTRIES.values(), ids=ENTRIES)
def test_a_call_beside_its_tool_is_read_from_the_call(given: dict[str, Any]) -> None:
    parsed = message(listed({**DEFINITION, "toolCall": given}, name="toolWithToolCallList"))

    assert calls(parsed) == CALLS


def test_a_call_without_a_name_beside_its_tool_has_the_tools_name() -> None:
    given = {"name": "find", "toolCall": {"id": "call_1", "parameters": ARGUMENTS}}

    parsed = message(listed(given, name="toolWithToolCallList"))

    assert calls(parsed) == CALLS


BODIES: dict[str, Any] = {
    "fields beside message": {"message": {"type": "tool-calls"}, "toolCallList": [FLAT]},
    "the type beside message": {"message": {"toolCallList": [FLAT]}, "type": "tool-calls"},
    "null in message, the list beside": {
        "message": {"type": "tool-calls", "toolCalls": None},
        "toolCalls": [FLAT],
    },
    "no message": {"type": "tool-calls", "toolCallList": [FLAT]},
    "no message and no type": {"toolCallList": [FLAT]},
    "no type": {"message": {"toolCallList": [FLAT]}},
    "a null type": {"message": {"type": None, "toolCallList": [FLAT]}},
    "a type that is a number": {"message": {"type": 7, "toolCallList": [FLAT]}},
    "message is text": {"message": "hello", "toolCallList": [FLAT]},
    "one call instead of a list": {"message": {"type": "tool-calls", "toolCallList": FLAT}},
    "a null among the calls": listed(None, FLAT),
    "texts among the calls": listed("x", FLAT, 5, []),
    "all three lists": listed(FLAT, toolCalls=[FLAT], toolWithToolCallList=[{"toolCall": FLAT}]),
    "the first list empty": listed(toolCalls=[FLAT]),
    "the first list null": {
        "message": {"type": "tool-calls", "toolCallList": None, "toolCalls": [FLAT]}
    },
    "the first list without ids": listed({**FLAT, "id": None}, toolCalls=[FLAT]),
    "the first list without names": listed({**FLAT, "name": None}, toolCalls=[FLAT]),
    "the first list without arguments": listed({**FLAT, "arguments": None}, toolCalls=[FLAT]),
    "the first list broken": listed("x", toolCalls=[FLAT]),
    "one id twice": listed(FLAT, FLAT),
    "other fields of odd types": listed(FLAT, call=7, customer=[], artifact="x", assistant=None),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_call_is_found_once_wherever_it_stands(body: Any) -> None:
    parsed = message(body)

    assert parsed.type == "tool-calls"
    assert calls(parsed) == CALLS


@pytest.mark.parametrize("id_", [None, "", 7, 1.5, True, ["x"], {"a": 1}, 2**70, "🙂", "a\nb"])
def test_an_id_is_kept_as_it_came(id_: Any) -> None:
    parsed = message(listed({**FLAT, "id": id_}))

    assert [call.id for call in parsed.tool_calls] == [id_]


def test_a_missing_id_is_not_invented() -> None:
    parsed = message(listed({"name": "find"}))

    assert parsed.tool_calls[0].id is UNSET


def test_each_id_counts_once_and_calls_without_one_each_count() -> None:
    ids = ["a", "b", "a", None, None, "", "", 5, 5, "5", "b"]

    parsed = message(listed(*({**FLAT, "id": id_} for id_ in ids)))

    assert [call.id for call in parsed.tool_calls] == ["a", "b", None, None, "", "", 5, "5"]


@pytest.mark.parametrize(
    "blank", [None, "", " \n", "null", '""', '"null"', {}, "{}"], ids=lambda blank: repr(blank)
)
def test_blank_arguments_are_an_empty_object(blank: Any) -> None:
    parsed = message(listed({"id": "1", "name": "find", "arguments": blank}))

    assert parsed.tool_calls[0].arguments == b"{}"


@pytest.mark.parametrize("broken", ["{", "x", '{"a": }', "[1", '"'])
def test_broken_arguments_stay_as_they_are_and_cost_no_neighbour(broken: str) -> None:
    parsed = message(listed({**FLAT, "id": "0", "arguments": broken}, FLAT))

    assert parsed.tool_calls[0].arguments == broken.encode()
    assert calls(Message(parsed._wire, parsed.tool_calls[1:], b"")) == CALLS


@pytest.mark.parametrize("parameters", [ARGUMENTS, TEXT], ids=["object", "text"])
@pytest.mark.parametrize("key", ["parameters", "arguments"])
def test_a_function_call_has_no_id(key: str, parameters: Any) -> None:
    body = {"message": {"type": "function-call", "functionCall": {"name": "f", key: parameters}}}

    parsed = message(body)

    assert calls(parsed) == [(UNSET, "f", ARGUMENTS)]


def test_a_function_call_without_a_type_is_recognised() -> None:
    parsed = message({"message": {"functionCall": {"name": "f", "parameters": ARGUMENTS}}})

    assert parsed.type == "function-call"
    assert calls(parsed) == [(UNSET, "f", ARGUMENTS)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        7,
        "text",
        {"message": {}},
        {"message": None},
        {"message": []},
        {"type": "unheard-of"},
        {"toolCalls": [1]},
        {"message": {"type": "tool-calls"}},
        {"message": {"type": "tool-calls", "toolCallList": []}},
        {"message": {"type": "function-call", "functionCall": None}},
        {"message": {"type": "unheard-of", "toolCallList": [FLAT]}},
    ],
    ids=json.dumps,
)
def test_a_body_without_calls_has_none(body: Any) -> None:
    parsed = message(body)

    assert list(parsed.tool_calls) == []


@pytest.mark.parametrize(
    "type_", ["status-update", "hang", 'transcript[transcriptType="final"]', "voice-input"]
)
def test_a_known_type_is_believed_without_a_message_around_it(type_: str) -> None:
    assert message({"type": type_}).type == type_


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", b'{"message": }', b"NULL", b"[" * 100_000, b'{"a":' * 100_000],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(MessageError):
        messages.parse(body)


def test_a_message_nested_as_deep_as_the_decoder_goes_is_read_or_refused() -> None:
    for depth in range(700, 1000):
        nested = b'{"toolCall":' * depth + b"{}" + b"}" * depth
        body = b'{"toolCalls":[' + nested + b'],"type":"tool-calls"}'
        with contextlib.suppress(MessageError):
            messages.parse(body)


@pytest.mark.parametrize(
    "text",
    [
        b'{"message":{"type":"tool-calls","toolCalls":[{"id":"call_1","name":"find","arguments":'
        b'{"day":"2026-12-24"}}],"note":' + odd + b"}}"
        for odd in (b'"\xff"', b'"a\nb"', b"NaN", b"-Infinity", b"1e999", b'"\\ud83d"', b"9" * 5000)
    ],
    ids=["bad utf-8", "line break", "NaN", "infinity", "huge float", "half emoji", "huge int"],
)
def test_json_that_is_nearly_right_is_read(text: bytes) -> None:
    parsed = messages.parse(text)

    assert calls(parsed) == CALLS
    assert parsed.raw["type"] == "tool-calls"


def test_numbers_that_json_cannot_carry_are_read_as_null() -> None:
    text = b'{"a": 1e999, "b": NaN, "c": -Infinity, "d": %s, "e": 2.5}' % (b"9" * 5000)

    read = messages.decode_object(text)

    assert read == {"a": None, "b": None, "c": None, "d": None, "e": 2.5}


def test_a_byte_order_mark_is_skipped() -> None:
    parsed = messages.parse(b"\xef\xbb\xbf" + json.dumps(listed(FLAT)).encode())

    assert calls(parsed) == CALLS


@pytest.mark.parametrize("beside", [{}, {"extra": 1}], ids=["fast way", "tolerant way"])
def test_the_facts_of_a_call_are_the_same_in_both_ways(beside: dict[str, Any]) -> None:
    parsed = message({**wire.RECORDED["tool-calls-all-three-lists"], **beside})

    assert parsed.call_id == "0195f2c4-5a55-7000-a1b2-c3d4e5f60718"
    assert parsed.assistant_id == "7f0d1e2c-0000-4000-8000-00000000a551"
    assert parsed.phone_number_id == "9b1d1e2c-0000-4000-8000-0000000f0e11"
    assert parsed.customer == {"number": "+15550100010"}
    assert parsed.phone_number["number"] == "+15550100099"
    assert parsed.variables == {"plan": "gold", "city": "Porto"}
    assert parsed.raw["timestamp"] == 1763827200123
    assert [call.name for call in parsed.tool_calls] == ["find_tables", "book_table"]


def test_the_raw_message_is_what_came_once() -> None:
    own = {"type": "hang", "call": None, "note": None}

    assert message({"message": own}).raw == own
    assert message({"message": own, "call": {"id": "c-1"}, "extra": 1}).raw == {
        "type": "hang",
        "call": {"id": "c-1"},
        "note": None,
        "extra": 1,
    }


def test_the_address_for_commands_is_read_in_both_ways() -> None:
    call = {"id": "c-1", "monitor": {"controlUrl": "https://x.vapi.ai/c", "listenUrl": 5}}
    body = {"message": {"type": "hang", "call": call}}

    assert message(body).control_url == "https://x.vapi.ai/c"
    assert message({**body, "extra": 1}).control_url == "https://x.vapi.ai/c"
    assert message({"message": {"type": "hang", "call": {"monitor": 7}}}).control_url is None


@pytest.mark.parametrize("call", [None, 7, "x", [], {}, {"id": 7, "customer": 7}], ids=json.dumps)
def test_a_call_that_is_unknown_leaves_its_facts_empty(call: Any) -> None:
    parsed = message({"message": {"type": "hang", "call": call, "assistant": {"id": 5}}})

    assert (parsed.call_id, parsed.assistant_id, parsed.phone_number_id) == (None, None, None)
    assert (parsed.customer, parsed.phone_number, parsed.variables) == ({}, {}, {})


@pytest.mark.parametrize("place", ["message", "beside"])
def test_the_call_is_found_in_the_message_and_beside_it(place: str) -> None:
    call: dict[str, Any] = {"call": {"id": "c-1"}}
    body = listed(FLAT, **call) if place == "message" else {**listed(FLAT), **call}

    assert message(body).call_id == "c-1"


BARE = [
    (b"", {}),
    (b"{}", {}),
    (b'{"day": 1}', {"day": 1}),
    (b'"{\\"day\\": 1}"', {"day": 1}),
    (b'{"message": "text"}', {"message": "text"}),
    (b'{"message": {"text": "hi"}}', {"message": {"text": "hi"}}),
]


@pytest.mark.parametrize(("body", "arguments"), BARE, ids=[repr(body) for body, _ in BARE])
def test_at_a_tools_own_url_what_is_no_message_is_its_arguments(
    body: bytes, arguments: object
) -> None:
    parsed = messages.parse_for_tool("find", body)

    assert parsed.type == messages.BARE_ARGUMENTS
    assert calls(parsed) == [(UNSET, "find", arguments)]


@pytest.mark.parametrize("name", [None, "", 7])
def test_at_a_tools_own_url_a_call_without_a_name_is_of_that_tool(name: Any) -> None:
    body = listed({**FLAT, "name": name}, {"id": "2", "name": "other", "arguments": {}})

    parsed = messages.parse_for_tool("find", json.dumps(body).encode())

    assert calls(parsed) == [*CALLS, ("2", "other", {})]


OK = ToolCallResult("find", "call_1", result="yes")
BAD = ToolCallResult("find", error="no")


@pytest.mark.parametrize(
    ("type_", "results", "wanted"),
    [
        ("tool-calls", [], {"results": []}),
        (
            "tool-calls",
            [OK, BAD],
            {
                "results": [
                    {"name": "find", "toolCallId": "call_1", "result": "yes"},
                    {"name": "find", "error": "no"},
                ]
            },
        ),
        ("function-call", [], {}),
        ("function-call", [OK], {"result": "yes"}),
        ("function-call", [BAD], {"result": "no"}),
        (messages.BARE_ARGUMENTS, [OK], {"result": "yes"}),
        (messages.BARE_ARGUMENTS, [BAD], {"error": "no"}),
        ("status-update", [], {}),
    ],
)
def test_each_type_has_its_answer(
    type_: str, results: list[ToolCallResult], wanted: dict[str, Any]
) -> None:
    assert json.loads(messages.encode_results(type_, results)) == wanted


def test_no_repr_shows_what_was_said() -> None:
    parsed = message(listed(entry("find", {"pin": "SECRET"}), call={"id": "c"}))
    result = ToolCallResult("find", "1", result="SECRET", metadata=Raw(b'"SECRET"'))

    shown = repr([parsed, parsed.tool_calls, result, parsed._wire])

    assert "SECRET" not in shown
