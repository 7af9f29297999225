"""What Vapi is told of this server, in an assistant that is not stored there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from starlette.types import Scope

from .auth import Verifier
from .errors import ResultError
from .events import Events
from .toolset import Toolset

if TYPE_CHECKING:
    from .assistants import Assistant

_HOST = re.compile(rb"[A-Za-z0-9._:\[\]-]+")


@runtime_checkable
class _NamesServerFields(Protocol):
    def server_fields(self) -> Mapping[str, Any]: ...


def server_fields(auth: Verifier | None) -> Mapping[str, Any]:
    """What makes Vapi pass a verifier: `secret` or `credentialId`, if it knows."""
    return auth.server_fields() if isinstance(auth, _NamesServerFields) else {}


class Site:
    """Defines assistants that live here and are not stored at Vapi."""

    def __init__(
        self, toolset: Toolset, events: Events, url: str | None, server: Mapping[str, Any]
    ) -> None:
        self._toolset = toolset
        self._events = events
        self._url = url
        self._server = server

    def inline(self, scope: Scope, assistant: Assistant) -> dict[str, Any]:
        """The assistant with this server's address, secret and tools.

        Raises:
            ResultError: It has a tool that is not served here.
        """
        strangers = [tool.name for tool in assistant.tools or () if tool.name not in self._toolset]
        if strangers:
            raise ResultError(f"the router has no tools {', '.join(strangers)}")
        return assistant.definition(
            base_url=self._url or _called_url(scope),
            server=self._server,
            tools=self._toolset,
            server_messages=self._events.server_messages,
        )


def _called_url(scope: Scope) -> str:
    """The address that Vapi has called, up to our own paths.

    Headers say it: whoever forges them is let in already, and gets back what was forged.
    """
    headers = dict(scope["headers"])
    host = headers.get(b"x-forwarded-host") or headers.get(b"host") or b"localhost"
    scheme = headers.get(b"x-forwarded-proto") or scope.get("scheme", "http").encode()
    if not _HOST.fullmatch(_first(host)) or _first(scheme) not in (b"http", b"https"):
        raise ResultError("the request does not say under which address it came; set VAPITOOLS_URL")
    address = b"%s://%s%s" % (_first(scheme), _first(host), scope.get("root_path", "").encode())
    return address.decode("latin-1")


def _first(value: bytes) -> bytes:
    return value.partition(b",")[0].strip()
