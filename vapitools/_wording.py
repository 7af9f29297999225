"""JSON Schema → plain words: what is wanted, what came. For descriptions and for errors.

The schemas are pydantic's, before they are lowered: with `$ref`, `anyOf` and limits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeGuard

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


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def resolve(schema: Schema, definitions: Schema) -> Schema:
    """The schema behind `$ref`s and behind `… | None`, with what stands beside them laid over."""
    while inner := _inner(schema, definitions):
        schema = {**inner, **{k: v for k, v in schema.items() if k not in WRAPPERS}}
    return schema


WRAPPERS = ("$ref", "anyOf", "oneOf")


def _inner(schema: Schema, definitions: Schema) -> Schema | None:
    if "$ref" in schema:
        return definition(schema["$ref"], definitions)
    options = branches(schema)
    return options[0] if len(options) == 1 else None


def definition(reference: str, definitions: Schema) -> Schema:
    """What a `$ref` stands for."""
    found: Schema = definitions[reference.rpartition("/")[2]]
    return found


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
    if "$ref" in schema:
        return accepts_null(definition(schema["$ref"], definitions), definitions)
    if schema.get("type") == "null" or None in (choices(schema) or ()):
        return True
    options: Iterable[Schema] = schema.get("anyOf") or schema.get("oneOf") or ()
    return any(accepts_null(option, definitions) for option in options)


def must_come(schema: Schema, definitions: Schema) -> list[str]:
    """The properties of an object that cannot be left out; `None` stands for what can."""
    properties = schema.get("properties", {})
    return [
        name
        for name in schema.get("required", ())
        if not accepts_null(properties.get(name, {}), definitions)
    ]


def tag(schema: Schema) -> str | None:
    """The property that tells the branches of a union from one another."""
    name: str | None = schema.get("discriminator", {}).get("propertyName")
    return name


def choice_text(choice: Any) -> str:
    """A choice as the model sees and sends it."""
    if isinstance(choice, bool):
        return "true" if choice else "false"
    return str(choice)


def said(value: Any, schema: Schema, definitions: Schema) -> str:
    """A default as the model may send it."""
    value = _by_name(value, resolve(schema, definitions), definitions)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _by_name(value: Any, schema: Schema, definitions: Schema) -> Any:
    """The value with each `NamedTuple`, a list in JSON, as the object it is described as."""
    if is_array(value):
        if schema.get("type") == "object":
            value = dict(zip(schema.get("properties", ()), value, strict=False))
        else:
            inner = resolve(schema.get("items", {}), definitions)
            return [_by_name(item, inner, definitions) for item in value]
    if is_object(value):
        properties = schema.get("properties", {})
        return {
            key: _by_name(item, resolve(properties.get(key, {}), definitions), definitions)
            for key, item in value.items()
        }
    return value


def wanted(schema: Schema, definitions: Schema) -> str:
    """The kind of value a schema takes: `a whole number, 1 to 20`."""
    schema = resolve(schema, definitions)
    members = choices(schema)
    if members is not None:
        return _one_of([choice_text(member) for member in members if member is not None])
    options = branches(schema)
    if options:
        return " or ".join(dict.fromkeys(wanted(option, definitions) for option in options))
    return ", ".join([_whole_wanted(schema), *_parts_wanted(schema, definitions), *limits(schema)])


def kind_wanted(schema: Schema) -> str:
    """The kind of a value that is no union and no choice: `a date such as 2026-12-24`."""
    format_ = str(schema.get("format"))
    if format_.startswith("uuid"):
        format_ = "uuid"
    return _FORMATS.get(format_) or _KINDS.get(str(schema.get("type")), "a value")


def _whole_wanted(schema: Schema) -> str:
    names = list(schema.get("properties", ()))
    with_names = f" with {', '.join(names[:_MAX_CHOICES])}" if names else ""
    return kind_wanted(schema) + with_names


def _parts_wanted(schema: Schema, definitions: Schema) -> Iterator[str]:
    """What a list or a dict is made of, one step deep: a type may contain itself."""
    values = schema.get("items") or schema.get("additionalProperties")
    values = resolve(values, definitions) if is_object(values) else {}
    if "type" in values and not branches(values):
        yield f"each {kind_wanted(values)}"
    if "pattern" in schema:
        yield f"matching {schema['pattern']}"


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
    if value == "":
        return "empty text"
    for type_, kind in _KINDS_THAT_COME.items():
        if isinstance(value, type_):
            return kind
    return "an object"


_KINDS_THAT_COME = {str: "text", int: "a whole number", float: "a number", list: "a list"}


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
