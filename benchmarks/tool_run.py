"""One tool call without HTTP, and deriving a tool from a function."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable
from datetime import date
from typing import Any

import docstring_parser
from pydantic import Field, TypeAdapter, create_model
from typing_extensions import TypedDict

from vapitools import tool

from .measure import fastest_loop, interleaved, per_await, per_call
from .proof import WrongAnswerError
from .report import Row, value_goal
from .restaurant import ARGUMENTS, RESULT, book_table

_LIMIT = 6e-6


class _Arguments(TypedDict):
    day: date
    party_size: int
    name: str


def run_rows(rounds: int) -> list[Row]:
    """`Tool.run` over calling the function."""
    section = "One tool call without HTTP (async, JSON in)"
    text = json.dumps(ARGUMENTS).encode()
    validate = TypeAdapter(_Arguments).validator.validate_json
    ours = tool(book_table)
    contestants: dict[str, Callable[[], Any]] = {
        "the function": lambda: book_table(date(2026, 12, 24), 4, "Rossi"),
        "validate_json + the function": lambda: book_table(**validate(text)),
        "Tool.run, from bytes": lambda: ours.run(text),
        "Tool.run, from a dict": lambda: ours.run(ARGUMENTS),
    }
    loop = fastest_loop()()
    for name, call in contestants.items():
        if (answer := loop.run_until_complete(call())) != RESULT:
            raise WrongAnswerError(f"{name} answered {answer!r}")
    batches = {name: per_await(call, 500, loop) for name, call in contestants.items()}
    times = interleaved(batches, rounds)
    loop.close()
    direct = times["the function"]
    found = [
        Row(section, name, time, "µs", {"function": time / direct}) for name, time in times.items()
    ]
    over = times["Tool.run, from bytes"] - direct
    goal = value_goal(over, _LIMIT, "µs", " over the function")
    return [*found, Row(section, "Tool.run, over the function", over, "µs", {}, [goal])]


def derive_rows(rounds: int) -> list[Row]:
    """`@tool` over the same by hand."""
    section = "Deriving a tool (5 parameters, docstring)"
    contestants: dict[str, Callable[[], object]] = {
        "create_model + model_json_schema": lambda: _by_hand(_find_flights, {}),
        "the same, with docstring_parser": lambda: _by_hand(_find_flights, _described()),
        "@tool": lambda: tool(_find_flights),
    }
    times = interleaved({name: per_call(make, 10) for name, make in contestants.items()}, rounds)
    by_hand = times["the same, with docstring_parser"]
    return [
        Row(section, name, time, "µs", {"by hand, with docstring": time / by_hand})
        for name, time in times.items()
    ]


async def _find_flights(
    start: str, goal: str, day: date, seats: int = 1, cabin: typing.Literal["eco", "first"] = "eco"
) -> list[str]:
    """Find flights that have free seats.

    Args:
        start: The airport that the journey starts from.
        goal: The airport to fly to.
        day: The day of the flight.
        seats: How many people fly.
        cabin: The class that they want to fly in.
    """
    return []


def _by_hand(function: Callable[..., object], described: dict[str, str]) -> dict[str, Any]:
    """What most frameworks do."""
    hints = typing.get_type_hints(function)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        default = ... if required else parameter.default
        fields[name] = (hints[name], Field(default, description=described.get(name)))
    schema: dict[str, Any] = create_model(function.__name__, **fields).model_json_schema()
    return schema


def _described() -> dict[str, str]:
    parsed = docstring_parser.parse(_find_flights.__doc__ or "")
    return {entry.arg_name: entry.description or "" for entry in parsed.params}
