"""The floor's decode in an ordinary Starlette route."""

from __future__ import annotations

import hmac

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .floor import Answer, decode, encode, run


def make(secret: str) -> ASGIApp:
    expected = secret.encode()

    async def webhook(request: Request) -> Response:
        sent = request.headers.get("x-vapi-secret", "").encode()
        if not hmac.compare_digest(sent, expected):
            return Response(status_code=401)
        body = decode(await request.body())
        answer = Answer([await run(call) for call in body.message.toolCallList])
        return Response(encode(answer), media_type="application/json")

    return Starlette(routes=[Route("/webhook", webhook, methods=["POST"])])
