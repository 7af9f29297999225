"""From the model's arguments to bound values."""

from __future__ import annotations

import datetime as dt
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    Field,
    PlainValidator,
    ValidationInfo,
)

from tests.signatures import (
    Kind,
    Signature,
    bind,
    examples,
    function_of,
    kinds,
    read,
    signatures,
    taking,
)
from vapitools import ArgumentError, CallContext

AWKWARD = (
    "schema copy json model_config model_fields _x __x args kwargs self cls title type".split()
)


def test_a_parameter_may_have_any_name() -> None:
    parameters = read(function_of(dict.fromkeys(AWKWARD, int)))
    arguments = {name: i for i, name in enumerate(AWKWARD)}

    assert list(parameters.schema["properties"]) == AWKWARD
    assert bind(parameters, arguments) == arguments


def test_parameters_are_passed_as_the_function_takes_them() -> None:
    def f(call: CallContext, a: int, b: int = 2, /, c: int = 3, *, d: int) -> tuple[int, ...]:
        return a, b, c, d

    call = CallContext()
    positional, by_name = read(f).bind(b'{"a": 1, "d": 4}', call)

    assert positional == [call, 1, 2]
    assert f(*positional, **by_name) == (1, 2, 3, 4)


@pytest.mark.parametrize("alias", ["from", AliasChoices("from", "since")], ids=["one", "several"])
def test_an_alias_is_what_the_model_says(alias: Any) -> None:
    parameters = read(taking(Annotated[int, "When.", Field(validation_alias=alias)], 3))

    assert parameters.schema["properties"]["from"]["description"] == "When."
    assert bind(parameters, {"from": 1}) == {"x": 1}
    assert bind(parameters, {"from": None}) == {}


def test_a_field_tells_variants_apart_wherever_it_stands() -> None:
    """It is about the union, also behind a validator that takes the union's place."""
    instead = PlainValidator(lambda given: given["kind"], json_schema_input_type=dict[str, str])
    parameters = read(taking(Annotated[Xylo | Zither, instead, Field(discriminator="kind")]))

    assert bind(parameters, {"x": {"kind": "xylo"}}) == {"x": "xylo"}


# Before 2.12 a validator is told the name of what it checks in a class only.
@pytest.mark.skipif(pydantic.VERSION < "2.12", reason="pydantic does not tell the name")
def test_a_validator_knows_its_parameter_and_those_before_it() -> None:
    def check(value: int, info: ValidationInfo) -> tuple[Any, ...]:
        return value, info.field_name, dict(info.data)

    parameters = read(function_of({"a": int, "b": Annotated[int, AfterValidator(check)]}))

    assert bind(parameters, {"a": 1, "b": 2}) == {"a": 1, "b": (2, "b", {"a": 1})}


# --- defaults -----------------------------------------------------------------------------


class Unlike:
    """Says that it equals everything, or breaks: who compares with `==` finds out."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("default", [Unlike(), Unlike], ids=["object", "class"])
def test_a_default_is_never_compared_or_copied(default: Any) -> None:
    function = taking(Any, default)

    assert function(**bind(read(function), {}))["x"] is default


FIELDS: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "as the default": (int, (Field(3),), 3),
    "as the default, with a factory": (list[int], (Field(default_factory=lambda: [1]),), [1]),
    "twice": (
        Annotated[list[int], Field(default=[3])],
        (Field(default_factory=lambda: [1]),),
        [1],
    ),
    "in the annotation": (Annotated[int, Field(default=3)], (), 3),
    "beside a default of the function's own": (Annotated[int, Field(default=3)], (5,), 5),
    "with None": (int | None, (Field(None),), None),
    "without a default, nullable": (int | None, (Field(description="x"),), None),
}


@pytest.mark.parametrize(("hint", "default", "value"), FIELDS.values(), ids=FIELDS)
def test_a_field_never_reaches_the_function(hint: Any, default: Any, value: Any) -> None:
    function = taking(hint, *default)

    assert function(**bind(read(function), {})) == {"x": value}


def test_a_field_without_a_default_is_required() -> None:
    with pytest.raises(ArgumentError, match="x: wanted a whole number, at least 1, got nothing"):
        bind(read(taking(int, Field(ge=1))), {})


@dataclass
class Basket:
    items: list[int] = field(default_factory=list)


class Cart(BaseModel):
    items: list[int] = []


@pytest.mark.parametrize(
    ("hint", "default"),
    [
        (list[int], [1]),
        (dict[str, int], {"a": 1}),
        (set[int], {1}),
        (deque[int], deque([1])),
        (Basket, Basket()),
        (Cart, Cart()),
        (list[int], Field([1])),
    ],
    ids=["list", "dict", "set", "deque", "dataclass", "model", "Field"],
)
def test_a_default_that_can_change_is_new_for_each_call(hint: Any, default: Any) -> None:
    parameters = read(taking(hint, default))

    first, second = bind(parameters, {}), bind(parameters, {})

    assert first == second
    assert first["x"] is not second["x"]


BLANKS = [None, "", "null", "{{user_ref}}", " {{ a }} {{ b }}"]


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_a_blank_value_stands_for_the_default(blank: Any) -> None:
    assert bind(read(taking(str, "default")), {"x": blank}) == {}


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_a_blank_value_stands_for_the_default_at_every_depth(blank: Any) -> None:
    class Inner(BaseModel):
        n: int = 5
        maybe: int | None

    function = function_of({"a": str, "b": int, "c": int | None, "d": Inner}, {"a": "x", "b": 1})
    arguments = {"a": blank, "b": blank, "c": blank, "d": {"n": blank, "maybe": blank}}

    bound = function(**bind(read(function), arguments))

    assert bound == {"a": "x", "b": 1, "c": None, "d": Inner(n=5, maybe=None)}


@pytest.mark.parametrize("text", ["{{a}} and {{b}}", "null and void", "{x}", " "], ids=repr)
def test_text_that_is_only_like_a_blank_is_kept(text: str) -> None:
    assert bind(read(taking(str, "default")), {"x": text}) == {"x": text}


def test_blank_text_for_something_required_is_what_was_said() -> None:
    assert bind(read(taking(str)), {"x": ""}) == {"x": ""}


def test_a_part_that_may_be_null_may_be_left_out() -> None:
    @dataclass
    class Person:
        name: str
        nick: str | None

    assert bind(read(taking(Person)), {"x": {"name": "A"}}) == {"x": Person("A", None)}


# --- once built ---------------------------------------------------------------------------


def test_nothing_is_built_when_a_call_is_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = read(function_of({"a": int, "b": list[dt.date]}))
    built: list[object] = []
    monkeypatch.setattr(pydantic.TypeAdapter, "__init__", lambda *_: built.append(1))
    monkeypatch.setattr(pydantic.TypeAdapter, "json_schema", lambda *_: built.append(1))

    for arguments in ({"a": 1, "b": []}, {"a": "1", "b": '["2026-12-24"]'}):
        bind(parameters, arguments)

    assert built == []


def test_no_class_is_made_for_a_function() -> None:
    """Making one takes as long as all the rest of what pydantic does."""
    before = {*dict.__subclasses__(), *BaseModel.__subclasses__()}

    parameters = read(function_of({"a": int, "b": list[dt.date]}))

    assert {*dict.__subclasses__(), *BaseModel.__subclasses__()} == before
    assert list(parameters.schema["properties"]) == ["a", "b"]


def test_valid_arguments_are_decoded_once() -> None:
    parameters = read(function_of({"a": int, "b": str}))
    seen: list[bytes] = []
    validate = parameters._validate_json
    parameters._validate_json = lambda text: seen.append(text) or validate(text)  # type: ignore[func-returns-value]

    bind(parameters, b'{"a": 1, "b": "x"}')

    assert seen == [b'{"a": 1, "b": "x"}']


# --- any signature ------------------------------------------------------------------------


@given(signatures())
@examples(40)
def test_what_fits_a_signature_binds_to_an_equal_value(signature: Signature) -> None:
    function, cases = signature
    parameters = read(function)
    expected = function(**{name: case.value for name, case in cases.items()})

    sent = bind(parameters, {name: case.sent for name, case in cases.items()})
    sloppy = bind(parameters, {name: case.sloppy for name, case in cases.items()})

    assert function(**sent) == expected
    assert function(**sloppy) == expected


# --- any arguments ------------------------------------------------------------------------


class Xylo(BaseModel):
    kind: Literal["xylo"]
    bars: Annotated[int, Field(ge=1)]
    tuned: dt.date | None = None


@dataclass
class Zither:
    strings: list[Annotated[str, Field(max_length=3)]]
    kind: Literal["zither"] = "zither"


class Nest(BaseModel):
    inside: list[Nest] = []
    pair: tuple[int, str] = (1, "a")


RICH = read(
    function_of(
        {
            "xylo": Xylo,
            "either": Annotated[Xylo | Zither, Field(discriminator="kind")],
            "any_of": Xylo | Zither | int | None,
            "nest": Nest,
            "prices": dict[str, float],
            "levels": dict[int, Literal[1, "two"]],
            "at": dt.time,
            "many": set[dt.timedelta],
        }
    )
)
KNOWN = "xylo either any_of nest prices levels at many kind bars tuned strings inside pair".split()
MARKS = ["qqq1", "qqq\n2", "[qqq", '{"qqq": 7777}', "77771", "{{qqq}}"]

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([*MARKS, "xylo", "zither", "XYLO ", 7777.5, 77770, 10**400, 1, ""]),
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KNOWN, *MARKS]), inner, max_size=4)
        | inner.map(json.dumps)
    ),
    max_leaves=12,
)
TELLTALE = ["pydantic", "http", "qqq", "7777", "xylo(", "Zither", "Nest", "_type", "validation"]


def assert_explains(error: ArgumentError) -> None:
    text = str(error)
    assert text.isprintable()
    assert text
    assert [word for word in TELLTALE if word in text] == []
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


@given(st.dictionaries(st.sampled_from([*KNOWN[:8], "qqq"]), anything, max_size=8))
@examples(300)
def test_random_arguments_bind_or_are_explained_without_a_value(arguments: dict[str, Any]) -> None:
    try:
        bind(RICH, arguments)
    except ArgumentError as error:
        assert_explains(error)


@given(kinds(), anything)
@examples(100)
def test_random_arguments_of_a_random_type_bind_or_are_explained(kind: Kind, value: Any) -> None:
    parameters = read(taking(kind.hint))

    try:
        bind(parameters, {"x": value})
    except ArgumentError as error:
        assert_explains(error)


TEXTS = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "not UTF-8": b'{"nest": "\xff"}',
    "cut off": b'{"nest": {',
    "half an emoji": rb'{"nest": "\ud800"}',
    "long number": b'{"any_of": ' + b"7" * 5000 + b"}",
    "too large": b'{"prices": {"a": 1e999}}',
    "NaN": b'{"prices": {"a": NaN}}',
    "deep": b'{"nest": ' + b'{"inside": [' * 400 + b'"x"' + b"]}" * 400 + b"}",
    "deeper": b'{"nest": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_that_is_no_object_or_too_much_is_explained(text: bytes) -> None:
    with pytest.raises(ArgumentError) as caught:
        bind(RICH, text)

    assert_explains(caught.value)


@given(st.binary(max_size=30))
def test_random_bytes_are_explained(text: bytes) -> None:
    with pytest.raises(ArgumentError):
        bind(RICH, text)
