"""Which of the tools, assistants and squads at Vapi are this bot's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..assistants import Assistant
from ..squads import Squad
from . import _assistants, _marks, _tools
from ._declaration import Declaration
from ._marks import Mark
from ._plan import Kind
from ._remote import Remote, Stored

_ARTICLES: dict[Kind, str] = {"tool": "a", "assistant": "an", "squad": "a"}


@dataclass(frozen=True)
class Match:
    """What was found for something that is declared.

    Attributes:
        stored: It, as it is at Vapi; None when it is to be made.
        mark: Its mark, if it has one.
        is_ours: Whether it is this bot's already; if not, it would be adopted.
        others: The assistants of others that it belongs to as well.
        note: What is to be known of it.
    """

    stored: Stored | None = None
    mark: Mark | None = None
    is_ours: bool = False
    others: tuple[str, ...] = ()
    note: str = ""


class _Named(Protocol):
    """An assistant or a squad."""

    @property
    def name(self) -> str | None: ...
    @property
    def renamed_from(self) -> str | None: ...


class Finder:
    """Looks for what is declared. It notes in `problems` what it cannot decide.

    Args:
        declaration: What is to be there.
        remote: What is there.
        adopt: Whether what was made elsewhere is taken over.
    """

    def __init__(self, declaration: Declaration, remote: Remote, *, adopt: bool) -> None:
        self._declaration = declaration
        self._remote = remote
        self._adopt = adopt
        self._names = {
            name
            for assistant in declaration.assistants
            for name in self._known(assistant, remote.assistants, _marks.of_assistant)
        }
        self.problems: list[str] = []

    def assistant(self, assistant: Assistant) -> Match:
        """The assistant at Vapi that a declared one is about."""
        return self._by_name("assistant", assistant, self._remote.assistants, _marks.of_assistant)

    def squad(self, squad: Squad) -> Match:
        """The squad at Vapi that a declared one is about."""
        return self._by_name("squad", squad, self._remote.squads, _marks.of_squad)

    def tool(self, name: str, assistants: Sequence[Stored]) -> Match:
        """The tool at Vapi that a declared one is about.

        Args:
            name: Its name.
            assistants: Those that are this bot's.
        """
        same = [tool for tool in self._remote.tools if _tools.name_of(tool) == name]
        if ours := [tool for tool in same if self._is_own(tool)]:
            used = [tool for tool in ours if _is_attached(tool, assistants)]
            return self._ours("tool", name, ours, used, _marks.of_tool)
        ids = {assistant["id"] for assistant in assistants}
        others = [each for each in self._remote.assistants if each["id"] not in ids]
        near = [tool for tool in same if self._is_near(tool, others)]
        # The one that the assistant has already is meant before any that lies about.
        attached = [tool for tool in near if _is_attached(tool, assistants)]
        return self._match("tool", name, attached or near, _marks.of_tool, is_ours=False)

    def orphans(self) -> list[tuple[Stored, Match]]:
        """This bot's tools that are no longer declared."""
        return [
            (tool, self._matched(tool, _marks.of_tool(tool), is_ours=True))
            for tool in self._remote.tools
            if self._is_own(tool) and _tools.name_of(tool) not in self._declaration.tools
        ]

    def _by_name(
        self,
        kind: Kind,
        thing: _Named,
        stored: Iterable[Stored],
        mark_of: Callable[[Stored], Mark | None],
    ) -> Match:
        names = self._known(thing, stored, mark_of)
        each_marked = [(each, mark_of(each)) for each in stored]
        ours = [
            each
            for each, mark in each_marked
            if mark and mark.env == self._declaration.env and set(mark.owners) & set(names)
        ]
        if ours:
            so_named = [each for each in ours if each.get("name") in names]
            return self._ours(kind, names[0], ours, so_named, mark_of)
        unmarked = [e for e, mark in each_marked if mark is None and e.get("name") in names]
        if not unmarked and len(names) > 1:
            return Match(note=f"nothing that is this bot's has the name {names[1]!r}")
        return self._match(kind, names[0], unmarked, mark_of, is_ours=False)

    def _known(
        self,
        thing: _Named,
        stored: Iterable[Stored],
        mark_of: Callable[[Stored], Mark | None],
    ) -> list[str]:
        """Its names: the former one only until it is renamed, for then it may be another's."""
        names = [name for name in (thing.name, thing.renamed_from) if name]
        marks = [mark for each in stored if (mark := mark_of(each))]
        is_renamed = any(
            names[0] in mark.owners for mark in marks if mark.env == self._declaration.env
        )
        return names[:1] if is_renamed else names

    def _ours(
        self,
        kind: Kind,
        name: str,
        ours: list[Stored],
        likely: list[Stored],
        mark_of: Callable[[Stored], Mark | None],
    ) -> Match:
        if len(ours) == 1 or len(likely) != 1:
            return self._match(kind, name, ours, mark_of, is_ours=True)
        # A copy that is made in the dashboard takes the mark along.
        match = self._matched(likely[0], mark_of(likely[0]), is_ours=True)
        ids = ", ".join(str(each["id"]) for each in ours if each is not likely[0])
        return replace(match, note=f"a copy of it is left alone: {ids}")

    def _match(
        self,
        kind: Kind,
        name: str,
        found: Sequence[Stored],
        mark_of: Callable[[Stored], Mark | None],
        *,
        is_ours: bool,
    ) -> Match:
        if not found:
            return Match()
        mark = mark_of(found[0])
        if len(found) > 1:
            self._refuse_several(kind, name, found, is_ours=is_ours)
        elif not is_ours and not self._adopt:
            self._refuse_stranger(kind, name, found[0], mark)
        return self._matched(found[0], mark, is_ours=is_ours)

    def _matched(self, stored: Stored, mark: Mark | None, *, is_ours: bool) -> Match:
        is_stage = mark is not None and mark.env == self._declaration.env
        others = tuple(
            n for n in (mark.owners if mark and is_stage else ()) if n not in self._names
        )
        return Match(stored, mark, is_ours, others)

    def _refuse_several(
        self, kind: Kind, name: str, found: Sequence[Stored], *, is_ours: bool
    ) -> None:
        whose = "of this bot" if is_ours else "that were not made here"
        ids = ", ".join(str(each["id"]) for each in found)
        self.problems.append(
            f"there are {len(found)} {kind}s {name!r} {whose}: {ids}; "
            "delete or rename all but one in the dashboard"
        )

    def _refuse_stranger(self, kind: Kind, name: str, found: Stored, mark: Mark | None) -> None:
        whose, way_out = "was not made here", "--adopt takes it over"
        if mark is not None:
            whose = f"belongs to {' and '.join(map(repr, mark.owners)) or 'another bot'}"
            way_out = "--adopt makes it yours too"
        if mark is not None and mark.owners:
            way_out = (
                f"if yours is that one under a new name, write renamed_from={mark.owners[0]!r}; "
                f"if not, {way_out}"
            )
        self.problems.append(
            f"there is already {_ARTICLES[kind]} {kind} {name!r} that {whose}: {found['id']}; "
            f"{way_out}, or give yours another name"
        )

    def _is_own(self, tool: Stored) -> bool:
        mark = _marks.of_tool(tool)
        if mark is None or mark.env != self._declaration.env:
            return False
        if not self._names:
            return not mark.owners and self._is_here(tool)
        return bool(set(mark.owners) & self._names)

    def _is_near(self, tool: Stored, others: Iterable[Stored]) -> bool:
        """Whether a tool of the same name that is not ours could be meant all the same."""
        mark = _marks.of_tool(tool)
        if mark is None:
            return self._is_here(tool) or not _is_attached(tool, others)
        if mark.env != self._declaration.env:
            return False
        return self._is_here(tool) or not (mark.owners or self._names)

    def _is_here(self, tool: Stored) -> bool:
        return _tools.url_of(tool) == f"{self._declaration.url}/tools/{_tools.name_of(tool)}"


def _is_attached(tool: Stored, assistants: Iterable[Stored]) -> bool:
    return any(_assistants.has_tool(assistant, str(tool["id"])) for assistant in assistants)
