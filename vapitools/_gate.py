"""Lets a request in, or refuses it: the sender, the size, the time it takes, and the type."""

from __future__ import annotations

import asyncio
import logging
import zlib
from typing import Any

from starlette.types import Receive, Scope

from . import _tracebacks
from ._deadline import TooLateError, within
from .auth import Delivery, Verifier
from .errors import AuthenticationError, MessageError, WebhookError
from .instrumentation import log
from .settings import Settings

# Whoever forgets it is trying the router by hand.
_NOT_JSON = (
    "the content-type must be application/json; with curl: -H 'content-type: application/json'"
)
_UNKNOWN_ENCODING = "the content-encoding must be gzip or deflate, or none"

# Takes the headers of gzip and of zlib.
_ANY_HEADER = 32 + zlib.MAX_WBITS


class SenderGoneError(Exception):
    """The sender went away before the body was whole: there is nobody to answer."""


class Gate:
    """Lets requests in.

    Args:
        auth: Who is let in; None lets everybody in.
        settings: Limits.
    """

    def __init__(self, auth: Verifier | None, settings: Settings) -> None:
        self._auth = auth
        self._max_bytes = settings.max_body_bytes
        self._seconds = settings.body_seconds

    async def admit(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request that is let in.

        Raises:
            WebhookError: It is not let in.
            SenderGoneError: There is nobody any more to let in.
        """
        incoming = _Incoming(scope, receive, self._max_bytes, self._seconds)
        if self._auth is not None:
            await _verify(self._auth, incoming)
        content = await incoming.body()
        if content:
            _check_content_type(incoming.last.get(b"content-type", b""))
            if encoding := incoming.last.get(b"content-encoding"):
                content = _decoded(content, encoding.strip().lower(), self._max_bytes)
        return content


# --- the sender ---------------------------------------------------------------------------


async def _verify(auth: Verifier, delivery: Delivery) -> None:
    try:
        verify: Any = auth.verify
        verdict = await verify(delivery)
    except MessageError as error:
        # A body that cannot be had: whoever is not known yet learns the status alone.
        log(logging.WARNING, "refused a request: %s", error)
        raise MessageError("", status=error.status) from None
    except (WebhookError, SenderGoneError, asyncio.CancelledError, GeneratorExit):
        raise
    # A verifier that fails lets nobody in, and tells nobody; not even `SystemExit` ends the server.
    except BaseException as error:
        shown = _tracebacks.shown(error)
        raise AuthenticationError(f"the verifier failed\n{shown}") from None
    # Its author thought that this refuses.
    if verdict is False:
        raise AuthenticationError("the verifier returned False; it has to raise this error")


# --- the body -----------------------------------------------------------------------------


class _Incoming(Delivery):
    """A delivery whose body comes in. Whoever gives up reading it loses nothing for the next.

    Attributes:
        last: The last value of each header, for those that decide nothing about the sender.
    """

    __slots__ = (
        "_chunks",
        "_is_whole",
        "_max_bytes",
        "_receive",
        "_scope",
        "_seconds",
        "_size",
        "last",
    )

    def __init__(self, scope: Scope, receive: Receive, max_bytes: int, seconds: float) -> None:
        super().__init__(scope["method"], "", scope["headers"])
        self.last = self._values
        self._scope = scope
        self._receive = receive
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._chunks: list[bytes] = []
        self._size = 0
        self._is_whole = False

    # Few verifiers ask for these.

    @property
    def path(self) -> str:
        path: bytes = self._scope.get("raw_path") or self._scope["path"].encode()
        if query := self._scope.get("query_string"):
            path += b"?" + query
        return path.decode("latin-1")

    @property
    def scheme(self) -> str:
        scheme: str = self._scope.get("scheme", "http")
        return scheme

    @property
    def client(self) -> str | None:
        client = self._scope.get("client")
        return client[0] if client else None

    async def body(self) -> bytes:
        """All of it.

        Raises:
            MessageError: It is too large, or comes too slowly.
            SenderGoneError: The rest will not come.
        """
        declared = self.last.get(b"content-length", b"")
        # Anybody can declare anything, even digits that are too many to be a number.
        if declared.isdigit() and int(declared[:19]) > self._max_bytes:
            raise _too_large(self._max_bytes)
        try:
            await within(self._seconds, self._receive_all())
        except TooLateError:
            text = f"the body took longer than {self._seconds} seconds"
            raise MessageError(text, status=408) from None
        return b"".join(self._chunks)

    async def _receive_all(self) -> None:
        while not self._is_whole:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise SenderGoneError
            chunk = event.get("body", b"")
            self._size += len(chunk)
            if self._size > self._max_bytes:
                raise _too_large(self._max_bytes)
            self._chunks.append(chunk)
            self._is_whole = not event.get("more_body", False)


def _check_content_type(value: bytes) -> None:
    if value == b"application/json":
        return
    type_ = value.partition(b";")[0].strip().lower()
    if type_ and not type_.endswith((b"/json", b"+json")):
        raise MessageError(_NOT_JSON, status=415)


def _decoded(content: bytes, encoding: bytes, max_bytes: int) -> bytes:
    if encoding in (b"", b"identity"):
        return content
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise MessageError(_UNKNOWN_ENCODING, status=415)
    inflater = zlib.decompressobj(_ANY_HEADER)
    try:
        # One byte more shows what would be too large, without unpacking all of it.
        text = inflater.decompress(content, max_bytes + 1)
    except zlib.error:
        text = b""
    if len(text) > max_bytes:
        raise _too_large(max_bytes)
    if not inflater.eof or inflater.unused_data:
        raise MessageError("the body cannot be decompressed")
    return text


def _too_large(max_bytes: int) -> MessageError:
    return MessageError(f"the body is larger than {max_bytes} bytes", status=413)
