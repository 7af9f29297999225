"""The player is a judge for anybody's webhook: real servers that are wrong, each in its own way."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from vapitools import SharedSecret
from vapitools.errors import PlayError
from vapitools.playing import Played, play, visiting
from vapitools.playing._delivery import Server
from vapitools.playing._live_call import entry
from vapitools.playing._script import Asks, HandsOver, Says, Tells, Waits

from .live import serving
from .peers import json_response, response
from .webhooks import (
    LATE,
    Webhook,
    calls_in,
    entry_for,
    played,
    raw,
    right,
    rules,
    script,
    texts,
    tools,
    webhook,
)

BOTH = tools("book_table", "find_tables")


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    with webhook(right) as served:
        yield served


def only_tools(answer: Any) -> Any:
    """Right to everything but tool calls."""

    def answered(message: dict[str, Any]) -> Any:
        return answer(message) if calls_in(message) else {}

    return answered


def with_line_breaks(message: Mapping[str, Any]) -> Any:
    return {"results": [entry_for(c, "Booked.\nSee you.") for c in calls_in(message)]}


def with_wrong_ids(message: Mapping[str, Any]) -> Any:
    return {"results": [entry_for({**c, "id": "1"}) for c in calls_in(message)]}


def the_first_only(message: Mapping[str, Any]) -> Any:
    return {"results": [entry_for(calls_in(message)[0])]}


def all_three_lists(message: Mapping[str, Any]) -> Any:
    calls = [*message["toolCalls"], *message["toolCallList"]]
    calls += [each["toolCall"] for each in message["toolWithToolCallList"]]
    return {"results": [entry_for(call) for call in calls]}


def objects_refused(message: Mapping[str, Any]) -> Any:
    """As a model of the docs' shape does, in which arguments are text."""
    calls = calls_in(message)
    if any(not isinstance(call["function"]["arguments"], str) for call in calls):
        return JSONResponse({"detail": [{"msg": "Input should be a valid string"}]}, 422)
    return right(message)


def slow(message: Mapping[str, Any]) -> Any:
    time.sleep(2 * LATE)
    return right(message)


def without_names(message: Mapping[str, Any]) -> Any:
    return {"results": [{"toolCallId": c["id"], "result": "Done."} for c in calls_in(message)]}


WRONG = [
    pytest.param(with_line_breaks, ["one-line"], "has a line break", id="line breaks"),
    pytest.param(with_wrong_ids, ["right-id"], "another id", id="wrong ids"),
    pytest.param(
        the_first_only, ["every-call"], "find_tables was not answered", id="only the first"
    ),
    pytest.param(all_three_lists, ["once"], "answered 3 times", id="joins the lists"),
    pytest.param(objects_refused, ["status"], "arguments are an object", id="422 on objects"),
    pytest.param(slow, ["in-time"], f"no answer within {LATE:g} s", id="slow"),
    pytest.param(without_names, ["name"], "has no name", id="no names"),
    pytest.param(lambda m: HTMLResponse("<h1>Hello</h1>"), ["json"], "a web page", id="HTML"),
    pytest.param(lambda m: Response("Booked."), ["json"], "no JSON", id="text"),
    pytest.param(lambda m: {"result": "Booked."}, ["results"], "'result' in it", id="one result"),
    pytest.param(lambda m: Response(), ["results"], "nothing in it", id="empty"),
    pytest.param(lambda m: JSONResponse({}, 500), ["status"], "the status was 500", id="500"),
    pytest.param(lambda m: JSONResponse({}, 401), ["status"], "VAPI_SERVER_SECRET", id="401"),
    pytest.param(lambda m: JSONResponse({}, 404), ["status"], "nothing is at this", id="404"),
    pytest.param(
        lambda m: RedirectResponse("/elsewhere"), ["status"], "no redirect", id="redirect"
    ),
]


@pytest.mark.parametrize(("answer", "broken", "text"), WRONG)
def test_a_wrong_server_is_told_its_fault(
    hook: Webhook, answer: Any, broken: list[str], text: str
) -> None:
    hook.answer = only_tools(answer)

    call = played(hook.url, BOTH)

    assert rules(call) == broken
    assert text in texts(call)


@pytest.mark.parametrize("answer", [slow, the_first_only, with_wrong_ids, lambda m: {}])
def test_a_caller_who_gets_no_answer_hears_that_there_is_none(hook: Webhook, answer: Any) -> None:
    hook.answer = only_tools(answer)

    call = played(hook.url, BOTH)

    assert "No result returned." in [heard.text for heard in call.heard]


def test_a_right_server_is_told_nothing(hook: Webhook) -> None:
    hook.answer = right

    call = played(hook.url, Says("caller", "Hello"), BOTH, tools("book_table"))

    assert call.faults == []
    assert call.ended == "customer-ended-call"
    assert [heard.text for heard in call.heard] == ["One moment."] * 3


def test_what_is_wrong_with_a_whole_message_is_said_once(hook: Webhook) -> None:
    hook.answer = only_tools(lambda m: JSONResponse({}, 500))

    call = played(hook.url, BOTH)

    assert [fault.rule for fault in call.faults].count("status") == 1


# --- what wants no answer -----------------------------------------------------------------


def test_a_server_that_refuses_other_messages_is_told_once_for_each_type(hook: Webhook) -> None:
    hook.answer = lambda m: right(m) if calls_in(m) else JSONResponse({"detail": "?"}, 422)

    call = played(hook.url, Says("caller", "Hi"), Says("caller", "Hello"))

    seen = [fault.text.partition(":")[0] for fault in call.faults]
    assert set(rules(call)) == {"status"}
    assert sorted(seen) == [
        "assistant.started",
        "conversation-update",
        "end-of-call-report",
        "speech-update",
        "status-update",
    ]


def test_a_server_that_lets_everything_wait_does_not_make_a_call_of_minutes(
    hook: Webhook,
) -> None:
    hook.answer = slow

    call = played(hook.url, *[Says("caller", "Hello")] * 5, limit=0.1)

    assert rules(call) == ["in-time"]
    assert call.seconds < 1.5


def test_a_message_of_a_call_file_is_sent_even_where_nobody_wants_it(hook: Webhook) -> None:
    hook.answer = right
    before = len(hook.bodies)

    call = played(hook.url, Tells("voice-input", {"input": "Hi"}), server_messages=["hang"])

    assert hook.types[before:] == ["voice-input"]
    assert call.faults == []


# --- no answer at all ---------------------------------------------------------------------


def test_a_server_that_hangs_up_before_it_answers_is_told() -> None:
    ok = json_response("200 OK", {})

    with raw(lambda number: b"" if number == 1 else ok) as url:
        call = played(url, tools("book_table"), server_messages=["assistant.started"])

    assert "connection" in rules(call)
    assert "No result returned." in [heard.text for heard in call.heard]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", id="half an answer"),
        pytest.param(b"This is no HTTP\r\n\r\n", id="another protocol"),
        pytest.param(
            response("200 OK", b"no gzip", content_encoding="gzip"), id="not what it says it is"
        ),
    ],
)
def test_an_answer_that_is_none_is_told(answer: bytes) -> None:
    with raw(lambda number: answer) as url:
        call = played(url, tools("book_table"), server_messages=[])

    assert rules(call) == ["connection"]


def test_an_answer_without_an_end_is_cut() -> None:
    with raw(lambda number: response("200 OK", b"a" * 1_200_000)) as url:
        call = played(url, tools("book_table"), server_messages=[], limit=5)

    assert "more than 1048576 bytes" in texts(call)


def test_where_nothing_listens_is_one_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    with pytest.raises(PlayError, match=rf"nothing answers at http://127\.0\.0\.1:{port}"):
        played(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999", "http://[::1", "http://\x00"])
def test_an_address_that_is_none_is_one_error(url: str) -> None:
    with pytest.raises(PlayError, match=r"is no address|nothing answers"):
        played(url)


def test_what_is_secret_in_an_address_is_in_no_error() -> None:
    with pytest.raises(PlayError) as caught:
        played("http://me:s3cret@127.0.0.1:1/hook?key=s3cret")

    assert "s3cret" not in str(caught.value)


# --- trying again -------------------------------------------------------------------------


def flaky(failures: int, status: int = 500) -> Any:
    """Fails for the first times that a call comes."""
    seen: list[str] = []

    def answered(message: dict[str, Any]) -> Any:
        seen.append(message["toolCallList"][0]["id"])
        if seen.count(seen[-1]) <= failures:
            return JSONResponse({}, status)
        return right(message)

    return only_tools(answered)


def planned(**plan: Any) -> dict[str, Any]:
    """An assistant whose tool has a back-off plan."""
    tool = {"function": {"name": "book_table"}, "server": {"backoffPlan": plan}}
    return {"name": "Luigi", "model": {"tools": [tool]}}


def test_a_call_is_sent_again_by_the_back_off_plan_with_its_id(hook: Webhook) -> None:
    hook.answer = flaky(2)
    before = len(hook.messages)
    assistant = planned(type="fixed", maxRetries=3, baseDelaySeconds=0)

    call = played(hook.url, tools("book_table"), assistant=assistant)

    sent = [calls_in(message)[0] for message in hook.messages[before:] if calls_in(message)]
    (used,) = [event.to_json() for event in call.events if "attempts" in event.to_json()]
    assert call.faults == []
    assert used["attempts"] == 3
    assert len({each["id"] for each in sent}) == 1


def test_a_call_is_given_up_after_the_last_retry(hook: Webhook) -> None:
    hook.answer = flaky(9)
    assistant = planned(type="exponential", maxRetries=2, baseDelaySeconds=0.01)

    call = played(hook.url, tools("book_table"), assistant=assistant)

    assert "status" in rules(call)


def test_a_status_that_the_plan_leaves_out_is_not_tried_again(hook: Webhook) -> None:
    hook.answer = flaky(1, status=404)
    assistant = planned(maxRetries=3, baseDelaySeconds=0, excludedStatusCodes=[404])

    call = played(hook.url, tools("book_table"), assistant=assistant)

    assert "the status was 404" in texts(call)


@pytest.mark.parametrize(
    ("plan", "pauses"),
    [
        ({}, []),
        ({"maxRetries": 3, "baseDelaySeconds": 2}, [2, 2, 2]),
        ({"type": "exponential", "maxRetries": 4, "baseDelaySeconds": 1}, [1, 2, 4, 8]),
        ({"maxRetries": 2}, [1, 1]),
        ({"maxRetries": 1000, "baseDelaySeconds": 1000}, [10] * 10),
        ({"maxRetries": "x", "baseDelaySeconds": None}, []),
        ({"maxRetries": -1}, []),
        ({"maxRetries": True, "baseDelaySeconds": []}, []),
        ({"maxRetries": 1, "baseDelaySeconds": float("nan")}, [0]),
    ],
)
def test_the_pauses_are_those_of_the_plan(plan: dict[str, Any], pauses: list[float]) -> None:
    assert Server("http://a", backoff=plan).pauses() == pauses


# --- whatever a server answers ------------------------------------------------------------


def to_question(answer: Any) -> Any:
    """Right to tool calls, and the same to everything else."""

    def answered(message: dict[str, Any]) -> Any:
        return right(message) if calls_in(message) else JSONResponse(answer)

    return answered


STRANGE = ["text", 5, True, None, [], [1], {}, {"a": "b"}, [{"type": 5}], [{"a": [{}]}], float(2)]
FIELDS = ["model", "server", "serverMessages", "firstMessage", "name", "firstMessageMode"]


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_an_assistant_of_any_shape_stops_nothing(hook: Webhook, value: Any) -> None:
    """An `assistant-request` is answered with JSON of anybody's making."""
    tool = {
        "function": {"name": "book_table"},
        **dict.fromkeys(["messages", "parameters", "server", "async"], value),
    }
    model = {"tools": [value, tool], "messages": [{"role": "system", "content": value}]}
    server = {"timeoutSeconds": value, "headers": value, "backoffPlan": value}
    assistants = [
        {"model": model, "server": server},
        {"model": {"tools": value, "messages": value}, "server": value},
        dict.fromkeys(FIELDS, value),
    ]

    for assistant in assistants:
        hook.answer = to_question({"assistant": assistant})
        call = played(hook.url, tools("book_table"), assistant="ask", limit=2)
        assert call.faults == []


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_a_message_of_any_shape_around_a_tool_stops_nothing(hook: Webhook, value: Any) -> None:
    messages = [
        {"type": type_, name: value}
        for type_ in ("request-start", "request-response-delayed", "request-complete")
        for name in ("content", "contents", "conditions", "timingMilliseconds")
    ]
    tool = {"function": {"name": "book_table"}, "messages": [*messages, value]}
    hook.answer = right

    call = played(hook.url, tools("book_table"), assistant={"model": {"tools": [tool]}})

    assert call.faults == []


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_a_destination_of_any_shape_stops_nothing(hook: Webhook, value: Any) -> None:
    names = ["type", "number", "message", "assistantName", "assistantOverrides"]
    step = Asks("transfer-destination-request")
    for destination in (
        value,
        {"type": "number", "number": "+15550100020", "message": value},
        dict.fromkeys(names, value),
        {"type": "assistant", "assistantName": "A", "assistantOverrides": value},
    ):
        hook.answer = to_question({"destination": destination, "error": None, "message": value})
        played(hook.url, step, server_messages=[])


@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_an_answer_of_any_shape_stops_nothing(hook: Webhook, value: Any) -> None:
    question = Asks("knowledge-base-request", {"question": "Hm?"})
    for answer in ({"documents": value}, {"error": value}, value):
        hook.answer = to_question(answer)
        played(hook.url, question, server_messages=[])


# --- a handler as people write it ---------------------------------------------------------

handler = FastAPI()


class _Function(BaseModel):
    name: str
    arguments: str


class _ToolCall(BaseModel):
    id: str
    function: _Function


class _Message(BaseModel):
    toolCallList: list[_ToolCall]  # noqa: N815 - the name on the wire


class _Body(BaseModel):
    message: _Message


@handler.post("/typed")
def typed(body: _Body) -> dict[str, Any]:
    """Takes the docs at their word: arguments are text, and there are only tool calls."""
    call = body.message.toolCallList[0]
    return {"results": [{"toolCallId": call.id, "result": "Booked."}]}


@handler.post("/loose")
def loose(body: dict[str, Any], x_vapi_secret: str = Header("")) -> dict[str, Any]:
    """Takes the first call, returns an object, and fails on everything else."""
    if x_vapi_secret != "s3cret":
        raise HTTPException(401)
    call = body["message"]["toolCalls"][0]
    assert call["function"]["name"]
    return {"results": [{"toolCallId": call["id"], "result": {"booked": True}}]}


@handler.post("/right")
def answers_right(body: dict[str, Any]) -> dict[str, Any]:
    return right(body["message"])


@pytest.fixture(scope="module")
def fastapi_url() -> Iterator[str]:
    with serving(handler, lifespan="off") as port:
        yield f"http://127.0.0.1:{port}"


def test_a_typed_handler_is_told_that_it_refuses_what_vapi_sends(fastapi_url: str) -> None:
    call = played(f"{fastapi_url}/typed", BOTH)

    assert "on the wire, arguments are an object" in texts(call)
    assert "status-update: the status was 422" in texts(call)


def test_a_loose_handler_is_told_that_it_asks_for_a_secret(fastapi_url: str) -> None:
    call = played(f"{fastapi_url}/loose", BOTH)

    assert "and no secret was sent" in texts(call)


def test_a_loose_handler_is_told_what_the_caller_misses(fastapi_url: str) -> None:
    call = played_with_secret(f"{fastapi_url}/loose")

    assert {"text", "name", "every-call", "status"} <= set(rules(call))


def played_with_secret(url: str) -> Played:
    with visiting(url, verifier=SharedSecret("s3cret")) as stage:
        return asyncio.run(play(script(BOTH), stage, limit=2))


def test_a_handler_that_is_right_is_told_nothing(fastapi_url: str) -> None:
    call = played(f"{fastapi_url}/right", BOTH, Waits(0.01))

    assert call.faults == []


def test_a_call_to_an_assistant_that_nobody_knows_says_where(fastapi_url: str) -> None:
    step = HandsOver("Mia", "a.call.yaml:7")

    with pytest.raises(PlayError, match=r"^a\.call\.yaml:7: there is no assistant 'Mia'"):
        played(f"{fastapi_url}/right", step)


def test_an_entry_has_an_id_like_vapis() -> None:
    assert entry("a", {})["id"].startswith("call_")
