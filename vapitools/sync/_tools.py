"""A function tool as it is declared, as it is stored, and what has to be sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..toolset import AnyTool
from . import _marks
from ._comparison import Fields
from ._declaration import Declaration
from ._json import as_object
from ._marks import Mark
from ._remote import Stored

# What a tool has when nothing is said, so that what is no longer declared is taken away.
_ABSENT: Mapping[str, Any] = {"async": False, "messages": [], "parameters": []}
_FIELDS = ("function", "server", *_ABSENT)


def declared(tool: AnyTool, declaration: Declaration) -> Fields:
    """The fields of a tool that is to be there."""
    definition = tool.definition(base_url=declaration.url, server=declaration.tool_server)
    return {path: definition.get(path, _ABSENT.get(path)) for path in _FIELDS}


def stored(tool: Stored) -> Fields:
    """The same fields of a tool at Vapi. All others belong to whoever has set them there."""
    fields = {path: tool.get(path) or _ABSENT.get(path) for path in _FIELDS}
    return {**fields, "server": _marks.without_header(as_object(tool.get("server")))}


def new(fields: Fields, mark: Mark) -> dict[str, Any]:
    """The body that makes the tool."""
    said = {path: value for path, value in fields.items() if value != _ABSENT.get(path)}
    return {"type": "function", **said, "server": marked(fields["server"], mark)}


def changed(fields: Fields, written: Iterable[str], mark: Mark) -> dict[str, Any]:
    """The body that changes it. The mark, which stands in `server`, is always renewed."""
    return {
        **{path: fields[path] for path in written},
        "server": marked(fields["server"], mark),
    }


def marked(server: Mapping[str, Any], mark: Mark) -> dict[str, Any]:
    """A `server` object with the mark in it."""
    return {**server, "headers": {**as_object(server.get("headers")), _marks.HEADER: mark.dump()}}


def name_of(tool: Stored) -> str | None:
    """What the model calls a tool at Vapi; None when it is no function tool."""
    name = as_object(tool.get("function")).get("name")
    return name if isinstance(name, str) and tool.get("type") == "function" else None


def url_of(tool: Stored) -> str:
    """Where a tool at Vapi is served; "" when that is not said."""
    return str(as_object(tool.get("server")).get("url") or "")
