"""`vapitools plan` with nothing to do, beside reading the same lists with the SDK's own clients."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from vapitools import Assistant, Toolset, sync, tool
from vapitools.client import VapiClient
from vapitools.testing import FakeVapi

from .report import Goal, Row, value_goal

_TOOLS = 130
_URL = "https://luigi.example.com"
_MAX_SECONDS, _MAX_BYTES = 1.5, 80e6
_OURS, _SDK, _BARE = "vapitools plan", "the SDK's clients", "python -c pass"

_BOT = f"""
from vapitools import Assistant, Toolset, tool

def look_up(number: int) -> str:
    "Look up an order in one of the books."
    return str(number)

tools = Toolset([tool(name=f"look_up_{{i}}")(look_up) for i in range({_TOOLS})])
bot = Assistant(name="Luigi", system_prompt="You look up.", model="openai/gpt-4o", tools=tools)
"""
_SDK_SCRIPT = """
import os
from vapi import Vapi

client = Vapi(token=os.environ["VAPI_API_KEY"], base_url=os.environ["VAPI_BASE_URL"])
print(len(client.tools.list()), len(client.assistants.list()), len(client.squads.list()))
"""

# A process of its own starts it: the peak of a process counts what its parent held.
_LAUNCHER = """
import os, resource, subprocess, sys, time

began = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def rows(rounds: int) -> list[Row]:
    """Time and memory of each, as processes of their own. The SDK runs once: it takes long."""
    vapi = FakeVapi()
    with vapi.serve() as url, tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "VAPI_API_KEY": "test-key", "VAPI_BASE_URL": url}
        bot = Path(folder, "bot.py")
        bot.write_text(_BOT, encoding="utf-8")
        _fill(url)
        commands = {
            _BARE: [sys.executable, "-c", "pass"],
            _OURS: [sys.executable, "-m", "vapitools.cli", "plan", str(bot), "--url", _URL],
        }
        _run(commands[_OURS], environ)  # leaves the bytecode
        runs = {
            name: [_run(each, environ) for _ in range(rounds)] for name, each in commands.items()
        }
        runs[_SDK] = [_run([sys.executable, "-c", _SDK_SCRIPT], environ)]
    return [*_time_rows(runs), *_memory_rows(runs)]


def _fill(url: str) -> None:
    """What the bot declares is there already, and nothing is to be done."""

    def look_up(number: int) -> str:
        """Look up an order in one of the books."""
        return str(number)

    tools = Toolset([tool(name=f"look_up_{i}")(look_up) for i in range(_TOOLS)])
    bot = Assistant(name="Luigi", system_prompt="You look up.", model="openai/gpt-4o", tools=tools)

    async def fill() -> None:
        async with VapiClient("test-key", base_url=url) as client:
            declaration = sync.Declaration([bot], url=_URL)
            await sync.apply(sync.plan(declaration, await sync.read(client)), client)

    asyncio.run(fill())


def _run(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds, and bytes at the peak."""
    launched = [sys.executable, "-c", _LAUNCHER, *command]
    done = subprocess.run(launched, env=environ, capture_output=True, check=True)
    seconds, peak = map(float, done.stdout.split())
    # Linux counts in kilobytes, macOS in bytes.
    return seconds, peak if sys.platform == "darwin" else peak * 1024


def _time_rows(runs: Mapping[str, Sequence[tuple[float, float]]]) -> list[Row]:
    times = {name: median(seconds for seconds, _ in each) for name, each in runs.items()}
    goals = [value_goal(times[_OURS], _MAX_SECONDS, "s")]
    return _rows("Nothing to do, 130 tools at Vapi: a whole process", times, "s", goals)


def _memory_rows(runs: Mapping[str, Sequence[tuple[float, float]]]) -> list[Row]:
    peaks = {name: median(peak for _, peak in each) for name, each in runs.items()}
    goals = [value_goal(peaks[_OURS], _MAX_BYTES, "kB")]
    return _rows("The same: memory of the process at its peak", peaks, "kB", goals)


def _rows(section: str, values: Mapping[str, float], unit: str, goals: Sequence[Goal]) -> list[Row]:
    return [
        Row(
            section,
            name,
            value,
            unit,
            {_SDK: value / values[_SDK]},
            goals if name == _OURS else [],
        )
        for name, value in values.items()
    ]
