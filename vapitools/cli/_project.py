"""TARGET → what a bot declares: assistants, squads, tools, handlers of events."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ..assistants import Assistant
from ..errors import DefinitionError
from ..events import Events
from ..squads import Squad
from ..toolset import Toolset
from . import target as targets
from .target import TargetError


@dataclass(frozen=True)
class Project:
    """What TARGET declares.

    Attributes:
        label: What it is called in a text for the user.
        folder: Where the bot's code lies.
        module: The module itself.
        toolset: Every tool of it; with assistants, theirs and those that stand in the module.
        events: Its handlers of events.
        assistants: Those declared, the squads' own among them.
        squads: Those declared.
        lifespan: Opens and closes what the tools need.
        is_app: Whether it is an ASGI app of the user's own, and nothing of these.
    """

    label: str
    folder: Path
    module: ModuleType
    toolset: Toolset
    events: Events | None = None
    assistants: tuple[Assistant, ...] = ()
    squads: tuple[Squad, ...] = ()
    lifespan: targets.Lifespan | None = None
    is_app: bool = False


def load_project(target: str, *, to_serve: bool = False) -> Project:
    """Run the module and take what it declares; what it prints goes to stderr.

    Args:
        target: As on the command line. `bot.py:name` takes one assistant, squad or set of tools.
        to_serve: Whether an ASGI app, or events without tools, will do, too.

    Raises:
        TargetError: It cannot be used, or declares nothing.
    """
    location = targets.locate(target)
    with contextlib.redirect_stdout(sys.stderr):
        module = targets.run(location)
    assistants, squads = _declared(module, location)
    toolset = _toolset(module, location, assistants, to_serve)
    return Project(
        f"{location.text}:{location.name}" if location.name else location.text,
        location.folder,
        module,
        toolset or Toolset([]),
        targets.events_of(module, location),
        assistants,
        squads,
        targets.lifespan_of(module, location),
        is_app=toolset is None,
    )


def _declared(
    module: ModuleType, location: targets.Location
) -> tuple[tuple[Assistant, ...], tuple[Squad, ...]]:
    named = [targets.named(module, location)] if location.name else vars(module).values()
    squads = targets.declared(named, Squad)
    assistants = targets.declared(named, Assistant)
    for member in (member for squad in squads for member in squad.assistants):
        if not any(member is assistant for assistant in assistants):
            assistants.append(member)
    return tuple(assistants), tuple(squads)


def _toolset(
    module: ModuleType,
    location: targets.Location,
    assistants: tuple[Assistant, ...],
    to_serve: bool,
) -> Toolset | None:
    """The tools; None for an app of the user's own."""
    if not assistants:
        return targets.pick(module, location, to_serve=to_serve).toolset
    # One that was declared without tools gets those of the module.
    of_module = not location.name or any(each.tools is None for each in assistants)
    try:
        return Toolset(targets.tools_of(module if of_module else None, assistants))
    except DefinitionError as error:
        problems = (f"{location.text}: {problem}" for problem in error.problems)
        raise TargetError("\n".join(problems)) from error
