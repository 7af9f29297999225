"""A salon that reminds people of their appointments by phone, and takes their calls back.

    export VAPI_SERVER_SECRET=a-long-random-secret
    vapitools serve examples/outbound_reminder.py

The secret is what Vapi sends to prove itself. Without it, only this machine is served. With your
private key in VAPI_API_KEY, this brings the assistant and its tools to Vapi:

    vapitools apply examples/outbound_reminder.py --url https://salon.example.com

Write an appointment down, see who would be called, and call them. Nobody is called without
`--dial`, and even then you are asked first (`--yes` answers that, for cron):

    python examples/outbound_reminder.py add +15550100010 "Anna Moss" 2026-12-24T10:00
    python examples/outbound_reminder.py --day 2026-12-24
    python examples/outbound_reminder.py --day 2026-12-24 --dial

Without `--day`, it is about tomorrow. Who was not reached is called again the next time, three
times at most. For people who call back, give your phone number at Vapi the address of this
server, `https://…/webhook`, and no assistant. SALON_LINE is the number to call from, which is
needed where you have several.

The file is `salon.sqlite` in the folder you start from, or what SALON_DB names. The server and
this program share it. It keeps how each call ended and its summary, and no transcript.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from vapitools import (
    Assistant,
    AssistantRequest,
    CallContext,
    EndCall,
    EndOfCallReport,
    Events,
    RequestStart,
    ToolError,
    Toolset,
    VapiToolsError,
    tool,
)
from vapitools.client import VapiClient
from vapitools.errors import ApiError

OPEN_DAYS = range(1, 6)  # Tuesday to Saturday
TIMES = [time(hour) for hour in range(9, 18)]
FARTHEST = timedelta(days=90)
MOST_CALLS = 3

# A person was on the line. Whatever else ended a call, such as `voicemail`, `customer-busy`,
# `customer-did-not-answer` or an error: better one call too many than a missed appointment.
REACHED = {
    "assistant-ended-call",
    "assistant-ended-call-after-message-spoken",
    "assistant-ended-call-with-hangup-task",
    "assistant-said-end-call-phrase",
    "customer-ended-call",
    "exceeded-max-duration",
}


@dataclass(frozen=True)
class Appointment:
    """Who comes, and when, by the salon's own clock."""

    id: int
    phone: str
    name: str
    at: datetime
    state: str

    @property
    def when(self) -> str:
        """When it is, as it is said."""
        return f"{self.at:%A %d %B at %H:%M}"


_APPOINTMENT = "SELECT a.id, phone, name, a.at, state FROM appointments AS a"

# Booked, not called in vain too often, and no call that has reached them or may yet.
_IS_DUE = f"""
    state = 'booked'
    AND (SELECT count(*) FROM attempts AS t WHERE t.appointment = a.id AND t.at = a.at)
        < {MOST_CALLS}
    AND NOT EXISTS (
        SELECT 1 FROM attempts AS t LEFT JOIN reports AS r ON r.call = t.call
        WHERE t.appointment = a.id AND t.at = a.at AND (r.call IS NULL OR r.reached)
    )
"""


class Diary:
    """The appointments, and the calls about them. No time is given twice: the file sees to that."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def open(self) -> None:
        """Make the file ready, if it is new."""
        for statement in (
            "CREATE TABLE IF NOT EXISTS appointments (id INTEGER PRIMARY KEY, phone TEXT,"
            " name TEXT, at TEXT, state TEXT DEFAULT 'booked')",
            "CREATE UNIQUE INDEX IF NOT EXISTS one_at_a_time ON appointments (at)"
            " WHERE state != 'cancelled'",
            "CREATE TABLE IF NOT EXISTS attempts (appointment INTEGER, at TEXT, call TEXT UNIQUE)",
            "CREATE TABLE IF NOT EXISTS reports (call TEXT PRIMARY KEY, phone TEXT, reason TEXT,"
            " reached INTEGER, summary TEXT)",
        ):
            await self._execute(statement)

    # --- appointments ---

    async def add(self, phone: str, name: str, at: datetime) -> bool:
        """Write an appointment down. False when somebody else has that time."""
        _, written = await self._execute(
            "INSERT OR IGNORE INTO appointments (phone, name, at) VALUES (?, ?, ?)",
            *(phone, name, str(at)),
        )
        return written > 0

    async def find(self, id_: str, phone: str) -> Appointment | None:
        """The appointment with that id, if it is that number's."""
        return await self._first("WHERE a.id = ? AND phone = ?", id_, phone)

    async def next_of(self, phone: str) -> Appointment | None:
        """The next appointment of that number."""
        return await self._first(
            "WHERE phone = ? AND a.at > ? AND state != 'cancelled' ORDER BY a.at",
            *(phone, str(datetime.now())),
        )

    async def free(self, day: date) -> list[time]:
        """The times of a day that nobody has."""
        rows, _ = await self._execute(
            "SELECT time(at) FROM appointments WHERE date(at) = ? AND state != 'cancelled'",
            str(day),
        )
        return [at for at in TIMES if (str(at),) not in rows]

    async def confirm(self, id_: int) -> bool:
        """Note that they will come. False when it was cancelled."""
        return await self._change(
            "UPDATE appointments SET state = 'confirmed' WHERE id = ? AND state != 'cancelled'",
            str(id_),
        )

    async def cancel(self, id_: int) -> None:
        """Give the time back."""
        await self._change("UPDATE appointments SET state = 'cancelled' WHERE id = ?", str(id_))

    async def move(self, one: Appointment, to: datetime) -> bool:
        """Give it another time. False when somebody else has that."""
        # Who moves to another day is reminded again the day before it.
        state = "confirmed" if to.date() == one.at.date() else "booked"
        # Looking first and writing then would let two callers have one time.
        return await self._change(
            "UPDATE OR IGNORE appointments SET at = ?, state = ? WHERE id = ?",
            *(str(to), state, str(one.id)),
        )

    # --- calls ---

    async def due(self, day: date) -> list[Appointment]:
        """Who is to be called about an appointment on that day."""
        rows, _ = await self._execute(
            f"{_APPOINTMENT} WHERE date(a.at) = ? AND {_IS_DUE} ORDER BY a.at", str(day)
        )
        return [_appointment(row) for row in rows]

    async def begin(self, one: Appointment) -> bool:
        """Note a call before it is placed. False when somebody else was faster."""
        return await self._change(
            f"INSERT INTO attempts (appointment, at) SELECT a.id, a.at FROM appointments AS a"
            f" WHERE a.id = ? AND a.at = ? AND {_IS_DUE}",
            *(str(one.id), str(one.at)),
        )

    async def placed(self, one: Appointment, call: str) -> None:
        """Note which call it became."""
        await self._change(
            "UPDATE attempts SET call = ? WHERE appointment = ? AND at = ? AND call IS NULL",
            *(call, str(one.id), str(one.at)),
        )

    async def withdraw(self, one: Appointment) -> None:
        """Forget a call that was not placed."""
        await self._change(
            "DELETE FROM attempts WHERE appointment = ? AND at = ? AND call IS NULL",
            *(str(one.id), str(one.at)),
        )

    async def waiting(self) -> list[str]:
        """The calls whose reports have not come."""
        rows, _ = await self._execute(
            "SELECT call FROM attempts WHERE call IS NOT NULL"
            " AND call NOT IN (SELECT call FROM reports)"
        )
        return [call for (call,) in rows]

    async def keep_report(
        self, call: str, phone: str | None, reason: str | None, summary: str | None
    ) -> None:
        """Keep how a call ended. A report that comes twice is kept once, with all it has said."""
        await self._execute(
            "INSERT INTO reports VALUES (?, ?, ?, ?, ?) ON CONFLICT (call) DO UPDATE SET"
            " reason = coalesce(excluded.reason, reason), reached = max(reached, excluded.reached),"
            " summary = coalesce(excluded.summary, summary)",
            *(call, phone, reason, str(int(reason in REACHED)), summary),
        )

    # --- the file ---

    async def _first(self, where: str, *values: str) -> Appointment | None:
        rows, _ = await self._execute(f"{_APPOINTMENT} {where} LIMIT 1", *values)
        return _appointment(rows[0]) if rows else None

    async def _change(self, statement: str, *values: str) -> bool:
        _, changed = await self._execute(statement, *values)
        return changed > 0

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


def _appointment(row: Sequence[Any]) -> Appointment:
    id_, phone, name, at, state = row
    return Appointment(id_, phone, name, datetime.fromisoformat(at), state)


def _diary() -> Diary:
    return Diary(os.environ.get("SALON_DB", "salon.sqlite"))


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[dict[str, Diary]]:
    """Opens the diary when the server starts; tools and handlers find it in `call.state`."""
    diary = _diary()
    await diary.open()
    yield {"diary": diary}


# --- the tools ----------------------------------------------------------------------------


@tool(messages=[RequestStart("Let me look at the diary.")])
async def find_times(day: date, call: CallContext) -> list[time]:
    """Find the times that are free on a day. An empty list: offer another day.

    Args:
        day: The day that would suit.
    """
    diary: Diary = call.state["diary"]
    return [at for at in await diary.free(day) if _refusal(datetime.combine(day, at)) is None]


@tool
async def confirm_appointment(call: CallContext) -> str:
    """Note that the person comes to the appointment that this call is about."""
    diary: Diary = call.state["diary"]
    one = await _own(call)
    if not await diary.confirm(one.id):
        raise ToolError("It was cancelled. Offer a new time: find_times, then move_appointment.")
    return f"Confirmed: {one.when}."


@tool(messages=[RequestStart("One moment, I change it.")])
async def move_appointment(to: datetime, call: CallContext) -> str:
    """Give the appointment another time. Repeat the time and wait for a yes before you do.

    Args:
        to: Day and time, one that find_times has found.
    """
    diary: Diary = call.state["diary"]
    one = await _own(call)
    to = to.replace(tzinfo=None)  # models add a `Z` at times, and mean the salon's own clock
    if refusal := _refusal(to):
        raise ToolError(refusal)
    if not await diary.move(one, to):
        raise ToolError("That time was just taken. Call find_times and offer another one.")
    return f"Moved to {to:%A %d %B at %H:%M}."


@tool
async def cancel_appointment(call: CallContext) -> str:
    """Cancel the appointment. Only when the person wants no other time."""
    diary: Diary = call.state["diary"]
    await diary.cancel((await _own(call)).id)
    return "Cancelled."


async def _own(call: CallContext) -> Appointment:
    """The appointment that the call is about. The model has no say in which one that is."""
    diary: Diary = call.state["diary"]
    id_, number = call.variables.get("appointment"), call.customer.number or ""
    # Whoever begins a call from a web page can set its variables, so the id alone is not enough.
    one = await (diary.find(str(id_), number) if id_ else diary.next_of(number))
    if one is None:
        raise ToolError(
            "There is no appointment for this phone number. Ask the caller to phone from the "
            "number that was left with the appointment."
        )
    return one


def _refusal(to: datetime) -> str | None:
    """Why nobody can come then; None when they can."""
    now = datetime.now()
    if to <= now:
        return f"That time is over: today is {now:%A %d %B %Y}. Offer a later one."
    if to > now + FARTHEST:
        return f"The diary goes {FARTHEST.days} days ahead. Offer an earlier day."
    if to.weekday() not in OPEN_DAYS or to.time() not in TIMES:
        return "The salon takes people from Tuesday to Saturday, on the hour from 9 to 17."
    return None


tools = Toolset([find_times, confirm_appointment, move_appointment, cancel_appointment])

marta = Assistant(
    name="Marta",
    first_message="Salon Marta, hello! How can I help you?",
    system_prompt=(
        "You speak for the hair salon Marta: you call people to remind them of an appointment, "
        "and answer when they call back. What this call is about: {{about}} If they come, call "
        "confirm_appointment. If the time does not suit, call find_times, offer two or three of "
        "the times, and call move_appointment with the one they choose. Call cancel_appointment "
        "only for who wants no other time. If somebody else picks up, ask them to pass on that "
        "the salon has called, and say no more. Be short: you are heard, not read. Today is "
        "{{date}}. Use endCall after goodbye."
    ),
    model="openai/gpt-4o",
    voice="vapi/Elliot",
    transcriber="deepgram/nova-3",
    tools=[*tools, EndCall()],
    voicemail_detection={"provider": "vapi"},
    # Who else hears a voicemail is not known, so it says neither who nor when.
    voicemail_message="This is Salon Marta. Please call us back about your appointment. Goodbye!",
)


def calling(one: Appointment) -> dict[str, Any]:
    """What is different of the assistant when it reminds somebody."""
    return _about(
        one,
        f"Hello, this is Salon Marta, for {one.name}. Your appointment is on {one.when}. Does that "
        "still suit you?",
    )


def called_by(one: Appointment | None) -> dict[str, Any]:
    """What is different of the assistant when somebody calls."""
    if one is None:
        return {"variableValues": {"about": "Nothing is known of the caller."}}
    # A number can be faked. So it hears what a reminder says to whoever picks up, and no more.
    return _about(one, f"Salon Marta, hello {one.name}! Is it about the appointment on {one.when}?")


def _about(one: Appointment, first_message: str) -> dict[str, Any]:
    about = f"{one.name} has an appointment on {one.when}, which is {one.state}."
    variables = {"appointment": str(one.id), "about": about}
    return {"firstMessage": first_message, "variableValues": variables}


# --- what Vapi tells and asks -------------------------------------------------------------

events = Events()


@events.on("end-of-call-report")
async def keep_report(report: EndOfCallReport) -> None:
    """Keep how a call ended, also of one that nobody picked up, so that it is tried again."""
    if report.call.id is not None:
        diary: Diary = report.call.state["diary"]
        await diary.keep_report(
            report.call.id, report.call.customer.number, report.ended_reason, report.summary
        )


@events.on("assistant-request")
async def answer_call(request: AssistantRequest) -> dict[str, Any]:
    """Let Marta answer who calls back, and know what it is about."""
    diary: Diary = request.call.state["diary"]
    known = await diary.next_of(request.call.customer.number or "")
    return {"assistant": marta, "assistantOverrides": called_by(known)}


# --- calling people -----------------------------------------------------------------------


def main() -> None:
    """Write an appointment down, show who is to be called, or call them."""
    options = _parser().parse_args()
    diary = _diary()
    try:
        asyncio.run(diary.open())
        if options.command == "add":
            _add(diary, options.phone, options.name, options.at)
        else:
            _remind(diary, options.day, dial=options.dial, yes=options.yes)
    except VapiToolsError as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    tomorrow = date.today() + timedelta(days=1)
    parser = argparse.ArgumentParser(description="Remind people of their appointments.")
    parser.add_argument("--day", type=_day, default=tomorrow, help="of the appointments")
    parser.add_argument("--dial", action="store_true", help="call them, after a question")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add = parser.add_subparsers(dest="command").add_parser("add", help="write one down")
    add.add_argument("phone", type=_phone, help="such as +15550100010")
    add.add_argument("name")
    add.add_argument("at", type=_moment, help="such as 2026-12-24T10:00")
    return parser


def _phone(text: str) -> str:
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", text):
        raise argparse.ArgumentTypeError("write + and 7 to 15 digits, such as +15550100010")
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write it like 2026-12-24T10:00") from None
    if moment.tzinfo is not None:
        raise argparse.ArgumentTypeError("write it by the salon's clock, like 2026-12-24T10:00")
    return moment


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write it like 2026-12-24") from None


def _add(diary: Diary, phone: str, name: str, at: datetime) -> None:
    if refusal := _refusal(at):
        sys.exit(f"error: {refusal}")
    if not asyncio.run(diary.add(phone, name, at)):
        sys.exit("error: Somebody else has that time.")
    print(f"Written down: {name}, {at:%A %d %B at %H:%M}.")


def _remind(diary: Diary, day: date, *, dial: bool, yes: bool) -> None:
    if dial:
        asyncio.run(_ask_for_missing_reports(diary))
    due = asyncio.run(diary.due(day))
    print(f"To be called about {day:%A %d %B}: {len(due) or 'nobody'}")
    for one in due:
        print(f"  {one.at:%H:%M}  {one.name}, {one.phone}")
    if not due:
        return
    if not dial:
        print("Nobody was called. To call them, add --dial.")
    # Asked outside the event loop, which would keep Ctrl-C from ending the question.
    elif not (yes or _is_wanted(f"It is {datetime.now():%H:%M}. Call them now? [y/N] ")):
        sys.exit("Nobody was called.")
    elif not asyncio.run(_call(diary, due)):
        sys.exit(1)


def _is_wanted(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print()
        return False


async def _ask_for_missing_reports(diary: Diary) -> None:
    """Ask Vapi how the calls ended whose reports were lost, as when the server was down."""
    async with VapiClient() as client:
        for id_ in await diary.waiting():
            try:
                call = await client.calls.get(id_)
            except ApiError as error:
                if error.status != 404:
                    raise
                await diary.keep_report(id_, None, "call-deleted", None)
            else:
                if call.status == "ended":
                    await diary.keep_report(id_, call.to, call.ended_reason, None)


async def _call(diary: Diary, due: Sequence[Appointment]) -> bool:
    """Call one after the other. False when one of them was not called."""
    async with VapiClient() as client:
        return all([await _call_one(client, diary, one) for one in due])


async def _call_one(client: VapiClient, diary: Diary, one: Appointment) -> bool:
    # Written down before the phone rings: whatever becomes of this program, and however many of
    # it run, nobody is called twice.
    if not await diary.begin(one):
        return True
    try:
        call = await client.calls.create(
            to=one.phone,
            assistant=marta.name,
            from_=os.environ.get("SALON_LINE"),
            name=f"Reminder {one.id}",
            overrides=calling(one),
        )
    except VapiToolsError as error:
        # Where nobody knows whether the phone rings, the note stays, and a person has to look.
        if not (isinstance(error, ApiError) and error.was_done):
            await diary.withdraw(one)
        print(f"{one.name}: {error}", file=sys.stderr)
        return False
    await diary.placed(one, call.id)
    print(f"{one.name}: call {call.id} is {call.status}.")
    return True


if __name__ == "__main__":
    main()
