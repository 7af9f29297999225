"""Any shape that a message comes in → the one shape that the fast decoder reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

TOOL_CALLS = "tool-calls"
FUNCTION_CALL = "function-call"

# Types that are believed without a `message` around them. New ones appear without notice.
_KNOWN_TYPES = frozenset(
    """
    assistant-request assistant.speechStarted assistant.started call.artifact.upload
    call.delete.failed call.deleted call.endpointing.request campaign.predial chat.created
    chat.deleted conversation-update end-of-call-report function-call
    handoff-destination-request hang knowledge-base-request language-change-detected
    model-output phone-call-control session.created session.deleted session.updated
    speech-update status-update tool-calls transcript transfer-destination-request
    transfer-update user-interrupted voice-input voice-request
    """.split()
)
_CALL_LISTS = ("toolCallList", "toolCalls", "toolWithToolCallList")
_CALL_TEXTS = ("id", "assistantId", "phoneNumberId")
_CALL_OBJECTS = ("customer", "phoneNumber", "assistantOverrides", "monitor")


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether a decoded JSON value is a list."""
    return isinstance(value, list)


def as_object(value: Any) -> Mapping[str, Any]:
    """The value, where it is an object; otherwise an empty one."""
    return value if is_object(value) else {}


def as_list(value: Any) -> Sequence[Any]:
    """The value, where it is a list; otherwise an empty one."""
    return value if is_list(value) else ()


def is_deep(value: Any, most: int) -> bool:
    """Whether a decoded JSON value is nested more than so many levels deep."""
    level = [value]
    for _ in range(most):
        level = [inner for each in level for inner in _inner(each)]
        if not level:
            return False
    return True


def _inner(value: Any) -> Iterable[Any]:
    if is_object(value):
        return value.values()
    return value if is_list(value) else ()


def flattened(body: Any) -> dict[str, Any]:
    """The message's fields, wherever they stand: in `message`, beside it, or without one.

    Empty when the body is no message of Vapi's.
    """
    if not is_object(body):
        return {}
    message = body.get("message")
    if is_object(message):
        beside = {key: value for key, value in body.items() if key != "message"}
        return {**message, **_missing(message, beside)}
    return body if _is_message(body) else {}


def _missing(message: Mapping[str, Any], beside: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in beside.items() if message.get(key) is None}


def mended(body: Any) -> dict[str, Any]:
    """The message with only what can be read left in it: each field there has the right type."""
    message = flattened(body)
    lists = {name: _calls(message.get(name)) for name in _CALL_LISTS}
    given = message.get("functionCall")
    function = _call(given) if is_object(given) else None
    return {
        **_objects(message, ("customer", "phoneNumber", "chat")),
        **lists,
        "functionCall": function,
        "type": _type(message, has_calls=any(lists.values()), has_function=bool(function)),
        "call": _facts(message.get("call")),
        "assistant": _only(message.get("assistant"), "id", "variableValues"),
        "artifact": _only(message.get("artifact"), "variableValues"),
    }


def _is_message(body: Mapping[str, Any]) -> bool:
    type_ = body.get("type")
    # Some types carry their kind: `transcript[transcriptType="final"]`.
    if isinstance(type_, str) and type_.partition("[")[0] in _KNOWN_TYPES:
        return True
    return any(any(_calls(body.get(name))) for name in _CALL_LISTS)


def _type(message: Mapping[str, Any], *, has_calls: bool, has_function: bool) -> str:
    type_ = message.get("type")
    if isinstance(type_, str) and type_:
        return type_
    if has_calls:
        return TOOL_CALLS
    return FUNCTION_CALL if has_function else ""


def _calls(entries: Any) -> list[dict[str, Any] | None]:
    """The entries in their places, None for one that is no call; one alone is a list too."""
    if is_object(entries):
        entries = [entries]
    if not is_list(entries):
        return []
    return [_call(entry) if is_object(entry) else None for entry in entries]


def _call(entry: Mapping[str, Any]) -> dict[str, Any]:
    call: dict[str, Any] = {}
    for key, value in entry.items():
        if key in ("arguments", "parameters") and value is not None:
            # As text, because a number in it may be more than the fast decoder takes.
            call[key] = value if isinstance(value, str) else json.dumps(value)
        elif (key == "name" and isinstance(value, str)) or key == "id":
            call[key] = value
        elif key in ("function", "toolCall") and is_object(value):
            call[key] = _call(value)
    return call


def _facts(call: Any) -> dict[str, Any]:
    if not is_object(call):
        return {}
    texts = {name: call[name] for name in _CALL_TEXTS if isinstance(call.get(name), str)}
    return {**texts, **_objects(call, _CALL_OBJECTS)}


def _objects(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values[name] for name in names if is_object(values.get(name))}


def _only(value: Any, *names: str) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value} if is_object(value) else {}
