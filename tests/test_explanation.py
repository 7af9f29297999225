"""What an error tells the model."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

from tests.signatures import bind, function_of, read, taking
from vapitools import ArgumentError


class Cat(BaseModel):
    kind: Literal["cat"]
    meows: int


class Dog(BaseModel):
    kind: Literal["dog"]
    barks: int


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


@dataclass
class Party:
    size: Annotated[int, Field(ge=1, le=20)]
    names: list[str] = field(default_factory=list)


class Polite(BaseModel):
    said: str

    @field_validator("said")
    @classmethod
    def check(cls, value: str) -> str:
        raise ValueError(f"https://example.com says that {value} is rude")


ERRORS: dict[str, tuple[Any, Any, str]] = {
    "kind": (int, "many", "x: wanted a whole number, got text"),
    "limits": (
        Annotated[int, Field(ge=1, le=20)],
        40,
        "x: wanted a whole number, 1 to 20, got a whole number that does not fit",
    ),
    "pattern": (
        Annotated[str, Field(pattern="^a+$")],
        "b",
        "x: wanted text, matching ^a+$, got text that does not fit",
    ),
    "choices": (Literal["in", "out"], "up", "x: wanted one of 'in', 'out', got text"),
    "date": (dt.date, "soon", "x: wanted a date such as 2026-12-24, got text"),
    "null": (int, None, "x: wanted a whole number, got nothing"),
    "empty text": (int, "", "x: wanted a whole number, got empty text"),
    "a part": (Party, {"size": 0.5}, "x.size: wanted a whole number, 1 to 20, got a number"),
    "a missing part": (Party, {}, "x.size: wanted a whole number, 1 to 20, got nothing"),
    "an item": (list[int], [1, "a"], "x[1]: wanted a whole number, got text"),
    "a part of an item": (
        list[Party],
        [{"size": 1, "names": [True]}],
        "x[0].names[0]: wanted text, got true or false",
    ),
    "text for an object": (Party, "me", "x: wanted an object with size, names, got text"),
    "too few": (
        tuple[int, int],
        [1],
        "x: wanted a list, exactly 2 items, got a list that does not fit",
    ),
    "an item of a tuple": (tuple[int, str], ["a", "b"], "x[0]: wanted a whole number, got text"),
    "a name of the model's own": (
        dict[str, Party],
        {"Jo\nhn": {"size": "x"}},
        "x.*.size: wanted a whole number, 1 to 20, got text",
    ),
    "a key": (dict[int, int], {"a": 1}, "x: wanted other names in it"),
    "a key and a value": (dict[str, int], {"a": "b"}, "x.*: wanted a whole number, got text"),
    "no tag": (Pet, {"meows": 1}, "x.kind: wanted 'cat' or 'dog', got nothing"),
    "a wrong tag": (Pet, {"kind": "cow"}, "x.kind: wanted 'cat' or 'dog', got text"),
    "a missing part of a variant": (
        Pet,
        {"kind": "dog"},
        "x.barks: wanted a whole number, got nothing",
    ),
    "a missing part of a variant in a string": (
        Pet,
        '{"kind": "dog"}',
        "x.barks: wanted a whole number, got nothing",
    ),
    "a missing part of each variant": (
        Party | Polite,
        {},
        "x.size: wanted a whole number, 1 to 20, got nothing; x.said: wanted text, got nothing",
    ),
    "no variant": (
        Pet,
        5,
        "x: wanted an object with kind, meows or an object with kind, barks, got a whole number",
    ),
    "a union": (int | dt.time, "a", "x: wanted a whole number or a time such as 18:30, got text"),
    "the author's own check": (
        Polite,
        {"said": "hm"},
        "x.said: wanted text, got text that does not fit",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("hint", "sent", "text"), ERRORS.values(), ids=ERRORS)
def test_an_error_names_the_field_what_is_wanted_and_what_came(
    hint: Any, sent: Any, text: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        bind(read(taking(hint)), {"x": sent})

    assert str(caught.value) == text


def test_all_that_is_wrong_is_said_at_once() -> None:
    parameters = read(function_of({"a": int, "b": str, "c": list[int], "d": int}))

    with pytest.raises(ArgumentError) as caught:
        bind(parameters, {"a": "x", "c": {"n": 1}, "d": 1})

    assert str(caught.value) == (
        "a: wanted a whole number, got text; b: wanted text, got nothing; "
        "c[0]: wanted a whole number, got an object"
    )


def test_many_errors_are_counted() -> None:
    with pytest.raises(ArgumentError) as caught:
        bind(read(taking(list[int])), {"x": ["a"] * 20})

    assert str(caught.value).count("wanted") == 8
    assert str(caught.value).endswith("; and 12 more")


def test_arguments_that_are_no_object_are_said_to_be_so() -> None:
    with pytest.raises(ArgumentError, match="arguments: wanted a JSON object, got something else"):
        bind(read(taking(int)), b"[1]")
