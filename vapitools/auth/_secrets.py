"""Secrets that both sides know."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import AuthenticationError, SettingsError
from ._delivery import Delivery
from ._headers import SIGNATURES, TOKENS, came_instead, header_name, required

_IS_SIGNED = dict.fromkeys(SIGNATURES, "is the credential at Vapi an HMAC one?")
_OTHER_HEADER = dict.fromkeys(TOKENS, "is header right?") | _IS_SIGNED


class SharedSecret:
    """A secret that both sides know, as `X-Vapi-Secret: …` or `Authorization: Bearer …`.

    Vapi sends the first for `server.secret`, the second for a bearer credential.

    Args:
        secrets: One, or several while a secret is being rotated. Not empty.

    Raises:
        SettingsError: No secret was given, or an empty one, which would let everybody in.
    """

    def __init__(self, *secrets: str) -> None:
        self._secrets = _sendable("SharedSecret", secrets)

    async def verify(self, delivery: Delivery) -> None:
        """See `Verifier.verify`."""
        sent = delivery.header(b"x-vapi-secret")
        authorization = delivery.header(b"authorization")
        candidates = [value for value in (sent, bearer(authorization)) if value]
        if not candidates:
            raise AuthenticationError(_why_nothing(delivery, sent, authorization))
        if not _any_fits(candidates, self._secrets):
            name = "x-vapi-secret" if sent else "authorization"
            raise AuthenticationError(f"the secret in the header {name} is not ours")

    def server_fields(self) -> Mapping[str, Any]:
        """What Vapi's `server` object needs so that this verifier lets it in."""
        return {"secret": self._secrets[0].decode()}

    def delivery_headers(self, url: str, body: bytes) -> Mapping[str, str]:
        """The headers of a POST of this body to this URL that this verifier lets in."""
        return {"x-vapi-secret": self._secrets[0].decode()}

    def __repr__(self) -> str:
        return f"SharedSecret({len(self._secrets)} secrets)"


class BearerToken:
    """A token in a header of your choice: Vapi's bearer credential.

    Args:
        tokens: One, or several while a token is being rotated. Not empty.
        header: The header that it comes in, `headerName` at Vapi.
        prefix: Whether `Bearer ` stands before it, `bearerPrefixEnabled` at Vapi.
        credential_id: The id of the credential at Vapi, for assistants returned inline.

    Raises:
        SettingsError: No token was given, or one that cannot be used; `header` is none.
    """

    def __init__(
        self,
        *tokens: str,
        header: str = "Authorization",
        prefix: bool = True,
        credential_id: str | None = None,
    ) -> None:
        self._tokens = _sendable("BearerToken", tokens)
        self._header = header_name("BearerToken", "header", header)
        self._prefix = prefix
        self._credential_id = credential_id

    async def verify(self, delivery: Delivery) -> None:
        """See `Verifier.verify`."""
        value = required(delivery, self._header, _OTHER_HEADER)
        prefixed = bearer(value)
        token = prefixed if self._prefix else value
        if not token:
            name = self._header.decode()
            raise AuthenticationError(f"the header {name} is no bearer token: is prefix right?")
        if not _any_fits([token], self._tokens):
            name = self._header.decode()
            hint = "" if self._prefix or prefixed is None else ": it begins with Bearer, set prefix"
            raise AuthenticationError(f"the token in the header {name} is not ours{hint}")

    def server_fields(self) -> Mapping[str, Any]:
        """What Vapi's `server` object needs so that this verifier lets it in."""
        return credential_fields(self._credential_id)

    def delivery_headers(self, url: str, body: bytes) -> Mapping[str, str]:
        """The headers of a POST of this body to this URL that this verifier lets in."""
        prefix = "Bearer " if self._prefix else ""
        return {self._header.decode(): prefix + self._tokens[0].decode()}

    def __repr__(self) -> str:
        return f"BearerToken({len(self._tokens)} tokens, header={self._header.decode()!r})"


def bearer(authorization: bytes | None) -> bytes | None:
    """The token behind `Bearer`; None when the header is something else."""
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None


def credential_fields(credential_id: str | None) -> Mapping[str, Any]:
    """What refers to a credential in Vapi's `server` object."""
    return {"credentialId": credential_id} if credential_id else {}


def cleaned(owner: str, secrets: Sequence[str]) -> list[str]:
    """Secrets without the blanks and line breaks around them, which a file or a header adds.

    Raises:
        SettingsError: There is none, or an empty one.
    """
    # The type hint does not stop `os.environ.get(…)`, and this must be said clearly.
    if not secrets or not all(isinstance(s, str) and s.strip() for s in secrets):
        raise SettingsError(f"{owner} got an empty secret; set the variable that it is read from")
    return [secret.strip() for secret in secrets]


def _sendable(owner: str, secrets: Sequence[str]) -> tuple[bytes, ...]:
    stripped = cleaned(owner, secrets)
    if not all(secret.isascii() and secret.isprintable() for secret in stripped):
        raise SettingsError(
            f"{owner} got a secret that no header can carry; "
            "use letters, digits and signs of ASCII, on one line"
        )
    return tuple(secret.encode() for secret in stripped)


def _any_fits(candidates: Sequence[bytes], secrets: Sequence[bytes]) -> bool:
    fits = False
    for candidate in candidates:
        for secret in secrets:
            # All are compared, so that the time does not tell which one fits.
            fits |= hmac.compare_digest(candidate, secret)
    return fits


def _why_nothing(delivery: Delivery, sent: bytes | None, authorization: bytes | None) -> str:
    if authorization is not None:
        return "the header authorization is no bearer token"
    if sent is None:
        missing = "there is neither a header x-vapi-secret nor authorization"
    else:
        missing = "the header x-vapi-secret is empty: no secret is set on this server at Vapi"
    return missing + came_instead(delivery, b"x-vapi-secret", _IS_SIGNED)
