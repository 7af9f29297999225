"""HTTP as uvicorn speaks it, with bounds on the head of a request.

The library below has none: it would gather a head that never ends, and copy it with every piece.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose head is too large or too slow, and drops trailers."""

    limit: ClassVar[int] = 64 * 1024
    seconds: ClassVar[float] = 10

    # The bytes since the last piece of a body, or the end of a request.
    _gathered = 0
    _is_past_head = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        # It would keep what has been gathered.
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._gathered += len(data)
        super().data_received(data)
        if self._gathered > self.limit:
            self.send_400_response("The head of the request is too large.")
        if self._timer is None and self._is_idle():
            self._await_head()

    def on_message_begin(self) -> None:
        self._is_past_head = False
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # A proxy looks only at the head: nobody has checked what a trailer says.
        if not self._is_past_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        # It can have come at once, beside parts of other requests.
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.limit:
            raise HttpParserError
        self._is_past_head = True
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._gathered = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._gathered = 0
        super().on_message_complete()

    def _is_idle(self) -> bool:
        """Whether no request is being answered. A WebSocket has a protocol of its own."""
        is_answered = not self.cycle or self.cycle.response_complete
        return is_answered and self.transport.get_protocol() is self

    def _await_head(self) -> None:
        self._timer = self.loop.call_later(self.seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
