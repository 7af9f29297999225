"""`vapitools play --from`: recorded calls become call files."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vapitools.cli import app
from vapitools.playing import load_script, play, visiting

from .servers import serving, until

BOT = '''
from typing import Annotated

from vapitools import Assistant, RequestStart, Static, ToolError, tool

TABLES = {"Monday": 2}


@tool(messages=[RequestStart("Let me look.")])
def find(day: str, caller: Annotated[str, Static("{{customer.number}}")] = "") -> str:
    """Find a table.

    Args:
        day: The day.
    """
    if day not in TABLES:
        raise ToolError(f"There is no {day}.")
    return f"{TABLES[day]} tables on {day}."


luigi = Assistant(
    name="Luigi",
    model="openai/gpt-4o",
    system_prompt="You take bookings. Use find.",
    first_message="Luigi's, hello!",
    tools=[find],
    server_messages=["tool-calls", "end-of-call-report"],
)
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands run, with a bot in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("VAPI_API_KEY", "VAPI_SERVER_SECRET", "VAPITOOLS_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bot.py").write_text(BOT)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["play", *words])


def body(name: str = "find", call: str = "c-1", **arguments: Any) -> dict[str, Any]:
    entry = {"id": f"call_{call}", "function": {"name": name, "arguments": arguments}}
    return {"message": {"type": "tool-calls", "toolCallList": [entry], "call": {"id": call}}}


def keep(*bodies: Any) -> None:
    """Files in the folder `rec`."""
    Path("rec").mkdir(exist_ok=True)
    for number, each in enumerate(bodies, start=1):
        content = each if isinstance(each, str) else json.dumps(each)
        Path("rec", f"{number}.json").write_text(content)


def test_a_call_that_went_wrong_is_red_until_the_bot_is_mended(folder: Path) -> None:
    keep(body(day="Tuesday"))

    written = run("bot.py", "--from", "rec")
    before = run("call-1.call.yaml")
    (folder / "bot.py").write_text(BOT.replace("TABLES = {", 'TABLES = {"Tuesday": 1, '))
    after = run("call-1.call.yaml")

    assert written.exit_code == 0, written.output
    assert written.stdout == (
        "Wrote call-1.call.yaml: 1 tool call, from 1 webhook body\n"
        "Play it: vapitools play call-1.call.yaml\n"
    )
    assert before.exit_code == 1
    assert "There is no Tuesday." in before.stdout
    assert after.exit_code == 0, after.output


def test_what_was_recorded_by_a_server_plays_again_the_same(folder: Path) -> None:
    file = folder / "first.call.yaml"
    file.write_text(
        "variables: {party: four}\n"
        "steps:\n"
        "  - caller: A table, please.\n"
        "  - tool: find\n    arguments: {day: Monday}\n"
        "  - assistant: There are two.\n"
        "  - tools:\n"
        "      - {tool: find, arguments: {day: Monday}}\n"
        "      - {tool: find, arguments: {day: Monday}}\n"
        "end: {reason: silence-timed-out, summary: Nobody said more.}\n"
    )
    first = run("bot.py", "first.call.yaml", "--json")
    with serving(folder, "bot.py", "--record", "rec") as server:
        with visiting(server.url) as stage:
            asyncio.run(play(load_script(file), stage))
        until(lambda: any((folder / "rec").rglob("*-end-of-call-report.json")))

    written = run("bot.py", "--from", "rec", "again.call.yaml")
    again = run("again.call.yaml", "--json")

    assert written.stdout.startswith("Wrote again.call.yaml: 3 tool calls, from ")
    assert "party: four" in (folder / "again.call.yaml").read_text()
    assert (first.exit_code, again.exit_code) == (0, 0), again.output
    assert _tools(again) == _tools(first)
    assert load_script("again.call.yaml").end.report == load_script(file).end.report


def _tools(played: Result) -> list[Any]:
    (call,) = json.loads(played.stdout)
    events = [event for event in call["events"] if event["event"] == "tool"]
    # A recording holds a made-up number of the caller.
    return [call["ended"], *((event["tool"], event["arguments"]) for event in events)]


def test_each_call_gets_a_file_of_its_own(folder: Path) -> None:
    (folder / "call-2.call.yaml").write_text("mine")
    keep(body(call="c-1"), body(call="c-2"), body(call="c-3"), body(call="c-4"))

    result = run("--from", "rec")

    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "Wrote call-1.call.yaml",
        "Wrote call-3.call.yaml",
        "Wrote call-4.call.yaml",
        "Wrote call-5.call.yaml",
        "Play them",
    ]
    assert result.stdout.endswith(
        "vapitools play bot.py call-1.call.yaml call-3.call.yaml call-4.call.yaml …\n"
    )
    assert (folder / "call-2.call.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("sub/wrong.call.yaml", ["wrong-1.call.yaml", "wrong-2.call.yaml"]),
        ("sub/wrong.yml", ["wrong-1.yml", "wrong-2.yml"]),
    ],
)
def test_the_name_of_the_file_is_that_of_several(folder: Path, name: str, files: list[str]) -> None:
    (folder / "sub").mkdir()
    keep(body(call="c-1"), body(call="c-2"))

    run("--from", "rec", name)

    assert sorted(path.name for path in (folder / "sub").iterdir()) == files


def test_a_file_that_is_there_is_not_written_over(folder: Path) -> None:
    (folder / "mine.call.yaml").write_text("mine")
    keep(body())

    result = run("--from", "rec", "mine.call.yaml")

    assert (result.exit_code, (folder / "mine.call.yaml").read_text()) == (1, "mine")
    assert result.stderr == "Error: mine.call.yaml is there already; name another file\n"


def test_the_bot_is_named_as_it_is_seen_from_the_file(folder: Path) -> None:
    (folder / "calls").mkdir()
    keep(body(day="Monday"))

    run("bot.py:luigi", "--from", "rec", "calls/monday.call.yaml")

    assert load_script("calls/monday.call.yaml").bot == "../bot.py:luigi"
    assert run("calls/monday.call.yaml").exit_code == 0


def test_without_a_bot_the_file_names_the_server(folder: Path) -> None:
    keep(body())

    result = run("--from", "rec", "--url", "https://luigi.example.com")

    assert load_script("call-1.call.yaml").url == "https://luigi.example.com"
    assert result.stdout.endswith("Play it: vapitools play call-1.call.yaml\n")


def test_what_the_bot_does_not_have_is_a_comment_and_the_rest_is_played(folder: Path) -> None:
    keep(body("gone", call="c-1", a=1), {"message": {"type": "hang", "call": {"id": "c-1"}}})

    run("bot.py", "--from", "rec")

    text = (folder / "call-1.call.yaml").read_text()
    assert '  # The bot has no such tool: gone {"a": 1}\n  - message: {type: hang}\n' in text
    assert run("call-1.call.yaml").exit_code == 0


def test_what_was_left_out_is_said_in_one_line(folder: Path) -> None:
    keep(body(), "{", "{}", "[]")

    result = run("--from", "rec")

    assert result.exit_code == 0
    assert "\nLeft out: 1 no JSON (2.json); 2 no message of Vapi's (3.json, 4.json)\n" in (
        result.stdout
    )


def test_a_call_that_is_nested_too_deeply_is_said(folder: Path) -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    keep(body(day=deep))

    result = run("--from", "rec")

    assert result.exit_code == 1
    assert result.stderr == (
        "Error: a call of 1 webhook body is left out: it is nested too deeply\n"
        "Error: 1 of 1 calls could not be written\n"
    )


def test_a_call_that_is_more_than_a_file_can_hold_is_said(folder: Path) -> None:
    keep(body(day=["x"] * 20_000), body(call="c-2"))

    result = run("--from", "rec")

    assert result.exit_code == 1
    assert "Wrote call-1.call.yaml: 1 tool call, from 1 webhook body\n" in result.stdout
    assert "the file has more than 20000 values" in result.stderr
    assert result.stderr.endswith("Error: 1 of 2 calls could not be written\n")


def test_names_that_steer_a_terminal_are_spelled_out(folder: Path) -> None:
    keep(body())
    (folder / "rec" / "\x1b[2J.json").write_text("{")

    result = run("--from", "rec")

    assert "\x1b" not in result.stdout
    assert "\\x1b[2J.json" in result.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--from", "none"], "--from: there is no folder none"),
        (["--from", "rec"], "--from: rec: there is no .json file; vapitools serve --record DIR"),
        (["--from", "rec", "--new"], "either --new or --from"),
        (["--from", "rec", "a.yaml", "b.yaml"], "--from takes the name of one file to write"),
        (["--from", "rec", "gone.py"], "gone.py"),
    ],
    ids=["no folder", "empty", "new", "two files", "no bot"],
)
def test_a_command_that_is_written_wrongly_says_so(
    folder: Path, words: list[str], text: str
) -> None:
    (folder / "rec").mkdir()

    result = run(*words)

    assert result.exit_code == 2
    assert text in result.stderr
    assert not list(folder.glob("*.call.yaml"))


def test_a_folder_that_is_not_there_cannot_be_written_to(folder: Path) -> None:
    keep(body())

    result = run("--from", "rec", "none/a.call.yaml")

    assert result.exit_code == 1
    assert result.stderr == "Error: cannot write none/a.call.yaml: No such file or directory\n"
