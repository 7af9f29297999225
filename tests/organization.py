"""An organization at Vapi, on a real port, and what a bot declares to be there."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

import uvicorn

from tests import openapi
from tests.conftest import SHARED
from tests.servers import until
from vapitools import Assistant, RequestStart, sync, tool
from vapitools.client import VapiClient
from vapitools.testing import FakeVapi

URL = "https://luigi.example.com"
SECRET = "s3cret-of-luigi"


@tool(messages=[RequestStart("Let me look at the book.")])
def find_tables(day: str, party_size: int = 2) -> str:
    """Find free tables.

    Args:
        day: The day the caller wants to come.
        party_size: How many people will come.
    """
    return f"{day} {party_size}"


@tool
def book_table(day: str) -> str:
    """Book a table. Ask for the name first."""
    return day


@tool(timeout=30)
def cancel_booking(day: str) -> str:
    """Cancel what was booked."""
    return day


TOOLS = (find_tables, book_table)


def luigi(tools: Iterable[Any] = TOOLS, **fields: Any) -> Assistant:
    """The assistant of this bot."""
    given = {
        "name": "Luigi",
        "first_message": "Luigi's, hello!",
        "system_prompt": "You take bookings.",
        "model": "openai/gpt-4o",
        "voice": "vapi/Elliot",
        **fields,
    }
    return Assistant(tools=[*tools], **{key: value for key, value in given.items() if value})


def declared(*assistants: Assistant, **options: Any) -> sync.Declaration:
    """What is to be at Vapi; Luigi with his tools, when nothing else is said."""
    tools = options.get("toolset") or options.get("squads")
    given = {"url": URL, "server": {"secret": SECRET}, **options}
    return sync.Declaration(assistants or (() if tools else [luigi()]), **given)


@dataclass
class Organization:
    """What is at Vapi, and the address of its API."""

    vapi: FakeVapi
    api: str

    def client(self) -> VapiClient:
        """A client with the right key."""
        return VapiClient("test-key", base_url=self.api)

    def plan(self, declaration: sync.Declaration, **flags: bool) -> sync.Plan:
        """What would be done."""

        async def plan() -> sync.Plan:
            async with self.client() as client:
                return sync.plan(declaration, await sync.read(client), **flags)

        return asyncio.run(plan())

    def apply(self, declaration: sync.Declaration, **flags: bool) -> sync.Applied:
        """Plan and apply, without another thought."""
        return self.carry_out(self.plan(declaration, **flags))

    def carry_out(self, plan: sync.Plan, **options: Any) -> sync.Applied:
        """Apply a plan that was made before."""

        async def apply() -> sync.Applied:
            async with self.client() as client:
                return await sync.apply(plan, client, **options)

        return asyncio.run(apply())

    def tool(self, name: str) -> dict[str, Any]:
        """The only tool of that name."""
        [found] = [tool for tool in self.vapi.tools.values() if tool["function"]["name"] == name]
        return found

    def assistant(self, name: str) -> dict[str, Any]:
        """The only assistant of that name."""
        [found] = [each for each in self.vapi.assistants.values() if each.get("name") == name]
        return found

    def attached(self, name: str = "Luigi") -> list[str]:
        """The names of the tools that an assistant refers to, in order."""
        ids = self.assistant(name)["model"].get("toolIds", [])
        return [self.vapi.tools[id]["function"]["name"] for id in ids]

    @contextlib.contextmanager
    def nothing_written(self) -> Generator[None]:
        """Nothing is written within."""
        before = len(self.vapi.writes)
        yield
        assert [(each.method, each.path) for each in self.vapi.writes[before:]] == []


@contextlib.contextmanager
def organization(**options: Any) -> Generator[Organization]:
    """An empty one. At its end, each request that was made of it is held to Vapi's description."""
    vapi = _PORT.vapi = FakeVapi(**options)
    yield Organization(vapi, _address())
    check_requests(vapi)


class _Port:
    """One port for every organization, one after the other: a server each would take long."""

    vapi = FakeVapi()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.vapi(scope, receive, send)


_PORT = _Port()


@functools.cache
def _address() -> str:
    config = uvicorn.Config(_PORT, log_config=None, ws="none")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=server.run, args=([listening],), daemon=True).start()
    until(lambda: server.started)
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


_BODIES = {
    ("POST", "tool"): "CreateFunctionToolDTO",
    ("PATCH", "tool"): "UpdateFunctionToolDTO",
    ("POST", "assistant"): "CreateAssistantDTO",
    ("PATCH", "assistant"): "UpdateAssistantDTO",
    ("POST", "squad"): "CreateSquadDTO",
    ("PATCH", "squad"): "UpdateSquadDTO",
    ("POST", "call"): "CreateCallDTO",
}


def check_requests(vapi: FakeVapi) -> None:
    """Hold each body to Vapi's own description of its API, where that is present."""
    if not SHARED.exists():
        return
    for request in vapi.writes:
        kind = request.path.split("/")[1]
        if request.method != "DELETE":
            openapi.check(_BODIES[request.method, kind], request.body)
