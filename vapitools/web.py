"""The router: verify → decode → dispatch → respond."""

from __future__ import annotations

import logging
import re
from collections.abc import (
    AsyncGenerator,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from functools import partial
from typing import Any

from starlette.responses import StreamingResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from . import messages
from ._gate import Gate, SenderGoneError
from ._handlers import Handlers
from ._site import Site, server_fields
from .auth import Verifier
from .context import CallContext
from .control import CallControl
from .dispatch import Dispatcher
from .errors import AuthenticationError, DefinitionError, WebhookError
from .events import ANSWERED, Events
from .instrumentation import RunHook, log
from .ledger import Ledger
from .messages import Message
from .settings import Settings
from .toolset import AnyTool, Toolset

# Raw 16-bit samples in one channel: https://docs.vapi.ai/customization/custom-voices/custom-tts
_PCM = "application/octet-stream"

_PATH = re.compile(r"[\w./-]{1,100}", re.ASCII)

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def router(
    tools: Toolset | Iterable[AnyTool] = (),
    *,
    auth: Verifier | None,
    events: Events | None = None,
    settings: Settings | None = None,
    hooks: Sequence[RunHook] | None = None,
    ledger: Ledger | None = None,
    control: CallControl | None = None,
    server: Mapping[str, Any] | None = None,
    show_tools: bool = False,
    lifespan: Lifespan | None = None,
) -> Router:
    """An ASGI app that answers Vapi: mount it, or serve it as it is.

    `POST /webhook` takes every message; `POST /tools/{name}` too, and bare arguments for that
    tool; `GET /health` answers whether the server is up; `GET /tools` shows the definitions.

    Args:
        tools: What the assistant can call.
        auth: Who is let in. `None` lets everybody in, which is for your own machine only.
        events: Handlers of the other messages.
        settings: Limits; the defaults suit production.
        hooks: See every tool run begin and end; by default it is logged.
        ledger: Where answers are kept for repeated deliveries; by default in memory.
        control: Tells live calls what to do; one of your own can record that in a test.
        server: What an assistant that is returned inline tells Vapi of this server, such as
            `{"credentialId": "…"}`. By default what `auth` asks for.
        show_tools: Answer `GET /tools`. For development.
        lifespan: Opens and closes what the tools need; what it yields is `CallContext.state`.

    Raises:
        DefinitionError: Something in `tools` is no tool, or two have one name; or `auth` is no
            verifier.
        SettingsError: A tool needs a setting that is missing.
    """
    _check(auth, events)
    settings = settings or Settings()
    toolset = tools if isinstance(tools, Toolset) else Toolset(tools)
    dispatcher = Dispatcher(toolset, settings=settings, hooks=hooks, ledger=ledger, control=control)
    events = events or Events()
    receiver = _Receiver(
        dispatcher,
        Handlers(events, settings),
        Site(toolset, events, settings.url, server_fields(auth) if server is None else server),
    )
    gate = Gate(auth, settings)
    webhook = _Webhook(gate, receiver)
    routes = [
        Route("/webhook", webhook, methods=["POST"]),
        # Vapi follows no redirect.
        Route("/webhook/", webhook, methods=["POST"]),
        Route("/tools/{name}", _ToolEndpoint(gate, receiver), methods=["POST"]),
        Route("/health", _Health(), methods=["GET"]),
    ]
    if show_tools:
        routes.append(Route("/tools", _Definitions(gate, toolset), methods=["GET"]))
    app = _Router(routes, redirect_slashes=False, lifespan=partial(receiver.lifespan, lifespan))
    app.webhook = webhook
    app.default = _Nothing(app.default)
    return app


def _check(auth: Any, events: Any) -> None:
    if auth is not None and (isinstance(auth, type) or not hasattr(auth, "verify")):
        raise DefinitionError(
            f"router: auth takes a verifier, such as SharedSecret('…'), and not a {_kind(auth)}"
        )
    if events is not None and not isinstance(events, Events):
        raise DefinitionError(f"router: events takes an Events(), and not a {_kind(events)}")


def _kind(value: Any) -> str:
    return "class" if isinstance(value, type) else type(value).__name__


class _Router(Router):
    """Starlette's router, with a way past its routes for the path that nearly every request has.

    Asking the routes costs as much as checking who is calling.
    """

    webhook: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if _is_for_webhook(scope):
            scope["endpoint"] = self.webhook
            await self.webhook(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _is_for_webhook(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    # Where the router is mounted, `root_path` says at which path.
    return bool(scope["path"] == scope.get("root_path", "") + "/webhook")


class _Receiver:
    """Answers a message that was let in, and tells the handlers of it after that."""

    def __init__(self, dispatcher: Dispatcher, handlers: Handlers, site: Site) -> None:
        self._dispatcher = dispatcher
        self._handlers = handlers
        self._site = site

    async def receive(self, message: Message, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer to a message, then run the handlers that give none."""
        try:
            if message.type in ANSWERED:
                await self._answer(message, scope, receive, send)
            else:
                answer = await self._dispatcher.answer(message, scope.get("state"))
                await _respond(send, 200, answer)
        # Also when the sender does not wait for the answer: nobody tells of it again.
        finally:
            listeners = self._handlers.listeners(message.type)
            # Bare arguments are nothing that Vapi has told.
            if listeners and message.type not in ("", messages.BARE_ARGUMENTS):
                await self._handlers.tell(listeners, message, self._context(message, scope))

    async def _answer(self, message: Message, scope: Scope, receive: Receive, send: Send) -> None:
        call = self._context(message, scope)
        sound = self._handlers.sound(message, call)
        if sound is not None:
            # When the peer goes away, nothing else stops it at once.
            async with aclosing(sound):
                await StreamingResponse(sound, media_type=_PCM)(scope, receive, send)
            return
        body = await self._handlers.answer(message, call, partial(self._site.inline, scope))
        if body is None:
            log(logging.WARNING, "nothing here answers %s: @events.on(%r)", *[message.type] * 2)
        await _respond(send, 200, b"{}" if body is None else body)

    def _context(self, message: Message, scope: Scope) -> CallContext:
        return CallContext(message, state=scope.get("state"), control=self._dispatcher.control)

    @asynccontextmanager
    async def lifespan(self, own: Lifespan | None, app: Any) -> AsyncGenerator[Any]:
        """The bot's own lifespan, and the end of what is still going on in ours."""
        async with own(app) if own is not None else nullcontext() as state:
            try:
                yield state
            finally:
                await self._handlers.drain()
                await self._dispatcher.aclose()


class _Endpoint:
    """An ASGI app behind the gate. Starlette's `Request` and `Response` are not free."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._gate.admit(scope, receive)
            await self._serve(body, scope, receive, send)
        except SenderGoneError:
            return
        except WebhookError as error:
            await _refuse(scope, send, error)

    def _serve(
        self, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> Coroutine[Any, Any, None]:
        raise NotImplementedError


class _Webhook(_Endpoint):
    """Every message."""

    def __init__(self, gate: Gate, receiver: _Receiver) -> None:
        super().__init__(gate)
        self._receiver = receiver

    def _serve(
        self, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> Coroutine[Any, Any, None]:
        return self._receiver.receive(self._parse(scope, body), scope, receive, send)

    def _parse(self, scope: Scope, body: bytes) -> Message:
        message = messages.parse(body)
        if not message.type:
            log(logging.WARNING, "a body came that is no message of Vapi's; it was answered {}")
        return message


class _ToolEndpoint(_Webhook):
    """One tool's own URL: every message too, and bare arguments."""

    def _parse(self, scope: Scope, body: bytes) -> Message:
        return messages.parse_for_tool(scope["path_params"]["name"], body)


class _Definitions(_Endpoint):
    def __init__(self, gate: Gate, toolset: Toolset) -> None:
        super().__init__(gate)
        self._toolset = toolset

    async def _serve(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        await _respond(send, 200, messages.encode(self._toolset.definitions()))


class _Nothing:
    """What is not here. The log says so, for a wrong address at Vapi looks like no call at all."""

    def __init__(self, not_found: ASGIApp) -> None:
        self._not_found = not_found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            path = scope["path"]
            shown = path if _PATH.fullmatch(path) else "(not printable)"
            log(logging.WARNING, "nothing is at POST %s; Vapi's address ends in /webhook", shown)
        await self._not_found(scope, receive, send)


class _Health:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _respond(send, 200, b'{"status":"ok"}')


async def _refuse(scope: Scope, send: Send, error: WebhookError) -> None:
    if isinstance(error, AuthenticationError):
        # The log says what was wrong; a stranger learns nothing.
        log(logging.WARNING, "refused a request: %s", error)
        body = b""
    elif text := str(error):
        log(logging.WARNING, "refused a request with %d: %s", error.status, text)
        body = messages.encode({"error": text})
    else:
        body = b""
    # What is left of the request's body is not waited for. HTTP/2 has no such header.
    close = scope.get("http_version", "1.1").startswith("1")
    await _respond(send, error.status, body, close=close)


async def _respond(send: Send, status: int, body: bytes, *, close: bool = False) -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    if body:
        headers.append((b"content-type", b"application/json"))
    if close:
        headers.append((b"connection", b"close"))
    start: MutableMapping[str, Any] = {
        "type": "http.response.start",
        "status": status,
        "headers": headers,
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
