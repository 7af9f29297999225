"""`call`: one tool, run as a call runs it."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import CoroutineType
from typing import Any, Generic, TypeVar, overload

from .. import _coercion, _results
from .._results import ToolResult
from .._spelling import closest
from ..context import CallContext
from ..errors import DefinitionError, ResultError
from ..settings import Settings
from ..spoken import RequestComplete
from ..tools import Tool
from ..toolset import AnyTool

# A failing test shows its own line, and none of this module.
__tracebackhide__ = True

T = TypeVar("T")

LIMIT = Settings().max_result_characters
"""How long a result may be where nothing else is set."""

RETURN = "return text, numbers, lists, dicts or models"


@dataclass(frozen=True)
class Called(Generic[T]):
    """What came of a call.

    Attributes:
        value: What the function returned.
        text: What the model reads of it: one line.
    """

    value: T
    text: str


# What `async def` returns is this to pyright, and the other to mypy.
@overload
def call(
    tool: Tool[..., CoroutineType[Any, Any, T]],
    context: CallContext | None = None,
    /,
    **arguments: Any,
) -> Called[T]: ...
@overload
def call(
    tool: Tool[..., Coroutine[Any, Any, T]], context: CallContext | None = None, /, **arguments: Any
) -> Called[T]: ...
@overload
def call(
    tool: Tool[..., T], context: CallContext | None = None, /, **arguments: Any
) -> Called[T]: ...
def call(tool: AnyTool, context: CallContext | None = None, /, **arguments: Any) -> Called[Any]:
    """Run a tool as a call does: arguments as JSON, a `def` tool in a thread, the result as text.

    It is a plain function, in an `async def` test too: there the tool runs in a thread with an
    event loop of its own while the test waits, so it cannot use what belongs to the test's loop.

    Args:
        tool: The tool; a method's is taken from an object.
        context: The live call, for a tool that asks for it; an empty one by default.
        arguments: What the model sends, and what Vapi fills in. Dates, enums, dataclasses and
            models become JSON, as a model writes them.

    Raises:
        ArgumentError: The arguments do not fit.
        ToolError: The tool said no, or is not enabled for this call.
        ResultError: The tool returned what cannot be sent.
        TypeError: The tool has no such parameter, or JSON cannot carry an argument.
        DefinitionError: It is no tool, or a method that was not taken from an object.
        BaseException: Whatever else the function raises.
    """
    check_tool(tool)
    text = _sent(tool, arguments)
    value = outside_of_loops(lambda: asyncio.run(tool.run(text, context)))
    return Called(value, read_by_model(tool, value))


def check_tool(tool: object) -> None:
    """Make sure that it is a tool.

    Raises:
        DefinitionError: It is none.
    """
    if not isinstance(tool, Tool):
        raise DefinitionError(f"{tool!r} is no tool; put @tool on the function")


def outside_of_loops(function: Callable[[], T]) -> T:
    """Call a function that runs an event loop: in a thread, where one is running here already."""
    if not _is_in_a_loop():
        return function()
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(context.run, function).result()


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def read_by_model(tool: AnyTool, value: Any, limit: int = LIMIT) -> str:
    """What the model reads of a result.

    Raises:
        ResultError: It cannot be sent, or what goes along with it cannot.
    """
    if isinstance(value, ToolResult):
        _check_extras(tool, value)
        return read_by_model(tool, value.value, limit)
    try:
        return _results.render(value, limit)
    except ResultError as error:
        raise _not_sent(tool, error, RETURN) from error


def _check_extras(tool: AnyTool, result: ToolResult) -> None:
    try:
        if result.message is not None:
            _results.closing(result.message, RequestComplete)
        _results.metadata(result.metadata)
    except (DefinitionError, ResultError) as error:
        raise _not_sent(tool, error, "ToolResult takes a text and JSON values") from error


def _not_sent(tool: AnyTool, error: Exception, to_do: str) -> ResultError:
    return ResultError(f"{tool.name}: {str(error).partition('; ')[0]}; {to_do}")


# --- the arguments ------------------------------------------------------------------------


def _sent(tool: AnyTool, arguments: Mapping[str, Any]) -> str:
    """The arguments as they arrive, with what Vapi adds."""
    static = tool._spec.read.static
    names = [*tool._spec.read.schema["properties"], *static]
    for name in arguments:
        if name not in names:
            raise TypeError(_unknown(tool, name, names))
    filled = {name: value for name, value in static.items() if not _coercion.is_unfilled(value)}
    try:
        return _results.to_json({**filled, **arguments})
    except ResultError as error:
        raise TypeError(
            f"{tool.name}: JSON cannot carry the arguments; give them as a model writes them"
        ) from error


def _unknown(tool: AnyTool, name: str, names: list[str]) -> str:
    """A model's unknown arguments are dropped; in a test it is a slip."""
    close = closest(name, names)
    hint = f"did you mean {close!r}?" if close else f"it has: {', '.join(names) or 'none'}"
    return f"{tool.name} has no parameter {name!r}; {hint}"
