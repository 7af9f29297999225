"""What Vapi does with the answer to a question: who speaks, what is said, where the call goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._shapes import as_list, as_object, is_list, is_object
from ._hearing import Heard


@dataclass(frozen=True)
class Following:
    """What follows from an answer.

    Attributes:
        assistant: Who takes the call, as the API has it.
        members: All the assistants of the squad that takes it, by name.
        variables: Values for the call.
        heard: What the caller hears.
        goes_to: Where the call goes: a number, a SIP address or the name of an assistant.
        overrides: What is different of that assistant in this call.
        ended: Why the call ends with it.
    """

    assistant: Mapping[str, Any] | None = None
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    heard: Heard | None = None
    goes_to: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ended: str | None = None


def of_assistant_request(answer: Mapping[str, Any]) -> Following:
    """What follows when the server has said who answers a call."""
    if error := _text(answer.get("error")):
        return Following(heard=Heard(error, "error"), ended="assistant-request-returned-error")
    if is_object(answer.get("destination")):
        reason = "assistant-request-returned-forwarding-phone-number"
        return _gone(answer["destination"], None, reason)
    overrides = as_object(answer.get("assistantOverrides"))
    fields = {name: value for name, value in overrides.items() if name != "variableValues"}
    members = _members(answer)
    return Following(
        assistant={**_speaker(answer, members), **fields},
        members={str(each["name"]): each for each in members if _text(each.get("name"))},
        variables=as_object(overrides.get("variableValues")),
    )


def of_destination_request(answer: Mapping[str, Any]) -> Following:
    """What follows when the server has said where a call goes."""
    if error := _text(answer.get("error")):
        return Following(heard=Heard(error, "error"))
    if is_object(answer.get("destination")):
        return _gone(answer["destination"], answer.get("message"), "assistant-forwarded-call")
    return Following()


def _members(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The assistants of a squad. The first one begins."""
    given = as_list(as_object(answer.get("squad")).get("members"))
    return [_one(as_object(each)) for each in given]


def _speaker(answer: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return members[0] if members and "assistant" not in answer else _one(answer)


def _one(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if is_object(inline := given.get("assistant")):
        return {**inline, **as_object(given.get("assistantOverrides"))}
    # Stored at Vapi: what it is like is not known here.
    names = ("assistantId", "squadId", "workflowId")
    id_ = next((found for name in names if (found := _text(given.get(name)))), None)
    return {"name": f"(stored as {id_})" if id_ is not None else "(not named)"}


def _gone(destination: Mapping[str, Any], message: Any, reason: str) -> Following:
    spoken = message if message is not None else destination.get("message")
    words = _text(spoken.get("content")) if is_object(spoken) else _text(spoken)
    names = ("number", "sipUri", "assistantName", "assistantId", "squadId")
    where = next((found for name in names if (found := _text(destination.get(name)))), "elsewhere")
    is_assistant = destination.get("type") in ("assistant", "squad")
    return Following(
        heard=Heard(words, "transfer") if words else None,
        goes_to=where,
        overrides=as_object(destination.get("assistantOverrides")),
        ended=None if is_assistant else reason,
    )


def summary(content: Any, limit: int = 100) -> str:
    """What an answer says, in a few words."""
    parts = [_said(name, value) for name, value in as_object(content).items()]
    text = ", ".join(parts) or "nothing"
    return text if len(text) <= limit else f"{text[:limit]}…"


def _said(name: str, value: Any) -> str:
    if is_object(value):
        keys = ("name", "number", "sipUri", "assistantName", "content")
        inner = next((found for key in keys if (found := _text(value.get(key)))), None)
        return f"{name}: {inner}" if inner else name
    return f"{len(value)} {name}" if is_list(value) else f"{name}: {value}"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
