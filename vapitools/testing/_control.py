"""`RecordingControl`: keeps what a tool tells its live call to do."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from ..control import _encoded, _name
from ..errors import CallControlError


class RecordingControl:
    """A `CallControl` that sends nothing and keeps every command, for tests.

    Give it to `CallContext(control=…)` or to `router(control=…)`.
    """

    def __init__(self) -> None:
        self._commands: list[dict[str, Any]] = []
        self._failures: list[tuple[str, int | None]] = []

    @property
    def commands(self) -> list[dict[str, Any]]:
        """Every command that was taken, as Vapi would have got it, in order: copies."""
        return copy.deepcopy(self._commands)

    @property
    def said(self) -> list[str]:
        """The texts of the `say` commands among them."""
        return [command["content"] for command in self._commands if command["type"] == "say"]

    def fail_with(
        self, text: str = "the call has ended", *, status: int | None = 404, times: int = 1
    ) -> None:
        """Raise a `CallControlError` for the next command, which is then not in the record.

        Args:
            text: Why the call is not told.
            status: The HTTP status of Vapi's answer; None as if none had come.
            times: How many commands fail.
        """
        self._failures += [(text, status)] * times

    async def send(self, url: str | None, command: Mapping[str, Any]) -> None:
        """See `CallControl.send`. The call needs no address here."""
        name = _name(command)
        content = _encoded(name, command)
        if self._failures:
            text, status = self._failures.pop(0)
            shown = "" if status is None else f" (status {status})"
            raise CallControlError(f"{name}: {text}{shown}", status=status)
        self._commands.append(json.loads(content))

    def __repr__(self) -> str:
        return f"<RecordingControl: {len(self._commands)} commands>"
