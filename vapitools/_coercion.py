"""What models send → what they meant, where the schema leaves no doubt.

Each function returns a new value; nothing is guessed from meaning. Dates in words, numbers in
words and the like stay what they are, and fail.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ._wording import Schema, accepts_null, branches, choice_text, choices, resolve

_UNFILLED = re.compile(r"\s*\{\{.*\}\}\s*", re.DOTALL)


def is_blank(value: Any) -> bool:
    """Nothing was meant: `null`, empty text, `"null"`, or a template nobody filled in."""
    if isinstance(value, str):
        return value in ("", "null") or _UNFILLED.fullmatch(value) is not None
    return value is None


def without_blanks(value: Any, schema: Schema, definitions: Schema) -> Any:
    """The value without the properties that are blank and not required, at every depth."""
    schema = resolve(schema, definitions)
    for option in branches(schema):
        if _is_a(value, option, definitions):
            return without_blanks(value, option, definitions)
    if isinstance(value, list) and "items" in schema:
        return [without_blanks(item, schema["items"], definitions) for item in value]
    if isinstance(value, dict) and "properties" in schema:
        required, properties = schema.get("required", ()), schema["properties"]
        return {
            key: without_blanks(item, properties[key], definitions) if key in properties else item
            for key, item in value.items()
            if key not in properties or key in required or not is_blank(item)
        }
    return value


def mend(value: Any, schema: Schema, definitions: Schema) -> Any:
    """The value turned into what the schema takes, where it plainly stands for that."""
    schema = resolve(schema, definitions)
    if is_blank(value) and accepts_null(schema, definitions):
        return None
    members = choices(schema)
    if members is not None:
        return _matching(value, members)
    if branches(schema):
        return _mend_union(value, schema, definitions)
    if schema.get("type") == "array":
        return _mend_list(value, schema, definitions)
    if schema.get("type") == "object":
        return _mend_object(value, schema, definitions)
    return _mend_scalar(value, schema.get("type"))


def _matching(value: Any, members: list[Any]) -> Any:
    """The one choice that reads the same but for case and blanks."""
    if isinstance(value, (dict, list)) or value is None:
        return value
    text = _normal(choice_text(value))
    found = [
        member for member in members if member is not None and _normal(choice_text(member)) == text
    ]
    exact = [member for member in found if choice_text(member) == choice_text(value)]
    return (exact or found)[0] if len(exact or found) == 1 else value


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()


def _mend_union(value: Any, schema: Schema, definitions: Schema) -> Any:
    tagged = _mend_tagged(value, schema, definitions)
    if tagged is not None:
        return tagged
    options = branches(schema)
    for option in options:
        if _is_a(value, option, definitions):
            return mend(value, option, definitions)
    for option in options:
        mended = mend(value, option, definitions)
        if _is_a(mended, option, definitions):
            return mended
    return value


def _mend_tagged(value: Any, schema: Schema, definitions: Schema) -> Any:
    """A discriminated union: the tag says which of the models is meant."""
    tag = schema.get("discriminator", {}).get("propertyName")
    value = _decoded(value, dict) if tag else value
    if not tag or not isinstance(value, dict):
        return None
    mapping = schema["discriminator"].get("mapping", {})
    found = _matching(value.get(tag), list(mapping))
    if found not in mapping:
        return None
    return mend({**value, tag: found}, {"$ref": mapping[found]}, definitions)


def _mend_list(value: Any, schema: Schema, definitions: Schema) -> Any:
    value = _decoded(value, list, dict)
    if value is None or _looks_like_json(value):
        return value
    items = value if isinstance(value, list) else [value]
    firsts = schema.get("prefixItems", ())
    rest = schema.get("items", {})
    return [
        mend(item, firsts[i] if i < len(firsts) else rest, definitions)
        for i, item in enumerate(items)
    ]


def _mend_object(value: Any, schema: Schema, definitions: Schema) -> Any:
    value = _decoded(value, dict)
    if not isinstance(value, dict):
        return value
    properties, required = schema.get("properties", {}), schema.get("required", ())
    others = schema.get("additionalProperties", True)
    mended: dict[str, Any] = {}
    for key, item in value.items():
        if key in properties:
            if key in required or not is_blank(item):
                mended[key] = mend(item, properties[key], definitions)
        elif others is not False:
            mended[key] = mend(item, others, definitions) if isinstance(others, dict) else item
    return mended


def _mend_scalar(value: Any, type_: Any) -> Any:
    if type_ == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
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


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _is_a(value: Any, schema: Schema, definitions: Schema) -> bool:
    """Whether the value is of the schema's JSON type and, where there are any, its choices."""
    schema = resolve(schema, definitions)
    members = choices(schema)
    if members is not None:
        return any(type(member) is type(value) and member == value for member in members)
    if options := branches(schema):
        return any(_is_a(value, option, definitions) for option in options)
    if "type" not in schema:
        return True
    if isinstance(value, bool):
        return bool(schema["type"] == "boolean")
    if isinstance(value, dict):
        return schema["type"] == "object" and set(schema.get("required", ())) <= value.keys()
    return isinstance(value, _JSON_TYPES.get(schema["type"], ()))
