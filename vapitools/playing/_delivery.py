"""A message on its way to a server, as Vapi sends it: signed, in time, and again when it fails."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

from .. import _secrecy, auth, messages
from .._deadline import TooLateError, within
from .._shapes import as_list, as_object
from ..errors import PlayError

if TYPE_CHECKING:
    import httpx

Failure = Literal["late", "closed", "too long"]

SECONDS = 20.0
"""How long Vapi waits for an answer when nothing else is set."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
# As captured from Vapi.
_USER_AGENT = "axios/1.8.3"
MAX_ANSWER = 1024 * 1024
_MAX_SECONDS = 300.0
_MAX_RETRIES = 10
_MAX_PAUSE = 10.0
# A connection that has lain idle may be closed by the server at the very moment of its next use.
_KEPT_SECONDS = 2.0


@dataclass(frozen=True)
class Server:
    """Vapi's `server` object: where a message goes, and how.

    Attributes:
        url: The address.
        seconds: How long an answer is waited for.
        headers: Further headers.
        backoff: The `backoffPlan`: when it is sent again.
    """

    url: str = field(repr=False)
    seconds: float = SECONDS
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    backoff: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of(cls, given: Any, otherwise: Server) -> Server:
        """The server of a tool or of an assistant; without one of its own, it is the other.

        Args:
            given: The API's object. What in it is of another type than the API takes, as an
                answer may have it, counts as missing.
            otherwise: The other.
        """
        fields = as_object(given)
        if not fields:
            return otherwise
        url, headers = fields.get("url"), as_object(fields.get("headers"))
        return cls(
            url=url if isinstance(url, str) and url else otherwise.url,
            seconds=_number(fields.get("timeoutSeconds"), _MAX_SECONDS) or SECONDS,
            headers={str(name): str(value) for name, value in headers.items()},
            backoff=as_object(fields.get("backoffPlan")),
        )

    def pauses(self) -> list[float]:
        """The seconds before each time that it is sent again."""
        base = _number(self.backoff.get("baseDelaySeconds", 1), _MAX_PAUSE)
        is_growing = self.backoff.get("type") == "exponential"
        times = range(int(_number(self.backoff.get("maxRetries"), _MAX_RETRIES)))
        return [base * 2**number if is_growing else base for number in times]

    def is_retried(self, status: int | None) -> bool:
        """Whether the plan sends a message again that was answered with a status, or not at all."""
        return status not in as_list(self.backoff.get("excludedStatusCodes"))


@dataclass(frozen=True)
class Delivery:
    """What came back.

    Attributes:
        status: The HTTP status; None when there was no answer.
        body: Of the answer.
        seconds: From the first attempt to the end of the last.
        failure: Why there was no answer.
        attempts: How often it was sent.
        content_type: Of the answer.
        is_signed: Whether something was sent that proves the sender.
    """

    status: int | None
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    failure: Failure | None = None
    attempts: int = 1
    content_type: str = ""
    is_signed: bool = False

    @property
    def is_ok(self) -> bool:
        """Whether Vapi takes the answer."""
        return self.failure is None and self.status is not None and 200 <= self.status < 300


class Postman:
    """Sends the messages of a call.

    Args:
        client: Over which.
        verifier: Whom the server lets in; None: everybody.
        limit: The most seconds that an answer is waited for, whatever the server's own say.
    """

    def __init__(
        self, client: httpx.AsyncClient, verifier: auth.Verifier | None, limit: float | None = None
    ) -> None:
        self._client = client
        self._verifier = verifier
        self._limit = limit
        self._has_answered = False

    def patience(self, server: Server) -> float:
        """How many seconds an answer of the server is waited for."""
        return server.seconds if self._limit is None else min(server.seconds, self._limit)

    async def deliver(self, server: Server, body: Mapping[str, Any], *, call_id: str) -> Delivery:
        """Send a message, and again where the back-off plan says so.

        Raises:
            PlayError: Nothing listens there, or it cannot be signed.
        """
        content = messages.dump(body)
        began = time.monotonic()
        sent = await self.send(server, content, call_id=call_id)
        for attempt, pause in enumerate(server.pauses(), start=2):
            if sent.is_ok or not server.is_retried(sent.status):
                break
            await asyncio.sleep(pause)
            sent = replace(await self.send(server, content, call_id=call_id), attempts=attempt)
        return replace(sent, seconds=time.monotonic() - began)

    async def send(self, server: Server, content: bytes, *, call_id: str) -> Delivery:
        """Send a message once.

        Raises:
            PlayError: Nothing listens there, or it cannot be signed.
        """
        _check_address(server.url)
        began = time.monotonic()
        headers = self.headers(server, content, call_id)
        failure: Failure
        try:
            sent = await within(self.patience(server), self._post(server.url, content, headers))
        except TooLateError:
            failure = "late"
        except _invalid():
            raise _no_address(server.url) from None
        except _closed() as error:
            if not self._has_answered and _is_unreachable(error):
                raise PlayError(_unreachable(server.url, error)) from None
            failure = "closed"
        else:
            self._has_answered = True
            is_signed = self._verifier is not None
            return replace(sent, seconds=time.monotonic() - began, is_signed=is_signed)
        return Delivery(None, seconds=time.monotonic() - began, failure=failure)

    async def _post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Delivery:
        async with self._client.stream("POST", url, content=content, headers=headers) as answer:
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_ANSWER:
                    return Delivery(answer.status_code, failure="too long")
            type_ = answer.headers.get("content-type", "")
            return Delivery(answer.status_code, bytes(body), content_type=type_)

    def headers(self, server: Server, content: bytes, call_id: str) -> dict[str, str]:
        """What stands above a message.

        Raises:
            PlayError: It cannot be signed.
        """
        # Where no secret is set, Vapi sends the header all the same, with nothing in it.
        headers = {
            "accept": "application/json, text/plain, */*",
            "content-type": "application/json",
            "user-agent": _USER_AGENT,
            "x-call-id": call_id,
            "cookie": f"callId={call_id}",
            "x-vapi-secret": "",
        }
        if self._verifier is not None:
            made = auth.delivery_headers(self._verifier, server.url, content)
            if made is None:
                raise PlayError(
                    "what the server asks for can be made by Vapi alone; play it with a secret, "
                    "a bearer token or an HMAC signature"
                )
            headers.update(_lowered(made))
        headers.update(_lowered(server.headers))
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise PlayError(f"the header {name!r} cannot be sent: HTTP has no such characters")
        return headers


@asynccontextmanager
async def postman(
    verifier: auth.Verifier | None, limit: float | None = None
) -> AsyncGenerator[Postman]:
    """One that is open as long as the block lasts."""
    import httpx

    client = httpx.AsyncClient(
        timeout=None,
        # Vapi is no program of this machine: its proxy is none of the server's.
        trust_env=False,
        limits=httpx.Limits(keepalive_expiry=_KEPT_SECONDS),
    )
    async with client:
        yield Postman(client, verifier, limit)


def _closed() -> tuple[type[Exception], ...]:
    import httpx

    return (httpx.TransportError, httpx.DecodingError)


def _invalid() -> type[Exception]:
    import httpx

    return httpx.InvalidURL


def _is_unreachable(error: Exception) -> bool:
    import httpx

    return isinstance(error, httpx.ConnectError)


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise _no_address(url)


def _no_address(url: str) -> PlayError:
    return PlayError(f"{_shown(url)} is no address to send a message to")


def _unreachable(url: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    if "CERTIFICATE" in reason or "SSL" in reason:
        return f"{_shown(url)} has no certificate that can be trusted ({reason})"
    return f"nothing answers at {_shown(url)}; is the server up, and is the address right?"


def _shown(url: str) -> str:
    return cast("str", _secrecy.masked(url))


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    """Header names know no case: in another spelling, one would be sent twice."""
    return {name.lower(): value for name, value in headers.items()}


def _number(value: Any, most: float) -> float:
    """A number from 0 to the most; whatever else it is becomes 0."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not value > 0:
        return 0.0
    return float(min(value, most))
