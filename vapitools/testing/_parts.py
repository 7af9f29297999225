"""What stands inside a body, whatever shape it has there."""

from __future__ import annotations

from typing import Any, TypeGuard

from .._shapes import is_object

Body = dict[str, Any]


def part(body: Body, name: str) -> Body:
    """The object of this name; empty when it is none."""
    value = body.get(name)
    return value if is_object(value) else {}


def items(body: Body, name: str) -> list[Any]:
    """The items of the array of this name; empty when it is none."""
    value = body.get(name)
    return value if is_array(value) else []


def parts(body: Body, name: str) -> list[Body]:
    """The objects in the array of this name."""
    return [item for item in items(body, name) if is_object(item)]


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether a decoded JSON value is an array."""
    return isinstance(value, list)
