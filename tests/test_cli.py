"""The commands that print and end: list, schema, run, and the way into all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vapitools.cli import app

BOT = '''
import asyncio
import sys
import time
from contextlib import asynccontextmanager
from typing import Annotated

from vapitools import CallContext, Static, ToolError, tool

print("loading")


@asynccontextmanager
async def lifespan(app):
    yield {"city": "Bonn"}
    print("closed")


@tool
def divide(a: int, b: int = 2) -> float:
    """Divide [whole] numbers. Say the result.

    Args:
        a: The first number.
    """
    print("dividing")
    return quotient(a, b)


def quotient(a: int, b: int) -> float:
    return a / b


@tool
def total(numbers: list[int]) -> int:
    return sum(numbers)


@tool
def who(
    caller: Annotated[str, Static("{{ customer.number }}")],
    line: Annotated[str, Static("tel:{{phoneNumber.number}}")],
    table: Annotated[int, Static(7)],
    plan: Annotated[str, Static("{{plan}}")] = "none",
) -> str:
    return f"{caller} {line} {table} {plan}"


@tool
async def where(call: CallContext) -> str:
    return f"{call.state['city']} {call.id is not None} {call.customer.number}"


@tool
def refuse() -> str:
    raise ToolError("That is taken. Offer another.")


@tool
def leave() -> str:
    sys.exit("bye")


@tool
def lazy() -> object:
    return (n for n in [1])


@tool(timeout=0.1)
async def hang() -> str:
    await asyncio.to_thread(time.sleep, 60)
'''
NAMES = ["divide", "total", "who", "where", "refuse", "leave", "lazy", "hang"]


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """TARGET of a bot, in the folder that the command is started from."""
    (tmp_path / "bot.py").write_text(BOT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "bot.py"
    sys.modules.pop("bot", None)


def vapitools(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_without_a_command_the_help_is_shown() -> None:
    result = vapitools()

    assert result.exit_code == 0
    assert all(command in result.stdout for command in ("serve", "list", "schema", "run"))


def test_the_version_is_told() -> None:
    assert vapitools("--version").stdout.startswith("vapitools 0.")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["bot.py"], "vapitools serve bot.py"),
        (["serv", "bot.py"], "Did you mean 'serve'?"),
        (["list"], "Missing argument 'TARGET'"),
        (["list", "bot.py", "--jsn"], "--json"),
        (["run", "bot.py"], "Missing argument 'TOOL'"),
        (["schema", "bot.py", "divid"], "there is no tool 'divid'. Did you mean 'divide'?"),
        (["schema", "bot.py", "x"], f"The tools are: {', '.join(NAMES)}."),
        (["schema", "bot.py", "--url", "luigi.example.com"], "--url must begin with https://"),
        (["run", "bot.py", "divid"], "Did you mean 'divide'?"),
        (["run", "bot.py", "divide", "c=1"], "divide has no parameter 'c'. It has: a, b."),
        (["run", "bot.py", "who", "calle=1"], "Did you mean 'caller'?"),
        (["run", "bot.py", "refuse", "c=1"], "It takes nothing."),
        (["run", "bot.py", "divide", "a=1", "a=2"], "a is there twice"),
        (["run", "bot.py", "divide", "4"], "such as a=4"),
        (["run", "bot.py", "divide", "{a: 4}"], "the arguments are no JSON"),
        (["run", "bot.py", "divide", '{"a":' * 10_000], "nested too deeply"),
        (["run", "bot.py", "divide", '{"a":', "4}"], "stands alone, with quotes around it"),
        (["run", "bot.py", "divide", "b=1", '{"a": "="}'], "stands alone, with quotes around it"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_command_written_wrongly_says_what_to_write(
    bot: str, words: list[str], text: str
) -> None:
    result = vapitools(*words)

    assert result.exit_code == 2
    assert text in result.stderr
    assert not result.stdout


def test_a_setting_that_cannot_be_used_is_one_line(
    bot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAPITOOLS_THREADS", "many")

    result = vapitools("run", bot, "refuse")

    assert result.exit_code == 2
    assert result.stderr == "Error: VAPITOOLS_THREADS must be a whole number above zero\n"


# --- list and schema ----------------------------------------------------------------------


def test_list_shows_the_tools_in_a_table(bot: str) -> None:
    result = vapitools("list", bot)

    rows = [[cell.strip() for cell in line.split("│")] for line in result.stdout.splitlines()]
    assert ["", "divide", "a* integer", "Divide [whole] numbers.", ""] in rows
    assert ["", "", "b integer", "", ""] in rows
    assert ["", "total", "numbers* array of integer", "", ""] in rows


def test_list_prints_json_for_programs(bot: str) -> None:
    entries = json.loads(vapitools("list", bot, "--json").stdout)

    assert [entry["name"] for entry in entries] == NAMES
    assert entries[0]["description"] == "Divide [whole] numbers. Say the result."
    assert entries[0]["parameters"]["required"] == ["a"]


def test_schema_prints_what_the_api_takes(bot: str) -> None:
    definitions = json.loads(vapitools("schema", bot).stdout)

    assert [definition["function"]["name"] for definition in definitions] == NAMES
    assert definitions[2]["parameters"][2] == {"key": "table", "value": 7}
    assert "server" not in definitions[0]


def test_schema_prints_one_tool_with_its_address(bot: str) -> None:
    result = vapitools("schema", bot, "total", "--url", "https://luigi.example.com/")

    definition = json.loads(result.stdout)
    assert definition["function"]["name"] == "total"
    assert definition["server"]["url"] == "https://luigi.example.com/tools/total"


# --- run ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["divide", "a=3", "b=2"], "1.5"),
        (["divide", "a=3"], "1.5"),
        (["divide", '{"a": 3, "b": 4}'], "0.75"),
        (["total", "numbers=[1, 2]"], "3"),
        (["total", "numbers=5"], "5"),
        (["where"], "Bonn True +15550100000"),
        (["where", "--customer", "+49228"], "Bonn True +49228"),
        (["who"], "+15550100000 tel:+15550109999 7 none"),
        (["who", "caller=me", "table=8", "plan=a=b"], "me tel:+15550109999 8 a=b"),
    ],
    ids=" ".join,
)
def test_run_prints_what_the_assistant_hears(bot: str, words: list[str], answer: str) -> None:
    result = vapitools("run", bot, *words)

    assert (result.exit_code, result.stdout) == (0, f"{answer}\n")


def test_what_only_a_real_call_fills_is_noted(bot: str) -> None:
    result = vapitools("run", bot, "who")

    assert "Note: only a real call fills plan ({{plan}}); set it with plan=…" in result.stderr


def test_what_the_bot_prints_is_kept_out_of_the_result(bot: str) -> None:
    result = vapitools("run", bot, "divide", "a=4")

    assert result.stdout == "2\n"
    assert result.stderr.splitlines() == ["loading", "dividing", "closed"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["divide", "a=x"], "a: "),
        (["refuse"], "That is taken. Offer another."),
        (["divide", "a=1", "b=0"], "bot.py:31: ZeroDivisionError: division by zero"),
        (["leave"], "bot.py:61: SystemExit: bye"),
        (["lazy"], "lazy: ResultError: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_tool_that_fails_says_why_on_stderr(bot: str, words: list[str], text: str) -> None:
    result = vapitools("run", bot, *words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert any(line.startswith(text) for line in result.stderr.splitlines())
    assert "Traceback" not in result.stderr


def test_debug_shows_the_traceback(bot: str) -> None:
    result = vapitools("run", bot, "divide", "a=1", "b=0", "--debug")

    assert "Traceback (most recent call last)" in result.stderr
    assert "in quotient" in result.stderr


@pytest.mark.parametrize(
    ("words", "field", "text", "code"),
    [
        (["total", "--json", '{"numbers": [1, 2]}'], "result", "3", 0),
        (["total", "numbers=4", "--json"], "result", "4", 0),
        (["refuse", "--json"], "error", "That is taken. Offer another.", 1),
    ],
    ids=["before the arguments", "behind the arguments", "an error"],
)
def test_json_prints_the_whole_entry_of_the_answer(
    bot: str, words: list[str], field: str, text: str, code: int
) -> None:
    result = vapitools("run", bot, *words)

    entry: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == code
    assert entry.pop("toolCallId").startswith("call_")
    assert entry == {"name": words[0], field: text}


ENCRYPTED_BOT = """
from dataclasses import dataclass
from typing import Annotated

from vapitools import Encrypted, tool


@dataclass
class Card:
    number: Annotated[str, Encrypted]
    limit: int = 0


@tool
def pay(card: Card, pin: Annotated[int, Encrypted], note: str = "none") -> str:
    return f"{card.number} {card.limit} {pin} {note}"


@tool
def hours() -> str:
    return "9 to 5"
"""


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["pay", 'card={"number": "41", "limit": 5}', "pin=42", "note=a"], "41 5 42 a"),
        (["pay", '{"card": {"number": "41"}, "pin": 42}'], "41 0 42 none"),
        (["hours"], "9 to 5"),
    ],
    ids=["key=value", "JSON", "another tool of the bot"],
)
def test_run_encrypts_what_vapi_would(bot: str, words: list[str], answer: str) -> None:
    Path(bot).write_text(ENCRYPTED_BOT)

    result = vapitools("run", bot, *words)

    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{answer}\n", "")


def test_what_is_too_long_to_be_encrypted_is_said(bot: str) -> None:
    Path(bot).write_text(ENCRYPTED_BOT)

    result = vapitools("run", bot, "pay", json.dumps({"card": {"number": "4" * 191}}))

    assert result.exit_code == 2
    assert result.stderr == (
        "Error: card.number is too long to be encrypted; it may have 190 bytes\n"
    )


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lifespan_that_fails_is_one_line(bot: str, when: str) -> None:
    failing = "1 / 0\n    yield {}" if when == "before" else "yield {}\n    1 / 0"
    Path(bot).write_text(BOT.replace('yield {"city": "Bonn"}', failing))

    result = vapitools("run", bot, "total", "numbers=1")

    line = 15 if when == "before" else 16
    assert result.exit_code == 1
    assert f"Error: bot.py:{line}: ZeroDivisionError: division by zero\n" in result.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [(["schema", "bot.py", "total"], 0), (["run", "bot.py", "hang"], 1)],
    ids=["of the bot", "of a tool"],
)
def test_a_thread_that_never_ends_does_not_hold_the_terminal(
    bot: str, words: list[str], code: int
) -> None:
    if code == 0:
        thread = "import threading\nthreading.Thread(target=time.sleep, args=[60]).start()"
        Path(bot).write_text(f"{BOT}\n{thread}")

    ran = subprocess.run([sys.executable, "-m", "vapitools.cli", *words], timeout=30)

    assert ran.returncode == code


def test_serving_loads_neither_rich_nor_the_sdk() -> None:
    script = "import sys, vapitools.cli, vapitools.cli._server; print(*sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert {"rich", "vapi", "httpx"}.isdisjoint(ran.stdout.split())


@pytest.mark.parametrize(
    ("words", "shown"),
    [(["list"], rb"\u017b [whole]"), (["schema"], rb"\u017b [whole]"), (["run"], rb"\u017b")],
    ids=["a table", "JSON", "an answer"],
)
def test_a_letter_that_the_terminal_cannot_show_is_no_failure(
    bot: str, words: list[str], shown: bytes
) -> None:
    text = BOT.replace("Divide [whole]", "\u017b [whole]").replace(
        "return a / b", "return '\u017b'"
    )
    Path(bot).write_text(text, "utf-8")
    arguments = ["divide", "a=1"] if words == ["run"] else []

    ran = subprocess.run(
        [sys.executable, "-m", "vapitools.cli", *words, bot, *arguments],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "COLUMNS": "120"},
    )

    assert ran.returncode == 0
    assert shown in ran.stdout
