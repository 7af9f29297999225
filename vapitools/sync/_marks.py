"""The mark by which a tool, an assistant or a squad at Vapi is known as ours.

It stands on the resource itself: of a tool in a header of its `server`, of an assistant in its
`metadata`, of a squad in the metadata that it gives to its members.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from ._json import as_list, as_object

HEADER = "X-Vapitools"
KEY = "vapitools"


@dataclass(frozen=True)
class Mark:
    """Whose a resource is, and what was written to it.

    Attributes:
        env: The stage of the bot, such as `staging`; "" when there is one only.
        owners: The assistants or the squad that it belongs to, by name.
        sent: Of each field that was declared, the digest of what was sent.
        kept: Of each field that Vapi stored otherwise, the digest of what it stored.
        at: When it was written, in seconds since 1970.
    """

    env: str
    owners: tuple[str, ...]
    sent: Mapping[str, str] = field(default_factory=dict[str, str])
    kept: Mapping[str, str] = field(default_factory=dict[str, str])
    at: int = 0

    def stored(self, path: str) -> str | None:
        """The digest of what Vapi had stored in a field after the last write."""
        return self.kept.get(path, self.sent.get(path))

    def kept_as(self, before: Mark) -> Mark:
        """This mark, with what Vapi will store otherwise again: of the fields sent as before."""
        same = {p: sum for p, sum in before.kept.items() if before.sent.get(p) == self.sent.get(p)}
        return replace(self, kept=same)

    def dump(self) -> str:
        """The mark as text of ASCII letters, fit for a header."""
        fields: dict[str, Any] = {"at": self.at, "for": list(self.owners), "sent": dict(self.sent)}
        if self.env:
            fields["env"] = self.env
        if self.kept:
            fields["kept"] = dict(self.kept)
        return json.dumps(fields, separators=(",", ":"), sort_keys=True)

    @classmethod
    def parse(cls, text: object) -> Mark | None:
        """A mark from its text; None when it is none of ours."""
        try:
            fields: Any = json.loads(text) if isinstance(text, str) else None
        except (ValueError, RecursionError):
            return None
        if not isinstance(fields, dict):
            return None
        fields = cast("dict[str, Any]", fields)
        env, owners, at = fields.get("env", ""), fields.get("for"), fields.get("at")
        sent, kept = _sums(fields.get("sent")), _sums(fields.get("kept", {}))
        if not isinstance(env, str) or not _is_names(owners) or sent is None or kept is None:
            return None
        return cls(env, tuple(owners), sent, kept, at if isinstance(at, int) else 0)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in as_list(value))


def _sums(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict):
        return None
    sums = cast("dict[str, Any]", value)
    return sums if all(isinstance(text, str) for text in sums.values()) else None


def of_tool(tool: Mapping[str, Any]) -> Mark | None:
    """A tool's mark."""
    headers = as_object(as_object(tool.get("server")).get("headers"))
    # Whoever stores headers may spell their names in small letters.
    found = (value for name, value in headers.items() if name.lower() == HEADER.lower())
    return Mark.parse(next(found, None))


def of_assistant(assistant: Mapping[str, Any]) -> Mark | None:
    """An assistant's mark."""
    return Mark.parse(as_object(assistant.get("metadata")).get(KEY))


def of_squad(squad: Mapping[str, Any]) -> Mark | None:
    """A squad's mark."""
    return of_assistant(as_object(squad.get("membersOverrides")))


def without_header(server: Mapping[str, Any]) -> dict[str, Any]:
    """A `server` object without the mark."""
    headers = {
        name: value
        for name, value in as_object(server.get("headers")).items()
        if name.lower() != HEADER.lower()
    }
    rest = {key: value for key, value in server.items() if key != "headers"}
    return {**rest, "headers": headers} if headers else rest
