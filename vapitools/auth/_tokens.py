"""Checks an issuer's tokens, with its public keys. Needs the extra `crypto`.

Loaded only when an `OAuth2` is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

from jwt import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWK,
    PyJWTError,
    decode,
    get_unverified_header,
)
from jwt.algorithms import has_crypto

from ..errors import AuthenticationError

if not has_crypto:
    raise ImportError("cryptography is not installed")

logger = logging.getLogger("vapitools")

LIFETIME = 3600.0
# A key that the issuer has revoked must not live on for as long as nothing can be fetched.
LONGEST_AGE = 24 * 3600.0
# No stranger can cause more fetches than one in this time.
COOL_DOWN = 30.0
COOL_DOWN_WITHOUT_KEYS = 1.0
# The shortest time that Vapi waits for an answer is 7.5 s.
TIMEOUT = 4.0
MAX_BYTES = 512 * 1024

Keys = Mapping[tuple[str, str], Any]

_REASONS: dict[type[PyJWTError], str] = {
    ExpiredSignatureError: "the token has expired",
    ImmatureSignatureError: "the token is not valid yet: is a clock wrong?",
    InvalidAudienceError: "the token is for another audience: is audience right?",
    InvalidIssuerError: "the token is from another issuer: is issuer right, with a / at its end?",
    InvalidSignatureError: "the signature of the token does not fit the key that it names",
    MissingRequiredClaimError: "the token lacks one of exp, iss and aud",
}


class Issuer:
    """Whoever signs the tokens.

    Args:
        jwks_url: Where its public keys are.
        issuer: The `iss` of its tokens.
        audiences: One of them has to be in `aud`.
        algorithms: What it may sign with.
        leeway: Seconds that clocks may differ.
    """

    def __init__(
        self,
        jwks_url: str,
        issuer: str,
        audiences: Sequence[str],
        algorithms: Sequence[str],
        leeway: float,
    ) -> None:
        self._keys = KeySet(jwks_url, algorithms)
        self._issuer = issuer
        self._audiences = audiences
        self._algorithms = algorithms
        self._leeway = leeway

    async def claims(self, token: bytes) -> dict[str, Any]:
        """What the token says, once it is known to be valid.

        Raises:
            AuthenticationError: It is not.
        """
        try:
            kid, algorithm = self._named(get_unverified_header(token))
            key = await self._keys.get(kid, algorithm)
            return self._decoded(token, key, algorithm)
        except PyJWTError as error:
            reason = _REASONS.get(type(error), "the header authorization holds no readable token")
            raise AuthenticationError(reason) from None

    def _named(self, header: Mapping[str, Any]) -> tuple[str, str]:
        """The key and the algorithm that a token names. Nothing of it can be trusted yet."""
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in self._algorithms:
            raise AuthenticationError(
                "the token is signed with an algorithm that is not in algorithms"
            )
        if not isinstance(kid, str):
            raise AuthenticationError("the token does not name its key (kid)")
        return kid, str(algorithm)

    def _decoded(self, token: bytes, key: Any, algorithm: str) -> dict[str, Any]:
        return decode(
            token,
            key,
            algorithms=[algorithm],
            audience=self._audiences,
            issuer=self._issuer,
            leeway=self._leeway,
            options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
        )


class KeySet:
    """The public keys of an issuer, fetched when they are needed.

    Args:
        url: Where they are.
        algorithms: What they may be used with.
    """

    def __init__(self, url: str, algorithms: Sequence[str]) -> None:
        self._url = url
        self._algorithms = algorithms
        self._keys: Keys = {}
        self._fetched = self._next_fetch = float("-inf")
        self._lock = threading.Lock()
        self._fetching: Future[None] | None = None

    async def get(self, kid: str, algorithm: str) -> Any:
        """The key of that id, for that algorithm.

        Raises:
            AuthenticationError: There is none.
        """
        if (kid, algorithm) not in self._keys or self._age() > LIFETIME:
            await self._refresh()
        keys = self._trusted()
        key = keys.get((kid, algorithm))
        if key is not None:
            return key
        if not keys:
            raise AuthenticationError("the keys of the issuer could not be fetched from jwks_url")
        raise AuthenticationError("the token names a key that the issuer does not show at jwks_url")

    def _age(self) -> float:
        return time.monotonic() - self._fetched

    def _trusted(self) -> Keys:
        return self._keys if self._age() <= LONGEST_AGE else {}

    async def _refresh(self) -> None:
        """Fetch the keys, or wait for whoever is fetching them; not again right after the last."""
        with self._lock:
            fetching = self._fetching
            if fetching is None and time.monotonic() >= self._next_fetch:
                fetching = self._start()
        if fetching is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.wrap_future(fetching), TIMEOUT)

    def _start(self) -> Future[None]:
        """Fetch them in a thread of its own, for every event loop there is."""
        fetching: Future[None] = Future()
        # Whoever stops waiting must not cancel it for the others.
        fetching.set_running_or_notify_cancel()
        threading.Thread(target=self._fetch, args=(fetching,), daemon=True).start()
        self._fetching = fetching
        return fetching

    def _fetch(self, fetching: Future[None]) -> None:
        try:
            self._keys = _usable(_downloaded(self._url), self._algorithms)
            self._fetched = time.monotonic()
        # An issuer can answer anything.
        except (OSError, ValueError, RecursionError, HTTPException) as error:
            host = urlsplit(self._url).hostname
            what = "the old keys are kept" if self._trusted() else "nobody can be let in"
            logger.warning("cannot fetch the keys from %s (%s); %s", host, error, what)
        finally:
            with self._lock:
                wait = COOL_DOWN if self._trusted() else COOL_DOWN_WITHOUT_KEYS
                self._next_fetch = time.monotonic() + wait
                self._fetching = None
            fetching.set_result(None)


class _NoRedirect(HTTPRedirectHandler):
    """Elsewhere may be without TLS."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _downloaded(url: str) -> Any:
    """The JSON at a URL.

    Raises:
        OSError, HTTPException: It cannot be reached, or not in time.
        ValueError: It is too large, or no JSON.
    """
    deadline = time.monotonic() + TIMEOUT
    # What is on this machine is not behind a proxy.
    local = [ProxyHandler({})] if url.startswith("http://") else []
    with build_opener(_NoRedirect, *local).open(url, timeout=TIMEOUT) as answer:
        received = b""
        while chunk := answer.read1(MAX_BYTES):
            received += chunk
            if len(received) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not whole after {TIMEOUT:g} seconds")
    return json.loads(received)


def _usable(answer: Any, algorithms: Sequence[str]) -> Keys:
    """The keys that can be used, by their id and algorithm.

    Raises:
        ValueError: There is none.
    """
    found: dict[tuple[str, str], Any] = {}
    for key in _listed(answer):
        for algorithm in algorithms:
            if (public := _public_key(key, algorithm)) is not None:
                found[key["kid"], algorithm] = public
    if not found:
        raise ValueError("it shows no key that can be used with " + ", ".join(algorithms))
    return found


def _listed(answer: Any) -> list[dict[str, Any]]:
    try:
        return [key for key in answer["keys"] if isinstance(key, dict)]
    except (KeyError, TypeError):
        return []


def _public_key(key: dict[str, Any], algorithm: str) -> Any:
    """The key for that algorithm; None when it is not meant for it."""
    is_meant = key.get("alg", algorithm) == algorithm and key.get("use", "sig") == "sig"
    if not is_meant or not isinstance(key.get("kid"), str):
        return None
    try:
        return PyJWK(key, algorithm).key
    except PyJWTError:
        return None
