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
    """

    label: str
    folder: Path
    module: ModuleType
    toolset: Toolset
    events: Events | None = None
    assistants: tuple[Assistant, ...] = ()
    squads: tuple[Squad, ...] = ()


def load_project(target: str) -> Project:
    """Run the module and take what it declares; what it prints goes to stderr.

    Args:
        target: As on the command line. `bot.py:name` takes one assistant, squad or set of tools.

    Raises:
        TargetError: It cannot be used, or declares nothing.
    """
    location = targets.locate(target)
    with contextlib.redirect_stdout(sys.stderr):
        module = targets.run(location)
    assistants, squads = _declared(module, location)
    return Project(
        f"{location.text}:{location.name}" if location.name else location.text,
        location.folder,
        module,
        _toolset(module, location, assistants),
        targets.events_of(module, location),
        assistants,
        squads,
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
    module: ModuleType, location: targets.Location, assistants: tuple[Assistant, ...]
) -> Toolset:
    if not assistants:
        return targets.pick(module, location).toolset or Toolset([])
    # One that was declared without tools gets those of the module.
    of_module = not location.name or any(each.tools is None for each in assistants)
    try:
        return Toolset(targets.tools_of(module if of_module else None, assistants))
    except DefinitionError as error:
        problems = (f"{location.text}: {problem}" for problem in error.problems)
        raise TargetError("\n".join(problems)) from error
