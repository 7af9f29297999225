"""What the assistant says around a tool call, in Vapi's four kinds of message.

The names and limits are Vapi's: https://docs.vapi.ai/tools/custom-tools
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ._spelling import closest
from .errors import DefinitionError

Content = str | Mapping[str, str]
Operator = Literal["eq", "neq", "gt", "gte", "lt", "lte"]
Role = Literal["assistant", "system"]

_MAX_CONTENT = 1000
_MIN_DELAY, _MAX_DELAY = 0.1, 120.0

# Vapi reads a type that it does not know as `request-failed`, so each must be right.
_TYPES = {
    "start": "request-start",
    "delayed": "request-response-delayed",
    "success": "request-complete",
    "error": "request-failed",
}


@dataclass(frozen=True)
class Condition:
    """Speak only when an argument compares so: `Condition("party_size", "gt", 8)`."""

    param: str
    operator: Operator
    value: str | float | bool

    def to_json(self) -> dict[str, Any]:
        """The condition as the API takes it, where every value is text."""
        value = str(self.value).lower() if isinstance(self.value, bool) else str(self.value)
        return {"param": self.param, "operator": self.operator, "value": value}


@dataclass(frozen=True)
class RequestStart:
    """Said when the tool is called. Several of them are variants: one is picked.

    Args:
        content: The text, or a text per language: `{"en": "One moment.", "es": "Un momento."}`.
        blocking: Call the tool only after the text was spoken.
        conditions: All must hold for this message to be said.

    Raises:
        DefinitionError: The content is longer than 1000 characters.
    """

    content: Content
    blocking: bool = False
    conditions: Sequence[Condition] = ()

    def __post_init__(self) -> None:
        _check_content(self.content)

    def to_json(self) -> dict[str, Any]:
        """The message as the API takes it."""
        message = _message("request-start", self.content, self.conditions)
        return {**message, "blocking": True} if self.blocking else message


@dataclass(frozen=True)
class RequestDelayed:
    """Said when the answer takes longer than `after` seconds (0.1 to 120).

    Raises:
        DefinitionError: `after` is out of range, or the content longer than 1000 characters.
    """

    content: Content
    after: float
    conditions: Sequence[Condition] = ()

    def __post_init__(self) -> None:
        _check_content(self.content)
        if not _MIN_DELAY <= self.after <= _MAX_DELAY:
            raise DefinitionError(
                f"RequestDelayed: after={self.after!r} is out of range; "
                f"write seconds from {_MIN_DELAY} to {_MAX_DELAY:g}"
            )

    def to_json(self) -> dict[str, Any]:
        """The message as the API takes it."""
        message = _message("request-response-delayed", self.content, self.conditions)
        return {**message, "timingMilliseconds": round(self.after * 1000)}


@dataclass(frozen=True)
class _Closing:
    content: Content
    role: Role = "assistant"
    end_call: bool = False
    conditions: Sequence[Condition] = ()

    def __post_init__(self) -> None:
        _check_content(self.content)

    def _to_json(self, type_: str) -> dict[str, Any]:
        message = _message(type_, self.content, self.conditions)
        if self.role != "assistant":
            message["role"] = self.role
        if self.end_call:
            message["endCallAfterSpokenEnabled"] = True
        return message


@dataclass(frozen=True)
class RequestComplete(_Closing):
    """Said when the tool has answered, instead of a sentence the model makes up.

    Args:
        content: The text, or a text per language.
        role: `"system"` makes the text a hint to the model instead of speech.
        end_call: Hang up after the text was spoken.
        conditions: All must hold for this message to be said.

    Raises:
        DefinitionError: The content is longer than 1000 characters.
    """

    def to_json(self) -> dict[str, Any]:
        """The message as the API takes it."""
        return self._to_json("request-complete")


@dataclass(frozen=True)
class RequestFailed(_Closing):
    """Said when the tool has failed. Takes what `RequestComplete` takes."""

    def to_json(self) -> dict[str, Any]:
        """The message as the API takes it."""
        return self._to_json("request-failed")


Spoken = RequestStart | RequestDelayed | RequestComplete | RequestFailed


def to_json(message: Spoken | Mapping[str, Any]) -> dict[str, Any]:
    """Any spelling of a spoken message as the API takes it.

    A mapping may use the API's types, or the short `start`, `delayed`, `success`, `error`.

    Raises:
        DefinitionError: The type is none of them, or the content is too long.
    """
    if isinstance(message, Mapping):
        return _from_mapping(message)
    if isinstance(message, (RequestStart, RequestDelayed, _Closing)):
        return message.to_json()
    raise DefinitionError(
        f"messages: {type(message).__name__} is no spoken message; write RequestStart('…'), "
        "RequestDelayed('…', after=3), RequestComplete('…') or RequestFailed('…')"
    )


def _from_mapping(message: Mapping[str, Any]) -> dict[str, Any]:
    given = str(message.get("type"))
    type_ = _TYPES.get(given, given)
    if type_ not in _TYPES.values():
        known = [*_TYPES, *_TYPES.values()]
        close = closest(given, known)
        meant = f"did you mean {close!r}?" if close else f"write one of {', '.join(known)}"
        raise DefinitionError(f"messages: there is no message type {given!r}; {meant}")
    _check_content(message.get("content") or "")
    return {**message, "type": type_}


def _check_content(content: Content) -> None:
    texts = [content] if isinstance(content, str) else list(content.values())
    for text in texts:
        if not isinstance(text, str):
            raise DefinitionError(f"messages: the content must be text, not {type(text).__name__}")
        if len(text) > _MAX_CONTENT:
            raise DefinitionError(
                f"messages: {text[:30]!r}… has {len(text)} characters; "
                f"Vapi takes at most {_MAX_CONTENT}"
            )


def _message(type_: str, content: Content, conditions: Sequence[Condition]) -> dict[str, Any]:
    message: dict[str, Any] = {"type": type_}
    if isinstance(content, str):
        message["content"] = content
    else:
        message["contents"] = [
            {"type": "text", "text": text, "language": language}
            for language, text in content.items()
        ]
    if conditions:
        message["conditions"] = [condition.to_json() for condition in conditions]
    return message
