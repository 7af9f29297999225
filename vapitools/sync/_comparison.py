"""What was declared against what is stored, field by field, and who has changed what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from .. import _secrecy
from ._canonical import canonical, digest, is_secret
from ._json import as_list, as_object, is_list, is_object
from ._marks import Mark

Fields = Mapping[str, Any]
"""The fields that a declaration holds, by path: `firstMessage`, `model.temperature`."""


@dataclass(frozen=True)
class Change:
    """One value that would change.

    Attributes:
        path: Where it stands, such as `model.temperature`.
        old: What is stored; None for nothing. Secrets are masked.
        new: What is declared; None for nothing. Secrets are masked.
        edited: Whether somebody else has changed it since it was last applied.
    """

    path: str
    old: Any
    new: Any
    edited: bool = False

    def to_json(self) -> dict[str, Any]:
        """The change as JSON."""
        return {"path": self.path, "old": self.old, "new": self.new, "edited": self.edited}


@dataclass(frozen=True)
class Comparison:
    """What differs.

    Attributes:
        written: The fields that have to be written.
        edited: Those of them that somebody else has changed since the last apply.
        is_stale: Whether the mark has to be written.
    """

    written: tuple[str, ...]
    edited: tuple[str, ...]
    is_stale: bool


def compare(
    declared: Fields,
    stored: Fields,
    mark: Mark | None,
    wanted: Mark,
    *,
    is_just_written: bool = False,
    guarded: str | None = None,
) -> Comparison:
    """See which fields have to be written.

    What Vapi adds by itself is seen through: a field is as it was when what is declared has the
    digest of what was sent, and what is stored the digest of what was stored after that.

    Args:
        declared: What is to be there.
        stored: The same fields, as they are at Vapi.
        mark: The mark that is there.
        wanted: The mark that is to be there.
        is_just_written: Whether nobody has written to it since the mark was. Then what is there
            beside what was sent is Vapi's own: an apply was stopped before it could note that.
        guarded: How paths begin at which others may have put something of theirs: it is not
            overwritten because something of the kind is declared now.
    """
    written: list[str] = []
    edited: list[str] = []
    unnoted = False
    for path in dict.fromkeys([*declared, *stored]):
        new, old = digest(declared.get(path), path), digest(stored.get(path), path)
        sent, kept = (mark.sent.get(path), mark.stored(path)) if mark else (None, None)
        is_edited = sent is not None and old != kept
        if is_edited and is_just_written:
            is_own = new != sent or _covers(stored.get(path), declared.get(path))
            is_edited, unnoted = not is_own, unnoted or is_own
        if mark and sent is None and path in declared and guarded and path.startswith(guarded):
            is_edited = stored.get(path) is not None
        # A secret that cannot be read back may have changed where all that is read has not.
        is_hidden = sent is not None and kept != sent
        if (old != new and is_edited) or (new != sent and (old != new or is_hidden)):
            written.append(path)
            if is_edited:
                edited.append(path)
    known = (mark.env, mark.owners, mark.sent) if mark else None
    is_stale = unnoted or known != (wanted.env, wanted.owners, wanted.sent)
    return Comparison(tuple(written), tuple(edited), is_stale)


def _covers(stored: Any, declared: Any) -> bool:
    """Whether all that is declared is stored, whatever else there is. A secret may be hidden."""
    if isinstance(declared, Mapping):
        before = as_object(stored)
        fields = cast("Mapping[str, Any]", declared)
        return isinstance(stored, Mapping) and all(
            is_secret(key) or _covers(before.get(key), value) for key, value in fields.items()
        )
    if isinstance(declared, (list, tuple)):
        items, found = cast("Sequence[Any]", declared), as_list(stored)
        return len(items) == len(found) and all(map(_covers, found, items))
    return bool(canonical(stored) == canonical(declared))


def sums(fields: Fields) -> dict[str, str]:
    """The digest of each field."""
    return {path: digest(value, path) for path, value in fields.items()}


def changes(declared: Fields, stored: Fields, comparison: Comparison) -> tuple[Change, ...]:
    """What would change, value by value, with secrets masked."""
    return tuple(
        Change(where, old, new, path in comparison.edited)
        for path in comparison.written
        for where, old, new in _differences(
            path, canonical(stored.get(path)), canonical(declared.get(path)), is_secret(path)
        )
    )


def _differences(path: str, old: Any, new: Any, inside: bool) -> Iterator[tuple[str, Any, Any]]:
    if is_object(old) and is_object(new):
        for key in sorted({*old, *new}):
            is_inside = inside or is_secret(key)
            yield from _differences(f"{path}.{key}", old.get(key), new.get(key), is_inside)
    elif is_list(old) and is_list(new) and _are_objects(old, new):
        for index, (first, second) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}[{index}]", first, second, inside)
    elif old != new:
        yield path, _secrecy.masked(old, inside=inside), _secrecy.masked(new, inside=inside)


def _are_objects(old: list[Any], new: list[Any]) -> bool:
    """Whether two lists can be compared object by object."""
    return len(old) == len(new) and all(map(is_object, [*old, *new]))
