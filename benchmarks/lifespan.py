"""Opens an app as a server does, for those that must be opened before they answer."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message


class Lifespan:
    """The lifespan of one app, in a task of its own, as its groups of tasks want it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._replies: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open it."""
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        opened: Any = self._app(scope, self._events.get, self._replies.put)
        self._task = asyncio.ensure_future(opened)
        await self._events.put({"type": "lifespan.startup"})
        await self._replies.get()

    async def stop(self) -> None:
        """Close it."""
        await self._events.put({"type": "lifespan.shutdown"})
        if self._task is not None:
            await self._task
