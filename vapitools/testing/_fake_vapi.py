"""`FakeVapi`: Vapi's REST API in memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from ..playing._serving import serving
from . import _troubles
from ._fields import Kind
from ._parts import Body
from ._recording import RecordedRequest, recorded
from ._rest import NEW_CALL, Rest, failure
from ._store import Store


class FakeVapi:
    """Vapi's REST API in memory, as an ASGI app: for tests of what talks to api.vapi.ai.

    Args:
        api_key: The key that it takes.
        page_size: The most that one list answers. None is what Vapi does: 100 where no `limit`
            is asked for, and never more than 1000.
        oldest_first: Whether lists begin with the oldest.
        returns_secrets: Whether a `server.secret` can be read back.
        extra_defaults: Fields that are added to what is stored without them, by the resource:
            `{"tool": {…}, "phone-number": {…}}`.
    """

    def __init__(
        self,
        api_key: str = "test-key",
        *,
        page_size: int | None = None,
        oldest_first: bool = False,
        returns_secrets: bool = True,
        extra_defaults: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._store = Store(extra_defaults or {})
        self._rest = Rest(self._store, api_key, page_size, oldest_first, returns_secrets)
        self._requests: list[RecordedRequest] = []
        self._troubles: list[_troubles.Trouble] = []
        self._callbacks: list[Callable[[RecordedRequest], None]] = []

    def __repr__(self) -> str:
        return f"<FakeVapi: {len(self._requests)} requests>"

    # --- what is there ---

    @property
    def tools(self) -> dict[str, Body]:
        """Every tool by its id, the oldest first: copies."""
        return self._store.all("tool")

    @property
    def assistants(self) -> dict[str, Body]:
        """Every assistant by its id, the oldest first: copies."""
        return self._store.all("assistant")

    @property
    def squads(self) -> dict[str, Body]:
        """Every squad by its id, the oldest first: copies."""
        return self._store.all("squad")

    @property
    def phone_numbers(self) -> dict[str, Body]:
        """Every phone number by its id, the oldest first: copies."""
        return self._store.all("phone-number")

    @property
    def calls(self) -> dict[str, Body]:
        """Every call by its id, the oldest first: copies."""
        return self._store.all("call")

    def add(self, kind: Kind, body: Mapping[str, Any]) -> Body:
        """Store a resource that was there before, and return it. What is in it is not checked.

        Args:
            kind: `"tool"`, `"assistant"`, `"squad"`, `"phone-number"` or `"call"`.
            body: As `POST` takes it; with an `id` when you need a certain one.
        """
        return self._store.add(kind, {**NEW_CALL, **body} if kind == "call" else dict(body))

    def edit(self, kind: Kind, id: str, **fields: Any) -> Body:
        """Replace fields as somebody in the dashboard does; None takes one away."""
        return self._store.change(kind, id, fields)

    def remove(self, kind: Kind, id: str) -> None:
        """Delete a resource as somebody in the dashboard does."""
        self._store.delete(kind, id)

    def ring(self, call_id: str) -> Body:
        """Let a call begin to ring. It ends when its assistant lists a tool that is not there."""
        return self._store.ring(call_id)

    def answer(self, call_id: str) -> Body:
        """Let the customer answer the call."""
        return self.edit("call", call_id, status="in-progress", startedAt=self._store.now())

    def end(self, call_id: str, reason: str = "customer-ended-call") -> Body:
        """Let the call end."""
        return self._store.end(call_id, reason)

    # --- what happened ---

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request, in the order in which they came in."""
        return list(self._requests)

    @property
    def writes(self) -> list[RecordedRequest]:
        """The requests that are not a `GET`."""
        return [request for request in self._requests if request.method != "GET"]

    def commands(self, call_id: str) -> list[Body]:
        """What a call was told to do at its `monitor.controlUrl`."""
        return self._store.commands(call_id)

    # --- trouble on demand ---

    def fail(
        self,
        method: str = "*",
        path: str = "/",
        *,
        status: int = 500,
        times: int = 1,
        after: int = 0,
        done: bool = False,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | bytes | None = None,
    ) -> None:
        """Answer the next such request with an error.

        Args:
            method: `"POST"`, several as `"POST|PATCH"`, or `"*"` for every one.
            path: `"/tool"` with all below it, or `"/tool/{id}"` for nothing but those.
            status: The status of the answer.
            times: How many requests fail.
            after: How many such requests are served before.
            done: Whether what was asked is done all the same.
            headers: Of the answer.
            body: Of the answer: JSON, or the bytes of a page of HTML.
        """
        answer = failure(status, dict(headers or {}), body)
        self._trouble(method, path, after, times, _troubles.answer(answer, done=done))

    def rate_limit(self, times: int = 1, *, retry_after: float = 0.01) -> None:
        """Answer the next requests with 429 and a `Retry-After` in seconds."""
        self.fail(status=429, times=times, headers={"retry-after": f"{retry_after:g}"})

    def drop(
        self,
        method: str = "*",
        path: str = "/",
        *,
        times: int = 1,
        after: int = 0,
        done: bool = True,
    ) -> None:
        """Close the connection of the next such request without an answer.

        Args:
            method: As for `fail`.
            path: As for `fail`.
            times: How many requests get no answer.
            after: How many such requests are served before.
            done: Whether what was asked is done, and the answer alone is lost.
        """
        self._trouble(method, path, after, times, _troubles.drop(done=done))

    def hang(
        self,
        method: str = "*",
        path: str = "/",
        *,
        seconds: float = 60.0,
        times: int = 1,
        after: int = 0,
        done: bool = False,
    ) -> None:
        """Let the next such request wait for its answer.

        Args:
            method: As for `fail`.
            path: As for `fail`.
            seconds: How long.
            times: How many requests wait.
            after: How many such requests are served before.
            done: Whether what was asked is done before the wait: then it is done for a client
                that gives up too.
        """
        self._trouble(method, path, after, times, _troubles.delay(seconds, done=done))

    def on_request(self, callback: Callable[[RecordedRequest], None]) -> None:
        """Call this before each request is served. A `ConnectionError` drops the request."""
        self._callbacks.append(callback)

    def _trouble(
        self, method: str, path: str, after: int, times: int, effect: _troubles.Effect
    ) -> None:
        self._troubles.append(_troubles.trouble(method, path, after, times, effect))

    # --- serving ---

    @contextmanager
    def serve(self) -> Generator[str]:
        """Serve it on a free port of this machine, in a thread. Gives the base URL."""
        with serving(self) as base_url:
            yield base_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as an ASGI app."""
        if scope["type"] != "http":
            await Router()(scope, receive, send)
            return
        request = Request(scope, receive)
        response = await self._response(request, recorded(request, await request.body()))
        if response is None:
            await _troubles.hang_up(request)
        else:
            await response(scope, receive, send)

    async def _response(self, request: Request, came: RecordedRequest) -> Response | None:
        """The answer, which is in the record before the client has it; None for no answer."""
        place = len(self._requests)
        self._requests.append(came)
        try:
            for callback in self._callbacks:
                callback(came)
            response = await self._met(request, came)
        except ConnectionError:
            return None
        self._requests[place] = replace(came, status=response.status_code)
        return response

    async def _met(self, request: Request, came: RecordedRequest) -> Response:
        """The answer, or the first trouble that the request meets."""

        def serve() -> Response:
            return self._rest.answer(request, came)

        for trouble in self._troubles:
            if trouble.meets(came.method, came.path):
                return await trouble.effect(request, serve)
        return serve()
