"""Whole calls through HTTP: recorded bodies, repeated deliveries, and a real server."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import uvicorn
from starlette.types import ASGIApp

from vapitools import (
    Assistant,
    AssistantRequest,
    CallContext,
    EndOfCallReport,
    Events,
    SharedSecret,
    StatusUpdate,
    Tool,
    ToolError,
    ToolResult,
    router,
    tool,
)

from . import wire
from .conftest import SHARED, shared
from .wire import Reply, entry, tool_calls

BOOKED = {"result": "Booked for Ann Żuk."}


@tool
async def find_tables(day: str, party_size: int = 2) -> list[str]:
    """Find free tables."""
    return [f"{day} at {hour}:00 for {party_size}" for hour in (18, 20)]


@tool
def book_table(day: str, name: str, call: CallContext) -> ToolResult:
    """Book a table."""
    if name == "Bo":
        raise ToolError("That table was just taken.")
    return ToolResult(f"Booked for {name}.", metadata={"by": call.customer.number, "day": day})


def restaurant(**options: Any) -> ASGIApp:
    return router([find_tables, book_table], **{"auth": None, **options})


# --- recorded bodies ----------------------------------------------------------------------


FOR_4 = '["2026-12-24 at 18:00 for 4","2026-12-24 at 20:00 for 4"]'
FOR_2 = FOR_4.replace("for 4", "for 2")
ANSWERS: dict[str, Any] = {
    "tool-calls-all-three-lists": {
        "results": [
            {"name": "find_tables", "toolCallId": "call_VaJOd8ZqS9", "result": FOR_4},
            {
                "name": "book_table",
                "toolCallId": "call_Kx2mPq7LrT",
                "result": "Booked for Ann Żuk.",
                "metadata": {"by": "+15550100010", "day": "2026-12-24"},
            },
        ]
    },
    "tool-calls-arguments-as-text": {
        "results": [{"name": "find_tables", "toolCallId": "toolu_01DTPAzUm5", "result": FOR_4}]
    },
    "tool-calls-flat": {
        "results": [
            {"name": "find_tables", "toolCallId": "call_1", "result": FOR_2},
            {"name": "book_table", "toolCallId": "call_2", "error": "That table was just taken."},
        ]
    },
    "function-call": {"result": FOR_2},
    "status-update": {},
    "end-of-call-report": {},
}


@pytest.mark.parametrize("name", wire.RECORDED)
def test_a_recorded_body_is_answered(name: str) -> None:
    reply = wire.post(restaurant(), wire.RECORDED[name])

    assert (reply.status, reply.json()) == (200, ANSWERS[name])


@pytest.mark.parametrize("name", [name for name in wire.RECORDED if "tool-calls" in name])
def test_a_call_that_is_delivered_again_is_answered_the_same(name: str) -> None:
    async def twice() -> list[Reply]:
        app = restaurant()
        return [await wire.send(app, wire.RECORDED[name]) for _ in range(2)]

    first, second = asyncio.run(twice())

    assert first.body == second.body


# --- the platform's own files -------------------------------------------------------------


PAYLOADS = sorted((SHARED / "payloads").glob("*.json")) or [Path("payloads")]


def payload(path: Path) -> Any:
    return json.loads(shared(f"payloads/{path.name}").read_text("utf-8"))


def calls_in(message: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """Id → name and arguments of the calls, read as plainly as can be."""
    found = {}
    for each in message.get("toolCallList") or message.get("toolCalls", []):
        function = each.get("function", each)
        arguments = function.get("arguments", function.get("parameters"))
        decoded = json.loads(arguments) if isinstance(arguments, str) else arguments
        found[each["id"]] = (function["name"], decoded)
    return found


def echo(name: str, keys: list[str]) -> Tool[..., Any]:
    """A tool of that name that takes those arguments and gives them back."""

    async def function(**arguments: Any) -> dict[str, Any]:
        return arguments

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(key, kind, annotation=str) for key in keys]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return tool(function, name=name)


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_a_body_of_the_platform_is_answered_each_call_once_and_in_order(path: Path) -> None:
    body = payload(path)
    message = body["message"]
    calls = calls_in(message) if message["type"] == "tool-calls" else {}
    app = router([echo(name, list(given)) for name, given in calls.values()], auth=None)

    reply = wire.post(app, body)

    assert reply.status == 200
    if message["type"] == "tool-calls":
        assert [each["toolCallId"] for each in reply.results] == list(calls)
        assert [(each["name"], json.loads(each["result"])) for each in reply.results] == list(
            calls.values()
        )


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: path.stem)
def test_an_answer_fits_the_platforms_own_schema(path: Path) -> None:
    body = payload(path)
    document = json.loads(shared("openapi.json").read_text("utf-8"))
    schema = {**document, "$ref": "#/components/schemas/ServerMessageResponseToolCalls"}

    for app in (restaurant(), router([], auth=None)):
        reply = wire.post(app, body)
        jsonschema.Draft202012Validator(schema).validate(reply.json())


def test_every_part_of_an_answer_fits_the_platforms_own_schema() -> None:
    document = json.loads(shared("openapi.json").read_text("utf-8"))
    schema = {**document, "$ref": "#/components/schemas/ServerMessageResponseToolCalls"}

    reply = wire.post(restaurant(), wire.RECORDED["tool-calls-all-three-lists"])

    jsonschema.Draft202012Validator(schema).validate(reply.json())


# --- a real server ------------------------------------------------------------------------


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[int]:
    """The app on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


def request(port: int, body: bytes, method: str = "POST", path: str = "/webhook") -> Reply:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"content-type": "application/json", "x-vapi-secret": "s3cret"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    reply = Reply(response.status, dict(response.getheaders()), response.read())
    connection.close()
    return reply


@tool
async def double(number: int) -> int:
    """Twice the number."""
    await asyncio.sleep(0.001)
    return number * 2


@tool
def square(number: int) -> int:
    """The number times itself."""
    return number * number


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = router([double, square], auth=SharedSecret("s3cret"))
    with serving(app) as port:
        yield port


def test_200_posts_at_once_each_get_their_own_answers(port: int) -> None:
    def ask(number: int) -> list[tuple[str, str]]:
        calls = [
            entry(name, {"number": number + i}, f"{number}-{i}")
            for i, name in enumerate(["double", "square", "double", "square"])
        ]
        body = json.dumps(tool_calls(*calls, call_id=f"c-{number % 3}")).encode()
        return [(each["toolCallId"], each["result"]) for each in request(port, body).results]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(200)))

    assert answers == [
        [
            (f"{n}-0", str(n * 2)),
            (f"{n}-1", str((n + 1) ** 2)),
            (f"{n}-2", str((n + 2) * 2)),
            (f"{n}-3", str((n + 3) ** 2)),
        ]
        for n in range(200)
    ]


def test_a_sender_that_goes_away_leaves_the_server_as_it_was(port: int) -> None:
    head = (
        b"POST /webhook HTTP/1.1\r\nhost: x\r\nx-vapi-secret: s3cret\r\ncontent-length: 100\r\n\r\n"
    )
    for cut in (head[:30], head, head + b'{"message": {"type"'):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(cut)

    assert request(port, b"", "GET", "/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("HEAD", "/webhook", 405), ("HEAD", "/health", 200)]
)
def test_a_head_request_has_no_body(port: int, method: str, path: str, status: int) -> None:
    reply = request(port, b"", method, path)

    assert (reply.status, reply.body) == (status, b"")


def test_a_stranger_is_refused_without_being_listened_to(port: int) -> None:
    head = b"POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 99999\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head)
        answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 401")


# --- a whole call -------------------------------------------------------------------------


class Recorder:
    """Stands for Vapi's side of the live call."""

    def __init__(self) -> None:
        self.commands: list[Any] = []

    async def send(self, url: str | None, command: Any) -> None:
        self.commands.append((url, command))


def test_a_call_from_its_first_ring_to_its_report() -> None:
    events, kept = Events(), list[tuple[str | None, str | None]]()

    @events.on("assistant-request")
    async def who_answers(request: AssistantRequest) -> Assistant | str:
        if request.call.customer.number is None:
            return "Please call with your number shown."
        return Assistant(name="Luigi", model="openai/gpt-4o", system_prompt="Take bookings.")

    @events.on("status-update")
    def note(update: StatusUpdate) -> None:
        kept.append((update.call.id, update.status))

    @events.on("end-of-call-report")
    async def keep(report: EndOfCallReport) -> None:
        kept.append((report.call.id, report.summary))

    @tool
    async def ask_the_cook(call: CallContext) -> str:
        """Ask the cook."""
        await call.say("One moment, I ask the cook.")
        return "The cook says yes."

    recorder = Recorder()
    app = router([ask_the_cook], auth=SharedSecret("s3cret"), events=events, control=recorder)
    call = {"id": "c-1", "monitor": {"controlUrl": "https://x.vapi.ai/c-1/control"}}

    def deliver(type_: str, **fields: Any) -> Any:
        body = {"message": {"type": type_, "call": call, **fields}}
        headers = (*wire.JSON_TYPE, (b"x-vapi-secret", b"s3cret"), (b"host", b"luigi.example.com"))
        reply = wire.post(app, body, headers=headers)
        assert reply.status == 200
        return reply.json()

    refused = deliver("assistant-request")
    answered = deliver("assistant-request", customer={"number": "+15550100010"})
    server = answered["assistant"]["model"]["tools"][0]["server"]
    ringing = deliver("status-update", status="in-progress")
    told = deliver("tool-calls", toolCallList=[entry("ask_the_cook")])
    again = deliver("tool-calls", toolCallList=[entry("ask_the_cook")])
    report = deliver("end-of-call-report", analysis={"summary": "The cook was asked."})

    assert refused == {"error": "Please call with your number shown."}
    assert server["secret"] == "s3cret"
    assert server["url"].endswith("luigi.example.com/tools/ask_the_cook")
    assert told == again
    assert told["results"][0]["result"] == "The cook says yes."
    assert [command["content"] for _, command in recorder.commands] == [
        "One moment, I ask the cook."
    ]
    assert ringing == report == {}
    assert kept == [("c-1", "in-progress"), ("c-1", "The cook was asked.")]
