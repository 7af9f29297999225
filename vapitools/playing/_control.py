"""Where a call that is played takes commands: a real `monitor.controlUrl`.

https://docs.vapi.ai/calls/call-features
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from .. import messages
from .._shapes import is_object
from ._serving import serving

Command = Mapping[str, Any]

# Type → the field that must be there.
_NEEDED: Mapping[str, str | None] = {
    "say": "content",
    "add-message": "message",
    "control": "control",
    "end-call": None,
    "transfer": "destination",
    "handoff": "destination",
}


class ControlDesk:
    """Takes the commands to calls, as an ASGI app. A call that is not open answers 404."""

    def __init__(self) -> None:
        self.base_url = ""
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Command]] = {}
        self._router = Router([Route("/control/{call_id}", self._take, methods=["POST"])])

    @contextmanager
    def serve(self, port: int = 0) -> Generator[str]:
        """Serve it on a port of this machine, a free one by default. Gives the base URL.

        Raises:
            PlayError: The port is in use.
        """
        with serving(self, port) as self.base_url:
            yield self.base_url

    def open(self, call_id: str) -> str:
        """Take commands for a call from now on. Returns its `controlUrl`."""
        with self._lock:
            self._waiting[call_id] = []
        return f"{self.base_url}/control/{call_id}"

    def close(self, call_id: str) -> None:
        """Take no more: the call has ended."""
        with self._lock:
            self._waiting.pop(call_id, None)

    def taken(self, call_id: str) -> list[Command]:
        """What the call was told since the last time."""
        with self._lock:
            commands = self._waiting.get(call_id, [])
            taken, commands[:] = list(commands), []
            return taken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as an ASGI app."""
        await self._router(scope, receive, send)

    async def _take(self, request: Request) -> Response:
        command = messages.decode_object(await request.body())
        if command is None:
            return JSONResponse({"message": "the body is no JSON object"}, 400)
        if problem := _problem(command):
            return JSONResponse({"message": problem}, 400)
        with self._lock:
            commands = self._waiting.get(request.path_params["call_id"])
            if commands is None:
                return JSONResponse({"message": "Call not found"}, 404)
            commands.append(command)
        return JSONResponse({"success": True})


def _problem(command: Command) -> str:
    type_ = str(command.get("type"))
    if type_ not in _NEEDED:
        return f"type must be one of {', '.join(_NEEDED)}"
    needed = _NEEDED[type_]
    value = command.get(needed) if needed is not None else True
    is_there = is_object(value) if needed in ("message", "destination") else bool(value)
    return "" if is_there else f"{needed} is missing"
