"""`exercise`: a tool, run with whatever a model may send."""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn

from .._results import ToolResult
from .._samples import sample_arguments, sample_static
from ..context import CallContext
from ..errors import ArgumentError, CallControlError, ResultError, ToolError
from ..tools import Tool
from ..toolset import AnyTool
from ._calling import LIMIT, RETURN, check_tool, outside_of_loops, read_by_model

# A failing test shows its own line, and none of this module.
__tracebackhide__ = True

Context = CallContext | Callable[[], CallContext] | None

_NO_LIMIT = sys.maxsize


def exercise(tool: AnyTool, *, context: Context = None, examples: int = 100) -> None:
    """Run a tool with arguments made from its own schema, and fail on what would break a call.

    Values are within the limits of the types, and what is optional is left out at times. The
    tool may refuse them with a `ToolError`; it may raise nothing else. The arguments of the
    failure are the simplest that were found, and the same each time. It needs `hypothesis`.

    In an `async def` test the tool runs in a thread with an event loop of its own.

    Args:
        tool: The tool; a method's is taken from an object.
        context: The live call, or a function that makes one for each run.
        examples: How many runs.

    Raises:
        AssertionError: The tool, the arguments, what happened, the rule and what to do.
        ModuleNotFoundError: hypothesis is not installed.
        DefinitionError: It is no tool, or a method that was not taken from an object.
    """
    check_tool(tool)
    tool.check_bound()
    trials = _Trials(tool, context)
    try:
        outside_of_loops(lambda: _search(trials, examples))
    except _BreaksError as error:
        raise AssertionError(str(error)) from error.__cause__
    if not trials.is_reached:
        raise AssertionError(trials.never_reached(examples))


def _search(trials: _Trials, examples: int) -> None:
    """Look for arguments that break a call, and raise the simplest ones."""
    try:
        import hypothesis
        from hypothesis.errors import Flaky, Unsatisfiable
    except ModuleNotFoundError:
        text = "exercise needs hypothesis: pip install hypothesis"
        raise ModuleNotFoundError(text, name="hypothesis") from None
    from ._strategies import arguments_for

    # Its class has an iterator of its own, which type checkers do not see.
    checks: Any = hypothesis.HealthCheck
    settings = hypothesis.settings(
        max_examples=examples,
        # The same arguments each time, on a machine of any speed, and nothing kept of them.
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(checks),
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
    )
    with _event_loop() as loop:

        @settings
        @hypothesis.given(arguments_for(trials.tool))
        def search(arguments: dict[str, Any]) -> None:
            loop.run_until_complete(trials.run(arguments))

        try:
            search()
        except Flaky:
            raise trials.broken_once() from trials.cause
        except Unsatisfiable:
            pass
        if not trials.is_reached:
            # A sample is looked for with the validators that no schema tells of.
            loop.run_until_complete(trials.run(sample_arguments(trials.tool).arguments))


@contextmanager
def _event_loop() -> Generator[asyncio.AbstractEventLoop]:
    """One loop for all runs: a tool may keep a connection from one to the next."""
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        loop.run_until_complete(_end_tasks())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _end_tasks() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


# --- the runs -----------------------------------------------------------------------------


class _BreaksError(Exception):
    """Arguments that break a call; the cause is what the tool raised."""


class _Trials:
    """The runs of one tool, and what was seen in them.

    Attributes:
        tool: The tool.
        is_reached: Whether any of the arguments came as far as the function.
        cause: What the tool raised when it last broke a call.
    """

    def __init__(self, tool: AnyTool, context: Context) -> None:
        self.tool = tool
        self.is_reached = False
        self.cause: BaseException | None = None
        self._context = context
        self._static = sample_static(tool)
        self._watched = Tool(
            self._noticing(tool._function),
            tool._spec,
            is_bound=tool._is_bound,
            predicates=tool._predicates,
        )
        self._refusal: ToolError | None = None
        self._broken = ""

    def _noticing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, of which it is noted when it is reached."""

        @functools.wraps(function)
        def noticing(*args: Any, **kwargs: Any) -> Any:
            self.is_reached = True
            return function(*args, **kwargs)

        @functools.wraps(function)
        async def noticing_async(*args: Any, **kwargs: Any) -> Any:
            self.is_reached = True
            return await function(*args, **kwargs)

        return noticing_async if self.tool._is_async else noticing

    async def run(self, arguments: Mapping[str, Any]) -> None:
        """Run the tool once.

        Raises:
            _BreaksError: The call would break.
        """
        context = self._context() if callable(self._context) else self._context
        try:
            value = await self._watched.run({**arguments, **self._static}, context)
        except ToolError as error:
            self._refusal = error
            return
        # What a tool raises is what is looked for; the rest ends the test itself.
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            is_alone = self._context is None and isinstance(error, CallControlError)
            self._break(arguments, _no_call(self.tool) if is_alone else _trouble_of(error), error)
        self._judge(arguments, value)

    def _judge(self, arguments: Mapping[str, Any], value: Any) -> None:
        try:
            text = read_by_model(self.tool, value, _NO_LIMIT)
        except ResultError as error:
            self._break(arguments, _not_sent(error), error)
        trouble = _trouble_with(value, text)
        if trouble is not None:
            self._break(arguments, trouble, None)

    def _break(
        self, arguments: Mapping[str, Any], trouble: _Trouble, cause: BaseException | None
    ) -> NoReturn:
        self.cause = cause
        self._broken = _told(self.tool, arguments, trouble)
        raise _BreaksError(self._broken) from cause

    def broken_once(self) -> _BreaksError:
        """The failure that did not come again."""
        return _BreaksError(
            f"{self._broken}\nThe same arguments did not fail again: the tool keeps something from "
            "one run to the next, or leaves it to chance. Let it begin anew each time."
        )

    def never_reached(self, examples: int) -> str:
        """The text of a failure without a run."""
        if isinstance(self._refusal, ArgumentError):
            to_do = (
                "say in the type what a validator asks for, such as Field(pattern=…) or "
                f"Literal[…], or run it with arguments of your own: call({self.tool.name}, …)"
            )
        else:
            to_do = "give a context=… for which the tool is enabled"
        return (
            f"{self.tool.name}: no arguments of {examples} reached the function\n"
            f"The last answer: {self._refusal}\n"
            f"What to do: {to_do}"
        )


# --- what breaks a call -------------------------------------------------------------------


class _Trouble(NamedTuple):
    happened: str
    rule: str
    to_do: str


def _trouble_of(error: BaseException) -> _Trouble:
    return _Trouble(
        f"it raised {type(error).__name__}: {error}".removesuffix(": "),
        "a tool says in words what went wrong; here the caller hears only that it failed",
        "raise ToolError(…) with what to offer instead, or let the type keep such arguments out, "
        "as Annotated[int, Field(ge=1)] does",
    )


def _no_call(tool: AnyTool) -> _Trouble:
    return _Trouble(
        "it spoke to the live call, and exercise was given none",
        "a tool reaches its call over the context, which is empty where none is given",
        f"exercise({tool.name}, context=lambda: CallContext(control=RecordingControl()))",
    )


def _not_sent(error: ResultError) -> _Trouble:
    reason = str(error.__cause__).partition("; ")[0]
    return _Trouble(
        f"its result cannot be sent: {reason}",
        "a result is text or JSON; of any other the caller hears that the tool failed",
        f"{RETURN}, or a ToolResult of them",
    )


def _trouble_with(value: Any, text: str) -> _Trouble | None:
    while isinstance(value, ToolResult):
        value = value.value
    if isinstance(value, str) and not value.strip():
        return _Trouble(
            "it returned empty text",
            f"Vapi takes an empty result for none, so the model reads {text!r} in its place",
            "return what the model is to know, such as 'Nothing was found.'; or None",
        )
    if isinstance(value, str) and len(value.strip().splitlines()) > 1:
        return _Trouble(
            "it returned text with a line break",
            "Vapi drops a result that has one, so the model reads all of it in one line",
            "put commas or full stops between the parts, or return a list",
        )
    if len(text) > LIMIT:
        return _Trouble(
            f"it returned {len(text)} characters",
            f"a result stays in the conversation, so it is cut at {LIMIT} characters",
            "return the first few, and say how many more there are",
        )
    return None


def _told(tool: AnyTool, arguments: Mapping[str, Any], trouble: _Trouble) -> str:
    shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return (
        f"{tool.name}({shown}): {trouble.happened}\n"
        f"The rule: {trouble.rule}\n"
        f"What to do: {trouble.to_do}"
    )
