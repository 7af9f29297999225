"""The contestant that is named in the environment, for `uvicorn --factory` and `gunicorn`."""

from __future__ import annotations

import os
from typing import Any

from starlette.types import ASGIApp

from vapitools import BearerToken, Toolset, router, tool

from . import contestants
from .contestants import FLASK, OURS
from .restaurant import SECRET, book_table

NAME = "BENCHMARKS_CONTESTANT"


def app() -> ASGIApp:
    """The ASGI app; of the library, one that checks a bearer token."""
    name = os.environ[NAME]
    if name == OURS:
        return router(Toolset([tool(book_table)]), auth=BearerToken(SECRET))
    made: ASGIApp = contestants.load(name).make(SECRET)
    return made


def wsgi() -> Any:
    """The WSGI app."""
    return contestants.load(FLASK).make_wsgi(SECRET)
