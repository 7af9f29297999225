"""One thing that was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["error", "warning", "note"]

LEVELS: Mapping[str, Level] = {
    # tools
    "no-description": "warning",
    "bare-description": "note",
    "long-description": "warning",
    "same-description": "warning",
    "no-parameter-description": "warning",
    "no-annotation": "warning",
    "unclear-name": "warning",
    "similar-name": "warning",
    "large-schema": "warning",
    "long-arguments": "warning",
    "blocking-call": "warning",
    "skipped-message": "warning",
    "late-message": "warning",
    "unused-tool": "note",
    # assistants and handlers of events
    "same-name": "error",
    "unmentioned-tool": "note",
    "unknown-tool": "warning",
    "short-timeout": "warning",
    "no-tool-calls": "error",
    "unsent-message": "warning",
    "several-events": "warning",
    # the server
    "no-secret": "note",
    "local-url": "warning",
    "not-encrypted": "warning",
    "unreachable": "error",
    "redirect": "error",
    "other-app": "error",
    "slow": "note",
    "open-server": "error",
    "wrong-secret": "error",
    # what is at Vapi
    "api-error": "error",
    "not-registered": "error",
    "not-attached": "error",
    "not-applied": "warning",
    "conflict": "error",
    "broken-at-vapi": "error",
    "left-over": "note",
    "not-checked": "note",
}
"""Code → level. With an error the bot does not work as declared; with a warning it works badly."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        code: Which kind it is, one of `LEVELS`.
        subject: What it is about, such as `tool book_table`.
        text: What is wrong, and what to do.
        place: The line of the user's code, such as `bot.py:12`.
    """

    code: str
    subject: str
    text: str
    place: str | None = None

    @property
    def level(self) -> Level:
        """How bad it is."""
        return LEVELS[self.code]

    def to_json(self) -> dict[str, Any]:
        """The finding as plain values, for programs."""
        return {
            "code": self.code,
            "level": self.level,
            "subject": self.subject,
            "text": self.text,
            "place": self.place,
        }

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.level}: {self.subject}: {self.text} [{self.code}]"
