"""Whatever a tool returns becomes one line of text, or a clear refusal."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import fractions
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from vapitools import RequestComplete, RequestFailed, RequestStart, _results
from vapitools.errors import DefinitionError, ResultError

LIMIT = 200
HALF = "\ud83d"


def render(value: Any, limit: int = LIMIT) -> str:
    text = _results.render(value, limit)
    assert text
    assert text == text.strip()
    assert len(text.splitlines()) == 1
    text.encode()
    return text


class Seat(str, enum.Enum):
    INSIDE = "inside"


class Size(enum.IntEnum):
    LARGE = 3


class Corner(enum.Enum):
    LEFT = (0, 0)


class Days(enum.Flag):
    MON = 1
    TUE = 2


class Table(BaseModel):
    number: int
    at: dt.time | None = None
    note: Any = None


@dataclass
class Booking:
    name: str
    tables: list[Table] = field(default_factory=list)
    hidden: Any = field(default=None, repr=False, compare=False)


class Point(NamedTuple):
    x: int


class OddText(str):
    """All that is asked of a text fails."""

    def __str__(self) -> str:
        raise ValueError

    def isprintable(self) -> bool:
        raise SystemExit

    def strip(self, chars: Any = None, /) -> str:
        return "\n"


class OddNumber(float):
    def __repr__(self) -> str:
        raise ValueError


WORDS: dict[str, tuple[Any, str]] = {
    "text": ("Booked.", "Booked."),
    "line breaks": ("a\nb\r\n\r\n c\u2028d\x85e\t", "a b c d e"),
    "control characters": ("a\x00b\x1b[31m\x7f", "a b [31m"),
    "half an emoji": (f"{HALF} hi", "? hi"),
    "nothing": (None, "Done."),
    "empty text": ("", "Done."),
    "blank text": (" \n\t ", "Done."),
    "empty bytes": (b"", "Done."),
    "bytes": ("Ü\n1".encode(), "Ü 1"),
    "a bytearray": (bytearray(b"x"), "x"),
    "a memoryview": (memoryview(b"x"), "x"),
    "true": (True, "yes"),
    "false": (False, "no"),
    "zero": (0, "0"),
    "a float": (0.1 + 0.2, "0.3"),
    "not a number": (float("nan"), "nan"),
    "infinity": (float("inf"), "inf"),
    "a decimal": (Decimal("12.50"), "12.50"),
    "a decimal with an exponent": (Decimal("5E+1"), "50"),
    "a decimal too long to write out": (Decimal("1E+999999"), "1E+999999"),
    "a decimal that is none": (Decimal("NaN"), "NaN"),
    "a fraction": (fractions.Fraction(1, 4), "0.25"),
    "an enum of text": (Seat.INSIDE, "inside"),
    "an enum of numbers": (Size.LARGE, "LARGE"),
    "an enum of tuples": (Corner.LEFT, "LEFT"),
    "a date": (dt.date(2026, 12, 24), "2026-12-24"),
    "a time": (dt.time(18, 30), "18:30"),
    "a time with seconds": (dt.time(18, 30, 5), "18:30:05"),
    "a moment": (dt.datetime(2026, 12, 24, 18, 30), "2026-12-24 18:30"),
    "a duration": (dt.timedelta(minutes=90), "1:30:00"),
    "a uuid": (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
    "a text with methods of its own": (OddText("a\nb"), "a b"),
    "a number with methods of its own": (OddNumber(1.5), "1.5"),
}


@pytest.mark.parametrize(("value", "text"), WORDS.values(), ids=WORDS)
def test_a_single_value_is_written_as_people_do(value: Any, text: str) -> None:
    assert render(value) == text


PARTS: dict[str, tuple[Any, Any]] = {
    "an empty list": ([], []),
    "a tuple": ((1, "a"), [1, "a"]),
    "a set": ({1}, [1]),
    "a range": (range(3), [0, 1, 2]),
    "a deque": (collections.deque([1]), [1]),
    "keys of a dict": ({"a": 1}.keys(), ["a"]),
    "a mapping": (collections.ChainMap({"a": 1}), {"a": 1}),
    "a named tuple": (Point(1), [1]),
    "line breaks": (["a\nb\u2028c"], ["a\nb c"]),
    "not a number": ([float("nan"), float("inf")], [None, None]),
    "half an emoji": ({HALF: [HALF, float("nan"), 2**80]}, {"?": ["?", None, 2**80]}),
    "a number of 80 bits": ([2**80], [2**80]),
    "bytes": ([b"ab"], ["YWI="]),
    "keys that are numbers": ({1: "a", 2.5: "b"}, {"1": "a", "2.5": "b"}),
    "keys that are constants": ({None: 1, True: 2}, {"null": 1, "true": 2}),
    "a model": (Table(number=1, at=dt.time(18)), {"number": 1, "at": "18:00:00", "note": None}),
    "a model with half an emoji": (
        Table.model_construct(number=1, note=HALF),
        {"number": 1, "at": None, "note": "?"},
    ),
    "a dataclass with models": (
        Booking("Ann", [Table(number=1)]),
        {"name": "Ann", "tables": [{"number": 1, "at": None, "note": None}], "hidden": None},
    ),
    "enums": ([Seat.INSIDE, Size.LARGE, Corner.LEFT], ["inside", 3, [0, 0]]),
    "texts with methods of their own": ([OddText("a")], ["a"]),
    "numbers with methods of their own": ([OddNumber(1.5), fractions.Fraction(1, 4)], [1.5, 0.25]),
}


@pytest.mark.parametrize(("value", "wanted"), PARTS.values(), ids=PARTS)
def test_a_value_with_parts_is_compact_json(value: Any, wanted: Any) -> None:
    text = render(value)

    assert json.loads(text) == wanted
    assert ", " not in text.replace("b c", "")


def test_a_combination_of_flags_is_named() -> None:
    assert render(Days.MON | Days.TUE) in ("MON|TUE", "TUE|MON", "3")


class Endless:
    """A collection of collections of collections…"""

    def __len__(self) -> int:
        return 1

    def __contains__(self, item: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Endless]:
        yield Endless()


class Unwilling(BaseModel):
    def model_dump(self, **options: Any) -> Any:
        raise ValueError("SECRET")


def ring() -> list[Any]:
    items: list[Any] = []
    items.append({"again": items})
    return items


def deep() -> list[Any]:
    items: list[Any] = []
    for _ in range(100_000):
        items = [items]
    return items


REFUSED: dict[str, tuple[Any, str]] = {
    "a generator": ((n for n in range(3)), "returned generator"),
    "a plain object": (object(), "returned object"),
    "an exception": (ValueError("SECRET"), "returned ValueError"),
    "a class": (Table, "returned ModelMetaclass"),
    "a function": (len, "returned builtin_function"),
    "an object in a list": ([object()], "returned object"),
    "a complex number": (1j, "returned complex"),
    "bytes that are no text": (b"\xff", "bytes that are no text"),
    "a list within itself": (ring(), "contains itself"),
    "a list too deep": (deep(), "contains itself"),
    "a collection without an end": (Endless(), "contains itself"),
    "keys that are tuples": ({(1, 2): 3}, "keys that are neither text nor numbers"),
    "a number of 5000 digits": (10**5000, "thousands of digits"),
    "such a number in a list": ([10**5000], "list with a part that JSON cannot carry"),
    "a huge range": (range(10**12), "more than a million items"),
    "a model that fails": (Unwilling(), "Unwilling with a part that JSON cannot carry"),
}


@pytest.mark.parametrize(("value", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_written_is_refused_by_its_class(value: Any, why: str) -> None:
    with pytest.raises(ResultError, match=why) as caught:
        render(value)

    assert "SECRET" not in str(caught.value)


def test_a_long_text_is_cut_with_a_marker() -> None:
    text = render("x" * 1000)

    assert text == f"{'x' * LIMIT} … (cut: {LIMIT} of 1000 characters)"


@pytest.mark.parametrize("prefix", ["[note] ", "{"], ids=["bracket", "brace"])
def test_a_long_text_that_only_looks_like_json_is_cut_as_text(prefix: str) -> None:
    text = render(prefix + "x" * 1000)

    assert text.startswith(prefix.strip() + " " * (prefix == "[note] ") + "xxx")
    assert text.endswith("characters)")


@pytest.mark.parametrize("as_text", [False, True], ids=["value", "text"])
def test_a_long_list_keeps_its_first_items_and_says_how_many_are_left_out(as_text: bool) -> None:
    rows = [{"at": f"{hour}:00"} for hour in range(100)]

    cut = json.loads(render(json.dumps(rows) if as_text else rows))

    assert cut[:-1] == rows[: len(cut) - 1]
    assert cut[-1] == f"… {100 - len(cut) + 1} more left out"


@pytest.mark.parametrize(
    "value",
    [{"a": "x\n" * 5000}, ["x" * 5000], {"a": '"' * 5000}, [{"k": ["\\"] * 5000}]],
    ids=["dict", "one long item", "quotation marks", "deeper"],
)
def test_cut_json_is_still_json_within_the_limit(value: Any) -> None:
    text = render(value)

    assert set(json.loads(text)) == {"cut", "start"}
    assert len(text) < LIMIT + 60


def test_json_too_long_to_be_looked_at_is_cut_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_results, "_MAX_PARSED", 500)

    text = render(json.dumps(["x"] * 1000))

    assert json.loads(text)["cut"] == "100 of 5000 characters"


@pytest.mark.parametrize(
    "text", [" " * 500_000 + "x\n" + " " * 500_000 + "y", "\n" * 500_000, "[" * 500_000]
)
def test_a_huge_text_takes_no_time(text: str) -> None:
    """A pattern that looks back would take minutes for these."""
    render(text)
    render(text, limit=10_000_000)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.dates()
    | st.timedeltas()
    | st.decimals(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters()) | st.integers(), inner)
        | st.builds(Booking, name=st.text(), hidden=inner)
    ),
    max_leaves=20,
)


@given(values, st.integers(1, 300))
def test_any_value_is_one_line_near_the_limit_or_refused(value: Any, limit: int) -> None:
    try:
        text = render(value, limit)
    except ResultError:
        return

    assert len(text) < limit + 100


@given(st.recursive(st.none() | st.text(st.characters()), st.lists), st.integers(1, 100))
def test_json_stays_json_however_it_is_cut(value: Any, limit: int) -> None:
    if isinstance(value, list):
        json.loads(render(value, limit))


def test_a_bare_text_is_a_message_of_the_kind_that_is_due() -> None:
    said = json.loads(bytes(_results.closing("Enjoy!", RequestComplete)))
    failed = json.loads(bytes(_results.closing("Sorry.", RequestFailed)))

    assert said == {"type": "request-complete", "content": "Enjoy!"}
    assert failed == {"type": "request-failed", "content": "Sorry."}


@pytest.mark.parametrize(
    "message", [7, b"x", ["x"], RequestStart("x"), RequestFailed("x"), "x" * 1001], ids=repr
)
def test_an_odd_message_is_refused(message: Any) -> None:
    with pytest.raises(DefinitionError):
        _results.closing(message, RequestComplete)


def test_metadata_is_an_object_or_nothing() -> None:
    made = _results.metadata({"a": [1, HALF]})

    assert made is not None
    assert bytes(made) == b'{"a":[1,"?"]}'
    assert _results.metadata({}) is None


@pytest.mark.parametrize("values", [["a"], "text", 7, {"a": object()}, {"a": ring()}])
def test_odd_metadata_is_refused(values: Any) -> None:
    with pytest.raises(ResultError):
        _results.metadata(values)
