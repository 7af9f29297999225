"""What models send → what they meant."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import BaseModel, Field

from tests.signatures import bind, read, taking
from vapitools import ArgumentError, _coercion


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 20


class Colour(enum.Enum):
    RED = "Red"
    DARK_BLUE = "dark blue"


@dataclass
class Point:
    x: int
    y: float = 0.0


class Order(BaseModel):
    number: str
    points: list[Point] = []
    level: Level | None = None


class Span(NamedTuple):
    first: int
    last: int = 9


class Card(BaseModel):
    kind: Literal["card"]
    number: str


class Cash(BaseModel):
    kind: Literal["cash"]
    amount: int


Payment = Annotated[Card | Cash, Field(discriminator="kind")]

MEANT: dict[str, tuple[Any, Any, Any]] = {
    # JSON in a string
    "list in a string": (list[int], "[1, 2]", [1, 2]),
    "object in a string": (dict[str, int], ' {"a": "1"}', {"a": 1}),
    "model in a string": (Order, '{"number": 5}', Order(number="5")),
    "model in a string in a list": (list[Point], ['{"x": "1"}'], [Point(1)]),
    "optional model in a string": (Point | None, '{"x": 1}', Point(1)),
    "list or number, list in a string": (int | list[int], "[5]", [5]),
    "line breaks in the string": (dict[str, str], '{"a": "b\nc"}', {"a": "b\nc"}),
    # A string that is a string stays one
    "JSON where text is due": (str, "[1, 2]", "[1, 2]"),
    "JSON where text may be": (str | list[int], "[1, 2]", "[1, 2]"),
    # numbers and booleans as strings
    "integer": (int, "4", 4),
    "integer with blanks": (int, " 4 ", 4),
    "integer as a float": (int, 4.0, 4),
    "number": (float, "4.5", 4.5),
    "decimal": (Decimal, "1.10", Decimal("1.10")),
    "boolean": (bool, "True", True),
    "boolean in words": (bool, "no", False),
    "number in a model": (Point, {"x": "1", "y": "2"}, Point(1, 2.0)),
    "number or boolean": (int | bool, "true", True),
    "number or boolean, a number": (int | bool, "7", 7),
    # numbers where a string is due
    "digits": (str, 15550100010, "15550100010"),
    "many digits": (str, 12345678901234567890123, "12345678901234567890123"),
    "digits in a list": (list[str], [1, 2], ["1", "2"]),
    "digits in a model": (Order, {"number": 15550100010}, Order(number="15550100010")),
    # one where a list is due
    "one value": (list[int], 5, [5]),
    "one text": (list[str], "a, b", ["a, b"]),
    "one value of a set": (set[int], "5", {5}),
    "one object": (list[Point], {"x": 1}, [Point(1)]),
    "one object in a string": (list[Point], '{"x": 1}', [Point(1)]),
    # choices
    "case": (Literal["north", "south"], "North", "north"),
    "blanks": (Literal["north west", "south"], " north  west ", "north west"),
    "enum": (Colour, "DARK BLUE", Colour.DARK_BLUE),
    "enum of ints": (Level, "20", Level.HIGH),
    "enum of ints, an int": (Level, 20, Level.HIGH),
    "number of many": (Literal[1, "two", True], "1", 1),
    "boolean of many": (Literal[1, "two", True], "TRUE", True),
    "text of two that look alike": (Literal[1, "1"], "1", "1"),
    "case that makes a difference": (Literal["a", "A"], "A", "A"),
    "choice that may be null": (Literal["a", None], "A", "a"),
    # objects
    "blank in a string": (Point, '{"x": 1, "y": ""}', Point(1)),
    "unknown key": (Point, {"x": 1, "z": 3}, Point(1)),
    "unknown key of a named tuple": (Span, {"first": "1", "z": 3}, Span(1)),
    "positions of a named tuple": (Span, [1, 2], Span(1, 2)),
    "tag": (Payment, {"kind": "CASH", "amount": "5"}, Cash(kind="cash", amount=5)),
    "tag in a string": (Payment, '{"kind": "card", "number": 5}', Card(kind="card", number="5")),
    "untold tag": (Card | Cash, {"kind": "Cash", "amount": 5}, Cash(kind="cash", amount=5)),
    "tag of a union in a union": (
        Payment | Span | bool,
        {"kind": "CASH", "amount": "5"},
        Cash(kind="cash", amount=5),
    ),
    "the variant that fits": (Point | Span, '{"first": "1"}', Span(1)),
    "keys that are not text": (dict[int, Level], {"1": "20"}, {1: Level.HIGH}),
    # moments
    "date": (dt.date, "2026-12-24", dt.date(2026, 12, 24)),
    "time": (dt.time, "18:30", dt.time(18, 30)),
    "datetime": (dt.datetime, "2026-12-24T18:30", dt.datetime(2026, 12, 24, 18, 30)),
    "datetime of a day": (dt.datetime, "2026-12-24", dt.datetime(2026, 12, 24)),
    "duration": (dt.timedelta, "PT45M", dt.timedelta(minutes=45)),
    "seconds": (dt.timedelta, 5, dt.timedelta(seconds=5)),
    "number or moment": (dt.datetime | int, 2026, 2026),
    "seconds beside what is sloppy": (
        tuple[dt.timedelta, list[int]],
        [5, "[1]"],
        (dt.timedelta(seconds=5), [1]),
    ),
    "UUID": (uuid.UUID, "0" * 32, uuid.UUID(int=0)),
    "tuple": (tuple[int, Colour], '["1", "red"]', (1, Colour.RED)),
    "tuple of any length": (tuple[dt.date, ...], "2026-12-24", (dt.date(2026, 12, 24),)),
}  # fmt: skip


@pytest.mark.parametrize(("hint", "sent", "meant"), MEANT.values(), ids=MEANT)
def test_what_plainly_stands_for_something_is_taken_as_that(
    hint: Any, sent: Any, meant: Any
) -> None:
    bound = bind(read(taking(hint)), {"x": sent})["x"]

    assert bound == meant
    assert type(bound) is type(meant)


NOT_MEANT: dict[str, tuple[Any, Any]] = {
    "number in words": (int, "four"),
    "number with a unit": (int, "4 people"),
    "part of a number": (int, 4.5),
    "list in words": (list[int], "1, 2"),
    "broken JSON": (list[str], "[1, 2"),
    "boolean as text": (str, True),
    "date in words": (dt.date, "tomorrow"),
    "date as a number": (dt.date, 0),
    "time as a number": (dt.time, 18),
    "optional time as a number": (dt.time | None, 18),
    "datetime as a number": (dt.datetime, 2026),
    "datetime as a number in text": (dt.datetime, "2026"),
    "choice that is near": (Literal["north", "south"], "nort"),
    "one of two that differ in case": (Literal["AB", "ab"], "Ab"),
    "name of a member": (Level, "LOW"),
    "no tag": (Payment, {"amount": 5}),
    "tag that is a list": (Payment, {"kind": ["cash"], "amount": 5}),
    "list for an object": (Point, [{"x": 1}]),
    "too few of a tuple": (tuple[int, int], [1]),
    "too many of a tuple": (tuple[int, int], [1, 2, 3]),
    "infinity": (float, "inf"),
    "infinity inside": (list[Point], [{"x": 1, "y": "inf"}]),
}


@pytest.mark.parametrize(("hint", "sent"), NOT_MEANT.values(), ids=NOT_MEANT)
def test_nothing_is_guessed_from_meaning(hint: Any, sent: Any) -> None:
    with pytest.raises(ArgumentError, match="x"):
        bind(read(taking(hint)), {"x": sent})


def test_what_is_given_is_not_changed() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}
    given = {"a": [1, "null"], "b": None}

    _coercion.without_blanks(given, schema, {})
    mended = _coercion.mend(given, schema, {})

    assert given == {"a": [1, "null"], "b": None}
    assert mended == {"a": ["1", "null"], "b": None}


EITHER: dict[str, tuple[list[dict[str, Any]], Any, Any]] = {
    "boolean": ([{"type": "string"}, {"type": "boolean"}], True, True),
    "anything": ([{"type": "integer"}, {}], {"a": 1}, {"a": 1}),
    "union": ([{"anyOf": [{"type": "integer"}, {"type": "array"}]}, {"type": "boolean"}], [1], [1]),
    "nothing that fits": ([{"type": "integer"}, {"type": "array"}], None, None),
}


@pytest.mark.parametrize(("options", "value", "mended"), EITHER.values(), ids=EITHER)
def test_a_value_that_fits_a_branch_is_left_alone(
    options: list[dict[str, Any]], value: Any, mended: Any
) -> None:
    assert _coercion.mend(value, {"anyOf": options}, {}) == mended


def test_a_value_of_no_known_type_is_left_alone() -> None:
    value = {"a": [None, "{{x}}"]}

    assert _coercion.mend(value, {}, {}) == value
    assert _coercion.without_blanks(value, {}, {}) == value
