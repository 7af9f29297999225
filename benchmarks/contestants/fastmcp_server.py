"""The same tool over the Model Context Protocol: FastMCP's HTTP app, without sessions.

What surrounds a call of Vapi's rides along in `_meta`, so that the bodies have one size.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from starlette.types import ASGIApp

from ..exchange import Exchange
from ..proof import WrongAnswerError
from ..restaurant import ARGUMENTS, RESULT, TOOL, book_table

fastmcp: Any = import_module("fastmcp")

PATH = "/mcp"
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def make(secret: str) -> ASGIApp:
    """Without the secret: checking one is left to what stands before it."""
    server = fastmcp.FastMCP("restaurant")
    server.tool(book_table)
    app: ASGIApp = server.http_app(path=PATH, stateless_http=True, json_response=True)
    return app


def translated(body: bytes) -> bytes:
    """A body of Vapi's as this protocol has it."""
    params = {"name": TOOL, "arguments": ARGUMENTS, "_meta": json.loads(body)}
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return json.dumps(request, separators=(",", ":"), ensure_ascii=False).encode()


def exchange(body: bytes) -> Exchange:
    """One request and its response."""
    return Exchange(translated(body), path=PATH, headers=HEADERS)


def check(name: str, exchange: Exchange, number: int) -> None:
    """Check the answer.

    Raises:
        WrongAnswerError: It is not the right one.
    """
    answer = json.loads(exchange.body)
    if exchange.status != 200 or answer["result"]["content"][0]["text"] != RESULT:
        raise WrongAnswerError(f"{name} answered {exchange.sent}")
