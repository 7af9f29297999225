"""`vapitools pull`: an assistant that exists at Vapi, as Python code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import pulling
from .._connection import together
from .._named import named
from ..builtin_tools import is_id
from ..client import VapiClient
from ..errors import ApiError
from . import _running
from ._flags import Debug
from ._report import FAILED, USAGE, CommandError, complain, printable, reported, shown

Stored = dict[str, Any]


def command(
    assistant: Annotated[
        str | None,
        typer.Argument(metavar="ASSISTANT", help="Its id or its name at Vapi.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the code to this file.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
    debug: Debug = False,
) -> None:
    """Print an assistant that exists at Vapi as Python code; without ASSISTANT, list them."""
    with reported(debug, usage=FAILED):
        if assistant is None:
            if output is not None:
                raise CommandError("--output needs an ASSISTANT", exit_code=USAGE)
            _print_table(_running.run(_list()))
            return
        if output is not None:
            _check(output, force)
        found, tools, unknown = _running.run(_fetch(assistant))
        code = pulling.source(found, tools)
        if output is None:
            typer.echo(code, nl=False)
        else:
            _write(output, code, force)
            typer.echo(f"Wrote {shown(output)}.")
        for id in unknown:
            complain(f"Note: the tool {id} does not exist; calls fail until it is taken away")


# --- what is at Vapi ----------------------------------------------------------------------


async def _list() -> list[Stored]:
    async with VapiClient() as client:
        return await client.assistants.list()


async def _fetch(text: str) -> tuple[Stored, list[Stored], list[str]]:
    """The assistant, its tools, and the ids of those that do not exist."""
    async with VapiClient() as client:
        assistant = await _find(client, text)
        ids = pulling.tool_ids(assistant)
        found = await together(*(_tool(client, id) for id in ids))
        tools = [tool for tool in found if tool is not None]
        return assistant, tools, [id for id, tool in zip(ids, found, strict=True) if tool is None]


async def _find(client: VapiClient, text: str) -> Stored:
    if is_id(text):
        return await client.assistants.get(text)
    return dict(named("assistant", text, await client.assistants.list()))


async def _tool(client: VapiClient, id: str) -> Stored | None:
    try:
        return await client.tools.get(id)
    except ApiError as error:
        if error.status == 404:
            return None
        raise


# --- printing -----------------------------------------------------------------------------


def _check(output: Path, force: bool) -> None:
    if (output.exists() or output.is_symlink()) and not force:
        raise CommandError(f"{shown(output)} exists; --force writes over it", exit_code=USAGE)


def _write(output: Path, code: str, force: bool) -> None:
    try:
        with output.open("wb" if force else "xb") as file:
            file.write(code.encode())
    except OSError as error:
        raise CommandError(f"{shown(output)}: {error.strerror}") from error


def _print_table(assistants: Sequence[Mapping[str, Any]]) -> None:
    # Rich takes a tenth of a second to load, which `serve` must not pay.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not assistants:
        typer.echo("There is no assistant at Vapi.")
        return
    table = Table("Name", "ID", "Tools")
    table.columns[1].no_wrap = True
    for assistant in sorted(assistants, key=lambda each: str(each.get("name") or "")):
        cells = (assistant.get("name") or "", assistant["id"], _count(assistant))
        table.add_row(
            *(Text(printable(str(cell))) for cell in cells)
        )  # as text: [brackets] are no markup
    Console().print(table)


def _count(assistant: Mapping[str, Any]) -> int:
    model: Any = assistant.get("model") or {}
    return len(pulling.tool_ids(assistant)) + len(model.get("tools") or ())
