"""Commands to a call while it lives, sent to the address that came with the webhook.

https://docs.vapi.ai/calls/call-features
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .errors import CallControlError, SettingsError

# Loading it takes a quarter of a second, which only who sends a command has to spend.
if TYPE_CHECKING:
    import httpx

VAPI = ("https://*.vapi.ai",)
"""Where Vapi takes commands."""

_PORTS = {"http": 80, "https": 443}
_PATTERN = re.compile(
    r"(https?)://(\*\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([0-9]{1,5}))?/?", re.IGNORECASE | re.ASCII
)
# Where two parsers could read two hosts out of one text, they need one of other characters.
_PLAIN_URL = re.compile(
    r"https?://[a-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._~!$&'()*+,;=:@%/?-]*)?", re.IGNORECASE | re.ASCII
)
_MAX_URL = 2048
_MAX_ANSWER = 64 * 1024

_HEADERS = {"content-type": "application/json"}

# Node, which Vapi's servers run, closes a connection that was idle for 5 seconds. A command that
# is sent at that moment would be lost.
_IDLE_SECONDS = 3.0

_ENDED = "the call has ended"
_KEY_WANTED = "the call wants a key; switch off monitorPlan.controlAuthenticationEnabled"
_REASONS = {404: _ENDED, 410: _ENDED, 401: _KEY_WANTED, 403: _KEY_WANTED}


class CallControl(Protocol):
    """Tells live calls what to do. One of your own can record what a tool does in a test."""

    async def send(self, url: str | None, command: Mapping[str, Any]) -> None:
        """Send a command.

        Args:
            url: The call's `monitor.controlUrl`; None when it has none.
            command: The JSON object to send.

        Raises:
            CallControlError: The call was not told.
        """
        ...


class HttpControl:
    """Sends commands over HTTP, to allowed addresses only.

    Args:
        allowed: Where to, such as `https://*.vapi.ai` and `http://127.0.0.1:9000`.
        timeout: Seconds until a command is given up.

    Raises:
        SettingsError: One of `allowed` is no such address.
    """

    def __init__(self, allowed: Iterable[str] = VAPI, *, timeout: float = 5.0) -> None:
        patterns = tuple(allowed)
        self._allowed = [_address(pattern) for pattern in patterns]
        self._shown = ", ".join(patterns)
        self._timeout = timeout
        self._clients: dict[asyncio.AbstractEventLoop, _Client] = {}

    async def send(self, url: str | None, command: Mapping[str, Any]) -> None:
        """See `CallControl.send`."""
        name = _name(command)
        content = _encoded(name, command)
        if url is None:
            raise CallControlError(
                f"{name}: this call has no address for commands (monitor.controlUrl): it is a "
                "chat, or monitorPlan.controlEnabled of its assistant is off"
            )
        client = await self._client()
        if not self._allows(url):
            raise CallControlError(
                f"{name}: the call's address for commands is not an allowed one ({self._shown}); "
                "if it is right, add it to VAPITOOLS_CONTROL_URLS"
            )
        _check(name, await self._status(name, client, url, content))

    async def aclose(self) -> None:
        """Close what is open in the running event loop. A later command opens it again."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.closing.aclose()

    async def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # Loading the library and the certificates would hold up the event loop.
            http = await asyncio.to_thread(_new_client)
            if loop not in self._clients:  # nobody was faster
                self._forget_closed_loops()
                self._clients[loop] = _Client(http, _closing(http))
                await anext(self._clients[loop].closing)
        return self._clients[loop].http

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._clients if loop.is_closed()]:
            del self._clients[loop]

    def _allows(self, url: str) -> bool:
        import httpx

        if len(url) > _MAX_URL or not _PLAIN_URL.fullmatch(url):
            return False
        try:
            parsed = httpx.URL(url)
            host = parsed.host
        except (httpx.InvalidURL, ValueError):  # such as a host that is no right Punycode
            return False
        port = parsed.port or _PORTS[parsed.scheme]
        return any(address.matches(parsed.scheme, host, port) for address in self._allowed)

    async def _status(self, name: str, client: httpx.AsyncClient, url: str, content: bytes) -> int:
        import httpx

        try:
            return await asyncio.wait_for(_post(client, url, content), self._timeout)
        # From None: what these say and hold may tell the address.
        except asyncio.TimeoutError:
            raise CallControlError(
                f"{name}: no answer within {self._timeout:g} s; it may have been done all the same"
            ) from None
        except httpx.HTTPError as error:
            kind = type(error).__name__
            raise CallControlError(
                f"{name}: the call is out of reach ({kind}); it has ended, or try again"
            ) from None


class _Address(NamedTuple):
    scheme: str
    host: re.Pattern[str]
    port: int

    def matches(self, scheme: str, host: str, port: int) -> bool:
        return (scheme, port) == (self.scheme, self.port) and self.host.fullmatch(host) is not None


class _Client(NamedTuple):
    http: httpx.AsyncClient
    closing: AsyncGenerator[None, None]


def _address(pattern: str) -> _Address:
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        raise SettingsError(
            f"control_urls: {pattern!r} is no address; write 'https://*.example.com' or "
            "'http://127.0.0.1:9000', with no path"
        )
    scheme, wildcard, host, port = found[1].lower(), found[2], found[3].lower(), found[4]
    before = r"(?:[a-z0-9-]+\.)+" if wildcard else ""
    return _Address(scheme, re.compile(before + re.escape(host)), int(port or _PORTS[scheme]))


def _name(command: Mapping[str, Any]) -> str:
    return str(command.get("control") or command.get("type"))


def _encoded(name: str, command: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(command, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise CallControlError(f"{name}: it holds a value that JSON has no word for") from None


def _check(name: str, status: int) -> None:
    if 200 <= status < 300:
        return
    reason = _REASONS.get(status, "the command was not taken")
    if 300 <= status < 400:
        reason = "a redirect, which is not followed"
    raise CallControlError(f"{name}: {reason} (status {status})", status=status)


# --- in the thread that loads the library ----------------------------------------------------


def _new_client() -> httpx.AsyncClient:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx

    _hush()
    try:
        return httpx.AsyncClient(
            timeout=None,  # each command has one limit for all of its steps
            limits=httpx.Limits(max_connections=100, keepalive_expiry=_IDLE_SECONDS),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
    except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        raise CallControlError(
            f"no command can be sent ({type(error).__name__}): look at HTTPS_PROXY, HTTP_PROXY, "
            "ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR in the environment"
        ) from None


_is_sending = ContextVar("_is_sending", default=False)


def _hush() -> None:
    """Keep the address of a call out of the log: whoever knows it can control the call."""
    for name in ("", ".connection", ".http11", ".proxy", ".socks"):
        logging.getLogger(f"httpcore{name}").addFilter(_is_not_ours)
    logging.getLogger("httpx").addFilter(_is_not_ours)


def _is_not_ours(record: logging.LogRecord) -> bool:
    return not _is_sending.get()


# --- in the event loop ------------------------------------------------------------------------


async def _closing(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Closes the client when it is closed itself, as an event loop does with its generators."""
    try:
        yield
    finally:
        await client.aclose()


async def _post(client: httpx.AsyncClient, url: str, content: bytes) -> int:
    token = _is_sending.set(True)
    try:
        async with client.stream("POST", url, content=content, headers=_HEADERS) as response:
            await _read(response)
            return response.status_code
    finally:
        _is_sending.reset(token)


async def _read(response: httpx.Response) -> None:
    """Read a short answer to its end, so that the connection can be used again."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > _MAX_ANSWER:
            return
