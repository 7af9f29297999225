"""A function tool at Vapi → a function with `@tool`, still to be written."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import _docstrings, spoken
from ._json import as_object, is_object, shown
from ._layout import (
    INDENT,
    Bracket,
    Node,
    Part,
    call,
    comment,
    docstring,
    expression,
    laid,
    wrapped,
)
from ._names import Names, variable
from ._spoken import message
from ._types import Hint, Hints, Module, describe, step, text_of
from ._withheld import without_secrets

DEFAULT_TIMEOUT = 20
# What Vapi waits for longer than the tool runs.
_HEADROOM = 2
_MAX_TIMEOUT = 300
_MAX_DESCRIPTION = 999
_MARK = "x-vapitools"

# What Vapi itself adds to a tool.
PLATFORM = frozenset({"id", "orgId", "createdAt", "updatedAt", "latestVersion"})
_SAID = frozenset({"type", "function", "messages", "async", "parameters", "server"})
# `vapitools` sends its own to Vapi.
_SERVER_SECRETS = frozenset({"server.secret", "server.headers", "server.url", "serverUrlSecret"})
_INSIDE = "It stands inside the assistant at Vapi: with --adopt, this one takes its place."


@dataclass
class _Parameter:
    """One parameter of the function.

    Attributes:
        key: What the model calls it.
        name: What the function calls it.
        text: Its description.
    """

    key: str
    name: str
    hint: Hint
    text: str = ""
    is_optional: bool = False


@dataclass
class Stub:
    """A function for one tool.

    Attributes:
        name: What the function is called.
        code: The function, with its comments.
    """

    name: str
    code: str


def stub(given: Mapping[str, Any], module: Module, *, is_inside: bool) -> Stub:
    """The function for a tool.

    Args:
        given: The tool, as the API has it.
        module: Where its classes go.
        is_inside: Whether it stands in the assistant itself.
    """
    return _Writer(given, module, is_inside=is_inside).write()


class _Writer:
    def __init__(self, given: Mapping[str, Any], module: Module, *, is_inside: bool) -> None:
        function: Mapping[str, Any] = given["function"]
        beside = {key: value for key, value in given.items() if key != "function"}
        self._tool, self._secrets = without_secrets(_without_mark(beside))
        self._function = function
        self._server: dict[str, Any] = dict(self._tool.get("server") or {})
        self._is_inside = is_inside
        self._notes: list[str] = []
        self._name: str = function["name"]
        self._own_name = module.names.take(variable(self._name, "tool"))
        self._is_strict = bool(function.get("strict"))
        self._hints = Hints(
            module, self._server.get("encryptedPaths") or (), is_strict=self._is_strict
        )

    def write(self) -> Stub:
        parameters = self._parameters()
        description = self._description()
        written, is_said, are_said = _documented(description, parameters)
        decorator = self._decorator("" if is_said else description)
        signature = _signature(parameters, are_said)
        if written:
            written += "\n"
        text = f"{self._name} is not written yet"
        raising = call("raise NotImplementedError", [expression(text)], {})
        # After the rest, which finds what cannot be said.
        comments = self._comments()
        code = (
            f"{comments}{decorator}\n"
            f"{laid(Part('', Bracket(f'def {self._own_name}(', signature, ')'), ' -> str:'))}\n"
            f"{written}{laid(Part('', raising), INDENT)}"
        )
        return Stub(self._own_name, code)

    # --- parameters -------------------------------------------------------------------

    def _parameters(self) -> list[_Parameter]:
        schema = self._function.get("parameters")
        properties, required = self._hints.parameters(schema if is_object(schema) else {})
        static = self._static(properties)
        names = Names()
        made: list[_Parameter] = []
        for key, inner in properties.items():
            name = names.take(variable(key, "parameter"))
            hint = self._hints.hint(inner, step(key), key)
            made.append(_Parameter(key, name, hint, text_of(inner), key not in required))
        for key, value in static.items():
            name = names.take(variable(key, "parameter"))
            filled = call("Static", [expression(value)], {})
            made.append(_Parameter(key, name, Hint(_type_of(value), [filled])))
        if self._is_strict and len(required) < len(properties):
            self._notes.append("strict: the model now has to fill in every parameter")
        return made

    def _static(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        static: dict[str, Any] = {}
        for each in self._tool.get("parameters") or ():
            if "value" not in each:
                continue  # a secret, which is told already
            if each["key"] in properties:
                self._notes.append(
                    f"parameters: Vapi fills in {each['key']} with {shown(each['value'])}, "
                    "whatever the model says"
                )
            else:
                static[each["key"]] = each["value"]
        return static

    # --- what is said -----------------------------------------------------------------

    def _description(self) -> str:
        text = str(self._function.get("description") or "").strip()
        if len(text) <= _MAX_DESCRIPTION:
            return text
        kept = text[:_MAX_DESCRIPTION].rpartition(" ")[0].strip() or text[:_MAX_DESCRIPTION]
        self._notes.append(
            f"description: it has {len(text)} characters, and models degrade from 1000 on; "
            f"this was cut off: {text[len(kept) :].strip()}"
        )
        return kept

    def _decorator(self, description: str) -> str:
        said: dict[str, Node] = {}
        if self._own_name != self._name:
            said["name"] = expression(self._name)
        if description:
            said["description"] = expression(description)
        if spoken_ := list(self._messages()):
            said["messages"] = expression(spoken_)
        if (timeout := self._timeout()) is not None:
            said["timeout"] = expression(timeout)
        if self._is_strict and self._hints.is_open:
            self._notes.append("strict: it does not go with an object of any names")
        elif self._is_strict:
            said["strict"] = "True"
        if self._tool.get("async"):
            said["wait"] = "False"
        return laid(Part("@", call("tool", [], said) if said else "tool"))

    def _messages(self) -> Iterator[spoken.Spoken | Mapping[str, Any]]:
        for given in self._tool.get("messages") or ():
            made = message(given)
            if made is None:
                self._notes.append(f"messages: {shown(given)}")
            else:
                yield made

    def _timeout(self) -> int | None:
        given = self._server.get("timeoutSeconds")
        if given is None or given == DEFAULT_TIMEOUT:
            return None
        # Whole seconds, in the range that Vapi takes.
        if given not in range(_HEADROOM + 1, _MAX_TIMEOUT + 1):
            self._notes.append(f"server.timeoutSeconds = {shown(given)}")
            return None
        return int(given) - _HEADROOM

    # --- what is not said -------------------------------------------------------------

    def _comments(self) -> str:
        lines: list[str] = []
        if url := self._server.get("url"):
            lines.append(comment(f"Behind {url} until now."))
        if self._is_inside:
            lines.append(comment(_INSIDE))
        if self._secrets:
            lines.append(comment(secrets_text(self._secrets)))
        if unsaid := [*self._hints.unsaid, *self._notes, *self._other()]:
            lines.append(comment("Vapi also has the following of it, which is not said here:"))
            lines += [comment(f"- {each}") for each in unsaid]
        return "".join(f"{line}\n" for line in lines)

    def _other(self) -> Iterator[str]:
        for path in self._hints.encrypted:
            yield f"server.encryptedPaths = {shown([path])}"
        for key, value in self._server.items():
            is_said = key in ("url", "timeoutSeconds", "encryptedPaths")
            if not is_said and value not in (None, [], {}, False):
                yield f"server.{key} = {shown(value)}"
        for key, value in self._tool.items():
            if key not in PLATFORM | _SAID and value is not None:
                yield f"{key} = {shown(value)}"
        for key, value in self._function.items():
            if key not in ("name", "description", "parameters", "strict") and value is not None:
                yield f"function.{key} = {shown(value)}"


def secrets_text(paths: list[str]) -> str:
    """What a comment says of what was left out."""
    told = [f"Left out, because a secret does not belong into code: {', '.join(paths)}."]
    if not _SERVER_SECRETS.isdisjoint(paths):
        told.append("What Vapi sends to your server goes into VAPI_SERVER_SECRET.")
    if not _SERVER_SECRETS.issuperset(paths):
        told.append('Before you apply, put the rest in from the environment: os.environ["…"].')
    return " ".join(told)


# --- the docstring ------------------------------------------------------------------------


def _documented(description: str, parameters: list[_Parameter]) -> tuple[str, bool, bool]:
    """A docstring, and whether it says the description and the parameters' own.

    What does not come out of a docstring as it went in is said elsewhere.
    """
    texts = {each.name: each.text for each in parameters if each.text}
    for text, described in ((description, texts), (description, {}), ("", texts)):
        if not text and not described:
            continue
        code, raw = docstring(_docstring_lines(text, described), INDENT)
        read = (_docstrings.parse(raw), _docstrings.parse(inspect.cleandoc(raw)))
        if all(each.text == text and each.parameters == described for each in read):
            return code, bool(text), bool(described)
    return "", False, False


def _docstring_lines(text: str, described: Mapping[str, str]) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n") if text else ()):
        yield from [""] if number else []
        # The quotes stand before the first line.
        yield from wrapped(paragraph, INDENT + '"""')
    if described:
        yield from ["", "Args:"] if text else ["Args:"]
    for name, each in described.items():
        lines = wrapped(f"{name}: {each}", INDENT * 2, hanging=INDENT)
        yield from (f"{INDENT}{line}" for line in lines)


# --- the signature ------------------------------------------------------------------------


def _signature(parameters: list[_Parameter], are_said: bool) -> tuple[Part, ...]:
    parts: list[Part] = []
    was_optional = is_keyword_only = False
    for each in parameters:
        if was_optional and not each.is_optional and not is_keyword_only:
            is_keyword_only = True
            parts.append(Part("", "*"))
        was_optional = was_optional or each.is_optional
        parts.append(_parameter_part(each, are_said))
    return tuple(parts)


def _parameter_part(parameter: _Parameter, are_said: bool) -> Part:
    hint = parameter.hint
    describe(hint, parameter.key, parameter.name, "" if are_said else parameter.text)
    node = hint.node(is_optional=parameter.is_optional)
    return Part(f"{parameter.name}: ", node, " = None" if parameter.is_optional else "")


def _without_mark(tool: Mapping[str, Any]) -> dict[str, Any]:
    """The tool without what `vapitools apply` leaves at it."""
    server = as_object(tool.get("server"))
    headers = {k: v for k, v in as_object(server.get("headers")).items() if k.lower() != _MARK}
    return {**tool, "server": {**server, "headers": headers}}


# --- small --------------------------------------------------------------------------------

_TYPES: Mapping[Any, str] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    list: "list[Any]",
}


def _type_of(value: Any) -> str:
    return "dict[str, Any]" if isinstance(value, dict) else _TYPES.get(type(value), "Any")
