"""The floor: by hand, for this one tool and this one shape of body, and no more than that.

No deadline, no ledger, no hooks, no log, no other shape, no text that tells the model what was
wrong with its arguments.
"""

from __future__ import annotations

import hmac
from datetime import date

import msgspec
from pydantic import TypeAdapter, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import TypedDict

from ..restaurant import TOOL, book_table


class Function(msgspec.Struct):
    name: str
    arguments: msgspec.Raw


class ToolCall(msgspec.Struct):
    id: str
    function: Function


class Message(msgspec.Struct):
    type: str
    toolCallList: list[ToolCall] = []  # noqa: N815 - the name on the wire


class Body(msgspec.Struct):
    message: Message


class Arguments(TypedDict):
    day: date
    party_size: int
    name: str


class Result(msgspec.Struct, omit_defaults=True):
    name: str
    toolCallId: str  # noqa: N815 - the name on the wire
    result: str | None = None
    error: str | None = None


class Answer(msgspec.Struct):
    results: list[Result]


decode = msgspec.json.Decoder(Body).decode
encode = msgspec.json.Encoder().encode
validate = TypeAdapter(Arguments).validator.validate_json


def make(secret: str) -> ASGIApp:
    expected = secret.encode()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        sent = b""
        for name, value in scope["headers"]:
            if name == b"x-vapi-secret":
                sent = value
        if not hmac.compare_digest(sent, expected):
            await respond(send, 401, b"")
            return
        chunks, more = [], True
        while more:
            event = await receive()
            chunks.append(event["body"])
            more = event["more_body"]
        body = decode(b"".join(chunks))
        answer = Answer([await run(call) for call in body.message.toolCallList])
        await respond(send, 200, encode(answer))

    return app


async def run(call: ToolCall) -> Result:
    name = call.function.name
    if name != TOOL:
        return Result(name, call.id, error="There is no such tool.")
    try:
        arguments = validate(bytes(call.function.arguments))
    except ValidationError:
        return Result(name, call.id, error="The arguments are wrong.")
    return Result(name, call.id, await book_table(**arguments))


async def respond(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
