"""A FastAPI endpoint whose body is declared in models, as its documentation teaches."""

from __future__ import annotations

import hmac
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, ValidationError
from starlette.types import ASGIApp

from ..restaurant import TOOL, book_table


class Function(BaseModel):
    name: str
    arguments: dict[str, Any]


class ToolCall(BaseModel):
    id: str
    function: Function


class Message(BaseModel):
    type: str
    toolCallList: list[ToolCall] = []  # noqa: N815 - the name on the wire


class Body(BaseModel):
    message: Message


class Result(BaseModel):
    name: str
    toolCallId: str  # noqa: N815 - the name on the wire
    result: str | None = None
    error: str | None = None


class Answer(BaseModel):
    results: list[Result]


class Arguments(BaseModel):
    day: date
    party_size: int
    name: str


def make(secret: str) -> ASGIApp:
    app = FastAPI()

    @app.post("/webhook", response_model_exclude_none=True)
    async def webhook(body: Body, x_vapi_secret: Annotated[str, Header()] = "") -> Answer:
        if not hmac.compare_digest(x_vapi_secret.encode(), secret.encode()):
            raise HTTPException(401)
        return Answer(results=[await run(call) for call in body.message.toolCallList])

    return app


async def run(call: ToolCall) -> Result:
    answer = Result(name=call.function.name, toolCallId=call.id)
    if call.function.name != TOOL:
        answer.error = f"Unknown tool {call.function.name}."
        return answer
    try:
        booking = Arguments.model_validate(call.function.arguments)
    except ValidationError as error:
        answer.error = str(error).replace("\n", " ")
        return answer
    answer.result = await book_table(booking.day, booking.party_size, booking.name)
    return answer
