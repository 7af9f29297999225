"""What type checkers must see. Checked by mypy and pyright, never run."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from typing_extensions import assert_type

from vapitools import (
    CallContext,
    RequestDelayed,
    RequestStart,
    SharedSecret,
    Static,
    Tool,
    Toolset,
    router,
    tool,
)


@tool
def plain(day: date, party_size: int = 2) -> list[str]:
    return [str(day)] * party_size


@tool(name="find", messages=[RequestStart("…"), {"type": "success", "content": "…"}], timeout=5)
async def with_options(day: date, *, call: CallContext) -> str:
    return f"{day} {call.id}"


@tool(wait=False, strict=True, messages=[RequestDelayed("…", after=3)])
def static(caller: Annotated[str, Static("{{customer.number}}")]) -> None: ...


assert_type(plain(date.today()), list[str])
assert_type(plain(date.today(), party_size=3), list[str])
assert_type(plain.name, str)
assert_type(plain.description, str)
assert_type(plain.parameters, dict[str, Any])
assert_type(plain.definition(base_url="https://bot.example.com"), dict[str, Any])

plain("2026-12-24")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
plain(date.today(), size=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class Clinic:
    @tool
    def book(self, day: date) -> str:
        return str(day)

    @tool(name="cancel")
    async def cancel(self, day: date, /) -> bool:
        return bool(day)

    @tool
    @staticmethod
    def hours(day: date) -> str:
        return str(day)

    @tool
    @classmethod
    def doctors(cls, speciality: str = "any") -> list[str]:
        return [speciality]


clinic = Clinic()
assert_type(clinic.book(date.today()), str)
# Taken from the class: no checker can tell from a decorated object that it is static.
assert_type(Clinic.hours(date.today()), str)


def lookup(number: str, region: str) -> str:
    return number + region


assert_type(tool(lookup, name="look_up")("1", "EU"), str)

tools = Toolset([plain, with_options, clinic.book, clinic.cancel, Clinic.hours, Clinic.doctors])
router(tools, auth=SharedSecret("…"))
router([plain, clinic.book], auth=None)


async def run() -> None:
    assert_type(await with_options(date.today(), call=CallContext()), str)
    assert_type(await clinic.cancel(date.today()), bool)
    await plain.run({"day": "2026-12-24"}, CallContext())
    await plain.run('{"day": "2026-12-24"}')


def takes_any_tool(given: Tool[..., Any]) -> str:
    return given.name


takes_any_tool(plain)
takes_any_tool(clinic.book)
