"""JSON of others, of which nothing is sure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

Object = Mapping[str, Any]


def is_object(value: Any) -> TypeGuard[Object]:
    """Whether it is an object."""
    return isinstance(value, Mapping)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether it is a list."""
    return isinstance(value, list)


def as_object(value: Any) -> Object:
    """The object, or an empty one when it is none."""
    return value if is_object(value) else {}


def as_list(value: Any) -> list[Any]:
    """The list, or an empty one when it is none."""
    return value if is_list(value) else []


def objects(value: Any) -> list[Object]:
    """The objects in a list."""
    return [item for item in as_list(value) if is_object(item)]


def shown(value: Any) -> str:
    """The value as JSON, for a comment."""
    return json.dumps(value, ensure_ascii=False)
