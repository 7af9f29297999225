"""A squad as it is declared, as it is stored, and what has to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..squads import Squad
from . import _marks
from ._comparison import Fields
from ._json import as_object
from ._marks import Mark
from ._remote import Stored

_OVERRIDES = "membersOverrides"


def declared(squad: Squad, ids: Mapping[str, str]) -> Fields:
    """The fields of a squad that is to be there.

    Args:
        squad: The squad.
        ids: The ids of its assistants by name, or what is to stand for one that is yet to be made.
    """
    body = squad.definition(assistant_ids=ids)
    overrides = as_object(body.pop(_OVERRIDES, None))
    return {**body, **{f"{_OVERRIDES}.{key}": value for key, value in overrides.items()}}


def stored(squad: Stored, fields: Fields) -> Fields:
    """The same fields of a squad at Vapi."""
    overrides = dict(as_object(squad.get(_OVERRIDES)))
    metadata = as_object(overrides.get("metadata"))
    overrides["metadata"] = {k: v for k, v in metadata.items() if k != _marks.KEY}
    found: dict[str, Any] = {}
    for path in fields:
        whole, dot, key = path.partition(".")
        found[path] = overrides.get(key) if dot and whole == _OVERRIDES else squad.get(path)
    return found


def new(squad: Squad, ids: Mapping[str, str]) -> dict[str, Any]:
    """The body that makes the squad, without its mark."""
    return squad.definition(assistant_ids=ids)


def changed(squad: Squad, written: Iterable[str], ids: Mapping[str, str]) -> dict[str, Any]:
    """The body that changes it, without its mark."""
    body = squad.definition(assistant_ids=ids)
    fields = {path: body[path] for path in written if not path.startswith(f"{_OVERRIDES}.")}
    # Vapi changes no squad without them.
    return {"members": body["members"], **fields}


def marked(squad: Stored, fields: Fields, mark: Mark) -> dict[str, Any]:
    """The squad's `membersOverrides`, whole, with the mark in their metadata."""
    stored = as_object(squad.get(_OVERRIDES))
    ours = {
        path.removeprefix(f"{_OVERRIDES}."): value
        for path, value in fields.items()
        if path.startswith(f"{_OVERRIDES}.")
    }
    joined = {**stored, **ours}
    metadata = {**as_object(joined.get("metadata")), _marks.KEY: mark.dump()}
    return {**joined, "metadata": metadata}
