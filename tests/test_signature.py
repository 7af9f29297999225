"""What is read of a function's parameters, and what is wrong with them."""

from __future__ import annotations

import datetime as dt
import enum
import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import Field
from typing_extensions import Doc, Self

from tests.signatures import bind, function_of, read, taking
from vapitools import ArgumentError, CallContext, DefinitionError, Static, tool

if TYPE_CHECKING:
    from decimal import Decimal


class Opaque:
    """Nothing that JSON can carry."""


class Day(enum.Enum):
    CHRISTMAS = dt.date(2026, 12, 24)


class Maybe(enum.Enum):
    YES = "yes"
    UNKNOWN = None


def positional(*values: int) -> None: ...
def by_name(**values: int) -> None: ...
def of_unknown_type(price: Decimal) -> None: ...
def of_no_type(x: "int str") -> None: ...  # type: ignore[valid-type]  # noqa: F722
def of_nothing_known(x: Opaque.Inner) -> None: ...  # type: ignore[name-defined]


PROBLEMS: dict[str, tuple[Callable[..., Any], str]] = {
    "*args": (positional, r"'\*values': .* write a list instead: values: list\[str\]"),
    "**kwargs": (by_name, r"'\*\*values': .* write out the parameters"),
    "a name for type checkers": (of_unknown_type, "'price': the type 'Decimal' .* import it"),
    "no type": (of_no_type, "'x': .*int str.* is no type; use str"),
    "a part that is not there": (of_nothing_known, "'x': 'Opaque.Inner' is no type; use str"),
    "a class of one's own": (taking(Opaque), "'x': Opaque cannot be sent as JSON; use str"),
    "within a list": (taking(list[Opaque]), r"'x': list\[.*Opaque\] cannot be sent as JSON"),
    "a function": (taking(Callable[[], int]), "cannot be sent as JSON; use str"),
    "read late": (taking(Iterable[int]), r"Iterable\[int\] cannot be sent as JSON; use .*list"),
    "an enum of dates": (taking(Day), "'x': Day cannot be sent as JSON"),
    "an enum of None": (taking(Maybe), "'x': Maybe cannot be sent as JSON"),
    "Self": (taking(Self), r"'x': typing\S*\.Self cannot be sent as JSON"),
    "one alias for two": (
        function_of(dict.fromkeys("ab", Annotated[int, Field(alias="c")])),
        "f: two parameters have the same alias",
    ),
    "Static alone": (taking(Annotated[str, Static]), r"'x': write Static\(…\) with the value"),
    "factory": (
        taking(Annotated[int, Field(default_factory=lambda data: len(data))]),
        "'x': its default_factory takes a value; write one that takes none",
    ),
    "unreadable": (type, "type: its parameters cannot be read; wrap it in a function"),
}


@pytest.mark.parametrize(("function", "text"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_parameter_that_cannot_be_is_refused_with_what_to_write(
    function: Callable[..., Any], text: str
) -> None:
    with pytest.raises(DefinitionError, match=text):
        tool(function)


def test_all_problems_are_said_at_once() -> None:
    def book(price: Decimal, day: Opaqe, name: str, *rest: int) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(DefinitionError) as caught:
        tool(book)

    assert [problem.partition(": the ")[0] for problem in caught.value.problems] == [
        f"{book.__qualname__}: parameter {name}" for name in ("'price'", "'day'", "'*rest'")
    ]


def test_types_that_json_cannot_carry_are_said_with_the_other_problems() -> None:
    with pytest.raises(DefinitionError) as caught:
        tool(function_of({"a": Opaque, "b": int, "c": list[Opaque], "d": "Opaqe"}))

    assert [problem[:16] for problem in caught.value.problems] == [
        "f: parameter 'd'",
        "f: parameter 'a'",
        "f: parameter 'c'",
    ]


def test_a_return_type_that_is_not_known_does_no_harm() -> None:
    def f(x: int) -> Decimal:
        raise NotImplementedError

    assert bind(read(f), {"x": 1}) == {"x": 1}


def test_types_that_are_local_to_a_function_are_found() -> None:
    from dataclasses import dataclass

    @dataclass
    class Inner:
        n: int

    @dataclass
    class Outer:
        inner: Inner

    @tool
    def f(x: Outer, more: list[Inner]) -> None: ...

    assert f.parameters["properties"]["x"]["properties"]["inner"]["required"] == ["n"]
    assert f.parameters["properties"]["more"]["items"]["required"] == ["n"]


def test_a_name_that_is_set_later_does_no_harm() -> None:
    @tool
    def f(x: int) -> int:
        return later(x)

    def later(x: int) -> int:
        return x

    assert f(1) == 1


def test_a_field_that_names_an_unknown_type_is_refused() -> None:
    from dataclasses import dataclass

    @dataclass
    class Outer:
        inner: Missing  # type: ignore[name-defined]  # noqa: F821

    def f(x: Outer) -> None: ...

    with pytest.raises(DefinitionError, match="'x': the type 'Missing' is not known there"):
        tool(f)


def test_a_parameter_with_no_hint_is_text() -> None:
    def f(x): ...  # type: ignore[no-untyped-def]

    assert tool(f).parameters["properties"] == {"x": {"type": "string"}}


def test_what_a_partial_has_set_is_not_asked_for() -> None:
    def f(x: int, y: int, z: int = 3) -> None: ...

    assert list(tool(functools.partial(f, 1, z=2), name="f").parameters["properties"]) == ["y"]


class Answering:
    def __call__(self, day: Annotated[str, Doc("A day.")]) -> None: ...

    def method(self, day: str) -> None: ...


@pytest.mark.parametrize(
    "function", [Answering(), Answering().method], ids=["callable object", "bound method"]
)
def test_what_can_be_called_can_be_read(function: Callable[..., Any]) -> None:
    assert list(tool(function, name="f").parameters["properties"]) == ["day"]


DESCRIBED: dict[str, tuple[Any, str]] = {
    "docstring": (int, "From the docstring."),
    "text": (Annotated[int, "A text."], "A text."),
    "Doc": (Annotated[int, Doc("A doc.")], "A doc."),
    "text before Doc": (Annotated[int, "A text.", Doc("A doc.")], "A text."),
    "Field before text": (Annotated[int, Field(description="A field."), "A text."], "A field."),
    "the last text": (Annotated[int, "First.", "Last."], "Last."),
}


@pytest.mark.parametrize(("hint", "text"), DESCRIBED.values(), ids=DESCRIBED)
def test_the_annotation_describes_before_the_docstring(hint: Any, text: str) -> None:
    function = taking(hint)
    function.__doc__ = "Do it.\n\n    Args:\n        x: From the docstring.\n    "

    assert tool(function).parameters["properties"]["x"]["description"] == text


@pytest.mark.parametrize(
    "hint",
    [CallContext, CallContext | None, Annotated[CallContext, "The call."], "CallContext"],
    ids=["bare", "optional", "annotated", "text"],
)
def test_the_call_is_never_taken_from_the_model(hint: Any) -> None:
    function = function_of({"call": hint, "x": int})
    function.__globals__["CallContext"] = CallContext

    for forged in ({"id": "forged"}, None, "x"):
        bound = bind(read(function), {"x": 1, "call": forged})
        assert isinstance(bound["call"], CallContext)
        assert bound["call"].id is None


def test_a_static_parameter_is_bound_under_the_name_that_vapi_fills_in() -> None:
    function = taking(Annotated[str, Static("{{customer.number}}"), Field(alias="from")])

    parameters = read(function)

    assert parameters.static == {"from": "{{customer.number}}"}
    assert parameters.schema["properties"] == {}
    assert bind(parameters, {"from": "+15550100010"}) == {"x": "+15550100010"}


def test_a_static_parameter_that_nobody_filled_in_is_missing() -> None:
    parameters = read(taking(Annotated[str, Static("{{customer.number}}")]))

    with pytest.raises(ArgumentError, match="x: wanted text, got nothing"):
        bind(parameters, {"x": "{{customer.number}}"})
