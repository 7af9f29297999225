"""Spoken messages as the calls that make them, where these say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import spoken
from ..errors import DefinitionError

# What Vapi adds when it stores a message.
_ADDED: Mapping[str, Any] = {
    "contents": [],
    "conditions": [],
    "blocking": False,
    "role": "assistant",
    "endCallAfterSpokenEnabled": False,
}
# What is not as it should be can fail in any of these ways while a record is made of it.
UNSAYABLE = (DefinitionError, LookupError, TypeError, ValueError, AttributeError)


def message(given: Any) -> spoken.Spoken | Mapping[str, Any] | None:
    """The message as a record, else as the API has it; None when it cannot be said."""
    try:
        settled = {k: v for k, v in given.items() if v is not None and v != _ADDED.get(k)}
        spoken.to_json(settled)
    except UNSAYABLE:
        return None
    try:
        record = _record(settled)
        return record if record.to_json() == settled else settled
    except UNSAYABLE:
        return settled


def _record(message: Mapping[str, Any]) -> spoken.Spoken:
    content = message["content"] if "content" in message else _contents(message["contents"])
    conditions = [_condition(each) for each in message.get("conditions", ())]
    if message["type"] == "request-start":
        return spoken.RequestStart(content, message.get("blocking", False), conditions)
    if message["type"] == "request-response-delayed":
        milliseconds = message["timingMilliseconds"]
        return spoken.RequestDelayed(content, milliseconds / 1000, conditions)
    is_complete = message["type"] == "request-complete"
    closing = spoken.RequestComplete if is_complete else spoken.RequestFailed
    end_call = message.get("endCallAfterSpokenEnabled", False)
    return closing(content, message.get("role", "assistant"), end_call, conditions)


def _contents(contents: Any) -> dict[str, str]:
    return {each["language"]: each["text"] for each in contents}


def _condition(condition: Mapping[str, Any]) -> spoken.Condition:
    return spoken.Condition(condition["param"], condition["operator"], condition["value"])
