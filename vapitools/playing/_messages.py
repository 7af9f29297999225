"""Bodies of every message that Vapi sends, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import _liquid, messages
from .._spelling import closest
from ..errors import DefinitionError
from ..server_messages import CLASSES, plain
from ..toolset import AnyTool
from ._live_call import LiveCall, entry, tool_call_fields

_STORED = {
    "orgId": "org-1",
    "createdAt": "2026-01-01T12:00:00.000Z",
    "updatedAt": "2026-01-01T12:00:00.000Z",
}
_CHAT = {
    "id": "chat-1",
    "input": "Hello",
    "output": [{"role": "assistant", "content": "Hi!"}],
    **_STORED,
}
_SESSION = {"id": "session-1", **_STORED}
_DESTINATION = {"type": "number", "number": "+15550100020"}
_WORDS = "I would like to book a table."

# What each type has besides what rides along with every message.
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "assistant-request": {},
    "assistant.speechStarted": {"text": "Hello!", "turn": 0, "source": "model"},
    "assistant.started": {"newAssistant": {"name": "Luigi"}},
    "call.artifact.upload": {"artifacts": [{"type": "recording-mono", "success": True}]},
    "call.delete.failed": {},
    "call.deleted": {},
    "call.endpointing.request": {"messagesOpenAIFormatted": [{"role": "user", "content": _WORDS}]},
    "campaign.predial": {"campaignId": "campaign-1", "contact": {"number": "+15550100000"}},
    "chat.created": {"chat": _CHAT},
    "chat.deleted": {"chat": _CHAT},
    "conversation-update": {},
    "end-of-call-report": {},
    "handoff-destination-request": {"parameters": {}},
    "hang": {},
    "knowledge-base-request": {
        "messages": [{"role": "user", "content": _WORDS}],
        "messagesOpenAIFormatted": [{"role": "user", "content": _WORDS}],
    },
    "language-change-detected": {"language": "es"},
    "model-output": {"output": "Hello!", "turnId": "turn-1"},
    "phone-call-control": {"request": "hang-up"},
    "session.created": {"session": _SESSION},
    "session.deleted": {"session": _SESSION},
    "session.updated": {"session": _SESSION},
    "speech-update": {"status": "started", "role": "assistant", "turn": 0},
    "status-update": {"status": "in-progress"},
    "transcript": {
        "role": "user",
        "transcriptType": "final",
        "transcript": _WORDS,
        "isFiltered": False,
        "detectedThreats": [],
        "originalTranscript": _WORDS,
    },
    "transfer-destination-request": {},
    "transfer-update": {"destination": _DESTINATION},
    "user-interrupted": {"turnId": "turn-1"},
    "voice-input": {"input": "Hello!"},
    "voice-request": {"text": "Hello!", "sampleRate": 24000},
}
_CALLED = (messages.TOOL_CALLS, messages.FUNCTION_CALL)


def message(type: str, /, *, call: LiveCall | None = None, **fields: Any) -> dict[str, Any]:
    """The body of a webhook, as Vapi sends it: the call, who is on the line and the rest are there.

    `message("status-update", status="ended")`

    Args:
        type: The message's type, such as `"end-of-call-report"`. One that Vapi has not documented
            is taken, too.
        call: The call that it belongs to; by default one that was made up for it.
        fields: Fields of the message, as Vapi spells them: `endedReason="customer-ended-call"`.

    Raises:
        DefinitionError: The type is misspelt, or is one of tool calls: see `tool_calls`.
    """
    check_type(type)
    call = call or LiveCall()
    own = dict(_FIELDS.get(plain(type), {}))
    if type == "conversation-update":
        own |= call.conversation_fields()
    if type == "end-of-call-report":
        return call.report(fields.pop("endedReason", "customer-ended-call"), **fields)
    return call.message(type, **{**own, **fields})


def tool_calls(
    *calls: tuple[str, Mapping[str, Any]],
    call: LiveCall | None = None,
    definition: Callable[[str], Mapping[str, Any]] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """The body of a `tool-calls` message, in the shape of the wire: three lists, object arguments.

    `tool_calls(("book_table", {"day": "2026-12-24"}), ("opening_hours", {}))`

    Args:
        calls: The name and the arguments of each; all of them are in this one message.
        call: The call that they belong to; by default one that was made up for it.
        definition: Gives what Vapi knows of a tool, for `toolWithToolCallList`.
        fields: Other fields of the message, as Vapi spells them.
    """
    entries = [entry(name, arguments) for name, arguments in calls]
    known = {name: definition(name) for name, _ in calls} if definition is not None else {}
    lists = tool_call_fields(entries, known)
    return (call or LiveCall()).message(messages.TOOL_CALLS, **{**lists, **fields})


def static_arguments(tool: AnyTool, call: LiveCall) -> dict[str, Any]:
    """What Vapi adds to the model's arguments in a call. What it does not know stays as it is."""
    parameters = tool.definition().get("parameters", ())
    given = {each["key"]: each["value"] for each in parameters}
    return dict(_liquid.filled(given, call.facts()))


def check_type(type: str, of_tools: str = "tool_calls(('name', {…}))") -> None:
    """Make sure that a type is neither misspelt nor one of tool calls.

    Args:
        type: One that Vapi has not documented is taken, too.
        of_tools: What to write for tool calls.

    Raises:
        DefinitionError: It is one of them.
    """
    if type in _CALLED:
        raise DefinitionError(f"message: for {type!r} use {of_tools}")
    known = [*CLASSES, *_CALLED]
    if type not in known and (close := closest(type, known, cutoff=0.8)):
        raise DefinitionError(f"message: there is no type {type!r}; did you mean {close!r}?")
