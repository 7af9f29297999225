"""How a plan is shown: to people as lines with signs and colours, to programs as JSON."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .._secrecy import MASK
from ..sync import Change, Plan, Step
from ._report import FAILED, printable

TO_DO = 2

_SIGNS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "adopt": ("=", "cyan"),
    "drifted": ("!", "red"),
    "delete": ("-", "red"),
    "detach": (">", "yellow"),
    "leave": ("·", "bright_black"),
    "unchanged": (" ", "bright_black"),
}
_COUNTS = {
    "create": "to create",
    "update": "to change",
    "adopt": "to adopt",
    "detach": "to detach",
    "delete": "to delete",
    "drifted": "changed elsewhere",
    "leave": "left as it is",
    "unchanged": "unchanged",
}
# Nobody sees in the code which one at Vapi is meant.
_WITH_ID = frozenset({"adopt", "drifted", "delete", "detach", "leave"})
_DIFF = {"+": "green", "-": "red", "@": "cyan"}
_SHORT = 60
_MAX_LINES = 40


@dataclass(frozen=True)
class _Line:
    text: str
    style: str = ""


def exit_code(plan: Plan) -> int:
    """0 when there is nothing to do, 2 when there is, 1 when `apply` would refuse."""
    if plan.problems:
        return FAILED
    return TO_DO if plan.writes else 0


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON, with the number of steps of each kind."""
    counted = Counter[str](step.action for step in plan.steps)
    return {**plan.to_json(), "summary": {action: counted[action] for action in _COUNTS}}


def show(plan: Plan, *, verbose: bool = False) -> None:
    """Print it, in colour on a terminal.

    Args:
        plan: What is shown.
        verbose: Whether what is unchanged, what is new and what is long is shown whole.
    """
    # Rich takes a tenth of a second to load, which other commands must not pay.
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for line in _lines(plan, verbose):
        # As text: [brackets] are no markup. A line is not broken, so that a pipe can search it.
        console.print(Text(printable(line.text), line.style), soft_wrap=True)


def label(step: Step) -> str:
    """What a step is about, such as `tool book_table`."""
    return f"{step.kind} {step.name if step.kind == 'tool' else repr(step.name)}"


def _lines(plan: Plan, verbose: bool) -> Iterator[_Line]:
    stage = f", stage {plan.declaration.env}" if plan.declaration.env else ""
    yield _Line(f"{plan.declaration.url}{stage}")
    for step in plan.steps:
        if verbose or step.action != "unchanged":
            yield from _step(step, verbose)
    yield from (_Line(f"Warning: {text}", "yellow") for text in plan.warnings)
    yield from (_Line(f"Problem: {text}", "red") for text in plan.problems)
    yield _Line(_summary(plan))


def _step(step: Step, verbose: bool) -> Iterator[_Line]:
    sign, style = _SIGNS[step.action]
    id = f" ({step.id})" if step.action in _WITH_ID else ""
    action = "detach from" if step.action == "detach" else step.action
    yield _Line(f"{sign} {action} {label(step)}{id}", style)
    for change in step.changes:
        if step.action != "create":
            yield from _change(change, verbose)
        elif verbose:
            yield from _new(change)
    yield from (_Line(f"    {note}", "bright_black") for note in step.notes)


def _summary(plan: Plan) -> str:
    counted = Counter[str](step.action for step in plan.steps)
    parts = [f"{counted[action]} {words}" for action, words in _COUNTS.items() if counted[action]]
    text = f"{', '.join(parts) or 'nothing declared'}."
    if plan.problems:
        return f"Nothing can be applied until the problems are solved: {text}"
    return text if plan.writes else f"Nothing to do: {text}"


# --- one value ----------------------------------------------------------------------------


def _change(change: Change, verbose: bool) -> Iterator[_Line]:
    path = f"    {change.path}"
    edited = " (edited since the last apply)" if change.edited else ""
    if MASK in (change.old, change.new):
        yield _Line(f"{path}: (secret), {_secret(change)}{edited}")
    elif _is_short(change.old) and _is_short(change.new):
        yield _Line(f"{path}: {_inline(change.old)} → {_inline(change.new)}{edited}")
    else:
        yield _Line(f"{path}:{edited}")
        yield from _capped(_diff(change.old, change.new), None if verbose else _MAX_LINES)


def _new(change: Change) -> Iterator[_Line]:
    """A value of something that is yet to be made, in full."""
    if _is_short(change.new):
        yield _Line(f"    {change.path}: {_inline(change.new)}")
    else:
        yield _Line(f"    {change.path}:")
        yield from (_Line(f"      {line}", "green") for line in _texts(change.new))


def _secret(change: Change) -> str:
    if change.old is None:
        return "set"
    return "taken away" if change.new is None else "changed"


def _is_short(value: Any) -> bool:
    return "\n" not in str(value) and len(_inline(value)) <= _SHORT


def _inline(value: Any) -> str:
    return "(nothing)" if value is None else _json(value)


def _diff(old: Any, new: Any) -> Iterator[_Line]:
    lines = difflib.unified_diff(_texts(old), _texts(new), n=2, lineterm="")
    # The first two name the files; the third says where, which is plain with one side empty.
    for line in islice(lines, 2 if old and new else 3, None):
        yield _Line(f"      {line}", _DIFF.get(line[0], ""))


def _texts(value: Any) -> list[str]:
    """A value in lines."""
    if value is None:
        return []
    # Of two texts, one may only have a line break more.
    return (value if isinstance(value, str) else _json(value, indent=2)).split("\n")


def _capped(lines: Iterable[_Line], most: int | None) -> Iterator[_Line]:
    rest = iter(lines)
    yield from islice(rest, most)
    if left := sum(1 for _ in rest):
        yield _Line(f"      … {left} more lines", "bright_black")


def _json(value: Any, indent: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text.replace(f'"{MASK}"', "(secret)")
