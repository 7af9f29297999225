"""Two servers under load, each call delivered three times: nothing runs twice, nothing is mixed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from . import wire
from .servers import serving

BOT = """
import asyncio
import os
import time
from pathlib import Path
from vapitools import CallContext, tool

RUNS = os.open(Path(__file__).with_name("runs"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def run(argument, call):
    os.write(RUNS, f"{argument}\\n".encode())
    return f"{argument} of {call.id}"

@tool
async def echo(argument: str, call: CallContext) -> str:
    told = run(argument, call)
    await asyncio.sleep(0.1)
    return told

@tool
def echo_in_thread(argument: str, call: CallContext) -> str:
    told = run(argument, call)
    time.sleep(0.1)
    return told
"""
CALLS = range(200)


def delivery(server: str, number: int) -> dict[str, Any]:
    """The ids are the same for both servers; the arguments are not."""
    name = "echo" if number % 2 else "echo_in_thread"
    argument = {"argument": argument_of(server, number)}
    return wire.tool_calls(wire.entry(name, argument, f"call_{number}"), call_id=call_id_of(number))


def argument_of(server: str, number: int) -> str:
    return f"{server} {number}"


def call_id_of(number: int) -> str:
    return f"c-{number % 50}"


async def post(url: str, body: Any) -> wire.Reply:
    """Post on a connection of its own; a client with a pool is slow with so many at once."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    text = json.dumps(body).encode()
    head = "POST /webhook HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    start, _, content = answer.partition(b"\r\n\r\n")
    return wire.Reply(int(start.split()[1]), {}, content)


async def results(url: str, body: Any) -> list[dict[str, Any]]:
    """What the three deliveries of a call are answered with: two at once, and one afterwards."""
    at_once = await asyncio.gather(post(url, body), post(url, body))
    afterwards = await post(url, body)
    return [reply.result for reply in (*at_once, afterwards)]


async def all_results(urls: dict[str, str]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    calls = [(server, number) for server in urls for number in CALLS]
    found = await asyncio.gather(*(results(urls[call[0]], delivery(*call)) for call in calls))
    return dict(zip(calls, found, strict=True))


def test_each_call_runs_once_in_each_server_and_gets_its_own_answer(tmp_path: Path) -> None:
    for server in ("one", "other"):
        (tmp_path / server).mkdir()
        (tmp_path / server / "bot.py").write_text(BOT)

    with serving(tmp_path / "one", "bot.py") as one, serving(tmp_path / "other", "bot.py") as other:
        found = asyncio.run(all_results({"one": one.url, "other": other.url}))

    for (server, number), answers in found.items():
        expected = {
            "name": "echo" if number % 2 else "echo_in_thread",
            "toolCallId": f"call_{number}",
            "result": f"{argument_of(server, number)} of {call_id_of(number)}",
        }
        assert answers == [expected] * 3
    for server in ("one", "other"):
        runs = (tmp_path / server / "runs").read_text().splitlines()
        assert sorted(runs) == sorted(argument_of(server, number) for number in CALLS)
