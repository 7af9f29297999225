"""Whether a value is what Vapi's own description of its API takes."""

from __future__ import annotations

import functools
import json
from typing import Any

import jsonschema

from tests.conftest import shared


@functools.cache
def schemas() -> dict[str, Any]:
    """The schemas by name; the test is skipped where the description is not present."""
    api = json.loads(shared("openapi.json").read_text("utf-8"))
    schemas: dict[str, Any] = _mended(api["components"]["schemas"])
    return schemas


def check(name: str, value: Any) -> None:
    """Raise `jsonschema.ValidationError` when the value does not fit the schema."""
    root = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas()}}
    jsonschema.Draft202012Validator(root).validate(value)


def fits(name: str, value: Any) -> bool:
    """Whether it fits."""
    try:
        check(name, value)
    except jsonschema.ValidationError:
        return False
    return True


def _mended(schema: Any) -> Any:
    """The same where JSON Schema says what is meant."""
    if isinstance(schema, list):
        return [_mended(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # The alternatives overlap, the choices of an array's items stand at the array as well, and
    # patterns are written as in JavaScript.
    mended = {"anyOf" if key == "oneOf" else key: _mended(each) for key, each in schema.items()}
    if mended.get("type") == "array":
        mended.pop("enum", None)
    # The kind of a back-off is a choice of texts, and described as an object.
    if mended.get("type") == "object" and "enum" in mended:
        del mended["type"]
    if isinstance(pattern := mended.get("pattern"), str):
        mended["pattern"] = pattern.strip("/")
    return mended


def named(reference: dict[str, Any]) -> dict[str, Any]:
    """The schema that a `$ref` names."""
    schema: dict[str, Any] = schemas()[reference["$ref"].rpartition("/")[2]]
    return schema
