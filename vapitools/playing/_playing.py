"""A script, played from its first step to its last."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from .._spelling import did_you_mean
from ..errors import PlayError
from ._cast import Cast
from ._chaos import Chaos
from ._delivery import postman
from ._line import Line
from ._live_call import LiveCall
from ._played import Noted, Played
from ._player import Player, static_parameters
from ._rules import Fault
from ._script import PlannedCall, Says, Script
from ._stage import Stage

_UNSEEN = "how often a tool runs cannot be seen at this server: only whether its answers differ"


async def play(
    script: Script, stage: Stage, *, seed: int | None = None, limit: float | None = None
) -> Played:
    """Play a call.

    Args:
        script: The call.
        stage: What it is played against.
        seed: With one, things go wrong on the way; the same seed does the same.
        limit: The most seconds that an answer is waited for, whatever the server's own say.

    Raises:
        PlayError: The script does not fit the bot, or nothing listens at the server.
    """
    began = time.monotonic()
    async with calling(script, stage, seed=seed, limit=limit) as player:
        if seed is not None and stage.runs is None:
            player.played.events.append(Noted(_UNSEEN))
        await player.begin(speaker(script, stage), greet=not _is_greeted(script))
        await _perform(player, script)
        await player.end(script.end)
    played = player.played
    played.seconds = time.monotonic() - began
    if stage.runs is not None:
        played.note_errors(stage.runs.errors)
    return played


@asynccontextmanager
async def calling(
    script: Script, stage: Stage, *, seed: int | None = None, limit: float | None = None
) -> AsyncGenerator[Player]:
    """A call that has not begun, for whoever takes its steps one by one. Takes what `play` takes.

    Raises:
        PlayError: The script does not fit the bot.
    """
    if problems := list(_problems(script, stage.cast)):
        raise PlayError(problems)
    call = LiveCall(script.kind, script.customer, script.number, variables=script.variables)
    played = Played(script.name, _caller(script), path=script.path)
    async with postman(stage.verifier, limit) as by:
        line = Line(call, _cast(script, stage), by, played, _chaos(seed, stage))
        player = Player(line, stage.desk)
        try:
            yield player
        finally:
            await player.close()


def speaker(script: Script, stage: Stage) -> str | Mapping[str, Any] | None:
    """Who answers the call: whom the script says, or the bot's own."""
    if script.assistant is None and stage.bot is not None:
        return stage.bot.speaker()
    return script.assistant


def _is_greeted(script: Script) -> bool:
    first = script.steps[0] if script.steps else None
    return isinstance(first, Says) and first.role == "assistant"


def _cast(script: Script, stage: Stage) -> Cast:
    if script.server_messages is None:
        return stage.cast
    return replace(stage.cast, server_messages=script.server_messages)


def _chaos(seed: int | None, stage: Stage) -> Chaos | None:
    if seed is None:
        return None
    return Chaos(seed, stage.runs.count if stage.runs is not None else None)


async def _perform(player: Player, script: Script) -> None:
    """Take the steps until the call ends."""
    for number, step in enumerate(script.steps):
        if player.played.ended is not None:
            left = len(script.steps) - number
            note = Noted(f"{left} {'step was' if left == 1 else 'steps were'} not played")
            text = f"the call had ended ({player.played.ended}) before this step"
            note.faults.append(Fault("ended", text, step.place))
            player.played.events.append(note)
            return
        await player.perform(step)


def _caller(script: Script) -> str:
    customer = script.customer
    named = [customer.get("name"), customer.get("number") or customer.get("sipUri")]
    return " ".join(str(each) for each in named if each)


def _problems(script: Script, cast: Cast) -> Iterator[str]:
    """What of a script does not fit the bot. A call that should fail may name anything."""
    for call in script.tool_calls:
        if call.expected is None or call.expected.error is not None:
            continue
        place = f"{call.place}: " if call.place else ""
        yield from (f"{place}{problem}" for problem in misfits(call, cast))


def misfits(call: PlannedCall, cast: Cast) -> Iterator[str]:
    """The names in a tool call that the bot does not have, where its tools are known."""
    if not cast.is_known:
        return
    tool = cast.tools.get(call.tool)
    if tool is None:
        yield f"there is no tool {call.tool!r}.{hint(call.tool, list(cast.tools))}"
        return
    known = [*tool["function"]["parameters"]["properties"], *static_parameters(tool)]
    for name in call.arguments:
        if name not in known:
            yield f"{call.tool} takes no {name!r}.{hint(name, known)}"


def hint(word: str, known: Sequence[str]) -> str:
    """A sentence on what a word that is misspelt should be."""
    if meant := did_you_mean(word, known):
        return meant
    return f" There are: {', '.join(known)}." if known else " There are none."
