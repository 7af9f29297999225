"""What an answer of Vapi's API means, and what it means that there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, cast

from . import _secrecy
from .errors import ApiError

_MAX_REASON = 500
_NO_ADDRESS = "is VAPI_BASE_URL right?"
_LOOK_FIRST = "it may have been done all the same; look before you ask again"

_HINTS = {
    401: "set VAPI_API_KEY to the private key of your organization (dashboard: API keys)",
    403: "the key may not do this; look at its restrictions in the dashboard (API keys)",
    404: "there is none; it may have been deleted, or belongs to another organization's key",
    409: "it is in use; take it from what refers to it first",
    429: "too many requests for now; wait a minute, then run it again",
}


@dataclass(frozen=True)
class Asked:
    """A request, as far as its failure tells of it.

    Attributes:
        name: Such as `POST /call`.
        host: Who was asked.
        timeout: Seconds for each step.
        is_write: Whether it changes anything.
        secrets: What the server may repeat, and nobody is to read.
    """

    name: str
    host: str
    timeout: float
    is_write: bool
    secrets: Sequence[str] = field(repr=False)

    def failed(
        self, reason: str, hint: str = "", *, status: int | None = None, was_done: bool = False
    ) -> ApiError:
        """The error to raise."""
        return ApiError(
            self.name, reason, status=status, hint=hint, was_done=was_done and self.is_write
        )


@dataclass(frozen=True)
class Answer:
    """How a request has ended.

    Attributes:
        content: The JSON of the answer; None when it was empty.
        error: What there is instead.
        is_passing: Whether the same request may well go through in a moment.
        retry_after: The seconds that the server wants to be left alone; None: it does not say.
    """

    content: Any = field(default=None, repr=False)
    error: ApiError | None = None
    is_passing: bool = False
    retry_after: float | None = None


def of_exception(asked: Asked, error: Exception) -> Answer:
    """There is no answer."""
    import httpx

    # Each of these comes up before the first byte of the request has left.
    unsent = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.ProxyError,
        httpx.InvalidURL,
    )
    is_timeout = isinstance(error, httpx.TimeoutException)
    if isinstance(error, unsent):
        why = "no answer" if is_timeout else _one_line(str(error)) or type(error).__name__
        reason = f"{asked.host} is out of reach ({why})"
        hint = "look at the network, at VAPI_BASE_URL and at the proxy variables"
        failed = asked.failed(reason, hint)
        return Answer(error=failed, is_passing=isinstance(error, httpx.ConnectError))
    reason = f"the connection to {asked.host} failed ({type(error).__name__})"
    if is_timeout:
        reason = f"no answer from {asked.host} within {asked.timeout:g} s"
    elif isinstance(error, httpx.RemoteProtocolError):
        reason = f"{asked.host} closed the connection before it had answered"
    hint = _LOOK_FIRST if asked.is_write else ""
    return Answer(error=asked.failed(reason, hint, was_done=True), is_passing=not is_timeout)


def of_response(asked: Asked, response: Any) -> Answer:
    """There is one, with what was asked for or without."""
    status = int(response.status_code)
    content, is_json = _decoded(response)
    if is_json and 200 <= status < 300:
        return Answer(content)
    # A proxy answers 408 for a server that is late, too.
    was_done = asked.is_write and (200 <= status < 300 or status == 408 or status >= 500)
    reason = _secrecy.without(_reason(content, response), asked.secrets)
    hint = _hint(status, is_json=is_json, was_done=was_done)
    if status == 404 and not asked.is_write and asked.name.count("/") == 1:  # a list is there
        hint = _NO_ADDRESS
    return Answer(
        error=asked.failed(_cut(reason), hint, status=status, was_done=was_done),
        is_passing=status in (408, 429) or status >= 500,
        retry_after=_retry_after(response.headers),
    )


def _decoded(response: Any) -> tuple[Any, bool]:
    """The JSON of a response, and whether it is any."""
    try:
        return (response.json() if response.content else None), True
    except ValueError:
        return None, False


def _reason(content: Any, response: Any) -> str:
    """What Vapi says of it: one text, or a list of them."""
    if 200 <= response.status_code < 300:
        kind = response.headers.get("content-type", "").partition(";")[0]
        return f"the answer is no JSON, but {kind or 'has no content type'}"
    message = content
    if isinstance(content, Mapping):
        content = cast("Mapping[str, Any]", content)
        message = content.get("message") or content.get("error")
    if isinstance(message, list):
        message = "; ".join(str(text) for text in cast("list[object]", message))
    return (isinstance(message, str) and message) or response.reason_phrase or "no reason given"


def _hint(status: int, *, is_json: bool, was_done: bool) -> str:
    if status >= 500:
        later = "Vapi has a problem; run it again in a while"
        return f"{later}, but look first whether it was done" if was_done else later
    if 300 <= status < 400:
        return f"a redirect, which is not followed; {_NO_ADDRESS}"
    if not is_json and status != 429:
        return _NO_ADDRESS
    return _HINTS.get(status, "")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds or a date (RFC 9110); None when it is neither."""
    text = headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            return parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return seconds if seconds >= 0 else None


def _cut(text: str) -> str:
    text = _one_line(text)
    return text if len(text) <= _MAX_REASON else f"{text[:_MAX_REASON]}…"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
