"""What a verifier gets to see, and what it has to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from ..errors import AuthenticationError


class Delivery:
    """One request as it came in, for verifiers.

    Attributes:
        method: The HTTP method, upper case.
        headers: Names in lower case, and values, as received; a name can come twice.
    """

    __slots__ = ("_body", "_client", "_path", "_scheme", "_values", "headers", "method")

    def __init__(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes | Callable[[], Awaitable[bytes]] = b"",
        *,
        scheme: str = "https",
        client: str | None = None,
    ) -> None:
        self.method = method
        self.headers = headers
        self._path = path
        self._scheme = scheme
        self._client = client
        self._body = body
        self._values = dict(headers)

    @property
    def path(self) -> str:
        """The path as it was sent, with the query string when there is one."""
        return self._path

    @property
    def scheme(self) -> str:
        """`http` or `https`, as far as the server knows."""
        return self._scheme

    @property
    def client(self) -> str | None:
        """The address of whoever has connected; None when unknown."""
        return self._client

    async def body(self) -> bytes:
        """The raw bytes. They are received when they are first asked for.

        Raises:
            WebhookError: The body is too large, or comes too slowly.
        """
        if not isinstance(self._body, bytes):
            self._body = await self._body()
        return self._body

    def header(self, name: bytes) -> bytes | None:
        """The value of a header, or None when it is missing.

        Raises:
            AuthenticationError: The header came more than once: none of the two can be trusted.
        """
        value = self._values.get(name)
        # Most requests hold no header twice, and are seen at once to hold none.
        if value is not None and len(self._values) < len(self.headers):
            count = sum(key == name for key, _ in self.headers)
            if count > 1:
                raise AuthenticationError(f"the header {name.decode()} came {count} times")
        return value

    def __repr__(self) -> str:
        return f"Delivery({self.method} {self.path!r})"


class Verifier(Protocol):
    """Decides whether a request comes from Vapi."""

    async def verify(self, delivery: Delivery) -> None:
        """Return when the sender is known.

        Whoever is refused before `delivery.body()` was awaited costs no more than the headers.

        Raises:
            AuthenticationError: It is not. The text is for our own log and holds no secret.
        """
        ...


@runtime_checkable
class _MakesHeaders(Protocol):
    def delivery_headers(self, url: str, body: bytes) -> Mapping[str, str] | None: ...


def delivery_headers(verifier: Verifier, url: str, body: bytes) -> Mapping[str, str] | None:
    """The headers of a POST that a verifier lets in; None when only Vapi can make them.

    A verifier of your own takes part when it has a method `delivery_headers(url, body)`.

    Args:
        verifier: Who is to let it in.
        url: Where the body is posted to.
        body: The body, byte for byte.
    """
    if isinstance(verifier, _MakesHeaders):
        return verifier.delivery_headers(url, body)
    return None
