"""What is to be said of the tools by themselves."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from .._wording import resolve
from ..toolset import AnyTool
from ._blocking import blocking_calls
from ._finding import Finding
from ._sources import place_of

# From 200 to 800 characters is the useful range, and from 1000 on models degrade.
_MAX_DESCRIPTION = 800
_BARE_DESCRIPTION = 20
_MAX_TOKENS = 1000
_MAX_TOKENS_OF_ALL = 4000
DEFAULT_TURN = 100
"""The tokens that a model writes at once where nothing is set, at the worst."""

_CHARACTERS_PER_TOKEN = 4
# How long a value is, as a model writes it.
_LENGTHS = {"string": 22, "number": 4, "integer": 3, "boolean": 5}
_ITEMS = 3

_SKIPPED = ("request-start", "request-response-delayed", "request-failed")


def check_tools(tools: Iterable[AnyTool], turn: int) -> Iterator[Finding]:
    """Say what is to be said of each tool, and of all together.

    Args:
        tools: The tools.
        turn: How many tokens the model may write at once.
    """
    earlier: list[AnyTool] = []
    for tool in tools:
        say = partial(Finding, subject=f"tool {tool.name}", place=place_of(tool))
        for code, text in _problems(tool, earlier, turn):
            yield say(code, text=text)
        yield from blocking_calls(tool)
        earlier.append(tool)
    total = sum(map(_tokens, earlier))
    if total > _MAX_TOKENS_OF_ALL:
        yield Finding(
            "large-schema",
            "all tools",
            f"the model reads about {total} tokens of definitions before each answer; give an "
            f"assistant fewer tools, or shorter ones: {_MAX_TOKENS_OF_ALL} are a lot",
        )


def _problems(tool: AnyTool, earlier: list[AnyTool], turn: int) -> Iterator[tuple[str, str]]:
    yield from _description_problems(tool, earlier)
    yield from _parameter_problems(tool)
    yield from _name_problems(tool, earlier)
    yield from _size_problems(tool, turn)
    yield from _message_problems(tool)


def _description_problems(tool: AnyTool, earlier: list[AnyTool]) -> Iterator[tuple[str, str]]:
    length = len(tool.description)
    if not length:
        yield (
            "no-description",
            "the model is not told what it does; write a docstring that says what it does and when",
        )
        return
    if length < _BARE_DESCRIPTION:
        yield (
            "bare-description",
            f"the description has only {length} characters; say when to use it and what to ask for",
        )
    if length > _MAX_DESCRIPTION:
        yield (
            "long-description",
            f"the description has {length} characters; keep to {_MAX_DESCRIPTION}, for from 1000 "
            "on models get worse without a word",
        )
    for other in earlier:
        if other.description == tool.description:
            yield (
                "same-description",
                f"the description is the same as that of {other.name}; say when to use which",
            )
            return


def _parameter_problems(tool: AnyTool) -> Iterator[tuple[str, str]]:
    properties = tool.parameters["properties"]
    for parameter in inspect.signature(tool).parameters.values():
        if parameter.annotation is parameter.empty and parameter.name in properties:
            yield (
                "no-annotation",
                f"the parameter {parameter.name!r} has no type, so it is taken for text; write one",
            )
    for name in _undescribed(tool):
        yield (
            "no-parameter-description",
            f"the parameter {name!r} has no description; write one under Args: in the docstring",
        )


def _undescribed(tool: AnyTool) -> list[str]:
    """The parameters that the author says nothing of; choices speak for themselves."""
    # What the model reads holds defaults and limits in words, which describe nothing.
    schema = tool._spec.read.schema
    resolved = {
        name: resolve(property_, schema.get("$defs", {}))
        for name, property_ in schema.get("properties", {}).items()
    }
    choices = {name for name, lowered in tool.parameters["properties"].items() if "enum" in lowered}
    return [
        name
        for name, property_ in resolved.items()
        if not property_.get("description") and name not in choices
    ]


def _name_problems(tool: AnyTool, earlier: list[AnyTool]) -> Iterator[tuple[str, str]]:
    if len(tool.name) == 1:
        yield "unclear-name", "one letter tells a model nothing; name it after what it does"
    for other in earlier:
        if _plain(other.name) == _plain(tool.name):
            yield (
                "similar-name",
                f"a model takes it for {other.name}; let more than case and underscores differ",
            )


def _plain(name: str) -> str:
    return re.sub("[_-]", "", name).lower()


# --- sizes --------------------------------------------------------------------------------


def _size_problems(tool: AnyTool, turn: int) -> Iterator[tuple[str, str]]:
    tokens = _tokens(tool)
    if tokens > _MAX_TOKENS:
        yield (
            "large-schema",
            f"the model reads about {tokens} tokens of definition before each answer; take fewer "
            f"or flatter parameters, or several tools: {_MAX_TOKENS} are a lot",
        )
    needed = _sample_length(tool.parameters) // _CHARACTERS_PER_TOKEN
    if needed > turn:
        yield (
            "long-arguments",
            f"a call needs about {needed} tokens of arguments, and a model that may write {turn} "
            "is cut off; take fewer or flatter parameters, or set maxTokens in the model",
        )


def _tokens(tool: AnyTool) -> int:
    """About what the definition costs in the model's context."""
    function = tool.definition()["function"]
    text = json.dumps(function, ensure_ascii=False, separators=(",", ":"))
    return len(text) // _CHARACTERS_PER_TOKEN


def _sample_length(schema: dict[str, Any]) -> int:
    """About how many characters the JSON of a value has."""
    if schema["type"] == "object":
        properties = schema.get("properties", {})
        # With quotation marks, a colon and a comma.
        return sum(
            len(name) + 4 + _sample_length(properties[name]) for name in schema.get("required", ())
        )
    if schema["type"] == "array":
        return _ITEMS * _sample_length(schema["items"])
    if schema.get("enum"):
        return max(map(len, schema["enum"])) + 2
    return _LENGTHS[schema["type"]]


# --- what is said around a call -----------------------------------------------------------


def _message_problems(tool: AnyTool) -> Iterator[tuple[str, str]]:
    definition = tool.definition()
    spoken: list[dict[str, Any]] = definition.get("messages", [])
    skipped = dict.fromkeys(each["type"] for each in spoken if each["type"] in _SKIPPED)
    if definition.get("async") and skipped:
        yield (
            "skipped-message",
            f"Vapi does not say {' and '.join(skipped)} of a tool with wait=False; "
            "leave it out, or wait",
        )
        return
    for message in spoken:
        after = message.get("timingMilliseconds", 0) / 1000
        if after >= tool.timeout:
            yield (
                "late-message",
                f"what is to be said after {after:g} s never is: the call is answered after "
                f"{tool.timeout:g} s at the latest; say it earlier, or set timeout=",
            )
