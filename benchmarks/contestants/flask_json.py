"""A Flask view. Under uvicorn's rivals it is served by gunicorn; in process it is called directly.

The tool is the same but for `async`, which Flask would start an event loop for.
"""

from __future__ import annotations

import hmac
import io
from importlib import import_module
from typing import Any

from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from ..restaurant import TOOL, book_table_now
from .starlette_json import BookTable

flask: Any = import_module("flask")


def make_wsgi(secret: str) -> Any:
    """The app as it is."""
    app = flask.Flask(__name__)

    def webhook() -> Any:
        sent = flask.request.headers.get("x-vapi-secret", "")
        if not hmac.compare_digest(sent.encode(), secret.encode()):
            return "", 401
        message = flask.request.get_json()["message"]
        if message["type"] != "tool-calls":
            return {}
        return {"results": [run(call) for call in message.get("toolCallList", [])]}

    app.post("/webhook")(webhook)
    return app


def run(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    answer = {"toolCallId": call["id"], "name": function["name"]}
    if function["name"] != TOOL:
        return {**answer, "error": f"Unknown tool {function['name']}."}
    try:
        booking = BookTable.model_validate(function.get("arguments") or {})
    except ValidationError as error:
        return {**answer, "error": str(error).replace("\n", " ")}
    return {**answer, "result": book_table_now(booking.day, booking.party_size, booking.name)}


def make(secret: str) -> ASGIApp:
    """The app behind a thin layer that takes what the other contestants take."""
    wsgi = make_wsgi(secret)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        chunks, more = [], True
        while more:
            event = await receive()
            chunks.append(event["body"])
            more = event["more_body"]
        statuses: list[int] = []

        def start_response(status: str, headers: Any, error: Any = None) -> None:
            statuses.append(int(status[:3]))

        body = b"".join(wsgi(_environ(scope, b"".join(chunks)), start_response))
        await send({"type": "http.response.start", "status": statuses[0], "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"],
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        environ["HTTP_" + name.decode().upper().replace("-", "_")] = value.decode()
    return environ
