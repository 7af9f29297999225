"""What is to be at Vapi: the assistants, squads and tools of one bot, and where it is served."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..assistants import Assistant
from ..errors import DefinitionError
from ..events import Events
from ..settings import check_url
from ..squads import Squad
from ..toolset import AnyTool, Toolset

_ENV = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
# The server answers a delivery that comes again with what it has answered before, so that a
# restart of the server costs the caller a second, not the booking.
_BACKOFF = {"type": "exponential", "maxRetries": 2, "baseDelaySeconds": 1}


class Declaration:
    """What is to be at Vapi.

    Args:
        assistants: Each with its tools. One that was declared without gets those of `toolset`.
        squads: Their assistants need not be listed again.
        toolset: The tools of the assistants that were declared without. Where there are no
            assistants, the tools to register.
        events: The bot's handlers, which say which messages Vapi is to send.
        url: Where the router is reached from outside: one address for all.
        server: More of Vapi's `server` fields for all, such as `secret` or `credentialId`:
            what `server_fields()` of a verifier returns.
        env: A name for this stage of the bot, such as `staging`; each stage has its own tools
            and assistants. Without one there is a single stage.

    Raises:
        DefinitionError: Two assistants have one name, or one has none.
        SettingsError: The URL cannot be where the router is.
    """

    def __init__(
        self,
        assistants: Iterable[Assistant] = (),
        *,
        squads: Iterable[Squad] = (),
        toolset: Toolset | Iterable[AnyTool] = (),
        events: Events | None = None,
        url: str,
        server: Mapping[str, Any] | None = None,
        env: str = "",
    ) -> None:
        check_url("url", url)
        self.squads = tuple(squads)
        self.assistants = _joined(assistants, self.squads)
        self.toolset = toolset if isinstance(toolset, Toolset) else Toolset(toolset)
        self.server_messages = (events or Events()).server_messages
        self.url = url.rstrip("/")
        self.server = dict(server or {})
        self.env = env
        if problems := list(self._problems()):
            raise DefinitionError(problems)
        self.tools = self._tools()

    @property
    def owners(self) -> tuple[str, ...]:
        """The names of the assistants, by which tools are known as this bot's."""
        return tuple(sorted(name_of(assistant) for assistant in self.assistants))

    @property
    def tool_server(self) -> dict[str, Any]:
        """The `server` fields of each tool."""
        return {"backoffPlan": dict(_BACKOFF), **self.server}

    def tools_of(self, assistant: Assistant) -> Toolset:
        """The tools of one of the assistants."""
        return self.toolset if assistant.tools is None else assistant.tools

    def owners_of(self, tool: str) -> tuple[str, ...]:
        """The names of the assistants that have the tool."""
        having = (each for each in self.assistants if tool in self.tools_of(each).names)
        return tuple(sorted(name_of(assistant) for assistant in having))

    def _tools(self) -> dict[str, AnyTool]:
        """Every tool to register, by name."""
        if not self.assistants:
            return {tool.name: tool for tool in self.toolset}
        return {t.name: t for each in self.assistants for t in self.tools_of(each)}

    def _problems(self) -> Iterable[str]:
        names = [assistant.name for assistant in self.assistants]
        for name in dict.fromkeys(names):
            if not name:
                yield "an assistant needs a name to be found again: Assistant(name='…')"
            elif names.count(name) > 1:
                yield f"there are {names.count(name)} assistants named {name!r}"
        for name in _twice([squad.name for squad in self.squads]):
            yield f"there are several squads named {name!r}"
        yield from _rename_problems(self.assistants)
        yield from _rename_problems(self.squads)
        if self.env and not _ENV.fullmatch(self.env):
            yield f"env={self.env!r} must be a short word, such as 'staging'"
        yield from self._tool_problems()

    def _tool_problems(self) -> Iterable[str]:
        found: dict[str, tuple[AnyTool, str | None]] = {}
        for assistant in self.assistants:
            for tool in self.tools_of(assistant):
                other, name = found.setdefault(tool.name, (tool, assistant.name))
                if other is not tool and other.definition() != tool.definition():
                    yield (
                        f"{name!r} and {assistant.name!r} have different tools named "
                        f"{tool.name!r}; one server answers both, so give one another name"
                    )

    def __repr__(self) -> str:
        return f"<Declaration of {', '.join(self.owners) or f'{len(self.tools)} tools'}>"


def name_of(assistant: Assistant) -> str:
    """The name of an assistant that a declaration has taken."""
    return assistant.name or ""


def _joined(assistants: Iterable[Assistant], squads: Sequence[Squad]) -> tuple[Assistant, ...]:
    found = list(assistants)
    for member in (member for squad in squads for member in squad.assistants):
        if not any(member is assistant for assistant in found):
            found.append(member)
    return tuple(found)


def _rename_problems(things: Sequence[Assistant] | Sequence[Squad]) -> Iterable[str]:
    names = [thing.name for thing in things]
    former = [thing.renamed_from for thing in things if thing.renamed_from]
    for thing in things:
        if thing.renamed_from in names:
            yield (
                f"{thing.name!r} cannot be renamed_from {thing.renamed_from!r}, "
                "which is declared too"
            )
    for name in _twice(former):
        yield f"several are renamed_from {name!r}, which can have become one of them only"


def _twice(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]
