"""A restaurant's account at Vapi, in memory, on a real port, and a way to make calls with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

from tests.live import serving
from vapitools.calls import Call, Calls
from vapitools.client import VapiClient
from vapitools.testing import FakeVapi

T = TypeVar("T")

ANN, BOB = "+15550100020", "+15550100021"
FRONT, BACK = "+15550100001", "+15550100002"


class Switch:
    """An app that passes each request on to the Vapi of the test that runs."""

    fake = FakeVapi()
    url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.fake(scope, receive, send)


@contextmanager
def switching() -> Iterator[Switch]:
    """One server for many tests: to start one takes a while."""
    switch = Switch()
    with serving(switch, lifespan="off") as port:
        switch.url = f"http://127.0.0.1:{port}"
        yield switch


class Vapi:
    """A Vapi of its own for a test, with an assistant, a squad and a number."""

    def __init__(self, switch: Switch) -> None:
        switch.fake = self.fake = FakeVapi()
        self.url = switch.url
        self.luigi: str = self.fake.add("assistant", {"name": "Luigi"})["id"]
        self.team: str = self.fake.add("squad", {"name": "Team", "members": []})["id"]
        self.front: str = self.line(FRONT, "Front desk")

    def line(self, number: str, name: str) -> str:
        """The id of one more phone number."""
        id: str = self.fake.add("phone-number", {"number": number, "name": name})["id"]
        return id

    def run(self, use: Callable[[Calls], Awaitable[T]], **options: Any) -> T:
        """What comes of using the calls."""

        async def main() -> T:
            async with VapiClient("test-key", base_url=self.url, **options) as client:
                return await use(client.calls)

        return asyncio.run(main())

    def create(self, **options: Any) -> Call:
        """A call to Ann, by Luigi where nobody else is named."""
        who = (
            {}
            if {"assistant", "assistant_id", "squad"} & options.keys()
            else {"assistant": "Luigi"}
        )
        given = {"to": ANN, **who, **options}
        return self.run(lambda calls: calls.create(**given))

    def sent(self, **options: Any) -> Any:
        """The body that creates a call."""
        self.create(**options)
        return self.fake.writes[-1].body
