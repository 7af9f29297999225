"""Which arguments arrive encrypted: found in the schema, and decrypted in what came.

A path is as in Vapi's `server.encryptedPaths`: `payment.cardNumber`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from . import messages
from ._encryption import PrivateKeys, UnreadableError
from ._wording import Schema, branches, definition, is_array, is_object
from .context import ENCRYPTED
from .errors import ArgumentError, DefinitionError
from .instrumentation import log

TUPLE = "x-vapitools-tuple"
"""The key of a JSON Schema that says: this object can also come as a list."""

_WHOLE = "only a single value arrives encrypted; write Encrypted on the fields inside it instead"
_INSIDE = (
    "what is in a list, a dict or a tuple cannot arrive encrypted; make the encrypted value a "
    "parameter of its own, or a field of a model, a dataclass or a TypedDict"
)
_ENDLESS = (
    "its type contains itself, so there is no end to its encrypted fields; "
    "make the encrypted value a parameter of its own"
)
_MIXED = (
    "it is encrypted in one variant of its type and not in another, and Vapi does not tell them "
    "apart; write Encrypted in all of them, or around the whole: Annotated[int | str, Encrypted]"
)
_NAME = "Vapi cannot be told of a name with '.', '[' or ']' in it; give it another alias"


# --- in the schema ------------------------------------------------------------------------


def find(schema: Schema, label: str) -> tuple[str, ...]:
    """The paths of what is marked as `Encrypted`.

    Args:
        schema: pydantic's JSON Schema of what the model may set, with `$defs`.
        label: What errors call the function.

    Raises:
        DefinitionError: A value is marked that cannot arrive encrypted.
    """
    search = _Search(schema.get("$defs", {}))
    if not search.is_marked_inside(schema):
        return ()
    properties: Schema = schema["properties"]
    paths = [p for name in properties for p in search.find([(properties[name], _NONE)], (name,))]
    if search.problems:
        raise DefinitionError(f"{label}: parameter {problem}" for problem in search.problems)
    return tuple(".".join(path) for path in paths)


_Place = tuple[Schema, frozenset[str]]
"""A schema, and the references that it stands behind."""

_NONE = frozenset[str]()


class _Search:
    """Looks for marks. What stands where it cannot be encrypted becomes a problem."""

    def __init__(self, definitions: Schema) -> None:
        self.problems: list[str] = []
        self._definitions = definitions

    def find(self, places: list[_Place], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """The paths in a value that one of these schemas describes."""
        options = [option for place in places for option in self._options(place, path)]
        marked = [schema for schema, _ in options if ENCRYPTED in schema]
        if marked:
            yield from self._value(marked, path, is_mixed=len(marked) < len(options))
            return
        for schema, _ in options:
            if self.is_marked_inside(_beside_properties(schema)):
                self._complain(path, _INSIDE)
        for name, inner in _fields(options).items():
            yield from self.find(inner, (*path, name))

    def _options(self, place: _Place, path: tuple[str, ...]) -> Iterator[_Place]:
        """The schemas behind references and in unions, each with the mark that stood around it."""
        schema, references = place
        mark = {ENCRYPTED: True} if ENCRYPTED in schema else {}
        reference = schema.get("$ref")
        if reference in references:
            if self.is_marked_inside(schema):
                self._complain(path, _ENDLESS)
        elif reference is not None:
            inner = {**definition(reference, self._definitions), **mark}
            yield from self._options((inner, references | {reference}), path)
        elif union := branches(schema):
            for branch in union:
                yield from self._options(({**branch, **mark}, references), path)
        else:
            yield place

    def _value(
        self, marked: list[Schema], path: tuple[str, ...], *, is_mixed: bool
    ) -> Iterator[tuple[str, ...]]:
        if is_mixed:
            self._complain(path, _MIXED)
        elif any(schema.get("type") in ("array", "object") for schema in marked):
            self._complain(path, _WHOLE)
        elif any(set(".[]") & set(name) for name in path):
            self._complain(path, _NAME)
        else:
            yield path

    def is_marked_inside(self, part: Any, seen: set[str] | None = None) -> bool:
        """Whether there is a mark anywhere in a part of a schema."""
        seen = set() if seen is None else seen
        if is_array(part):
            return any(self.is_marked_inside(item, seen) for item in part)
        if not is_object(part):
            return False
        reference = part.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            part = {**part, "": self._definitions.get(reference.rpartition("/")[2])}
        return ENCRYPTED in part or any(self.is_marked_inside(p, seen) for p in part.values())

    def _complain(self, path: tuple[str, ...], problem: str) -> None:
        text = f"{'.'.join(path)!r}: {problem}"
        if text not in self.problems:
            self.problems.append(text)


def _fields(options: Iterable[_Place]) -> dict[str, list[_Place]]:
    """Name → what is there, in each variant that has a field of the name."""
    fields: dict[str, list[_Place]] = {}
    for schema, references in options:
        for name, inner in schema.get("properties", {}).items():
            fields.setdefault(name, []).append((inner, references))
    return fields


def _beside_properties(schema: Schema) -> Any:
    """What Vapi's paths do not lead to: items, values of any name, and all that is in a tuple."""
    return schema if TUPLE in schema else {**schema, "properties": None}


# --- in what came -------------------------------------------------------------------------


def decrypted(arguments: bytes, paths: Iterable[str], keys: PrivateKeys, *, label: str) -> bytes:
    """The arguments with plain text in place of what arrived encrypted.

    Args:
        arguments: JSON text, as it came.
        paths: What should be encrypted. What is missing or empty stays so.
        keys: Decrypt it.
        label: What the log calls the tool.

    Raises:
        ArgumentError: A value does not decrypt. The text is the same for every cause, so that
            nobody learns anything by trying.
    """
    unreadable: list[str] = []

    def decrypt(path: str, value: object) -> str | None:
        try:
            return keys.decrypt(value)
        except UnreadableError as reason:
            log(logging.WARNING, "%s: %s cannot be read: %s", label, path, reason)
            unreadable.append(path)
            return None

    try:
        given = messages.decode_object(arguments)
        # What is no object becomes nothing, and is refused when it is bound.
        text = messages.dump(given and replaced(given, paths, decrypt))
    except RecursionError:
        raise ArgumentError("arguments: nested too deeply") from None
    if unreadable:
        raise ArgumentError("; ".join(f"{path}: cannot be read" for path in unreadable))
    return text


def replaced(
    arguments: dict[str, Any], paths: Iterable[str], change: Callable[[str, Any], Any]
) -> dict[str, Any]:
    """The arguments, changed at the paths where there is something.

    Args:
        arguments: The arguments, which stay as they are.
        paths: Where to change them.
        change: Makes the new value from the path and the value.
    """
    for path in paths:
        arguments = _replaced(arguments, path.split("."), partial(change, path))
    return arguments


def _replaced(value: Any, names: list[str], change: Callable[[Any], Any]) -> Any:
    if value is None or value == "":
        return value
    if not names:
        return change(value)
    # Models send objects as text at times, and binding takes them.
    fields = messages.decode_object(value.encode(errors="replace")) if _is_text(value) else value
    first, *rest = names
    if not is_object(fields) or first not in fields:
        return value
    return {**fields, first: _replaced(fields[first], rest, change)}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
