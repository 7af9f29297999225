"""What a handler returns to a message that wants an answer → the JSON that Vapi takes."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from . import _results
from .assistants import Assistant, SavedAssistant
from .destinations import (
    AssistantDestination,
    NumberDestination,
    SipDestination,
    destination_json,
)
from .errors import DefinitionError, ResultError
from .spoken import RequestComplete, RequestDelayed, RequestFailed, RequestStart
from .squads import Squad

Inline = Callable[[Assistant], dict[str, Any]]
"""An assistant's definition, with the address and the secret of this server in it."""


@dataclass(frozen=True)
class SavedSquad:
    """A squad that is stored at Vapi.

    Args:
        id: Vapi's id of it.
        overrides: Fields of its members that are different in this call, as the API takes them.
    """

    id: str
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> dict[str, Any]:
        """The answer to an `assistant-request`."""
        overrides = {"squadOverrides": dict(self.overrides)} if self.overrides else {}
        return {"squadId": self.id, **overrides}


@dataclass(frozen=True)
class Document:
    """A piece of knowledge for the model.

    Args:
        content: The text.
        similarity: How well it fits the question, from 0 to 1.
        uuid: Its id, when it is stored at Vapi.
    """

    content: str
    similarity: float
    uuid: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The document as the API takes it."""
        uuid = {"uuid": self.uuid} if self.uuid else {}
        return {"content": self.content, "similarity": self.similarity, **uuid}


AssistantAnswer = (
    Assistant
    | SavedAssistant
    | Squad
    | SavedSquad
    | NumberDestination
    | SipDestination
    | str
    | Mapping[str, Any]
)
TransferAnswer = NumberDestination | SipDestination | AssistantDestination | str | Mapping[str, Any]
HandoffAnswer = AssistantDestination | str | Mapping[str, Any]
KnowledgeAnswer = Sequence[Document | Mapping[str, Any]] | str | Mapping[str, Any]
EndpointingAnswer = float | Mapping[str, Any]
PredialAnswer = bool | Mapping[str, Any]
VoiceAnswer = bytes | Iterable[bytes] | AsyncIterable[bytes]


def to_json(type_: str, value: Any, inline: Inline) -> dict[str, Any]:
    """The answer to a message of that type.

    Args:
        type_: The message's type, one of those that want an answer in JSON.
        value: What the handler has returned.
        inline: Defines an assistant that is not stored at Vapi.

    Raises:
        ResultError: It is no answer to that type of message. What it holds is not told.
    """
    kind = _KINDS[type_]
    answer = kind.read(_written(_in_its_field(value), inline))
    if answer is None:
        raise ResultError(f"got {type(value).__name__}; return {kind.wanted}{_hint(kind, value)}")
    return answer


def _in_its_field(value: Any) -> Any:
    if isinstance(value, Assistant):
        return {"assistant": value}
    return {"squad": value} if isinstance(value, Squad) else value


def _hint(kind: _Kind, value: Any) -> str:
    if _is_object(value):
        return f", or a dict with {kind.names}"
    if isinstance(value, str):
        return "; one word is a sentence when it ends with a full stop, a number begins with +"
    return ""


# --- how an answer can be spelled ---------------------------------------------------------

_OURS = (
    SavedAssistant,
    SavedSquad,
    Document,
    NumberDestination,
    SipDestination,
    AssistantDestination,
    RequestStart,
    RequestDelayed,
    RequestComplete,
    RequestFailed,
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Not every language writes blanks.
_FOR_MACHINES = re.compile(
    r"""[!-~]+ (?<![.!?])   # one word of ASCII that does not end as a sentence does
    | [{\[<] .*             # JSON or XML
    | (sips?|tel): .*""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def _written(value: Any, inline: Inline) -> Any:
    """The same with our own objects written out, however deep they are in it."""
    if isinstance(value, Assistant):
        return _defined(value, inline)
    if isinstance(value, Squad):
        return value.defined_by(lambda member: {"assistant": _defined(member, inline)})
    if isinstance(value, _OURS):
        return value.to_json()
    if _is_object(value):
        return {name: _written(each, inline) for name, each in value.items()}
    return [_written(each, inline) for each in value] if _is_list(value) else value


def _defined(assistant: Assistant, inline: Inline) -> dict[str, Any]:
    try:
        return inline(assistant)
    except DefinitionError as error:
        raise ResultError("; ".join(error.problems)) from error


def _routed(value: Any) -> Any:
    if isinstance(value, str):
        return _from_text(value.strip())
    is_destination = _is_object(value) and "type" in value
    return {"destination": value} if is_destination else value


def _from_text(text: str) -> dict[str, str]:
    if _UUID.fullmatch(text):
        return {"assistantId": text}
    return {"error" if _is_sentence(text) else "destination": text}


def _is_sentence(text: str) -> bool:
    return any(map(str.isalpha, text)) and not _FOR_MACHINES.fullmatch(text)


def _known(value: Any) -> Any:
    if isinstance(value, str) and _is_sentence(value.strip()):
        message = {"type": "custom-message", "content": _results.one_line(value)}
        return {"message": message}
    return {"documents": value} if _is_list(value) else value


def _in_field(name: str) -> Callable[[Any], Any]:
    return lambda value: value if _is_object(value) else {name: value}


def _is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


# --- what a field of an answer can hold ---------------------------------------------------

_MAX_CONTENT = 1000

_Reader = Callable[[Any], Any]
"""What is sent for a value; None for one that is wrong."""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _sentence(value: Any) -> str | None:
    return (_results.one_line(value) or None) if isinstance(value, str) else None


def _object(value: Any) -> Mapping[str, Any] | None:
    return value if _is_object(value) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(least: float, most: float) -> _Reader:
    def read(value: Any) -> float | None:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return value if is_number and least <= value <= most else None

    return read


def _destination(*types: str) -> _Reader:
    def read(value: Any) -> dict[str, Any] | None:
        try:
            found = destination_json(value)
        except DefinitionError:
            return None
        return found if found["type"] in types else None

    return read


def _message(*types: str) -> _Reader:
    def read(value: Any) -> Mapping[str, Any] | None:
        if not _is_object(value) or value.get("type") not in types:
            return None
        content = _text(value.get("content")) or ""
        return value if value.get("contents") or 0 < len(content) <= _MAX_CONTENT else None

    return read


def _documents(value: Any) -> list[dict[str, Any]] | None:
    if not _is_list(value):
        return None
    found = [document for each in value if (document := _document(each))]
    return found if len(found) == len(value) else None


def _document(value: Any) -> dict[str, Any] | None:
    if not _is_object(value):
        return None
    found = {
        "content": _text(value.get("content")),
        "similarity": _number(-sys.float_info.max, sys.float_info.max)(value.get("similarity")),
    }
    if value.get("uuid") is not None:
        found["uuid"] = _text(value["uuid"])
    return None if None in found.values() else found


# --- by type ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Kind:
    """The answers to a type of message.

    Args:
        wanted: What a handler can return, in words.
        spelled: A friendly spelling → the API's own object.
        fields: Of that object: those of which one is needed.
        extras: Those that can stand beside them.
    """

    wanted: str
    spelled: Callable[[Any], Any]
    fields: Mapping[str, _Reader]
    extras: Mapping[str, _Reader] = field(default_factory=dict[str, _Reader])

    def read(self, value: Any) -> dict[str, Any] | None:
        """The API's own object; None for what is no answer."""
        answer = self.spelled(value)
        if not _is_object(answer):
            return None
        given = {name: each for name, each in answer.items() if each is not None}
        readers = {**self.fields, **self.extras}
        if given.keys().isdisjoint(self.fields) or not given.keys() <= readers.keys():
            return None
        found = {name: readers[name](each) for name, each in given.items()}
        return None if None in found.values() else found

    @property
    def names(self) -> str:
        return ", ".join([*self.fields, *self.extras])


_KINDS = {
    "assistant-request": _Kind(
        "an Assistant, a SavedAssistant, a Squad, a SavedSquad, an assistant's id, a number or "
        "SIP destination, or a sentence that tells the caller why not",
        _routed,
        {
            "assistantId": _text,
            "assistant": _object,
            "squadId": _text,
            "squad": _object,
            "workflowId": _text,
            "workflow": _object,
            "destination": _destination("number", "sip"),
            "error": _sentence,
        },
        {"assistantOverrides": _object, "squadOverrides": _object, "workflowOverrides": _object},
    ),
    "transfer-destination-request": _Kind(
        "a destination, or a sentence that tells why not",
        _routed,
        {"destination": _destination("number", "sip", "assistant"), "error": _sentence},
        {
            "message": _message(
                "request-start",
                "request-response-delayed",
                "request-complete",
                "request-failed",
            )
        },
    ),
    "handoff-destination-request": _Kind(
        "an AssistantDestination, or a sentence that tells why not",
        _routed,
        {"destination": _destination("assistant", "squad"), "error": _sentence},
        {"result": _sentence},
    ),
    "knowledge-base-request": _Kind(
        "a list of Documents, or a sentence to say",
        _known,
        {"documents": _documents, "message": _message("custom-message")},
    ),
    "call.endpointing.request": _Kind(
        "a number of seconds from 0 to 15",
        _in_field("timeoutSeconds"),
        {"timeoutSeconds": _number(0, 15)},
    ),
    "campaign.predial": _Kind(
        "True or False",
        _in_field("eligible"),
        {"eligible": _flag},
    ),
}
