"""Copies what is let in on its way to the app, and has it kept once it is answered."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..instrumentation import log
from ._folder import MAX_BYTES, Arrival, Folder

# More is left out, so that a slow disk takes no more memory than this many bodies.
_MAX_WAITING = 64
# For so many seconds the end of the server waits for what is still to be written.
_TO_FINISH = 2.0


class Keeper(Protocol):
    """Where what came goes. It is called in a thread of its own."""

    def keep(self, arrival: Arrival) -> None:
        """Keep it. What fails is logged, and not raised."""
        ...


class Recorder:
    """An ASGI app around yours that keeps each message of Vapi's that is answered with 200.

    Secrets and personal data are replaced by made-up values; see the page on recording for what
    cannot be found. Neither the request nor the answer is changed, and a file is written after
    the answer.

    Args:
        app: The app that answers.
        folder: Where the files go. It is made when there is none.
    """

    def __init__(self, app: ASGIApp, folder: Path | str | Keeper) -> None:
        self._app = app
        keeper = Folder(folder) if isinstance(folder, (str, Path)) else folder
        self._desk = _Desk(keeper)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._finishing(send))
        elif scope["type"] == "http" and scope["method"] == "POST" and _can_be_json(scope):
            copy = _Copy(scope, receive, send, self._desk)
            await self._app(scope, copy.receive, copy.send)
        else:
            await self._app(scope, receive, send)

    def _finishing(self, send: Send) -> Send:
        async def send_when_written(event: Message) -> None:
            if event["type"].startswith("lifespan.shutdown"):
                await self._desk.finish()
            await send(event)

        return send_when_written


class _Copy:
    """One request on its way in, and its answer on its way out."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, desk: _Desk) -> None:
        self._receive = receive
        self._send = send
        self._desk = desk
        headers = dict(scope["headers"])
        self._encoding = headers.get(b"content-encoding", b"").strip().lower()
        self._chunks: list[bytes] = []
        self._size = 0
        self._moment = 0
        self._status = 0

    async def receive(self) -> Message:
        event = await self._receive()
        if event["type"] == "http.request":
            self._size += len(event.get("body", b""))
            if self._size > MAX_BYTES:
                self._chunks.clear()
            else:
                self._chunks.append(event.get("body", b""))
            if not event.get("more_body", False):
                self._moment = self._moment or time.time_ns()
        return event

    async def send(self, event: Message) -> None:
        await self._send(event)
        if event["type"] == "http.response.start":
            self._status = event["status"]
        elif event["type"] == "http.response.body" and not event.get("more_body", False):
            self._answered()

    def _answered(self) -> None:
        if self._status == 200 and self._size and self._moment:
            body = b"".join(self._chunks) if self._size <= MAX_BYTES else None
            self._desk.take(Arrival(self._moment, self._encoding, body))
            self._chunks = []


class _Desk:
    """A thread that keeps one thing after the other. Nobody waits for it."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vapitools-recorder")
        self._free = threading.Semaphore(_MAX_WAITING)
        self._is_late = False

    def take(self, arrival: Arrival) -> None:
        if not self._free.acquire(blocking=False):
            if not self._is_late:
                self._is_late = True
                log(logging.WARNING, "recording is too slow: messages are left out from here on")
            return
        try:
            self._thread.submit(self._keeper.keep, arrival).add_done_callback(self._done)
        # Python is ending, and takes no more work.
        except RuntimeError:
            self._free.release()

    def _done(self, work: Future[None]) -> None:
        self._free.release()
        if (error := work.exception()) is not None:
            log(logging.WARNING, "a message is not recorded: %s", type(error).__name__)

    async def finish(self) -> None:
        """Wait for what was taken, but not for long."""
        last = asyncio.wrap_future(self._thread.submit(lambda: None))
        await asyncio.wait([last], timeout=_TO_FINISH)


def _can_be_json(scope: Scope) -> bool:
    type_: bytes = (
        dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0].strip().lower()
    )
    return not type_ or type_.endswith((b"/json", b"+json"))
