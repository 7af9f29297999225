"""A call as it is written down: who calls whom, what is said, which tools the model calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ._live_call import CALLER, LINE, Kind, Role

ASK = "ask"
"""In the place of an assistant's name: the server is asked who answers the call."""


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final[Any] = _Unset()
"""Not written down."""


@dataclass(frozen=True)
class Expected:
    """What is expected of an answer. What is not set is not looked at.

    Attributes:
        result: A text that is in the result; anything else is the result as JSON.
        error: A text that is in the error; "" is any error.
        matches: A regular expression that is found in the result or the error, or in the JSON of
            an answer that is no tool's.
        heard: Texts that the caller hears around it.
        within: The most seconds that it may take.
        answer: Fields of an answer that is no tool's.
    """

    result: Any = field(default=UNSET, repr=False)
    error: str | None = field(default=None, repr=False)
    matches: str | None = field(default=None, repr=False)
    heard: Sequence[str] = field(default=(), repr=False)
    within: float | None = None
    answer: Any = field(default=UNSET, repr=False)


@dataclass(frozen=True)
class PlannedCall:
    """One tool call of the model's.

    Attributes:
        tool: The tool's name.
        arguments: What the model sends, without what Vapi fills in.
        expected: Of the answer; None takes a result and an error alike.
        place: The line of the call file.
    """

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    expected: Expected | None = Expected()
    place: str = ""


@dataclass(frozen=True)
class Says:
    """Somebody says something."""

    role: Role
    text: str = field(repr=False)
    place: str = ""


@dataclass(frozen=True)
class CallsTools:
    """The model calls tools, all of them at once."""

    calls: Sequence[PlannedCall]
    place: str = ""


@dataclass(frozen=True)
class Asks:
    """Vapi asks the server something: where the call goes, or what the model should know.

    Attributes:
        type: The type of the message.
        fields: Of the message.
        expected: Of the answer; None takes any.
        place: The line of the call file.
    """

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    expected: Expected | None = Expected()
    place: str = ""


@dataclass(frozen=True)
class Tells:
    """Vapi sends any other message."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    place: str = ""


@dataclass(frozen=True)
class HandsOver:
    """Another assistant takes the call."""

    assistant: str
    place: str = ""


@dataclass(frozen=True)
class Waits:
    """Nobody speaks."""

    seconds: float
    place: str = ""


Step = Says | CallsTools | Asks | Tells | HandsOver | Waits


@dataclass(frozen=True)
class Ending:
    """How the call ends.

    Attributes:
        reason: Why it ends, when no tool has ended it before.
        report: More of the end-of-call report, such as `{"summary": "…"}`.
        expected: The reason that it has ended for; None: not looked at.
        heard: Texts that the caller has heard in all of the call.
        place: The line of the call file.
    """

    reason: str = "customer-ended-call"
    report: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    expected: str | None = None
    heard: Sequence[str] = field(default=(), repr=False)
    place: str = ""


@dataclass(frozen=True)
class Script:
    """A whole call.

    Attributes:
        name: What it is about.
        steps: What happens, in order.
        kind: Who has called.
        customer: Who is on the line, in the API's words.
        number: The number of ours.
        assistant: The name of the assistant that answers, `ASK`, or the API's own object. None:
            the bot's own, or whom the server says.
        variables: The call's variables.
        server_messages: What Vapi sends, when the assistant does not say it.
        end: How it ends.
        bot: The bot that it is for, as TARGET on the command line.
        url: The server that it is for.
        environment: Variables that are set before the bot is loaded. `{folder}` in them is a
            folder of the call's own, which is deleted after it.
        path: The file that it was read from.
    """

    name: str
    steps: Sequence[Step] = field(default=(), repr=False)
    kind: Kind = "inbound"
    customer: Mapping[str, Any] = field(default_factory=lambda: {"number": CALLER}, repr=False)
    number: str = LINE
    assistant: str | Mapping[str, Any] | None = field(default=None, repr=False)
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    server_messages: Sequence[str] | None = None
    end: Ending = Ending()
    bot: str | None = None
    url: str | None = field(default=None, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    path: Path | None = None

    @property
    def tool_calls(self) -> list[PlannedCall]:
        """Every tool call in it."""
        return [call for step in self.steps if isinstance(step, CallsTools) for call in step.calls]
