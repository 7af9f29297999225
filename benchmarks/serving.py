"""A cold start: from the command to the first answer with 200, and the memory that it takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from .ports import free_port
from .proof import WrongAnswerError
from .report import Row, ratio_goal

_LIMIT = 1.5
_BARE, _OURS = "Starlette + uvicorn, bare", "vapitools serve"
_PARTS = "bare, and the libraries that ours needs"
_SECONDS_TO_START = 30

_BARE_APP = """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def health(request):
    return PlainTextResponse("ok")

app = Starlette(routes=[Route("/health", health)])
"""
# What no code of ours could be without: they are loaded, and one validator is built.
_PARTS_APP = f"""
import docstring_parser
import msgspec
import typer
from pydantic import TypeAdapter
from typing_extensions import TypedDict
{_BARE_APP}
Arguments = TypedDict("Arguments", {{"day": str, "party_size": int, "name": str}})
TypeAdapter(Arguments).json_schema()
"""
_BOT = '''
from datetime import date

from vapitools import Toolset, tool

@tool
async def book_table(day: date, party_size: int, name: str) -> str:
    """Book a table.

    Args:
        day: The day the caller wants to come.
        party_size: How many people will come.
        name: The name to book for.
    """
    return f"Booked for {name}."

tools = Toolset([book_table])
'''


def rows(rounds: int) -> list[Row]:
    """Each in a new process, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare.py").write_text(_BARE_APP, encoding="utf-8")
        Path(folder, "parts.py").write_text(_PARTS_APP, encoding="utf-8")
        Path(folder, "bot.py").write_text(_BOT, encoding="utf-8")
        python, environ = [sys.executable, "-m"], _environ(folder)
        uvicorn = [*python, "uvicorn", "--no-access-log"]
        commands = {
            _BARE: [*uvicorn, "bare:app", "--port"],
            _PARTS: [*uvicorn, "parts:app", "--port"],
            _OURS: [*python, "vapitools.cli", "serve", "bot.py", "--port"],
        }
        for command in commands.values():
            _start(command, folder, environ)  # leaves the bytecode
        runs = {name: list[tuple[float, float]]() for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                runs[name].append(_start(command, folder, environ))
    times = {name: median(seconds for seconds, _ in each) for name, each in runs.items()}
    sizes = {name: median(size for _, size in each) for name, each in runs.items()}
    return [
        *_rows("From the command to the first 200", times, "ms"),
        *(_rows("Memory of that process (RSS)", sizes, "MB") if all(sizes.values()) else []),
    ]


def _environ(folder: str) -> Mapping[str, str]:
    kept = {key: text for key, text in os.environ.items() if not key.startswith("VAPI")}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    # The command runs elsewhere, and finds the package where this process has found it.
    paths = [folder, str(Path(__file__).parents[1])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def _start(command: Sequence[str], folder: str, environ: Mapping[str, str]) -> tuple[float, float]:
    """Seconds to the first answer, and bytes after it; 0 where the system does not tell."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, str(port)],
        cwd=folder,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, began)
        return time.perf_counter() - began, _resident(process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, began: float) -> None:
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError as error:
            if time.perf_counter() - began > _SECONDS_TO_START:
                raise WrongAnswerError(f"nothing answers at the port: {error}") from None
            time.sleep(0.002)


def _resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0.0
    return float(status.partition("VmRSS:")[2].split()[0]) * 1024


def _rows(section: str, values: Mapping[str, float], unit: str) -> list[Row]:
    found: list[Row] = []
    for name, value in values.items():
        ratios = {"bare": value / values[_BARE], "the libraries": value / values[_PARTS]}
        goals = [ratio_goal(ratios, "bare", _LIMIT)] if name == _OURS else []
        found.append(Row(section, name, value, unit, ratios, goals))
    return found
