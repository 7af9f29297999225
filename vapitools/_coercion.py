"""What models send → what they meant, where the schema leaves no doubt.

Each function returns a new value; nothing is guessed from meaning. Dates in words, numbers in
words and the like stay what they are, and fail.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ._wording import (
    Schema,
    accepts_null,
    branches,
    choice_text,
    choices,
    is_array,
    is_object,
    must_come,
    resolve,
)

_UNFILLED = re.compile(r"\s*(?:\{\{[^{}]*\}\}\s*)+")
_NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d+)?\s*")


def is_blank(value: Any) -> bool:
    """Nothing was meant: `null`, empty text, `"null"`, or a template nobody filled in."""
    return value is None or value in ("", "null") or is_unfilled(value)


def is_unfilled(value: Any) -> bool:
    """It is nothing but a template, or several, which nobody filled in."""
    return isinstance(value, str) and _UNFILLED.fullmatch(value) is not None


def without_blanks(value: Any, schema: Schema, definitions: Schema) -> Any:
    """The value without the properties that are blank and not required, at every depth."""
    schema = resolve(schema, definitions)
    for option in branches(schema):
        if _is_a(value, option, definitions):
            return without_blanks(value, option, definitions)
    if is_array(value) and "items" in schema:
        return [without_blanks(item, schema["items"], definitions) for item in value]
    if is_object(value) and "properties" in schema:
        required, properties = schema.get("required", ()), schema["properties"]
        return {
            key: without_blanks(item, properties.get(key, {}), definitions)
            for key, item in value.items()
            if key not in properties or key in required or not is_blank(item)
        }
    return value


def mend(value: Any, schema: Schema, definitions: Schema) -> Any:
    """The value turned into what the schema takes, where it plainly stands for that."""
    if is_blank(value) and accepts_null(schema, definitions):
        return None
    schema = resolve(schema, definitions)
    members = choices(schema)
    if members is not None:
        return _matching(value, members)
    if branches(schema):
        return _mend_union(value, schema, definitions)
    if schema.get("type") == "array":
        return _mend_list(value, schema, definitions)
    if schema.get("type") == "object":
        return _mend_object(value, schema, definitions)
    return _mend_scalar(value, schema)


def _matching(value: Any, members: list[Any]) -> Any:
    """The one choice that reads the same but for case and blanks."""
    if is_array(value) or is_object(value) or value is None:
        return value
    text = choice_text(value)
    found = [m for m in members if m is not None and _normal(choice_text(m)) == _normal(text)]
    exact = [member for member in found if choice_text(member) == text]
    return (exact or found)[0] if len(exact or found) == 1 else value


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


def _mend_union(value: Any, schema: Schema, definitions: Schema) -> Any:
    """The value as the first branch that takes it as it is, else as the first that can be met."""
    options = branches(schema)
    for option in options:
        if _is_a(value, option, definitions):
            return mend(value, option, definitions)
    for option in options:
        mended = mend(value, option, definitions)
        if _is_a(mended, option, definitions) or _reads_as(mended, option, definitions):
            return mended
    return _decoded(value, dict, list)


def _mend_list(value: Any, schema: Schema, definitions: Schema) -> Any:
    value = _decoded(value, list, dict)
    if value is None or _looks_like_json(value):
        return value
    items = value if is_array(value) else [value]
    firsts = schema.get("prefixItems", ())
    rest = schema.get("items", {})
    return [
        mend(item, firsts[i] if i < len(firsts) else rest, definitions)
        for i, item in enumerate(items)
    ]


def _mend_object(value: Any, schema: Schema, definitions: Schema) -> Any:
    value = _decoded(value, dict)
    if not is_object(value):
        return value
    properties, required = schema.get("properties", {}), schema.get("required", ())
    others = schema.get("additionalProperties", True)
    # `None` for what may be left out, but not in Python.
    mended = dict.fromkeys(set(required).difference(must_come(schema, definitions), value))
    for key, item in value.items():
        if key in properties:
            if key in required or not is_blank(item):
                mended[key] = mend(item, properties[key], definitions)
        elif others is not False:
            mended[key] = mend(item, others, definitions) if is_object(others) else item
    return mended


def _mend_scalar(value: Any, schema: Schema) -> Any:
    type_ = schema.get("type")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if type_ == "string" and is_number and "format" not in schema:
        return str(value)
    if type_ in ("number", "integer", "boolean") and isinstance(value, str):
        return value.strip()
    return value


def _decoded(value: Any, *types: type) -> Any:
    """JSON of one of the types inside a string; anything else as it is."""
    if _looks_like_json(value):
        try:
            decoded = json.loads(value, strict=False)
        except (ValueError, RecursionError):
            return value
        if isinstance(decoded, types):
            return decoded
    return value


def _looks_like_json(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] in ("{", "[")


_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def _is_a(value: Any, schema: Schema, definitions: Schema) -> bool:
    """Whether the value is of the JSON type, is a choice and has the properties that are due."""
    schema = resolve(schema, definitions)
    members = choices(schema)
    if members is not None:
        return value in members
    if options := branches(schema):
        return any(_is_a(value, option, definitions) for option in options)
    if "type" not in schema:
        return True
    if isinstance(value, bool):
        return bool(schema["type"] == "boolean")
    if is_object(value):
        return schema["type"] == "object" and _has_parts(value, schema, definitions)
    return isinstance(value, _JSON_TYPES.get(schema["type"], ()))


def _has_parts(value: dict[str, Any], schema: Schema, definitions: Schema) -> bool:
    """Whether all that is due is there, and each choice, such as a tag, is one of its own."""
    return value.keys() >= set(must_come(schema, definitions)) and all(
        _is_a(value[name], inner, definitions)
        for name, inner in schema.get("properties", {}).items()
        if name in value and value[name] is not None and choices(resolve(inner, definitions))
    )


def _reads_as(value: Any, schema: Schema, definitions: Schema) -> bool:
    """Whether text is how a number or a boolean is written; the validator will take it."""
    type_ = resolve(schema, definitions).get("type")
    if not isinstance(value, str):
        return False
    if type_ in ("number", "integer"):
        return _NUMBER.fullmatch(value) is not None
    return type_ == "boolean" and value.casefold() in ("true", "false")
