"""Several verifiers as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import AuthenticationError, SettingsError
from ._delivery import Delivery, Verifier, delivery_headers

_NOTHING: Mapping[str, Any] = {}


class AnyOf:
    """Lets in whom one of the verifiers lets in, such as two credentials side by side.

    Args:
        verifiers: Asked in this order.

    Raises:
        SettingsError: There is none, or something is no verifier.
    """

    def __init__(self, *verifiers: Verifier) -> None:
        self._verifiers = _checked("AnyOf", verifiers)

    async def verify(self, delivery: Delivery) -> None:
        """See `Verifier.verify`."""
        reasons: list[str] = []
        for verifier in self._verifiers:
            try:
                return await _ask(verifier, delivery)
            except AuthenticationError as error:
                reasons.append(f"{type(verifier).__name__}: {error}")
        raise AuthenticationError("; ".join(reasons))

    def server_fields(self) -> Mapping[str, Any]:
        """What Vapi's `server` object needs so that one of the verifiers lets it in."""
        found = filter(None, map(_fields, self._verifiers))
        return next(found, _NOTHING)

    def delivery_headers(self, url: str, body: bytes) -> Mapping[str, str] | None:
        """The headers of a POST that one of the verifiers lets in; None when only Vapi can."""
        made = (delivery_headers(verifier, url, body) for verifier in self._verifiers)
        return next((headers for headers in made if headers is not None), None)

    def __repr__(self) -> str:
        return f"AnyOf({', '.join(map(repr, self._verifiers))})"


class AllOf:
    """Lets in whom all of the verifiers let in, such as `AllOf(OnlyFrom(), SharedSecret(…))`.

    Args:
        verifiers: Asked in this order, so put first what costs least.

    Raises:
        SettingsError: There is none, or something is no verifier.
    """

    def __init__(self, *verifiers: Verifier) -> None:
        self._verifiers = _checked("AllOf", verifiers)

    async def verify(self, delivery: Delivery) -> None:
        """See `Verifier.verify`."""
        for verifier in self._verifiers:
            try:
                await _ask(verifier, delivery)
            except AuthenticationError as error:
                raise AuthenticationError(f"{type(verifier).__name__}: {error}") from None

    def server_fields(self) -> Mapping[str, Any]:
        """What Vapi's `server` object needs so that all of the verifiers let it in."""
        merged: dict[str, Any] = {}
        for verifier in self._verifiers:
            merged.update(_fields(verifier))
        return merged

    def delivery_headers(self, url: str, body: bytes) -> Mapping[str, str] | None:
        """The headers of a POST that all of the verifiers let in; None when only Vapi can."""
        merged: dict[str, str] = {}
        for verifier in self._verifiers:
            made = delivery_headers(verifier, url, body)
            if made is None or not _fit(made, merged):
                return None
            merged.update(made)
        return merged

    def __repr__(self) -> str:
        return f"AllOf({', '.join(map(repr, self._verifiers))})"


def _checked(owner: str, verifiers: tuple[Verifier, ...]) -> tuple[Verifier, ...]:
    if not verifiers:
        raise SettingsError(f"{owner} needs at least one verifier")
    for verifier in verifiers:
        if isinstance(verifier, type) or not hasattr(verifier, "verify"):
            raise SettingsError(
                f"{owner} takes verifiers, one after the other, such as SharedSecret(…); "
                f"it got a {type(verifier).__name__}"
            )
    return verifiers


def _fit(headers: Mapping[str, str], others: Mapping[str, str]) -> bool:
    # One header cannot come twice.
    return all(others.get(name, value) == value for name, value in headers.items())


async def _ask(verifier: Any, delivery: Delivery) -> None:
    # A verifier of the user's own may answer with a bool; taken for None, it lets everybody in.
    if await verifier.verify(delivery) is False:
        raise AuthenticationError("it returned False; a verifier raises AuthenticationError")


def _fields(verifier: Verifier) -> Mapping[str, Any]:
    # A verifier of the user's own need not have them.
    server_fields = getattr(verifier, "server_fields", None)
    return server_fields() if server_fields else _NOTHING
