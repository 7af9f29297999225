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
    limits = Limits(schema)
    said = {"year": today.year, **_BY_WORD}
    readable = [said[word] for word in words(name) if word in said]
    first = (Fraction(number) for number in (*readable, 1) if limits.take(Fraction(number)))
    seen = dict.fromkeys(first)
    more = (number for number in limits.numbers() if number not in seen)
    return map(plain, chain(seen, more))


class Limits:
    """The limits of a number.

    Attributes:
        low: The lower end, whether it is within or not; None where there is none.
        high: The upper end, the same.
        step: What the number is a multiple of.
    """

    def __init__(self, schema: Schema) -> None:
        self._least = exact(schema.get("minimum"))
        self._most = exact(schema.get("maximum"))
        self._above = exact(schema.get("exclusiveMinimum"))
        self._below = exact(schema.get("exclusiveMaximum"))
        self.low = max((end for end in (self._least, self._above) if end is not None), default=None)
        self.high = min((end for end in (self._most, self._below) if end is not None), default=None)
        self.step = exact(schema.get("multipleOf"))
        if schema["type"] == "integer":
            # The whole ones among the multiples of 3/2 are those of 3.
            self.step = Fraction((self.step or Fraction(1)).numerator)

    def take(self, number: Fraction) -> bool:
        """Whether the number is within all limits."""
        return (
            (self._least is None or number >= self._least)
            and (self._most is None or number <= self._most)
            and (self._above is None or number > self._above)
            and (self._below is None or number < self._below)
            and (not self.step or number % self.step == 0)
        )

    def numbers(self) -> Iterator[Fraction]:
        """Numbers within the limits: the positive ones upwards, then the others downwards."""
        low, high = self.low, self.high
        if not self.step and low is not None and high is not None:
            parts = (low + (high - low) * part / _PARTS for part in range(_PARTS + 1))
            return filter(self.take, parts)
        step = self.step or Fraction(1)
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


def exact(limit: int | float | None) -> Fraction | None:
    """The limit as it is written: 0.1 is a tenth."""
    return Fraction(str(limit)) if limit is not None and math.isfinite(limit) else None


def plain(number: Fraction) -> int | float:
    """The number as JSON writes it."""
    return int(number) if number.denominator == 1 else float(number)
