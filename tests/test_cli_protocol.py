"""The bounds on the head of a request, in a real server, byte by byte."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from vapitools import SharedSecret, router, tool
from vapitools.cli import _server
from vapitools.cli._protocol import BoundedProtocol

from . import servers
from .live import answer, connected, head, is_closed, request, serving

PIECE = b"x" * 16384


async def _echo(request: Request) -> JSONResponse:
    """Say what of a request has arrived, headers after the body too."""
    body = await request.body()
    seen = {key: value for key, value in request.headers.items() if key.startswith("x-")}
    return JSONResponse({"length": len(body), "client": request.scope["client"][0], **seen})


async def _refuse(_: Request) -> JSONResponse:
    """Answer before the body has come."""
    return JSONResponse({}, 401)


ECHO = Starlette(
    routes=[Route("/webhook", _echo, methods=["POST"]), Route("/no", _refuse, methods=["POST"])]
)


class Small(BoundedProtocol):
    limit = 1024


class Hasty(BoundedProtocol):
    seconds = 0.3


class Parrot(asyncio.Protocol):
    """Stands where uvicorn has a WebSocket, and sends back what comes."""

    def __init__(self, **_: object) -> None:
        pass

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


class Talkative(Hasty):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ws_protocol_class = Parrot


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(ECHO, http=BoundedProtocol) as port:
        yield port


@pytest.fixture(scope="module")
def hasty() -> Iterator[int]:
    with serving(ECHO, http=Hasty) as port:
        yield port


def echoed(peer: socket.socket) -> dict[str, Any]:
    code, _, body = answer(peer)
    assert code == 200
    echo: dict[str, Any] = json.loads(body)
    return echo


def pour(peer: socket.socket, port: int) -> int:
    """Send without end, with another client served meanwhile; the bytes that were taken."""
    with connected(port) as other:
        for count in range(1000):
            try:
                peer.sendall(PIECE)
            except (BrokenPipeError, ConnectionResetError):
                return count * len(PIECE)
            other.sendall(request("hi"))
            assert echoed(other)["length"] == 4
    raise AssertionError("the server takes everything")


def status(peer: socket.socket) -> int:
    return answer(peer)[0]


def is_refused(peer: socket.socket, sent: bytes) -> bool:
    """Whether it is answered with 400, or cut so early that the answer is lost."""
    try:
        peer.sendall(sent)
        return status(peer) == 400
    except ConnectionError:
        return True


def drained(peer: socket.socket, count: int) -> list[dict[str, Any]]:
    """The answers to so many pipelined requests."""
    echoes: list[dict[str, Any]] = []
    with peer.makefile("rb") as answers:
        for _ in range(count):
            assert answers.readline().startswith(b"HTTP/1.1 200")
            headers = http.client.parse_headers(answers)
            echoes.append(json.loads(answers.read(int(headers["content-length"]))))
    return echoes


def chunked(trailers: bytes, **headers: str) -> bytes:
    return head(None, **headers) + b"2\r\n{}\r\n0\r\n" + trailers + b"\r\n"


# --- size ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [
        head(4)[:-2] + b"x-endless: ",
        head(4)[:-2] + b"x",
        b"POST /",
        head(None) + b"2\r\n{}\r\n0\r\nx-endless: ",
        head(None) + b"2;",
        b"",
    ],
    ids=["header", "name", "url", "trailer", "chunk extension", "method"],
)
def test_a_head_without_end_is_cut_early_and_others_are_answered(
    beginning: bytes, port: int
) -> None:
    with connected(port) as peer:
        peer.sendall(beginning)

        assert pour(peer, port) < 8 * BoundedProtocol.limit


def test_many_small_headers_are_a_large_head(port: int) -> None:
    with connected(port) as peer:
        assert is_refused(peer, head(2)[:-2] + b"x-a: b\r\n" * 20000)
        assert is_closed(peer)


@pytest.mark.parametrize("size", [60_000, 70_000])
def test_the_limit_is_64_kib(size: int, port: int) -> None:
    with connected(port) as peer:
        assert is_refused(peer, head(2, x_long="y" * size) + b"{}") == (size == 70_000)


@pytest.mark.parametrize("beginning", [b"", request("hi")], ids=["first", "second"])
@pytest.mark.parametrize("place", ["url", "header"])
def test_a_head_that_comes_at_once_is_limited_too(beginning: bytes, place: str) -> None:
    long = "y" * 2 * Small.limit
    large = head(2, x_long=long) if place == "header" else head(2, f"/webhook?{long}")
    with serving(ECHO, http=Small) as port, connected(port) as peer:
        peer.sendall(beginning + large + b"{}")

        assert b"HTTP/1.1 400" in peer.makefile("rb").read()


def test_small_requests_that_come_at_once_are_not_one_large_head() -> None:
    with serving(ECHO, http=Small) as port, connected(port) as peer:
        for _ in range(3):
            peer.sendall(request("hi", x_long="y" * 300) * 20)

        assert len(drained(peer, 60)) == 60


def test_requests_without_a_body_are_not_one_large_head() -> None:
    with serving(ECHO, http=Small) as port, connected(port) as peer:
        for _ in range(20):
            peer.sendall(head(0, x_long="y" * 300))
            assert echoed(peer)["length"] == 0


def test_a_large_head_that_cannot_be_read_is_answered_once() -> None:
    with serving(ECHO, http=Small) as port, connected(port) as peer:
        peer.sendall(b"?" * 2 * Small.limit)

        assert peer.makefile("rb").read().count(b"HTTP/1.1 400") == 1


def test_large_bodies_on_one_connection_do_not_count(port: int) -> None:
    with connected(port) as peer:
        for _ in range(20):
            peer.sendall(request("x" * 100_000))
            assert echoed(peer)["length"] == 100_002


def test_large_chunked_bodies_do_not_count(port: int) -> None:
    piece = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    with connected(port) as peer:
        for _ in range(3):
            peer.sendall(head(None) + piece * 100 + b"0\r\n\r\n")
            assert echoed(peer)["length"] == 409_600


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    with connected(port) as peer:
        peer.sendall(b"".join(request("x" * 1000, x_number=str(n)) for n in range(200)))

        assert [int(echo["x-number"]) for echo in drained(peer, 200)] == [*range(200)]


# --- time ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning", [b"", b"POST", head(4)[:-2]], ids=["nothing", "method", "headers"]
)
def test_a_slow_head_is_cut(beginning: bytes, hasty: int) -> None:
    with connected(hasty) as peer:
        peer.sendall(beginning)

        assert is_closed(peer)


@pytest.mark.parametrize("beginning", [b"\r\n", b"POST"], ids=["empty line", "method"])
def test_a_slow_head_is_cut_after_an_answered_request_too(beginning: bytes, hasty: int) -> None:
    with connected(hasty) as peer:
        peer.sendall(request("hi"))
        echoed(peer)
        peer.sendall(beginning)
        peer.settimeout(3)

        assert is_closed(peer)


def test_the_rest_of_a_body_that_nobody_reads_is_not_waited_for(hasty: int) -> None:
    with connected(hasty) as peer:
        peer.sendall(head(100, "/no"))
        assert answer(peer)[0] == 401
        peer.sendall(b"x")
        peer.settimeout(3)

        assert is_closed(peer)


def test_a_request_and_an_idle_connection_have_more_time_than_a_head(hasty: int) -> None:
    with connected(hasty) as peer, connected(hasty) as idle:
        idle.sendall(request("hi"))
        echoed(idle)
        peer.sendall(head(4))
        idle.settimeout(2 * Hasty.seconds)
        with pytest.raises(TimeoutError):
            idle.recv(1)
        peer.sendall(b'"hi"')

        assert echoed(peer)["length"] == 4


def test_a_web_socket_has_no_head_to_wait_for() -> None:
    upgrade = head(None, "/", connection="Upgrade", upgrade="websocket")
    with serving(ECHO, http=Talkative) as port, connected(port) as peer:
        peer.sendall(
            upgrade.replace(b"POST", b"GET").replace(b"transfer-encoding: chunked\r\n", b"")
        )
        assert peer.recv(4) == b"GET "
        peer.recv(65536)
        peer.settimeout(2 * Talkative.seconds)

        with pytest.raises(TimeoutError):
            peer.recv(1)


# --- trailers -----------------------------------------------------------------------------


def test_a_trailer_is_no_credential() -> None:
    @tool
    def add() -> int:
        return 1

    with (
        serving(router([add], auth=SharedSecret("right")), http=BoundedProtocol) as port,
        connected(port) as peer,
    ):
        peer.sendall(chunked(b"x-vapi-secret: right\r\n"))

        assert answer(peer)[0] == 401


def test_a_trailer_is_seen_neither_in_its_request_nor_in_the_next(port: int) -> None:
    with connected(port) as peer:
        peer.sendall(chunked(b"x-forwarded-for: 1.2.3.4\r\n", x_own="a") + request("hi", x_own="b"))

        first, second = drained(peer, 2)

    assert first == {"length": 2, "client": "127.0.0.1", "x-own": "a"}
    assert second == {"length": 4, "client": "127.0.0.1", "x-own": "b"}


# --- in the command -----------------------------------------------------------------------


def test_the_command_serves_with_these_bounds(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(
        "from vapitools import tool\n\n@tool\ndef f() -> int: return 1"
    )

    with (
        servers.serving(tmp_path, "bot.py") as server,
        connected(int(server.url.rpartition(":")[2])) as peer,
    ):
        assert is_refused(peer, head(2, "/health", x_long="y" * 70_000) + b"{}")


def test_without_httptools_uvicorn_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vapitools.cli._protocol", None)

    assert _server._config(ECHO, web_sockets=False).http == "auto"
