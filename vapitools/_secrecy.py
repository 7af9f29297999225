"""Which values of Vapi's objects are secret, and how they are kept out of what people read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, quote_plus

MASK = "•••"

# Such as secret, apiKey, authToken, clientSecret; not maxTokens, credentialId, publicKey.
_SECRET_KEY = re.compile(
    r"(secrets?|passwords?|passphrase|token|connection_?string|^authorization"
    r"|(api|private|secret|access|signing|subscription|openai)[_-]?key)$",
    re.IGNORECASE,
)
# What belongs to another server: anything in it can be what proves the sender.
_SECRET_HOLDERS = frozenset({"headers", "sipHeaders", "environmentVariables"})
# The headers of some tools are a schema: these say what their values look like.
_OF_A_SCHEMA = frozenset({"type", "format", "required", "description"})
_URL = re.compile(r"(https?|wss?)://\S+", re.IGNORECASE)
# A user, the values of a query, and what is long and has a digit, as a token has.
_IN_URL = re.compile(
    r"(?<=://)[^/?#@]+(?=@)|(?<==)[^&#]+|(?<=/)(?=[^/?#]*[0-9])[\w-]{20,}", re.ASCII
)
# Shorter ones would be found within ordinary words.
_MIN_LENGTH = 4


def is_secret(key: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _SECRET_KEY.search(key) is not None


def is_secret_holder(key: str) -> bool:
    """Whether each text in a field of this name can be a secret."""
    return key in _SECRET_HOLDERS


def secrets_in(value: object) -> list[str]:
    """Every text in an object of the API's that is a secret."""
    found: list[str] = []
    mapped(value, found.append)
    return found


def mapped(
    value: Any,
    change: Callable[[str], Any],
    other: Callable[[str], Any] = str,
    *,
    inside: bool = False,
) -> Any:
    """The same object with each secret text changed, and each other text by `other`."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value)
        return {
            key: mapped(item, change, other, inside=_is_inside(items, key, inside))
            for key, item in items.items()
        }
    if isinstance(value, (list, tuple)):
        each = cast("Sequence[Any]", value)
        return [mapped(item, change, other, inside=inside) for item in each]
    if not isinstance(value, str):
        return value
    return change(value) if inside and value else other(value)


def masked(value: Any, *, inside: bool = False) -> Any:
    """The same object with a mask in the place of each secret, and of what can be one in a URL."""
    return mapped(value, lambda _: MASK, _url_masked, inside=inside)


def _url_masked(text: str) -> str:
    return _IN_URL.sub(MASK, text) if _URL.fullmatch(text) else text


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with a mask wherever one of the secrets stands, in any of its spellings."""
    spelled = {spelling for secret in secrets if secret.strip() for spelling in _spellings(secret)}
    if not spelled:
        return text
    # The longest first, for one secret can be the beginning of another.
    patterns = map(_pattern, sorted(spelled, key=len, reverse=True))
    return re.sub("|".join(patterns), MASK, text)


def _is_inside(holder: Mapping[str, Any], key: str, inside: bool) -> bool:
    """Whether the texts of this field are secret."""
    if inside and key in _OF_A_SCHEMA and "type" in holder:
        return False
    # As a tool's static parameters: {"key": "apiKey", "value": "…"}.
    names = (holder.get("key"), holder.get("name"))
    is_named = key == "value" and any(is_secret(str(name)) for name in names)
    return inside or is_named or is_secret(str(key)) or is_secret_holder(key)


def _spellings(secret: str) -> Iterator[str]:
    """As it is, on one line, within JSON, and within a URL."""
    yield from (secret, secret.strip(), " ".join(secret.split()))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (repr(secret)[1:-1], quote(secret, "", errors="replace"))
    yield from (quote(secret, errors="replace"), quote_plus(secret, errors="replace"))


def _pattern(secret: str) -> str:
    pattern = re.escape(secret)
    return pattern if len(secret) >= _MIN_LENGTH else rf"(?<!\w){pattern}(?!\w)"
