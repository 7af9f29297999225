"""`vapitools schema`: the definitions, as `POST /tool` takes them."""

from __future__ import annotations

from typing import Annotated

import typer

from .._spelling import did_you_mean
from ..settings import check_url
from ..toolset import AnyTool, Toolset
from . import target as targets
from ._flags import Debug, Target
from ._report import USAGE, CommandError, print_json, reported


def command(
    target: Target,
    tool: Annotated[
        str | None, typer.Argument(metavar="TOOL", help="Only this one.", show_default=False)
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="Where the router is reachable, such as https://luigi.example.com."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Print the JSON that Vapi's API takes."""
    with reported(debug):
        if url is not None:
            check_url("--url", url)
        _, toolset = targets.load_toolset(target)
        definitions = (
            toolset.definitions(base_url=url)
            if tool is None
            else find(toolset, tool).definition(base_url=url)
        )
        print_json(definitions)


def find(toolset: Toolset, name: str) -> AnyTool:
    """The tool of that name.

    Raises:
        CommandError: There is none.
    """
    tool = toolset.get(name)
    if tool is None:
        hint = did_you_mean(name, toolset.names) or f" The tools are: {', '.join(toolset.names)}."
        raise CommandError(f"there is no tool {name!r}.{hint}", exit_code=USAGE)
    return tool
