"""Tokens that an issuer has signed: Vapi's OAuth 2.0 credential."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import AuthenticationError, SettingsError
from ._delivery import Delivery
from ._headers import SIGNATURES, required
from ._secrets import bearer, credential_fields

if TYPE_CHECKING:
    from ._tokens import Issuer

# With these, whoever knows the public key can check a token, and nobody can make one.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "ES256K", "EdDSA"),
)
_MAX_BYTES = 16 * 1024

_OTHER_HEADER = {
    b"x-vapi-secret": "does this server have its OAuth 2.0 credential at Vapi?",
    **dict.fromkeys(SIGNATURES, "is the credential at Vapi an HMAC one?"),
}


class OAuth2:
    """A token (JWT) that Vapi fetches from your issuer: Vapi's OAuth 2.0 credential.

    The issuer's public keys are fetched when the first token comes, kept for an hour, and fetched
    again when a token names a key that is not among them. Each token has to name its key (`kid`).

    Args:
        jwks_url: Where the issuer shows its public keys (JWKS). `https`, but on this machine.
        issuer: The `iss` of the tokens, letter by letter.
        audience: The `aud` of the tokens; with several, one has to be there.
        algorithms: What the tokens may be signed with. Public-key algorithms only.
        leeway: How many seconds the clocks of the issuer and of this server may differ.
        claims: Other claims that a token has to have, such as `{"azp": "the client's id"}`. A
            value fits that is equal, or that stands in a list or among the words of `scope`.
        credential_id: The id of the credential at Vapi, for assistants returned inline.

    Raises:
        SettingsError: Something cannot be used, or the extra `crypto` is not installed.
    """

    def __init__(
        self,
        jwks_url: str,
        *,
        issuer: str,
        audience: str | Sequence[str],
        algorithms: Sequence[str] = ("RS256",),
        leeway: float = 30,
        claims: Mapping[str, Any] | None = None,
        credential_id: str | None = None,
    ) -> None:
        _check_url(jwks_url)
        self._issuer = _issuer(
            jwks_url,
            _texts("issuer", issuer)[0],
            _texts("audience", audience),
            _public_key_algorithms(algorithms),
            leeway,
        )
        self._claims = dict(claims or {})
        self._credential_id = credential_id
        self._shown = f"OAuth2(issuer={issuer!r})"

    async def verify(self, delivery: Delivery) -> None:
        """See `Verifier.verify`."""
        token = bearer(required(delivery, b"authorization", _OTHER_HEADER))
        if not token:
            raise AuthenticationError("the header authorization is no bearer token")
        if len(token) > _MAX_BYTES:
            raise AuthenticationError(f"the token is larger than {_MAX_BYTES} bytes")
        came = await self._issuer.claims(token)
        for name, wanted in self._claims.items():
            if not _fits(name, came.get(name), wanted):
                raise AuthenticationError(f"the claim {name!r} of the token is not the wanted one")

    def server_fields(self) -> Mapping[str, Any]:
        """What Vapi's `server` object needs so that this verifier lets it in."""
        return credential_fields(self._credential_id)

    def __repr__(self) -> str:
        return self._shown


def _issuer(
    jwks_url: str,
    issuer: str,
    audiences: Sequence[str],
    algorithms: Sequence[str],
    leeway: float,
) -> Issuer:
    try:
        # PyJWT and cryptography take 50 ms to load, and most servers need neither.
        from ._tokens import Issuer
    except ImportError as error:
        raise SettingsError(
            "OAuth2 needs PyJWT and cryptography: pip install 'vapitools[crypto]'"
        ) from error
    return Issuer(jwks_url, issuer, audiences, algorithms, leeway)


def _check_url(url: str) -> None:
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    if parts.hostname and parts.scheme == "https":
        return
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        # Whoever can change the keys on their way can sign.
        raise SettingsError("OAuth2: jwks_url must begin with https://")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _texts(option: str, value: str | Sequence[str]) -> Sequence[str]:
    texts = (value,) if isinstance(value, str) else tuple(value or ())
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise SettingsError(f"OAuth2: {option} is empty")
    return texts


def _public_key_algorithms(algorithms: Sequence[str]) -> Sequence[str]:
    names = _texts("algorithms", algorithms)
    for name in names:
        if name not in ALGORITHMS:
            known = ", ".join(ALGORITHMS)
            raise SettingsError(f"OAuth2: algorithms has {name!r}, which is none of {known}")
    return names


def _fits(name: str, came: Any, wanted: Any) -> bool:
    if name == "scope" and isinstance(came, str):
        came = came.split()
    return came == wanted or (isinstance(came, list) and wanted in came)
