"""Against real ports: what an answer means, what is asked again, and what nobody gets to read."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tests.peers import NEVER, Peer, answering, json_response, response
from vapitools import _connection
from vapitools._connection import Connection, together
from vapitools._failures import Asked, of_exception
from vapitools.errors import ApiError, SettingsError
from vapitools.testing import FakeVapi

KEY = "the-private-key"
BODY = {"name": "luigi", "server": {"secret": "s3cret-words", "headers": {"X-Door": "open-sesame"}}}
OK = json_response("200 OK", {"id": "1"})

Do = Callable[[Connection], Awaitable[Any]]


async def read(connection: Connection) -> Any:
    return await connection.request("GET", "tool/1")


async def write(connection: Connection) -> Any:
    return await connection.request("POST", "call", json=BODY)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_connection, "_BACKOFFS", (0.0, 0.0))
    for name in os.environ:
        if name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


def ask(do: Do, *answers: bytes | None, timeout: float = 5, path: str = "") -> tuple[Any, Peer]:
    """What comes of a request to a peer with these answers: a value or an `ApiError`."""

    async def main() -> tuple[Any, Peer]:
        async with answering(*answers) as peer:
            return await outcome(do, peer.url + path, timeout), peer

    ended = asyncio.run(main())
    # What was left open says so now, and a warning fails the test.
    gc.collect()
    return ended


async def outcome(do: Do, url: str, timeout: float = 5) -> Any:
    connection = Connection(KEY, url, timeout)
    try:
        return await do(connection)
    except ApiError as error:
        return error
    finally:
        await connection.aclose()


def failed(do: Do, *answers: bytes | None, timeout: float = 5) -> tuple[ApiError, int]:
    """The error that comes of it, and how often it was asked."""
    error, peer = ask(do, *answers, timeout=timeout)
    assert isinstance(error, ApiError), error
    check_clean(error)
    return error, len(peer.requests)


def check_clean(error: BaseException) -> None:
    """One line, and nothing secret in it or in what it leads to."""
    assert "\n" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = [str(error), repr(error), repr(error.args), repr(vars(error))]
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals["__name__"].startswith("vapitools"):
            # The body is the user's own, and in the user's own frames as well.
            locals_ = {k: v for k, v in frame.f_locals.items() if k not in ("json", "send")}
            shown.append(repr(locals_))
    for secret in (KEY, "s3cret-words", "open-sesame"):
        assert secret not in "\n".join(shown)


# --- answers ------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b'{"id": "1"}', b"[]", b"null", b'"text"', b"1"])
def test_the_json_of_an_answer_is_returned_whatever_its_type(body: bytes) -> None:
    assert ask(read, response("200 OK", body))[0] == json.loads(body)


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content"])
def test_an_empty_answer_is_none(status: str) -> None:
    assert ask(write, response(status))[0] is None


def test_a_write_is_sent_once_with_the_key_and_its_json() -> None:
    _, peer = ask(write, OK)

    (sent,) = peer.requests
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /call HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}".encode() in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == BODY


def test_a_body_without_fields_is_sent_as_it_is() -> None:
    _, peer = ask(lambda c: c.request("PATCH", "tool/1", json={}), OK)

    assert peer.requests[0].endswith(b"\r\n\r\n{}")


REFUSALS = {
    "400": (
        json_response("400 Bad Request", {"message": ["name must be shorter", "voice is odd"]}),
        "POST /call: 400: name must be shorter; voice is odd",
    ),
    "400 with an object": (
        json_response("400 Bad Request", {"message": [{"property": "name"}]}),
        "POST /call: 400: {'property': 'name'}",
    ),
    "401": (
        json_response("401 Unauthorized", {"message": "Invalid Key.", "statusCode": 401}),
        "POST /call: 401: Invalid Key.; set VAPI_API_KEY to the private key of your organization "
        "(dashboard: API keys)",
    ),
    "403": (
        json_response("403 Forbidden", {"error": "No."}),
        "POST /call: 403: No.; the key may not do this; look at its restrictions in the dashboard "
        "(API keys)",
    ),
    "404": (
        json_response("404 Not Found", {"message": "Couldn't find it."}),
        "POST /call: 404: Couldn't find it.; there is none; it may have been deleted, or belongs "
        "to another organization's key",
    ),
    "409": (
        json_response("409 Conflict", {"message": "In use."}),
        "POST /call: 409: In use.; it is in use; take it from what refers to it first",
    ),
    "an empty body": (response("400 Bad Request"), "POST /call: 400: Bad Request"),
    "no reason at all": (response("400"), "POST /call: 400: no reason given"),
    "JSON of another type": (json_response("400 Bad Request", 7), "POST /call: 400: Bad Request"),
    "a text": (json_response("400 Bad Request", "all\r\n\twrong"), "POST /call: 400: all wrong"),
    "colours": (
        json_response("400 Bad Request", {"message": "\x1b[31mred\u2028"}),
        "POST /call: 400: [31mred",
    ),
    "HTML": (
        response("404 Not Found", b"<html>nginx</html>", content_type="text/html"),
        "POST /call: 404: Not Found; is VAPI_BASE_URL right?",
    ),
    "a redirect": (
        response("302 Found", location="http://elsewhere.invalid/"),
        "POST /call: 302: Found; a redirect, which is not followed; is VAPI_BASE_URL right?",
    ),
}


@pytest.mark.parametrize(("answer", "text"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_one_line_and_is_not_asked_again(answer: bytes, text: str) -> None:
    error, times = failed(write, answer)

    assert (str(error), error.was_done, times) == (text, False, 1)
    assert error.request == "POST /call"
    assert error.status == int(answer[9:12])


def test_a_redirect_is_not_followed_by_a_read_either() -> None:
    async def main() -> tuple[Any, list[str], list[str]]:
        async with answering(OK) as other:
            redirect = response("307 Temporary Redirect", location=f"{other.url}/tool/1")
            async with answering(redirect) as peer:
                return await outcome(read, peer.url), peer.lines, other.lines

    error, asked, elsewhere = asyncio.run(main())

    assert error.status == 307
    assert asked == ["GET /tool/1"]
    assert elsewhere == []


def test_a_long_reason_is_cut() -> None:
    error, _ = failed(read, json_response("400 Bad Request", {"message": "long " * 1000}))

    assert len(error.reason) == 501
    assert error.reason.endswith("…")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ({"content_type": "text/html; charset=utf-8"}, "the answer is no JSON, but text/html"),
        ({}, "the answer is no JSON, but has no content type"),
    ],
)
@pytest.mark.parametrize(("do", "was_done"), [(read, False), (write, True)])
def test_a_page_in_the_place_of_json_is_no_answer(
    do: Do, was_done: bool, kind: dict[str, str], text: str
) -> None:
    error, times = failed(do, response("200 OK", b"<html>", **kind))

    assert error.reason == text
    assert error.hint == "is VAPI_BASE_URL right?"
    assert (error.status, error.was_done, times) == (200, was_done, 1)


# --- what is asked again ------------------------------------------------------------------

BROKEN = json_response("500 Internal Server Error", {"message": "Oops."})
HTML_502 = response("502 Bad Gateway", b"<html>", content_type="text/html")
BUSY = json_response("429 Too Many Requests", {"message": "Slowly."})
LATE = response("408 Request Timeout")
CLOSED = b""
CUT = OK[:-3]
NO_HTTP = b"SSH-2.0-OpenSSH_9.9\r\n"
PASSING = {
    "500": BROKEN, "502": HTML_502, "408": LATE, "closed": CLOSED, "cut": CUT, "no HTTP": NO_HTTP,
}  # fmt: skip


@pytest.mark.parametrize("answer", [*PASSING.values(), BUSY], ids=[*PASSING, "429"])
def test_a_read_that_fails_for_the_moment_is_repeated(answer: bytes) -> None:
    found, peer = ask(read, answer, answer, OK)

    assert found == {"id": "1"}
    assert peer.lines == ["GET /tool/1"] * 3


@pytest.mark.parametrize("answer", [*PASSING.values(), BUSY], ids=[*PASSING, "429"])
def test_a_read_that_goes_on_failing_fails(answer: bytes) -> None:
    error, times = failed(read, answer)

    assert (times, error.was_done) == (3, False)


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_a_write_that_may_have_been_done_is_never_repeated(answer: bytes) -> None:
    error, times = failed(write, answer)

    assert (times, error.was_done) == (1, True)


def test_a_write_is_repeated_when_vapi_has_not_looked_at_it() -> None:
    found, peer = ask(write, BUSY, BUSY, OK)

    assert found == {"id": "1"}
    assert len(set(peer.requests)) == 1
    assert len(peer.requests) == 3


def test_a_write_that_is_always_too_much_fails_and_was_not_done() -> None:
    error, times = failed(write, BUSY)

    assert (times, error.status, error.was_done) == (3, 429, False)
    assert str(error) == (
        "POST /call: 429: Slowly.; too many requests for now; wait a minute, then run it again"
    )


def test_a_page_that_says_too_much_has_the_same_hint() -> None:
    error, _ = failed(write, response("429 Too Many Requests", b"<html>"))

    assert error.hint == "too many requests for now; wait a minute, then run it again"


@pytest.mark.parametrize(
    ("do", "hint"),
    [
        (read, "Vapi has a problem; run it again in a while"),
        (
            write,
            "Vapi has a problem; run it again in a while, but look first whether it was done",
        ),
    ],
)
def test_the_hint_of_a_problem_at_vapi_warns_whoever_wrote(do: Do, hint: str) -> None:
    error, _ = failed(do, BROKEN)

    assert (error.status, error.reason, error.hint) == (500, "Oops.", hint)


@pytest.mark.parametrize("do", [read, write])
def test_a_server_that_never_answers_is_waited_for_once(do: Do) -> None:
    error, times = failed(do, NEVER, timeout=0.2)

    assert error.reason == "no answer from 127.0.0.1 within 0.2 s"
    assert (times, error.status, error.was_done) == (1, None, do is write)


def test_a_connection_that_is_closed_is_named() -> None:
    error, _ = failed(write, CLOSED)

    assert str(error) == (
        "POST /call: 127.0.0.1 closed the connection before it had answered; it may have been "
        "done all the same; look before you ask again"
    )


SOON = format_datetime(datetime.now(timezone.utc) - timedelta(days=1), usegmt=True)


@pytest.mark.parametrize("text", ["0", "0.01", " 0 ", SOON])
def test_the_wait_is_what_the_server_asks_for(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(_connection, "_BACKOFFS", (60.0,))

    found, _ = ask(write, json_response("429 Too Many Requests", {}, retry_after=text), OK)

    assert found == {"id": "1"}


LATER = format_datetime(datetime.now(timezone.utc) + timedelta(days=1), usegmt=True)


@pytest.mark.parametrize("text", ["3600", "1e999", "9" * 400, LATER])
@pytest.mark.parametrize("do", [read, write])
def test_nobody_waits_for_hours(do: Do, text: str) -> None:
    _, times = failed(do, json_response("429 Too Many Requests", {}, retry_after=text))

    assert times == 1


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "nan", "1 2", "²", "Mon, 99 Foo 2020", "Mon, 01 Jan 0001"]
)
def test_a_wait_that_cannot_be_read_is_our_own(text: str) -> None:
    _, times = failed(write, json_response("429 Too Many Requests", {}, retry_after=text))

    assert times == 3


def test_the_wait_is_as_long_as_asked_for() -> None:
    begun = time.monotonic()

    ask(write, json_response("429 Too Many Requests", {}, retry_after="0.3"), OK)

    assert time.monotonic() - begun >= 0.3


# --- out of reach -------------------------------------------------------------------------

HINT = "; look at the network, at VAPI_BASE_URL and at the proxy variables"


def unreached(url: str, do: Do = write) -> ApiError:
    error = asyncio.run(outcome(do, url))
    assert isinstance(error, ApiError), error
    check_clean(error)
    assert (error.status, error.was_done) == (None, False)
    assert str(error).endswith(HINT)
    return error


@pytest.fixture
def refused_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
    return port


@pytest.mark.parametrize("do", [read, write])
def test_a_port_that_refuses_is_out_of_reach(refused_port: int, do: Do) -> None:
    error = unreached(f"http://127.0.0.1:{refused_port}", do)

    assert error.reason == "127.0.0.1 is out of reach (All connection attempts failed)"


def test_a_write_that_was_refused_a_connection_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> tuple[Any, Peer]:
        async with answering(OK, listens=False) as peer:

            def opening() -> Iterator[float]:
                starting = asyncio.ensure_future(peer.listen())
                yield 0.05
                assert starting.done()

            monkeypatch.setattr(_connection, "_BACKOFFS", opening())
            return await outcome(write, peer.url), peer

    found, peer = asyncio.run(main())

    assert found == {"id": "1"}
    assert peer.lines == ["POST /call"]


@pytest.mark.parametrize(
    "host",
    [
        "nonexistent.invalid",
        "a" * 70 + ".invalid",
        "a..b",
        "exämple.invalid",
        "-a.invalid",
        "☃.invalid",
    ],
)
def test_a_name_that_nobody_has_is_out_of_reach(host: str) -> None:
    error = unreached(f"http://{host}")

    assert error.reason.startswith(f"{host} is out of reach (")


def test_a_server_without_tls_is_out_of_reach_for_https() -> None:
    vapi = FakeVapi()

    with vapi.serve() as url:
        error = unreached(url.replace("http:", "https:"))

    assert error.reason.startswith("127.0.0.1 is out of reach ([SSL")
    assert vapi.requests == []


def test_a_server_that_never_takes_up_tls_is_out_of_reach() -> None:
    async def main() -> Any:
        async with answering(NEVER) as peer:
            return await outcome(write, peer.url.replace("http:", "https:"), timeout=0.2)

    error = asyncio.run(main())

    assert error.reason == "127.0.0.1 is out of reach (no answer)"
    assert not error.was_done


def test_what_never_got_a_connection_of_so_many_was_not_done() -> None:
    asked = Asked("POST /call", "api.vapi.ai", 30, is_write=True, secrets=())

    error = of_exception(asked, httpx.PoolTimeout("")).error

    assert error is not None
    assert error.reason == "api.vapi.ai is out of reach (no answer)"
    assert not error.was_done


def test_tls_that_breaks_in_the_middle_of_an_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate, context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        # Past the encryption: a record that nobody can decrypt.
        os.write(writer.get_extra_info("socket").fileno(), b"\x17\x03\x03\x00\x20" + b"x" * 32)
        try:
            with suppress(OSError):
                await reader.read()
        finally:
            writer.transport.abort()

    async def main() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            return await outcome(write, url)

    error = asyncio.run(main())

    check_clean(error)
    assert error.reason == "the connection to 127.0.0.1 failed (SSLError)"
    assert error.was_done


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1's own, and a server's side that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "here")])
    now = datetime.now(timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(Encoding.PEM))
    both = folder / "both.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(pem.read_bytes() + secret)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    return pem, context


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": object()}, {"a": {1, 2}}, {"a": b""}])
def test_a_body_that_is_no_json_is_never_sent(body: dict[str, Any]) -> None:
    error, times = failed(lambda c: c.request("POST", "call", json=body), OK)

    assert error.reason.startswith("what is to be sent is no JSON (")
    assert (times, error.was_done) == (0, False)


def test_half_a_character_can_be_sent() -> None:
    _, peer = ask(lambda c: c.request("POST", "call", json={"name": "\ud83d"}), OK)

    assert peer.requests[0].endswith(b'{"name": "\\ud83d"}')


# --- the environment ----------------------------------------------------------------------

PROXIES = {
    "HTTPS_PROXY": "garbage://user:pass-word@proxy",
    "HTTP_PROXY": "http://user:pass-word/1@proxy",  # what is invalid is the port "pass-word"
    "ALL_PROXY": "http://[::1",
    "SSL_CERT_FILE": "/pass-word/missing.pem",
}


@pytest.mark.parametrize("name", PROXIES)
def test_an_environment_that_cannot_be_followed_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, PROXIES[name])

    with pytest.raises(SettingsError, match=f"no connection can be made .*{name}") as raised:
        asyncio.run(outcome(read, "http://127.0.0.1:9"))

    check_clean(raised.value)
    assert "pass-word" not in str(raised.value)


def test_a_proxy_that_needs_another_library_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy:1080")
    monkeypatch.setitem(sys.modules, "socksio", None)

    with pytest.raises(SettingsError, match="socksio"):
        asyncio.run(outcome(read, "http://127.0.0.1:9"))


def test_a_proxy_that_refuses_the_way_keeps_the_request_from_vapi(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> tuple[Any, Peer]:
        async with answering(response("407 Proxy Authentication Required")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:pass-word@"))
            return await outcome(write, "https://nonexistent.invalid"), proxy

    error, proxy = asyncio.run(main())

    check_clean(error)
    assert "407" in error.reason
    assert "pass-word" not in str(error)
    assert not error.was_done
    assert proxy.lines == ["CONNECT nonexistent.invalid:443"]
    assert KEY.encode() not in proxy.requests[0]


# --- key and address ----------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "  ", "\n"])
def test_no_key_is_said_before_anything_is_asked(key: str | None) -> None:
    with pytest.raises(SettingsError, match=r"VAPI_API_KEY is not set; .*dashboard"):
        Connection(key, "http://127.0.0.1:9", 5)


@pytest.mark.parametrize(
    "key", ["two words", "two\nlines", "schlüssel", "a\x00b", "a\u200bb", "“a”"]
)
def test_a_key_that_no_header_can_hold_is_refused_unseen(key: str) -> None:
    with pytest.raises(SettingsError, match="VAPI_API_KEY holds") as raised:
        Connection(key, "http://127.0.0.1:9", 5)

    assert key not in str(raised.value)


def test_blanks_around_the_key_are_left_out() -> None:
    assert Connection(f" {KEY}\r\n", "http://127.0.0.1:9", 5).api_key == KEY


@pytest.mark.parametrize(
    "url",
    [
        "", "api.vapi.ai", "//api.vapi.ai", "ftp://api.vapi.ai", "http://", "http://:80",
        "http://a:port", "http://a:0", "http://a:99999", "http://[::1", "http://a b", "http://a\n",
        "http://user@a", "http://user:pass-word@a", "http://a\\@b", "http://a/?b=c", "http://a/#b",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_unseen(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Connection(KEY, url, 5)

    assert str(raised.value) == "VAPI_BASE_URL must be a URL, such as https://api.vapi.ai"


@given(st.text())
def test_any_address_is_taken_or_refused(url: str) -> None:
    with suppress(SettingsError):
        Connection(KEY, url, 5)


@pytest.mark.parametrize("path", ["", "/", "//"])
def test_a_slash_at_the_end_of_the_address_changes_nothing(path: str) -> None:
    assert ask(read, OK, path=path)[1].lines == ["GET /tool/1"]


def test_the_path_of_an_address_stays() -> None:
    assert ask(read, OK, path="/vapi/v1/")[1].lines == ["GET /vapi/v1/tool/1"]


# --- secrecy ------------------------------------------------------------------------------


@pytest.mark.parametrize("do", [read, write])
@pytest.mark.parametrize("answer", [OK, BROKEN, CLOSED, CUT, BUSY], ids=range(5))
def test_no_log_holds_the_key_or_the_body(
    caplog: pytest.LogCaptureFixture, do: Do, answer: bytes
) -> None:
    caplog.set_level(logging.DEBUG)

    ask(do, answer)

    log = "\n".join(
        f"{record.getMessage()} {record.args} {vars(record)}" for record in caplog.records
    )
    assert "127.0.0.1" in log  # there is something to look at
    for secret in (KEY, "s3cret-words", "open-sesame", "luigi"):
        assert secret not in log


def test_what_the_server_repeats_of_a_secret_is_masked() -> None:
    message = f"server.secret s3cret-words is short; X-Door: open-sesame; Bearer {KEY}"

    error, _ = failed(write, json_response("400 Bad Request", {"message": message}))

    assert error.reason == "server.secret ••• is short; X-Door: •••; Bearer •••"


def test_a_secret_is_masked_before_the_reason_is_cut() -> None:
    message = "x" * 495 + "s3cret-words"

    error, _ = failed(write, json_response("400 Bad Request", {"message": message}))

    assert "s3cre" not in error.reason


def test_a_connection_shows_its_host_alone() -> None:
    assert repr(Connection(KEY, "https://a.example/b", 5)) == "<Connection to a.example>"


# --- its life -----------------------------------------------------------------------------


def test_requests_share_one_connection_that_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    open_ = Connection._open

    def noted(self: Connection) -> Any:
        opened.append(self)
        return open_(self)

    monkeypatch.setattr(Connection, "_open", noted)

    async def both(connection: Connection) -> Any:
        return await asyncio.gather(read(connection), write(connection))

    found, peer = ask(both, OK)

    assert found == [{"id": "1"}] * 2
    assert len(opened) == 1
    assert sorted(peer.lines) == ["GET /tool/1", "POST /call"]


def test_a_closed_connection_is_opened_again_by_the_next_request() -> None:
    async def twice(connection: Connection) -> Any:
        await read(connection)
        await connection.aclose()
        await connection.aclose()
        return await read(connection)

    assert ask(twice, OK)[0] == {"id": "1"}


@pytest.mark.parametrize(
    "answer", [NEVER, json_response("429 Too Many Requests", {}, retry_after="50")]
)
def test_whoever_is_cancelled_leaves_nothing_behind(answer: bytes | None) -> None:
    async def main() -> list[str]:
        async with answering(answer) as peer:
            connection = Connection(KEY, peer.url, 60)
            asked = asyncio.ensure_future(write(connection))
            while not peer.requests:
                await asyncio.sleep(0.01)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            await connection.aclose()
            assert asked.cancelled()
            await asyncio.sleep(0.05)
            return peer.lines

    assert asyncio.run(main()) == ["POST /call"]
    gc.collect()


def test_whoever_is_cancelled_while_it_opens_leaves_nothing_behind() -> None:
    async def main() -> Any:
        async with answering(OK) as peer:
            connection = Connection(KEY, peer.url, 5)
            asked = asyncio.ensure_future(read(connection))
            await asyncio.sleep(0)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            assert peer.requests == []
            try:
                return await read(connection)
            finally:
                await connection.aclose()

    assert asyncio.run(main()) == {"id": "1"}
    gc.collect()


# --- the SDK ------------------------------------------------------------------------------

ASK = """
import asyncio, sys
from vapitools.client import VapiClient
async def main():
    async with VapiClient("key", base_url=sys.argv[1], timeout=5) as client:
        await client.tools.list()
        made = await client.assistants.create({"name": "luigi"})
        await client.assistants.update(made["id"], {"name": "mario"})
try:
    asyncio.run(main())
except Exception as error:
    print(type(error).__name__, error, sep=": ")
    raise SystemExit(1)
print(*sys.modules)
"""


def run(folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script in the folder of its bot, whose own modules come first."""
    (folder / "bot.py").write_text(script)
    return subprocess.run(
        [sys.executable, "bot.py", *words], cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("name", ["vapi.py", "vapi/__init__.py"])
def test_an_own_module_that_hides_the_sdk_is_named_and_never_run(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("open('was-run', 'w')")

    ran = run(tmp_path, ASK, "http://127.0.0.1:9")

    hiding = os.path.join(os.path.realpath(tmp_path), *name.split("/"))
    assert ran.stdout.strip() == (
        f"SettingsError: {hiding} hides Vapi's SDK, whose name is vapi too; rename it"
    )
    assert not (tmp_path / "was-run").exists()


def test_an_own_module_that_is_loaded_already_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "vapi.py").write_text("")

    ran = run(tmp_path, f"import vapi{ASK}", "http://127.0.0.1:9")

    assert "vapi.py hides Vapi's SDK" in ran.stdout


def test_a_mere_folder_of_that_name_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "vapi").mkdir()
    (tmp_path / "vapi" / "tools.py").write_text("")

    ran = run(tmp_path, ASK, "http://nonexistent.invalid")

    assert ran.stdout.startswith("ApiError: GET /tool: nonexistent.invalid is out of reach")


def test_a_sdk_that_is_not_there_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "meta_path", sys.meta_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "vapi"]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(SettingsError, match=r"not installed; install 'vapi-server-sdk>=1.9,<4'"):
        _connection.import_sdk("vapi")
    (tmp_path / "vapi").mkdir()
    with pytest.raises(SettingsError, match="not installed"):
        _connection.import_sdk("vapi")


def test_a_module_that_was_put_together_by_hand_is_not_the_sdk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "vapi"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "vapi", ModuleType("vapi"))

    with pytest.raises(SettingsError, match="Vapi's SDK cannot be loaded"):
        _connection.import_sdk("vapi.core.client_wrapper")


def test_a_sdk_that_lacks_a_part_is_asked_for_again() -> None:
    with pytest.raises(
        SettingsError, match=r"cannot be loaded \(No module .*\); install"
    ) as raised:
        _connection.import_sdk("vapi.core.no_such_module")

    check_clean(raised.value)


def test_when_one_of_several_requests_fails_the_others_have_ended_before_it_is_told() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("slow")

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ApiError("GET /tool", "refused")

    async def ask() -> None:
        with pytest.raises(ApiError):
            await together(slow(), failing())
        assert ended == ["slow"]

    asyncio.run(ask())
