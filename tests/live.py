"""Real servers in this process, and peers that speak to them byte by byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from .servers import until


@contextmanager
def serving(app: ASGIApp, **options: Any) -> Iterator[int]:
    """The port of a server that runs in a thread."""
    config = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=5, **options)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            until(lambda: server.started)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A connection; whoever waits on it for more than 5 seconds fails."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        yield peer


def head(length: int | None, path: str = "/webhook", **headers: str) -> bytes:
    """The beginning of a request, whose body has this length, or comes in pieces."""
    size = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
    fields: Mapping[str, str] = {"host": "here", "content-type": "application/json", **size}
    lines = [f"{key.replace('_', '-')}: {value}" for key, value in {**fields, **headers}.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode()


def request(body: Any, **headers: str) -> bytes:
    """A whole request, with a body to be made JSON."""
    text = json.dumps(body).encode()
    return head(len(text), **headers) + text


def answer(peer: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """The next answer on a connection that may be used again."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(peer)
    top, _, body = received.partition(b"\r\n\r\n")
    start, *lines = top.decode().split("\r\n")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += _more(peer)
    return int(start.split()[1]), headers, body


def is_closed(peer: socket.socket) -> bool:
    """Whether the server has ended the connection; waits for it."""
    try:
        return peer.recv(1) == b""
    except ConnectionResetError:
        return True


def _more(peer: socket.socket) -> bytes:
    received = peer.recv(65536)
    assert received, "the server has ended the connection"
    return received
