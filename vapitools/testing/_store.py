"""The resources, in memory."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

from ._fields import KINDS, Kind
from ._parts import Body, items, part, parts
from ._platform_defaults import merged, stored
from ._refusals import in_use, not_found, refused
from ._validation import is_uuid, moment, problems

Filter = Callable[[Body], bool]

_VERSIONED = ("tool", "assistant")
_MISSING_TOOL = "call.start.error-get-resources-validation"

_BEFORE_AND_AFTER: dict[str, Callable[[datetime, datetime], bool]] = {
    "Gt": lambda mine, limit: mine > limit,
    "Lt": lambda mine, limit: mine < limit,
    "Ge": lambda mine, limit: mine >= limit,
    "Le": lambda mine, limit: mine <= limit,
}
_EQUAL: dict[Kind, tuple[str, ...]] = {"call": ("id", "assistantId", "phoneNumberId")}


class Store:
    """Everything of one organisation. Several threads may use it."""

    def __init__(self, extra_defaults: Mapping[str, Mapping[str, Any]]) -> None:
        self._org_id = str(uuid4())
        self._extra_defaults = copy.deepcopy(dict(extra_defaults))
        self._items: dict[Kind, dict[str, Body]] = {kind: {} for kind in KINDS}
        self._commands: dict[str, list[Body]] = {}
        self._lock = threading.RLock()
        self._last = datetime.fromtimestamp(0, timezone.utc)

    # --- read ---

    def all(self, kind: Kind) -> dict[str, Body]:
        """Every resource of a kind by its id, the oldest first."""
        with self._lock:
            return copy.deepcopy(self._items[kind])

    def has(self, kind: Kind, id: str) -> bool:
        """Whether it is there."""
        return id in self._items[kind]

    def get(self, kind: Kind, id: str) -> Body:
        """One resource."""
        with self._lock:
            return copy.deepcopy(self._found(kind, id))

    def filtered(self, kind: Kind, query: Mapping[str, str]) -> list[Body]:
        """Those that a list asks for, the oldest first."""
        filters = [_filter(kind, name, value) for name, value in query.items()]
        return [item for item in self.all(kind).values() if all(fits(item) for fits in filters)]

    def now(self) -> str:
        """The time, which is later than ever before."""
        with self._lock:
            self._last = max(datetime.now(timezone.utc), self._last + timedelta(milliseconds=1))
            return f"{self._last:%Y-%m-%dT%H:%M:%S}.{self._last.microsecond // 1000:03}Z"

    # --- write ---

    def check(self, kind: Kind, body: Body) -> None:
        """Refuse what Vapi refuses to create."""
        _check(problems(kind, body))

    def create(self, kind: Kind, body: Body) -> Body:
        """Store a new one as it was asked for."""
        self.check(kind, body)
        return self.add(kind, body)

    def add(self, kind: Kind, body: Body) -> Body:
        """Store a new one, whatever is in it and whatever is there already."""
        with self._lock:
            now = self.now()
            own: Body = {"orgId": self._org_id, "createdAt": now, "updatedAt": now}
            version = {"latestVersion": "v1"} if kind in _VERSIONED else {}
            item = {"id": str(uuid4()), **own, **version, **self._stored(kind, body)}
            self._items[kind][item["id"]] = item
            return copy.deepcopy(item)

    def update(self, kind: Kind, id: str, body: Body) -> Body:
        """Change one as it was asked for."""
        with self._lock:
            _check(problems(kind, body, self._found(kind, id)))
            return self.change(kind, id, body)

    def change(self, kind: Kind, id: str, fields: Body) -> Body:
        """Replace each of the fields as a whole; None takes one away."""
        with self._lock:
            old = self._found(kind, id)
            new = self._stored(kind, {**old, **fields})
            self._items[kind][id] = {**new, **_next_version(old), "updatedAt": self.now()}
            return copy.deepcopy(self._items[kind][id])

    def delete(self, kind: Kind, id: str) -> Body:
        """Take one away, unless others refer to it."""
        with self._lock:
            item = self._found(kind, id)
            if users := list(self._users(kind, id)):
                raise in_use(kind, users)
            return self._items[kind].pop(item["id"])

    # --- calls ---

    def ring(self, call_id: str) -> Body:
        """Let a call begin, which takes every tool of its assistant."""
        with self._lock:
            call = self._found("call", call_id)
            missing = set(_tool_ids(self._speaker(call))) - set(self._items["tool"])
            if missing:
                return self.end(call_id, _MISSING_TOOL)
            return self.change("call", call_id, {"status": "ringing"})

    def end(self, call_id: str, reason: str) -> Body:
        """Let a call end."""
        ended = {"status": "ended", "endedReason": reason, "endedAt": self.now()}
        return self.change("call", call_id, ended)

    def is_live(self, call_id: str) -> bool:
        """Whether a call takes commands."""
        call = self._items["call"].get(call_id)
        return call is not None and call["status"] != "ended"

    def command(self, call_id: str, command: Body) -> None:
        """Tell a call what to do."""
        self._commands.setdefault(call_id, []).append(command)
        if command.get("type") == "end-call":
            self.end(call_id, "assistant-ended-call")

    def commands(self, call_id: str) -> list[Body]:
        """What a call was told to do."""
        return copy.deepcopy(self._commands.get(call_id, []))

    # --- steps ---

    def _found(self, kind: Kind, id: str) -> Body:
        if not is_uuid(id):
            raise refused(400, ["id must be a UUID"])
        if id not in self._items[kind]:
            raise not_found(kind)
        return self._items[kind][id]

    def _stored(self, kind: Kind, body: Body) -> Body:
        given = {key: value for key, value in body.items() if value is not None}
        item: Body = merged(stored(kind, given), self._extra_defaults.get(kind, {}))
        return copy.deepcopy(item)

    def _users(self, kind: Kind, id: str) -> Iterator[str]:
        if kind == "tool":
            yield from self._all_where("assistant", lambda item: id in _tool_ids(item))
        if kind == "assistant":
            yield from self._all_where("squad", lambda item: id in _member_ids(item))
            yield from self._all_where("phone-number", lambda item: item.get("assistantId") == id)

    def _all_where(self, kind: Kind, fits: Filter) -> Iterator[str]:
        yield from (f"{kind} {id}" for id, item in self._items[kind].items() if fits(item))

    def _speaker(self, call: Body) -> Body:
        return call.get("assistant") or self._items["assistant"].get(
            call.get("assistantId", ""), {}
        )


def _check(found: list[str]) -> None:
    if found:
        raise refused(400, found)


def _next_version(item: Body) -> Body:
    if "latestVersion" not in item:
        return {}
    return {"latestVersion": f"v{int(item['latestVersion'][1:]) + 1}"}


def _tool_ids(assistant: Body) -> list[Any]:
    model = part(assistant, "model")
    return [*items(model, "toolIds"), *(ref.get("toolId") for ref in parts(model, "toolRefs"))]


def _member_ids(squad: Body) -> list[Any]:
    return [member.get("assistantId") for member in parts(squad, "members")]


def _filter(kind: Kind, name: str, value: str) -> Filter:
    """What a parameter of a list lets through; one that says nothing lets all."""
    if name in _EQUAL.get(kind, ()):
        return lambda item: bool(item.get(name) == value)
    if kind == "squad" and name == "idAny":
        return lambda item: item["id"] in value.split(",")
    field, fits = name[:-2], _BEFORE_AND_AFTER.get(name[-2:])
    if field not in ("createdAt", "updatedAt") or fits is None:
        return lambda item: True
    return _by_time(field, fits, _limit(name, value))


def _by_time(field: str, fits: Callable[[datetime, datetime], bool], limit: datetime) -> Filter:
    return lambda item: fits(moment(item[field]) or limit, limit)


def _limit(name: str, value: str) -> datetime:
    limit = moment(value)
    if limit is None:
        raise refused(400, [f"{name} must be a valid ISO 8601 date string"])
    return limit
