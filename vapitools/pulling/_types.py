"""Vapi's dialect of JSON Schema → type hints, and the classes and aliases that they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from ._json import as_list, as_object, is_object, shown
from ._layout import Node, Part, call, expression, flat, index, laid
from ._names import Names, class_name, of_module, singular, variable

_PLAIN = {"string": "str", "number": "float", "integer": "int", "boolean": "bool"}
_FORMATS = {
    "date": "date",
    "time": "time",
    "date-time": "datetime",
    "duration": "timedelta",
    "uuid": "UUID",
    "ipv4": "IPv4Address",
    "ipv6": "IPv6Address",
}
# Python has no type for these.
_TEXT_FORMATS = {"email": "Email", "hostname": "Hostname"}
_EVERY = {"type", "description"}

# What reads the same in Python and in the engine that pydantic uses.
_PORTABLE = re.compile(
    r"""(?:
      \\[dDwWsS.^$*+?(){}\[\]|/\\-]                        # an escape
    | \[\^?(?:\\[dDwWsS./\\-]|[\w\ @.,:;/+*?()|$\#!%'"=-])+\]  # a class
    | [\w\ @.,:;/^$|()\#!%'"=*+?-]
    | \{\d{1,2}(?:,\d{0,2})?\}
    )*""",
    re.VERBOSE | re.ASCII,
)
_LONG = 50


@dataclass
class Hint:
    """A type as it is written, and what stands behind it in `Annotated[…]`."""

    type: str
    metadata: list[Node] = field(default_factory=list[Node])

    def node(self, *, is_optional: bool = False) -> Node:
        """The whole hint."""
        type_ = f"{self.type} | None" if is_optional and self.type != "Any" else self.type
        return index("Annotated", [type_, *self.metadata]) if self.metadata else type_


@dataclass
class Module:
    """What stands in the module before the tools."""

    names: Names = field(default_factory=of_module)
    statements: list[str] = field(default_factory=list[str])
    _known: dict[str, str] = field(default_factory=dict[str, str])

    def alias(self, wanted: str, node: Node) -> str:
        """The name of an alias for that hint."""
        return self._name(wanted, flat(node), lambda n: laid(Part(f"{n} = ", node)))

    def dataclass(self, wanted: str, fields: Sequence[Part], *, is_ordered: bool) -> str:
        """The name of a dataclass with those fields."""
        head = "@dataclass" if is_ordered else "@dataclass(kw_only=True)"
        body = "\n".join(laid(each, "    ") for each in fields)
        return self._name(wanted, f"{head}\n{body}", lambda n: f"{head}\nclass {n}:\n{body}")

    def _name(self, wanted: str, content: str, write: Callable[[str], str]) -> str:
        """The same content has one name."""
        if content not in self._known:
            self._known[content] = self.names.take(wanted)
            self.statements.append(write(self._known[content]))
        return self._known[content]


class Hints:
    """Makes the hints of one tool.

    Args:
        module: Where classes and aliases go.
        encrypted: The paths of what arrives encrypted; those that were found are taken out.
        is_strict: The schema is in the form that strict mode asks for.

    Attributes:
        unsaid: What a hint cannot say, each with its path.
        is_open: Whether an object takes any names.
    """

    def __init__(self, module: Module, encrypted: Iterable[str], *, is_strict: bool) -> None:
        self.unsaid: list[str] = []
        self.is_open = False
        self.encrypted = list(dict.fromkeys(encrypted))
        self._module = module
        self._is_strict = is_strict

    def parameters(self, schema: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The properties of an object, and which of them must come."""
        self._note(schema, {"type", "properties", "required"}, "parameters")
        return self._properties(schema, "parameters")

    def hint(self, schema: Any, path: str, name: str) -> Hint:
        """The hint for one value.

        Args:
            schema: Its schema; its description is left to whoever asks.
            path: Where it is in the arguments.
            name: What it is called.
        """
        if not is_object(schema):
            self._say(path, schema)
            return Hint("Any")
        hint = self._hint(schema, path, name)
        if path in self.encrypted and schema.get("type") not in ("array", "object"):
            self.encrypted.remove(path)
            hint.metadata.append("Encrypted")
        return hint

    # --- by type ----------------------------------------------------------------------

    def _hint(self, schema: Mapping[str, Any], path: str, name: str) -> Hint:
        type_ = schema.get("type")
        if type_ == "string":
            return self._string(schema, path, name)
        if type_ == "array":
            return self._array(schema, path, name)
        if type_ == "object":
            return self._object(schema, path, name)
        self._note(schema, _EVERY if isinstance(type_, str) else {"description"}, path)
        if isinstance(type_, str) and type_ not in _PLAIN:
            self._say(f"{path}.type", type_)
        return Hint(_PLAIN.get(str(type_), "Any"))

    def _string(self, schema: Mapping[str, Any], path: str, name: str) -> Hint:
        choices, pattern = schema.get("enum"), schema.get("pattern")
        format_ = str(schema.get("format") or "")
        if _is_texts(choices):
            self._note(schema, {*_EVERY, "enum"}, path)
            return Hint(self._choices(choices, name))
        if isinstance(pattern, str) and pattern and not format_:
            self._note(schema, {*_EVERY, "pattern"}, path)
            return Hint("str", [_pattern(pattern)])
        if format_ in _TEXT_FORMATS:
            self._note(schema, {*_EVERY, "format"}, path)
            said = expression({"type": "string", "format": format_})
            node = index("Annotated", ["str", call("WithJsonSchema", [said], {})])
            return Hint(self._module.alias(_TEXT_FORMATS[format_], node))
        known = format_ in _FORMATS
        self._note(schema, {*_EVERY, "format"} if known else _EVERY, path)
        return Hint(_FORMATS.get(format_, "str"))

    def _choices(self, choices: list[str], name: str) -> str:
        node = index("Literal", map(expression, dict.fromkeys(choices)))
        short = flat(node)
        return short if len(short) <= _LONG else self._module.alias(class_name(name), node)

    def _array(self, schema: Mapping[str, Any], path: str, name: str) -> Hint:
        self._note(schema, {*_EVERY, "items"}, path)
        items = schema.get("items")
        if not is_object(items):
            return Hint("list[Any]")
        one = singular(name)
        hint = self.hint(items, f"{path}[]", one)
        text = text_of(items)
        if text:
            hint.metadata.append(call("Field", [], {"description": expression(text)}))
        node = hint.node()
        each = class_name(f"each_{one}")
        inner = node if isinstance(node, str) else self._module.alias(each, node)
        return Hint(f"list[{inner}]")

    def _object(self, schema: Mapping[str, Any], path: str, name: str) -> Hint:
        self._note(schema, {*_EVERY, "properties", "required"}, path)
        properties, required = self._properties(schema, path)
        if not properties:
            self.is_open = True
            return Hint("dict[str, Any]")
        # A field with a default hides what has its name outside the class: types, in capitals.
        names = of_module()
        fields: list[Part] = []
        for key, inner in properties.items():
            own = names.take(variable(_small(variable(key, "field")), "field"))
            hint = self.hint(inner, f"{path}.{step(key)}", key)
            describe(hint, key, own, text_of(inner))
            node = hint.node(is_optional=key not in required)
            fields.append(Part(f"{own}: ", node, "" if key in required else " = None"))
        return Hint(
            self._module.dataclass(
                class_name(name), fields, is_ordered=is_ordered(properties, required)
            )
        )

    # --- parts of a schema ------------------------------------------------------------

    def _properties(self, schema: Mapping[str, Any], path: str) -> tuple[dict[str, Any], list[str]]:
        known = dict(as_object(schema.get("properties")))
        required: list[Any] = list(schema.get("required") or ())
        if unknown := [name for name in required if name not in known]:
            self._say(f"{path}.required", unknown)
        return known, [name for name in required if name in known]

    def _note(self, schema: Mapping[str, Any], said: set[str], path: str) -> None:
        """Remember what else the schema says."""
        for key, value in schema.items():
            is_implied = self._is_strict and (key, value) == ("additionalProperties", False)
            if key not in said and value not in (None, "", [], {}) and not is_implied:
                self._say(f"{path}.{key}", value)

    def _say(self, path: str, value: Any) -> None:
        self.unsaid.append(f"{path} = {shown(value)}")


def describe(hint: Hint, key: str, own: str, text: str) -> None:
    """Add what the model is told of a value, and what it calls it.

    Args:
        hint: Where to say it.
        key: What the model calls it.
        own: What Python calls it.
        text: The description, if it is to be said here.
    """
    if key != own:
        said: dict[str, Node] = {"alias": expression(key)}
        if text:
            said["description"] = expression(text)
        hint.metadata.append(call("Field", [], said))
    elif text:
        hint.metadata.append(expression(text))


def step(name: str) -> str:
    """The name in a path, where it cannot be taken for two."""
    return shown(name) if set(".[]") & set(name) else name


def is_ordered(properties: Mapping[str, Any], required: Sequence[str]) -> bool:
    """Whether what must come stands before what can be left out."""
    have_defaults = [name not in required for name in properties]
    return have_defaults == sorted(have_defaults)


def _small(name: str) -> str:
    return name.lower() if name[:1].isupper() else name


def _pattern(pattern: str) -> Node:
    if _is_portable(pattern):
        raw = '"' not in pattern and "\\" in pattern
        return call("Field", [], {"pattern": f'r"{pattern}"' if raw else expression(pattern)})
    return call("WithJsonSchema", [expression({"type": "string", "pattern": pattern})], {})


def _is_portable(pattern: str) -> bool:
    if not _PORTABLE.fullmatch(pattern) or re.search(r"\(\?|--|\)[{]", pattern):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def text_of(schema: Any) -> str:
    """The description in a schema."""
    text = schema.get("description") if is_object(schema) else None
    return text.strip() if isinstance(text, str) else ""


def _is_texts(value: Any) -> TypeGuard[list[str]]:
    return bool(as_list(value)) and all(isinstance(item, str) for item in as_list(value))
