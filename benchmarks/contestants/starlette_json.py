"""What careful people write: a Starlette route, `json.loads`, a pydantic model per tool."""

from __future__ import annotations

import hmac
import json
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ..restaurant import TOOL, book_table


class BookTable(BaseModel):
    day: date
    party_size: int
    name: str


def make(secret: str) -> ASGIApp:
    async def webhook(request: Request) -> Response:
        sent = request.headers.get("x-vapi-secret", "")
        if not hmac.compare_digest(sent.encode(), secret.encode()):
            return Response(status_code=401)
        message = json.loads(await request.body())["message"]
        if message["type"] != "tool-calls":
            return JSONResponse({})
        results = [await run(call) for call in message.get("toolCallList", [])]
        return JSONResponse({"results": results})

    return Starlette(routes=[Route("/webhook", webhook, methods=["POST"])])


async def run(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    answer = {"toolCallId": call["id"], "name": function["name"]}
    if function["name"] != TOOL:
        return {**answer, "error": f"Unknown tool {function['name']}."}
    arguments = function.get("arguments") or {}
    if isinstance(arguments, str):
        arguments = json.loads(arguments)
    try:
        booking = BookTable.model_validate(arguments)
    except ValidationError as error:
        return {**answer, "error": str(error).replace("\n", " ")}
    result = await book_table(booking.day, booking.party_size, booking.name)
    return {**answer, "result": result}
