"""A regular expression → a text that matches it, for the expressions that people write."""

from __future__ import annotations

import functools
import re
import warnings
from string import ascii_lowercase, ascii_uppercase, digits, punctuation

_ALPHABET = ascii_uppercase + digits[1:] + "0" + ascii_lowercase + punctuation + " "
_ANCHORS = ("^", "$", r"\A", r"\z", r"\Z")
_GROUP = re.compile(r"\((?:\?:|\?P?<\w+>|(?!\?))")
# One of a set, a class such as `\d`, or the character itself.
_ONE = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|[^\\\[()|*+?{]", re.DOTALL)
_TIMES = re.compile(r"(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})[?+]?")
_SIGNS = {"*": (0, None), "+": (1, None), "?": (0, 1)}

_MAX_LENGTH = 10_000


def text_for(pattern: str, more: int = 0, turn: int = 0) -> str | None:
    """A text that matches the pattern; None where it cannot be made up.

    Args:
        pattern: The regular expression.
        more: How many repetitions to take above the least, where the pattern leaves that open.
        turn: Which of the characters to begin with, where the pattern leaves that open.
    """
    reader = _Reader(pattern, more, turn)
    try:
        text = reader.alternatives()
    except (_UnreadableError, RecursionError):
        return None
    return text if reader.is_at_end() else None


class _UnreadableError(Exception):
    """There is something in the pattern that nobody wrote down how to meet."""


class _Reader:
    def __init__(self, pattern: str, more: int, turn: int) -> None:
        self._pattern = pattern
        self._more = more
        self._turn = turn
        self._at = 0

    def is_at_end(self) -> bool:
        return self._at == len(self._pattern)

    def alternatives(self) -> str:
        """The first of the texts between `|` that is not empty."""
        texts = [self._sequence()]
        while self._skip("|"):
            texts.append(self._sequence())
        return next(filter(None, texts), "")

    def _sequence(self) -> str:
        parts: list[str] = []
        while not self.is_at_end() and self._pattern[self._at] not in "|)":
            parts.append(self._piece())
        return "".join(parts)

    def _piece(self) -> str:
        if any(self._skip(anchor) for anchor in _ANCHORS):
            return ""
        if self._take(_GROUP) is not None:
            text = self.alternatives()
            if not self._skip(")"):
                raise _UnreadableError
            return text * self._times(len(text))
        one = self._take(_ONE)
        if one is None:
            raise _UnreadableError
        found, begin = _characters(one[0]), self._turn
        return "".join(found[i % len(found)] for i in range(begin, begin + self._times(1)))

    def _times(self, length: int) -> int:
        """How often the piece that was just read, of that length, is to stand there."""
        found = self._take(_TIMES)
        if found is None:
            return 1
        sign, low, comma, high = found.groups()
        least, most = _SIGNS[sign] if sign else (int(low), int(high) if high else None)
        if low and not comma:
            most = least
        times = least + self._more if most is None else min(most, least + self._more)
        if times * length > _MAX_LENGTH:
            raise _UnreadableError
        return times

    def _skip(self, text: str) -> bool:
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _take(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        found = expression.match(self._pattern, self._at)
        self._at = found.end() if found else self._at
        return found


@functools.cache
def _characters(one: str) -> str:
    """The characters that a piece for one of them takes, the most readable first."""
    if len(one) == 1 and one != ".":
        return one
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expression = re.compile(one)
    except re.error:
        raise _UnreadableError from None
    found = "".join(filter(expression.fullmatch, _ALPHABET))
    if not found:
        raise _UnreadableError
    return found
