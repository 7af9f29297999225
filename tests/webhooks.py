"""Webhooks that answer what a test says, on real ports, and the calls that are played to them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from vapitools.playing import Cast, ControlDesk, Played, Script, Stage, play
from vapitools.playing._delivery import Server
from vapitools.playing._script import CallsTools, Expected, PlannedCall, Says, Step

from .live import serving

LATE = 1.0
"""How long the calls of these tests wait for an answer."""

Answer = Callable[[dict[str, Any]], Any]
"""A message → a response, or what is to be its JSON."""


@dataclass
class Webhook:
    """A webhook, and what it was sent."""

    answer: Answer
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages, in order."""
        return [json.loads(body)["message"] for body in self.bodies]

    @property
    def types(self) -> list[str]:
        """Their types."""
        return [message["type"] for message in self.messages]

    def the(self, type_: str) -> dict[str, Any]:
        """The only message of a type."""
        (found,) = [message for message in self.messages if message["type"] == type_]
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        request = Request(scope, receive)
        body = await request.body()
        self.requests.append(request)
        self.bodies.append(body)
        # A tool of a wrong server may block, and is not to hold the others.
        answer = await run_in_threadpool(self._answer, body)
        response = answer if isinstance(answer, Response) else JSONResponse(answer)
        await response(scope, receive, send)

    def _answer(self, body: bytes) -> Any:
        try:
            message = json.loads(body)["message"]
        except ValueError:
            return JSONResponse({"error": "no JSON"}, 400)
        return self.answer(message)


@contextmanager
def webhook(answer: Answer) -> Iterator[Webhook]:
    """A webhook on a port of its own."""
    hook = Webhook(answer)
    with serving(hook, lifespan="off") as port:
        hook.url = f"http://127.0.0.1:{port}/webhook"
        yield hook


@contextmanager
def raw(answer: Callable[[int], bytes]) -> Iterator[str]:
    """A server that answers its requests with bytes, and closes after each.

    Args:
        answer: The number of the request, from 0, → the bytes.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        is_over = threading.Event()

        def serve() -> None:
            number = 0
            while True:
                peer, _ = listening.accept()
                with peer:
                    if is_over.is_set():
                        return
                    with suppress(OSError):
                        _read(peer)
                        peer.sendall(answer(number))
                        number += 1

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/webhook"
        finally:
            is_over.set()
            socket.create_connection(listening.getsockname()).close()
            thread.join()


def _read(peer: socket.socket) -> None:
    """Read one request to its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += peer.recv(65536) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length and (more := peer.recv(65536)):
        body += more


# --- right answers ------------------------------------------------------------------------


def calls_in(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tool calls of a message; none in one of another type."""
    return list(message.get("toolCallList") or [])


def entry_for(call: Mapping[str, Any], result: Any = "Done.", **more: Any) -> dict[str, Any]:
    """A right answer to one call."""
    name = call["function"]["name"]
    return {"name": name, "toolCallId": call["id"], "result": result, **more}


def right(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a right server answers to tool calls, and to what wants no answer."""
    calls = calls_in(message)
    return {"results": [entry_for(call) for call in calls]} if calls else {}


# --- calls --------------------------------------------------------------------------------


def tools(*names: str, **expected: Any) -> CallsTools:
    """A step in which the model calls tools at once."""
    wanted = Expected(**expected)
    return CallsTools([PlannedCall(name, {"day": "2026-12-24"}, wanted) for name in names])


def script(*steps: Step, **fields: Any) -> Script:
    """A call of these steps, or one in which a tool is called."""
    return Script("A test", steps or (Says("caller", "Hello"), tools("book_table")), **fields)


def played(
    url: str, *steps: Step, limit: float = LATE, seed: int | None = None, **fields: Any
) -> Played:
    """Play a call against a server, with short patience."""
    # No command comes to these calls, so nobody listens for one.
    stage = Stage(Cast(Server(url)), ControlDesk())
    return asyncio.run(play(script(*steps, **fields), stage, limit=limit, seed=seed))


def rules(call: Played) -> list[str]:
    """The rules that were broken, each once."""
    return list(dict.fromkeys(fault.rule for fault in call.faults))


def texts(call: Played) -> str:
    """All that was seen to be wrong, as people read it."""
    return "\n".join(map(str, call.faults))
