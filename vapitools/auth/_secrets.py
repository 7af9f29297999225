"""Secrets that both sides know."""

from __future__ import annotations

import hmac

from ..errors import AuthenticationError, SettingsError
from ._delivery import Delivery


class SharedSecret:
    """A secret that both sides know, as `X-Vapi-Secret: …` or `Authorization: Bearer …`.

    Vapi sends the first for `server.secret`, the second for a bearer credential.

    Args:
        secrets: One, or several while a secret is being rotated. Not empty.

    Raises:
        SettingsError: No secret was given, or an empty one, which would let everybody in.
    """

    def __init__(self, *secrets: str) -> None:
        # The type hint does not stop `os.environ.get(…)`, and this must be said clearly.
        if not secrets or not all(isinstance(s, str) and s.strip() for s in secrets):
            raise SettingsError(
                "SharedSecret got an empty secret; set the variable that it is read from"
            )
        # A header arrives without the blanks and line breaks around it.
        stripped = [secret.strip() for secret in secrets]
        if not all(secret.isascii() and secret.isprintable() for secret in stripped):
            raise SettingsError(
                "SharedSecret got a secret that no header can carry; "
                "use letters, digits and signs of ASCII, on one line"
            )
        self._secrets = tuple(secret.encode() for secret in stripped)

    async def verify(self, delivery: Delivery) -> None:
        """See `Verifier.verify`."""
        sent = delivery.header(b"x-vapi-secret")
        authorization = delivery.header(b"authorization")
        candidates = [value for value in (sent, _bearer(authorization)) if value]
        if not candidates:
            raise AuthenticationError(_why_nothing(sent, authorization))
        matches = [hmac.compare_digest(c, s) for c in candidates for s in self._secrets]
        if not any(matches):
            name = "x-vapi-secret" if sent else "authorization"
            raise AuthenticationError(f"the secret in the header {name} is not ours")

    def __repr__(self) -> str:
        return f"SharedSecret({len(self._secrets)} secrets)"


def _bearer(authorization: bytes | None) -> bytes | None:
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None


def _why_nothing(sent: bytes | None, authorization: bytes | None) -> str:
    if authorization is not None:
        return "the header authorization is no bearer token"
    if sent is not None:
        return "the header x-vapi-secret is empty: no secret is set on this server at Vapi"
    return "there is neither a header x-vapi-secret nor authorization"
