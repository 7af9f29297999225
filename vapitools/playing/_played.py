"""What has happened in a call that was played."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ._hearing import Heard
from ._live_call import Role
from ._rules import Fault

Level = Literal["error", "warning"]


@dataclass
class Event:
    """Something that has happened, with what was wrong about it."""

    faults: list[Fault] = field(default_factory=list[Fault], kw_only=True)


@dataclass
class Spoken(Event):
    """Somebody has said something. The caller hears all of it but their own words."""

    role: Role
    words: Heard

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        source = {"source": self.words.source} if self.words.source else {}
        after = {"after_seconds": round(self.words.seconds, 3)} if self.words.seconds else {}
        return {"event": "spoken", "role": self.role, "text": self.words.text, **source, **after}


@dataclass
class ToolUsed(Event):
    """The model has called a tool.

    Attributes:
        name: The tool's name.
        arguments: What the model has sent.
        result: What the model reads; None when there is none that Vapi takes.
        error: The same of an error.
        seconds: How long it took.
        id: Of the tool call.
        attempts: How often it was sent.
        troubles: What went wrong on the way, on purpose.
        raised: What the tool has raised, where that can be seen.
    """

    name: str
    # What was said and sent is in no repr, which errors and logs show.
    arguments: Mapping[str, Any] = field(repr=False)
    result: str | None = field(repr=False)
    error: str | None = field(repr=False)
    seconds: float
    id: str
    attempts: int = 1
    troubles: list[str] = field(default_factory=list[str])
    raised: BaseException | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        troubles = {"chaos": self.troubles} if self.troubles else {}
        return {
            "event": "tool",
            "tool": self.name,
            "arguments": dict(self.arguments),
            "result": self.result,
            "error": self.error,
            "seconds": round(self.seconds, 4),
            "attempts": self.attempts,
            **troubles,
        }


@dataclass
class Asked(Event):
    """Vapi has asked the server something."""

    type: str
    summary: str = field(repr=False)
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        seconds = round(self.seconds, 4)
        return {"event": "asked", "type": self.type, "answer": self.summary, "seconds": seconds}


@dataclass
class Commanded(Event):
    """A tool or a handler has told the live call what to do."""

    command: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"event": "command", "command": dict(self.command)}


@dataclass
class Noted(Event):
    """Anything else."""

    text: str

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"event": "note", "text": self.text}


AnyEvent = Spoken | ToolUsed | Asked | Commanded | Noted


@dataclass
class Played:
    """A call that was played.

    Attributes:
        name: What it is about.
        caller: Who called.
        assistant: Who answered; None: nobody.
        events: What has happened, in order.
        ended: Why it has ended; None: it lives.
        seconds: How long it took to play.
        path: The call file.
    """

    name: str
    caller: str = field(default="", repr=False)
    assistant: str | None = None
    events: list[AnyEvent] = field(default_factory=list[AnyEvent])
    ended: str | None = None
    seconds: float = 0.0
    path: Path | None = None

    @property
    def heard(self) -> list[Heard]:
        """What the caller has heard."""
        return [
            event.words
            for event in self.events
            if isinstance(event, Spoken) and event.role == "assistant"
        ]

    @property
    def faults(self) -> list[Fault]:
        """All that was wrong."""
        return [fault for event in self.events for fault in event.faults]

    def note_errors(self, errors: Mapping[str, BaseException]) -> None:
        """Note what the tools have raised, by the ids of their calls."""
        for event in self.events:
            if isinstance(event, ToolUsed):
                event.raised = errors.get(event.id, event.raised)

    def failures(self, *, strict: bool = False) -> Iterator[Fault]:
        """What makes the call a failure: with `strict`, what nobody hears, too."""
        return (fault for fault in self.faults if strict or fault.level == "error")

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "file": None if self.path is None else str(self.path),
            "caller": self.caller,
            "assistant": self.assistant,
            "ok": not any(self.failures()),
            "ended": self.ended,
            "seconds": round(self.seconds, 3),
            "events": [
                {**event.to_json(), "faults": [fault.to_json() for fault in event.faults]}
                for event in self.events
            ],
        }
