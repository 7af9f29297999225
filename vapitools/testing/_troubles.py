"""Trouble on demand: requests that are answered otherwise, late, or not at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

Serve = Callable[[], Response]
"""Does what was asked, and gives its answer."""

Effect = Callable[[Request, Serve], Awaitable[Response]]


class NoAnswerError(ConnectionError):
    """The connection is to be closed without an answer."""


@dataclass
class Trouble:
    """What happens to some of the requests.

    Attributes:
        methods: Which, such as `{"POST"}`; empty for each.
        path: The paths.
        after: How many are served before.
        times: How many meet it.
        effect: What happens to them.
    """

    methods: frozenset[str]
    path: re.Pattern[str]
    after: int
    times: int
    effect: Effect

    def meets(self, method: str, path: str) -> bool:
        """Whether this request meets it, which counts."""
        fits = not self.methods or method in self.methods
        if not fits or not self.path.fullmatch(path) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


def trouble(method: str, path: str, after: int, times: int, effect: Effect) -> Trouble:
    """Trouble for a method such as `GET`, `POST|PATCH` or `*`, and for a path."""
    methods = frozenset(() if method == "*" else method.upper().split("|"))
    return Trouble(methods, _pattern(path), after, times, effect)


def answer(response: Response, *, done: bool) -> Effect:
    """Another answer, after the request was carried out or instead of that."""

    async def effect(request: Request, serve: Serve) -> Response:
        if done:
            serve()
        return response

    return effect


def drop(*, done: bool) -> Effect:
    """No answer at all."""

    async def effect(request: Request, serve: Serve) -> Response:
        if done:
            serve()
        raise NoAnswerError

    return effect


def delay(seconds: float, *, done: bool) -> Effect:
    """A late answer. Whoever gives up before has its request carried out only with `done`."""

    async def effect(request: Request, serve: Serve) -> Response:
        early = serve() if done else None
        if await _gives_up(request, seconds):
            raise NoAnswerError
        return early or serve()

    return effect


async def hang_up(request: Request) -> None:
    """Close the connection that a request came by."""
    # ASGI has no word for this. uvicorn's `receive` is a method of what holds the connection.
    transport = getattr(getattr(request.receive, "__self__", None), "transport", None)
    if transport is None:
        raise NoAnswerError
    transport.close()
    await _until_gone(request)


def _pattern(path: str) -> re.Pattern[str]:
    """`/tool` is `/tool/<id>` too; `/tool/{id}` is that alone."""
    if "{" in path:
        return re.compile(re.sub(r"\\{[^/]*\\}", "[^/]+", re.escape(path)))
    return re.compile(re.escape(path.rstrip("/")) + "(/.*)?")


async def _gives_up(request: Request, seconds: float) -> bool:
    try:
        await asyncio.wait_for(_until_gone(request), seconds)
    except asyncio.TimeoutError:
        return False
    return True


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
