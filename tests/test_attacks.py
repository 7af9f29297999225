"""Thousands of bodies that nobody should send: always an answer, and never another call's."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message

from vapitools import SharedSecret, Tool, ToolError, messages, router, tool

from . import wire
from .conftest import SHARED
from .wire import Reply, Run, entry, tool_calls

SECRET = "MARKER-4711"

many = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
some = settings(many, max_examples=300)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with wire.event_loop() as run:
        yield run


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of lines would be kept for the report of a test that fails."""
    logger = logging.getLogger("vapitools")
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(logging.NOTSET)


@tool
async def find_tables(day: str = "none", party_size: int = 2, token: str = "none") -> str:
    return token


@tool
async def book_table(day: str = "none", name: str = "none", token: str = "none") -> str:
    return token


def app() -> ASGIApp:
    return router([find_tables, book_table], auth=None)


def check(reply: Reply) -> None:
    """An answer that Vapi can read; 400 only for what is not JSON."""
    assert reply.status in (200, 400)
    answer = reply.json()
    if reply.status == 400:
        assert set(answer) == {"error"}
    elif "results" in answer:
        assert reply.results == answer["results"]
    else:
        assert set(answer) <= {"result", "error"}
        assert all(len(text.splitlines()) == 1 for text in answer.values())


# --- anything at all ----------------------------------------------------------------------


words = st.sampled_from(
    """
    message type tool-calls function-call toolCallList toolCalls toolWithToolCallList toolCall
    function functionCall name arguments parameters id call customer artifact find_tables day
    """.split()
)
leaves = (
    st.sampled_from([None, True, "", "\n", "{}", "null", 10**30, 0.5, float("nan"), "\ud83d"])
    | words
    | st.integers()
    | st.text(st.characters(), max_size=4)
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words | st.just("x"), inner, max_size=4)
    ),
    max_leaves=8,
)
paths = st.sampled_from(["/webhook", "/tools/find_tables", "/tools/nope"])


@many
@given(st.binary(max_size=200), paths)
@example(b"[" * 100_000, "/webhook")
@example(b'{"message":' * 100_000, "/webhook")
@example(
    b'{"message":{"toolCalls":[' + b'{"toolCall":' * 990 + b"{}" + b"}" * 990 + b"]}}", "/webhook"
)
@example(b'"' + b"\\u0000" * 1000 + b'"', "/tools/find_tables")
@example(b"-" + b"9" * 10_000, "/tools/find_tables")
@example(b"\xef\xbb\xbf{}", "/webhook")
def test_random_bytes(run: Run, body: bytes, path: str) -> None:
    check(run(wire.send(app(), body, path)))


@many
@given(anything, paths)
def test_random_json(run: Run, body: Any, path: str) -> None:
    reply = run(wire.send(app(), body, path))

    check(reply)
    assert reply.status == 200


functions = leaves | st.fixed_dictionaries({"name": words, "arguments": anything})
calls = st.fixed_dictionaries(
    {"id": leaves, "name": leaves},
    optional={"function": functions, "arguments": anything, "parameters": leaves},
)
lists = leaves | st.lists(calls | leaves, max_size=3) | calls
nearly = st.fixed_dictionaries(
    {"type": st.sampled_from(["tool-calls", "function-call"]) | leaves},
    optional={
        "toolCallList": lists,
        "toolCalls": lists,
        "toolWithToolCallList": lists | st.lists(st.fixed_dictionaries({"toolCall": calls})),
        "functionCall": calls,
        "call": leaves | st.fixed_dictionaries({"id": leaves, "customer": leaves}),
    },
)


@many
@given(nearly, nearly | st.just({}), paths)
def test_bodies_that_are_nearly_right(run: Run, message: Any, beside: Any, path: str) -> None:
    reply = run(wire.send(app(), {**beside, "message": message}, path))

    check(reply)
    assert reply.status == 200


@some
@given(st.lists(st.binary(max_size=40), max_size=8), st.booleans(), st.binary(max_size=8))
def test_bodies_in_any_pieces(run: Run, pieces: list[bytes], gone: bool, length: bytes) -> None:
    events: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": True} for piece in pieces
    ]
    end = {"type": "http.disconnect"} if gone else {"type": "http.request"}
    headers = [(b"content-length", length)]

    reply = run(wire.exchange(app(), [*events, end], headers=headers))

    assert reply.status in ((0, 413) if gone else (200, 400, 413))


# --- recorded bodies with one thing changed -----------------------------------------------


def recorded() -> dict[str, Any]:
    """The bodies of our own, and the platform's where they are present."""
    theirs = {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in sorted((SHARED / "payloads").glob("*.json"))
    }
    return {**wire.RECORDED, **theirs}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield (*path, key)
        yield from places(value[key], (*path, key))


BODIES = recorded()
PLACES = {name: list(places(body)) for name, body in BODIES.items()}
GONE = object()
retyped = st.sampled_from(
    [
        GONE,
        None,
        True,
        0,
        7,
        -1.5,
        10**30,
        "",
        "x",
        "\n",
        "{}",
        "null",
        [],
        ["x"],
        [[]],
        {},
        {"x": 1},
    ]
)


def changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    body = copy.deepcopy(body)
    target = body
    for key in path[:-1]:
        target = target[key]
    if value is GONE:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return body


@settings(many, max_examples=1000)
@given(st.sampled_from(sorted(BODIES)), st.integers(0), retyped, paths)
def test_recorded_bodies_with_any_field_changed(
    run: Run, name: str, place: int, value: Any, path: str
) -> None:
    where = PLACES[name][place % len(PLACES[name])]

    reply = run(wire.send(app(), changed(BODIES[name], where, value), path))

    check(reply)
    assert reply.status == 200


def twin_calls() -> dict[str, Any]:
    """All three lists, where each call carries its own id as an argument."""
    entries = [
        entry(name, {"token": id_}, id_)
        for name, id_ in [("find_tables", "one"), ("book_table", "two"), ("find_tables", "three")]
    ]
    definition = {"function": {"name": "find_tables", "parameters": {"type": "object"}}}
    body = tool_calls(
        *entries,
        toolCalls=entries,
        toolWithToolCallList=[{**definition, "toolCall": each} for each in entries],
    )
    return dict(json.loads(json.dumps(body)))  # no list shares an entry with another


TWINS = twin_calls()
TWIN_PLACES = list(places(TWINS))


@settings(many, max_examples=1000)
@given(st.sampled_from(TWIN_PLACES), retyped, st.sampled_from(TWIN_PLACES), retyped)
def test_no_call_gets_the_answer_of_another(
    run: Run, first: Any, value: Any, second: Any, other: Any
) -> None:
    body = changed(TWINS, first, value)
    if second in list(places(body)):
        body = changed(body, second, other)

    reply = run(wire.send(app(), body))

    known = {"one", "two", "three"}
    answered = [each for each in reply.json().get("results", ()) if each.get("result") in known]
    assert all(each.get("toolCallId", "") in (each["result"], *_odd_ids(body)) for each in answered)
    ids = [each["toolCallId"] for each in reply.json().get("results", ()) if _is_id(each)]
    assert len(ids) == len(set(ids))


def _is_id(result: dict[str, Any]) -> bool:
    return isinstance(result.get("toolCallId"), str) and result["toolCallId"] != ""


def _odd_ids(body: Any) -> list[Any]:
    """What stands in an `id` now, and was not there before."""
    found: list[Any] = [""]
    for path in places(body):
        if path[-1] == "id":
            value = body
            for key in path:
                value = value[key]
            found += [value] if value not in ("one", "two", "three") else []
    return found


@pytest.mark.parametrize("list_", ["toolCallList", "toolCalls", "toolWithToolCallList"])
@pytest.mark.parametrize("value", [GONE, None, [], {}, "x"], ids=["gone", "null", "[]", "{}", "x"])
def test_with_one_list_broken_every_call_is_still_answered(
    run: Run, list_: str, value: Any
) -> None:
    reply = run(wire.send(app(), changed(TWINS, ("message", list_), value)))

    assert [each["result"] for each in reply.results] == ["one", "two", "three"]


@pytest.mark.parametrize("field", ["id", "name", "arguments"])
@pytest.mark.parametrize("value", [GONE, None], ids=["gone", "null"])
def test_with_one_entry_broken_every_call_is_still_answered(
    run: Run, field: str, value: Any
) -> None:
    path = ("id",) if field == "id" else ("function", field)

    reply = run(wire.send(app(), changed(TWINS, ("message", "toolCallList", 1, *path), value)))

    assert [each["result"] for each in reply.results] == ["one", "two", "three"]


# --- strangers ----------------------------------------------------------------------------


@some
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"x-vapi-secret", b"authorization", b"content-length"]),
            st.binary(max_size=30) | st.sampled_from([b"", b"Bearer ", b"s3cre", b"s3crets"]),
        ),
        max_size=4,
    )
)
def test_no_header_but_the_right_one_lets_anybody_in(run: Run, headers: Any) -> None:
    guarded = router([find_tables], auth=SharedSecret("s3cret-of-ours"))

    reply = run(wire.exchange(guarded, [], headers=headers))

    assert (reply.status, reply.body) == (401, b"")


# --- privacy ------------------------------------------------------------------------------


@tool
async def fails(pin: str) -> None:
    raise ValueError(pin)


@tool
def fails_in_a_thread(pin: str) -> None:
    raise SystemExit(pin)


@tool
async def fails_in_a_group(pin: str) -> None:
    async def inner() -> None:
        raise KeyError(pin)

    try:
        await asyncio.gather(inner())
    except KeyError as error:
        raise RuntimeError(pin) from error


@tool(timeout=0.01)
async def too_late(pin: str) -> None:
    try:
        await asyncio.sleep(5)
    finally:
        raise ValueError(pin)


@tool
async def unwritable(pin: str) -> Any:
    return {"pin": pin, "bad": object()}


@tool
async def wrong_arguments(pin: int, day: bool) -> None: ...


@tool
async def says_no(pin: str) -> None:
    raise ToolError("no", message=SECRET * 500)


PRIVATE: list[Tool[..., Any]] = [
    fails,
    fails_in_a_thread,
    fails_in_a_group,
    too_late,
    unwritable,
    wrong_arguments,
    says_no,
]


def secrets_everywhere(path: str) -> Any:
    """What a body holds that no log line may."""
    entries = [entry(each.name, {"pin": SECRET, SECRET: SECRET}, each.name) for each in PRIVATE]
    return tool_calls(
        *entries,
        entry(f"{SECRET} is no name", {"pin": SECRET}, f"{SECRET} is no id"),
        {"name": f"{SECRET}?", "arguments": f"{{{SECRET}"},
        artifact={"transcript": SECRET, "variableValues": {"pin": SECRET}},
        assistant={"server": {"secret": SECRET}},
        customer={"number": SECRET},
        call_id=f"{SECRET} is no id",
    )


def test_nothing_private_is_in_a_log_line_or_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    served = router(PRIVATE, auth=SharedSecret("s3cret"))
    headers = [*wire.JSON_TYPE, (b"x-vapi-secret", b"s3cret")]

    async def scenario() -> list[Reply]:
        asyncio.get_running_loop().set_debug(True)
        known = await wire.send(served, secrets_everywhere("/webhook"), headers=headers)
        stranger = await wire.send(
            served, {"x": SECRET}, headers=[(b"x-vapi-secret", SECRET.encode())]
        )
        broken = await wire.send(served, f'{{"{SECRET}"'.encode(), headers=headers)
        odd = await wire.send(served, SECRET.encode(), headers=[*headers, (b"x", b"y")])
        await asyncio.sleep(0.05)
        return [known, stranger, broken, odd]

    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "vapitools"):
        replies = asyncio.run(scenario())

    assert [reply.status for reply in replies] == [200, 401, 400, 400]
    assert len(replies[0].results) == len(PRIVATE) + 2
    assert len(caplog.records) > len(PRIVATE)
    assert SECRET not in caplog.text
    answered = [
        {**each, "name": "", "toolCallId": ""} for each in replies[0].results
    ]  # the name and the id come back as they came
    assert SECRET not in json.dumps(answered) + str([reply.body for reply in replies[1:]])


def test_nothing_private_is_in_a_repr() -> None:
    message = messages.parse(json.dumps(secrets_everywhere("/webhook")).encode())
    served = router(PRIVATE, auth=SharedSecret(SECRET))

    shown = repr([message, message.tool_calls[:-2], served, served.routes, SharedSecret(SECRET)])

    assert SECRET not in shown
