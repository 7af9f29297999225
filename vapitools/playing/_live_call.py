"""A made-up call: who is on the line, what was said so far, and what each message tells of it.

The shapes are those of captured messages, where the whole call, its assistant and all that was
said ride along with everything that Vapi sends.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal
from uuid import uuid4

from .. import _liquid
from .._shapes import as_list, as_object

Kind = Literal["inbound", "outbound", "web"]
Role = Literal["caller", "assistant"]
Entry = dict[str, Any]
"""One tool call as it is on the wire: `{"id", "type", "function": {"name", "arguments"}}`."""

_TYPES: Mapping[Kind, str] = {
    "inbound": "inboundPhoneCall",
    "outbound": "outboundPhoneCall",
    "web": "webCall",
}
_ROLES: Mapping[Role, tuple[str, str]] = {
    "caller": ("user", "user"),
    "assistant": ("bot", "assistant"),
}
CALLER = "+15550100000"
LINE = "+15550109999"


@dataclass
class LiveCall:
    """One call while it lives.

    Attributes:
        kind: Who has called: the customer, the assistant, or a web page.
        customer: Who is on the line, as the API has it.
        number: The number of ours.
        assistant: The assistant that speaks, as the API has it; None until the server has said.
        variables: The call's `variableValues`.
        control_url: Where the call takes commands; None: nowhere.
        id: Vapi's id of the call.
    """

    kind: Kind = "inbound"
    customer: Mapping[str, Any] = field(default_factory=lambda: {"number": CALLER}, repr=False)
    number: str = LINE
    assistant: Mapping[str, Any] | None = field(default=None, repr=False)
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    control_url: str | None = None
    id: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        self.status = "ringing"
        self._began = datetime.now(timezone.utc)
        self._ids = {name: str(uuid4()) for name in ("org", "assistant", "number")}
        self._messages: list[dict[str, Any]] = []
        self._openai: list[dict[str, Any]] = []

    # --- what happens ---

    def say(self, role: Role, text: str) -> None:
        """Somebody has said something."""
        ours, openai = _ROLES[role]
        now = self._moment()
        self._messages.append(
            {"role": ours, "message": text, **now, "endTime": now["time"], "duration": 0}
        )
        self._openai.append({"role": openai, "content": text})

    def add(self, message: Mapping[str, Any]) -> None:
        """A message was put among those that were said: the model reads it, nobody hears it."""
        role, text = str(message.get("role")), str(message.get("content"))
        ours = "bot" if role == "assistant" else role
        self._messages.append({"role": ours, "message": text, **self._moment()})
        self._openai.append({"role": role, "content": text})

    def call_tools(self, entries: Sequence[Entry]) -> None:
        """The model has called tools."""
        calls = [_with_text(entry) for entry in entries]
        self._messages.append(
            {"role": "tool_calls", "message": "", "toolCalls": calls, **self._moment()}
        )
        self._openai.append({"role": "assistant", "tool_calls": calls})

    def answer_tool(self, entry: Entry, text: str) -> None:
        """A tool was answered."""
        told = {"name": entry["function"]["name"], "toolCallId": entry["id"], "result": text}
        self._messages.append({"role": "tool_call_result", **told, **self._moment()})
        self._openai.append({"role": "tool", "content": text, "tool_call_id": entry["id"]})

    # --- what is told of it ---

    def facts(self) -> dict[str, Any]:
        """What Liquid may ask for."""
        return {
            **_liquid.clock(datetime.now(timezone.utc)),
            **copy.deepcopy(dict(self.variables)),
            "customer": dict(self.customer),
            "call": self._call(),
            "phoneNumber": self._phone_number(),
            "assistant": {"id": self._ids["assistant"], "name": (self.assistant or {}).get("name")},
        }

    def message(self, type: str, /, **fields: Any) -> dict[str, Any]:
        """The body of a webhook: a message with its own fields, and all that rides along."""
        message = {"timestamp": _milliseconds(), "type": type, **fields, **self._beside()}
        # A field of the message's own, such as an artifact with a recording, counts more.
        return {"message": {**message, **fields}}

    def artifact(self) -> dict[str, Any]:
        """All that was said and done so far."""
        system = self._system()
        openai = [{"role": "system", "content": each["message"]} for each in system]
        return {
            "messages": copy.deepcopy([*system, *self._messages]),
            "messagesOpenAIFormatted": copy.deepcopy([*openai, *self._openai]),
            "variableValues": copy.deepcopy(dict(self.variables)),
        }

    def conversation(self) -> list[dict[str, Any]]:
        """What was said so far, in OpenAI's format."""
        return copy.deepcopy(self._openai)

    def conversation_fields(self) -> dict[str, Any]:
        """The same as a `conversation-update` has it: live traffic has one name, the API two."""
        said = self.conversation()
        messages = self.artifact()["messages"]
        return {"conversation": said, "messages": messages, "messagesOpenAIFormatted": said}

    def transcript(self) -> str:
        """What was said so far, as Vapi writes it down."""
        speakers = {"bot": "AI", "user": "User"}
        return "".join(
            f"{speakers[each['role']]}: {each['message']}\n"
            for each in self._messages
            if each["role"] in speakers and "duration" in each
        )

    def report(self, reason: str, /, **fields: Any) -> dict[str, Any]:
        """The end-of-call report, but for what an analysis says."""
        now = datetime.now(timezone.utc)
        artifact = self.artifact()
        transcript = self.transcript()
        told: dict[str, Any] = {
            "endedReason": reason,
            "startedAt": _iso(self._began),
            "endedAt": _iso(now),
            "durationSeconds": round((now - self._began).total_seconds(), 3),
            "cost": 0.0,
            "costs": [],
            "analysis": {},
            "artifact": {**artifact, "transcript": transcript},
            "transcript": transcript,
            "messages": artifact["messages"],
            **fields,
        }
        return self.message("end-of-call-report", **told)

    def _beside(self) -> dict[str, Any]:
        beside: dict[str, Any] = {"artifact": self.artifact(), "call": self._call()}
        if self.kind != "web":
            beside["phoneNumber"] = self._phone_number()
            beside["customer"] = dict(self.customer)
        if self.assistant is not None:
            beside["assistant"] = {"id": self._ids["assistant"], **copy.deepcopy(self.assistant)}
        return beside

    def _call(self) -> dict[str, Any]:
        began = _iso(self._began)
        call: dict[str, Any] = {
            "id": self.id,
            "orgId": self._ids["org"],
            "createdAt": began,
            "updatedAt": began,
            "type": _TYPES[self.kind],
            "status": self.status,
        }
        if self.control_url is not None:
            call["monitor"] = {"controlUrl": self.control_url}
        if self.assistant is not None:
            call["assistantId"] = self._ids["assistant"]
        if self.variables:
            call["assistantOverrides"] = {"variableValues": copy.deepcopy(dict(self.variables))}
        if self.kind != "web":
            call["phoneNumberId"] = self._ids["number"]
            call["customer"] = dict(self.customer)
        return call

    def _phone_number(self) -> dict[str, Any]:
        ids = {"id": self._ids["number"], "orgId": self._ids["org"]}
        return {**ids, "number": self.number, "provider": "vapi", "status": "active"}

    def _system(self) -> list[dict[str, Any]]:
        """The prompt, which stands before all that was said."""
        model = as_object((self.assistant or {}).get("model"))
        prompts = [as_object(each) for each in as_list(model.get("messages"))]
        texts = [p.get("content") for p in prompts if p.get("role") == "system"]
        time = int(self._began.timestamp() * 1000)
        return [
            {"role": "system", "message": text, "time": time, "secondsFromStart": 0}
            for text in _liquid.filled([t for t in texts if isinstance(t, str)], self.facts())
        ]

    def _moment(self) -> dict[str, Any]:
        seconds = (datetime.now(timezone.utc) - self._began).total_seconds()
        return {"time": _milliseconds(), "secondsFromStart": round(seconds, 3)}


def entry(name: str, arguments: Mapping[str, Any], id: str | None = None) -> Entry:
    """One tool call as it is on the wire, with its arguments as an object."""
    function = {"name": name, "arguments": dict(arguments)}
    return {"id": id or f"call_{uuid4().hex[:24]}", "type": "function", "function": function}


def tool_call_fields(
    entries: Sequence[Entry], definitions: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The three lists of a `tool-calls` message, which all hold the same calls."""
    joined = [{**_definition(each, definitions), "toolCall": each} for each in entries]
    return {
        "toolCalls": list(entries),
        "toolCallList": list(entries),
        "toolWithToolCallList": joined,
    }


def _definition(entry: Entry, definitions: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    name = _name(entry)
    return definitions.get(name) or {"type": "function", "function": {"name": name}}


def _name(entry: Entry) -> str:
    return str(entry["function"]["name"])


def _with_text(entry: Entry) -> Entry:
    """The same as it stands in the conversation: the arguments are text there."""
    function = {**entry["function"], "arguments": json.dumps(entry["function"]["arguments"])}
    return {**entry, "function": function}


def _milliseconds() -> int:
    return int(datetime.now(timezone.utc).timestamp() * 1000)


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
