from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import pytest

from vapitools import (
    ArgumentError,
    CallContext,
    DefinitionError,
    RequestComplete,
    RequestStart,
    Static,
    Tool,
    tool,
)


@tool
def find_tables(day: date, party_size: int = 2) -> list[str]:
    """Find free tables.

    Args:
        day: The day the caller wants to come.
        party_size: How many people will come.
    """
    return [f"{day} for {party_size}"]


@tool
async def find_later(day: date) -> str:
    """Find later."""
    return day.isoformat()


class Desk:
    def __init__(self, city: str) -> None:
        self.city = city

    @tool
    def book(self, day: date, /, party_size: int = 2) -> str:
        """Book a table."""
        return f"{self.city}, {day}, {party_size}"

    @tool(name="cancel")
    async def cancel_it(self, day: date) -> str:
        return f"{self.city}, not {day}"

    @tool
    @classmethod
    def kind(cls) -> str:
        return cls.__name__

    @tool
    @staticmethod
    def hours(day: date) -> str:
        return f"{day}: 9 to 5"

    @staticmethod
    @tool
    def phone() -> str:
        return "+15550100000"


class Lookup:
    """Look a number up."""

    async def __call__(self, number: str) -> str:
        return f"found {number}"


def run(called: Tool[..., Any], **arguments: Any) -> Any:
    return asyncio.run(called.run(arguments))


# --- still the function -------------------------------------------------------------------


def test_a_decorated_function_is_called_as_before() -> None:
    assert find_tables(date(2026, 12, 24)) == ["2026-12-24 for 2"]
    assert asyncio.run(find_later(day=date(2026, 12, 24))) == "2026-12-24"


def test_a_decorated_function_looks_as_before() -> None:
    assert find_tables.__name__ == "find_tables"
    assert (find_tables.__doc__ or "").startswith("Find free tables.")
    assert list(inspect.signature(find_tables).parameters) == ["day", "party_size"]
    assert repr(find_tables) == "<Tool 'find_tables'>"


def test_a_mistake_in_calling_is_the_functions_own() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'day'"):
        find_tables()  # type: ignore[call-arg]


def test_a_tool_is_described_by_its_hints_and_docstring() -> None:
    assert find_tables.name == "find_tables"
    assert find_tables.description == "Find free tables."
    assert find_tables.parameters == {
        "type": "object",
        "properties": {
            "day": {
                "type": "string",
                "description": "The day the caller wants to come.",
                "format": "date",
            },
            "party_size": {
                "type": "integer",
                "description": "How many people will come. Default: 2.",
            },
        },
        "required": ["day"],
    }


def test_nobody_can_change_what_a_tool_is_made_of() -> None:
    find_tables.parameters["properties"].clear()
    find_tables.definition()["function"]["parameters"]["properties"].clear()

    assert list(find_tables.parameters["properties"]) == ["day", "party_size"]


# --- all that can be called ---------------------------------------------------------------


def numbered(prefix: str, number: int) -> str:
    """Number something."""
    return f"{prefix}{number}"


def outer(function: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> str:
        return function(*args, **kwargs).upper()

    return wrapper


def greet() -> str:
    return "hi"


desk = Desk("Rome")
CALLABLES: dict[str, tuple[Tool[..., Any], dict[str, Any], str]] = {
    "def": (find_later, {"day": "2026-12-24"}, "2026-12-24"),
    "method": (desk.book, {"day": "2026-12-24"}, "Rome, 2026-12-24, 2"),
    "async method": (desk.cancel_it, {"day": "2026-12-24"}, "Rome, not 2026-12-24"),
    "classmethod": (Desk.kind, {}, "Desk"),
    "classmethod from an object": (desk.kind, {}, "Desk"),
    "staticmethod": (Desk.hours, {"day": "2026-12-24"}, "2026-12-24: 9 to 5"),
    "staticmethod over the tool": (Desk.phone, {}, "+15550100000"),
    "bound method": (tool(Lookup().__call__, name="look"), {"number": "5"}, "found 5"),
    "object": (tool(Lookup()), {"number": "5"}, "found 5"),
    "partial": (tool(functools.partial(numbered, "A")), {"number": "5"}, "A5"),
    "partial by name": (tool(functools.partial(numbered, prefix="A")), {"number": "5"}, "A5"),
    "wrapped": (tool(outer(numbered)), {"prefix": "a", "number": "5"}, "A5"),
    "another name": (tool(greet, name="hello"), {}, "hi"),
}


@pytest.mark.parametrize(("called", "arguments", "value"), CALLABLES.values(), ids=CALLABLES)
def test_whatever_can_be_called_can_be_a_tool(
    called: Tool[..., Any], arguments: dict[str, Any], value: str
) -> None:
    assert run(called, **arguments) == value


def test_names_and_descriptions_come_from_what_is_called() -> None:
    named = [CALLABLES[key][0] for key in ("method", "async method", "object", "partial")]

    assert [t.name for t in named] == ["book", "cancel", "Lookup", "numbered"]
    assert [t.description for t in named] == [
        "Book a table.",
        "",
        "Look a number up.",
        "Number something.",
    ]


def test_what_a_partial_has_set_is_not_the_models_to_choose() -> None:
    fixed = tool(functools.partial(numbered, prefix="A"))

    assert list(fixed.parameters["properties"]) == ["number"]
    assert run(fixed, number=1, prefix="forged") == "A1"


def test_each_object_has_its_own_bound_tool() -> None:
    assert run(Desk("Oslo").book, day="2026-12-24") == "Oslo, 2026-12-24, 2"
    assert desk.book(date(2026, 12, 24), party_size=4) == "Rome, 2026-12-24, 4"
    assert "self" not in desk.book.parameters["properties"]


def test_a_method_taken_from_its_class_says_where_to_take_it_from() -> None:
    with pytest.raises(
        DefinitionError, match=r"book is a method; take it from an object: Desk\(…\)\.book"
    ):
        asyncio.run(Desk.book.run({}))


def test_types_that_are_local_to_a_function_are_found() -> None:
    @dataclass
    class Party:
        guests: list[Guest]

    @dataclass
    class Guest:
        name: str

    @tool
    def names(party: Party) -> list[str]:
        return [guest.name for guest in party.guests]

    assert run(names, party={"guests": [{"name": "Ada"}]}) == ["Ada"]


# --- the definition -----------------------------------------------------------------------


def test_the_definition_is_what_the_api_takes() -> None:
    @tool(
        messages=[RequestStart("One moment."), {"type": "success", "content": "Done."}], timeout=30
    )
    def book(day: date, caller: Annotated[str, Static("{{customer.number}}")]) -> str:
        """Book."""
        return f"{day} {caller}"

    definition = book.definition(base_url="https://bot.example.com/", server={"credentialId": "c"})

    assert definition == {
        "type": "function",
        "function": {
            "name": "book",
            "description": "Book.",
            "parameters": {
                "type": "object",
                "properties": {"day": {"type": "string", "format": "date"}},
                "required": ["day"],
            },
        },
        "messages": [
            {"type": "request-start", "content": "One moment."},
            {"type": "request-complete", "content": "Done."},
        ],
        "parameters": [{"key": "caller", "value": "{{customer.number}}"}],
        "server": {
            "url": "https://bot.example.com/tools/book",
            "timeoutSeconds": 32,
            "credentialId": "c",
        },
    }


def test_a_tool_that_nobody_waits_for_is_async() -> None:
    assert tool(numbered, wait=False).definition()["async"] is True
    assert "async" not in tool(numbered).definition()


def test_strict_asks_for_every_property_and_no_others() -> None:
    parameters = tool(numbered, strict=True).definition()["function"]["parameters"]

    assert parameters["required"] == ["prefix", "number"]
    assert parameters["additionalProperties"] is False
    assert "additionalProperties" not in tool(numbered, strict=True).parameters


# --- running ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"day": date(2026, 12, 24)},
        {"day": "2026-12-24"},
        '{"day": "2026-12-24"}',
        b'{"day":"2026-12-24"}',
    ],
    ids=["python", "json values", "text", "bytes"],
)
def test_a_tool_runs_with_arguments_of_every_spelling(arguments: Any) -> None:
    assert asyncio.run(find_later.run(arguments)) == "2026-12-24"


def test_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"^day: wanted a date such as 2026-12-24, got text$"):
        run(find_later, day="soon")


def test_a_def_tool_runs_in_a_thread_and_keeps_context_variables() -> None:
    language = contextvars.ContextVar("language", default="en")

    @tool
    def where() -> tuple[bool, str]:
        return threading.current_thread() is threading.main_thread(), language.get()

    async def main() -> Any:
        language.set("de")
        return await where.run()

    assert asyncio.run(main()) == (False, "de")


def test_a_def_that_returns_an_awaitable_is_awaited() -> None:
    @tool
    def later() -> Any:
        return asyncio.sleep(0, "slept")

    assert run(later) == "slept"


def test_the_call_is_given_to_a_tool_that_asks_for_it() -> None:
    @tool
    async def who(call: CallContext | None = None) -> Any:
        return call

    call = CallContext()

    assert asyncio.run(who.run({"call": {"id": "forged"}}, call)) is call
    assert isinstance(run(who), CallContext)
    assert who.parameters["properties"] == {}


# --- mistakes while decorating ------------------------------------------------------------


def generator() -> Iterator[int]:
    yield 1


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "name": (lambda: tool(numbered, name="find tables"), "the name 'find tables' must be 1 to 64"),
    "long name": (lambda: tool(numbered, name="x" * 65), "must be 1 to 64"),
    "empty name": (lambda: tool(numbered, name=""), "the name '' must be"),
    "lambda": (lambda: tool(lambda: 1), "a lambda has no name"),
    "description": (lambda: tool(numbered, description="x" * 1000), "has 1000 characters"),
    "timeout": (lambda: tool(numbered, timeout=299), "at most 298 seconds"),
    "no timeout": (lambda: tool(numbered, timeout=0), "must be more than 0"),
    "generator": (lambda: tool(generator), "it yields"),
    "message": (lambda: tool(numbered, messages=[{"type": "end"}]), "no message type 'end'"),
    "not callable": (lambda: tool("find_tables"), "cannot be called"),  # type: ignore[call-overload]
    "strict dict": (lambda: tool(takes_dict, strict=True), "strict=True does not go with a dict"),
}


def takes_dict(extras: list[dict[str, int]]) -> None: ...


@pytest.mark.parametrize(("decorate", "text"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found_while_decorating(decorate: Callable[[], Any], text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        decorate()

    assert text in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(DefinitionError) as caught:

        @tool(name="find tables", timeout=-1, messages=[{"type": "end"}, RequestComplete("fine")])
        def find(*days: date, party: threading.Thread) -> None: ...

    assert len(caught.value.problems) == 5
    assert all("find" in problem for problem in caught.value.problems)


def test_a_misspelt_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="mesages"):
        tool(mesages=[])  # type: ignore[call-overload]


def test_a_definition_is_plain_json() -> None:
    assert json.loads(json.dumps(find_tables.definition())) == find_tables.definition()
