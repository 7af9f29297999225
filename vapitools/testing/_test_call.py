"""`TestCall`: a phone call in code, against a bot on a real port."""

from __future__ import annotations

import asyncio
import json
import threading
import traceback
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast, get_args

from starlette.types import ASGIApp
from typing_extensions import Self

from ..assistants import Assistant
from ..errors import DefinitionError
from ..events import Events
from ..playing import Bot, Cast, Fault, Script, hosting, visiting
from ..playing._live_call import Kind
from ..playing._messages import check_type
from ..playing._played import Asked, Commanded, Event, ToolUsed
from ..playing._player import Answered, Player
from ..playing._playing import calling, hint, misfits, speaker
from ..playing._script import Asks, Ending, PlannedCall, Says, Tells
from ..playing._stage import Lifespan, Stage
from ..settings import Settings
from ..squads import Squad
from ..tools import Tool
from ..toolset import AnyTool, Toolset

# A failing test shows its own line, and none of this module.
__tracebackhide__ = True

T = TypeVar("T")

_CALLER = "+15550100000"
_PACKAGE = Path(__file__).parents[1]
_KINDS: Sequence[str] = get_args(Kind)


@dataclass(frozen=True)
class Answer:
    """What a tool call was answered with.

    Attributes:
        result: What the model reads; None when it was an error.
        error: The error that the model reads; None when there was none.
        heard: What the caller heard around it.
        seconds: How long it took.
    """

    result: str | None
    error: str | None
    heard: Sequence[str]
    seconds: float

    @property
    def value(self) -> Any:
        """The result as a Python value where it is JSON, otherwise its text.

        Raises:
            AssertionError: There is none: the tool has answered with an error.
        """
        if self.result is None:
            raise AssertionError(f"expected a result, got the error {self.error!r}")
        try:
            return json.loads(self.result)
        except ValueError:
            return self.result


class TestCall:
    """A phone call in code. The bot is served on a real port, and Vapi's messages are sent to it.

    Each step fails with an `AssertionError` when an answer breaks a rule of Vapi's: what was seen,
    what a caller has of it, which rule. So does a tool that raises anything but a `ToolError`.
    Used in a `with` block, or made by the fixture `vapi_call`; it works in an `async def` test
    too, where it blocks while it waits.

    Args:
        bot: Tools, an `Assistant`, a `Squad`, an ASGI app, or the URL of a server that runs.
        events: Handlers of the other messages.
        assistant: Who answers: the name of an assistant, or the API's own object. By default the
            bot's own; one that handles `assistant-request` is asked.
        caller: The number of who is on the line, or the API's `customer` object.
        variables: The call's variables.
        kind: Who has called: `"inbound"`, `"outbound"` or `"web"`.
        lifespan: Opens and closes what the tools need.
        settings: Limits and secrets; with a secret, what is sent is signed with it.
        path: Where in an ASGI app the webhook is.
        timeout: The most seconds that an answer is waited for, whatever is set elsewhere.

    Raises:
        DefinitionError: One of these is misspelt, or a step is taken when the call is over.
        PlayError: The bot cannot be served, or is not there.
    """

    # pytest takes a class of this name for a collection of tests.
    __test__ = False

    def __init__(
        self,
        bot: Toolset | Iterable[AnyTool] | AnyTool | Assistant | Squad | str | Any,
        *,
        events: Events | None = None,
        assistant: str | Mapping[str, Any] | None = None,
        caller: str | Mapping[str, Any] = _CALLER,
        variables: Mapping[str, Any] | None = None,
        kind: Kind = "inbound",
        lifespan: Lifespan | None = None,
        settings: Settings | None = None,
        path: str = "/webhook",
        timeout: float | None = None,
    ) -> None:
        if kind not in _KINDS:
            raise DefinitionError(f"TestCall: there is no kind {kind!r}.{hint(kind, _KINDS)}")
        customer = {"number": caller} if isinstance(caller, str) else dict(caller)
        self._script = Script(
            "a test",
            kind=kind,
            customer=customer,
            assistant=assistant,
            variables=dict(variables or {}),
        )
        self._url = bot if isinstance(bot, str) else None
        self._settings = settings or Settings()
        self._bot = None if isinstance(bot, str) else _bot(bot, events, lifespan, self._settings)
        if self._bot is not None:
            self._bot = replace(self._bot, path=path)
        self._timeout = timeout
        self._stack = ExitStack()
        self._loop = _Loop()
        self._opened = AsyncExitStack()
        self._begun: _Begun | None = None
        self._checked = 0
        self._is_reported = False

    # --- steps -----------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Let the caller say something."""
        self._step(self._live.perform(Says("caller", text)))

    def tool(self, name: str, /, **arguments: Any) -> Answer:
        """Let the model call a tool. An error is an answer, too.

        Args:
            name: The tool's name.
            arguments: What the model sends: JSON values.

        Raises:
            DefinitionError: The bot has no such tool, or the tool no such argument; `tools` can
                send them all the same.
        """
        return self.tools((name, arguments))[0]

    def tools(self, *calls: tuple[str, Mapping[str, Any]], checked: bool = True) -> list[Answer]:
        """Let the model call several tools at once: `call.tools(("a", {…}), ("b", {…}))`.

        Args:
            calls: The name and the arguments of each.
            checked: Whether a tool or an argument that the bot does not have is a slip of the
                test. With `False` it is sent, as models do at times.

        Raises:
            DefinitionError: There is such a slip.
        """
        planned = [PlannedCall(name, dict(arguments), None) for name, arguments in calls]
        if checked:
            _check_names(planned, self._call.stage.cast)
        return [_answer(each) for each in self._step(self._live.call_tools(planned))]

    def transfer(self) -> dict[str, Any]:
        """Let Vapi ask where the call is to be transferred. Returns the answer."""
        return self._ask("transfer-destination-request")

    def handoff(self, **parameters: Any) -> dict[str, Any]:
        """Let Vapi ask to which assistant the call is to be handed. Returns the answer.

        Args:
            parameters: What the model has said about it.
        """
        return self._ask("handoff-destination-request", parameters=parameters)

    def knowledge(self, question: str) -> dict[str, Any]:
        """Let the caller ask something, and Vapi the knowledge base. Returns the answer."""
        return self._ask("knowledge-base-request", question=question)

    def send(self, type: str, /, **fields: Any) -> None:
        """Let Vapi send any other message.

        Args:
            type: Such as `"user-interrupted"`.
            fields: Of the message, as Vapi spells them.

        Raises:
            DefinitionError: The type is misspelt, or is one of tool calls.
        """
        check_type(type, of_tools="call.tool('name', …)")
        self._step(self._live.perform(Tells(type, fields)))

    def hand_over(self, assistant: str) -> None:
        """Let another assistant of the squad take the call."""
        self._step(self._live.hand_over(assistant))

    def end(self, reason: str = "customer-ended-call", **analysis: Any) -> None:
        """Hang up, unless a tool has done that, and send the end-of-call report. Once only.

        Args:
            reason: Why the call ends.
            analysis: What Vapi makes of the call: `summary="…"`, `successEvaluation="true"`,
                `structuredData={…}`.
        """
        summary = {"summary": analysis["summary"]} if "summary" in analysis else {}
        report = {"analysis": analysis, **summary} if analysis else {}
        player = self._inside
        if self._is_reported:
            raise _no_more_steps(player)
        self._is_reported = True
        self._step(player.end(Ending(reason, report)))

    # --- what has happened -----------------------------------------------------------------

    @property
    def heard(self) -> list[str]:
        """All that the caller has heard so far."""
        return [each.text for each in self._call.player.played.heard]

    @property
    def ended(self) -> str | None:
        """Why the call has ended; None while it lives."""
        return self._call.player.played.ended

    @property
    def assistant(self) -> str | None:
        """The name of the assistant that speaks."""
        return self._call.player.played.assistant

    @property
    def commands(self) -> list[dict[str, Any]]:
        """What the live call was told to do, as with `await call.say(…)`."""
        events = self._call.player.played.events
        return [dict(event.command) for event in events if isinstance(event, Commanded)]

    # --- opening and closing ---------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._begun is not None:
            raise DefinitionError("a TestCall is one call; make another one for another call")
        with ExitStack() as stack:
            stack.enter_context(self._loop)
            stage = stack.enter_context(self._stage())
            stack.callback(lambda: self._loop.run(self._opened.aclose()))
            made = calling(self._script, stage, limit=self._timeout)
            player = self._loop.run(self._opened.enter_async_context(made))
            self._begun = _Begun(player, stage)
            self._step(player.begin(speaker(self._script, stage)))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _stage(self) -> Any:
        if self._bot is not None:
            return hosting(self._bot)
        verifier = self._settings.verifier() if self._settings.has_credentials else None
        return visiting(self._url or "", verifier=verifier, settings=self._settings)

    @property
    def _call(self) -> _Begun:
        """The call, as long as it lives and after it."""
        if self._begun is None:
            raise DefinitionError(
                "a TestCall begins in a `with` block, or by the fixture vapi_call"
            )
        return self._begun

    @property
    def _inside(self) -> Player:
        """The call, inside of its block."""
        player = self._call.player
        if self._loop.is_closed:
            raise DefinitionError("the `with` block of this TestCall is over; put the step into it")
        return player

    @property
    def _live(self) -> Player:
        """The call, for its next step."""
        player = self._inside
        if player.played.ended is not None:
            raise _no_more_steps(player)
        return player

    def _ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        content = self._step(self._live.ask(Asks(type_, fields, None)))
        return dict(content or {})

    def _step(self, step: Coroutine[Any, Any, T]) -> T:
        """Take a step.

        Raises:
            AssertionError: An answer breaks a rule, or a tool has failed.
        """
        done = self._loop.run(step)
        player, runs = self._call.player, self._call.stage.runs
        if runs is not None:
            player.played.note_errors(runs.errors)
        for event in player.played.events[self._checked :]:
            self._checked += 1
            _check(event)
        return done

    def __repr__(self) -> str:
        return f"<TestCall: {self._script.name}>"


@dataclass(frozen=True)
class _Begun:
    """A call that has begun, and what it is played against."""

    player: Player
    stage: Stage


def _check_names(calls: Iterable[PlannedCall], cast: Cast) -> None:
    if problems := [problem for call in calls for problem in misfits(call, cast)]:
        raise DefinitionError(problems)


def _no_more_steps(player: Player) -> DefinitionError:
    return DefinitionError(
        f"the call has ended ({player.played.ended}), so no step can follow; look at `call.ended`"
    )


def _check(event: Event) -> None:
    raised = event.raised if isinstance(event, ToolUsed) else None
    if faults := [fault for fault in event.faults if fault.level == "error"]:
        raise AssertionError(_failure(event, faults)) from raised
    if isinstance(event, ToolUsed) and raised is not None:
        text = f"{event.name} raised {type(raised).__name__}{_own_line(raised)}"
        raise AssertionError(text) from raised


def _own_line(error: BaseException) -> str:
    """Where in the user's own code it was: ` at bot.py:12`."""
    here = Path.cwd()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        is_others = file.is_relative_to(_PACKAGE) or "site-packages" in file.parts
        if file.is_relative_to(here) and not is_others:
            return f" at {file.relative_to(here)}:{frame.lineno}"
    return ""


def _failure(event: Event, faults: Sequence[Fault]) -> str:
    what = event.name if isinstance(event, ToolUsed) else None
    what = event.type if isinstance(event, Asked) else what
    head = f"{what}: " if what else ""
    return head + "\n".join(f"{fault}\n  wanted: {fault.wanted}" for fault in faults)


def _answer(answered: Answered) -> Answer:
    heard = [each.text for each in answered.heard]
    answer = answered.answer
    return Answer(answer.result, answer.error, heard, answered.seconds)


def _bot(bot: Any, events: Events | None, lifespan: Lifespan | None, settings: Settings) -> Bot:
    if isinstance(bot, Assistant):
        tools = bot.tools or Toolset([])
        return Bot(tools, events, [bot], lifespan=lifespan, settings=settings)
    if isinstance(bot, Squad):
        members = bot.assistants
        own = {tool.name: tool for member in members for tool in member.tools or ()}
        return Bot(
            Toolset(own.values()), events, members, [bot], lifespan=lifespan, settings=settings
        )
    if isinstance(bot, Tool):
        bot = [bot]
    if isinstance(bot, (Toolset, list, tuple)):
        tools = bot if isinstance(bot, Toolset) else Toolset(cast("list[AnyTool]", bot))
        return Bot(tools, events, lifespan=lifespan, settings=settings)
    if not callable(bot):
        raise DefinitionError(
            f"TestCall takes tools, an assistant, a squad, an app or a URL, not {bot!r}"
        )
    return Bot(Toolset([]), settings=settings, app=cast("ASGIApp", bot))


class _Loop:
    """An event loop in a thread, so that a call can be made from any test."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def is_closed(self) -> bool:
        """Whether it can run nothing any more."""
        return self._loop.is_closed()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
