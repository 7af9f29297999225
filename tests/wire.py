"""Webhook bodies as Vapi sends them, and a way to post them without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import jsonschema
from starlette.types import ASGIApp, Message

T = TypeVar("T")

RECORDED = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent / "messages").glob("*.json"))
}

JSON_TYPE = ((b"content-type", b"application/json"),)

# Stricter than Vapi's own schema: a result or an error, and either on one line.
_LINE = {"type": "string", "minLength": 1, "pattern": r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+\Z"}
_RESULTS = {
    "type": "object",
    "required": ["results"],
    "additionalProperties": False,
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "oneOf": [{"required": ["result"]}, {"required": ["error"]}],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "toolCallId": {},
                    "result": _LINE,
                    "error": _LINE,
                    "message": {"type": "object", "required": ["type"]},
                    "metadata": {"type": "object"},
                },
            },
        }
    },
}
_results = jsonschema.Draft202012Validator(_RESULTS)


@dataclass(frozen=True)
class Reply:
    """What came back; the status is 0 when nothing did."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def results(self) -> list[dict[str, Any]]:
        """The answers to the tool calls, which are seen to be in Vapi's shape."""
        assert self.status == 200, self.body
        _results.validate(self.json())
        return list(self.json()["results"])

    @property
    def result(self) -> dict[str, Any]:
        """The answer to the only call."""
        (result,) = self.results
        return result


def entry(name: Any, arguments: Any = None, id_: Any = "call_1") -> dict[str, Any]:
    """One call as it is on the wire."""
    function = {"name": name, "arguments": {} if arguments is None else arguments}
    return {"id": id_, "type": "function", "function": function}


def tool_calls(*entries: Any, call_id: Any = "c-1", **fields: Any) -> dict[str, Any]:
    """A `tool-calls` message."""
    call = {"call": {"id": call_id}} if call_id is not None else {}
    return {"message": {"type": "tool-calls", "toolCallList": [*entries], **call, **fields}}


def post(
    app: ASGIApp,
    body: Any,
    path: str = "/webhook",
    *,
    headers: Sequence[tuple[bytes, bytes]] = JSON_TYPE,
) -> Reply:
    """Post a body, bytes or to be made JSON, in an event loop of its own."""
    return asyncio.run(send(app, body, path, headers=headers))


async def send(
    app: ASGIApp,
    body: Any,
    path: str = "/webhook",
    *,
    method: str = "POST",
    headers: Sequence[tuple[bytes, bytes]] = JSON_TYPE,
) -> Reply:
    """The same, in the event loop that runs."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await exchange(app, whole(text), path, method=method, headers=headers)


def whole(body: bytes) -> list[Message]:
    """The body as a server hands it over when all of it is there."""
    return [{"type": "http.request", "body": body, "more_body": False}]


async def exchange(
    app: ASGIApp,
    events: list[Message],
    path: str = "/webhook",
    *,
    method: str = "POST",
    headers: Sequence[tuple[bytes, bytes]] = JSON_TYPE,
) -> Reply:
    """One request, event by event; whoever asks for more than there are waits for ever."""
    sent: list[Message] = []
    waiting = list(events)

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def respond(event: Message) -> None:
        sent.append(event)

    await app(_scope(path, method, headers), receive, respond)
    if not sent:
        return Reply(0, {}, b"")
    start, *bodies = sent
    received = {key.decode(): value.decode() for key, value in start["headers"]}
    return Reply(start["status"], received, b"".join(event["body"] for event in bodies))


def _scope(path: str, method: str, headers: Sequence[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": list(headers),
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T: ...


@contextmanager
def event_loop() -> Iterator[Run]:
    """Runs one coroutine after the other in one loop: thousands of them take a second."""
    loop = asyncio.new_event_loop()
    try:
        yield loop.run_until_complete
    finally:
        loop.run_until_complete(_cancel_others())
        loop.close()


async def _cancel_others() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
