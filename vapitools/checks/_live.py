"""Whether the server is there, and whom it lets in, seen from outside."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..auth import Verifier, delivery_headers
from ._finding import Finding

if TYPE_CHECKING:
    import httpx

_SECONDS = 10
_SLOW_SECONDS = 1.0

# It holds no message, so that neither a tool nor a handler runs.
_NOTHING = b"{}"
_JSON = {"content-type": "application/json"}

# What stands before a server answers so when there is nothing behind it.
_GATEWAY = (502, 503, 504, 530)


async def probe(url: str, verifier: Verifier | None = None) -> list[Finding]:
    """Find out whether a server is reached at a URL, and whom it lets in.

    No tool and no handler of events runs there.

    Args:
        url: Where the router is reached from outside.
        verifier: Who is let in there. Without it, only strangers are tried.
    """
    import httpx

    url = url.rstrip("/")
    found = list(_local(url))
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            found += await _reach(client, url)
            if not any(finding.level == "error" for finding in found):
                found += await _knock(client, url, verifier)
    # The last three: a proxy or a certificate of the environment cannot be used.
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        found.append(Finding("unreachable", url, _why(error, _host(url))))
    return found


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _local(url: str) -> Iterator[Finding]:
    host = _host(url)
    try:
        is_local = not ipaddress.ip_address(host).is_global
    except ValueError:
        is_local = f".{host}".endswith((".localhost", ".local", ".internal"))
    if is_local:
        yield Finding(
            "local-url", url, f"Vapi cannot reach {host}; give the server a public address"
        )
    elif url.startswith("http://"):
        yield Finding("not-encrypted", url, "the secret can be read on the way; use https://")


# --- is it there? -------------------------------------------------------------------------


_WHERE = "give the address of the router, with the path that it is mounted at"


async def _reach(client: httpx.AsyncClient, url: str) -> list[Finding]:
    answer = await client.get(f"{url}/health")
    if problem := _health_problem(answer):
        code, text = problem
        return [Finding(code, url, text)]
    seconds = answer.elapsed.total_seconds()
    if seconds > _SLOW_SECONDS:
        return [Finding("slow", url, f"it took {seconds * 1000:.0f} ms to answer; a caller waits")]
    return []


def _health_problem(answer: httpx.Response) -> tuple[str, str] | None:
    status = answer.status_code
    if answer.is_redirect:
        target = answer.headers.get("location", "")[:200]
        return "redirect", f"it leads on to {target!r}, and Vapi follows no redirect; give that"
    if status in _GATEWAY:
        return "unreachable", f"the proxy or tunnel there answers {status}; is the server up?"
    if "html" in answer.headers.get("content-type", ""):
        return "other-app", f"a web page is there (status {status}); {_WHERE}"
    if status != 200 or not _is_healthy(answer):
        return "other-app", f"GET /health is answered with {status} by another app; {_WHERE}"
    return None


def _is_healthy(answer: httpx.Response) -> bool:
    try:
        return bool(answer.json() == {"status": "ok"})
    except ValueError:
        return False


def _why(error: Exception, host: str) -> str:
    import httpx

    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"there is no host {host!r}; is it spelt right, and is the tunnel up?"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "nothing listens there; is the server up?"
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return f"its TLS or its certificate is refused, and so by Vapi: {cause.reason}"
    if isinstance(error, httpx.TimeoutException):
        return f"there was no answer within {_SECONDS} seconds"
    return f"it cannot be asked ({type(error).__name__}); are it and the proxy variables right?"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        # Of several addresses of a host, each has failed.
        for inner in getattr(error, "exceptions", ()):
            yield from _causes(inner)
        error = error.__cause__ or error.__context__


# --- whom does it let in? -----------------------------------------------------------------


async def _knock(client: httpx.AsyncClient, url: str, verifier: Verifier | None) -> list[Finding]:
    status = await _post(client, url, {})
    if status == 200:
        code, text = (
            "open-server",
            "it lets everybody in, so that everybody can call the tools; set VAPI_SERVER_SECRET "
            "where it runs",
        )
    elif status != 401:
        code, text = "other-app", f"POST /webhook is answered with {status}; {_WHERE}"
    else:
        return await _show_credential(client, url, verifier)
    return [Finding(code, url, text)]


async def _show_credential(
    client: httpx.AsyncClient, url: str, verifier: Verifier | None
) -> list[Finding]:
    webhook = f"{url}/webhook"
    headers = delivery_headers(verifier, webhook, _NOTHING) if verifier else None
    if headers is None:
        why = (
            "no secret is set here; set the one that the server has"
            if verifier is None
            else "what it asks for can be made by Vapi alone"
        )
        return [Finding("not-checked", url, f"whether it lets Vapi in was not tried: {why}")]
    status = await _post(client, url, headers)
    if status == 200:
        return []
    return [
        Finding(
            "wrong-secret",
            url,
            f"it refuses the secret that is set here (status {status}); set the same one there",
        )
    ]


async def _post(client: httpx.AsyncClient, url: str, headers: Mapping[str, str]) -> int:
    answer = await client.post(f"{url}/webhook", content=_NOTHING, headers={**_JSON, **headers})
    return answer.status_code
