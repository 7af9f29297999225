"""Which tools a prompt speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from .._spelling import closest

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)

# snake_case and camelCase, but no part of an address, a path or a number.
_IDENTIFIER = re.compile(
    r"(?<![\w.@/#$-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+)(?![\w@/-]|\.\w)"
)
_AS_TOOL = (
    r"\b(?:tool|function)s?\s+(?:named\s+|called\s+)?[`'\"*]*{word}\b",
    r"\b{word}[`'\"*]*(?:\(\))?[`'\"*]*\s+(?:tool|function)\b",
    r"\b(?:call|calling|invoke|run)\s+[`'\"*]*{word}\b",
    r"\b{word}\(",
)
_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
_CLOSE = 0.8

# Names under which Vapi's own tools stand in prompts → what gives them to an assistant.
_BUILT_IN = {"endCall": "EndCall()", "transferCall": "TransferCall(…)"}
# Names that Vapi makes up for each destination.
_MADE_UP = ("handoff_to_", "transfer_to_")


def text_of(model: Mapping[str, Any]) -> str:
    """The prompt of an assistant: the system messages of its model."""
    messages = cast("list[dict[str, Any]]", model.get("messages") or [])
    texts = [message.get("content") for message in messages if message.get("role") == "system"]
    return "\n".join(text for text in texts if isinstance(text, str))


def mentions(prompt: str, name: str) -> bool:
    """Whether a prompt speaks of a tool, by its name or in the words of it."""
    words = [part.lower().removesuffix("s") for part in _PARTS.findall(name)]
    return all(word in prompt.lower() for word in words)


def unknown_tools(prompt: str, model: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The tools that a prompt names and the assistant does not have, each with what to do."""
    tools: list[dict[str, Any]] = list(model.get("tools") or ())
    # What these are called is known at Vapi alone.
    if model.get("toolIds") or model.get("toolRefs") or any(t.get("type") == "mcp" for t in tools):
        return
    names = {name for tool in tools for name in _names(tool)}
    known = names | {word for tool in tools for word in _words(tool)}
    built_in = {_plain(str(tool.get("type"))) for tool in tools}
    text = _TEMPLATE.sub(" ", prompt)
    for word in dict.fromkeys(_IDENTIFIER.findall(text)):
        if word not in known and _plain(word) not in built_in and not word.startswith(_MADE_UP):
            hint = _hint(word, names, text)
            if hint:
                yield word, hint


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _hint(word: str, names: set[str], text: str) -> str | None:
    if word in _BUILT_IN:
        return f"add {_BUILT_IN[word]} to its tools"
    close = closest(word, names, cutoff=_CLOSE)
    if close:
        return f"did you mean {close}?"
    if any(re.search(pattern.format(word=word), text, re.IGNORECASE) for pattern in _AS_TOOL):
        return f"its tools are: {', '.join(sorted(names)) or 'none'}"
    return None


def _names(tool: Mapping[str, Any]) -> Iterator[str]:
    """What the model calls a tool that has a name of its own."""
    function = cast("dict[str, Any]", tool.get("function") or {})
    for name in (tool.get("name"), function.get("name")):
        if isinstance(name, str):
            yield name


def _words(value: object) -> Iterator[str]:
    """Every key and every text of a definition: a prompt may name parameters and choices."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            yield key
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _words(inner)
    elif isinstance(value, str):
        yield from _IDENTIFIER.findall(value)
