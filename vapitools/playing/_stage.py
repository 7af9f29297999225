"""What a call is played against: a bot on a real port of this machine, or a server elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from .. import _encryption
from .._shapes import as_list, as_object
from .._site import server_fields
from ..assistants import Assistant
from ..auth import Verifier
from ..errors import DefinitionError, PlayError
from ..events import Events
from ..instrumentation import ToolRun
from ..settings import Settings
from ..squads import Squad
from ..sync import Declaration
from ..toolset import Toolset
from ..web import router
from ._cast import Cast
from ._control import ControlDesk
from ._delivery import Server
from ._script import ASK
from ._serving import serving

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]
Encrypt = Callable[[str], str]


@dataclass(frozen=True)
class Bot:
    """A bot, to be served on this machine or known to be served elsewhere.

    Attributes:
        tools: What the assistant can call.
        events: Handlers of the other messages.
        assistants: Those that are declared.
        squads: Those that are declared; their assistants need not be among the others.
        lifespan: Opens and closes what the tools need.
        settings: Limits and secrets.
        app: An ASGI app to serve in the place of a router of these tools.
        path: Where in the app the webhook is.
    """

    tools: Toolset
    events: Events | None = None
    assistants: Sequence[Assistant] = ()
    squads: Sequence[Squad] = ()
    lifespan: Lifespan | None = None
    settings: Settings = field(default_factory=Settings, repr=False)
    app: ASGIApp | None = None
    path: str = "/webhook"

    @property
    def auth(self) -> Verifier | None:
        """Whom it lets in; None: everybody."""
        return self.settings.verifier() if self.settings.has_credentials else None

    def speaker(self) -> str | None:
        """Who answers a call that says nothing of it.

        Raises:
            PlayError: There are several.
        """
        if self.events is not None and self.events.answerer("assistant-request") is not None:
            return ASK
        if self.squads:
            first = self.squads[0].members[0].assistant
            return first.name if isinstance(first, Assistant) else None
        names = [assistant.name for assistant in self.assistants if assistant.name]
        if len(names) > 1:
            raise PlayError(
                f"there are several assistants: {', '.join(names)}; "
                f"say which one answers, such as `assistant: {names[0]}`"
            )
        return names[0] if names else None


class Runs:
    """How often each call has run, and what it raised. A `RunHook` of a server of ours."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.errors: dict[str, BaseException] = {}

    def started(self, run: ToolRun) -> None:
        """See `RunHook.started`."""
        if run.tool_call_id is not None:
            self._counts[run.tool_call_id] = self.count(run.tool_call_id) + 1

    def finished(self, run: ToolRun) -> None:
        """See `RunHook.finished`."""
        if run.tool_call_id is not None and run.error is not None:
            self.errors[run.tool_call_id] = run.error

    def count(self, tool_call_id: str) -> int:
        """How often a call has run."""
        return self._counts.get(tool_call_id, 0)


@dataclass(frozen=True)
class Stage:
    """What calls are played against.

    Attributes:
        cast: Who is there.
        desk: Where live calls take commands.
        verifier: Whom the server lets in; None: everybody.
        bot: The bot, where it is known.
        runs: What has run, where that can be seen.
    """

    cast: Cast
    desk: ControlDesk
    verifier: Verifier | None = None
    bot: Bot | None = None
    runs: Runs | None = None


@contextmanager
def hosting(bot: Bot) -> Generator[Stage]:
    """Serve a bot for as long as the block lasts.

    Raises:
        PlayError: It cannot be served.
    """
    runs, desk = Runs(), ControlDesk()
    settings, encrypt = _with_keys(bot)
    started = _Lifespan(bot.lifespan)
    with desk.serve() as control_url:
        urls = (*settings.control_urls, control_url)
        app = bot.app or router(
            bot.tools,
            auth=bot.auth,
            events=bot.events,
            settings=dataclasses.replace(settings, control_urls=urls),
            hooks=[runs],
            lifespan=started.open,
        )
        try:
            with serving(app) as base_url:
                cast = cast_of(bot, base_url, encrypt)
                is_ours = bot.app is None
                yield Stage(cast, desk, bot.auth, bot, runs if is_ours else None)
        except PlayError:
            if started.error is None:
                raise
            text = f"its lifespan failed: {_described(started.error)}"
            raise PlayError(text) from started.error


@contextmanager
def visiting(
    url: str,
    *,
    bot: Bot | None = None,
    verifier: Verifier | None = None,
    control_port: int = 0,
    settings: Settings | None = None,
) -> Generator[Stage]:
    """Play against a server that runs elsewhere, ours or anybody's.

    Args:
        url: With a bot, where its router is; without one, the address of the webhook, which is
            `/webhook` where the URL has no path.
        bot: What is known to be served there.
        verifier: Whom the server lets in; None: everybody.
        control_port: Where live calls take commands on this machine; 0 takes a free one.
        settings: The keys to encrypt with.

    Raises:
        PlayError: The bot declares what cannot be, the port is in use, or the URL is none.
    """
    desk = ControlDesk()
    keys = (settings or Settings()).decryption_keys
    encrypt = _encryption.PrivateKeys(keys).encrypt if keys else None
    if bot is not None:
        cast = cast_of(bot, url, encrypt)
    else:
        cast = Cast(Server(_webhook(url)), encrypt=encrypt)
    with desk.serve(control_port):
        yield Stage(cast, desk, verifier, bot)


def _webhook(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError as error:
        raise PlayError(f"the URL cannot be read: {error}") from None
    return url if path else f"{url}/webhook"


def cast_of(bot: Bot, url: str, encrypt: Encrypt | None = None) -> Cast:
    """What Vapi knows of a bot that is served at a URL, as `vapitools apply` brings it there.

    Raises:
        PlayError: It declares what cannot be.
    """
    fields = server_fields(bot.auth)
    try:
        declaration = Declaration(
            bot.assistants,
            squads=bot.squads,
            toolset=bot.tools,
            events=bot.events,
            url=url,
            server=fields,
        )
        server = declaration.tool_server
        tools = {
            tool.name: tool.definition(base_url=url, server=server)
            for tool in _every(bot.tools, declaration.tools.values())
        }
        assistants = {
            assistant.name or "": _with_registered(
                assistant.declared(
                    base_url=url,
                    server=fields,
                    tools=bot.tools,
                    server_messages=declaration.server_messages,
                ),
                tools,
            )
            for assistant in declaration.assistants
        }
    except DefinitionError as error:
        raise PlayError(error.problems) from error
    webhook = Server(f"{url.rstrip('/')}{bot.path}")
    return Cast(webhook, assistants, tools, is_known=bot.app is None, encrypt=encrypt)


def _every(*groups: Iterable[Any]) -> Iterable[Any]:
    return {tool.name: tool for group in groups for tool in group}.values()


def _with_registered(
    assistant: Mapping[str, Any], tools: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The assistant with its tools as they are registered, with a plan for trying again."""
    model = as_object(assistant.get("model"))
    named = [
        tools.get(as_object(each.get("function")).get("name", ""), each)
        for each in as_list(model.get("tools"))
    ]
    return {**assistant, "model": {**model, "tools": named}} if named else dict(assistant)


def _with_keys(bot: Bot) -> tuple[Settings, Encrypt | None]:
    """Settings with a key for what arrives encrypted, and the other half of that key."""
    settings = bot.settings
    if not any(tool.encrypted_paths for tool in bot.tools):
        return settings, None
    if not settings.decryption_keys:
        made = _encryption.make_private_key()
        settings = dataclasses.replace(settings, decryption_keys=(made,))
    return settings, _encryption.PrivateKeys(settings.decryption_keys).encrypt


class _Lifespan:
    """The bot's own lifespan, whose error is kept: the server says that there was one, no more."""

    def __init__(self, own: Lifespan | None) -> None:
        self._own = own
        self.error: BaseException | None = None

    @asynccontextmanager
    async def open(self, app: Any) -> AsyncGenerator[Any]:
        if self._own is None:
            yield None
            return
        try:
            async with self._own(app) as state:
                yield state
        # A bot may call `sys.exit` when it cannot connect.
        except BaseException as error:
            self.error = error
            raise


def _described(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
