"""The webhook's JSON: decode what Vapi sends, in every shape, and encode what goes back.

A body is decoded straight into the few fields that are needed; the rest, tens of kilobytes of
assistant and transcript, is skipped. A shape that this refuses is decoded into plain
dictionaries, mended, and decoded again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .errors import MessageError

TOOL_CALLS = "tool-calls"
FUNCTION_CALL = "function-call"
BARE_ARGUMENTS = "bare-arguments"
"""Not a message of Vapi's: one tool's arguments, alone in the body."""

# Types that are believed without a `message` around them. New ones appear without notice.
_KNOWN_TYPES = frozenset(
    """
    assistant-request assistant.speechStarted assistant.started call.artifact.upload
    call.delete.failed call.deleted call.endpointing.request chat.created chat.deleted
    conversation-update end-of-call-report function-call handoff-destination-request hang
    knowledge-base-request language-change-detected model-output phone-call-control
    session.created session.deleted session.updated speech-update status-update tool-calls
    transcript transfer-destination-request transfer-update user-interrupted voice-input
    voice-request
    """.split()
)
_CALL_LISTS = ("toolCallList", "toolCalls", "toolWithToolCallList")
_ABSENT = Raw(b"")


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: Raw = _ABSENT
    parameters: Raw = _ABSENT


class _ToolCall(msgspec.Struct):
    id: Any = UNSET
    name: str | None = None
    function: _Function | None = None
    arguments: Raw = _ABSENT
    parameters: Raw = _ABSENT
    tool_call: _ToolCall | None = msgspec.field(default=None, name="toolCall")


class _Call(msgspec.Struct, rename="camel"):
    id: str | None = None
    assistant_id: str | None = None
    phone_number_id: str | None = None
    customer: Raw = _ABSENT
    phone_number: Raw = _ABSENT
    assistant_overrides: Raw = _ABSENT


class _Message(msgspec.Struct, rename="camel"):
    type: str
    tool_call_list: list[_ToolCall] | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_with_tool_call_list: list[_ToolCall] | None = None
    function_call: _Function | None = None
    call: _Call | None = None
    customer: Raw = _ABSENT
    phone_number: Raw = _ABSENT
    assistant: Raw = _ABSENT
    artifact: Raw = _ABSENT


class _Body(msgspec.Struct):
    message: _Message
    call: _Call | None = None


_decoder = msgspec.json.Decoder(_Body)
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True)
class ToolCall:
    """One call of one tool, as the model asked for it.

    Attributes:
        id: Exactly what came, whatever its type; `msgspec.UNSET` when there was none.
        name: The tool's name; None when there was none.
        arguments: The text that should be a JSON object.
    """

    id: Any
    name: str | None
    arguments: bytes

    def __repr__(self) -> str:
        return f"ToolCall({self.name!r})"


class Message:
    """One message from Vapi, of which only what is asked for gets decoded.

    Attributes:
        type: Such as `tool-calls`; empty when the body is no message of Vapi's.
        tool_calls: Each call once, in order.
        body: The raw bytes.
    """

    def __init__(self, wire: _Message, body: bytes) -> None:
        self._wire = wire
        self._call = wire.call or _Call()
        self.type = wire.type
        self.tool_calls = _tool_calls(wire)
        self.body = body

    @property
    def call_id(self) -> str | None:
        """Vapi's id of the call."""
        return self._call.id

    @cached_property
    def customer(self) -> dict[str, Any]:
        """Who is on the line; empty when unknown."""
        return _object(self._wire.customer) or _object(self._call.customer)

    @cached_property
    def phone_number(self) -> dict[str, Any]:
        """The number of ours that is used; empty when unknown."""
        return _object(self._wire.phone_number) or _object(self._call.phone_number)

    @cached_property
    def assistant_id(self) -> str | None:
        """The assistant that speaks; None for one that is not stored at Vapi."""
        if self._call.assistant_id:
            return self._call.assistant_id
        id_ = _object(self._wire.assistant).get("id")
        return id_ if isinstance(id_, str) else None

    @property
    def phone_number_id(self) -> str | None:
        """Vapi's id of the number of ours that is used."""
        return self._call.phone_number_id

    @cached_property
    def variables(self) -> dict[str, Any]:
        """The call's variables; where a name comes twice, the newest value."""
        sources = (self._wire.assistant, self._call.assistant_overrides, self._wire.artifact)
        found: dict[str, Any] = {}
        for source in sources:
            values = _object(source).get("variableValues")
            if isinstance(values, dict):
                found.update(values)
        return found

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The whole message as plain dictionaries, as it came."""
        return _flattened(_loads(self.body))

    def __repr__(self) -> str:
        return f"Message({self.type!r}, {len(self.tool_calls)} tool calls)"


def parse(body: bytes) -> Message:
    """Decode a webhook body.

    Raises:
        MessageError: The body is not JSON.
    """
    try:
        decoded = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        decoded = _decoder.decode(_mended(_loads(body)))
    wire = decoded.message
    if wire.call is None:
        wire.call = decoded.call
    return Message(wire, body)


def parse_for_tool(name: str, body: bytes) -> Message:
    """Decode a body that came to one tool's own URL.

    A body that is no message is that tool's arguments. A call that names no tool is one of this
    tool.

    Raises:
        MessageError: The body is not JSON.
    """
    message = parse(body or b"{}")
    if not message.type:
        function = _Function(name, Raw(body))
        return Message(_Message(BARE_ARGUMENTS, function_call=function), body)
    if any(call.name is None for call in message.tool_calls):
        message.tool_calls = tuple(
            ToolCall(call.id, call.name or name, call.arguments) for call in message.tool_calls
        )
    return message


class ToolCallResult(msgspec.Struct, frozen=True):
    """The answer to one tool call, in Vapi's words.

    https://docs.vapi.ai/api-reference/webhooks/server-message (`ToolCallResult`)
    """

    name: str
    toolCallId: Any = UNSET  # noqa: N815 - the name on the wire
    result: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    message: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"ToolCallResult({self.name!r}, {'result' if self.error is UNSET else 'error'})"


def encode_results(results: Sequence[ToolCallResult]) -> bytes:
    """The answer to a `tool-calls` message."""
    return _encoder.encode({"results": results})


def encode_function_result(result: ToolCallResult) -> bytes:
    """The answer to a `function-call` message, which knows no word for an error."""
    return _encoder.encode({"result": result.result if result.error is UNSET else result.error})


def encode_bare_result(result: ToolCallResult) -> bytes:
    """The answer to bare arguments: `{"result": …}` or `{"error": …}`."""
    if result.error is UNSET:
        return _encoder.encode({"result": result.result})
    return _encoder.encode({"error": result.error})


def encode(value: Any) -> bytes:
    """Any plain JSON value, compact."""
    return _encoder.encode(value)


def decode_object(text: bytes) -> dict[str, Any] | None:
    """A JSON object, read as leniently as can be; None when it is something else.

    Models write line breaks inside strings, `NaN`, and half of an emoji.
    """
    try:
        value = _loads(text)
    except MessageError:
        return None
    return value if isinstance(value, dict) else None


def dump(value: Any) -> bytes:
    """JSON text of plain values, fit for any decoder: half an emoji becomes `?`."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


# --- the calls of a message ---------------------------------------------------------------


def _tool_calls(wire: _Message) -> tuple[ToolCall, ...]:
    if wire.type in (FUNCTION_CALL, BARE_ARGUMENTS) and wire.function_call is not None:
        function = wire.function_call
        return (
            ToolCall(UNSET, function.name, _arguments(function.arguments, function.parameters)),
        )
    if wire.type != TOOL_CALLS:
        return ()
    return _each_once(_read(entry) for entry in _chosen_list(wire))


def _chosen_list(wire: _Message) -> list[_ToolCall]:
    """The first list in which every call is whole: all of them describe the same calls."""
    lists = [wire.tool_call_list, wire.tool_calls, wire.tool_with_tool_call_list]
    filled = [entries for entries in lists if entries]
    whole = (entries for entries in filled if all(map(_is_whole, entries)))
    return next(whole, filled[0] if filled else [])


def _is_whole(entry: _ToolCall) -> bool:
    call = entry.tool_call or entry
    return call.id is not UNSET and call.id is not None and _name(entry) is not None


def _name(entry: _ToolCall) -> str | None:
    for call in (entry.tool_call, entry):
        if call is not None:
            if call.function is not None and call.function.name:
                return call.function.name
            if call.name:
                return call.name
    return None


def _read(entry: _ToolCall) -> ToolCall:
    # Beside a `toolCall` stands the tool's definition: its `parameters` are a schema.
    call = entry.tool_call or entry
    function = call.function or _Function()
    found = (function.arguments, call.arguments, function.parameters, call.parameters)
    return ToolCall(call.id, _name(entry), _arguments(*found))


def _each_once(calls: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
    seen: dict[object, ToolCall] = {}
    for call in calls:
        seen.setdefault(call.id if isinstance(call.id, str) and call.id else object(), call)
    return tuple(seen.values())


def _arguments(*found: Raw) -> bytes:
    """The first text found. An object is sent as it is, or as JSON inside a string."""
    text = b"{}"
    for raw in found:
        if (text := bytes(raw)) not in (b"", b"null", b'""'):
            break
    for _ in range(2):  # some senders encode twice
        if not text.startswith(b'"'):
            break
        text = _unquoted(text)
    return text if text.strip() not in (b"", b"null") else b"{}"


def _unquoted(text: bytes) -> bytes:
    try:
        value = _loads(text)
    except MessageError:
        return text
    return value.encode("utf-8", "replace").strip() if isinstance(value, str) else text


def _object(raw: Raw) -> dict[str, Any]:
    return decode_object(bytes(raw)) or {}


# --- the tolerant way ---------------------------------------------------------------------


def _loads(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(
            text,
            strict=False,
            parse_constant=lambda _: None,
            parse_float=_finite,
            parse_int=_short,
        )
    except (ValueError, RecursionError):
        raise MessageError("the body is not JSON") from None


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _short(text: str) -> int | None:
    """Python refuses to read a number of thousands of digits, and nobody means one."""
    return int(text) if len(text) < 1000 else None


def _mended(body: Any) -> bytes:
    """The body in the one shape that the fast way reads."""
    message = _flattened(body)
    mended: dict[str, Any] = {
        name: value
        for name in ("customer", "phoneNumber", "assistant", "artifact")
        if isinstance(value := message.get(name), dict)
    }
    for name in _CALL_LISTS:
        entries = message.get(name)
        entries = entries if isinstance(entries, list) else [entries]
        mended[name] = [_mended_call(entry) for entry in entries if isinstance(entry, dict)]
    function = message.get("functionCall")
    mended["functionCall"] = _mended_call(function) if isinstance(function, dict) else None
    mended["type"] = _type(message, mended)
    mended["call"] = _mended_facts(message.get("call"))
    return dump({"message": mended})


def _flattened(body: Any) -> dict[str, Any]:
    """The message's fields, wherever they stand: in `message`, beside it, or without one."""
    if not isinstance(body, dict):
        return {}
    message = body.get("message")
    if isinstance(message, dict):
        return {**body, **{key: value for key, value in message.items() if value is not None}}
    recognised = body.get("type") in _KNOWN_TYPES or any(
        _is_calls(body.get(n)) for n in _CALL_LISTS
    )
    return body if recognised else {}


def _is_calls(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(entry, dict) for entry in value)


def _type(message: dict[str, Any], mended: dict[str, Any]) -> str:
    type_ = message.get("type")
    if isinstance(type_, str) and type_:
        return type_
    if any(mended[name] for name in _CALL_LISTS):
        return TOOL_CALLS
    return FUNCTION_CALL if mended["functionCall"] else ""


def _mended_call(entry: dict[str, Any]) -> dict[str, Any]:
    """A tool call in which only what can be read is left."""
    mended: dict[str, Any] = {}
    for key, value in entry.items():
        if key in ("arguments", "parameters") and value is not None:
            # As text, because a number in it may be more than the fast decoder takes.
            mended[key] = value if isinstance(value, str) else json.dumps(value)
        elif (key == "name" and isinstance(value, str)) or key == "id":
            mended[key] = value
        elif key in ("function", "toolCall") and isinstance(value, dict):
            mended[key] = _mended_call(value)
    return mended


def _mended_facts(call: Any) -> dict[str, Any]:
    if not isinstance(call, dict):
        return {}
    texts = ("id", "assistantId", "phoneNumberId")
    objects = ("customer", "phoneNumber", "assistantOverrides")
    return {
        **{name: call[name] for name in texts if isinstance(call.get(name), str)},
        **{name: call[name] for name in objects if isinstance(call.get(name), dict)},
    }
