"""The webhook's JSON: decode what Vapi sends, in every shape, and encode what goes back.

A body is decoded straight into the few fields that are needed; the rest, tens of kilobytes of
assistant and transcript, is skipped. A shape that this refuses is decoded into plain
dictionaries, mended, and decoded again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from . import _shapes
from .errors import MessageError

TOOL_CALLS = _shapes.TOOL_CALLS
FUNCTION_CALL = _shapes.FUNCTION_CALL
BARE_ARGUMENTS = "bare-arguments"
"""Not a message of Vapi's: one tool's arguments, alone in the body."""

_ABSENT = Raw(b"")
_BLANK = (b"", b"null", b'""')

# The parts of a call: its id, name and arguments.
_WHOLE = 3


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


_Entries = list[_ToolCall | None]


class _Call(msgspec.Struct, rename="camel"):
    id: str | None = None
    assistant_id: str | None = None
    phone_number_id: str | None = None
    customer: Raw = _ABSENT
    phone_number: Raw = _ABSENT
    assistant_overrides: Raw = _ABSENT
    monitor: Raw = _ABSENT


class _Message(msgspec.Struct, rename="camel"):
    type: str
    tool_call_list: _Entries | None = None
    # The same calls again, decoded only where the first list lacks something.
    tool_calls: Raw = _ABSENT
    tool_with_tool_call_list: Raw = _ABSENT
    function_call: _Function | None = None
    call: _Call | None = None
    customer: Raw = _ABSENT
    phone_number: Raw = _ABSENT
    assistant: Raw = _ABSENT
    artifact: Raw = _ABSENT
    chat: Raw = _ABSENT


# What stands beside `message` may belong into it, which only the tolerant way looks into.
class _Body(msgspec.Struct, forbid_unknown_fields=True):
    message: _Message
    call: _Call | None = None


_NO_FUNCTION = _Function()
_NO_CALL = _Call()
_decoder = msgspec.json.Decoder(_Body)
_entries_decoder = msgspec.json.Decoder(_Entries | None)
_encoder = msgspec.json.Encoder()

# What the decoder raises for text that it does not take.
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class ToolCall(msgspec.Struct, frozen=True):
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
        call_id: Vapi's id of the call.
        tool_calls: Each call once, in order.
        body: The raw bytes.
    """

    def __init__(self, wire: _Message, tool_calls: Sequence[ToolCall], body: bytes) -> None:
        self._wire = wire
        self._call = wire.call or _NO_CALL
        self.type = wire.type
        self.call_id = self._call.id
        self.tool_calls = tool_calls
        self.body = body

    @cached_property
    def chat_id(self) -> str | None:
        """Vapi's id of the chat, where there is no call."""
        id_ = _object(self._wire.chat).get("id")
        return id_ if isinstance(id_, str) else None

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

    @property
    def control_url(self) -> str | None:
        """Where the live call takes commands. It came with the body: it is input too."""
        url = _object(self._call.monitor).get("controlUrl")
        return url if isinstance(url, str) and url else None

    @cached_property
    def variables(self) -> dict[str, Any]:
        """The call's variables; where a name comes twice, the newest value."""
        sources = (self._wire.assistant, self._call.assistant_overrides, self._wire.artifact)
        found: dict[str, Any] = {}
        for source in sources:
            values = _object(source).get("variableValues")
            if _shapes.is_object(values):
                found.update(values)
        return found

    @cached_property
    def raw(self) -> dict[str, Any]:
        """The whole message as plain dictionaries, as it came."""
        return _shapes.flattened(_loads(self.body))

    def __repr__(self) -> str:
        return f"Message({self.type!r}, {len(self.tool_calls)} tool calls)"


def parse(body: bytes) -> Message:
    """Decode a webhook body.

    Raises:
        MessageError: The body is not JSON.
    """
    try:
        decoded = _decoder.decode(body)
        calls = _tool_calls(decoded.message)
    except _REFUSED:
        decoded = _decoded_tolerantly(body)
        calls = _tool_calls(decoded.message)
    wire = decoded.message
    if wire.call is None:
        wire.call = decoded.call
    return Message(wire, calls, body)


def parse_for_tool(name: str, body: bytes) -> Message:
    """Decode a body that came to one tool's own URL.

    A body that is no message is that tool's arguments. A call that names no tool is one of this
    tool.

    Raises:
        MessageError: The body is not JSON.
    """
    message = parse(body or b"{}")
    if not message.type:
        call = ToolCall(UNSET, name, _arguments(body))
        return Message(_Message(BARE_ARGUMENTS), [call], body)
    message.tool_calls = [
        call if call.name else ToolCall(call.id, name, call.arguments)
        for call in message.tool_calls
    ]
    return message


class ToolCallResult(msgspec.Struct, frozen=True):
    """The answer to one tool call, in Vapi's words.

    https://docs.vapi.ai/api-reference/webhooks/server-message (`ToolCallResult`)
    """

    name: str
    toolCallId: Any = UNSET  # noqa: N815 - the name on the wire
    result: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    message: Raw | UnsetType = UNSET
    metadata: Raw | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"ToolCallResult({self.name!r}, {'result' if self.error is UNSET else 'error'})"


def encode_results(type_: str, results: Sequence[ToolCallResult]) -> bytes:
    """The answer to a message of that type, given the results of its calls in their order."""
    if type_ == TOOL_CALLS:
        return _encoder.encode({"results": results})
    if not results:
        return b"{}"
    result, error = results[0].result, results[0].error
    # The answer to a `function-call` knows no word for an error.
    if error is UNSET or type_ == FUNCTION_CALL:
        return _encoder.encode({"result": result if error is UNSET else error})
    return _encoder.encode({"error": error})


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
    return value if _shapes.is_object(value) else None


def dump(value: Any) -> bytes:
    """JSON text of plain values, fit for any decoder: half an emoji becomes `?`."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


# --- the calls of a message ---------------------------------------------------------------


def _tool_calls(wire: _Message) -> list[ToolCall]:
    if wire.type == TOOL_CALLS:
        return _each_once([_with_object(call) for call in _fullest(wire)])
    if wire.type == FUNCTION_CALL and wire.function_call is not None:
        return [_with_object(_read(_ToolCall(function=wire.function_call)))]
    return []


def _fullest(wire: _Message) -> list[ToolCall]:
    """The first list in which every call is whole: all of them describe the same calls."""
    entries: _Entries = wire.tool_call_list or []
    lists: list[list[ToolCall]] = []
    # The next one is decoded only where this one lacks something.
    for following in (wire.tool_calls, wire.tool_with_tool_call_list, _ABSENT):
        calls = [_read(entry) for entry in entries if entry is not None]
        if calls and len(calls) == len(entries) and min(map(_parts, calls)) == _WHOLE:
            return calls
        lists.append(calls)
        is_there = following is not _ABSENT
        entries = (_entries_decoder.decode(following) if is_there else None) or []
    return max(lists, key=lambda calls: sum(map(_parts, calls)))


def _parts(call: ToolCall) -> int:
    """How many of id, name and arguments there are."""
    has_id = call.id is not UNSET and call.id is not None
    return has_id + (call.name is not None) + (call.arguments != b"")


def _read(entry: _ToolCall) -> ToolCall:
    """The call of an entry, with its arguments as they were sent."""
    # Beside a `toolCall` stands the tool's definition: its `parameters` are a schema.
    call = entry.tool_call or entry
    return ToolCall(call.id, _name(call) or _name(entry), _sent(call))


def _name(call: _ToolCall) -> str | None:
    return (call.function.name if call.function is not None else None) or call.name or None


def _sent(call: _ToolCall) -> bytes:
    """The arguments as they were sent, wherever they stand; empty when there are none."""
    function = call.function or _NO_FUNCTION
    for raw in (function.arguments, call.arguments, function.parameters, call.parameters):
        if raw is not _ABSENT and (text := bytes(raw)) not in _BLANK:
            return text
    return b""


def _each_once(calls: list[ToolCall]) -> list[ToolCall]:
    if len(calls) < 2:
        return calls
    seen: dict[object, ToolCall] = {}
    for call in calls:
        # A call without an id of its own cannot be told from another one.
        has_id = type(call.id) in (str, int) and call.id != ""
        seen.setdefault(call.id if has_id else object(), call)
    return list(seen.values())


def _with_object(call: ToolCall) -> ToolCall:
    """The call with what should be an object for its arguments."""
    if call.arguments.startswith(b"{"):
        return call
    return ToolCall(call.id, call.name, _arguments(call.arguments))


def _arguments(sent: bytes) -> bytes:
    """The text of an object, which is sent as it is, or as JSON inside a string."""
    if sent.startswith(b"{"):
        return sent
    for _ in range(2):  # some senders encode twice
        if not sent.startswith(b'"'):
            break
        sent = _unquoted(sent)
    return b"{}" if sent.strip() in _BLANK else sent


def _unquoted(text: bytes) -> bytes:
    try:
        value = _loads(text)
    except MessageError:
        return text
    return value.encode("utf-8", "replace").strip() if isinstance(value, str) else text


def _object(raw: Raw) -> dict[str, Any]:
    if raw is _ABSENT:
        return {}
    return decode_object(bytes(raw)) or {}


# --- the tolerant way ---------------------------------------------------------------------


def _decoded_tolerantly(body: bytes) -> _Body:
    try:
        return _decoder.decode(dump({"message": _shapes.mended(_loads(body))}))
    except RecursionError:
        raise MessageError("the body is nested too deeply") from None


def _loads(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except _REFUSED:
        pass
    try:
        return json.loads(
            # A text cut in the middle of a letter is still a message.
            text.decode("utf-8-sig", "replace"),
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
