"""One kind of Vapi's objects: list, get, create, update, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from ._connection import Connection
from .errors import ApiError

Objects = list[dict[str, Any]]

# The most that https://docs.vapi.ai/api-reference takes, and what a page holds without it.
_LIMIT, _DEFAULT_PAGE = 1000, 100


class Resource:
    """The objects of one kind, as the API's own JSON.

    Each method raises `ApiError` when Vapi refuses or is out of reach.
    """

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    async def list(self, *, limit: int | None = None, **filters: Any) -> Objects:
        """All there are, over every page, each once.

        Args:
            limit: Stop at so many.
            filters: The API's own, such as `assistantId`.
        """
        found: dict[str, dict[str, Any]] = {}
        most = _LIMIT if limit is None else min(limit, _LIMIT)
        edge = "createdAtLe"
        past: dict[str, str] = {}
        while True:
            page = await self._page({**filters, "limit": most, **past})
            known = len(found)
            found.update((item["id"], item) for item in page)
            if len(page) < _DEFAULT_PAGE or (limit and len(found) >= limit):
                return list(found.values())[:limit]
            first, last = _created(page[0]), _created(page[-1])
            if len(found) == known:
                self._check_end(first, last)
                return list(found.values())
            if first != last:
                edge = "createdAtGe" if first < last else "createdAtLe"
            # What is at the edge comes again, so that nothing made at that moment is missed.
            past = {edge: last}

    async def get(self, id: str) -> dict[str, Any]:
        """The one with this id."""
        return await self._stored("GET", self._one("GET", id))

    async def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a new one. Doing it twice makes two."""
        return await self._stored("POST", self._path, body)

    async def update(self, id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change it. Each field in the body replaces the old one whole, also where it is an object.

        So `{"model": {"toolIds": […]}}` would erase the prompt of an assistant.
        """
        return await self._stored("PATCH", self._one("PATCH", id), body)

    async def delete(self, id: str) -> None:
        """Delete it."""
        await self._connection.request("DELETE", self._one("DELETE", id))

    def _one(self, method: str, id: str) -> str:
        # Each of these would lead to another path, however it is quoted.
        if id in ("", ".", ".."):
            raise ApiError(f"{method} /{self._path}", f"{id!r} is no id")
        return f"{self._path}/{quote(id, safe='', errors='replace')}"

    async def _page(self, params: Mapping[str, Any]) -> Objects:
        page = await self._connection.request("GET", self._path, params=params)
        if not isinstance(page, list) or not all(_is_stored(x) for x in cast("Objects", page)):
            raise ApiError(f"GET /{self._path}", "the answer is no list; is VAPI_BASE_URL right?")
        return cast("Objects", page)

    async def _stored(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        stored = await self._connection.request(method, path, json=body)
        if not _is_stored(stored):
            raise ApiError(
                f"{method} /{path}",
                "the answer is no object with an id; is VAPI_BASE_URL right?",
                was_done=method != "GET",
            )
        return cast("dict[str, Any]", stored)

    def _check_end(self, first: str, last: str) -> None:
        """A page that brings nothing new is the end, unless time does not lead past it."""
        if first == last:
            raise ApiError(
                f"GET /{self._path}",
                f"more were made at one moment ({last}) than a page holds, so that the rest of "
                "them cannot be reached",
            )


def _created(item: Mapping[str, Any]) -> str:
    return str(item.get("createdAt", ""))


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(cast("dict[str, Any]", value).get("id"), str)
