"""A restaurant's bookings in a SQLite file, for a voice assistant.

    export VAPI_SERVER_SECRET=a-long-random-secret
    vapitools serve examples/restaurant.py

The secret is what Vapi sends to prove itself. Without it, only this machine is served. With your
private key in VAPI_API_KEY, this brings the assistant and its tools to Vapi:

    vapitools apply examples/restaurant.py --url https://luigi.example.com

The file is `restaurant.sqlite` in the folder you start from, or what RESTAURANT_DB names. It
keeps the summary of each call, too. RESTAURANT_MANAGER is the phone number of a person.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import date, time
from typing import Annotated, Any

from pydantic import Field

from vapitools import (
    Assistant,
    CallContext,
    EndCall,
    EndOfCallReport,
    Events,
    NumberDestination,
    RequestDelayed,
    RequestStart,
    Static,
    ToolError,
    Toolset,
    TransferCall,
    TransferDestinationRequest,
    tool,
)

SEATS = {"small": 2, "round": 4, "long": 8}
TIMES = [time(18), time(19, 30), time(21)]


class Book:
    """The bookings. One table can be booked once for each time: the file itself sees to that."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def open(self) -> None:
        """Make the file ready, if it is new."""
        await self._execute(
            "CREATE TABLE IF NOT EXISTS bookings (day TEXT, at TEXT, seat TEXT, name TEXT,"
            " phone TEXT, UNIQUE (day, at, seat))"
        )
        await self._execute(
            "CREATE TABLE IF NOT EXISTS calls (id TEXT PRIMARY KEY, phone TEXT, summary TEXT)"
        )

    async def free(self, day: date, party_size: int) -> list[time]:
        """The times at which a table of that size is free."""
        rows, _ = await self._execute("SELECT at, seat FROM bookings WHERE day = ?", str(day))
        taken = set(rows)
        return [
            at
            for at in TIMES
            if any((str(at), table) not in taken for table in _fitting(party_size))
        ]

    async def reserve(self, day: date, at: time, party_size: int, name: str, phone: str) -> bool:
        """Take the smallest free table that fits. False when there is none."""
        for table in _fitting(party_size):
            # Looking first and writing then would let two callers have one table.
            _, written = await self._execute(
                "INSERT OR IGNORE INTO bookings VALUES (?, ?, ?, ?, ?)",
                *(str(day), str(at), table, name, phone),
            )
            if written:
                return True
        return False

    async def cancel(self, day: date, phone: str) -> int:
        """Cancel what was booked from that number. Returns how many bookings there were."""
        _, deleted = await self._execute(
            "DELETE FROM bookings WHERE day = ? AND phone = ?", str(day), phone
        )
        return deleted

    async def keep_call(self, id_: str | None, phone: str | None, summary: str) -> None:
        """Keep what a call was about. A report that comes twice is kept once."""
        await self._execute("INSERT OR REPLACE INTO calls VALUES (?, ?, ?)", id_, phone, summary)

    async def _execute(self, statement: str, *values: str | None) -> tuple[Sequence[Any], int]:
        """Rows found and rows changed. SQLite blocks, so it works in a thread."""
        return await asyncio.to_thread(self._execute_here, statement, values)

    def _execute_here(
        self, statement: str, values: Sequence[str | None]
    ) -> tuple[Sequence[Any], int]:
        # A connection belongs to its thread, and to open one takes less than a millisecond.
        with closing(sqlite3.connect(self._path)) as connection, connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall(), cursor.rowcount


def _fitting(party_size: int) -> list[str]:
    return [table for table, seats in SEATS.items() if seats >= party_size]


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[dict[str, Book]]:
    """Opens the book when the server starts; tools and handlers find it in `call.state`."""
    book = Book(os.environ.get("RESTAURANT_DB", "restaurant.sqlite"))
    await book.open()
    yield {"book": book}


PartySize = Annotated[int, Field(ge=1, le=8, description="How many people will come.")]

# Vapi fills it in, so nobody can talk the model into another number. Empty in a call from the web.
Caller = Annotated[str, Static("{{customer.number}}")]


@tool(
    messages=[
        RequestStart("Let me look at the book."),
        RequestDelayed("Still looking.", after=4.0),
    ]
)
async def find_tables(day: date, call: CallContext, party_size: PartySize = 2) -> list[time]:
    """Find the times at which a table is free. An empty list: offer another day.

    Args:
        day: The day the caller wants to come.
    """
    book: Book = call.state["book"]
    return await book.free(day, party_size)


@tool(messages=[RequestStart("One moment, I write that down.")])
async def book_table(
    day: date,
    at: time,
    name: str,
    call: CallContext,
    party_size: PartySize = 2,
    caller: Caller = "",
) -> str:
    """Book a table. Ask for the name first.

    Args:
        day: The day the caller wants to come.
        at: One of the times that find_tables has found.
        name: Whom the table is for.
    """
    if at not in TIMES:
        opening = ", ".join(f"{hour:%H:%M}" for hour in TIMES)
        raise ToolError(f"Guests are seated at {opening}. Offer one of these times.")
    book: Book = call.state["book"]
    if not await book.reserve(day, at, party_size, name, caller):
        raise ToolError("That table was just taken. Offer another time.")
    return f"Booked for {name}, {party_size} people, {day:%A %d %B} at {at:%H:%M}."


@tool
async def cancel_booking(day: date, call: CallContext, caller: Caller = "") -> str:
    """Cancel what the caller has booked from this phone number.

    Args:
        day: The day of the booking.
    """
    if not caller:
        raise ToolError("The number is not known. Ask the caller to phone from the same number.")
    book: Book = call.state["book"]
    if not await book.cancel(day, caller):
        raise ToolError("There is no booking from this number on that day. Ask for the day again.")
    return "Cancelled."


tools = Toolset([find_tables, book_table, cancel_booking])

luigi = Assistant(
    name="Luigi",
    first_message="Luigi's, good evening! For which day may I look?",
    system_prompt=(
        "You take bookings for the restaurant Luigi's. Call find_tables before you offer a time, "
        "and book_table once the caller has chosen one and said a name. With cancel_booking you "
        "cancel what was booked from the same number. Be short: you are heard, not read. Today is "
        "{{date}}. Use transferCall for who wants a person, and endCall after goodbye."
    ),
    model="openai/gpt-4o",
    voice="vapi/Elliot",
    transcriber="deepgram/nova-3",
    # Where TransferCall leads to is asked of `find_person`, below.
    tools=[*tools, TransferCall(), EndCall()],
)

events = Events()


@events.on("end-of-call-report")
async def keep_summary(report: EndOfCallReport) -> None:
    """Keep what a call was about. This runs after the response: nobody waits for it."""
    if report.summary:
        book: Book = report.call.state["book"]
        await book.keep_call(report.call.id, report.call.customer.number, report.summary)


@events.on("transfer-destination-request")
def find_person(request: TransferDestinationRequest) -> NumberDestination | str:
    """Say where a caller goes who asks for a person, or why that is not possible."""
    manager = os.environ.get("RESTAURANT_MANAGER")
    if not manager:
        return "Nobody can come to the phone now. Please call again after five."
    return NumberDestination(manager, message="I am putting you through to the manager.")
