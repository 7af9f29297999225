"""Commands to live calls, over real connections to a server on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import json
import logging
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given, strategies

from tests.conftest import shared
from tests.wire import entry, post, tool_calls
from vapitools import (
    AssistantDestination,
    CallContext,
    CallControlError,
    NumberDestination,
    Settings,
    SipDestination,
    messages,
    router,
    tool,
)
from vapitools.control import HttpControl
from vapitools.errors import SettingsError

Handler = BaseHTTPRequestHandler
Reply = Callable[[Handler], None]

SAY = {"type": "say", "content": "private words", "endCallAfterSpoken": False}
PRIVATE = ("private", "s3cret-call", "127.0.0.1")


class FarEnd:
    """The server at a call's control URL. Notes what comes, and replies as it is told."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.commands: list[Any] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.connections: list[int] = []
        self.is_over = threading.Event()
        self.is_left = threading.Event()
        self.reply: Reply = replying(200)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme, host = ("http", "127.0.0.1") if tls is None else ("https", "localhost")
        self.origin = f"{scheme}://{host}:{self._server.server_port}"
        self.url = f"{self.origin}/s3cret-call/control"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(self) -> type[Handler]:
        far = self

        class Connection(Handler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:  # noqa: N802 - the name that the base class calls
                body = self.rfile.read(int(self.headers["content-length"]))
                far.commands.append(json.loads(body))
                headers = {name.lower(): value for name, value in self.headers.items()}
                far.requests.append((self.command, self.path, headers))
                far.connections.append(self.client_address[1])
                with contextlib.suppress(OSError):
                    far.reply(self)

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()
                far.is_left.set()

            def log_message(self, format: str, *args: Any) -> None: ...

        return Connection

    def close(self) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()


def replying(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    def reply(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@pytest.fixture
def far() -> Iterator[FarEnd]:
    with contextlib.closing(FarEnd()) as far:
        yield far


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine has set must not lead the commands elsewhere."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def control(far: FarEnd, **options: Any) -> HttpControl:
    return HttpControl([far.origin], **options)


def failure(far: FarEnd, **options: Any) -> CallControlError:
    """How sending a command fails."""
    with pytest.raises(CallControlError) as raised:
        asyncio.run(control(far, **options).send(far.url, SAY))
    return raised.value


# --- what is sent -----------------------------------------------------------------------------

COMMANDS: dict[str, tuple[Callable[[CallContext], Awaitable[None]], dict[str, Any]]] = {
    "say": (
        lambda call: call.say("One moment."),
        {"type": "say", "content": "One moment.", "endCallAfterSpoken": False},
    ),
    "say and hang up": (
        lambda call: call.say("Até já! 👋", end_call=True),
        {"type": "say", "content": "Até já! 👋", "endCallAfterSpoken": True},
    ),
    "add a hint": (
        lambda call: call.add_message("The caller is a guest of honour."),
        {
            "type": "add-message",
            "message": {"role": "system", "content": "The caller is a guest of honour."},
            "triggerResponseEnabled": True,
        },
    ),
    "add silently": (
        lambda call: call.add_message("Hello?", role="user", trigger_response=False),
        {
            "type": "add-message",
            "message": {"role": "user", "content": "Hello?"},
            "triggerResponseEnabled": False,
        },
    ),
    "end": (lambda call: call.end(), {"type": "end-call"}),
    "mute": (lambda call: call.mute(), {"type": "control", "control": "mute-assistant"}),
    "unmute": (lambda call: call.unmute(), {"type": "control", "control": "unmute-assistant"}),
    "transfer to text": (
        lambda call: call.transfer("+15550100020"),
        {"type": "transfer", "destination": {"type": "number", "number": "+15550100020"}},
    ),
    "transfer to a number": (
        lambda call: call.transfer(
            NumberDestination("+15550100020", extension="7"), content="One moment."
        ),
        {
            "type": "transfer",
            "destination": {"type": "number", "number": "+15550100020", "extension": "7"},
            "content": "One moment.",
        },
    ),
    "transfer to SIP": (
        lambda call: call.transfer(SipDestination("sip:desk@example.com")),
        {"type": "transfer", "destination": {"type": "sip", "sipUri": "sip:desk@example.com"}},
    ),
    "hand off by name": (
        lambda call: call.handoff(AssistantDestination("Billing"), content="Now to billing."),
        {
            "type": "handoff",
            "destination": {"type": "assistant", "assistantName": "Billing"},
            "content": "Now to billing.",
        },
    ),
    "hand off to a squad": (
        lambda call: call.handoff({"type": "squad", "squadId": "sq-1"}),
        {"type": "handoff", "destination": {"type": "squad", "squadId": "sq-1"}},
    ),
}


def live_call(far: FarEnd) -> CallContext:
    message = {"type": "tool-calls", "call": {"id": "c-1", "monitor": {"controlUrl": far.url}}}
    body = json.dumps({"message": message}).encode()
    return CallContext(messages.parse(body), control=control(far))


@pytest.mark.parametrize(("do", "command"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_arrives_as_vapi_takes_it(
    far: FarEnd, do: Callable[[CallContext], Any], command: dict[str, Any]
) -> None:
    asyncio.run(do(live_call(far)))

    assert far.commands == [command]
    ((method, path, headers),) = far.requests
    assert (method, path) == ("POST", "/s3cret-call/control")
    assert headers["content-type"] == "application/json"
    assert {"authorization", "cookie"}.isdisjoint(headers)


# The API's description has no word for a handoff.
DESCRIBED = {
    "say": "ClientInboundMessageSay",
    "add-message": "ClientInboundMessageAddMessage",
    "control": "ClientInboundMessageControl",
    "end-call": "ClientInboundMessageEndCall",
    "transfer": "ClientInboundMessageTransfer",
}


@pytest.mark.parametrize("command", [command for _, command in COMMANDS.values()], ids=COMMANDS)
def test_a_command_is_one_that_the_api_describes(command: dict[str, Any]) -> None:
    api = json.loads(shared("openapi.json").read_text("utf-8"))
    if command["type"] == "handoff":
        name, value = "HandoffDestinationAssistant", command["destination"]
        name = name.replace("Assistant", "Squad") if value["type"] == "squad" else name
    else:
        name, value = DESCRIBED[command["type"]], command

    assert value.keys() <= api["components"]["schemas"][name]["properties"].keys()
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", **api})


def test_half_an_emoji_is_sent_all_the_same(far: FarEnd) -> None:
    asyncio.run(live_call(far).say("Wave \ud83d"))

    assert far.commands[0]["content"] == "Wave \ud83d"


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}], ids=["object", "nan", "set"])
def test_what_json_has_no_word_for_is_not_sent(far: FarEnd, value: Any) -> None:
    command = {"type": "transfer", "destination": {"private": value}}

    with pytest.raises(CallControlError, match=r"^transfer: it holds a value that JSON has no"):
        asyncio.run(control(far).send(far.url, command))

    assert far.commands == []


# --- what comes back --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_status_of_success_is_one(far: FarEnd, status: int) -> None:
    far.reply = replying(status, b"" if status == 204 else b"<html>private</html>")

    asyncio.run(control(far).send(far.url, SAY))

    assert far.commands == [SAY]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "say: the call has ended (status 404)"),
        (410, "say: the call has ended (status 410)"),
        (401, "say: the call wants a key; switch off monitorPlan.controlAuthenticationEnabled"),
        (403, "say: the call wants a key; switch off monitorPlan.controlAuthenticationEnabled"),
        (400, "say: the command was not taken (status 400)"),
        (429, "say: the command was not taken (status 429)"),
        (500, "say: the command was not taken (status 500)"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(far: FarEnd, status: int, text: str) -> None:
    far.reply = replying(status, b"<html>private</html>", content_type="text/html")

    error = failure(far)

    assert str(error).startswith(text)
    assert error.status == status
    assert far.commands == [SAY]  # once: nobody wants to hear it twice


def test_a_refusal_names_the_command(far: FarEnd) -> None:
    far.reply = replying(404)

    with pytest.raises(CallControlError, match=r"^mute-assistant: the call has ended"):
        asyncio.run(live_call(far).mute())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(far: FarEnd, status: int) -> None:
    with contextlib.closing(FarEnd()) as elsewhere:
        far.reply = replying(status, location=elsewhere.url)

        error = failure(far)

        assert elsewhere.commands == []
    assert str(error) == f"say: a redirect, which is not followed (status {status})"


def test_a_command_without_an_answer_is_given_up(far: FarEnd) -> None:
    def silent(handler: Handler) -> None:
        far.is_over.wait(20)

    far.reply = silent

    error = failure(far, timeout=0.1)

    assert "say: no answer within 0.1 s" in str(error)
    assert error.status is None


def test_an_answer_that_trickles_is_given_up(far: FarEnd) -> None:
    def trickle(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
        while not far.is_over.wait(0.02):
            handler.wfile.write(b".")

    far.reply = trickle

    assert "no answer within 0.2 s" in str(failure(far, timeout=0.2))


def test_an_answer_without_an_end_is_left_early(far: FarEnd) -> None:
    sent = 0

    def endless(handler: Handler) -> None:
        nonlocal sent
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\n")
        while not far.is_over.is_set():
            sent += handler.wfile.write(b"." * 65536)

    far.reply = endless

    asyncio.run(control(far).send(far.url, SAY))

    assert far.is_left.wait(10)
    assert sent < 50_000_000  # what the buffers of the system take


def test_an_answer_that_is_no_http_is_told(far: FarEnd) -> None:
    far.reply = lambda handler: void(handler.wfile.write(b"private nonsense\r\n\r\n"))

    assert str(failure(far)).startswith("say: the call is out of reach (RemoteProtocolError)")


def void(_: object) -> None: ...


def test_a_refused_connection_is_told(far: FarEnd) -> None:
    far.close()

    assert str(failure(far)).startswith("say: the call is out of reach (ConnectError)")


def test_a_packed_answer_is_not_unpacked(far: FarEnd) -> None:
    far.reply = replying(200, b"no gzip at all", content_encoding="gzip")

    asyncio.run(control(far).send(far.url, SAY))

    assert far.commands == [SAY]


# --- where to ---------------------------------------------------------------------------------


def allows(url: str, *allowed: str) -> bool:
    return HttpControl(allowed or ("https://*.vapi.ai",))._allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://phone-call-websocket.aws-us-west-2-backend-production3.vapi.ai/0001/control",
        "https://a.vapi.ai",
        "https://a.vapi.ai/",
        "https://a.vapi.ai:443/x?y=z&w=%20@:",
        "HTTPS://A.VAPI.AI/X",
    ],
)
def test_vapis_own_addresses_are_allowed(url: str) -> None:
    assert allows(url)


ATTACKS = [
    "",
    "https://",
    "https:///a.vapi.ai",
    "https:a.vapi.ai",
    "//a.vapi.ai/x",
    "a.vapi.ai",
    "http://a.vapi.ai/x",
    "ftp://a.vapi.ai/x",
    "file:///etc/passwd",
    "https://vapi.ai/x",
    "https://xvapi.ai/x",
    "https://.vapi.ai/x",
    "https://a..vapi.ai/x",
    "https://a.vapi.ai./x",
    "https://a_b.vapi.ai/x",
    "https://*.vapi.ai/x",
    "https://a.vapi.ai.evil.example/x",
    "https://a.vapi.ai@evil.example/x",
    "https://evil.example@a.vapi.ai/x",
    "https://a.vapi.ai:443@evil.example/x",
    "https://a.vapi.ai:@evil.example/x",
    "https://evil.example\\@a.vapi.ai/x",
    "https://a.vapi.ai\\@evil.example/x",
    "https://evil.example\\.vapi.ai/x",
    "https://evil.example#.vapi.ai/x",
    "https://evil.example?.vapi.ai/x",
    "https://evil.example/.vapi.ai/x",
    "https://evil.example%2f.vapi.ai/x",
    "https://evil.example%00.vapi.ai/x",
    "https://a.vapi.ai%2eevil.example/x",
    "https://evil.example,.vapi.ai/x",
    "https://a.vapi.ai#x",
    "https://a.vapi.ai:80/x",
    "https://a.vapi.ai:8443/x",
    "https://a.vapi.ai:99999/x",
    "https://a.vapi.ai:x/x",
    "https://127.0.0.1/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://localhost/x",
    "https://169.254.169.254/latest",
    "https://ａ.vapi.ai/x",
    "https://a。vapi.ai/x",
    "https://a.vapⅰ.ai/x",
    "https://ß.vapi.ai/x",
    "https://a.\N{KELVIN SIGN}.vapi.ai/x",
    "http\N{LATIN SMALL LETTER LONG S}://a.vapi.ai/x",
    "https://xn--zca.vapi.ai/x",
    "https://xn--a.vapi.ai/x",
    "https://xn--.vapi.ai/x",
    " https://a.vapi.ai/x",
    "https://a.vapi.ai/x ",
    "https://a.vapi.ai/x\n",
    "https://a.vapi.ai/x\r\nhost: evil.example",
    "https://a.vapi.ai\t/x",
    "https://a.vapi.ai/\x00",
    "https://a.vapi.ai/\u2028",
    "https://a.vapi.ai/\ud83d",
    "https://a.vapi.ai/" + "x" * 3000,
    "https://" + "a" * 70_000 + ".vapi.ai/x",
]


@pytest.mark.parametrize("url", ATTACKS, ids=lambda url: ascii(url)[:50])
def test_nothing_is_sent_to_an_address_of_somebody_else(url: str) -> None:
    with pytest.raises(CallControlError, match=r"is not an allowed one \(https://\*\.vapi\.ai\)"):
        asyncio.run(HttpControl().send(url, SAY))


PIECES = [
    *"/\\@:?#.[]% \n\t\x00&;,-_*~",
    *("https://", "http://", "HTTPS://", "//", "https:", "vapi.ai", ".vapi.ai", "a.vapi.ai"),
    *("A.VAPI.AI", "evil.example", "xn--", "xn--zca", "127.0.0.1", "::1", "443", ":443", ":80"),
    *("%2e", "%40", "%5c", "%00", "。", "ａ", "ⓥapi.ai", "ß", "\u212a", "\u017f", "\u200d", "é"),
]
urls = strategies.lists(strategies.sampled_from(PIECES), max_size=9).map("".join)


@given(urls | urls.map("https://".__add__) | urls.map("https://a.vapi.ai".__add__))
@example("https://a.vapi.ai/x")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_allowed_has_one_host_for_every_parser(url: str) -> None:
    if not allows(url):
        return

    theirs, ours = urlsplit(url), httpx.URL(url)
    assert theirs.hostname == ours.host == ours.raw_host.decode()
    assert re.fullmatch(r"([a-z0-9-]+\.)+vapi\.ai", ours.host)
    assert (theirs.scheme, theirs.username, theirs.password) == ("https", None, None)
    assert (ours.scheme, ours.userinfo) == ("https", b"")
    assert theirs.port in (None, 443)


@pytest.mark.parametrize(
    ("pattern", "url", "allowed"),
    [
        ("https://*.example.com", "https://a.b.example.com/x", True),
        ("https://*.example.com", "https://example.com/x", False),
        ("https://example.com", "https://example.com/x", True),
        ("https://example.com", "https://a.example.com/x", False),
        ("https://example.com", "https://examplescom/x", False),
        ("HTTPS://EXAMPLE.com/", "https://example.com/x", True),
        ("https://example.com:443", "https://example.com/x", True),
        ("https://example.com:8443", "https://example.com:8443/x", True),
        ("https://example.com:8443", "https://example.com/x", False),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/x", True),
        ("http://127.0.0.1:9000", "https://127.0.0.1:9000/x", False),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9001/x", False),
        ("http://127.0.0.1:9000", "http://127.0.0.1/x", False),
        ("http://localhost", "http://localhost:80/x", True),
    ],
)
def test_a_pattern_allows_one_scheme_host_and_port(pattern: str, url: str, allowed: bool) -> None:
    assert allows(url, pattern) is allowed


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "*", "vapi.ai", "https://", "https://*", "https://*vapi.ai", "https://a.*.ai"),
        *("https://a.vapi.ai/x", "https://u@a.vapi.ai", "ftp://a.vapi.ai", "https://a.vapi.ai\n"),
    ],
)
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(SettingsError, match=r"control_urls: .* is no address; write 'https://\*"):
        HttpControl([pattern])


def test_several_patterns_are_several_chances() -> None:
    allowed = ("https://*.vapi.ai", "http://127.0.0.1:9000")

    assert allows("https://a.vapi.ai/x", *allowed)
    assert allows("http://127.0.0.1:9000/x", *allowed)
    assert not allows("https://evil.example/x", *allowed)


def test_a_call_without_an_address_says_what_to_look_at() -> None:
    with pytest.raises(CallControlError, match=r"^say: .*it is a chat, or monitorPlan\.control"):
        asyncio.run(HttpControl().send(None, SAY))


# --- nothing private leaks --------------------------------------------------------------------


def outcomes(far: FarEnd) -> Iterator[CallControlError]:
    """Each way in which a command can fail."""
    for status in (302, 404, 500):
        far.reply = replying(status, b"private", location=far.url, private="private")
        yield failure(far)
    far.reply = lambda handler: void(handler.wfile.write(b"private nonsense\r\n\r\n"))
    yield failure(far)
    far.reply = lambda handler: void(far.is_over.wait(20))
    yield failure(far, timeout=0.05)
    with pytest.raises(CallControlError) as raised:
        asyncio.run(HttpControl().send(far.url, SAY))
    yield raised.value
    far.close()
    yield failure(far)


def test_a_failure_tells_nothing_private(far: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    errors = list(outcomes(far))

    assert len({str(error) for error in errors}) == 7
    for error in errors:
        lines = traceback.format_exception_only(type(error), error)
        assert error.__suppress_context__ or error.__context__ is None
        for word in PRIVATE:
            assert word not in f"{error!r}{error}{error.__dict__}{''.join(lines)}"


def test_the_address_is_in_no_log(far: FarEnd, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore", "httpcore.connection", "httpcore.http11"):
        caplog.set_level(logging.DEBUG, name)
    sender = control(far)

    asyncio.run(sender.send(far.url, SAY))
    list(outcomes(far))

    text = caplog.text + repr([record.__dict__ for record in caplog.records]) + repr(vars(sender))
    assert far.commands
    assert "s3cret-call" not in text
    assert "private" not in text
    assert "connect_tcp" not in text


def test_the_requests_of_others_are_still_logged(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "httpx")

    async def both() -> None:
        await control(far).send(far.url, SAY)
        async with httpx.AsyncClient() as client:
            await client.post(f"{far.origin}/of-somebody-else", json={})

    asyncio.run(both())

    assert "/of-somebody-else" in caplog.text
    assert "s3cret-call" not in caplog.text


def test_cookies_are_not_kept(far: FarEnd) -> None:
    far.reply = replying(200, set_cookie="caller=ada; Path=/")
    sender = control(far)

    async def twice() -> None:
        await sender.send(far.url, SAY)
        await sender.send(far.url, SAY)

    asyncio.run(twice())

    assert len(far.requests) == 2
    assert all("cookie" not in headers for _, _, headers in far.requests)


# --- connections ------------------------------------------------------------------------------


def test_one_connection_serves_several_commands(far: FarEnd) -> None:
    sender = control(far)

    async def thrice() -> None:
        for _ in range(3):
            await sender.send(far.url, SAY)

    asyncio.run(thrice())

    assert len(far.connections) == 3
    assert len(set(far.connections)) == 1


def test_commands_of_several_tools_go_side_by_side(far: FarEnd) -> None:
    sender = control(far)
    together = threading.Barrier(8)

    def reply(handler: Handler) -> None:
        together.wait(10)
        replying(200)(handler)

    far.reply = reply

    async def all_at_once() -> int:
        await asyncio.gather(*(sender.send(far.url, SAY) for _ in range(8)))
        return len(sender._clients)

    assert asyncio.run(all_at_once()) == 1
    assert len(far.commands) == 8


def test_one_control_serves_several_event_loops(far: FarEnd) -> None:
    sender = control(far)

    for _ in range(3):
        asyncio.run(sender.send(far.url, SAY))

    assert len(far.commands) == 3
    assert len(sender._clients) == 1  # of the loops that are gone nothing is left but the last


def test_the_end_of_the_event_loop_closes_what_is_open(far: FarEnd) -> None:
    asyncio.run(control(far).send(far.url, SAY))

    assert far.is_left.wait(10)


def test_what_is_closed_opens_again_for_a_later_command(far: FarEnd) -> None:
    sender = control(far)

    async def close_and_go_on() -> None:
        await sender.aclose()
        await sender.send(far.url, SAY)
        (client,) = sender._clients.values()
        await sender.aclose()
        assert client.http.is_closed
        assert await asyncio.to_thread(far.is_left.wait, 10)
        await sender.send(far.url, SAY)

    asyncio.run(close_and_go_on())

    assert len(set(far.connections)) == 2


def test_a_cancelled_command_leaves_the_next_one_alone(far: FarEnd) -> None:
    sender = control(far)

    async def cancel_and_go_on() -> None:
        far.reply = lambda handler: void(far.is_over.wait(20))
        task = asyncio.create_task(sender.send(far.url, SAY))
        while not far.commands:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        far.reply = replying(200)
        await sender.send(far.url, SAY)

    asyncio.run(cancel_and_go_on())

    assert len(far.commands) == 2


# --- the environment --------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_used(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", far.origin)

    asyncio.run(HttpControl(["http://*.example.com"]).send("http://a.example.com/x", SAY))

    assert far.requests[0][1] == "http://a.example.com/x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "gopher://user:private@example.com"),
        ("ALL_PROXY", "http://example.com:private"),
        ("SSL_CERT_FILE", "private.pem"),
    ],
)
def test_an_environment_that_cannot_be_used_is_told(
    far: FarEnd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("private.pem").write_text("no certificate")
    monkeypatch.setenv(name, value)

    error = failure(far)

    assert str(error).startswith("no command can be sent (")
    assert name in str(error)
    assert "private" not in str(error)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody has signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + signed.public_bytes(pem))
    return path


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[FarEnd]:
    """A far end over TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with contextlib.closing(FarEnd(tls)) as far:
        yield far


def test_who_cannot_prove_to_be_the_host_gets_nothing(encrypted: FarEnd) -> None:
    assert "say: the call is out of reach (ConnectError)" in str(failure(encrypted))
    assert encrypted.commands == []


def test_who_can_prove_to_be_the_host_gets_the_command(
    encrypted: FarEnd, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    asyncio.run(control(encrypted).send(encrypted.url, SAY))

    assert encrypted.commands == [SAY]


# --- what it costs ----------------------------------------------------------------------------


def run_script(script: str) -> list[str]:
    """Run Python in a process of its own, and return the words that it prints."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    ).stdout.split()  # fmt: skip


def test_who_sends_no_command_loads_no_http() -> None:
    script = """if True:
        import sys
        from tests.wire import entry, post, tool_calls
        from vapitools import CallContext, router, tool

        @tool
        async def greet(call: CallContext) -> str:
            return "Hello."

        app = router([greet], auth=None)
        print(post(app, tool_calls(entry("greet"))).result["result"])
        print(*(name for name in ("httpx", "httpcore") if name in sys.modules))
    """

    assert run_script(script) == ["Hello."]


def test_neither_the_library_nor_certificates_are_loaded_in_the_event_loop(far: FarEnd) -> None:
    script = f"""if True:
        import asyncio, ssl, sys, threading
        from vapitools.control import HttpControl

        seen = []

        class Finder:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in ("httpx", "httpcore", "certifi"):
                    seen.append((name, threading.current_thread()))

        def load(*args, load=ssl.SSLContext.load_verify_locations, **options):
            seen.append(("tls", threading.current_thread()))
            return load(*args, **options)

        sys.meta_path.insert(0, Finder())
        ssl.SSLContext.load_verify_locations = load
        asyncio.run(HttpControl([{far.origin!r}]).send({far.url!r}, {{"type": "end-call"}}))
        print(*sorted({{name for name, _ in seen}} & {{"httpx", "httpcore", "tls"}}))
        print(*(name for name, thread in seen if thread is threading.main_thread()))
    """

    loaded = run_script(script)

    assert loaded[:3] == ["httpcore", "httpx", "tls"]
    # Small, and loaded by httpcore when it connects.
    assert set(loaded[3:]) <= {"httpcore._backends.anyio"}
    assert far.commands == [{"type": "end-call"}]


# --- the whole way ----------------------------------------------------------------------------


@tool
async def greet(call: CallContext) -> str:
    """Greet the caller."""
    await call.say("Welcome!")
    return "Greeted."


@tool
async def leave(call: CallContext) -> str:
    """Take leave."""
    try:
        await call.end()
    except CallControlError as error:
        return str(error)
    return "Left."


def webhook(far: FarEnd, name: str) -> dict[str, Any]:
    return tool_calls(entry(name), call={"id": "c-1", "monitor": {"controlUrl": far.url}})


def test_a_tool_speaks_to_the_caller_while_it_runs(far: FarEnd) -> None:
    app = router([greet], auth=None, settings=Settings(control_urls=(far.origin,)))

    assert post(app, webhook(far, "greet")).result["result"] == "Greeted."

    assert far.commands == [{"type": "say", "content": "Welcome!", "endCallAfterSpoken": False}]


def test_a_forged_webhook_leads_no_command_elsewhere(far: FarEnd) -> None:
    app = router([leave], auth=None)

    answer = post(app, webhook(far, "leave")).result["result"]

    assert answer.startswith("end-call: the call's address for commands is not an allowed one")
    assert far.commands == []


def test_a_call_that_has_ended_is_told_to_the_tool(far: FarEnd) -> None:
    far.reply = replying(404)
    app = router([leave], auth=None, settings=Settings(control_urls=(far.origin,)))

    answer = post(app, webhook(far, "leave")).result["result"]

    assert answer == "end-call: the call has ended (status 404)"


def test_a_tool_that_lets_the_failure_pass_is_answered_in_words_of_ours(
    far: FarEnd, caplog: pytest.LogCaptureFixture
) -> None:
    far.reply = replying(500, b"private")
    app = router([greet], auth=None, settings=Settings(control_urls=(far.origin,)))

    answer = post(app, webhook(far, "greet")).result["error"]

    assert answer.startswith("The tool failed.")
    assert "s3cret-call" not in caplog.text
    assert "Welcome!" not in caplog.text.replace('await call.say("Welcome!")', "")


def test_a_port_that_is_not_open_costs_one_answer_only() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{free.getsockname()[1]}"
    body = tool_calls(entry("leave"), call={"id": "c-1", "monitor": {"controlUrl": f"{origin}/x"}})
    app = router([leave], auth=None, settings=Settings(control_urls=(origin,)))

    assert "out of reach" in post(app, body).result["result"]
