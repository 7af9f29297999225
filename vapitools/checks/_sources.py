"""Where the code of a tool stands."""

from __future__ import annotations

import functools
import inspect
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any, cast

from ..toolset import AnyTool


def function_of(tool: AnyTool) -> FunctionType | None:
    """The function that was written, below methods, partials, wrappers and callable objects."""
    found: Any = inspect.unwrap(tool)
    while not inspect.isfunction(found):
        inner = _inner(found)
        # What is written in C has no code to look at.
        if inner is None or inner is found:
            return None
        found = inspect.unwrap(inner)
    return found


def _inner(value: Any) -> Any:
    if isinstance(value, functools.partial):
        return cast("Any", value).func
    if isinstance(value, MethodType):
        return value.__func__
    return None if inspect.isroutine(value) else type(value).__call__


def place_of(tool: AnyTool) -> str | None:
    """The line where a tool begins: `bot.py:12`."""
    function = function_of(tool)
    return place(function, function.__code__.co_firstlineno) if function else None


def place(function: FunctionType, line: int) -> str | None:
    """A line of the file that a function is in; None when it is in no file."""
    path = Path(function.__code__.co_filename)
    if not path.is_file():
        return None
    # As short as it can be from here.
    here = Path.cwd()
    return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{line}"
