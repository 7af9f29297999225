"""How a body is let in: its size, its pace, its packing, and who sends it."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from vapitools import Settings, SharedSecret, router, tool
from vapitools._gate import Gate, SenderGoneError
from vapitools.auth import BearerToken, Delivery, HmacSignature, Verifier
from vapitools.errors import MessageError, WebhookError

from . import live, wire
from .wire import JSON_TYPE, Reply, Run, entry, tool_calls

SECRET = "s3cret-of-ours"


@tool
async def greet(name: str = "you") -> str:
    """Say hello."""
    return f"Hello, {name}!"


CALL = json.dumps(tool_calls(entry("greet", {"name": "Ann"}))).encode()
GREETING = {"name": "greet", "toolCallId": "call_1", "result": "Hello, Ann!"}
LIMIT = 1000


def app(auth: Verifier | None = None, **limits: Any) -> Any:
    return router([greet], auth=auth, settings=Settings(**{"max_body_bytes": LIMIT, **limits}))


def packed(encoding: bytes) -> list[tuple[bytes, bytes]]:
    return [*JSON_TYPE, (b"content-encoding", encoding)]


class Sender:
    """Gives the pieces of a body that never ends, and counts them."""

    def __init__(self, piece: bytes = b" ") -> None:
        self.count = 0
        self._piece = piece

    async def receive(self) -> Message:
        self.count += 1
        return {"type": "http.request", "body": self._piece, "more_body": True}


def scope(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"method": "POST", "path": "/webhook", "headers": [*JSON_TYPE, *headers]}


def admit(
    sender: Sender, *headers: tuple[bytes, bytes], auth: Verifier | None = None, **limits: Any
) -> Any:
    """What the gate refuses it with."""
    gate = Gate(auth, Settings(**{"max_body_bytes": LIMIT, **limits}))
    with pytest.raises((WebhookError, SenderGoneError)) as caught:
        asyncio.run(asyncio.wait_for(gate.admit(scope(*headers), sender.receive), 5))
    return caught.value


# --- how large ----------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "count"), [(1, LIMIT + 1), (600, 2), (5000, 1)])
def test_an_endless_body_is_read_up_to_the_limit(size: int, count: int) -> None:
    sender = Sender(b" " * size)

    error = admit(sender)

    assert (error.status, sender.count) == (413, count)


@pytest.mark.parametrize("length", [b"1001", b"9" * 5000, b"1" + b"0" * 18, b"1" + b"0" * 19])
def test_a_body_that_is_declared_too_large_is_not_read_at_all(length: bytes) -> None:
    sender = Sender()

    error = admit(sender, (b"content-length", length))

    assert (error.status, sender.count) == (413, 0)


def test_a_body_at_the_limit_is_let_in() -> None:
    reply = wire.post(app(), CALL.ljust(LIMIT))

    assert reply.result == GREETING


# --- how it is packed ---------------------------------------------------------------------


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body)


PACKERS = {b"gzip": gzipped, b"x-gzip": gzipped, b" GZip ": gzipped, b"deflate": zlib.compress}


@pytest.mark.parametrize(("encoding", "pack"), PACKERS.items(), ids=map(repr, PACKERS))
def test_a_packed_body_is_unpacked(encoding: bytes, pack: Callable[[bytes], bytes]) -> None:
    reply = wire.post(app(), pack(CALL), headers=packed(encoding))

    assert reply.result == GREETING


@pytest.mark.parametrize("encoding", [b"", b"identity"], ids=repr)
def test_a_body_can_be_said_to_be_unpacked(encoding: bytes) -> None:
    assert wire.post(app(), CALL, headers=packed(encoding)).result == GREETING


@pytest.mark.parametrize("pack", [gzipped, zlib.compress])
@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413), (10**6, 413)])
def test_the_limit_holds_for_what_is_unpacked(
    pack: Callable[[bytes], bytes], size: int, status: int
) -> None:
    reply = wire.post(app(), pack(CALL.ljust(size)), headers=packed(b"gzip"))

    assert reply.status == status


def test_a_bomb_is_not_unpacked() -> None:
    limit = 10**6
    pack = zlib.compressobj()
    bomb = b"".join(pack.compress(bytes(10**6)) for _ in range(100)) + pack.flush()
    gate = Gate(None, Settings(max_body_bytes=limit))
    sent = [{"type": "http.request", "body": bomb}]

    async def receive() -> Message:
        return sent.pop()

    tracemalloc.start()
    try:
        with pytest.raises(MessageError, match="larger than 1000000 bytes"):
            asyncio.run(gate.admit(scope((b"content-encoding", b"deflate")), receive))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(bomb) < limit
    assert peak < 3 * limit


UNKNOWN = [b"br", b"zstd", b"gzip, gzip", b"identity, gzip", b"gzip;q=1", b"x", b"\xff"]


@pytest.mark.parametrize("encoding", UNKNOWN, ids=repr)
def test_any_other_encoding_is_refused(encoding: bytes) -> None:
    reply = wire.post(app(), gzipped(CALL), headers=packed(encoding))

    assert reply.status == 415
    assert reply.json() == {"error": "the content-encoding must be gzip or deflate, or none"}


BROKEN = {
    "not packed": CALL,
    "cut": gzipped(CALL)[:-1],
    "only begun": gzipped(CALL)[:10],
    "cut in the middle": zlib.compress(CALL)[:30],
    "with more behind it": gzipped(CALL) + b"x",
    "twice": gzipped(CALL) * 2,
    "with a wrong sum": zlib.compress(CALL)[:-4] + bytes(4),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_unpacked_is_refused(body: bytes) -> None:
    reply = wire.post(app(), body, headers=packed(b"gzip"))

    assert (reply.status, reply.json()) == (400, {"error": "the body cannot be decompressed"})


@pytest.fixture(scope="module")
def run() -> Any:
    with wire.event_loop() as run:
        yield run


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=60) | st.binary(max_size=60).map(zlib.compress),
    st.integers(0, 80),
    st.sampled_from([b"gzip", b"deflate", b"br"]) | st.binary(max_size=5),
)
def test_any_bytes_in_any_packing_are_answered(
    run: Run, body: bytes, end: int, encoding: bytes
) -> None:
    reply: Reply = run(wire.send(app(), body[:end], headers=packed(encoding)))

    assert reply.status in (200, 400, 415)


# --- how fast -----------------------------------------------------------------------------


def test_a_slow_sender_is_cut_off_and_the_connection_is_closed() -> None:
    with live.serving(app(body_seconds=1)) as port, live.connected(port) as peer:
        began = time.monotonic()
        peer.sendall(live.head(LIMIT))
        peer.settimeout(0.1)
        trickled, received = 0, b""
        while not received and trickled < 50:
            peer.sendall(b" ")
            trickled += 1
            try:
                received = peer.recv(65536)
            except TimeoutError:
                continue
        took = time.monotonic() - began
        peer.settimeout(5)
        closed = live.is_closed(peer)

    assert received.startswith(b"HTTP/1.1 408 ")
    assert received.endswith(b'{"error":"the body took longer than 1 seconds"}')
    assert closed
    assert 1 <= took < 3


async def silence() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


def test_a_request_that_is_cancelled_while_its_body_is_read_stays_cancelled() -> None:
    async def scenario() -> None:
        task = asyncio.create_task(Gate(None, Settings()).admit(scope(), silence))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(scenario())


def test_a_sender_that_goes_away_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), live.serving(app()) as port:
        with live.connected(port) as peer:
            peer.sendall(live.head(LIMIT) + b"{")
        with live.connected(port) as peer:
            peer.sendall(live.request({}))
            status, _, _ = live.answer(peer)

    assert status == 200
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


# --- who sends it -------------------------------------------------------------------------


class Verifying:
    """A verifier made of a function."""

    def __init__(self, verify: Callable[[Delivery], Any]) -> None:
        self._verify = verify

    async def verify(self, delivery: Delivery) -> None:
        await self._verify(delivery)


SECRETIVE = [SharedSecret(SECRET), BearerToken(SECRET), HmacSignature(SECRET)]


@pytest.mark.parametrize("auth", SECRETIVE, ids=lambda auth: type(auth).__name__)
def test_a_stranger_costs_no_byte_of_the_body(auth: Verifier) -> None:
    sender = Sender()

    error = admit(sender, (b"authorization", b"Bearer guessed"), auth=auth)

    assert (error.status, sender.count) == (401, 0)


def test_a_verifier_that_reads_the_body_reads_up_to_the_limit() -> None:
    sender = Sender(b" " * 600)

    error = admit(sender, auth=Verifying(lambda delivery: delivery.body()))

    assert (error.status, sender.count) == (413, 2)


def test_a_verifier_that_reads_the_body_is_not_kept_waiting() -> None:
    async def verify(delivery: Delivery) -> None:
        await delivery.body()

    gate = Gate(Verifying(verify), Settings(body_seconds=0.01))  # type: ignore[arg-type]

    with pytest.raises(MessageError) as caught:
        asyncio.run(gate.admit(scope(), silence))

    assert caught.value.status == 408


def test_a_verifier_sees_the_bytes_as_they_were_sent() -> None:
    seen: list[bytes] = []

    async def verify(delivery: Delivery) -> None:
        seen.append(await delivery.body())

    reply = wire.post(app(Verifying(verify)), gzipped(CALL), headers=packed(b"gzip"))

    assert reply.result == GREETING
    assert seen == [gzipped(CALL)]


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise ValueError("MARKER-4711")


FAILURES = [
    ValueError("MARKER-4711"),
    UnprintableError("MARKER-4711"),
    SystemExit("MARKER-4711"),
    KeyboardInterrupt("MARKER-4711"),
    TimeoutError("MARKER-4711"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_verifier_that_fails_lets_nobody_in(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def verify(_: Delivery) -> None:
        raise error

    reply = wire.post(app(Verifying(verify)), CALL)

    assert (reply.status, reply.body) == (401, b"")
    (line,) = caplog.messages
    assert line.startswith("refused a request: the verifier failed\n")
    assert type(error).__name__ in line
    assert "MARKER-4711" not in caplog.text


def test_what_a_verifier_left_of_the_body_is_still_read() -> None:
    async def verify(delivery: Delivery) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(delivery.body(), 0.01)

    pieces = [{"type": "http.request", "body": CALL[:20], "more_body": True}]
    is_given_up = asyncio.Event()

    async def receive() -> Message:
        if pieces:
            return pieces.pop()
        if not is_given_up.is_set():
            is_given_up.set()
            await silence()
        return {"type": "http.request", "body": CALL[20:]}

    admitted = Gate(Verifying(verify), Settings()).admit(scope(), receive)

    assert asyncio.run(asyncio.wait_for(admitted, 5)) == CALL


def test_a_verifier_cannot_let_in_what_is_too_large() -> None:
    async def verify(delivery: Delivery) -> None:
        with pytest.raises(MessageError):
            await delivery.body()

    assert admit(Sender(b" " * 600), auth=Verifying(verify)).status == 413


def test_a_request_that_is_cancelled_while_it_is_verified_stays_cancelled() -> None:
    async def verify(_: Delivery) -> None:
        await silence()

    async def scenario() -> None:
        gate = Gate(Verifying(verify), Settings())
        task = asyncio.create_task(gate.admit(scope(), Sender().receive))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(scenario())


# --- what is left of it -------------------------------------------------------------------

REFUSED = {
    "a stranger": (401, live.head(100_000, x_vapi_secret="WRONG")),
    "too large": (413, live.head(LIMIT + 1, x_vapi_secret=SECRET)),
    "too large, in pieces": (
        413,
        live.head(None, x_vapi_secret=SECRET) + b"800\r\n" + b" " * 2048 + b"\r\n",
    ),
}


@pytest.mark.parametrize(("status", "sent"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_the_rest_of_a_refused_body_is_not_waited_for(status: int, sent: bytes, http: str) -> None:
    guarded = app(SharedSecret(SECRET))

    with live.serving(guarded, http=http) as port, live.connected(port) as peer:
        peer.sendall(sent)
        answered, headers, _ = live.answer(peer)
        assert live.is_closed(peer)

    assert (answered, headers["connection"]) == (status, "close")
    assert headers.keys() <= {"date", "server", "content-length", "content-type", "connection"}


def test_a_connection_that_was_used_well_is_used_again() -> None:
    with live.serving(app(SharedSecret(SECRET))) as port, live.connected(port) as peer:
        for _ in range(2):
            peer.sendall(live.request(json.loads(CALL), x_vapi_secret=SECRET))
            status, headers, body = live.answer(peer)

            assert (status, json.loads(body)) == (200, {"results": [GREETING]})
            assert "connection" not in headers
