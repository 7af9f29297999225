"""One of several things at Vapi, by the name or the number that people know it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ._spelling import closest
from .errors import DefinitionError

Kind = Literal["assistant", "squad", "phone-number"]

_MAX_SHOWN = 10


def named(kind: Kind, name: str, stored: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one of that name; where none is spelled so, the one that differs in its case.

    Raises:
        DefinitionError: None is named so, or several are.
    """
    same = [each for each in stored if each.get("name") == name]
    similar = [each for each in stored if _folded(each) == name.casefold()]
    found = same or similar
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(each["id"]) for each in found)
        raise DefinitionError(f"{len(found)} of kind {kind} are named {name!r}; give an id: {ids}")
    names = [text for each in stored if isinstance(text := each.get("name"), str)]
    close = closest(name, names)
    meant = f"; did you mean {close!r}?" if close else _listed(names)
    raise DefinitionError(f"there is no {kind} {name!r} at Vapi{meant}")


def _folded(stored: Mapping[str, Any]) -> str:
    return str(stored.get("name", "")).casefold()


def line(from_: str | None, numbers: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The number to call from; where there is only one, nobody has to say which.

    Raises:
        DefinitionError: There is none, or it is not clear which.
    """
    found = [each for each in numbers if from_ in (None, each.get("number"))]
    if len(found) == 1:
        return found[0]
    if not numbers:
        raise DefinitionError("there is no phone number at Vapi to call from; make one there first")
    wanted = "give from_='…'" if from_ is None else f"from_: none of your numbers is {from_}"
    wanted = "from_: give the id of one" if found and from_ is not None else wanted
    raise DefinitionError(f"{wanted}{_listed([_shown_line(each) for each in numbers])}")


def _shown_line(number: Mapping[str, Any]) -> str:
    parts = [number.get("number") or number.get("sipUri"), number.get("name"), number["id"]]
    return " ".join(str(part) for part in parts if part)


def _listed(names: Sequence[str]) -> str:
    if not names:
        return "; there is none"
    more = ", …" if len(names) > _MAX_SHOWN else ""
    return f"; there are: {', '.join(sorted(names)[:_MAX_SHOWN])}{more}"
