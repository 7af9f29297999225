"""Rows, and the one table that they make."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_UNITS = {"µs": 1e6, "ms": 1e3, "s": 1.0, "bytes": 1.0, "kB": 1e-3, "MB": 1e-6, "req/s": 1.0}
_PACKAGES = (
    *("vapitools", "starlette", "pydantic", "msgspec", "docstring-parser", "uvicorn", "uvloop"),
    *("fastapi", "flask", "gunicorn", "fastmcp", "pydantic-ai-slim", "openai-agents"),
    "langchain-core",
)


@dataclass(frozen=True)
class Goal:
    """What a row must reach."""

    text: str
    is_met: bool


@dataclass(frozen=True)
class Row:
    """One measured thing.

    Attributes:
        value: In seconds, bytes or requests per second; None of what could not be measured.
        unit: What it is shown in.
        ratios: Name of a baseline → how many times as much as that.
        note: Why it could not be measured.
    """

    section: str
    name: str
    value: float | None
    unit: str
    ratios: Mapping[str, float] = field(default_factory=dict[str, float])
    goals: Sequence[Goal] = ()
    note: str = ""

    @property
    def shown(self) -> float | None:
        """The value in its unit."""
        return None if self.value is None else self.value * _UNITS[self.unit]

    def to_json(self) -> dict[str, Any]:
        goals = [{"text": goal.text, "met": goal.is_met} for goal in self.goals]
        return {
            "section": self.section,
            "name": self.name,
            "value": self.shown,
            "unit": self.unit,
            "ratios": dict(self.ratios),
            "goals": goals,
            "note": self.note,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Row:
        """What `to_json` has made."""
        goals = [Goal(goal["text"], goal["met"]) for goal in row["goals"]]
        shown, unit = row["value"], row["unit"]
        value = None if shown is None else shown / _UNITS[unit]
        return cls(row["section"], row["name"], value, unit, row["ratios"], goals, row["note"])


@dataclass(frozen=True)
class Results:
    """What was measured, and where."""

    machine: Mapping[str, Any]
    rows: Sequence[Row]

    def to_json(self) -> str:
        """For programs, and to be kept."""
        rows = [row.to_json() for row in self.rows]
        found = {"machine": self.machine, "rows": rows}
        return json.dumps(found, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        """What `to_json` has written."""
        found = json.loads(text)
        return cls(found["machine"], [Row.from_json(row) for row in found["rows"]])


def missing_row(section: str, name: str, unit: str, error: object) -> Row:
    """The row of what could not be measured."""
    return Row(section, name, None, unit, note=f"not measured: {error}"[:100])


def ratio_goal(ratios: Mapping[str, float], baseline: str, limit: float) -> Goal:
    """At most so many times the baseline."""
    return Goal(f"≤ {limit:g} × {baseline}", ratios[baseline] <= limit)


def at_least_goal(ratios: Mapping[str, float], baseline: str, limit: float) -> list[Goal]:
    """At least so many times the baseline, where that one was measured."""
    if baseline not in ratios:
        return []
    return [Goal(f"≥ {limit:g} × {baseline}", ratios[baseline] >= limit)]


def value_goal(value: float, limit: float, unit: str, of_what: str = "") -> Goal:
    """At most so much."""
    return Goal(f"≤ {limit * _UNITS[unit]:g} {unit}{of_what}", value <= limit)


def table(rows: Sequence[Row]) -> str:
    """The rows as text, grouped by section."""
    cells = [[row.name, shown_value(row), *_ratios(row), _goals(row), verdict(row)] for row in rows]
    head = ["", "median", "ratio", "", "", "goal", ""]
    widths = [max(len(line[column]) for line in [head, *cells]) for column in range(len(head))]
    widths[-2] = min(widths[-2], 60)
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


def machine() -> dict[str, Any]:
    """Where it was measured."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def sections(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows by section, in order."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.section, []).append(row)
    return found


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, value, *rest = (
        cell.rjust(width) if column == 1 else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"  {name}  {value}   {'  '.join(rest)}".rstrip()


def shown_value(row: Row) -> str:
    """The value with its unit."""
    if row.shown is None:
        return "–"
    digits = 0 if row.shown >= 1000 or row.unit == "bytes" else 2 if row.shown < 10 else 1
    return f"{row.shown:.{digits}f} {row.unit}"


def _ratios(row: Row) -> list[str]:
    texts = [f"{ratio:6.2f} × {baseline}" for baseline, ratio in row.ratios.items()]
    return [*texts, "", "", ""][:3]


def _goals(row: Row) -> str:
    return row.note or ", ".join(goal.text for goal in row.goals)


def verdict(row: Row) -> str:
    """Whether the goals of a row are met; empty where it has none."""
    if not row.goals:
        return ""
    return "met" if all(goal.is_met for goal in row.goals) else "MISSED"
