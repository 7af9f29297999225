"""Rivals, floors and the library itself: one file each, all answering the same requests.

Each has a `make(secret)` that returns the ASGI app. One that speaks another protocol brings its
own `exchange(body)` and `check(name, exchange, number)`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

BARE, FLOOR, MSGSPEC, JSON = "bare ASGI", "floor", "Starlette+msgspec", "Starlette+json"
FASTAPI, FLASK, FASTMCP, OURS = "FastAPI", "Flask", "FastMCP", "vapitools"

MODULES = {
    BARE: "bare",
    FLOOR: "floor",
    MSGSPEC: "starlette_msgspec",
    JSON: "starlette_json",
    FASTAPI: "fastapi_models",
    FLASK: "flask_json",
    FASTMCP: "fastmcp_server",
    OURS: "ours",
}


class MissingError(Exception):
    """A rival that cannot be had here, with the reason."""


def load(name: str) -> Any:
    """The module of a contestant.

    Raises:
        MissingError: What it is made of is not installed, or does not work here.
    """
    try:
        return import_module(f"{__name__}.{MODULES[name]}")
    except Exception as error:
        raise MissingError(f"{type(error).__name__}: {error}") from error
