"""A bot on a real port of this machine, and what Vapi knows of it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from .. import _encryption
from .._shapes import as_list, as_object
from .._site import server_fields
from ..assistants import Assistant
from ..auth import Verifier
from ..errors import DefinitionError, PlayError
from ..events import Events
from ..instrumentation import RunHook
from ..settings import Settings
from ..squads import Squad
from ..sync import Declaration
from ..toolset import Toolset
from ..web import router
from ._cast import Cast
from ._delivery import Server
from ._script import ASK
from ._serving import serving

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class Bot:
    """What is played against, on this machine.

    Attributes:
        tools: What the assistant can call.
        events: Handlers of the other messages.
        assistants: Those that are declared.
        squads: Those that are declared; their assistants need not be among the others.
        lifespan: Opens and closes what the tools need.
        settings: Limits and secrets.
        app: An ASGI app of the user's own, in the place of the router.
        path: Where in the app the webhook is.
    """

    tools: Toolset
    events: Events | None = None
    assistants: Sequence[Assistant] = ()
    squads: Sequence[Squad] = ()
    lifespan: Lifespan | None = None
    settings: Settings = dataclasses.field(default_factory=Settings, repr=False)
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
                f"say which one answers: assistant: {names[0]}"
            )
        return names[0] if names else None


@contextmanager
def hosting(
    bot: Bot, control_url: str, *, hooks: Sequence[RunHook] | None = None
) -> Generator[Cast]:
    """Serve the bot for as long as the block lasts. Gives what Vapi knows of it.

    Args:
        bot: The bot.
        control_url: Where live calls take commands.
        hooks: See every tool run begin and end; by default it is logged.

    Raises:
        PlayError: It cannot be served.
    """
    settings, encrypt = _with_keys(bot)
    settings = dataclasses.replace(settings, control_urls=(*settings.control_urls, control_url))
    started = _Lifespan(bot.lifespan)
    app = bot.app or router(
        bot.tools,
        auth=bot.auth,
        events=bot.events,
        settings=settings,
        hooks=hooks,
        lifespan=started.open,
    )
    try:
        with serving(app) as base_url:
            yield cast_of(bot, base_url, encrypt)
    except PlayError as error:
        if started.error is not None:
            raise PlayError(f"its lifespan failed: {_described(started.error)}") from started.error
        raise error from None


def cast_of(bot: Bot, url: str, encrypt: Callable[[str], str] | None = None) -> Cast:
    """What Vapi knows of a bot that is served at a URL, as `vapitools apply` brings it there.

    Args:
        bot: The bot.
        url: Where the router is.
        encrypt: Encrypts a value as Vapi does.

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
            assistant.name or "": _with_tool_servers(
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
    webhook = f"{url.rstrip('/')}{bot.path}"
    return Cast(Server(webhook), assistants, tools, is_known=True, encrypt=encrypt)


def _every(*groups: Iterable[Any]) -> Iterable[Any]:
    return {tool.name: tool for group in groups for tool in group}.values()


def _with_tool_servers(
    assistant: Mapping[str, Any], tools: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The assistant with its tools as they are registered, with a plan for trying again."""
    model = as_object(assistant.get("model"))
    named = [
        tools.get(as_object(each.get("function")).get("name", ""), each)
        for each in as_list(model.get("tools"))
    ]
    return {**assistant, "model": {**model, "tools": named}} if named else dict(assistant)


def _with_keys(bot: Bot) -> tuple[Settings, Callable[[str], str] | None]:
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
