"""The numbers that a JSON Schema takes, the most readable first."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, count, takewhile

from .._wording import Schema
from ._texts import words

_BY_WORD = {
    "people": 2,
    "party": 2,
    "guests": 2,
    "persons": 2,
    "seats": 2,
    "age": 30,
    "minutes": 30,
    "price": 20,
    "amount": 20,
}
_PARTS = 10


def values(schema: Schema, name: str, today: dt.date) -> Iterator[int | float]:
    """Numbers that the schema takes.

    Args:
        schema: Of the type `integer` or `number`.
        name: Of the parameter or field.
        today: For a year.
    """
    limits = _Limits(schema)
    said = {"year": today.year, **_BY_WORD}
    readable = [said[word] for word in words(name) if word in said]
    first = (Fraction(number) for number in (*readable, 1) if limits.take(Fraction(number)))
    seen = dict.fromkeys(first)
    more = (number for number in limits.numbers() if number not in seen)
    return map(_plain, chain(seen, more))


class _Limits:
    def __init__(self, schema: Schema) -> None:
        self._low = _exact(schema.get("minimum"))
        self._high = _exact(schema.get("maximum"))
        self._above = _exact(schema.get("exclusiveMinimum"))
        self._below = _exact(schema.get("exclusiveMaximum"))
        self._step = _exact(schema.get("multipleOf"))
        if schema["type"] == "integer":
            # The whole ones among the multiples of 3/2 are those of 3.
            self._step = Fraction((self._step or Fraction(1)).numerator)

    def take(self, number: Fraction) -> bool:
        """Whether the number is within all limits."""
        return (
            (self._low is None or number >= self._low)
            and (self._high is None or number <= self._high)
            and (self._above is None or number > self._above)
            and (self._below is None or number < self._below)
            and (not self._step or number % self._step == 0)
        )

    def numbers(self) -> Iterator[Fraction]:
        """Numbers within the limits: the positive ones upwards, then the others downwards."""
        low, high = self._ends()
        if not self._step and low is not None and high is not None:
            parts = (low + (high - low) * part / _PARTS for part in range(_PARTS + 1))
            return filter(self.take, parts)
        step = self._step or Fraction(1)
        start = step if low is None else max(step, math.ceil(low / step) * step)
        if high is not None and start > high:
            start = math.floor(high / step) * step
        up = (start + n * step for n in count())
        down = (start - n * step for n in count(1))
        return filter(
            self.take,
            chain(
                takewhile(lambda number: high is None or number <= high, up),
                takewhile(lambda number: low is None or number >= low, down),
            ),
        )

    def _ends(self) -> tuple[Fraction | None, Fraction | None]:
        lows = [end for end in (self._low, self._above) if end is not None]
        highs = [end for end in (self._high, self._below) if end is not None]
        return max(lows, default=None), min(highs, default=None)


def _exact(limit: int | float | None) -> Fraction | None:
    """The limit as it is written: 0.1 is a tenth."""
    return Fraction(str(limit)) if limit is not None and math.isfinite(limit) else None


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)
