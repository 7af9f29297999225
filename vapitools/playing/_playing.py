"""A script, played from its first step to its last."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

from ..auth import Verifier
from ..errors import PlayError
from ._cast import Cast
from ._chaos import Chaos, Runs
from ._control import ControlDesk
from ._delivery import postman
from ._hosting import Bot, hosting
from ._line import Line
from ._live_call import LiveCall
from ._played import Noted, Played
from ._player import Player, static_parameters
from ._rules import Fault
from ._script import Says, Script


async def play(
    script: Script,
    cast: Cast,
    *,
    verifier: Verifier | None = None,
    desk: ControlDesk | None = None,
    chaos: Chaos | None = None,
    limit: float | None = None,
) -> Played:
    """Play a call.

    Args:
        script: The call.
        cast: Who is at the other end.
        verifier: Whom the server lets in; None: everybody.
        desk: Where the call takes commands; None: nowhere.
        chaos: What goes wrong on the way; None: nothing.
        limit: The most seconds that an answer is waited for, whatever the server's own say.

    Raises:
        PlayError: The script does not fit the bot, or nothing listens at the server.
    """
    if problems := list(_problems(script, cast)):
        raise PlayError(problems)
    began = time.monotonic()
    call = LiveCall(script.kind, script.customer, script.number, variables=script.variables)
    played = Played(script.name, _caller(script), path=script.path)
    if script.server_messages is not None:
        cast = replace(cast, server_messages=script.server_messages)
    async with postman(verifier, limit) as by:
        player = Player(Line(call, cast, by, played, chaos), desk)
        first = script.steps[0] if script.steps else None
        is_greeted = isinstance(first, Says) and first.role == "assistant"
        await player.begin(script.assistant, greet=not is_greeted)
        await _perform(player, script)
        await player.end(script.end)
    played.seconds = time.monotonic() - began
    return played


async def play_bot(
    script: Script, bot: Bot, *, seed: int | None = None, limit: float | None = None
) -> Played:
    """Play a call against a bot that is served for it on this machine.

    Args:
        script: The call.
        bot: The bot.
        seed: With one, things go wrong on the way.
        limit: The most seconds that an answer is waited for.

    Raises:
        PlayError: The script does not fit the bot, or the bot cannot be served.
    """
    runs = Runs()
    desk = ControlDesk()
    with ExitStack() as stack:
        control_url = stack.enter_context(desk.serve())
        cast = stack.enter_context(hosting(bot, control_url, hooks=[runs]))
        return await play(
            cast_script(script, bot),
            cast,
            verifier=bot.auth,
            desk=desk,
            chaos=None if seed is None else Chaos(seed, runs),
            limit=limit,
        )


def cast_script(script: Script, bot: Bot) -> Script:
    """The script with the bot's own assistant, where it names none.

    Raises:
        PlayError: The bot has several.
    """
    return script if script.assistant is not None else replace(script, assistant=bot.speaker())


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
    if not cast.is_known:
        return
    for call in script.tool_calls:
        if call.expected.error is not None:
            continue
        tool = cast.tools.get(call.tool)
        if tool is None:
            known = list(cast.tools)
            yield f"{call.place}: there is no tool {call.tool!r}.{_hint(call.tool, known)}"
            continue
        known = [*tool["function"]["parameters"]["properties"], *static_parameters(tool)]
        for name in call.arguments:
            if name not in known:
                yield f"{call.place}: {call.tool} takes no {name!r}.{_hint(name, known)}"


def _hint(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" There are: {', '.join(known)}." if known else " There are none."
