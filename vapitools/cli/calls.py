"""`vapitools calls`: the calls at Vapi, in a table, or one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

import typer

from .. import _secrecy
from .._named import named
from ..builtin_tools import is_id
from ..calls import Call
from ..client import VapiClient
from ..errors import ApiError
from . import _running
from ._flags import Debug, Json
from ._report import USAGE, CommandError, complain, print_json, printable, reported

_SHORT = 8
_UNBROKEN = 3
_MOST = 1000


def command(
    id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="Only this call; the beginning of its ID is enough.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20,
    assistant: Annotated[
        str | None,
        typer.Option(help="Only those of this assistant: its name or its id.", show_default=False),
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again.")] = False,
    every: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How often --watch looks.")
    ] = 2.0,
    end: Annotated[bool, typer.Option("--end", help="Hang up, or cancel what is due.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the phone calls, or show, watch or end one."""
    with reported(debug):
        _check(id, assistant, watch, end, as_json)
        if end and id is not None:
            _running.run(_end(id))
        elif watch:
            _watch(_Wanted(id, limit, assistant), every)
        else:
            _running.run(_show(_Wanted(id, limit, assistant), as_json))


def call_json(call: Call) -> dict[str, Any]:
    """A call for programs, without what could be used against it."""
    shown: dict[str, Any] = _secrecy.masked(dict(call.raw))
    # Whoever knows the addresses in it can listen to the call, and control it.
    shown.pop("monitor", None)
    return shown


def _check(id: str | None, assistant: str | None, watch: bool, end: bool, as_json: bool) -> None:
    problems = {
        "--end needs the ID of a call": end and not id,
        f"ID must have {_SHORT} characters at least": id is not None and len(id) < _SHORT,
        "--assistant is for the list; leave out ID": id is not None and assistant is not None,
        "--watch is for people; leave out --json": watch and as_json,
        "--end does one thing; leave out --watch and --json": end and (watch or as_json),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise CommandError(problem, exit_code=USAGE)


# --- what Vapi is asked -------------------------------------------------------------------


@dataclass(frozen=True)
class _Wanted:
    id: str | None
    limit: int
    assistant: str | None

    async def calls(self, client: VapiClient, assistant_id: str | None) -> list[Call]:
        if self.id is not None:
            return [await client.calls.get(await _whole(client, self.id))]
        return await client.calls.list(limit=self.limit, assistant=assistant_id)

    def assistant_id(self, assistants: Sequence[Mapping[str, Any]]) -> str | None:
        if self.assistant is None or is_id(self.assistant):
            return self.assistant
        return str(named("assistant", self.assistant, assistants)["id"])


async def _whole(client: VapiClient, id: str) -> str:
    """The ID that begins so."""
    if is_id(id):
        return id
    calls = await client.calls.list(limit=_MOST)
    found = [call.id for call in calls if call.id.startswith(id.lower())]
    if len(found) != 1:
        there = f"{len(found)} calls begin" if found else "no call begins"
        raise CommandError(f"{there} with {id!r}, of the last {len(calls)}", exit_code=USAGE)
    return found[0]


async def _end(id: str) -> None:
    async with VapiClient() as client:
        id = await _whole(client, id)
        await client.calls.end(id)
    typer.echo(f"Call {id} is told to end.")


async def _show(wanted: _Wanted, as_json: bool) -> None:
    async with VapiClient() as client:
        assistants = await client.assistants.list()
        calls = await wanted.calls(client, wanted.assistant_id(assistants))
    if not as_json:
        _print(wanted, calls, assistants)
    else:
        shown = [call_json(call) for call in calls]
        print_json(shown if wanted.id is None else shown[0])


def _watch(wanted: _Wanted, every: float) -> None:
    try:
        _running.run(_watching(wanted, every))
    except KeyboardInterrupt:  # the way to end it
        return


async def _watching(wanted: _Wanted, every: float) -> None:
    async with VapiClient() as client:
        assistants = await client.assistants.list()
        assistant_id = wanted.assistant_id(assistants)
        calls = await wanted.calls(client, assistant_id)
        _print(wanted, calls, assistants)
        if wanted.id is not None:
            wanted = replace(wanted, id=calls[0].id)
        while wanted.id is None or calls[0].status != "ended":
            await asyncio.sleep(every)
            try:
                calls = await wanted.calls(client, assistant_id)
            except ApiError as error:
                _complain_if_passing(error)
            else:
                _print(wanted, calls, assistants, over=True)


def _complain_if_passing(error: ApiError) -> None:
    if error.status is not None and error.status < 500 and error.status != 429:
        raise error
    complain(f"Not seen just now: {error}")


# --- what is printed ----------------------------------------------------------------------


def _print(
    wanted: _Wanted,
    calls: Sequence[Call],
    assistants: Sequence[Mapping[str, Any]],
    *,
    over: bool = False,
) -> None:
    # Rich takes a tenth of a second to load, which `serve` must not pay.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = {str(each["id"]): str(each.get("name") or each["id"]) for each in assistants}
    rows = [_cells(call, names) for call in calls]
    if wanted.id is not None:
        table = Table.grid(padding=(0, 2))
        for title, cell in rows[0].items():
            table.add_row(Text(title), Text(cell))
    else:
        # Without lines between the columns, it fits the 80 of a terminal.
        table = Table(*_TITLES, box=None, pad_edge=False)
        for place, column in enumerate(table.columns):
            column.no_wrap, column.overflow = place < _UNBROKEN, "fold"
        for row in rows:
            cells = {**row, "ID": row["ID"][:_SHORT]}
            table.add_row(*(Text(cell) for cell in cells.values()))
    console = Console()
    if over:
        console.clear()
    console.print(table)
    if not calls:
        console.print("There is none.")


_TITLES = ("ID", "Time", "Customer", "Status", "Assistant", "Length", "Cost", "Ended")


def _cells(call: Call, names: Mapping[str, str]) -> dict[str, str]:
    cells = (
        call.id,
        _time(call.created_at),
        call.to,
        call.status,
        names.get(call.assistant_id or "", call.assistant_id),
        _duration(call),
        "" if call.cost is None else f"${call.cost:.2f}",
        call.ended_reason,
    )
    return {title: printable(cell or "") for title, cell in zip(_TITLES, cells, strict=True)}


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone().strftime("%m-%d %H:%M")


def _duration(call: Call) -> str:
    """Minutes and seconds, up to now for a call that lives."""
    if call.started_at is None:
        return ""
    lasted = (call.ended_at or datetime.now(timezone.utc)) - call.started_at
    minutes, seconds = divmod(int(max(lasted, timedelta()).total_seconds()), 60)
    return f"{minutes}:{seconds:02}"
