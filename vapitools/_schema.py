"""pydantic's JSON Schema → Vapi's dialect of it: a pure lowering pass.

The dialect knows `type`, `items`, `properties`, `description`, `pattern`, `format`, `required`
and `enum` (of strings), nothing else; what it cannot say is said in the description. See
`JsonSchema` in https://api.vapi.ai/api-json
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from . import _wording
from ._wording import Schema, branches, choices, definition, is_object, must_come, resolve
from .errors import DefinitionError

_FORMATS = frozenset("date-time time date duration email hostname ipv4 ipv6 uuid".split())

# How often a type may stand inside itself before it is cut off: the first that fits the size.
_DEPTHS = (3, 2, 1)
_MAX_PARTS = 500

Lowered = dict[str, Any]
Path = tuple[str, ...]


def lower(schema: Schema, label: str) -> Lowered:
    """The parameters of a function in Vapi's dialect.

    Raises:
        DefinitionError: A type contains itself without end, or has too many parts.
    """
    properties: dict[str, Lowered] = {}
    problems: list[str] = []
    for name, parameter in schema.get("properties", {}).items():
        try:
            properties[name] = _lower_parameter(parameter, schema.get("$defs", {}))
        except DefinitionError as problem:
            problems.append(f"{label}: parameter {name!r}: {problem}")
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


def _lower_parameter(schema: Schema, definitions: Schema) -> Lowered:
    for depth in _DEPTHS:
        try:
            lowered = _Lowering(definitions, depth).lower(schema, ())
        except _TooLargeError:
            continue
        if lowered is None:
            raise DefinitionError(
                "its type contains itself without end; make the inner one optional, or a list"
            )
        return lowered
    raise DefinitionError(
        f"its type has more than {_MAX_PARTS} parts; a model cannot fill them in, so take fewer"
    )


class _TooLargeError(Exception):
    """The type has more parts than can be sent."""


class _Lowering:
    """Lowers one type. A path holds the references it came through; None is what has no end."""

    def __init__(self, definitions: Schema, depth: int) -> None:
        self._definitions = definitions
        self._depth = depth
        self._parts = 0

    def lower(self, schema: Schema, path: Path) -> Lowered | None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise _TooLargeError
        opened = self._open(schema, path)
        return None if opened is None else self._lower_open(*opened)

    def _open(self, schema: Schema, path: Path) -> tuple[Schema, Path] | None:
        """The schema behind references and `… | None`, with the path to it."""
        while True:
            reference, options = schema.get("$ref"), branches(schema)
            if reference is not None:
                if path.count(reference) >= self._depth:
                    return None
                path = (*path, reference)
                inner = definition(reference, self._definitions)
            elif len(options) == 1:
                inner = options[0]
            else:
                return schema, path
            schema = {**inner, **{k: v for k, v in schema.items() if k not in _wording.WRAPPERS}}

    def _lower_open(self, schema: Schema, path: Path) -> Lowered | None:
        if choices(schema) is not None:
            return self._node("string", schema, enum=_choice_texts(schema))
        if branches(schema):
            return self._lower_union(schema, path)
        if schema.get("type") == "array":
            return self._lower_array(schema, path)
        if schema.get("type") == "object":
            return self._lower_object(schema, path)
        return self._lower_scalar(schema)

    def _lower_array(self, schema: Schema, path: Path) -> Lowered:
        notes = list(_wording.limits(schema))
        if positions := schema.get("prefixItems"):
            kinds = [self._wanted(item) for item in positions]
            notes = [f"{len(kinds)} items: {'; '.join(kinds)}"]
        # What is cut off inside a list is still a list: it ends where the model ends it.
        items = self.lower(_items(schema), path) or {"type": "object", "properties": {}}
        return self._node("array", schema, notes, items=items)

    def _lower_object(self, schema: Schema, path: Path) -> Lowered | None:
        needed = must_come(schema, self._definitions)
        lowered = {k: self.lower(v, path) for k, v in schema.get("properties", {}).items()}
        if any(lowered[name] is None for name in needed):
            return None
        properties = {name: inner for name, inner in lowered.items() if inner is not None}
        required = {"required": needed} if needed else {}
        notes = self._value_notes(schema)
        return self._node("object", schema, notes, properties=properties, **required)

    def _value_notes(self, schema: Schema) -> Iterator[str]:
        values = schema.get("additionalProperties")
        if is_object(values) and not schema.get("properties"):
            yield f"any names, each with {self._wanted(values)}"

    def _lower_scalar(self, schema: Schema) -> Lowered:
        type_ = schema.get("type")
        if type_ in ("integer", "number", "boolean"):
            return self._node(type_, schema, _wording.limits(schema))
        keywords = {"pattern": schema["pattern"]} if "pattern" in schema else {}
        format_ = str(schema.get("format"))
        format_ = "uuid" if format_.startswith("uuid") else format_
        notes = list(_wording.limits(schema))
        if format_ in _FORMATS:
            keywords["format"] = format_
        elif (said := _wording.kind_wanted(schema)) not in ("text", "a value"):
            notes.insert(0, said)
        return self._node("string", schema, notes, **keywords)

    def _lower_union(self, schema: Schema, path: Path) -> Lowered | None:
        options = list(self._options(schema, path))
        types = {option.get("type") for option, _ in options}
        if types == {"object"}:
            return self._lower_variants(schema, options)
        if types == {"array"}:
            items = {"anyOf": _distinct(_items(option) for option, _ in options)}
            return self._lower_array({**_outside(schema), "items": items}, path)
        lowered = [self._lower_open(*option) for option in options]
        found = [inner for inner in lowered if inner is not None]
        return self._merged(schema, found) if found else None

    def _options(self, schema: Schema, path: Path) -> Iterator[tuple[Schema, Path]]:
        """The branches of a union, and of the unions among them."""
        for branch in branches(schema):
            opened = self._open(branch, path)
            if opened is not None and branches(opened[0]):
                yield from self._options(*opened)
            elif opened is not None:
                yield opened

    def _lower_variants(
        self, schema: Schema, variants: list[tuple[Schema, Path]]
    ) -> Lowered | None:
        """One object that holds the fields of all variants, each saying whose it is."""
        tag = _wording.tag(schema)
        owners: dict[str, list[tuple[Schema, Path]]] = {}
        for variant in variants:
            for name in variant[0].get("properties", {}):
                owners.setdefault(name, []).append(variant)
        properties: dict[str, Lowered] = {}
        for name, having in owners.items():
            options = _distinct(variant["properties"][name] for variant, _ in having)
            lowered = self.lower({"anyOf": options}, having[0][1])
            if lowered is not None:
                names = [self._variant_name(variant, tag) for variant, _ in having]
                note = f"only for {tag or 'the variant'} {' or '.join(names)}"
                properties[name] = lowered if having == variants else _noted(lowered, note)
        needed = [must_come(variant, self._definitions) for variant, _ in variants]
        required = [name for name in properties if all(name in names for names in needed)]
        keywords = {"required": required} if required else {}
        return self._node("object", schema, properties=properties, **keywords)

    def _variant_name(self, variant: Schema, tag: str | None) -> str:
        tagged = resolve(variant.get("properties", {}).get(tag, {}), self._definitions)
        return " or ".join(map(repr, _choice_texts(tagged))) or str(variant.get("title"))

    def _merged(self, schema: Schema, lowered: list[Lowered]) -> Lowered:
        """One schema that takes all of them; what it cannot tell apart is said in words."""
        first = lowered[0]
        if all(inner == first for inner in lowered):
            return self._node(schema=schema, **first)
        # A model that may send parts or text does best to send the parts.
        for inner in lowered:
            if inner["type"] in ("array", "object"):
                return self._node(schema=schema, notes=[self._wanted(schema)], **_bare(inner))
        if all("enum" in inner for inner in lowered):
            texts = dict.fromkeys(text for inner in lowered for text in inner["enum"])
            return self._node("string", schema, enum=list(texts))
        types = {inner["type"] for inner in lowered}
        if types <= {"integer", "number"}:
            return self._node("number" if "number" in types else "integer", schema)
        type_ = first["type"] if len(types) == 1 else "string"
        return self._node(type_, schema, [self._wanted(schema)])

    def _node(
        self, type: str, schema: Schema, notes: Iterable[str] = (), **keywords: Any
    ) -> Lowered:
        """One schema of the dialect, with what it has no keyword for in its description."""
        said = schema.get("description") or keywords.pop("description", None)
        description = _sentences(said, [*notes, *self._default_note(schema)])
        keywords.pop("description", None)
        return {"type": type, **({"description": description} if description else {}), **keywords}

    def _default_note(self, schema: Schema) -> Iterator[str]:
        default = schema.get("default")
        if default is not None and default not in ("", [], {}):
            yield f"default: {_wording.said(default, schema, self._definitions)}"

    def _wanted(self, schema: Schema) -> str:
        return _wording.wanted(schema, self._definitions)


def _choice_texts(schema: Schema) -> list[str]:
    members = [m for m in choices(schema) or () if m is not None]
    return list(dict.fromkeys(map(_wording.choice_text, members)))


def _items(schema: Schema) -> Schema:
    """What is in a list, wherever in it."""
    positions = schema.get("prefixItems")
    return {"anyOf": _distinct(positions)} if positions else schema.get("items") or {}


def _bare(lowered: Lowered) -> Lowered:
    return {key: value for key, value in lowered.items() if key != "description"}


def _outside(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in _wording.WRAPPERS}


def _distinct(schemas: Iterable[Schema]) -> list[Schema]:
    distinct: list[Schema] = []
    for schema in schemas:
        if schema not in distinct:
            distinct.append(schema)
    return distinct


def _noted(lowered: Lowered, note: str) -> Lowered:
    return {**lowered, "description": _sentences(lowered.get("description"), [note])}


def _sentences(description: str | None, notes: Iterable[str]) -> str:
    """The description with the notes behind it, each a sentence."""
    parts = [part for part in ((description or "").strip(), *notes) if part]
    if len(parts) == 1 and description:
        return parts[0]
    sentences = [part[0].upper() + part[1:] for part in parts]
    return " ".join(s if s.endswith((".", "!", "?", "…")) else f"{s}." for s in sentences)
