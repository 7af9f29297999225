"""Apps around the bot's: one that takes its place, and one that keeps a failing start in hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..auth import Verifier
from ..errors import ToolError
from ..settings import Settings
from ..toolset import AnyTool, Toolset
from ..web import router


class _NotLoaded:
    """As much of a tool as running one takes. It does not look at the arguments."""

    name = "not_loaded"
    timeout = 10.0

    async def run(self, *args: object, **kwargs: object) -> Any:
        # A model reads this, and perhaps says it aloud: no word of what is wrong.
        raise ToolError("The tools cannot be loaded right now. Offer to try again.")


class _AnyName(Toolset):
    """Has a tool of every name."""

    def get(self, name: str | None) -> AnyTool:
        return cast("AnyTool", _NotLoaded())


class StandIn:
    """Answers every tool call with an error at once, while the bot does not load.

    A server that is gone would leave Vapi, and whoever is on the phone, waiting.

    Args:
        auth: Who is let in: the same as for the bot.
        settings: The same limits as for the bot.
    """

    def __init__(self, auth: Verifier | None, settings: Settings) -> None:
        self._router = router(_AnyName([]), auth=auth, settings=settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            # The user's own app may have its router anywhere.
            path = _path_within_router(scope["path"])
            scope = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
        await self._router(scope, receive, send)


def _path_within_router(path: str) -> str:
    _, mark, name = path.rpartition("/tools/")
    return f"{mark}{name}" if mark else "/webhook"


class Guarded:
    """An app whose lifespan may fail: that is reported, and does not end in a traceback.

    Args:
        app: The app.
        report: Is given what the lifespan raised.
        stand_in: Takes over when the app cannot start; without one the server ends.

    Attributes:
        stands_in: Whether it has taken over.
    """

    def __init__(
        self,
        app: ASGIApp,
        report: Callable[[BaseException], None],
        stand_in: ASGIApp | None = None,
    ) -> None:
        self._app = app
        self._report = report
        self._stand_in = stand_in
        self.stands_in = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        failed: list[Message] = []

        async def send_unless_failed(event: Message) -> None:
            if event["type"].endswith(".failed"):
                failed.append(event)
            else:
                await send(event)

        try:
            await self._app(scope, receive, send_unless_failed)
        except BaseException as error:
            # An app that knows no lifespan raises without a word, which is allowed. What is
            # cancelled is cut off by Ctrl-C.
            if not failed or isinstance(error, asyncio.CancelledError):
                raise
            self._report(error)
        else:
            for event in failed:
                self._report(RuntimeError(event.get("message", "")))
        if failed:
            await self._after(failed[0]["type"], receive, send)

    async def _after(self, failure: str, receive: Receive, send: Send) -> None:
        if failure == "lifespan.shutdown.failed":
            await send({"type": "lifespan.shutdown.complete"})
        elif self._stand_in is None:
            await send({"type": "lifespan.startup.failed"})
        else:
            self._app, self.stands_in = self._stand_in, True
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
