"""`vapitools list`: the tools, in a table."""

from __future__ import annotations

import re
from typing import Any

from ..toolset import AnyTool, Toolset
from . import target as targets
from ._flags import Debug, Json, Target
from ._report import print_json, reported

_SENTENCE = re.compile(r"(?<=[.!?])\s")


def command(target: Target, as_json: Json = False, debug: Debug = False) -> None:
    """List the tools."""
    with reported(debug):
        _, toolset = targets.load_toolset(target)
        if as_json:
            print_json([_entry(tool) for tool in toolset])
        else:
            _print_table(toolset)


def _entry(tool: AnyTool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }


def _print_table(toolset: Toolset) -> None:
    # Rich takes a tenth of a second to load, which `serve` must not pay.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Tool", "Parameters (* required)", "Description")
    table.columns[0].no_wrap = True
    for tool in toolset:
        cells = (tool.name, _parameters(tool), _first_sentence(tool.description))
        table.add_row(*(Text(cell) for cell in cells))  # as text: [brackets] are no markup
    Console().print(table)


def _parameters(tool: AnyTool) -> str:
    schema = tool.parameters
    required = set(schema.get("required", ()))
    return "\n".join(
        f"{name}{'*' if name in required else ''} {_type(property_)}"
        for name, property_ in schema["properties"].items()
    )


def _type(schema: dict[str, Any]) -> str:
    if schema["type"] == "array":
        return f"array of {_type(schema['items'])}"
    return str(schema.get("format") or schema["type"])


def _first_sentence(text: str) -> str:
    return " ".join(_SENTENCE.split(text, maxsplit=1)[0].split())
