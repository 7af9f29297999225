"""Made-up arguments: what a tool takes, as a person would write it."""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, AnyUrl, AwareDatetime, BaseModel, Field, Json, PastDate

from vapitools import ArgumentError, CallContext, Encrypted, Static, tool
from vapitools._samples import Sample, _patterns, sample_arguments, sample_static

from .servers import serving
from .signatures import Signature, examples, function_of, signatures, taking

TOMORROW = (dt.date.today() + dt.timedelta(days=1)).isoformat()


def sample_of(hint: Any) -> Any:
    """The value made up for a parameter `x` of a type, which its tool takes."""
    sample = sample_arguments(tool(taking(hint)))
    assert sample.problem is None
    return sample.arguments["x"]


def matching(pattern: str, **limits: Any) -> Any:
    return Annotated[str, Field(pattern=pattern, **limits)]


# --- readable ----------------------------------------------------------------------------


def test_each_parameter_that_must_be_there_gets_a_value_as_a_person_would_write_it() -> None:
    class Area(enum.Enum):
        INSIDE = "inside"
        GARDEN = "garden"

    hints = {
        "name": str,
        "email": str,
        "phoneNumber": str,
        "day": dt.date,
        "at": dt.time,
        "date_of_birth": dt.date,
        "party_size": int,
        "area": Area,
        "is_regular": bool,
        "topic": str,
        "born": str,
        "nickname": str,
    }

    sample = sample_arguments(tool(function_of(hints, {"nickname": "none"})))

    assert sample == Sample(
        {
            "name": "Ann Example",
            "email": "ann@example.com",
            "phoneNumber": "+15550100010",
            "day": TOMORROW,
            "at": "19:00",
            "date_of_birth": "1980-05-17",
            "party_size": 2,
            "area": "inside",
            "is_regular": True,
            "topic": "example",
            "born": "1980-05-17",
        }
    )


def test_a_sample_is_the_same_each_time() -> None:
    hints = {"day": dt.date, "name": str, "tags": set[str], "code": matching("^[A-Z]{3,}$")}
    made = tool(function_of(hints))

    assert sample_arguments(made) == sample_arguments(made)


def test_a_text_is_cut_at_the_end_of_a_word() -> None:
    hints = {
        "name": Annotated[str, Field(max_length=5)],
        "city": Annotated[str, Field(max_length=3)],
    }

    sample = sample_arguments(tool(function_of(hints)))

    assert sample == Sample({"name": "Ann", "city": "Spr"})


@dataclass
class Address:
    street: str
    country: Literal["IT", "FR"]
    note: str = ""


class Pair(NamedTuple):
    low: int
    high: int = 9


class Card(BaseModel):
    kind: Literal["card"]
    number: Annotated[str, Field(pattern=r"^\d{4} \d{4}$")]


class Cash(BaseModel):
    kind: Literal["cash"]


class Tree(BaseModel):
    value: int
    left: Tree | None
    below: list[Tree]


class Endless(BaseModel):
    inner: Endless


Miles = NewType("Miles", int)

MADE: dict[str, tuple[Any, Any]] = {
    "at least": (Annotated[int, Field(ge=4, le=20)], 4),
    "more than": (Annotated[int, Field(gt=4)], 5),
    "negative": (Annotated[int, Field(lt=-7, multiple_of=3)], -9),
    "multiple": (Annotated[int, Field(multiple_of=15)], 15),
    "multiple of a part": (Annotated[float, Field(multiple_of=0.5, gt=3.2)], 3.5),
    "between": (Annotated[float, Field(gt=0, lt=1)], 0.1),
    "up to a multiple": (Annotated[int, Field(le=-1, ge=-9, multiple_of=5)], -5),
    "decimal": (Annotated[Decimal, Field(gt=0, decimal_places=2)], 1),
    "long": (Annotated[str, Field(min_length=9)], "example example"),
    "exact": (Annotated[str, Field(min_length=4, max_length=4)], "exam"),
    "order": (matching(r"^[A-Z]{2}-\d{6}$"), "AB-123456"),
    "choice": (matching("^(?:yes|no)$"), "yes"),
    "groups": (matching(r"^(\d{3}\.)+x?[^a-z]\w*$"), "123.A"),
    "unanchored": (matching("[0-9]"), "12345"),
    "long pattern": (matching("^[a-c]+$", min_length=5, max_length=5), "abcab"),
    "nested repeats": (matching("^(a+)+$", min_length=30), "a" * 900),
    "list": (list[str], ["example"]),
    "items": (Annotated[list[dt.date], Field(min_length=1)], [TOMORROW]),
    "the same again": (Annotated[list[Literal["a"]], Field(min_length=3)], ["a", "a", "a"]),
    "set": (Annotated[set[int], Field(min_length=3)], [1, 2, 3]),
    "set of two": (Annotated[frozenset[bool], Field(min_length=2)], [True, False]),
    "empty": (Annotated[list[int], Field(max_length=0)], []),
    "tuple": (tuple[int, str, bool], [1, "example", True]),
    "nothing": (list[None], [None]),
    "dict": (dict[str, int], {"example": 1}),
    "entries": (
        Annotated[dict[str, bool], Field(min_length=2)],
        {"example": True, "example 2": False},
    ),
    "keys": (dict[Literal["a"], int], {"a": 1}),
    "keys that match": (dict.__class_getitem__((matching("^a+$"), int)), {"a": 1}),
    "keys that are numbers": (dict[int, str], {"12345": "example"}),
    "keys that nobody guesses": (dict[bool, int], {}),
    "dataclass": (Address, {"street": "1 Main Street", "country": "IT"}),
    "named tuple": (Pair, {"low": 1}),
    "tagged union": (
        Annotated[Card | Cash, Field(discriminator="kind")],
        {"kind": "card", "number": "1234 1234"},
    ),
    "recursion": (Tree, {"value": 1, "below": []}),
    "a branch without end": (Endless | Pair, {"low": 1}),
    "literal": (Literal[3, "four"], 3),
    "new type": (Miles, 1),
    "moment": (dt.datetime, f"{TOMORROW}T19:00"),
    "moment with a zone": (AwareDatetime, f"{TOMORROW}T19:00Z"),
    "past": (PastDate, (dt.date.today() - dt.timedelta(days=1)).isoformat()),
    "duration": (dt.timedelta, "PT45M"),
    "UUID": (uuid.UUID, "00000000-0000-4000-8000-000000000001"),
    "UUID of a version": (pydantic.UUID1, "00000000-0000-1000-8000-000000000001"),
    "network": (IPv4Network, "192.0.2.0/24"),
    "URL": (AnyUrl, "https://example.com/"),
    "JSON": (Json[list[int]], "[1]"),
    "anything": (Any, "example"),
}


@pytest.mark.parametrize(("hint", "expected"), MADE.values(), ids=MADE)
def test_a_value_is_within_the_limits_of_its_type(hint: Any, expected: Any) -> None:
    assert sample_of(hint) == expected


def test_an_example_of_the_author_comes_first() -> None:
    class Order(BaseModel):
        number: str = Field(examples=["LU-1"])

    assert sample_of(Order) == {"number": "LU-1"}


# --- what no schema says -----------------------------------------------------------------


def only(value: Any) -> Callable[[Any], Any]:
    """A validator of an author's that takes one value."""

    def check(given: Any) -> Any:
        if given != value:
            raise ValueError("not that one")
        return given

    return check


def test_what_a_validator_refuses_is_tried_with_other_values() -> None:
    hints = {
        "a": Annotated[int, AfterValidator(only(4))],
        "born": PastDate,
        "b": Annotated[str, AfterValidator(only("example 2"))],
        "c": int,
    }

    sample = sample_arguments(tool(function_of(hints)))

    assert sample.problem is None
    assert [sample.arguments[name] for name in "abc"] == [4, "example 2", 1]


def test_where_nothing_fits_the_sample_says_why() -> None:
    hints = {"a": int, "code": Annotated[str, AfterValidator(only("sesame"))]}

    sample = sample_arguments(tool(function_of(hints)))

    assert sample == Sample(
        {"a": 1, "code": "example"}, "code: wanted text, got text that does not fit"
    )


def test_a_pattern_that_cannot_be_met_is_a_problem_with_a_text_to_replace() -> None:
    sample = sample_arguments(tool(taking(matching(r"^\p{Greek}+$"))))

    assert sample == Sample(
        {"x": "example"}, r"x: wanted text, matching ^\p{Greek}+$, got text that does not fit"
    )


def test_more_than_there_is_within_the_limits_is_a_problem() -> None:
    letters = set[Annotated[str, Field(max_length=1)]]

    sample = sample_arguments(tool(taking(Annotated[letters, Field(min_length=12)])))

    assert sample == Sample(
        {}, "x: wanted a list, each text, at least 12 items, no repeats, got nothing"
    )


def test_a_validator_that_fails_is_a_problem_and_no_crash() -> None:
    sample = sample_arguments(tool(taking(Annotated[int, AfterValidator(lambda x: x / 0)])))

    assert sample == Sample({"x": 1}, "a validator raised ZeroDivisionError")


def test_no_tool_is_run_for_a_sample() -> None:
    @tool
    def launch(a: int, call: CallContext) -> None:
        raise AssertionError

    assert sample_arguments(launch) == Sample({"a": 1})


def test_a_method_that_was_not_taken_from_an_object_has_a_sample_too() -> None:
    class Desk:
        @tool
        def ask(self, question: str) -> None: ...

    assert sample_arguments(Desk.ask) == Sample({"question": "example"})


def test_what_arrives_encrypted_is_plain_in_a_sample() -> None:
    assert sample_of(Annotated[str, Encrypted]) == "example"


# --- what Vapi fills in ------------------------------------------------------------------


def test_static_parameters_are_no_part_of_a_sample() -> None:
    hints = {
        "a": int,
        "caller": Annotated[str, Static("{{customer.number}}")],
        "floor": Annotated[int, Field(ge=3), Static("{{floor}}")],
        "place": Annotated[str, Static("here")],
    }
    made = tool(function_of(hints))

    assert sample_arguments(made) == Sample({"a": 1})
    assert sample_static(made) == {"caller": "+15550100000", "floor": 3, "place": "here"}


# --- whatever a tool takes ---------------------------------------------------------------


def assert_takes(function: Any, sample: Sample) -> None:
    """Bind the sample apart from what made it."""
    assert sample.problem is None
    try:
        asyncio.run(tool(function).run(json.dumps(sample.arguments)))
    except ArgumentError as error:
        raise AssertionError(f"{sample}: {error}") from error


@given(signatures())
@examples(60)
def test_whatever_a_tool_takes_its_sample_fits(signature: Signature) -> None:
    assert_takes(signature.function, sample_arguments(tool(signature.function)))


def limited() -> st.SearchStrategy[Any]:
    """Type hints with limits that at least one value keeps."""
    limit: Any = lambda limits: Field(**limits)  # noqa: E731
    small = st.integers(0, 6)
    texts = st.builds(
        lambda least, more: Annotated[str, Field(min_length=least, max_length=least + more)],
        small,
        small,
    )
    numbers = st.builds(
        lambda type_, low, width, step: Annotated[
            type_, Field(ge=low * step, le=(low + width) * step, multiple_of=step)
        ],
        st.sampled_from([int, float, Decimal]),
        st.integers(-(10**6), 10**6),
        small,
        st.integers(1, 50),
    )
    open_ended = st.builds(
        lambda type_, end: Annotated[type_, limit({end: 2.5 if type_ is float else 7})],
        st.sampled_from([int, float]),
        st.sampled_from(["gt", "lt", "ge", "le"]),
    )
    plain = st.sampled_from([str, int, float, bool, dt.date, dt.time, dt.datetime, uuid.UUID])
    patterns = st.lists(
        st.sampled_from(
            [r"\d{2}", "[a-z]+", "(?:x|y)", r"[^\s]?", "A*", r"\.", "(b-){1,3}", r"\w"]
        ),
        min_size=1,
        max_size=5,
    ).map(lambda parts: matching(f"^{''.join(parts)}$"))
    return st.recursive(st.one_of(texts, numbers, open_ended, plain, patterns), _around)


def _around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def sized(make: Any) -> st.SearchStrategy[Any]:
        return st.builds(
            lambda hint, least, more: Annotated[
                make(hint), Field(min_length=least, max_length=least + more)
            ],
            inner,
            st.integers(0, 3),
            st.integers(0, 3),
        )

    return st.one_of(
        sized(lambda hint: list.__class_getitem__(hint)),
        sized(lambda hint: dict.__class_getitem__((str, hint))),
        st.sampled_from([int, str, dt.date, uuid.UUID]).flatmap(
            lambda hint: st.integers(0, 12).map(
                lambda least: Annotated[set.__class_getitem__(hint), Field(min_length=least)]
            )
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda hints: tuple.__class_getitem__((*hints,))
        ),
    )


@given(st.dictionaries(st.sampled_from(["name", "day", "x", "year"]), limited(), min_size=1))
@examples(200)
def test_whatever_the_limits_are_a_sample_keeps_them(hints: dict[str, Any]) -> None:
    function = function_of(hints)

    assert_takes(function, sample_arguments(tool(function)))


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)b",
        "(a",
        "a)",
        "[a",
        "a{9999}{9999}",
        "(a{5000}){5000}",
        "*",
        r"\bword",
        "[é]",
        r"\Q",
        "",
    ],
)
def test_what_cannot_be_made_up_is_not(pattern: str) -> None:
    assert _patterns.text_for(pattern) == ("" if pattern == "" else None)


# --- where it is used ---------------------------------------------------------------------

LIMITED = """
from typing import Annotated
from pydantic import AfterValidator, Field
from vapitools import Static, tool

def nobody_knows(text):
    if text != "sesame":
        raise ValueError
    return text

@tool
def unlock(word: Annotated[str, AfterValidator(nobody_knows)]) -> str:
    return "Open."

@tool
def book(
    seats: Annotated[int, Field(ge=4, multiple_of=3)],
    code: Annotated[str, Field(pattern="^[A-Z]{3}$")],
    floor: Annotated[int, Field(ge=7), Static("{{floor}}")],
    caller: Annotated[str, Static("{{customer.number}}")],
) -> str:
    return f"{seats} {code} {floor} {caller}"
"""


def test_the_line_to_try_that_serve_shows_works_for_tools_with_limits(tmp_path: Path) -> None:
    if shutil.which("curl") is None or os.name != "posix":
        pytest.skip("there is no curl here")
    (tmp_path / "bot.py").write_text(LIMITED)

    with serving(tmp_path, "bot.py") as server:
        line = server.wait_for("Try it:  (.*)")[1]
        ran = subprocess.run(["sh", "-c", f"{line} --silent"], capture_output=True)

    assert ran.stdout == b'{"result":"6 ABC 7 +15550100000"}'
