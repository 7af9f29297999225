"""`vapitools pull`, against Vapi's API on a real port."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vapitools.cli import app
from vapitools.testing import FakeVapi

PROMPT = "You take bookings."
MODEL = {
    "provider": "openai",
    "model": "gpt-4o",
    "messages": [{"role": "system", "content": PROMPT}],
}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass
class Account:
    """What is at Vapi, and its API on a port."""

    vapi: FakeVapi
    luigi: str

    def pull(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["pull", *words])


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Account]:
    """An account with an assistant that has two tools, in a folder of its own."""
    vapi = FakeVapi()
    tools = [
        vapi.add("tool", {"type": "function", "function": {"name": name, "description": name}})
        for name in ("book_table", "cancel")
    ]
    model = {**MODEL, "tools": [{"type": "endCall"}], "toolIds": [tool["id"] for tool in tools]}
    luigi = vapi.add("assistant", {"name": "Luigi", "model": model})
    vapi.add("assistant", {"name": "[Mario]", "model": MODEL})
    monkeypatch.chdir(tmp_path)
    with vapi.serve() as url:
        monkeypatch.setenv("VAPI_BASE_URL", url)
        monkeypatch.setenv("VAPI_API_KEY", "test-key")
        yield Account(vapi, luigi["id"])


@pytest.mark.parametrize("words", [["Luigi"], ["luigi"], []], ids=["name", "any case", "id"])
def test_an_assistant_is_printed_as_code(account: Account, words: list[str]) -> None:
    result = account.pull(*(words or [account.luigi]))

    assert (result.exit_code, result.stderr) == (0, "")
    assert f"Its id there is {account.luigi}." in result.stdout
    assert "tools=[EndCall(), book_table, cancel]," in result.stdout
    assert result.stdout.endswith(")\n")
    compile(result.stdout, "bot.py", "exec")
    assert account.vapi.writes == []


def test_what_is_written_to_a_file_can_be_used_at_once(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))

    result = account.pull("Luigi", "--output", "pulled_bot.py")
    listed = CliRunner().invoke(app, ["list", "pulled_bot.py"])

    sys.modules.pop("pulled_bot", None)
    assert (result.exit_code, result.stdout) == (0, "Wrote pulled_bot.py.\n")
    assert listed.exit_code == 0
    assert "book_table" in listed.stdout


def test_a_file_that_exists_is_kept_unless_it_is_said(account: Account) -> None:
    file = Path("bot.py")
    file.write_text("mine")

    refused = account.pull("Luigi", "--output", "bot.py")

    assert (refused.exit_code, file.read_text()) == (1, "mine")
    assert refused.stderr == "Error: bot.py exists; --force writes over it\n"
    assert account.vapi.requests == []

    written = account.pull("Luigi", "--output", "bot.py", "--force")

    assert written.exit_code == 0
    assert PROMPT in file.read_text()


def test_a_file_that_cannot_be_written_is_named(account: Account) -> None:
    result = account.pull("Luigi", "--output", "nowhere/bot.py")

    assert result.exit_code == 1
    assert result.stderr == "Error: nowhere/bot.py: No such file or directory\n"


def test_without_an_assistant_those_there_are_are_listed(account: Account) -> None:
    result = account.pull()

    lines = [line for line in result.stdout.splitlines() if "│" in line]
    assert result.exit_code == 0
    assert [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines] == [
        ["Luigi", account.luigi, "3"],
        ["[Mario]", next(iter(set(account.vapi.assistants) - {account.luigi})), "0"],
    ]


def test_where_there_is_no_assistant_that_is_said(account: Account) -> None:
    for id in account.vapi.assistants:
        account.vapi.remove("assistant", id)

    result = account.pull()

    assert (result.exit_code, result.stdout) == (0, "There is no assistant at Vapi.\n")


def test_an_output_needs_an_assistant(account: Account) -> None:
    result = account.pull("--output", "bot.py")

    assert result.exit_code == 1
    assert result.stderr == "Error: --output needs an ASSISTANT\n"


def test_a_name_that_is_not_there_is_answered_with_the_one_that_is(account: Account) -> None:
    result = account.pull("Luigy")

    assert result.exit_code == 1
    assert "there is no assistant 'Luigy'" in result.stderr
    assert "did you mean 'Luigi'?" in result.stderr


def test_two_of_one_name_are_told_apart_by_their_ids(account: Account) -> None:
    other = account.vapi.add("assistant", {"name": "Luigi"})

    result = account.pull("Luigi")

    assert result.exit_code == 1
    assert account.luigi in result.stderr
    assert other["id"] in result.stderr


def test_a_tool_that_does_not_exist_is_noted(account: Account) -> None:
    model: dict[str, Any] = {**MODEL, "toolIds": [UNKNOWN]}
    account.vapi.edit("assistant", account.luigi, model=model)

    result = account.pull("Luigi")

    assert result.exit_code == 0
    assert f"# - the tool {UNKNOWN}, which does not exist" in result.stdout
    assert result.stderr == (
        f"Note: the tool {UNKNOWN} does not exist; calls fail until it is taken away\n"
    )


@pytest.mark.parametrize("path", ["/assistant", "/tool"])
def test_what_vapi_refuses_is_said_in_one_line(account: Account, path: str) -> None:
    account.vapi.fail("GET", path, status=403, times=9)

    result = account.pull("Luigi")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: GET {path}")
    assert result.stderr.count("\n") == 1


def test_an_id_that_is_not_there_is_said_in_one_line(account: Account) -> None:
    result = account.pull(UNKNOWN)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: GET /assistant/{UNKNOWN}: 404: ")
    assert result.stderr.count("\n") == 1


def test_without_a_key_nothing_is_asked(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAPI_API_KEY")

    result = account.pull("Luigi")

    assert result.exit_code == 1
    assert "VAPI_API_KEY" in result.stderr
    assert result.stderr.count("\n") == 1
    assert account.vapi.requests == []
