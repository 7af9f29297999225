"""What can be said of a bot from its declarations alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar, cast

from ..assistants import Assistant
from ..events import Events
from ..server_messages import CHOOSABLE, plain
from ..settings import Settings
from ..tools import Tool
from ..toolset import AnyTool, Toolset
from . import _prompts
from ._finding import Finding
from ._sources import place_of
from ._tools import DEFAULT_TURN, check_tools

T = TypeVar("T")

_TOOL = cast("type[AnyTool]", Tool)

# What is sent of an assistant that does not choose:
# https://docs.vapi.ai/api-reference/assistants/create (`serverMessages`)
VAPIS_CHOICE = frozenset(
    """
    assistant.started conversation-update end-of-call-report function-call
    handoff-destination-request hang speech-update status-update tool-calls
    transfer-destination-request user-interrupted
    """.split()
)
_VAPIS_SECONDS = 20.0
# What goes to the assistant's own server, and is waited for.
_WAITED_FOR = ("transfer-destination-request", "handoff-destination-request")


def check(
    toolset: Toolset,
    assistants: Sequence[Assistant] = (),
    events: Events | None = None,
    *,
    module: ModuleType | None = None,
    settings: Settings | None = None,
) -> list[Finding]:
    """Find what is wrong with a bot, or may be. No tool is run, and nothing is sent.

    Args:
        toolset: The tools that are served.
        assistants: Those declared.
        events: The handlers that are served.
        module: Where all of it stands, to find what is left over there.
        settings: What is set from outside, to see whether everybody is let in.
    """
    events = events or Events()
    views = [_View.of(assistant, toolset, events) for assistant in assistants]
    found = [
        *check_tools(toolset, min((view.turn for view in views), default=DEFAULT_TURN)),
        *(_left_over(module, assistants) if module else ()),
        *_same_names(assistants),
        *(finding for view in views for finding in _assistant_findings(view, events)),
        *_unsent(views, events),
        *(_several_events(module) if module else ()),
    ]
    if settings is not None and not settings.has_credentials:
        found.append(_no_secret())
    return _grouped(found)


@dataclass(frozen=True)
class _View:
    """An assistant, as Vapi would get it.

    Attributes:
        subject: What it is called in a finding.
        tools: Those of its tools that are ours.
        definition: The whole of it.
        chosen: Its `serverMessages`, where they were chosen by hand.
    """

    subject: str
    tools: Toolset
    definition: dict[str, Any]
    chosen: list[str] | None

    @classmethod
    def of(cls, assistant: Assistant, toolset: Toolset, events: Events) -> _View:
        definition = assistant.declared(tools=toolset)
        tools = toolset if assistant.tools is None else assistant.tools
        subject = f"assistant {assistant.name}" if assistant.name else "an assistant without a name"
        return cls(subject, tools, definition, definition.get("serverMessages"))

    @property
    def model(self) -> dict[str, Any]:
        return dict(self.definition.get("model") or {})

    @property
    def turn(self) -> int:
        """How many tokens the model may write at once."""
        tokens = self.model.get("maxTokens")
        return int(tokens) if isinstance(tokens, (int, float)) else DEFAULT_TURN

    @property
    def seconds(self) -> float | None:
        """How long Vapi waits for the assistant's server, where that was set."""
        server: dict[str, Any] = self.definition.get("server") or {}
        seconds = server.get("timeoutSeconds")
        return float(seconds) if isinstance(seconds, (int, float)) else None


def _grouped(found: list[Finding]) -> list[Finding]:
    """The findings with those of one subject together, in the order that they came."""
    subjects = list(dict.fromkeys(finding.subject for finding in found))
    return sorted(found, key=lambda finding: subjects.index(finding.subject))


# --- assistants ---------------------------------------------------------------------------


def _assistant_findings(view: _View, events: Events) -> Iterator[Finding]:
    yield from _prompt_findings(view)
    for text in _short_timeouts(view, events):
        yield Finding("short-timeout", view.subject, text)
    if view.chosen is not None and view.tools and "tool-calls" not in view.chosen:
        yield Finding(
            "no-tool-calls",
            view.subject,
            "its server_messages leave out 'tool-calls', so no tool is ever called; add it, or "
            "leave server_messages out",
        )


def _prompt_findings(view: _View) -> Iterator[Finding]:
    prompt = _prompts.text_of(view.model)
    if not prompt:
        return
    if unmentioned := [name for name in view.tools.names if not _prompts.mentions(prompt, name)]:
        yield Finding(
            "unmentioned-tool",
            view.subject,
            f"the prompt never mentions {', '.join(unmentioned)}; say when to use "
            f"{'it' if len(unmentioned) == 1 else 'them'}",
        )
    for word, hint in _prompts.unknown_tools(prompt, view.model):
        yield Finding(
            "unknown-tool", view.subject, f"the prompt names {word}, which is no tool of it; {hint}"
        )


def _short_timeouts(view: _View, events: Events) -> Iterator[str]:
    for type_ in _WAITED_FOR:
        answerer = events.answerer(type_)
        waits = _VAPIS_SECONDS if view.seconds is None else view.seconds
        if answerer is not None and answerer.timeout >= waits:
            yield (
                f"Vapi waits {waits:g} s for the answer to {type_}, and its handler may take "
                f"{answerer.timeout:g} s; set timeoutSeconds in its server, or a shorter timeout"
            )
    for tool in view.tools:
        if view.seconds is not None and tool.timeout >= view.seconds:
            yield (
                f"its server waits {view.seconds:g} s, and the tool {tool.name} may take "
                f"{tool.timeout:g} s; set a longer timeoutSeconds, or a shorter timeout"
            )


def _same_names(assistants: Iterable[Assistant]) -> Iterator[Finding]:
    names = [assistant.name for assistant in assistants if assistant.name]
    for name in dict.fromkeys(names):
        if (count := names.count(name)) > 1:
            yield Finding(
                "same-name",
                f"assistant {name}",
                f"there are {count} of that name, and at Vapi nobody can tell them apart; "
                "give each its own",
            )


# --- handlers of events -------------------------------------------------------------------


def _unsent(views: Sequence[_View], events: Events) -> Iterator[Finding]:
    """Handlers of what none of the assistants has sent."""
    sent = [_sent(view, events) for view in views]
    for type_ in events.types:
        if sent and type_ in CHOOSABLE and not any(_is_in(type_, each) for each in sent):
            yield Finding(
                "unsent-message",
                "events",
                f"Vapi does not send {type_}, so its handler is never called; name it in the "
                "server_messages of an assistant",
            )


def _sent(view: _View, events: Events) -> Iterable[str]:
    if view.chosen is not None:
        return view.chosen
    return VAPIS_CHOICE if events.server_messages is None else events.server_messages


def _is_in(type_: str, sent: Iterable[str]) -> bool:
    return any(type_ in (each, plain(each)) for each in sent)


def _several_events(module: ModuleType) -> Iterator[Finding]:
    names = list(_standing_in(module, Events))
    if len(names) > 1:
        yield Finding(
            "several-events",
            "events",
            f"there are several Events: {', '.join(names)}; only one is served: join them",
        )


# --- the module and what is around it -----------------------------------------------------


def _left_over(module: ModuleType, assistants: Iterable[Assistant]) -> Iterator[Finding]:
    """Tools of a module that keeps lists of tools, and has them in none."""
    assistants = [*assistants, *_standing_in(module, Assistant).values()]
    lists: list[Iterable[AnyTool]] = [
        *_standing_in(module, Toolset).values(),
        *_plain_lists(module),
    ]
    lists += [assistant.tools for assistant in assistants if assistant.tools is not None]
    # One that was declared without tools gets all of them.
    if not lists or any(assistant.tools is None for assistant in assistants):
        return
    functions = [tool._function for tools in lists for tool in tools]
    for tool in _standing_in(module, _TOOL).values():
        if tool._function not in functions:
            yield Finding(
                "unused-tool",
                f"tool {tool.name}",
                "it stands in no list of tools, so no assistant can call it; list it, or take "
                "@tool off",
                place_of(tool),
            )


def _plain_lists(module: ModuleType) -> Iterator[list[AnyTool]]:
    for value in vars(module).values():
        if isinstance(value, (list, tuple)):
            items = cast("list[object]", value)
            if tools := [cast("AnyTool", item) for item in items if isinstance(item, Tool)]:
                yield tools


def _standing_in(module: ModuleType, kind: type[T]) -> dict[str, T]:
    """The module's objects of a kind, each under its first name."""
    found: dict[str, T] = {}
    for name, value in vars(module).items():
        if isinstance(value, kind) and not any(value is other for other in found.values()):
            found[name] = value
    return found


def _no_secret() -> Finding:
    return Finding(
        "no-secret",
        "server",
        "no secret is set, so that everybody who knows its URL can call the tools; set "
        "VAPI_SERVER_SECRET",
    )
