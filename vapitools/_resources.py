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

    async def list(self, **filters: Any) -> Objects:
        """All there are, over every page, each once.

        Args:
            filters: The API's own, such as `assistantId`.
        """
        found: dict[str, dict[str, Any]] = {}
        params: dict[str, Any] = {**filters, "limit": _LIMIT}
        while True:
            page = await self._page(params)
            known = len(found)
            found.update((item["id"], item) for item in page)
            if len(page) < _DEFAULT_PAGE:
                return list(found.values())
            if len(found) == known:
                self._check_end(page)
                return list(found.values())
            params = {**filters, "limit": _LIMIT, **_after(page)}

    async def get(self, id: str) -> dict[str, Any]:
        """The one with this id."""
        return self._object(await self._connection.request("GET", self._one(id)), "GET")

    async def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a new one. Doing it twice makes two."""
        return self._object(await self._connection.request("POST", self._path, json=body), "POST")

    async def update(self, id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change it. Each field in the body replaces the old one whole, also where it is an object.

        So `{"model": {"toolIds": […]}}` would erase the prompt of an assistant.
        """
        return self._object(
            await self._connection.request("PATCH", self._one(id), json=body), "PATCH"
        )

    async def delete(self, id: str) -> None:
        """Delete it."""
        await self._connection.request("DELETE", self._one(id))

    def _one(self, id: str) -> str:
        return f"{self._path}/{quote(id, safe='')}"

    async def _page(self, params: Mapping[str, Any]) -> Objects:
        page = await self._connection.request("GET", self._path, params=params)
        if not isinstance(page, list) or not all(_is_stored(x) for x in cast("Objects", page)):
            raise ApiError(f"GET /{self._path}", "the answer is no list; is VAPI_BASE_URL right?")
        return cast("Objects", page)

    def _object(self, value: Any, method: str) -> dict[str, Any]:
        if not _is_stored(value):
            raise ApiError(
                f"{method} /{self._path}",
                "the answer is no object with an id; is VAPI_BASE_URL right?",
                was_done=method != "GET",
            )
        return cast("dict[str, Any]", value)

    def _check_end(self, page: Objects) -> None:
        """A page that brings nothing new is the end, unless time does not lead past it."""
        if len({_created(item) for item in page}) == 1:
            raise ApiError(
                f"GET /{self._path}", "more of them were made at one moment than a page can hold"
            )


def _after(page: Objects) -> dict[str, str]:
    """The filter for the next page. The items at its edge come again, so that none is missed."""
    first, last = _created(page[0]), _created(page[-1])
    return {"createdAtGe": last} if first < last else {"createdAtLe": last}


def _created(item: Mapping[str, Any]) -> str:
    return str(item.get("createdAt", ""))


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(cast("dict[str, Any]", value).get("id"), str)
