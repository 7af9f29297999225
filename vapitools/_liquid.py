"""Vapi's Liquid, as far as parameters and prompts use it: `{{customer.number}}`, `{{date}}`.

The variables: https://docs.vapi.ai/assistants/dynamic-variables
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from ._shapes import is_object

_TEMPLATE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")

_CLOCK = {
    "now": "%b %d, %Y, %I:%M %p UTC",
    "date": "%b %d, %Y UTC",
    "time": "%I:%M %p UTC",
    "month": "%B",
    "day": "%d",
    "year": "%Y",
}


def clock(now: datetime) -> dict[str, str]:
    """The variables that tell the time, in UTC."""
    return {name: f"{now:{pattern}}" for name, pattern in _CLOCK.items()}


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value with each text in it filled in; what there is no variable for stays as it is."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {key: filled(item, variables) for key, item in fields.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in cast("Sequence[Any]", value)]
    if isinstance(value, str):
        return _TEMPLATE.sub(lambda found: _looked_up(found, variables), value)
    return value


def _looked_up(found: re.Match[str], variables: Mapping[str, Any]) -> str:
    value: Any = variables
    for name in found[1].split("."):
        value = value.get(name) if is_object(value) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else found[0]
