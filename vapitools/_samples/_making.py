"""A tool → arguments that it takes, as a person would write them into the file of a call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from .. import _coercion, _liquid, messages
from ..context import CallContext
from ..errors import ArgumentError
from ..toolset import AnyTool
from ._values import TRIES, Values

# What every call over the phone knows.
_FACTS = {"customer": {"number": "+15550100000"}, "phoneNumber": {"number": "+15550109999"}}


@dataclass(frozen=True)
class Sample:
    """Made-up arguments for a tool.

    Attributes:
        arguments: What the model might send: a value for each parameter that must be there.
        problem: Why the tool does not take them, where no fitting value could be made up.
    """

    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    problem: str | None = None


def sample_arguments(tool: AnyTool) -> Sample:
    """Arguments for a tool, tried out on its own validator. On one day they are the same."""
    trial = _Trial(tool)
    schema = tool._spec.read.schema
    arguments = _first_of_each(trial.values, schema, schema["required"])
    problem = trial.problem(arguments)
    for name in schema["required"]:
        if problem is not None and _is_blamed(name, problem):
            arguments = trial.mended(arguments, name)
            problem = trial.problem(arguments)
    return Sample(arguments, problem)


def sample_static(tool: AnyTool) -> dict[str, Any]:
    """A value for each static parameter; what only a real call fills in is made up."""
    values, schema = _values(tool), tool._spec.read._schema
    static = _liquid.filled(tool._spec.read.static, _FACTS)
    unfilled = [name for name, value in static.items() if _coercion.is_unfilled(value)]
    return {**static, **_first_of_each(values, schema, unfilled)}


class _Trial:
    """Tries arguments on a tool, without running it."""

    def __init__(self, tool: AnyTool) -> None:
        self._read = tool._spec.read
        self._static = sample_static(tool)
        self.values = _values(tool)

    def problem(self, arguments: Mapping[str, Any]) -> str | None:
        """Why the tool does not take the arguments; None when it does."""
        try:
            self._read.bind(messages.dump({**arguments, **self._static}), CallContext())
        except ArgumentError as error:
            return str(error)
        # A validator of the author's may raise anything.
        except Exception as error:
            return f"a validator raised {type(error).__name__}"
        return None

    def mended(self, arguments: dict[str, Any], name: str) -> dict[str, Any]:
        """The arguments with another value for one of them, if there is one that fits."""
        for value in islice(_of_parameter(self.values, self._read.schema, name), TRIES):
            trial = {**arguments, name: value}
            problem = self.problem(trial)
            if problem is None or not _is_blamed(name, problem):
                return trial
        return arguments


def _values(tool: AnyTool) -> Values:
    return Values(tool._spec.read._schema.get("$defs", {}), dt.date.today())


def _first_of_each(values: Values, schema: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    made = {name: next(_of_parameter(values, schema, name), _NONE) for name in names}
    return {name: value for name, value in made.items() if value is not _NONE}


_NONE = object()


def _of_parameter(values: Values, schema: Mapping[str, Any], name: str) -> Iterator[Any]:
    return values.of(schema["properties"][name], name)


def _is_blamed(name: str, problem: str) -> bool:
    """Whether the text of an `ArgumentError` names the parameter, or a part of it."""
    beginnings = tuple(f"{name}{end}" for end in ":.[")
    return any(part.startswith(beginnings) for part in problem.split("; "))
