"""Peers that answer byte by byte what they are told to, and remember what they were sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

NEVER = None


@dataclass
class Peer:
    """A server on a port of its own."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    listen: Callable[[], Awaitable[None]] = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        """The first line of each request, without the version."""
        return [r.partition(b" HTTP/")[0].decode() for r in self.requests]


@asynccontextmanager
async def answering(*answers: bytes | None, listens: bool = True) -> AsyncIterator[Peer]:
    """A peer that gives each answer once, the last one for ever, and closes after each.

    Args:
        answers: The bytes; none of them to close at once, `NEVER` to wait until the other leaves.
        listens: Whether connections are taken at once, and not refused before `listen`.
    """
    peer = Peer()
    here: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        here.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            peer.requests.append(await _request(reader))
            answer = answers[min(len(peer.requests), len(answers)) - 1]
            if answer is NEVER:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        here.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, start_serving=listens)
    peer.listen = server.start_serving
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        if here:
            await asyncio.wait(here, timeout=5)
        await server.wait_closed()


def response(status: str, body: bytes = b"", **headers: str) -> bytes:
    """An answer, such as of `"200 OK"`."""
    fields = {"content-length": str(len(body)), "connection": "close", **headers}
    lines = [f"{key.replace('_', '-')}: {value}" for key, value in fields.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


def json_response(status: str, body: Any, **headers: str) -> bytes:
    """An answer of JSON."""
    return response(status, json.dumps(body).encode(), content_type="application/json", **headers)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head + await reader.readexactly(length)
