"""The numbers as a picture: bars beside each other, in an SVG made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from .contestants import OURS
from .report import Row, shown_value

_WIDTH, _BAR, _GAP, _LABELS, _VALUES = 760, 18, 8, 150, 90
_HEAD, _FOOT = 46, 24

# Legible on white and on black.
_COLORS = {OURS: "#0a8f6a"}
_OTHER, _TEXT = "#8a94a6", "#6b7280"


def draw(panels: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """One panel below the other, each a title and its rows."""
    top, parts = 0, list[str]()
    for title, rows in panels:
        measured = [row for row in rows if row.shown is not None]
        parts.append(_panel(title, measured, top))
        top += _height(measured)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" '
        f'width="{_WIDTH}" height="{top}" font-family="system-ui, sans-serif" font-size="13">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _height(rows: Sequence[Row]) -> int:
    return _HEAD + len(rows) * (_BAR + _GAP) + _FOOT


def _panel(title: str, rows: Sequence[Row], top: int) -> str:
    values = [row.shown or 0.0 for row in rows]
    lines = [_text(0, top + 24, title, "start", "bold", 15)]
    for number, row in enumerate(rows):
        y = top + _HEAD + number * (_BAR + _GAP)
        color = _COLORS.get(row.name, _OTHER)
        weight = "bold" if row.name in _COLORS else "normal"
        length = _length(values[number], min(values), max(values))
        lines += [
            _text(_LABELS - 10, y + 14, row.name, "end", weight),
            f'<rect x="{_LABELS}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="2" '
            f'fill="{color}"/>',
            _text(_LABELS + length + 8, y + 14, shown_value(row), "start", weight),
        ]
    return "\n".join(lines)


def _length(value: float, least: float, most: float) -> float:
    """Powers of ten where the rows are far apart, or the short bars could not be seen."""
    room = _WIDTH - _LABELS - _VALUES
    if most < 50 * least:
        return room * value / most
    floor = math.floor(math.log10(least) - 0.3)
    return room * (math.log10(value) - floor) / (math.log10(most) - floor)


def _text(x: float, y: float, text: str, anchor: str, weight: str, size: int = 13) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" '
        f'font-size="{size}" fill="{_TEXT}">{escape(text)}</text>'
    )
