"""What is recorded of each tool run, and where it goes."""

from __future__ import annotations

import contextlib
import logging
import re
from dataclasses import dataclass, field
from typing import Literal, Protocol

logger = logging.getLogger("vapitools")

Outcome = Literal["ok", "tool_error", "argument_error", "unknown_tool", "failed", "timeout"]

_SAFE = re.compile(r"[\w.:@-]{1,128}", re.ASCII)


@dataclass(eq=False)
class ToolRun:
    """One run of one tool call. But for `error`, it holds ids, names and times: nothing private.

    Attributes:
        tool: The tool's name as the model wrote it.
        call_id: Vapi's id of the phone call, when it came.
        tool_call_id: Vapi's id of the tool call, when it came.
        outcome: How it ended; None while it runs.
        seconds: How long it took, once it has ended.
        error: What was raised, of a run that `failed`. Its text can hold what people said.
    """

    tool: str
    call_id: str | None = None
    tool_call_id: str | None = None
    outcome: Outcome | None = None
    seconds: float = 0.0
    error: BaseException | None = field(default=None, repr=False)


class RunHook(Protocol):
    """Sees every tool run begin and end. What it raises is logged and hurts no call."""

    def started(self, run: ToolRun) -> None:
        """Called in the context in which the tool will run."""
        ...

    def finished(self, run: ToolRun) -> None:
        """Called with the same object once the answer is known, with `outcome` and `seconds`."""
        ...


class LogRuns:
    """One line per run: tool, ids, milliseconds, outcome."""

    def started(self, run: ToolRun) -> None:
        """Nothing is said of a run that has only begun."""

    def finished(self, run: ToolRun) -> None:
        """Log the line."""
        if not logger.isEnabledFor(logging.INFO):
            return
        logger.info(
            "%s %.1f ms %s (call %s, tool call %s)",
            printable(run.tool),
            run.seconds * 1000,
            run.outcome,
            printable(run.call_id),
            printable(run.tool_call_id),
        )


def log(level: int, text: str, *values: object) -> None:
    """Log. A log that fails, as one with a filter of its own can, costs no answer."""
    with contextlib.suppress(Exception):
        logger.log(level, text, *values)


def printable(identifier: object) -> str:
    """An id or a name from outside, fit for a log line: ids are input too."""
    if identifier is None:
        return "-"
    text = str(identifier)
    return text if _SAFE.fullmatch(text) else "(not printable)"
