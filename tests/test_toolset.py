from __future__ import annotations

import pytest

from vapitools import DefinitionError, Toolset, tool


@tool
def find_tables(day: str) -> str:
    return day


class Clinic:
    @tool
    def book(self, day: str) -> str:
        return day

    @tool
    @classmethod
    def doctors(cls) -> list[str]:
        return [cls.__name__]

    @classmethod
    @tool
    def rooms(cls) -> list[str]:
        return [cls.__name__]

    @tool
    @staticmethod
    def hours() -> str:
        return "9 to 5"


def test_tools_are_kept_by_name_and_in_order() -> None:
    clinic = Clinic()

    toolset = Toolset([find_tables, clinic.book, Clinic.doctors, Clinic.rooms, Clinic.hours])

    assert toolset.names == ["find_tables", "book", "doctors", "rooms", "hours"]
    assert [member.name for member in toolset] == toolset.names
    assert len(toolset) == 5
    assert "book" in toolset
    assert toolset["find_tables"] is find_tables
    assert toolset.get("nothing") is None
    assert toolset.get(None) is None


def test_importing_a_tool_puts_it_in_no_set() -> None:
    assert Toolset([]).names == []


def test_definitions_are_those_of_every_tool() -> None:
    toolset = Toolset([find_tables])

    definitions = toolset.definitions(base_url="https://bot.example.com/")

    assert definitions == [find_tables.definition(base_url="https://bot.example.com")]


def test_all_that_is_wrong_with_a_set_is_said_at_once() -> None:
    def plain() -> None: ...

    with pytest.raises(DefinitionError) as caught:
        Toolset([find_tables, find_tables, plain, Clinic.book])  # type: ignore[list-item]

    problems = "\n".join(caught.value.problems)
    assert "plain is no tool; put @tool on it" in problems
    assert "book is a method; take it from an object: Clinic(…).book" in problems
    assert "there are 2 tools named 'find_tables'" in problems
