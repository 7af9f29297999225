"""pydantic's JSON Schema → hypothesis strategies for what a model may send."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import warnings
from collections.abc import Callable
from fractions import Fraction
from itertools import islice
from typing import Any

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from .._samples import Limits, Values, plain
from .._wording import Schema, choices, definition, is_object, must_come
from ..toolset import AnyTool

Json = st.SearchStrategy[Any]

# Above it not every reader of JSON keeps a number exactly.
_MOST = 2**53
_LONGEST = 30 * 24 * 3600
_EXTRA_ITEMS = 5
_READABLE = 8
_NEAR = 20
# Of the texts that match a pattern hypothesis finds hardly any that is longer.
_MAX_LEAST = 10

_NOTHING: Json = st.one_of()

# What can be heard and written down: no half emoji, and nothing that steers a terminal.
_CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
_TEXT = st.text(_CHARACTERS)
# Keys that are numbers are texts in JSON, and pydantic says nothing of them.
_DIGITS = st.integers(0, _MOST).map(str)
_ANYTHING: Json = st.recursive(
    st.none() | st.booleans() | st.integers(-_MOST, _MOST) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=5,
)


def arguments_for(tool: AnyTool) -> st.SearchStrategy[dict[str, Any]]:
    """What a model may send to a tool: within all limits, and with or without the optional."""
    schema = tool._spec.read.schema
    return _Strategies(schema.get("$defs", {})).fields(schema, schema["required"])


class _Strategies:
    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions
        self._values = Values(definitions, dt.date.today())
        self._referred: dict[str, Json] = {}

    def fields(self, schema: Schema, needed: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        """Objects with these properties, and with any of the others."""
        made = {name: self.of(inner, name) for name, inner in schema["properties"].items()}
        optional = {name: inner for name, inner in made.items() if name not in needed}
        return st.fixed_dictionaries({name: made[name] for name in needed}, optional=optional)

    def of(self, schema: Schema, name: str = "") -> Json:
        """The strategy for a schema."""
        if "$ref" in schema:
            return self._of_reference(schema["$ref"], name)
        if (members := choices(schema)) is not None:
            return st.sampled_from(members)
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return st.one_of(*(self.of(option, name) for option in options))
        make = _BY_TYPE.get(str(schema.get("type")))
        return make(self, schema, name) if make else _ANYTHING

    def _of_reference(self, reference: str, name: str) -> Json:
        # Of a type that contains itself there is one strategy, which contains itself.
        if reference not in self._referred:
            inner = definition(reference, self._definitions)
            self._referred[reference] = st.deferred(lambda: self.of(inner, name))
        return self._referred[reference]

    def array(self, schema: Schema, name: str) -> Json:
        if firsts := schema.get("prefixItems"):
            return st.tuples(*(self.of(first, name) for first in firsts)).map(list)
        least = schema.get("minItems", 0)
        return st.lists(
            self.of(schema.get("items") or {}, name),
            min_size=least,
            max_size=schema.get("maxItems", least + _EXTRA_ITEMS),
            unique_by=json.dumps if schema.get("uniqueItems") else None,
        )

    def object(self, schema: Schema, name: str) -> Json:
        if schema.get("properties"):
            return self.fields(schema, must_come(schema, self._definitions))
        keys, values = schema.get("propertyNames", {}), schema.get("additionalProperties")
        for pattern, inner in schema.get("patternProperties", {}).items():
            keys, values = {"pattern": pattern}, inner
        if values is False:
            return st.just({})
        return st.dictionaries(
            self.of({"type": "string", **keys}) | (_DIGITS if not keys else _NOTHING),
            self.of(values if is_object(values) else {}),
            min_size=schema.get("minProperties", 0),
            max_size=schema.get("maxProperties", schema.get("minProperties", 0) + _EXTRA_ITEMS),
        )

    def number(self, schema: Schema, name: str) -> Json:
        limits = Limits(schema)
        low = -_MOST if limits.low is None else limits.low
        high = max(Fraction(_MOST), low + _MOST) if limits.high is None else limits.high
        low = min(Fraction(low), high - _MOST) if limits.low is None else Fraction(low)
        step = limits.step or Fraction(1)
        numbers = (
            _whole(math.ceil(low / step), math.floor(high / step))
            .map(lambda n: n * step)
            .filter(limits.take)
            .map(plain)
        )
        if limits.step:
            return numbers
        floats = st.floats(float(low), float(high)).filter(lambda n: limits.take(Fraction(n)))
        return numbers | floats

    def string(self, schema: Schema, name: str) -> Json:
        readable = st.sampled_from(list(islice(self._values.of(schema, name), _READABLE)))
        form = str(schema.get("format"))
        if "pattern" in schema:
            return readable | self._matching(schema)
        if "contentSchema" in schema:
            return self.of(schema["contentSchema"], name).map(json.dumps)
        if form.startswith("uuid"):
            return _UUIDS.get(form, readable)
        if form in _BY_FORMAT:
            return _BY_FORMAT[form] | readable
        if form not in _FREE:
            return readable
        return readable | st.text(
            _CHARACTERS, min_size=schema.get("minLength", 0), max_size=schema.get("maxLength")
        )

    def _matching(self, schema: Schema) -> Json:
        least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
        if least > _MAX_LEAST:
            return _NOTHING
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pydantic's own kind of patterns is another
                found = st.from_regex(schema["pattern"], alphabet=_CHARACTERS)
                found.validate()
        except (re.error, InvalidArgument):
            return _NOTHING
        # In Python's patterns `$` also stands before a last line break, in pydantic's it does not.
        texts = found.map(lambda text: text.removesuffix("\n"))
        return texts.filter(lambda text: least <= len(text) <= most)


def _whole(low: int, high: int) -> st.SearchStrategy[int]:
    """Whole numbers, often those where a mistake shows: zero, the ends, and what is near zero."""
    if low > high:
        return _NOTHING
    near = [n for n in range(-_NEAR, _NEAR + 1) if low <= n <= high]
    # The first of two is what hypothesis simplifies to.
    return st.integers(low, high) | st.sampled_from([*sorted(near, key=abs), low, high])


_BY_TYPE: dict[str, Callable[[_Strategies, Schema, str], Json]] = {
    "array": _Strategies.array,
    "object": _Strategies.object,
    "integer": _Strategies.number,
    "number": _Strategies.number,
    "string": _Strategies.string,
    "boolean": lambda made, schema, name: st.booleans(),
    "null": lambda made, schema, name: st.none(),
}

_FREE = ("None", "binary", "password")
_UUIDS = {
    "uuid": st.uuids().map(str),
    **{f"uuid{version}": st.uuids(version=version).map(str) for version in (1, 3, 4, 5)},
}
_DATE_TIMES = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 12, 31))
_BY_FORMAT: dict[str, Json] = {
    "date": st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)).map(str),
    "time": st.times().map(str),
    "date-time": _DATE_TIMES.map(dt.datetime.isoformat)
    | _DATE_TIMES.map(lambda moment: f"{moment.isoformat()}Z"),
    "duration": st.integers(0, _LONGEST).map(lambda seconds: f"PT{seconds}S"),
    "email": st.emails(),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
    "ipvanyaddress": st.ip_addresses().map(str),
}
