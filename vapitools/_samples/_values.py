"""pydantic's JSON Schema → values that it takes, the most readable first."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from itertools import chain, cycle, islice, zip_longest
from typing import Any

from .._wording import Schema, branches, choices, definition, is_array, is_object, must_come
from . import _numbers, _texts

TRIES = 8
"""How many values of one schema are worth a try."""

# Of keys that are no text pydantic says nothing.
_OTHER_KEYS: tuple[Schema, ...] = ({"pattern": "^[0-9]+$"}, {"format": "date"}, {"format": "uuid"})

_GAP: Any = object()


class Values:
    """Makes up values. Each stream of them may have no end, or nothing in it.

    Args:
        definitions: The `$defs` of the schemas.
        today: The day that dates are near to.
    """

    def __init__(self, definitions: Schema, today: dt.date) -> None:
        self._definitions = definitions
        self._today = today

    def of(self, schema: Schema, name: str = "", path: tuple[str, ...] = ()) -> Iterator[Any]:
        """Values that a schema takes.

        Args:
            schema: The schema.
            name: Of the parameter or field, which says what a text should be.
            path: The references that led here: a type that contains itself has to end.
        """
        if "$ref" in schema:
            yield from self._referred(schema, name, path)
            return
        examples = schema.get("examples")
        if is_array(examples):
            yield from examples
        yield from self._made(schema, name, path)

    def _referred(self, schema: Schema, name: str, path: tuple[str, ...]) -> Iterator[Any]:
        reference = schema["$ref"]
        if reference not in path:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            inner = {**definition(reference, self._definitions), **beside}
            yield from self.of(inner, name, (*path, reference))

    def _made(self, schema: Schema, name: str, path: tuple[str, ...]) -> Iterator[Any]:
        members, type_ = choices(schema), schema.get("type")
        if members is not None:
            return iter(sorted(members, key=lambda member: member is None))
        if options := branches(schema):
            return _in_turn(self.of(option, name, path) for option in options)
        if "anyOf" in schema or type_ == "null":
            return iter([None])
        if type_ == "array":
            return self._lists(schema, name, path)
        if type_ == "object":
            return self._objects(schema, path)
        if type_ == "boolean":
            return iter([True, False])
        if type_ in ("integer", "number"):
            return _numbers.values(schema, name, self._today)
        if "contentSchema" in schema:
            return map(json.dumps, self.of(schema["contentSchema"], name, path))
        return _texts.values(schema, name, self._today)

    def _lists(self, schema: Schema, name: str, path: tuple[str, ...]) -> Iterator[Any]:
        if firsts := schema.get("prefixItems"):
            return _rows([self.of(first, name, path) for first in firsts])
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        wanted = max(least, 1 if most is None else min(most, 1))
        return chain(self._items(schema, name, path, wanted), [[]] if not least else [])

    def _items(
        self, schema: Schema, name: str, path: tuple[str, ...], wanted: int
    ) -> Iterator[list[Any]]:
        pool = _distinct(islice(self.of(schema.get("items") or {}, name, path), wanted * 2 + TRIES))
        if len(pool) < wanted and pool and not schema.get("uniqueItems"):
            pool = list(islice(cycle(pool), wanted))
        for start in range(len(pool) - wanted + 1):
            yield pool[start : start + wanted]

    def _objects(self, schema: Schema, path: tuple[str, ...]) -> Iterator[Any]:
        properties = schema.get("properties", {})
        if not properties and (entries := _entries(schema)):
            return self._dicts(schema, *entries, path)
        needed = must_come(schema, self._definitions)
        return chain.from_iterable(
            self._with_fields(properties, names, path) for names in (needed, list(properties))
        )

    def _with_fields(
        self, properties: Schema, names: list[str], path: tuple[str, ...]
    ) -> Iterator[Any]:
        columns = [self.of(properties[name], name, path) for name in names]
        return (dict(zip(names, row, strict=True)) for row in islice(_rows(columns), TRIES))

    def _dicts(
        self, schema: Schema, keys: Schema, values: Schema, path: tuple[str, ...]
    ) -> Iterator[Any]:
        least = schema.get("minProperties", 0)
        wanted = max(least, min(schema.get("maxProperties", 1), 1))
        items = list(islice(self.of(values, "", path), TRIES))

        def with_keys(of: Schema) -> Iterator[Any]:
            names = _distinct(islice(self.of({"type": "string", **of}, "", path), wanted))
            for start in range(len(items) if len(names) == wanted else 0):
                row = islice(cycle(items), start, start + wanted)
                yield dict(zip(map(str, names), row, strict=True))

        empty = [iter([dict[str, Any]()])] if not least else []
        return _in_turn([*(with_keys(kind) for kind in (keys, *_OTHER_KEYS)), *empty])


def _entries(schema: Schema) -> tuple[Schema, Schema] | None:
    """What the keys and the values of a dict are."""
    for pattern, values in schema.get("patternProperties", {}).items():
        return {"pattern": pattern}, values
    values = schema.get("additionalProperties")
    keys: Schema = schema.get("propertyNames", {})
    return (keys, values if is_object(values) else {}) if values else None


def _in_turn(streams: Iterable[Iterator[Any]]) -> Iterator[Any]:
    """The first value of each, then the second of each, and so on."""
    rows = zip_longest(*streams, fillvalue=_GAP)
    return (value for row in rows for value in row if value is not _GAP)


def _rows(columns: list[Iterator[Any]]) -> Iterator[list[Any]]:
    """The first value of each column, then the second of each; one that has ended keeps its last.

    None at all when a column is empty.
    """
    last = [next(column, _GAP) for column in columns]
    while _GAP not in last:
        yield list(last)
        more = [next(column, _GAP) for column in columns]
        if all(value is _GAP for value in more):
            return
        last = [old if new is _GAP else new for old, new in zip(last, more, strict=True)]


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({json.dumps(value, sort_keys=True): value for value in values}.values())
