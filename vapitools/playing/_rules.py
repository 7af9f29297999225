"""The rules that Vapi holds a server to, and what a caller has of a broken one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

Level = Literal["error", "warning"]

_TOOLS = "https://docs.vapi.ai/tools/custom-tools-troubleshooting"
_SERVER = "https://docs.vapi.ai/server-url/events"
_API = "https://docs.vapi.ai/api-reference"


@dataclass(frozen=True)
class Rule:
    """What Vapi wants of an answer.

    Attributes:
        text: The rule.
        effect: What happens when it is broken.
        source: Where it is written.
        level: A warning is what nobody hears.
    """

    text: str
    effect: str
    source: str = _TOOLS
    level: Level = "error"


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        # --- any message ---
        "status": Rule(
            "a message is answered with status 200",
            "Vapi ignores the whole answer",
        ),
        "in-time": Rule("an answer comes in time", "Vapi gives up waiting"),
        "connection": Rule(
            "the connection stays open until there is an answer", "Vapi has no answer"
        ),
        "json": Rule("an answer is JSON", "Vapi cannot read it"),
        # --- tool calls ---
        "results": Rule(
            'tool calls are answered with {"results": [{"toolCallId": …, "result": …}]}',
            "Vapi looks for `results` and finds none",
        ),
        "every-call": Rule(
            "every call of a message is answered", "the model waits for the rest in vain"
        ),
        "right-id": Rule(
            "toolCallId is the id of a call that was asked", "Vapi cannot tell what it answers"
        ),
        "once": Rule(
            "each call is answered once",
            "the three lists of a message hold the same calls: the tool ran more than once",
        ),
        "order": Rule(
            "the answers stand in the order of the calls", "answers are mixed up", level="warning"
        ),
        "name": Rule(
            "an answer names its tool", "the description of the API wants it", _API, "warning"
        ),
        "text": Rule("result and error are text", "Vapi drops it; send JSON as a string"),
        "one-line": Rule("result and error have no line breaks", "Vapi drops it"),
        "not-empty": Rule("a result has some text", "Vapi takes it for no result"),
        "result-or-error": Rule(
            "an answer holds either result or error", "Vapi cannot tell how the call has ended"
        ),
        "spoken": Rule(
            "message is a request-complete or a request-failed of at most 1000 characters",
            "Vapi drops the message",
            _API,
        ),
        "ran-once": Rule("a call that comes again does not run again", "it is done twice"),
        "same-answer": Rule(
            "a call that comes again gets the same answer", "it was done twice, or lost"
        ),
        "whole-body": Rule("half a body runs no tool", "it is done with what was not asked"),
        # --- what else wants an answer ---
        "who-answers": Rule(
            "an assistant-request is answered with who answers, a destination or an error",
            "the call ends",
            _SERVER,
        ),
        "destination": Rule(
            "a request for a destination is answered with one, or with an error",
            "the caller stays where they are",
            _SERVER,
        ),
        "documents": Rule(
            "a knowledge-base-request is answered with documents: content and similarity",
            "the model answers without them",
            _SERVER,
        ),
        # --- what the call file wants ---
        "expected": Rule("what the call expects comes true", "", ""),
        "ended": Rule("a call lasts until its last step", "nobody is on the line any more", ""),
    }
)


@dataclass(frozen=True)
class Fault:
    """A rule that was broken.

    Attributes:
        rule: Its key in `RULES`.
        text: What was seen, without what the tools were asked or have answered.
        place: The line of the call file: `booking.call.yaml:12`.
        call: The id of the tool call that it is about; None: of the whole message.
    """

    rule: str
    text: str
    place: str = ""
    call: str | None = None

    @property
    def level(self) -> Level:
        """Whether a caller notices."""
        return RULES[self.rule].level

    @property
    def wanted(self) -> str:
        """The rule."""
        return RULES[self.rule].text

    @property
    def effect(self) -> str:
        """What happens."""
        return RULES[self.rule].effect

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        rule = RULES[self.rule]
        return {
            "rule": self.rule,
            "level": rule.level,
            "wanted": rule.text,
            "seen": self.text,
            "effect": rule.effect,
            "source": rule.source,
            "place": self.place,
        }

    def __str__(self) -> str:
        effect = f": {self.effect}" if self.effect else ""
        return f"{self.text}{effect} [{self.rule}]"
