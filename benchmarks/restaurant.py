"""The one tool that every contestant serves, and what it answers. It does next to nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

SECRET = "a-secret-of-a-usual-length-0123456789"

TOOL = "book_table"
ARGUMENTS: dict[str, Any] = {"day": "2026-12-24", "party_size": 4, "name": "Rossi"}
RESULT = "Booked for Rossi: 4 people on 2026-12-24."


async def book_table(day: date, party_size: int, name: str) -> str:
    """Book a table. Ask for the name first.

    Args:
        day: The day the caller wants to come.
        party_size: How many people will come.
        name: The name to book for.
    """
    return f"Booked for {name}: {party_size} people on {day}."


def book_table_now(day: date, party_size: int, name: str) -> str:
    """Book a table. Ask for the name first.

    Args:
        day: The day the caller wants to come.
        party_size: How many people will come.
        name: The name to book for.
    """
    return f"Booked for {name}: {party_size} people on {day}."
