"""The router: verify → decode → dispatch → respond."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from . import messages
from ._gate import Gate, SenderGoneError
from .auth import Verifier
from .dispatch import Dispatcher
from .errors import AuthenticationError, WebhookError
from .instrumentation import RunHook
from .ledger import Ledger
from .settings import Settings
from .toolset import AnyTool, Toolset

logger = logging.getLogger("vapitools")

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def router(
    tools: Toolset | Iterable[AnyTool],
    *,
    auth: Verifier | None,
    settings: Settings | None = None,
    hooks: Sequence[RunHook] | None = None,
    ledger: Ledger | None = None,
    show_tools: bool = False,
    lifespan: Lifespan | None = None,
) -> Router:
    """An ASGI app that answers Vapi: mount it, or serve it as it is.

    `POST /webhook` takes every message; `POST /tools/{name}` too, and bare arguments for that
    tool; `GET /health` answers whether the server is up; `GET /tools` shows the definitions.

    Args:
        tools: What the assistant can call.
        auth: Who is let in. `None` lets everybody in, which is for your own machine only.
        settings: Limits; the defaults suit production.
        hooks: See every tool run begin and end; by default it is logged.
        ledger: Where answers are kept for repeated deliveries; by default in memory.
        show_tools: Answer `GET /tools`. For development.
        lifespan: Opens and closes what the tools need; what it yields is `CallContext.state`.

    Raises:
        DefinitionError: Something in `tools` is no tool, or two have one name.
    """
    settings = settings or Settings()
    toolset = tools if isinstance(tools, Toolset) else Toolset(tools)
    dispatcher = Dispatcher(toolset, settings=settings, hooks=hooks, ledger=ledger)
    gate = Gate(auth, settings)
    routes = [
        Route("/webhook", _Webhook(gate, dispatcher), methods=["POST"]),
        Route("/tools/{name}", _ToolEndpoint(gate, dispatcher), methods=["POST"]),
        Route("/health", _Health(), methods=["GET"]),
    ]
    if show_tools:
        routes.append(Route("/tools", _Definitions(gate, toolset), methods=["GET"]))
    return Router(routes, lifespan=lifespan)


class _Endpoint:
    """An ASGI app for one route. Starlette's `Request` and `Response` are not free."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, body = 200, await self._answer(scope, await self._gate.admit(scope, receive))
        except SenderGoneError:
            return
        except WebhookError as error:
            status, body = error.status, _refusal(error)
        await _respond(send, status, body)

    async def _answer(self, scope: Scope, body: bytes) -> bytes:
        raise NotImplementedError


class _Webhook(_Endpoint):
    """Every message."""

    def __init__(self, gate: Gate, dispatcher: Dispatcher) -> None:
        super().__init__(gate)
        self._dispatcher = dispatcher

    async def _answer(self, scope: Scope, body: bytes) -> bytes:
        message = messages.parse(body)
        if not message.type:
            logger.warning("a body came that is no message of Vapi's; it was answered with {}")
        return await self._dispatcher.answer(message, scope.get("state"))


class _ToolEndpoint(_Webhook):
    """One tool's own URL: every message too, and bare arguments."""

    async def _answer(self, scope: Scope, body: bytes) -> bytes:
        message = messages.parse_for_tool(scope["path_params"]["name"], body)
        return await self._dispatcher.answer(message, scope.get("state"))


class _Definitions(_Endpoint):
    def __init__(self, gate: Gate, toolset: Toolset) -> None:
        super().__init__(gate)
        self._toolset = toolset

    async def _answer(self, scope: Scope, body: bytes) -> bytes:
        return messages.encode(self._toolset.definitions())


class _Health:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _respond(send, 200, b'{"status":"ok"}')


def _refusal(error: WebhookError) -> bytes:
    if isinstance(error, AuthenticationError):
        # The log says what was wrong; a stranger learns nothing.
        logger.warning("refused a request: %s", error)
        return b""
    return messages.encode({"error": str(error)})


async def _respond(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    if body:
        headers.append((b"content-type", b"application/json"))
    start: MutableMapping[str, Any] = {
        "type": "http.response.start",
        "status": status,
        "headers": headers,
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
