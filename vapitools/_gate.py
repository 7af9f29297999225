"""Lets a request in, or refuses it: the sender, the size, the time it takes, and the type."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from starlette.types import Receive, Scope

from . import _tracebacks
from .auth import Delivery, Verifier
from .errors import AuthenticationError, MessageError, WebhookError
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
        headers = dict(scope["headers"])
        body = b""
        if self._auth is None:
            body = await self._read(headers, receive)
        else:
            delivery = _delivery(scope, partial(self._read, headers, receive))
            await self._verify(self._auth, delivery)
            body = await delivery.body()
        if body:
            _check_content_type(headers.get(b"content-type", b""))
            if encoding := headers.get(b"content-encoding"):
                body = self._decompressed(body, encoding.strip().lower())
        return body

    async def _verify(self, auth: Verifier, delivery: Delivery) -> None:
        try:
            await auth.verify(delivery)
        except (WebhookError, SenderGoneError):
            raise
        # A verifier that fails lets nobody in, and tells nobody.
        except Exception as error:
            shown = _tracebacks.shown(error)
            raise AuthenticationError(f"the verifier failed\n{shown}") from None

    # --- the body --------------------------------------------------------------------------

    async def _read(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        declared = headers.get(b"content-length", b"")
        # Anybody can declare anything, even digits that are too many to be a number.
        if declared.isdigit() and (len(declared) > 18 or int(declared) > self._max_bytes):
            raise self._too_large()
        task: Any = asyncio.current_task()
        is_late: list[bool] = []
        timer = asyncio.get_running_loop().call_later(self._seconds, _cut_off, task, is_late)
        try:
            return await self._received(receive)
        except asyncio.CancelledError:
            if not is_late:
                raise
            raise MessageError(
                f"the body took longer than {self._seconds} seconds", status=408
            ) from None
        finally:
            timer.cancel()

    async def _received(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise SenderGoneError
            chunk = event.get("body", b"")
            size += len(chunk)
            if size > self._max_bytes:
                raise self._too_large()
            chunks.append(chunk)
            more = event.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _decompressed(self, body: bytes, encoding: bytes) -> bytes:
        if encoding == b"identity":
            return body
        if encoding not in (b"gzip", b"x-gzip", b"deflate"):
            raise MessageError(_UNKNOWN_ENCODING, status=415)
        inflater = zlib.decompressobj(_ANY_HEADER)
        try:
            # One byte more shows what would be too large, without unpacking all of it.
            text = inflater.decompress(body, self._max_bytes + 1)
        except zlib.error:
            text = b""
        if len(text) > self._max_bytes:
            raise self._too_large()
        if not inflater.eof:
            raise MessageError("the body cannot be decompressed")
        return text

    def _too_large(self) -> MessageError:
        return MessageError(f"the body is larger than {self._max_bytes} bytes", status=413)


def _cut_off(task: asyncio.Task[None], is_late: list[bool]) -> None:
    is_late.append(True)
    task.cancel()


def _delivery(scope: Scope, body: Callable[[], Awaitable[bytes]]) -> Delivery:
    query = scope.get("query_string", b"")
    path = scope.get("raw_path") or scope["path"].encode()
    if query:
        path += b"?" + query
    client = scope.get("client")
    return Delivery(
        scope["method"],
        path.decode("latin-1"),
        scope["headers"],
        body,
        scheme=scope.get("scheme", "http"),
        client=client[0] if client else None,
    )


def _check_content_type(value: bytes) -> None:
    type_ = value.partition(b";")[0].strip().lower()
    if type_ and not type_.endswith((b"/json", b"+json")):
        raise MessageError(_NOT_JSON, status=415)
