"""Writes `docs/benchmarks.md`, the plot beside it, and the numbers as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import plot
from .report import Results, Row, sections, shown_value, summary, verdict

_HEAD = Path(__file__).with_name("page.md").read_text("utf-8")


def write(results: Results, root: Path) -> None:
    """Write the three files."""
    docs = root / "docs"
    (docs / "benchmarks.md").write_text(_page(results), encoding="utf-8")
    (docs / "benchmarks.svg").write_text(plot.draw(_panels(results.rows)), encoding="utf-8")
    (root / "benchmarks" / "results.json").write_text(results.to_json(), encoding="utf-8")


def _page(results: Results) -> str:
    goals = summary(results.rows).splitlines()
    parts = [_HEAD, "![One request, and requests per second](benchmarks.svg)\n", "## Goals\n"]
    parts += [goals[0] + "\n", *(["\n".join(f"- {line.strip()}" for line in goals[1:]) + "\n"])]
    parts += [_machine(results), "## Numbers\n"]
    for section, rows in sections(results.rows).items():
        parts += [f"### {section}\n", _table(rows)]
    return "\n".join(part for part in parts if part.strip())


def _machine(results: Results) -> str:
    machine = results.machine
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        "## Machine\n\n"
        f"Python {machine['python']}, {machine['system']}, {machine['cpus']} cores.\n"
        f"With {packages}.\n"
    )


def _table(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row.ratios))
    head = ["", "Median", *(f"× {name}" for name in names), "Goal", "Verdict"]
    lines = [_line(head), _line(["---", *["--:"] * (len(names) + 1), "---", "---"])]
    for row in rows:
        ratios = [f"{row.ratios[name]:.2f}" if name in row.ratios else "" for name in names]
        goals = row.note or "; ".join(goal.text for goal in row.goals)
        lines.append(_line([row.name, shown_value(row), *ratios, goals, verdict(row)]))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


# The beginning of a section → what stands above its bars.
_PANELS = {
    "One request, 20 KB": "One request of 20 KB in process: less is better (powers of ten)",
    "Through uvicorn": "Requests of 20 KB per second, through a server: more is better",
}


def _panels(rows: Sequence[Row]) -> list[tuple[str, Sequence[Row]]]:
    panels: list[tuple[str, Sequence[Row]]] = []
    for beginning, title in _PANELS.items():
        found = [each for name, each in sections(rows).items() if name.startswith(beginning)]
        if shown := [row for row in (found[0] if found else []) if "," not in row.name]:
            panels.append((title, shown))
    return panels
