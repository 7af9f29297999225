from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests import wire
from vapitools import CallContext, DefinitionError, ToolError, Toolset, messages, router, tool
from vapitools.tools import Predicate


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


# --- made of other sets -------------------------------------------------------------------


@tool
def cancel(day: str, call: CallContext) -> str:
    return f"{day} {call.tool_call_id}"


def run(toolset: Toolset, name: str, number: str | None = None) -> str:
    call = CallContext(
        messages.parse(json.dumps(wire.tool_calls(customer={"number": number})).encode())
    )
    return str(asyncio.run(toolset[name].run({"day": "Monday"}, call)))


@pytest.mark.parametrize("one", [cancel, "cancel"], ids=["a tool", "a name"])
def test_one_tool_is_no_list(one: Any) -> None:
    with pytest.raises(DefinitionError, match=r"given as a list, such as Toolset\(\["):
        Toolset(one)


def test_sets_are_joined_in_order() -> None:
    joined = Toolset([find_tables]) + Toolset([cancel])

    assert joined.names == ["find_tables", "cancel"]
    with pytest.raises(DefinitionError, match="2 tools named 'cancel'"):
        joined + Toolset([cancel])


def test_a_prefixed_set_answers_and_registers_under_the_new_names() -> None:
    plain = Toolset([find_tables, cancel])

    prefixed = plain.prefixed("luigi_")

    assert prefixed.names == ["luigi_find_tables", "luigi_cancel"]
    assert plain.names == ["find_tables", "cancel"]
    assert run(prefixed, "luigi_find_tables") == "Monday"
    definition = prefixed["luigi_cancel"].definition(base_url="https://x.example")
    assert definition["function"]["name"] == "luigi_cancel"
    assert definition["server"]["url"] == "https://x.example/tools/luigi_cancel"


def test_tools_are_renamed_one_by_one() -> None:
    renamed = Toolset([find_tables, cancel]).renamed({"cancel": "call_off"})

    assert renamed.names == ["find_tables", "call_off"]
    assert renamed["find_tables"] is find_tables


WRONG_NAMES: list[tuple[dict[str, str], str]] = [
    ({"cancle": "x"}, "there is no tool 'cancle'; the tools are: find_tables, cancel"),
    ({"cancel": "call off"}, "the name 'call off' must be"),
    ({"cancel": "find_tables"}, "2 tools named 'find_tables'"),
]


@pytest.mark.parametrize(("names", "problem"), WRONG_NAMES, ids=[p for _, p in WRONG_NAMES])
def test_a_set_is_not_renamed_wrongly(names: dict[str, str], problem: str) -> None:
    with pytest.raises(DefinitionError, match=problem):
        Toolset([find_tables, cancel]).renamed(names)


def test_a_method_keeps_its_object_under_another_name() -> None:
    clinic = Toolset([Clinic().book, Clinic.doctors]).prefixed("clinic_")

    assert run(clinic, "clinic_book") == "Monday"
    assert asyncio.run(clinic["clinic_doctors"].run()) == ["Clinic"]


def test_a_set_is_filtered() -> None:
    kept = Toolset([find_tables, cancel]).filtered(lambda tool: tool.name != "cancel")

    assert kept.names == ["find_tables"]


STAFF = "+15550100001"


def is_staff(call: CallContext) -> bool:
    return call.customer.number == STAFF


async def is_staff_of_the_book(call: CallContext) -> bool:
    await asyncio.sleep(0)
    return is_staff(call)


@pytest.mark.parametrize("predicate", [is_staff, is_staff_of_the_book])
def test_a_tool_that_is_not_enabled_for_this_caller_is_refused(predicate: Predicate) -> None:
    toolset = Toolset([find_tables]) + Toolset([cancel], enabled=predicate).prefixed("staff_")

    assert run(toolset, "find_tables") == "Monday"
    assert run(toolset, "staff_cancel", STAFF) == "Monday None"
    with pytest.raises(ToolError, match="cannot be used in this call"):
        run(toolset, "staff_cancel", "+15550100002")
    with pytest.raises(ToolError, match="cannot be used in this call"):
        run(toolset, "staff_cancel")


def test_every_predicate_of_a_tool_must_hold() -> None:
    guarded = Toolset(Toolset([cancel], enabled=lambda call: True), enabled=lambda call: False)

    with pytest.raises(ToolError):
        run(guarded, "cancel")


def test_what_is_refused_is_answered_with_200_and_does_not_run() -> None:
    ran: list[str] = []

    @tool
    def erase() -> str:
        ran.append("erase")
        return "Erased."

    app = router(Toolset([erase], enabled=is_staff), auth=None)
    staff = wire.tool_calls(wire.entry("erase"), customer={"number": STAFF})
    stranger = wire.tool_calls(wire.entry("erase"), call_id="c-2")

    assert wire.post(app, stranger).result["error"].startswith("This tool cannot be used")
    assert ran == []
    assert wire.post(app, staff).result["result"] == "Erased."


def test_a_predicate_that_fails_lets_nothing_run(caplog: pytest.LogCaptureFixture) -> None:
    def fails(call: CallContext) -> bool:
        raise RuntimeError(call.message)

    app = router(Toolset([find_tables], enabled=fails), auth=None)

    message = wire.tool_calls(wire.entry("find_tables", {"day": "PRIVATE"}))
    reply = wire.post(app, message)

    assert "Reference" in reply.result["error"]
    assert "PRIVATE" not in caplog.text
