"""A message on its way to a server, as Vapi sends it: signed, in time, and again when it fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

from .. import _secrecy, auth, messages
from .._deadline import TooLateError, within
from .._shapes import as_object
from ..errors import PlayError

if TYPE_CHECKING:
    import httpx

Failure = Literal["late", "closed", "cut"]

SECONDS = 20.0
"""How long Vapi waits for an answer when nothing else is set."""

# As captured from Vapi.
_USER_AGENT = "axios/1.8.3"
_MAX_ANSWER = 1024 * 1024


@dataclass(frozen=True)
class Server:
    """Vapi's `server` object: where a message goes, and how.

    Attributes:
        url: The address.
        seconds: How long an answer is waited for.
        headers: Further headers.
        backoff: The `backoffPlan`: when it is sent again.
    """

    url: str
    seconds: float = SECONDS
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    backoff: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of(cls, given: Mapping[str, Any] | None, otherwise: Server) -> Server:
        """The server of a tool or of an assistant; without one of its own, it is the other."""
        if not given:
            return otherwise
        headers = as_object(given.get("headers"))
        return cls(
            url=given.get("url") or otherwise.url,
            seconds=float(given.get("timeoutSeconds") or SECONDS),
            headers={str(name): str(value) for name, value in headers.items()},
            backoff=given.get("backoffPlan") or {},
        )

    def pauses(self) -> list[float]:
        """The seconds before each time that it is sent again."""
        base = float(self.backoff.get("baseDelaySeconds", 1))
        is_growing = self.backoff.get("type") == "exponential"
        times = range(int(self.backoff.get("maxRetries", 0)))
        return [base * 2**number if is_growing else base for number in times]


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
    """

    status: int | None
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    failure: Failure | None = None
    attempts: int = 1
    content_type: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether Vapi takes the answer."""
        return self.status is not None and 200 <= self.status < 300


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
            if sent.is_ok:
                break
            await asyncio.sleep(pause)
            sent = replace(await self.send(server, content, call_id=call_id), attempts=attempt)
        return replace(sent, seconds=time.monotonic() - began)

    async def send(self, server: Server, content: bytes, *, call_id: str) -> Delivery:
        """Send a message once.

        Raises:
            PlayError: Nothing listens there, or it cannot be signed.
        """
        began = time.monotonic()
        headers = self.headers(server, content, call_id)
        failure: Failure
        try:
            answer = await within(self.patience(server), self._post(server.url, content, headers))
        except TooLateError:
            failure = "late"
        except _closed() as error:
            if not self._has_answered and _is_unreachable(error):
                raise PlayError(_unreachable(server.url)) from None
            failure = "closed"
        except _unusable():
            raise PlayError(f"{_shown(server.url)} is no address to send a message to") from None
        else:
            self._has_answered = True
            return Delivery(
                answer.status_code,
                answer.content[:_MAX_ANSWER],
                time.monotonic() - began,
                content_type=answer.headers.get("content-type", ""),
            )
        return Delivery(None, seconds=time.monotonic() - began, failure=failure)

    async def _post(self, url: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        return await self._client.post(url, content=content, headers=headers)

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
            headers.update(made)
        return {**headers, **server.headers}


@asynccontextmanager
async def postman(
    verifier: auth.Verifier | None, limit: float | None = None
) -> AsyncGenerator[Postman]:
    """One that is open as long as the block lasts."""
    import httpx

    # Vapi is no program of this machine: its proxy is none of the server's.
    async with httpx.AsyncClient(timeout=None, trust_env=False) as client:
        yield Postman(client, verifier, limit)


def _closed() -> tuple[type[Exception], ...]:
    import httpx

    return (httpx.TransportError,)


def _unusable() -> tuple[type[Exception], ...]:
    import httpx

    return (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError, ValueError)


def _is_unreachable(error: Exception) -> bool:
    import httpx

    return isinstance(error, httpx.ConnectError)


def _unreachable(url: str) -> str:
    return f"nothing answers at {_shown(url)}; is the server up, and is the address right?"


def _shown(url: str) -> str:
    return cast("str", _secrecy.masked(url))


def host(url: str) -> str:
    """What a server is called in a text."""
    return urlsplit(url).netloc.rpartition("@")[2]
