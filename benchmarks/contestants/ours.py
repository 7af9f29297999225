"""The library, as its README shows it: deadline, ledger and hooks are on."""

from __future__ import annotations

from starlette.types import ASGIApp

from vapitools import SharedSecret, Toolset, router, tool

from ..restaurant import book_table


def make(secret: str) -> ASGIApp:
    return router(Toolset([tool(book_table)]), auth=SharedSecret(secret))
