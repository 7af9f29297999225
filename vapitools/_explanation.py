"""What the validator did not take → one line that the model can act on, with no value in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _wording
from ._wording import Schema, is_array, is_object

# More would make an error that is longer than it is helpful.
_MAX_ERRORS = 8

# In place of a name that the model made up: it may be anything a caller said.
_ANY_NAME = "*"

_MISSING = object()


def explain(
    details: Iterable[Mapping[str, Any]], given: Any, schema: Schema, definitions: Schema
) -> str:
    """One text for all errors: the field, what is wanted, what came.

    Args:
        details: `ValidationError.errors()`.
        given: What was validated.
        schema: What it was validated against, before lowering.
        definitions: The schema's `$defs`.
    """
    found: dict[str, str] = {}
    for detail in details:
        path, field, value = _locate(detail, given, schema, definitions)
        if detail["loc"][-1:] == ("[key]",):
            found.setdefault(_dotted(path[:-1]), "wanted other names in it")
            continue
        wanted, got = _wording.wanted(field, definitions), _kind_of(value)
        if wanted.startswith(got):
            got = f"{got} that does not fit"
        found.setdefault(_dotted(path), f"wanted {wanted}, got {got}")
    shown = [f"{path}: {text}" for path, text in list(found.items())[:_MAX_ERRORS]]
    left_out = len(found) - len(shown)
    return "; ".join([*shown, f"and {left_out} more"] if left_out else shown)


def _kind_of(value: Any) -> str:
    return "nothing" if value is _MISSING else _wording.kind_of(value)


def _locate(
    detail: Mapping[str, Any], value: Any, schema: Schema, definitions: Schema
) -> tuple[list[int | str], Schema, Any]:
    """The field an error is about: its path, its schema and what came for it.

    A location of pydantic's also names the types it tried, which are no part of the value.
    """
    path: list[int | str] = []
    for part in detail["loc"]:
        if _has(value, part):
            value = value[part]
            schema, known = _child(schema, part, definitions)
            path.append(part if known else _ANY_NAME)
    name = _property_meant(detail, schema, definitions)
    if name is not None:
        return [*path, name], _child(schema, name, definitions)[0], _value_of(value, name)
    return path, schema, value


def _property_meant(detail: Mapping[str, Any], schema: Schema, definitions: Schema) -> str | None:
    """The property an error is about, where its location stops at the object."""
    if detail["type"].startswith("missing"):
        name = detail["loc"][-1]
        return name if isinstance(name, str) else None
    if detail["type"].startswith("union_tag"):
        return _wording.tag(_wording.resolve(schema, definitions))
    return None


def _value_of(value: Any, name: str) -> Any:
    return value.get(name, _MISSING) if is_object(value) else _MISSING


def _has(value: Any, part: int | str) -> bool:
    if isinstance(part, int):
        return is_array(value) and part < len(value)
    return is_object(value) and part in value


def _child(schema: Schema, part: int | str, definitions: Schema) -> tuple[Schema, bool]:
    """The schema of a part, and whether the part's name is one of ours.

    Of a union, what the branches have there.
    """
    schema = _wording.resolve(schema, definitions)
    found = [_child(option, part, definitions) for option in _wording.branches(schema)]
    if children := [child for child, _ in found if child]:
        return {"anyOf": children}, any(known for _, known in found)
    if isinstance(part, int):
        firsts = schema.get("prefixItems", ())
        return (firsts[part] if part < len(firsts) else schema.get("items", {})), True
    properties = schema.get("properties", {})
    if part in properties:
        return properties[part], True
    others = schema.get("additionalProperties")
    return (others if is_object(others) else {}), False


def _dotted(path: Iterable[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "arguments"
