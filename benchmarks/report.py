"""Rows, and the one table that they make."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

_UNITS = {"µs": 1e6, "ms": 1e3, "s": 1.0, "bytes": 1.0, "kB": 1e-3}
_PACKAGES = ("vapitools", "starlette", "pydantic", "msgspec", "docstring-parser")


@dataclass(frozen=True)
class Goal:
    """What a row must reach."""

    text: str
    is_met: bool


@dataclass(frozen=True)
class Row:
    """One measured thing.

    Attributes:
        value: In seconds or bytes.
        unit: What it is shown in.
        ratios: Name of a baseline → how many times as much as that.
    """

    section: str
    name: str
    value: float
    unit: str
    ratios: Mapping[str, float] = field(default_factory=dict[str, float])
    goals: Sequence[Goal] = ()

    def to_json(self) -> dict[str, Any]:
        goals = [{"text": goal.text, "met": goal.is_met} for goal in self.goals]
        shown = {"value": self.value * _UNITS[self.unit], "unit": self.unit}
        return {
            "section": self.section,
            "name": self.name,
            **shown,
            "ratios": dict(self.ratios),
            "goals": goals,
        }


def ratio_goal(ratios: Mapping[str, float], baseline: str, limit: float) -> Goal:
    """At most so many times the baseline."""
    return Goal(f"≤ {limit:g} × {baseline}", ratios[baseline] <= limit)


def value_goal(value: float, limit: float, unit: str, of_what: str = "") -> Goal:
    """At most so much."""
    return Goal(f"≤ {limit * _UNITS[unit]:g} {unit}{of_what}", value <= limit)


def table(rows: Sequence[Row]) -> str:
    """The rows as text, grouped by section."""
    cells = [[row.name, _value(row), *_ratios(row), _goals(row), _verdict(row)] for row in rows]
    head = ["", "median", "ratio", "", "goal", ""]
    widths = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    lines, section = [_line(head, widths)], ""
    for row, line in zip(rows, cells, strict=True):
        if row.section != section:
            section = row.section
            lines += ["", section]
        lines.append(_line(line, widths))
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    """How many goals were met, and which were not."""
    goals = [(row, goal) for row in rows for goal in row.goals]
    missed = [f"  {row.section}: {goal.text}" for row, goal in goals if not goal.is_met]
    return "\n".join([f"{len(goals) - len(missed)} of {len(goals)} goals met.", *missed])


def to_json(rows: Sequence[Row]) -> str:
    """The rows and where they were measured, for programs."""
    machine = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "packages": {name: version(name) for name in _PACKAGES},
    }
    return json.dumps(
        {"machine": machine, "rows": [row.to_json() for row in rows]}, indent=1, ensure_ascii=False
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, value, *rest = (
        cell.rjust(width) if column == 1 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"  {name}  {value}   {'  '.join(rest)}".rstrip()


def _value(row: Row) -> str:
    value = row.value * _UNITS[row.unit]
    digits = 0 if value >= 1000 or row.unit == "bytes" else 2 if value < 10 else 1
    return f"{value:.{digits}f} {row.unit}"


def _ratios(row: Row) -> list[str]:
    texts = [f"{ratio:6.2f} × {baseline}" for baseline, ratio in row.ratios.items()]
    return [*texts, "", ""][:2]


def _goals(row: Row) -> str:
    return ", ".join(goal.text for goal in row.goals)


def _verdict(row: Row) -> str:
    if not row.goals:
        return ""
    return "met" if all(goal.is_met for goal in row.goals) else "MISSED"
