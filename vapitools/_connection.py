"""The connection to Vapi's API: the SDK's own, and of the SDK only that."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from . import _secrecy
from .errors import ApiError, SettingsError

_KEY = re.compile(r"[!-~]+")
_READS = frozenset({"GET"})
_READ_RETRIES = 2
_WRITE_ATTEMPTS = 3
_MAX_WAIT = 60.0
_MAX_REASON = 500

_HINTS = {
    400: "",
    401: "set VAPI_API_KEY to the private key of your organization (dashboard: API keys)",
    403: "the key may not do this; look at its restrictions in the dashboard (API keys)",
    404: "there is none; it may have been deleted, or belongs to another organization's key",
    409: "it is in use; take it from what refers to it first",
    429: "too many requests for now; wait a minute, then run it again",
}


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

        A read is repeated as the SDK does. A write is repeated only when Vapi says that it has
        not looked at it (429): a second `POST /call` is a second phone call.

        Raises:
            ApiError: Vapi refuses, or is out of reach.
            SettingsError: The SDK is not there, or the environment keeps it from connecting.
        """
        http = (await self._opened()).httpx_client
        retries = _READ_RETRIES if method in _READS else 0
        asked = f"{method} /{path}"
        attempt = 1
        while True:
            response = await self._sent(asked, http, method, path, json, params, retries)
            if response.status_code != 429 or method in _READS or attempt == _WRITE_ATTEMPTS:
                return self._answer(asked, response, json)
            await asyncio.sleep(_wait(response.headers, attempt))
            attempt += 1

    async def aclose(self) -> None:
        """Close it. A later request opens it again."""
        wrapper, self._wrapper = self._wrapper, None
        if wrapper is not None:
            await wrapper.httpx_client.httpx_client.aclose()

    async def _opened(self) -> Any:
        async with self._opening:
            if self._wrapper is None:
                # Loading the SDK and the certificates would hold up the event loop.
                self._wrapper = await asyncio.to_thread(
                    _open, self.api_key, self.base_url, self.timeout
                )
        return self._wrapper

    async def _sent(
        self,
        asked: str,
        http: Any,
        method: str,
        path: str,
        json: Mapping[str, Any] | None,
        params: Mapping[str, Any] | None,
        retries: int,
    ) -> Any:
        import httpx

        try:
            return await http.request(
                path,
                method=method,
                json=json,
                params=params,
                retries=0,  # how many there were: older SDKs begin at 2
                request_options={"max_retries": retries},
            )
        # From None: what these hold can hold the key.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._unreached(asked, error) from None

    def _unreached(self, asked: str, error: Exception) -> ApiError:
        import httpx

        host = urlsplit(self.base_url).hostname
        hint = "look at the network, at VAPI_BASE_URL and at the proxy variables"
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)):
            why = _one_line(str(error)) or type(error).__name__
            return ApiError(asked, f"{host} is out of reach ({why})", hint=hint)
        was_done = not asked.startswith("GET")
        hint = "it may have been done all the same; look before you ask again" if was_done else ""
        reason = f"the connection to {host} failed ({type(error).__name__})"
        if isinstance(error, httpx.TimeoutException):
            reason = f"no answer from {host} within {self.timeout:g} s"
        elif isinstance(error, httpx.RemoteProtocolError):
            reason = f"{host} closed the connection before it had answered"
        return ApiError(asked, reason, hint=hint, was_done=was_done)

    def _answer(self, asked: str, response: Any, body: Mapping[str, Any] | None) -> Any:
        status = int(response.status_code)
        was_done = not asked.startswith("GET") and not 300 <= status < 500
        try:
            content: Any = response.json() if response.content else None
        except ValueError:
            kind = response.headers.get("content-type", "").partition(";")[0] or "no content type"
            content = None
            if status < 400:
                raise ApiError(
                    asked,
                    f"the answer is no JSON, but {kind}",
                    status=status,
                    hint="is VAPI_BASE_URL right?",
                    was_done=was_done,
                ) from None
        if 200 <= status < 300:
            return content
        secrets = [self.api_key, *_secrecy.secrets_in(body or {})]
        reason = _secrecy.without(_reason(content, response.reason_phrase), secrets)
        raise ApiError(
            asked, reason, status=status, hint=_hint(status, was_done), was_done=was_done
        )

    def __repr__(self) -> str:
        return f"<Connection to {urlsplit(self.base_url).hostname}>"


def import_sdk(module: str) -> Any:
    """Load a module of Vapi's SDK.

    Raises:
        SettingsError: It is not there, or something of the user's own hides it.
    """
    _check_sdk()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SettingsError(
            f"Vapi's SDK cannot be loaded ({_one_line(str(error))}); install "
            "'vapi-server-sdk>=1.9,<4'"
        ) from None


def _check_sdk() -> None:
    try:
        spec = importlib.util.find_spec("vapi")
    except ValueError:  # a module that somebody has put together by hand
        return
    if spec is None:
        raise SettingsError("Vapi's SDK is not installed; install 'vapi-server-sdk>=1.9,<4'")
    folders = list(spec.submodule_search_locations or ())
    if any(os.path.isfile(os.path.join(folder, "core", "client_wrapper.py")) for folder in folders):
        return
    own = spec.origin or (folders[0] if folders else "vapi")
    raise SettingsError(f"{own} hides Vapi's SDK, whose name is vapi too; rename it")


def _open(api_key: str, base_url: str, timeout: float) -> Any:
    wrapper = import_sdk("vapi.core.client_wrapper").AsyncClientWrapper
    import httpx

    try:
        # A redirect would take the key, or make a GET of a POST.
        client = httpx.AsyncClient(timeout=timeout, follow_redirects=False)
    except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        raise SettingsError(
            f"no connection can be made ({type(error).__name__}): look at HTTPS_PROXY, HTTP_PROXY, "
            "ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR in the environment"
        ) from None
    return wrapper(token=api_key, base_url=base_url, timeout=timeout, httpx_client=client)


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
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise SettingsError("VAPI_BASE_URL must be a URL, such as https://api.vapi.ai")
    return base_url.rstrip("/")


def _wait(headers: Mapping[str, str], attempt: int) -> float:
    try:
        asked_for = float(headers.get("retry-after", ""))
    except ValueError:
        asked_for = -1.0
    return min(asked_for if asked_for >= 0 else 2.0 ** (attempt - 1), _MAX_WAIT)


def _reason(content: Any, phrase: str) -> str:
    """What Vapi says: one text, or a list of them."""
    message: Any = content
    if isinstance(content, Mapping):
        content = cast("Mapping[str, Any]", content)
        message = content.get("message") or content.get("error")
    if isinstance(message, list):
        message = "; ".join(str(text) for text in cast("list[object]", message))
    text = _one_line(message) if isinstance(message, str) else ""
    return text[:_MAX_REASON] or phrase or "no reason given"


def _hint(status: int, was_done: bool) -> str:
    if status >= 500:
        later = "Vapi has a problem; run it again in a while"
        return f"{later}, but look first whether it was done" if was_done else later
    if 300 <= status < 400:
        return "a redirect, which is not followed; is VAPI_BASE_URL right?"
    return _HINTS.get(status, "")


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
