"""A bot in a folder, an organization at Vapi to bring it to, and the commands that do it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vapitools.cli import app
from vapitools.testing import FakeVapi

KEY = "the-private-key"
SECRET = "a-s3cret-of-luigi"
URL = "https://luigi.example.com"

BOT = '''
from vapitools import Assistant, EndCall, tool

print("loading")


@tool
def find_tables(day: str) -> str:
    """Find free tables."""
    return day


@tool
def book_table(day: str) -> str:
    """Book a table. Ask for the name first."""
    return day


luigi = Assistant(
    name="Luigi",
    first_message="Hello!",
    system_prompt="You take bookings.\\nBe short.",
    model="openai/gpt-4o",
    tools=[find_tables, book_table, EndCall()],
)
'''


@dataclass
class Desk:
    """Where somebody types `vapitools plan` and `apply`."""

    vapi: FakeVapi
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, *changes: tuple[str, str]) -> None:
        """Save the bot, with some of its text changed."""
        text = BOT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.folder / "bot.py").write_text(text, "utf-8")

    def run(self, command: str, *words: str, **environ: str) -> Result:
        """Type it where nobody can be asked."""
        names = {**self.environ, **environ}
        return CliRunner().invoke(app, [command, "bot.py", *words], env=names)

    def plan(self, *words: str, **environ: str) -> Result:
        return self.run("plan", *words, **environ)

    def apply(self, *words: str, **environ: str) -> Result:
        return self.run("apply", "--yes", *words, **environ)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a process of its own with the command."""
        inherited = {key: value for key, value in os.environ.items() if "VAPI" not in key}
        return subprocess.Popen(
            [sys.executable, "-m", "vapitools.cli", *words],
            cwd=self.folder,
            env={**inherited, **self.environ},
            text=True,
            **options,
        )

    def the(self, kind: str, name: str) -> dict[str, Any]:
        """The only tool, assistant or squad of that name at Vapi."""
        stored: list[dict[str, Any]] = list(getattr(self.vapi, f"{kind}s").values())
        found = [each for each in stored if name in (each.get("name"), _function_name(each))]
        assert len(found) == 1
        return found[0]

    def writes(self) -> list[str]:
        """What was asked of Vapi that changes something."""
        return [f"{request.method} {request.path}" for request in self.vapi.writes]


def _function_name(body: dict[str, Any]) -> str | None:
    function: dict[str, Any] = body.get("function") or {}
    return function.get("name")


@contextmanager
def at_desk(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Iterator[Desk]:
    """A desk in a folder with the bot in it."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    # What is saved twice within a second is to be read twice.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in [name for name in os.environ if name.startswith(("VAPI", "PORT"))]:
        monkeypatch.delenv(name)
    vapi = FakeVapi(KEY, **options)
    with vapi.serve() as url:
        environ = {
            "VAPI_API_KEY": KEY,
            "VAPI_BASE_URL": url,
            "VAPI_SERVER_SECRET": SECRET,
            "VAPITOOLS_URL": URL,
            "COLUMNS": "100",
        }
        desk = Desk(vapi, folder, environ)
        desk.write()
        yield desk
    sys.modules.pop("bot", None)
