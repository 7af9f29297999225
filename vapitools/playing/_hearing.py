"""What the caller hears around a tool call, of what the tool's `messages` and its answer say.

https://docs.vapi.ai/tools/custom-tools
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._shapes import as_list, as_object
from ._judging import ToolAnswer

FILLER = "One moment."
"""Stands for what Vapi says of its own where a tool has no `request-start`."""
NO_RESULT = "No result returned."
"""What the model is told, and the assistant says, where Vapi took no answer."""

_STARTS, _DELAYS = "request-start", "request-response-delayed"
_COMPLETE, _FAILED = "request-complete", "request-failed"

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass(frozen=True)
class Heard:
    """Something that the caller hears.

    Attributes:
        text: The words.
        source: Why: `request-start`, `filler`, `request-response-delayed`, `request-complete`,
            `request-failed`, `no-result`, `say`, or "" for the assistant's own words.
        seconds: After the tool was called.
        ends_call: Whether Vapi hangs up after it.
    """

    text: str = field(repr=False)
    source: str = ""
    seconds: float = 0.0
    ends_call: bool = False


def before(definition: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[Heard]:
    """What is heard when the tool is called."""
    if definition.get("async"):
        return
    starts = _fitting(definition, _STARTS, arguments)
    if not any(message.get("type") == _STARTS for message in _messages(definition)):
        yield Heard(FILLER, "filler")
    elif starts and (text := _words(starts[0])):
        yield Heard(text, _STARTS)


def during(
    definition: Mapping[str, Any], arguments: Mapping[str, Any], seconds: float
) -> Iterator[Heard]:
    """What is heard while the tool works."""
    if definition.get("async"):
        return
    for message in _fitting(definition, _DELAYS, arguments):
        after = _seconds(message.get("timingMilliseconds"))
        if after < seconds and (text := _words(message)):
            yield Heard(text, _DELAYS, after)


def after(
    definition: Mapping[str, Any], arguments: Mapping[str, Any], answer: ToolAnswer, seconds: float
) -> Iterator[Heard]:
    """What is heard once the tool was answered. Nothing: the model finds its own words."""
    type_ = _COMPLETE if answer.result is not None else _FAILED
    if definition.get("async") and type_ == _FAILED:
        return
    own = [answer.message] if answer.message is not None else []
    for message in [*own, *_fitting(definition, type_, arguments)][:1]:
        # Said to the model, and not to the caller.
        if message.get("role") != "system" and (text := _words(message)):
            ends = bool(message.get("endCallAfterSpokenEnabled"))
            yield Heard(text, str(message["type"]), seconds, ends)
        return
    if answer.text is None:
        yield Heard(NO_RESULT, "no-result", seconds)


def _messages(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [as_object(each) for each in as_list(definition.get("messages"))]


def _seconds(milliseconds: Any) -> float:
    is_number = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool)
    return milliseconds / 1000 if is_number else 0.0


def _fitting(
    definition: Mapping[str, Any], type_: str, arguments: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The messages of a type whose conditions all hold. Those with conditions come first."""
    fitting = [
        message
        for message in _messages(definition)
        if message.get("type") == type_
        and all(_holds(as_object(each), arguments) for each in as_list(message.get("conditions")))
    ]
    return sorted(fitting, key=lambda message: not message.get("conditions"))


def _holds(condition: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether an argument compares so: as numbers where both are."""
    mine = _text(arguments.get(str(condition.get("param"))))
    limit = _text(condition.get("value"))
    compare = _COMPARE.get(str(condition.get("operator")), _COMPARE["eq"])
    try:
        return compare(float(mine), float(limit))
    except ValueError:
        return compare(mine, limit)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(message: Mapping[str, Any]) -> str:
    """What a message says, in the first of its languages."""
    texts = [message.get("content")]
    texts += [as_object(each).get("text") for each in as_list(message.get("contents"))[:1]]
    return next((text for text in texts if isinstance(text, str) and text), "")
