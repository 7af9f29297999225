"""A webhook body that was kept → the little of it that says how its call went."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .. import messages, server_messages
from .._shapes import as_list, as_object, is_object
from ..context import CallContext
from ..server_messages import EndOfCallReport, StatusUpdate, Transcript
from ._cast import Definition
from ._live_call import Kind, Role

_ROLES: Mapping[str, Role] = {
    "user": "caller",
    "customer": "caller",
    "bot": "assistant",
    "assistant": "assistant",
    "ai": "assistant",
}
_ANSWERS = frozenset({"tool_call_result", "tool", "function", "function_result"})

# What Vapi adds to the variables of a call: https://docs.vapi.ai/assistants/dynamic-variables
_VAPIS_VARIABLES = frozenset(
    "now date time month day year customer transport call phoneNumber assistant".split()
)
# What rides along with messages of every type.
_BESIDE = frozenset(
    """type timestamp artifact call assistant assistantVersion customer phoneNumber chat squad
    session""".split()
)
_MAX_DIGITS = 16
_CUSTOMER = ("number", "name", "sipUri", "extension")
# Stands for a result that there is not yet.
_PENDING = "Tool Result Still Pending But Proceed Further If Possible."
# The transcript in the report, where there is no better one.
_SPEAKERS: Mapping[str, Role] = {"User": "caller", "AI": "assistant"}


@dataclass(frozen=True)
class Said:
    """Somebody has said something."""

    role: Role
    text: str
    time: float | None = None


@dataclass(frozen=True)
class Call:
    """The model has called a tool.

    Attributes:
        id: None when there is none that tells it from others.
        name: The tool's name.
        arguments: None when they were no JSON object.
    """

    id: str | int | None
    name: str
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True)
class Called:
    """The model has called tools, all of them at once."""

    calls: Sequence[Call]
    time: float | None = None


@dataclass(frozen=True)
class Answered:
    """A tool was answered."""

    id: str | int | None
    text: str
    time: float | None = None


Entry = Said | Called | Answered


@dataclass(frozen=True)
class Ended:
    """How the call has ended."""

    reason: str | None = None
    analysis: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Body:
    """What one body says.

    Attributes:
        type: Of the message.
        moment: When it was sent.
        owner: What tells its call, chat or session from others.
        id: Of the call or the chat, as Vapi shows it.
        digest: The same for the same message.
        fields: Of the message alone, without what rides along with all.
        calls: The tool calls that it brings.
        conversation: What was said and done so far.
        said: What it tells of one that has spoken.
        ended: How the call has ended.
        speaker: The assistant that has the call.
        taker: The assistant that takes it now.
        kind: Who has called.
        customer: Who is on the line.
        number: The number of ours.
        variables: Of the call, without those that Vapi makes.
        tools: What is known of tools, by name.
        assistants: What is known of assistants, by name.
    """

    type: str
    moment: datetime | None
    owner: str | None
    id: str | None
    digest: bytes
    fields: Mapping[str, Any]
    calls: Sequence[Call]
    conversation: Sequence[Entry]
    said: Said | None
    ended: Ended | None
    speaker: str | None
    taker: str | None
    kind: Kind | None
    customer: Mapping[str, str]
    number: str | None
    variables: Mapping[str, Any]
    tools: Mapping[str, Definition]
    assistants: Mapping[str, Definition]


def read(content: bytes) -> Body | None:
    """Read a body, in any shape that Vapi, or somebody who imitates it, sends. None: no message.

    Raises:
        MessageError: It is no JSON.
    """
    message = messages.parse(content)
    if not message.type:
        return None
    message = messages.parse(messages.dump({"message": _writable(message)}))
    raw = message.raw
    told = server_messages.read(message, CallContext(message))
    assistants = dict(_assistants(raw))
    return Body(
        type=server_messages.plain(message.type),
        moment=told.timestamp,
        owner=_owner(raw),
        id=message.call_id or message.chat_id,
        digest=hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).digest(),
        fields=_own_fields(raw, message.type),
        calls=[_wire_call(call) for call in message.tool_calls if call.name],
        conversation=_conversation(raw),
        said=_said(told) if isinstance(told, Transcript) and told.is_final else None,
        ended=_ended(told),
        speaker=_speaker(raw),
        taker=_taker(raw, message.type),
        kind=_kind(raw),
        customer=_customer(message),
        number=_number(message),
        variables=_variables(raw),
        tools=dict(_tools(raw)),
        assistants=assistants,
    )


def _writable(message: messages.Message) -> dict[str, Any]:
    """The message with nothing in it that a call file cannot hold: half a letter, a long number."""
    return {**_cleaned(message.raw), "type": message.type}


def _cleaned(value: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(messages.dump(value), parse_int=_whole)
    return read


def _whole(text: str) -> float | None:
    """As JavaScript, and so Vapi, has it."""
    if len(text) < _MAX_DIGITS:
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else None


def entries(turns: Sequence[Any]) -> list[Entry]:
    """A conversation, in Vapi's words or in OpenAI's, entry by entry."""
    return [entry for turn in turns if is_object(turn) for entry in _entries_of(turn)]


# --- what was said and done ---------------------------------------------------------------


def _conversation(raw: Mapping[str, Any]) -> Sequence[Entry]:
    """The longest that the body holds; of the same length, the one with the most in it."""
    call, chat = as_object(raw.get("call")), as_object(raw.get("chat"))
    holders = [as_object(raw.get("artifact")), raw, as_object(call.get("artifact")), call]
    places = ("messages", "messagesOpenAIFormatted", "conversation")
    lists = [as_list(holder.get(place)) for place in places for holder in holders]
    lists.append([each for name in ("messages", "input", "output") for each in _turns(chat, name)])
    found: Sequence[Entry] = max((entries(each) for each in lists), key=len)
    transcripts = (_text(holder.get("transcript")) for holder in holders)
    return found or _spoken(next(filter(None, transcripts), ""))


def _turns(chat: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = chat.get(name)
    return [{"role": "user", "content": value}] if isinstance(value, str) else as_list(value)


def _spoken(transcript: str) -> list[Entry]:
    """What was said, from a transcript as the report has it: `AI: …` and `User: …`."""
    found: list[Said] = []
    for line in transcript.splitlines():
        name, colon, text = line.partition(": ")
        if colon and name in _SPEAKERS and text.strip():
            found.append(Said(_SPEAKERS[name], text.strip()))
        elif found and line.strip():
            last = found[-1]
            found[-1] = Said(last.role, f"{last.text} {line.strip()}")
    return list(found)


def _entries_of(turn: Mapping[str, Any]) -> Iterator[Entry]:
    role, time = str(turn.get("role")), _time(turn.get("time"))
    text = _words(turn.get("message")) or _words(turn.get("content"))
    if role in _ANSWERS:
        result = _words(turn.get("result")) or _words(turn.get("error")) or text
        if result and result != _PENDING:
            yield Answered(_id(turn.get("toolCallId", turn.get("tool_call_id"))), result, time)
        return
    if role in _ROLES and text.strip():
        yield Said(_ROLES[role], text, time)
    listed = as_list(turn.get("toolCalls")) or as_list(turn.get("tool_calls"))
    calls = [call for each in listed if is_object(each) and (call := _told_call(each))]
    if calls:
        yield Called(calls, time)


def _words(value: Any) -> str:
    """A text, or the texts of its parts; anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [_text(as_object(part).get("text")) for part in as_list(value)]
        return " ".join(part for part in parts if part)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _time(value: Any) -> float | None:
    """In milliseconds since 1970."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e15 else None


def _told_call(entry: Mapping[str, Any]) -> Call | None:
    """A tool call of the conversation."""
    function = as_object(entry.get("function"))
    name = _text(function.get("name")) or _text(entry.get("name"))
    if name is None:
        return None
    places = (function, entry)
    values = [place.get(key) for key in ("arguments", "parameters") for place in places]
    sent: Any = next((value for value in values if value not in (None, "")), None)
    return Call(_id(entry.get("id")), name, {} if sent is None else _arguments(sent))


def _wire_call(call: messages.ToolCall) -> Call:
    return Call(
        _id(call.id), call.name or "", _arguments(call.arguments.decode("utf-8", "replace"))
    )


def _arguments(sent: Any) -> Mapping[str, Any] | None:
    if isinstance(sent, str):
        read = messages.decode_object(sent.encode("utf-8", "replace"))
        return None if read is None else _cleaned(read)
    return sent if is_object(sent) else None


def _id(value: Any) -> str | int | None:
    return value if type(value) in (str, int) and value != "" else None


def _said(told: Transcript) -> Said | None:
    role = _ROLES.get(told.role or "")
    text = told.transcript or ""
    return Said(role, text) if role is not None and text.strip() else None


def _ended(told: server_messages.ServerMessage) -> Ended | None:
    if isinstance(told, StatusUpdate):
        return Ended(told.ended_reason) if told.status == "ended" else None
    if not isinstance(told, EndOfCallReport):
        return None
    analysis = {
        "summary": told.summary,
        "successEvaluation": told.success_evaluation,
        "structuredData": as_object(told.raw.get("analysis")).get("structuredData"),
    }
    said = {name: value for name, value in analysis.items() if value is not None}
    return Ended(told.ended_reason, said)


# --- whose call it is ---------------------------------------------------------------------


def _owner(raw: Mapping[str, Any]) -> str | None:
    for owner in ("call", "chat", "session"):
        if id_ := _text(as_object(raw.get(owner)).get("id")):
            return f"{owner} {id_}"
    return None


def _kind(raw: Mapping[str, Any]) -> Kind | None:
    type_ = (_text(as_object(raw.get("call")).get("type")) or "").lower()
    if type_.startswith("inbound"):
        return "inbound"
    if type_.startswith("outbound"):
        return "outbound"
    is_chat = not type_ and _text(as_object(raw.get("chat")).get("id")) is not None
    return "web" if is_chat or "web" in type_ else None


def _customer(message: messages.Message) -> Mapping[str, str]:
    said = {name: _text(message.customer.get(name)) for name in _CUSTOMER}
    return {name: text for name, text in said.items() if text}


def _number(message: messages.Message) -> str | None:
    number = message.phone_number
    if text := _text(number.get("number")) or _text(number.get("sipUri")):
        return text
    holders = (message.raw, as_object(message.raw.get("call")))
    return next((text for each in holders if (text := _text(each.get("phoneNumber")))), None)


def _variables(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those that the call began with, where the body has them apart from later ones."""
    overrides = as_object(as_object(raw.get("call")).get("assistantOverrides"))
    for holder in (overrides, as_object(raw.get("assistant")), as_object(raw.get("artifact"))):
        values = as_object(holder.get("variableValues"))
        own = {name: value for name, value in values.items() if name not in _VAPIS_VARIABLES}
        if own:
            return own
    return {}


def _speaker(raw: Mapping[str, Any]) -> str | None:
    names = (_text(each.get("name")) for each in _speakers(raw))
    return next(filter(None, names), None)


def _speakers(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    call = as_object(raw.get("call"))
    yield as_object(raw.get("assistant"))
    yield as_object(call.get("assistant"))
    yield from _members(raw)


def _members(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for holder in (raw, as_object(raw.get("call"))):
        for member in as_list(as_object(holder.get("squad")).get("members")):
            yield as_object(as_object(member).get("assistant"))


def _taker(raw: Mapping[str, Any], type_: str) -> str | None:
    if type_ == "assistant.started":
        started = as_object(raw.get("newAssistant")) or as_object(raw.get("assistant"))
        return _text(started.get("name"))
    if type_ == "transfer-update":
        destination = as_object(raw.get("destination"))
        taker = as_object(raw.get("toAssistant"))
        return _text(taker.get("name")) or _text(destination.get("assistantName"))
    return None


# --- what is known of tools and assistants ------------------------------------------------


def _assistants(raw: Mapping[str, Any]) -> Iterator[tuple[str, Definition]]:
    more = (as_object(raw.get(name)) for name in ("newAssistant", "toAssistant", "fromAssistant"))
    kept = ("firstMessage", "firstMessageMode", "serverMessages")
    for assistant in (*more, *_speakers(raw)):
        if name := _text(assistant.get("name")):
            yield name, {key: assistant[key] for key in kept if key in assistant}


def _tools(raw: Mapping[str, Any]) -> Iterator[tuple[str, Definition]]:
    for assistant in _speakers(raw):
        yield from _named(as_list(as_object(assistant.get("model")).get("tools")))
    yield from _named(as_list(raw.get("toolWithToolCallList")))


def _named(tools: Sequence[Any]) -> Iterator[tuple[str, Definition]]:
    for tool in map(as_object, tools):
        inner = as_object(as_object(tool.get("toolCall")).get("function"))
        holders = (as_object(tool.get("function")), tool, inner)
        name = next((text for each in holders if (text := _text(each.get("name")))), None)
        if name is not None:
            yield name, {key: value for key, value in tool.items() if key != "toolCall"}


def _own_fields(raw: Mapping[str, Any], type_: str) -> Mapping[str, Any]:
    own = type_.partition(".")[0]
    beside = _BESIDE - {own} if own in ("chat", "session") else _BESIDE
    return {name: value for name, value in raw.items() if name not in beside}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
