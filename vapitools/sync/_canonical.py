"""One form for what was declared and for what Vapi has stored, so that the two can be compared."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from .. import _secrecy
from ._json import is_list

# What Vapi adds by itself when it stores an object, and what means the same as nothing.
_DEFAULTS: Mapping[str, Any] = {
    "contents": [],
    "conditions": [],
    "blocking": False,
    "default": "",
    "async": False,
    "strict": False,
    "required": [],
}
_MISSING = object()
# Short, because a mark goes into a header of every webhook.
_DIGITS = 10


def canonical(value: Any) -> Any:
    """A JSON value without what Vapi adds by itself, in one order and one spelling."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {
            key: _unordered(key, canonical(item))
            for key, item in sorted(fields.items())
            if item is not None and _DEFAULTS.get(key, _MISSING) != item
        }
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in cast("Sequence[Any]", value)]
    # 20.0 and 20 are one number in JSON.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unordered(key: str, value: Any) -> Any:
    return sorted(value, key=str) if key == "required" and is_list(value) else value


def digest(value: Any, path: str = "") -> str:
    """A short sum of a value's canonical form, which tells nothing of the secrets in it.

    Args:
        value: A JSON value.
        path: Where it stands: all of it can be secret.
    """
    hidden = _secrecy.mapped(canonical(value), _fingerprint, inside=is_secret(path))
    text = json.dumps(hidden, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def is_secret(path: str) -> bool:
    """Whether what stands at a path is a secret, or holds some."""
    name = path.rpartition(".")[2]
    return _secrecy.is_secret(name) or _secrecy.is_secret_holder(name)


@functools.lru_cache(maxsize=64)
def _fingerprint(secret: str) -> str:
    # Slow and short on purpose: the sum is stored at Vapi, and must not help to guess a secret.
    # 24 bits tell a new secret from the old one, and fit too many others to be of use.
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), b"vapitools", 20_000, 3).hex()
