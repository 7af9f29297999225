"""The tools that one server answers, by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MethodType
from typing import Any, cast

from .errors import DefinitionError
from .tools import Tool

AnyTool = Tool[..., Any]


class Toolset:
    """Named tools, in the order given. Importing a tool puts it in no set: this list is the truth.

    Raises:
        DefinitionError: Something in it is no tool, or two tools have one name.
    """

    def __init__(self, tools: Iterable[AnyTool]) -> None:
        problems: list[str] = []
        members: list[AnyTool] = []
        for item in tools:
            try:
                members.append(_member(item))
            except DefinitionError as error:
                problems.extend(error.problems)
        counted = Counter(member.name for member in members)
        problems += [
            f"there are {count} tools named {name!r}; give one of them another: @tool(name='…')"
            for name, count in counted.items()
            if count > 1
        ]
        if problems:
            raise DefinitionError(problems)
        self._tools = {member.name: member for member in members}

    @property
    def names(self) -> list[str]:
        """The tools' names, in order."""
        return list(self._tools)

    def get(self, name: str | None) -> AnyTool | None:
        """The tool of that name, or None."""
        return self._tools.get(name) if name is not None else None

    def definitions(
        self, *, base_url: str | None = None, server: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Every tool's `Tool.definition`."""
        return [tool.definition(base_url=base_url, server=server) for tool in self]

    def __getitem__(self, name: str) -> AnyTool:
        return self._tools[name]

    def __iter__(self) -> Iterator[AnyTool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __repr__(self) -> str:
        return f"Toolset({self.names})"


def _member(item: Any) -> AnyTool:
    # From Python 3.13 on, `@classmethod` over `@tool` makes a plain bound method of the tool.
    function: Any = item.__func__ if isinstance(item, MethodType) else None
    if isinstance(function, Tool):
        item = cast("AnyTool", function).__get__(item.__self__, None)
    if not isinstance(item, Tool):
        name = getattr(item, "__name__", repr(item))
        raise DefinitionError(f"{name} is no tool; put @tool on it")
    tool = cast("AnyTool", item)
    tool.check_bound()
    return tool
