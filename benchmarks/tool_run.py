"""One tool call without HTTP, and deriving a tool from a function."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

import docstring_parser
from pydantic import Field, TypeAdapter, create_model
from typing_extensions import TypedDict

from vapitools import tool

from . import peers
from .contestants import MissingError
from .measure import fastest_loop, interleaved, per_await, per_call
from .proof import WrongAnswerError
from .report import Goal, Row, missing_row, ratio_goal, value_goal
from .restaurant import ARGUMENTS, RESULT, book_table

T = TypeVar("T")

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
    runners, missing = _divided(loop.run_until_complete(peers.runners()))
    contestants |= runners
    for name, call in contestants.items():
        if RESULT not in str(answer := loop.run_until_complete(call())):
            raise WrongAnswerError(f"{name} answered {answer!r}")
    batches = {name: per_await(call, 200, loop) for name, call in contestants.items()}
    times = interleaved(batches, rounds)
    loop.close()
    found = [_run_row(section, name, times, [*runners]) for name in times]
    found += [missing_row(section, name, "µs", why) for name, why in missing.items()]
    over = times["Tool.run, from bytes"] - times["the function"]
    goal = value_goal(over, _LIMIT, "µs", " over the function")
    return [*found, Row(section, "Tool.run, over the function", over, "µs", {}, [goal])]


def _run_row(section: str, name: str, times: Mapping[str, float], rivals: Sequence[str]) -> Row:
    ratios = {"function": times[name] / times["the function"]}
    goals: list[Goal] = []
    if rivals:
        best = min(rivals, key=lambda rival: times[rival])
        ratios[best] = times[name] / times[best]
        if name == "Tool.run, from bytes":
            goals = [ratio_goal(ratios, best, 0.25)]
    return Row(section, name, times[name], "µs", ratios, goals)


def derive_rows(rounds: int) -> list[Row]:
    """`@tool` over the same by hand, and over what others make of it."""
    section = "Deriving a tool (5 parameters, docstring)"
    contestants: dict[str, Callable[[], object]] = {
        "create_model + model_json_schema": lambda: _by_hand(_find_flights, {}),
        "the same, with docstring_parser": lambda: _by_hand(_find_flights, _described()),
        "@tool": lambda: tool(_find_flights),
    }
    derivers, missing = _divided(peers.derivers(_find_flights))
    contestants |= derivers
    times = interleaved({name: per_call(make, 10) for name, make in contestants.items()}, rounds)
    found: list[Row] = []
    for name, time in times.items():
        ratios = {"by hand, with docstring": time / times["the same, with docstring_parser"]}
        goals: list[Goal] = []
        if peers.PYDANTIC_AI in times:
            ratios[peers.PYDANTIC_AI] = time / times[peers.PYDANTIC_AI]
            goals = [ratio_goal(ratios, peers.PYDANTIC_AI, 1.0)] if name == "@tool" else []
        found.append(Row(section, name, time, "µs", ratios, goals))
    return found + [missing_row(section, name, "µs", why) for name, why in missing.items()]


def _divided(found: Mapping[str, T | MissingError]) -> tuple[dict[str, T], dict[str, MissingError]]:
    """Those that are there, and those that are not."""
    missing = {name: each for name, each in found.items() if isinstance(each, MissingError)}
    there = {name: each for name, each in found.items() if not isinstance(each, MissingError)}
    return there, missing


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
