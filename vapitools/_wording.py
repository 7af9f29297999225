"""JSON Schema → plain words: what is wanted, what came. For descriptions and for errors.

The schemas are pydantic's, before they are lowered: with `$ref`, `anyOf` and limits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_FORMATS = {
    "date": "a date such as 2026-12-24",
    "time": "a time such as 18:30",
    "date-time": "a date and time such as 2026-12-24T18:30",
    "duration": "a duration such as PT45M",
    "email": "an e-mail address",
    "uuid": "a UUID",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "ipvanyaddress": "an IP address",
    "ipv4network": "an IPv4 network",
    "ipv6network": "an IPv6 network",
    "ipvanynetwork": "an IP network",
    "uri": "a URL",
    "json-string": "JSON as text",
}
# Beyond this an error would be longer than it is helpful.
_MAX_CHOICES = 20


def resolve(schema: Schema, definitions: Schema) -> Schema:
    """The schema behind `$ref`s, with what stands beside them laid over it."""
    while "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def branches(schema: Schema) -> list[Schema]:
    """What a union may be, `null` left out; empty for what is no union."""
    options: Iterable[Schema] = schema.get("anyOf") or schema.get("oneOf") or ()
    return [option for option in options if option.get("type") != "null"]


def choices(schema: Schema) -> list[Any] | None:
    """The members of a `Literal` or `Enum`; None for what is neither."""
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def accepts_null(schema: Schema, definitions: Schema) -> bool:
    """Whether `None` is a value of the type."""
    schema = resolve(schema, definitions)
    if schema.get("type") == "null" or None in (choices(schema) or ()):
        return True
    options: Iterable[Schema] = schema.get("anyOf") or schema.get("oneOf") or ()
    return any(accepts_null(option, definitions) for option in options)


def choice_text(choice: Any) -> str:
    """A choice as the model sees and sends it."""
    if isinstance(choice, bool):
        return "true" if choice else "false"
    return str(choice)


def said(value: Any) -> str:
    """A default as the model may send it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def wanted(schema: Schema, definitions: Schema) -> str:
    """The kind of value a schema takes: `a whole number, 1 to 20`."""
    schema = resolve(schema, definitions)
    members = choices(schema)
    if members is not None:
        return _one_of([choice_text(member) for member in members if member is not None])
    options = branches(schema)
    if options:
        return " or ".join(dict.fromkeys(wanted(option, definitions) for option in options))
    return ", ".join([_kind_wanted(schema), *limits(schema)])


def limits(schema: Schema) -> Iterator[str]:
    """What the dialect has no keyword for, each in words: `1 to 20`, `no repeats`."""
    yield from _number_limits(schema)
    yield from _count_limits(schema, "minLength", "maxLength", "character")
    yield from _count_limits(schema, "minItems", "maxItems", "item")
    if schema.get("uniqueItems"):
        yield "no repeats"


def kind_of(value: Any) -> str:
    """What came, without saying what it was."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    for type_, kind in (
        (str, "text"),
        (int, "a whole number"),
        (float, "a number"),
        (list, "a list"),
    ):
        if isinstance(value, type_):
            return kind if value != "" else "empty text"
    return "an object"


def _kind_wanted(schema: Schema) -> str:
    format_ = str(schema.get("format"))
    if format_.startswith("uuid"):
        format_ = "uuid"
    return _FORMATS.get(format_) or _KINDS.get(str(schema.get("type")), "a value")


def _one_of(texts: list[str]) -> str:
    if len(texts) == 1:
        return repr(texts[0])
    shown = [repr(text) for text in texts[:_MAX_CHOICES]]
    if len(texts) > _MAX_CHOICES:
        shown.append("…")
    return f"one of {', '.join(shown)}"


def _number_limits(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"at least {low}"
    elif high is not None:
        yield f"at most {high}"
    if (above := schema.get("exclusiveMinimum")) is not None:
        yield f"more than {above}"
    if (below := schema.get("exclusiveMaximum")) is not None:
        yield f"less than {below}"
    if (step := schema.get("multipleOf")) is not None:
        yield f"a multiple of {step}"


def _count_limits(schema: Schema, low_key: str, high_key: str, unit: str) -> Iterator[str]:
    low, high = schema.get(low_key), schema.get(high_key)
    if low is not None and low == high:
        yield f"exactly {_counted(low, unit)}"
    elif low and high is not None:
        yield f"{low} to {_counted(high, unit)}"
    elif low:
        yield f"at least {_counted(low, unit)}"
    elif high is not None:
        yield f"at most {_counted(high, unit)}"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
