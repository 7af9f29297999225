"""What came in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request


@dataclass(frozen=True)
class RecordedRequest:
    """A request that came in. Its `repr` holds the first line and the status, nothing else.

    Attributes:
        method: Such as `POST`.
        path: Such as `/tool`.
        query: The parameters of the URL; the values of a repeated one with commas between.
        headers: By their names in lower case, without `authorization`.
        body: The JSON; None when there is none, the bytes when they are no JSON.
        status: The status of the answer; None when there is none.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    status: int | None = None


def recorded(request: Request, content: bytes) -> RecordedRequest:
    """The record of a request that is not answered yet."""
    given = request.query_params
    query = {name: ",".join(given.getlist(name)) for name in given}
    headers = dict(request.headers)
    headers.pop("authorization", None)
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return RecordedRequest(request.method, path, query, headers, _json(content))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content
