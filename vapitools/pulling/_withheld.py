"""What is not printed of an object, because it is secret or could be."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .. import _secrecy
from ._json import Object, as_object, is_list, is_object

# Beside those that are secret in every output: what a project keeps in its environment.
_WHOLE = frozenset({"credentials", "environmentVariables", "serverUrlSecret"})
_URL = re.compile(r"(?:https?|wss?)://\S+", re.IGNORECASE)
# As a token is: long, with a digit in it.
_TOKEN = re.compile(r"(?=[^/]*[0-9])[\w-]{20,}", re.ASCII)
_VALUES = ("value", "default", "enum", "const")


def without_secrets(value: Object) -> tuple[dict[str, Any], list[str]]:
    """A copy with no secret in it, and the paths of what was taken out."""
    found: list[str] = []
    copied: dict[str, Any] = _without(value, "", found)
    return copied, found


def _without(value: Any, path: str, found: list[str]) -> Any:
    """A copy; None in the place of what is secret as a whole."""
    if is_object(value):
        has_properties = is_object(value.get("properties"))
        return (_schema_without if has_properties else _fields_without)(value, path, found)
    if is_list(value):
        copied = [
            (_without(item, f"{path}[{_label(item, number)}]", found), item)
            for number, item in enumerate(value)
        ]
        return [made for made, item in copied if not _is_taken_out(made, item)]
    if isinstance(value, str) and _is_secret_url(value):
        found.append(path)
        return None
    return value


def _label(item: Any, number: int) -> str:
    """What tells an item of a list from the others."""
    return str(as_object(item).get("key") or as_object(item).get("name") or number)


def _is_taken_out(made: Any, item: Any) -> bool:
    return made is None and item is not None


def _fields_without(fields: Object, path: str, found: list[str]) -> dict[str, Any]:
    names = (fields.get("key"), fields.get("name"))
    is_pair = any(isinstance(name, str) and _secrecy.is_secret(name) for name in names)
    copied: dict[str, Any] = {}
    for key, item in fields.items():
        place = f"{path}.{key}" if path else key
        if (_is_secret(key) or (is_pair and key == "value")) and _is_something(item):
            found.append(place)
            continue
        made = _without(item, place, found)
        if not _is_taken_out(made, item):
            copied[key] = made
    return copied


def _schema_without(schema: Object, path: str, found: list[str]) -> dict[str, Any]:
    """A JSON Schema, where a property that is called `token` is none, but its value is one."""
    beside = {key: item for key, item in schema.items() if key != "properties"}
    copied: dict[str, Any] = {}
    for name, item in schema["properties"].items():
        place = f"{path}.{name}" if path else name
        made = _without(item, place, found)
        if is_object(made) and _secrecy.is_secret(name):
            found += [f"{place}.{key}" for key in _VALUES if made.get(key)]
            made = {key: each for key, each in made.items() if key not in _VALUES}
        copied[name] = made
    return {**_fields_without(beside, path, found), "properties": copied}


def _is_secret(key: str) -> bool:
    return key in _WHOLE or _secrecy.is_secret(key) or _secrecy.is_secret_holder(key)


def _is_something(value: Any) -> bool:
    return not isinstance(value, bool) and value not in (None, "", [], {})


def _is_secret_url(text: str) -> bool:
    """Whether it is an address with a password or a token in it."""
    if not _URL.fullmatch(text):
        return False
    try:
        url = urlsplit(text)
    except ValueError:
        return True
    named = any(_secrecy.is_secret(name) or name == "key" for name, _ in parse_qsl(url.query))
    words = [*url.path.split("/"), *(value for _, value in parse_qsl(url.query))]
    return "@" in url.netloc or named or any(_TOKEN.fullmatch(word) for word in words)
