"""`tool-calls` bodies in the shape that comes over the wire, of any size.

As in recorded traffic, all three lists describe the same calls, their arguments are objects, and
the caller, the assistant with its prompt and tools, and the transcript word by word ride along.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .restaurant import ARGUMENTS, TOOL

SIZES = (2, 20, 100, 1000)
"""Kilobytes: the smallest there is, a usual one, a long call of a big assistant, and too much."""

_CALL_ID = "00000000-0000-4000-8000-000000000000"
_TOOL_CALL_ID = "call_000000000000000000000000"

_WORDS = "i would like to book a table for four people on christmas eve if there is one".split()
_PROMPT = (
    "# Task\n- Answer the phone at **Luigi’s**.\n- Be warm, short and exact.\n"
    '- Ask for the day — say "which day?" — and how many people will come.\n\n'
    "- Look at the book before you promise.\n- Read times as “half past seven”, not “19:30”.\n"
)


@dataclass(frozen=True, eq=False)
class Call:
    """One tool call of a body."""

    id: str = _TOOL_CALL_ID
    name: str = TOOL
    arguments: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        function = {"name": self.name, "arguments": self.arguments or ARGUMENTS}
        return {"id": self.id, "type": "function", "function": function}


def build(kilobytes: int, calls: Sequence[Call] = (Call(),), *, with_call_id: bool = True) -> bytes:
    """A body of that size, to within one turn of the talk."""
    return _built(kilobytes, tuple(calls), with_call_id)


@functools.lru_cache
def _built(kilobytes: int, calls: tuple[Call, ...], with_call_id: bool) -> bytes:
    bare = len(_encode(_message(calls, turns=0, parts=0, with_call_id=with_call_id)))
    room = kilobytes * 1000 - bare
    # Prompt and tools fill half of a recorded body, the talk most of the rest.
    parts = max(0, round(room * 0.5 / _size_of(calls, parts=1)))
    turns = max(0, round((room - parts * _size_of(calls, parts=1)) / _size_of(calls, turns=1)))
    return _encode(_message(calls, turns=turns, parts=parts, with_call_id=with_call_id))


def renumbered(body: bytes, number: int) -> bytes:
    """The same body from another phone call, with another tool call id."""
    call_id, tool_call_id = f"{number:08x}{_CALL_ID[8:]}", f"call_{number:024x}"
    renamed = body.replace(_TOOL_CALL_ID.encode(), tool_call_id.encode())
    return renamed.replace(_CALL_ID.encode(), call_id.encode())


def _size_of(calls: Sequence[Call], *, turns: int = 0, parts: int = 0) -> int:
    """What one turn or part adds: the mean of ten, because not all are alike."""
    few = len(_encode(_message(calls, turns=turns * 2, parts=parts * 2)))
    many = len(_encode(_message(calls, turns=turns * 12, parts=parts * 12)))
    return (many - few) // 10


def _encode(message: Mapping[str, Any]) -> bytes:
    return json.dumps({"message": message}, separators=(",", ":"), ensure_ascii=False).encode()


def _message(
    calls: Sequence[Call], *, turns: int, parts: int, with_call_id: bool = True
) -> dict[str, Any]:
    entries = [call.to_json() for call in calls]
    return {
        "timestamp": 1763784256708,
        "type": "tool-calls",
        "toolCalls": entries,
        "toolCallList": entries,
        "toolWithToolCallList": [
            {**_tool(entry["function"]["name"]), "toolCall": entry} for entry in entries
        ],
        "artifact": {
            "messages": [_turn(number) for number in range(turns)],
            "messagesOpenAIFormatted": [_short_turn(number) for number in range(turns)],
        },
        "call": _call(with_call_id),
        "phoneNumber": {"id": "00000009", "number": "+15550100002", "provider": "vapi"},
        "customer": {"number": "+15550100003", "sipUri": "sip:+15550100003@192.0.2.1:5060"},
        "assistant": _assistant(parts),
    }


def _tool(name: str) -> dict[str, Any]:
    properties = {
        "day": {"type": "string", "format": "date", "description": "The day."},
        "party_size": {"type": "integer", "description": "How many come."},
        "name": {"type": "string", "default": "", "description": "The name."},
    }
    return {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "required": [*properties], "properties": properties},
        },
        "server": {"url": "https://hooks.example.com/vapi/webhook"},
        "messages": [{"type": "request-start", "contents": [], "blocking": False}],
    }


def _turn(number: int) -> dict[str, Any]:
    """What was said, with the speech recognition's word by word."""
    began = 1763784211829 + number * 9000
    if number % 2 == 0:
        return {"role": "bot", "message": _said(), "time": began, "secondsFromStart": number * 9}
    words = [
        {"word": word, "start": number * 9 + i * 0.31, "end": number * 9 + i * 0.31 + 0.24}
        for i, word in enumerate(_WORDS)
    ]
    heard = [
        {**word, "confidence": 0.98046875, "punctuated_word": word["word"]} for word in words[:6]
    ]
    return {
        "role": "user",
        "message": _said(),
        "time": began,
        "endTime": began + 2399.999755859375,
        "secondsFromStart": number * 9.017,
        "metadata": {"wordLevelConfidence": heard},
    }


def _short_turn(number: int) -> dict[str, Any]:
    return {"role": "user" if number % 2 else "assistant", "content": _said()}


def _said() -> str:
    return " ".join(_WORDS).capitalize() + "."


def _call(with_id: bool) -> dict[str, Any]:
    monitor = f"https://phone-call-websocket.vapi.example.com/{_CALL_ID}/control"
    facts = {
        "orgId": "00000002-0000-4000-8000-000000000002",
        "createdAt": "2025-11-22T04:03:31.688Z",
        "type": "inboundPhoneCall",
        "cost": 0,
        "monitor": {"controlUrl": monitor},
        "status": "in-progress",
    }
    return {"id": _CALL_ID, **facts} if with_id else facts


def _assistant(parts: int) -> dict[str, Any]:
    """A part is a tool or three paragraphs of the prompt, mixed as in a recorded body."""
    tools = parts // 4
    return {
        "name": "Luigi",
        "model": {
            "model": "gpt-4o",
            "provider": "openai",
            "messages": [{"role": "system", "content": _PROMPT * (3 * (parts - tools) + 1)}],
            "tools": [_tool(f"tool_{number}") for number in range(tools)],
        },
        "variableValues": {"branch": "old town"},
    }
