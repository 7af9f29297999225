"""The connection to Vapi's API: the SDK's own, and of the SDK only that."""

from __future__ import annotations

import asyncio
import importlib.util
import json as json_
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from . import _failures, _secrecy
from ._failures import Answer, Asked
from .errors import ApiError, SettingsError

_KEY = re.compile(r"[!-~]+")
_READS = frozenset({"GET"})
_BACKOFFS = (0.5, 1.0)
_MAX_WAIT = 60.0

T = TypeVar("T")

_INSTALL = "install 'vapi-server-sdk>=1.9,<4'"


class Connection:
    """Requests to Vapi's API. One event loop uses it; `aclose` closes it.

    Args:
        api_key: The private key.
        base_url: Where the API is.
        timeout: Seconds for each step of a request.

    Raises:
        SettingsError: The key or the URL cannot be used.
    """

    def __init__(self, api_key: str | None, base_url: str, timeout: float) -> None:
        self.api_key = _checked_key(api_key)
        self.base_url = _checked_url(base_url)
        self.timeout = timeout
        self._opening = asyncio.Lock()
        self._wrapper: Any = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send a request and return the JSON of the answer; None when it is empty.

        What fails for the moment is repeated, a write only when it was not done for certain: a
        second `POST /call` is a second phone call.

        Raises:
            ApiError: Vapi refuses, or is out of reach.
            SettingsError: The SDK is not there, or the environment keeps it from connecting.
        """
        asked = self._asked(method, path, json)
        http = (await self._opened()).httpx_client
        send = partial(
            http.request,
            path,
            method=method,
            params=params,
            **_body(asked, json),
            # The SDK's versions differ in what they repeat, and would repeat a write.
            retries=0,
            request_options={"max_retries": 0},
        )
        backoffs = iter(_BACKOFFS)
        while True:
            answer = await _answer(asked, send)
            if answer.error is None:
                return answer.content
            pause = _pause(answer, next(backoffs, None))
            if pause is None:
                raise answer.error
            await asyncio.sleep(pause)

    async def aclose(self) -> None:
        """Close it. A later request opens it again."""
        wrapper, self._wrapper = self._wrapper, None
        if wrapper is not None:
            await wrapper.httpx_client.httpx_client.aclose()

    async def _opened(self) -> Any:
        async with self._opening:
            if self._wrapper is None:
                # Loading the SDK and the certificates would hold up the event loop.
                self._wrapper = await asyncio.to_thread(self._open)
        return self._wrapper

    def _open(self) -> Any:
        wrapper = import_sdk("vapi.core.client_wrapper").AsyncClientWrapper
        import httpx

        # A redirect would take the key elsewhere, or make a GET of a POST.
        http = within_environment(partial(httpx.AsyncClient, follow_redirects=False))
        return wrapper(
            token=self.api_key,
            base_url=self.base_url,
            timeout=self.timeout,
            httpx_client=http,
        )

    def _asked(self, method: str, path: str, json: Mapping[str, Any] | None) -> Asked:
        return Asked(
            f"{method} /{path}",
            host=urlsplit(self.base_url).hostname or "",
            timeout=self.timeout,
            is_write=method not in _READS,
            secrets=(self.api_key, *_secrecy.secrets_in(json)),
        )

    def __repr__(self) -> str:
        return f"<Connection to {urlsplit(self.base_url).hostname}>"


async def together(*requests: Awaitable[T]) -> list[T]:
    """Wait for several requests. When one fails, the others are ended before that is told.

    One that went on would open a connection that nobody closes.
    """
    tasks = [asyncio.ensure_future(request) for request in requests]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _body(asked: Asked, json: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments that send this JSON."""
    if json is None:
        return {}
    try:
        # Not the SDK's, whose versions write it each in its own way, and some leave out {}.
        content = json_.dumps(json, allow_nan=False)
    except (TypeError, ValueError) as error:
        failed = asked.failed(f"what is to be sent is no JSON ({error})")
    else:
        return {"content": content, "headers": {"content-type": "application/json"}}
    raise failed


async def _answer(asked: Asked, send: Callable[[], Awaitable[Any]]) -> Answer:
    import httpx

    try:
        response = await send()
    # An error of TLS in the middle of an answer comes as it is, an OSError.
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        # Returned, for what is raised here would refer to an error that can hold the key.
        return _failures.of_exception(asked, error)
    return _failures.of_response(asked, response)


def _pause(answer: Answer, backoff: float | None) -> float | None:
    """The seconds before it is asked again; None when that is of no use, or does it twice."""
    error = cast("ApiError", answer.error)
    if backoff is None or error.was_done or not answer.is_passing:
        return None
    pause = backoff if answer.retry_after is None else answer.retry_after
    return pause if pause <= _MAX_WAIT else None


def import_sdk(module: str) -> Any:
    """Load a module of Vapi's SDK.

    Raises:
        SettingsError: It is not there, or something of the user's own hides it.
    """
    _check_sdk()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        why = " ".join(str(error).split())
    raise SettingsError(f"Vapi's SDK cannot be loaded ({why}); {_INSTALL}")


def _check_sdk() -> None:
    try:
        # This finds a module of that name without running it.
        spec = importlib.util.find_spec("vapi")
    except ValueError:  # a module that somebody has put together by hand
        return
    # Without an origin it is a mere folder, which hides nothing.
    if spec is None or spec.origin is None:
        raise SettingsError(f"Vapi's SDK is not installed; {_INSTALL}")
    folders = spec.submodule_search_locations or ()
    if not any(os.path.isfile(os.path.join(f, "core", "client_wrapper.py")) for f in folders):
        raise SettingsError(f"{spec.origin} hides Vapi's SDK, whose name is vapi too; rename it")


def within_environment(make: Callable[[], T]) -> T:
    """Make a client of httpx, which reads the environment.

    Raises:
        SettingsError: The environment says what cannot be.
    """
    import httpx

    try:
        return make()
    except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        # Only what is said of a missing library cannot hold the password of a proxy.
        problem = str(error) if isinstance(error, ImportError) else type(error).__name__
    raise SettingsError(
        f"no connection can be made ({problem}); look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, "
        "SSL_CERT_FILE and SSL_CERT_DIR in the environment"
    )


def _checked_key(api_key: str | None) -> str:
    key = (api_key or "").strip()
    if not key:
        raise SettingsError(
            "VAPI_API_KEY is not set; it is the private key of your organization, from "
            "https://dashboard.vapi.ai under API keys"
        )
    if not _KEY.fullmatch(key):
        raise SettingsError("VAPI_API_KEY holds blanks, line breaks or letters that no key has")
    return key


def _checked_url(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        is_right = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            # A user in it would take the place of the key.
            and not (parts.username or parts.password or parts.query or parts.fragment)
            and base_url.isprintable() and " " not in base_url
        )  # fmt: skip
    except ValueError:
        is_right = False
    if not is_right:
        raise SettingsError("VAPI_BASE_URL must be a URL, such as https://api.vapi.ai")
    return base_url.rstrip("/")
