"""One request and its response in process: what a server would hand to the app and take back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from .restaurant import SECRET

# What uvicorn reads from a socket at once.
_CHUNK = 64 * 1024

_NO_HEADERS: Mapping[str, str] = {}


class Exchange:
    """A `POST` whose pieces are made beforehand, so that only the app is timed."""

    def __init__(
        self,
        body: bytes,
        secret: str | None = SECRET,
        *,
        path: str = "/webhook",
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        self.scope = _scope(body, secret, path, headers)
        self.sent: list[Message] = []
        chunks = [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]
        self._events: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": chunk is not chunks[-1]}
            for chunk in chunks
        ]
        self._events.reverse()

    async def run(self, app: ASGIApp) -> None:
        """Have the request answered, once."""
        await app(self.scope, self.receive, self._send)

    async def receive(self) -> Message:
        """The next piece of the body."""
        return self._events.pop()

    async def _send(self, event: Message) -> None:
        self.sent.append(event)

    @property
    def status(self) -> int:
        """The status of the response."""
        status: int = self.sent[0]["status"]
        return status

    @property
    def body(self) -> bytes:
        """The body of the response."""
        return b"".join(event.get("body", b"") for event in self.sent)

    @property
    def results(self) -> list[dict[str, Any]]:
        """The entries of the answer."""
        results: list[dict[str, Any]] = json.loads(self.body)["results"]
        return results


def _scope(body: bytes, secret: str | None, path: str, more: Mapping[str, str]) -> Scope:
    """With the headers that Vapi sends."""
    headers = [
        (b"host", b"hooks.example.com"),
        (b"user-agent", b"axios/1.8.3"),
        (b"content-length", b"%d" % len(body)),
        (b"accept", b"application/json, text/plain, */*"),
        (b"accept-encoding", b"gzip, br"),
        (b"content-type", b"application/json"),
        (b"x-call-id", b"00000000-0000-4000-8000-000000000000"),
    ]
    if secret is not None:
        headers.append((b"x-vapi-secret", secret.encode()))
    added = [(name.encode(), value.encode()) for name, value in more.items()]
    headers = [pair for pair in headers if pair[0].decode() not in more] + added
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
