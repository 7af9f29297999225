"""JSON of others, of which nothing is sure."""

from __future__ import annotations

from typing import Any, TypeGuard


def as_object(value: Any) -> dict[str, Any]:
    """The object, or an empty one when it is none."""
    return value if is_object(value) else {}


def as_list(value: Any) -> list[Any]:
    """The list, or an empty one when it is none."""
    return value if is_list(value) else []


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether a JSON value is a list."""
    return isinstance(value, list)
