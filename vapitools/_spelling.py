"""What a misspelt word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

_ALIKE = 0.6


def closest(word: str, known: Iterable[str], *, cutoff: float = _ALIKE) -> str | None:
    """The known word that is most like this one, if one is.

    Args:
        word: What was written.
        known: What could have been meant.
        cutoff: How much alike they must be, from 0 to 1.
    """
    # Only who has misspelt something waits for it to load.
    import difflib

    found = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The question to put behind an error, with a blank before it; or nothing."""
    close = closest(word, known)
    return f" Did you mean {close!r}?" if close not in (None, word) else ""
