"""pydantic's JSON Schema → Vapi's dialect of it: a pure lowering pass.

The dialect knows `type`, `items`, `properties`, `description`, `pattern`, `format`, `required`
and `enum` (of strings), nothing else; what it cannot say is said in the description. See
`JsonSchema` in https://api.vapi.ai/api-json
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from . import _wording
from ._wording import Schema, branches, choices, resolve
from .errors import DefinitionError

_FORMATS = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid".split())

# How often a type may stand inside itself before it is cut off.
_MAX_DEPTH = 3

Lowered = dict[str, Any]


def lower(schema: Schema, label: str) -> Lowered:
    """The parameters of a function in Vapi's dialect.

    Raises:
        DefinitionError: A type contains itself without end.
    """
    lowering = _Lowering(schema.get("$defs", {}))
    properties: dict[str, Lowered] = {}
    problems: list[str] = []
    for name, parameter in schema.get("properties", {}).items():
        lowered = lowering.lower(parameter, ())
        if lowered is None:
            problems.append(
                f"{label}: parameter {name!r}: its type contains itself without end; "
                "make the inner one optional, or a list"
            )
        else:
            properties[name] = lowered
    if problems:
        raise DefinitionError(problems)
    return {
        "type": "object",
        "properties": properties,
        "required": list(schema.get("required", ())),
    }


def strict(lowered: Lowered) -> Lowered:
    """The form that a provider's strict mode asks for: every property required, no others.

    It is the one place where a keyword from outside the dialect is sent: without
    `additionalProperties` strict mode is silently off.
    """
    result = dict(lowered)
    if lowered["type"] == "object":
        properties = lowered.get("properties", {})
        result["properties"] = {name: strict(inner) for name, inner in properties.items()}
        result["required"] = list(properties)
        result["additionalProperties"] = False
    if "items" in lowered:
        result["items"] = strict(lowered["items"])
    return result


class _Lowering:
    """Lowers against one set of definitions. None stands for what has no end."""

    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions

    def lower(self, schema: Schema, path: tuple[str, ...]) -> Lowered | None:
        reference = schema.get("$ref")
        if reference is not None:
            if path.count(reference) >= _MAX_DEPTH:
                return None
            path = (*path, reference)
            schema = resolve(schema, self._definitions)
        lowered = self._lower_resolved(schema, path)
        if lowered is None:
            return None
        notes = [*lowered.pop("notes", ()), *_default_note(schema)]
        description = _sentences(schema.get("description") or lowered.get("description"), notes)
        lowered.pop("description", None)
        return {
            "type": lowered.pop("type"),
            **({"description": description} if description else {}),
            **lowered,
        }

    def _lower_resolved(self, schema: Schema, path: tuple[str, ...]) -> Lowered | None:
        if choices(schema) is not None:
            return _lower_choices(schema)
        if "allOf" in schema:
            merged: dict[str, Any] = {}
            for part in (*schema["allOf"], {k: v for k, v in schema.items() if k != "allOf"}):
                merged.update(resolve(part, self._definitions))
            return self._lower_resolved(merged, path)
        options = branches(schema)
        if options:
            return self._lower_union(schema, options, path)
        if schema.get("type") == "array":
            return self._lower_array(schema, path)
        if schema.get("type") == "object":
            return self._lower_object(schema, path)
        return _lower_scalar(schema)

    def _lower_array(self, schema: Schema, path: tuple[str, ...]) -> Lowered:
        positions = [resolve(item, self._definitions) for item in schema.get("prefixItems", ())]
        notes = list(_wording.limits(schema))
        if positions:
            inner = self.lower({"anyOf": positions}, path)
            kinds = [self._wanted(item) for item in positions]
            notes = [f"{len(kinds)} items: {'; '.join(kinds)}"]
        else:
            inner = self.lower(schema.get("items") or {}, path)
        # What is cut off inside a list is still a list: it ends where the model ends it.
        return {"type": "array", "items": inner or {"type": "object"}, "notes": notes}

    def _lower_object(self, schema: Schema, path: tuple[str, ...]) -> Lowered | None:
        required = list(schema.get("required", ()))
        properties: dict[str, Lowered] = {}
        for name, inner in schema.get("properties", {}).items():
            lowered = self.lower(inner, path)
            if lowered is not None:
                properties[name] = lowered
            elif name in required and not self._may_be_null(inner):
                return None
        required = [
            name
            for name in required
            if name in properties and not self._may_be_null(schema["properties"][name])
        ]
        lowered = {"type": "object", "notes": list(self._value_notes(schema))}
        lowered.update({"properties": properties} if properties else {})
        lowered.update({"required": required} if required else {})
        return lowered

    def _may_be_null(self, schema: Schema) -> bool:
        return _wording.accepts_null(schema, self._definitions)

    def _value_notes(self, schema: Schema) -> Iterator[str]:
        values = schema.get("additionalProperties")
        if isinstance(values, dict) and not schema.get("properties"):
            yield f"any names, each with {_wording.wanted(values, self._definitions)}"

    def _lower_union(
        self, schema: Schema, options: list[Schema], path: tuple[str, ...]
    ) -> Lowered | None:
        lowered = [inner for option in options if (inner := self.lower(option, path)) is not None]
        if not lowered:
            return None
        if all(inner["type"] == "object" for inner in lowered):
            return self._lower_variants(schema, options, lowered)
        merged = _merge(lowered)
        if merged["type"] != "number" and len({inner["type"] for inner in lowered}) > 1:
            union = {"anyOf": options}
            merged = {**_without_description(merged), "notes": [self._wanted(union)]}
        return merged

    def _lower_variants(
        self, schema: Schema, options: list[Schema], lowered: list[Lowered]
    ) -> Lowered:
        """One object that holds the fields of all variants, each saying whose it is."""
        if len(lowered) == 1:
            return lowered[0]
        tag = schema.get("discriminator", {}).get("propertyName")
        variants = dict(
            zip((self._variant(option, tag) for option in options), lowered, strict=False)
        )
        merged = _merge(lowered)
        for key, property_ in merged.get("properties", {}).items():
            owners = [
                name for name, inner in variants.items() if key in inner.get("properties", {})
            ]
            if len(owners) < len(variants):
                note = f"only for {tag or 'the variant'} {' or '.join(owners)}"
                merged["properties"][key] = _noted(property_, note)
        return merged

    def _variant(self, option: Schema, tag: str | None) -> str:
        resolved = resolve(option, self._definitions)
        tagged = resolve(resolved.get("properties", {}).get(tag, {}), self._definitions)
        names = [repr(_wording.choice_text(member)) for member in choices(tagged) or ()]
        return " or ".join(names) or str(resolved.get("title"))

    def _wanted(self, schema: Schema) -> str:
        return _wording.wanted(schema, self._definitions)


def _lower_choices(schema: Schema) -> Lowered:
    members = [
        _wording.choice_text(member) for member in choices(schema) or () if member is not None
    ]
    return {"type": "string", "enum": list(dict.fromkeys(members))}


def _lower_scalar(schema: Schema) -> Lowered:
    type_ = schema.get("type")
    lowered: Lowered = {"type": type_ if type_ in ("integer", "number", "boolean") else "string"}
    notes = list(_wording.limits(schema))
    format_ = schema.get("format")
    if lowered["type"] == "string" and isinstance(format_, str):
        format_ = "uuid" if format_.startswith("uuid") else format_
        if format_ in _FORMATS:
            lowered["format"] = format_
        elif (said := _wording.wanted({"type": "string", "format": format_}, {})) != "text":
            notes.insert(0, said)
    if isinstance(schema.get("pattern"), str):
        lowered["pattern"] = schema["pattern"]
    lowered["notes"] = notes
    return lowered


def _merge(lowered: list[Lowered]) -> Lowered:
    """One schema that describes all of them, as closely as the dialect can."""
    if all(inner == lowered[0] for inner in lowered):
        return lowered[0]
    merged: Lowered = {"type": _common_type([inner["type"] for inner in lowered])}
    if len(descriptions := {inner.get("description") for inner in lowered}) == 1:
        merged.update({"description": text for text in descriptions if text})
    if all("enum" in inner for inner in lowered):
        merged["enum"] = list(dict.fromkeys(text for inner in lowered for text in inner["enum"]))
    if len({inner.get("format") for inner in lowered}) == 1 and "format" in lowered[0]:
        merged["format"] = lowered[0]["format"]
    if merged["type"] == "array":
        merged["items"] = _merge([inner["items"] for inner in lowered if "items" in inner])
    if merged["type"] == "object":
        merged.update(_merge_objects([inner for inner in lowered if inner["type"] == "object"]))
    return merged


def _common_type(types: list[str]) -> str:
    if len(set(types)) == 1:
        return types[0]
    if set(types) <= {"integer", "number"}:
        return "number"
    # A model that may send parts or text does best to send the parts.
    return next((type_ for type_ in types if type_ in ("array", "object")), "string")


def _merge_objects(lowered: list[Lowered]) -> Lowered:
    found: dict[str, list[Lowered]] = {}
    for inner in lowered:
        for key, value in inner.get("properties", {}).items():
            found.setdefault(key, []).append(value)
    required = [key for key in found if all(key in inner.get("required", ()) for inner in lowered)]
    merged: Lowered = {"properties": {key: _merge(values) for key, values in found.items()}}
    return {**merged, "required": required} if required else merged


def _without_description(lowered: Lowered) -> Lowered:
    return {key: value for key, value in lowered.items() if key != "description"}


def _noted(lowered: Lowered, note: str) -> Lowered:
    return {**lowered, "description": _sentences(lowered.get("description"), [note])}


def _default_note(schema: Schema) -> Iterator[str]:
    default = schema.get("default")
    if default is not None and default not in ("", [], {}):
        yield f"default: {_wording.said(default)}"


def _sentences(description: str | None, notes: Iterable[str]) -> str:
    """The description with the notes behind it, each a sentence."""
    parts = [part for part in ((description or "").strip(), *notes) if part]
    if len(parts) == 1 and description:
        return parts[0]
    sentences = [part[0].upper() + part[1:] for part in parts]
    return " ".join(s if s.endswith((".", "!", "?", "…")) else f"{s}." for s in sentences)
