"""Which values of Vapi's objects are secret, and how they are kept out of what people read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

MASK = "•••"

# Such as secret, apiKey, authToken, secretKey, clientSecret; not maxTokens, tokenizer.
_SECRET_KEY = re.compile(
    r"secret|password|passphrase|(api|private|secret|access|signing|public)_?-?key$|token$"
    r"|^authorization$|credentials?json",
    re.IGNORECASE,
)
# What belongs to another server: anything in it can be what proves the sender.
_SECRET_HOLDERS = frozenset({"headers", "sipHeaders"})
# Shorter ones would be found within ordinary words.
_MIN_LENGTH = 4


def is_secret(key: str) -> bool:
    """Whether a field of this name holds a secret."""
    return _SECRET_KEY.search(key) is not None


def is_secret_holder(key: str) -> bool:
    """Whether each text in a field of this name can be a secret."""
    return key in _SECRET_HOLDERS


def secrets_in(value: object, *, inside: bool = False) -> Iterator[str]:
    """Every text in an object of the API's that is a secret."""
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[str, object]", value).items():
            yield from secrets_in(item, inside=inside or _holds_secrets(key))
    elif isinstance(value, (list, tuple)):
        for item in cast("Sequence[object]", value):
            yield from secrets_in(item, inside=inside)
    elif inside and isinstance(value, str):
        yield value


def mapped(value: Any, change: Callable[[str], Any], *, inside: bool = False) -> Any:
    """The same object with each secret text changed."""
    if isinstance(value, Mapping):
        return {
            key: mapped(item, change, inside=inside or _holds_secrets(key))
            for key, item in cast("Mapping[str, object]", value).items()
        }
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[object]", value)
        return [mapped(item, change, inside=inside) for item in items]
    return change(value) if inside and isinstance(value, str) and value else value


def masked(value: Any, *, inside: bool = False) -> Any:
    """The same object with a mask in the place of each secret."""
    return mapped(value, lambda _: MASK, inside=inside)


def _holds_secrets(key: str) -> bool:
    return is_secret(key) or is_secret_holder(key)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with a mask wherever one of the secrets stands."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _MIN_LENGTH:
            text = text.replace(secret, MASK)
    return text
