"""What Vapi takes as the `parameters` of a function tool, as a checker.

`JsonSchema` in https://api.vapi.ai/api-json knows these keywords and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TYPES = {"string", "number", "integer", "boolean", "array", "object"}
FORMATS = set("date-time time date duration email hostname ipv4 ipv6 uuid".split())
TEXTS = {"description", "pattern", "title"}
KEYWORDS = {"type", "items", "properties", "format", "required", "enum", *TEXTS}


def check(schema: Any) -> list[str]:
    """Every way in which the parameters of a function break the dialect, each with its place."""
    found = list(_check(schema, "parameters"))
    if isinstance(schema, dict):
        found += [f"parameters: {key!r} is missing" for key in ("properties",) if key not in schema]
        if schema.get("type") != "object":
            found.append("parameters: is no object")
    return found


def _check(schema: Any, place: str) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"{place}: {schema!r} is no schema"
        return
    yield from (f"{place}: unknown keyword {key!r}" for key in schema if key not in KEYWORDS)
    type_ = schema.get("type")
    if not isinstance(type_, str) or type_ not in TYPES:
        yield f"{place}: type {type_!r}"
    for key in TEXTS & schema.keys():
        if not isinstance(schema[key], str):
            yield f"{place}: {key} is no text"
    if "format" in schema and (schema["format"] not in FORMATS or type_ != "string"):
        yield f"{place}: format {schema['format']!r} of {type_!r}"
    if "enum" in schema:
        yield from _check_enum(schema["enum"], place)
    yield from _check_parts(schema, place)


def _check_enum(members: Any, place: str) -> Iterator[str]:
    if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
        yield f"{place}: enum {members!r} is no list of texts"
    elif len(set(members)) != len(members) or not members:
        yield f"{place}: enum {members!r} is empty or has doubles"


def _check_parts(schema: dict[str, Any], place: str) -> Iterator[str]:
    if (schema.get("type") == "array") != ("items" in schema):
        yield f"{place}: arrays, and only they, have items"
    if (schema.get("type") == "object") != ("properties" in schema):
        yield f"{place}: objects, and only they, have properties"
    if "items" in schema:
        yield from _check(schema["items"], f"{place}[]")
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        yield f"{place}: properties is no object"
        return
    for name, inner in properties.items():
        yield from _check(inner, f"{place}.{name}")
    required = schema.get("required", [])
    if not isinstance(required, list) or not set(required) <= properties.keys():
        yield f"{place}: required {required!r} names what is no property"
