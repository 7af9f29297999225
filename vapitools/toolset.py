"""The tools that one server answers, by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MethodType
from typing import Any, cast

from .errors import DefinitionError
from .tools import Predicate, Tool

AnyTool = Tool[..., Any]


class Toolset:
    """Named tools, in the order given. Importing a tool puts it in no set: this list is the truth.

    Two of them are joined by `+`. Nothing that is made of a set changes it.

    Args:
        tools: The tools.
        enabled: Is asked before each run: `False` refuses these tools in this call.

    Raises:
        DefinitionError: Something in it is no tool, or two tools have one name.
    """

    def __init__(self, tools: Iterable[AnyTool], *, enabled: Predicate | None = None) -> None:
        if isinstance(tools, (Tool, str)):
            raise DefinitionError("tools are given as a list, such as Toolset([find_tables])")
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
        if enabled is not None:
            members = [member.enabled(enabled) for member in members]
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

    def prefixed(self, prefix: str) -> Toolset:
        """The same tools, with something before each name.

        Raises:
            DefinitionError: A name becomes one that Vapi does not take.
        """
        return self.renamed({name: f"{prefix}{name}" for name in self._tools})

    def renamed(self, names: Mapping[str, str]) -> Toolset:
        """The same tools, some under other names: `{"old": "new"}`.

        Raises:
            DefinitionError: There is no such tool, or a new name cannot be taken.
        """
        if unknown := [name for name in names if name not in self._tools]:
            raise DefinitionError(
                f"there is no tool {name!r}; the tools are: {', '.join(self._tools) or 'none'}"
                for name in unknown
            )
        return Toolset(
            tool.renamed(names[name]) if name in names else tool
            for name, tool in self._tools.items()
        )

    def filtered(self, keep: Callable[[AnyTool], bool]) -> Toolset:
        """Those of the tools for which `keep` is true, from now on and for every call."""
        return Toolset(filter(keep, self))

    def __add__(self, other: Toolset) -> Toolset:
        return Toolset([*self, *other])

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
        if isinstance(item, str):
            raise DefinitionError(f"{name} is a text; write the tool itself, without the quotes")
        if isinstance(item, type):
            raise DefinitionError(f"{name} is a class; make one of it: {name}(…)")
        raise DefinitionError(f"{name} is no tool; put @tool on it")
    tool = cast("AnyTool", item)
    tool.check_bound()
    return tool
