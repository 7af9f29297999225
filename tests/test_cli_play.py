"""`vapitools play`: the real command, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from vapitools.cli import app
from vapitools.playing import read_script

from .peers import response
from .servers import until
from .webhooks import Webhook, calls_in, entry_for, raw, right, webhook

BOT = '''
import os
import time

from vapitools import RequestStart, ToolError, tool

print("loading")
BOOKED = []


@tool(messages=[RequestStart("Let me look.")])
def find_tables(day: str, people: int = 2) -> list[str]:
    """Find free tables.

    Args:
        day: The day.
        people: How many come.
    """
    print("looking")
    return ["18:00"]


@tool
def book_table(day: str) -> str:
    """Book a table."""
    BOOKED.append(day)
    if day == "never":
        raise ToolError("We are closed.")
    return f"Booked as number {len(BOOKED)}."


@tool
def broken() -> str:
    """Fail."""
    raise ZeroDivisionError("s3cret")


@tool
def hang() -> str:
    """Take long."""
    print("hanging", flush=True)
    time.sleep(1.5)
    return "Done."


@tool
def where() -> str:
    """Tell where the book is."""
    return os.environ.get("BOOK", "nowhere")
'''
CALL = """
call: Mrs Green books
bot: bot.py
caller: {number: "+15550100010", name: Mrs Green}
steps:
  - caller: A table, please.
  - tool: find_tables
    arguments: {day: 2026-12-24, people: 4}
    expect:
      result: [18:00]
      heard: Let me look.
  - tool: book_table
    arguments: {day: 2026-12-24}
    expect: Booked as number 1.
end: customer-ended-call
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the commands run, with a bot and a call in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in [name for name in os.environ if name.startswith("VAPI")]:
        monkeypatch.delenv(name)
    (tmp_path / "bot.py").write_text(BOT, "utf-8")
    (tmp_path / "booking.call.yaml").write_text(CALL, "utf-8")
    yield tmp_path
    sys.modules.pop("bot", None)


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    with webhook(right) as served:
        yield served


def run(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(app, ["play", *words], env=environ)


def write(folder: Path, name: str, steps: str, head: str = "bot: bot.py") -> str:
    (folder / name).write_text(f"{head}\nsteps:\n{steps}\n", "utf-8")
    return name


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vapitools.cli", "play", *words],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


# --- what people read ---------------------------------------------------------------------


def test_a_call_is_printed_as_people_read_it(folder: Path) -> None:
    result = run("booking.call.yaml")

    lines = re.sub(r"\d+ ms|\d+\.\d\d s", "*", result.stdout).rstrip().splitlines()
    assert result.exit_code == 0
    assert lines == [
        "Mrs Green books: Mrs Green +15550100010 and assistant (booking.call.yaml)",
        "  caller     A table, please.",
        "  assistant  Let me look.",
        '  tool       find_tables(day="2026-12-24", people=4)  *',
        '             → ["18:00"]',
        "  assistant  One moment.  (Vapi fills the silence: the tool has no request-start)",
        '  tool       book_table(day="2026-12-24")  *',
        "             → Booked as number 1.",
        "  ·          the call ended: customer-ended-call",
        "all is well, in *",
    ]


def test_what_a_bot_prints_is_not_in_the_way(folder: Path) -> None:
    result = run("booking.call.yaml", "--json")

    json.loads(result.stdout)
    assert "loading" in result.stderr
    assert "looking" in result.stderr


def test_a_fault_is_printed_with_its_line_its_rule_and_what_the_caller_heard(folder: Path) -> None:
    file = write(folder, "a.yaml", "  - tool: broken\n    expect: Done")

    result = run(file)

    assert result.exit_code == 1
    assert "✗ a.yaml:3: broken: expected a result with 'Done' in it, got the error" in result.stdout
    assert "[expected]" in result.stdout
    assert re.search(r"bot\.py:\d+: ZeroDivisionError", result.stdout)
    assert "\n1 fault, in " in result.stdout


def test_a_wrong_server_is_told_its_faults(folder: Path, hook: Webhook) -> None:
    hook.answer = lambda m: {"results": [entry_for(c, "a\nb") for c in calls_in(m)]}
    file = write(folder, "a.yaml", "  - tool: a\n  - tool: b", head="")

    result = run(file, "--url", hook.url)

    assert result.exit_code == 1
    assert "nothing that Vapi takes" in result.stdout
    assert "No result returned.  (Vapi took no answer)" in result.stdout
    assert "✗ a.yaml:3: the result of a has a line break: Vapi drops it [one-line]" in result.stdout


def test_what_steers_a_terminal_is_spelled_out(folder: Path, hook: Webhook) -> None:
    hook.answer = lambda m: {"results": [entry_for(c, "\x1b[2J\x07") for c in calls_in(m)]}
    file = write(folder, "a.yaml", "  - tool: a", head="")

    result = run(file, "--url", hook.url)

    assert "\x1b" not in result.stdout
    assert r"\x1b[2J" in result.stdout


def test_with_strict_a_warning_fails_too(folder: Path, hook: Webhook) -> None:
    def unnamed(message: dict[str, Any]) -> Any:
        return {"results": [{"toolCallId": c["id"], "result": "a"} for c in calls_in(message)]}

    hook.answer = unnamed
    file = write(folder, "a.yaml", "  - tool: a", head="")

    lenient, strict = run(file, "--url", hook.url), run(file, "--url", hook.url, "--strict")

    assert (lenient.exit_code, strict.exit_code) == (0, 1)
    assert "! a.yaml:3: the answer to a has no name" in lenient.stdout
    assert "all is well" in lenient.stdout
    assert "1 fault" in strict.stdout


def test_a_url_in_the_file_is_where_it_is_played(folder: Path, hook: Webhook) -> None:
    hook.answer = right
    file = write(folder, "a.yaml", "  - tool: a", head=f"url: {hook.url}")

    assert run(file).exit_code == 0


def test_a_secret_signs_what_is_sent(folder: Path, hook: Webhook) -> None:
    hook.answer = right
    file = write(folder, "a.yaml", "  - tool: a", head="")

    result = run(file, "--url", hook.url, "--secret", "MINE", MINE="the-s3cret-of-this")

    assert result.exit_code == 0
    assert hook.requests[-1].headers["x-vapi-secret"] == "the-s3cret-of-this"
    assert "the-s3cret" not in result.output


def test_a_time_limit_is_kept(folder: Path, hook: Webhook) -> None:
    def slow(message: dict[str, Any]) -> Any:
        time.sleep(0.4 if calls_in(message) else 0)
        return right(message)

    hook.answer = slow
    file = write(folder, "a.yaml", "  - tool: a", head="")

    result = run(file, "--url", hook.url, "--timeout", "0.2")

    assert result.exit_code == 1
    assert "there was no answer within 0.2 s" in result.stdout


# --- what programs read -------------------------------------------------------------------


def test_json_tells_the_same(folder: Path) -> None:
    result = run("booking.call.yaml", "--json")

    (call,) = json.loads(result.stdout)
    used = [event for event in call["events"] if event["event"] == "tool"]
    assert (call["name"], call["ok"], call["ended"]) == (
        "Mrs Green books",
        True,
        "customer-ended-call",
    )
    assert [event["tool"] for event in used] == ["find_tables", "book_table"]
    assert used[0]["arguments"] == {"day": "2026-12-24", "people": 4}
    assert all(event["faults"] == [] for event in call["events"])


def test_junit_tells_a_ci_server(folder: Path, hook: Webhook) -> None:
    hook.answer = lambda m: {"results": [entry_for(c, "\x00\x1b \x85\n") for c in calls_in(m)]}
    bad = write(folder, "bad.yaml", "  - tool: a", head="call: Bad \x85 <&> call")

    result = run("--url", hook.url, bad, "--junit", "out.xml")

    root = ElementTree.fromstring((folder / "out.xml").read_bytes())
    (case,) = root.iter("testcase")
    (failure,) = case.iter("failure")
    assert result.exit_code == 1
    assert root.attrib == {"tests": "1", "failures": "1"}
    assert case.attrib["classname"] == "bad.yaml"
    assert case.attrib["name"].endswith("<&> call")
    assert "one-line" in failure.attrib["message"]
    assert "1 fault" in (case.findtext("system-out") or "")


def test_junit_of_calls_that_are_well_has_no_failure(folder: Path) -> None:
    result = run("booking.call.yaml", "--junit", "out.xml")

    root = ElementTree.parse(folder / "out.xml").getroot()
    assert result.exit_code == 0
    assert (root.attrib["failures"], [*root.iter("failure")]) == ("0", [])


def test_a_junit_file_that_cannot_be_written_is_one_error_behind_the_calls(folder: Path) -> None:
    result = run("booking.call.yaml", "--junit", "none/out.xml")

    assert result.exit_code == 1
    assert "all is well" in result.stdout
    assert result.stderr.splitlines()[-1].startswith("Error: cannot write none/out.xml: ")


# --- several calls ------------------------------------------------------------------------


def test_each_call_has_a_bot_of_its_own(folder: Path) -> None:
    result = run("booking.call.yaml", "booking.call.yaml")

    assert result.exit_code == 0
    assert result.stdout.count("Booked as number 1.") == 2


def test_a_bot_is_found_beside_the_file_that_names_it(folder: Path) -> None:
    (folder / "calls").mkdir()
    file = write(folder / "calls", "a.yaml", "  - tool: where", head="bot: ../bot.py")

    assert run(f"calls/{file}").exit_code == 0


def test_the_command_line_counts_more_than_the_file(folder: Path) -> None:
    file = write(folder, "a.yaml", "  - tool: where", head="bot: other.py")

    assert run("bot.py", file).exit_code == 0


def test_variables_are_set_for_one_call_with_a_folder_of_its_own(folder: Path) -> None:
    head = 'bot: bot.py\nenvironment: {BOOK: "{folder}/book"}'
    mine = write(folder, "a.yaml", "  - tool: where\n    expect: {matches: .+/book$}", head)
    other = write(folder, "b.yaml", "  - tool: where\n    expect: nowhere")

    result = run(mine, other)

    assert result.exit_code == 0, result.output
    (named,) = set(re.findall(r"→ (.+)/book", result.stdout))
    assert not Path(named).exists()
    assert "BOOK" not in os.environ


# --- chaos --------------------------------------------------------------------------------


def test_chaos_says_how_to_have_it_again(folder: Path) -> None:
    result = run("booking.call.yaml", "--chaos")

    again = re.search(r"The same chaos again: --chaos --seed (\d+)", result.stdout)
    assert result.exit_code == 0
    assert again is not None
    assert "[cut, " in result.stdout
    troubles = re.findall(r"\[cut.*\]", result.stdout)
    repeated = run("booking.call.yaml", "--chaos", "--seed", again[1])
    assert re.findall(r"\[cut.*\]", repeated.stdout) == troubles


# --- a file to begin with -----------------------------------------------------------------


def test_a_new_file_is_played_as_it_is(folder: Path) -> None:
    text = re.sub(r"(?s)@tool\ndef (broken|hang).*?(?=@tool)", "", BOT)
    (folder / "bot.py").write_text(text, "utf-8")

    written = run("bot.py", "--new")
    result = run("bot.call.yaml")

    assert written.stdout.splitlines() == [
        "Wrote bot.call.yaml",
        "Play it: vapitools play bot.call.yaml",
    ]
    assert result.exit_code == 0, result.output
    assert "all is well" in result.stdout


def test_a_new_file_elsewhere_names_the_bot_from_there(folder: Path) -> None:
    (folder / "calls").mkdir()

    result = run("bot.py", "calls/first.yaml", "--new")

    script = read_script((folder / "calls" / "first.yaml").read_text("utf-8"))
    assert result.exit_code == 0
    assert script.bot == "../bot.py"
    assert {call.tool for call in script.tool_calls} >= {"find_tables", "book_table"}


def test_a_new_file_says_who_answers_where_there_are_several(folder: Path) -> None:
    assistants = "\nfrom vapitools import Assistant\na = Assistant(name='Ann', tools=[where])\n"
    (folder / "bot.py").write_text(f"{BOT}{assistants}b = Assistant(name='Ben', tools=[where])")

    run("bot.py", "--new")

    assert read_script((folder / "bot.call.yaml").read_text("utf-8")).assistant == "Ann"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bot.py", "booking.call.yaml", "--new"], "booking.call.yaml is there already"),
        (["bot.py", "none/a.yaml", "--new"], "cannot write none/a.yaml: "),
        (["--new"], "--new needs a bot"),
        (["bot.py", "a.yaml", "b.yaml", "--new"], "--new writes one file"),
        (["bot.py", "--new", "--from", "x"], "either --new or --from"),
        (["none.py", "--new"], "none.py"),
    ],
)
def test_a_new_file_that_cannot_be_written_is_one_error(
    folder: Path, words: list[str], said: str
) -> None:
    before = (folder / "booking.call.yaml").read_text("utf-8")

    result = run(*words)

    assert result.exit_code in (1, 2)
    assert said in result.stderr
    assert (folder / "booking.call.yaml").read_text("utf-8") == before


# --- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name a call file, such as booking.call.yaml; vapitools play bot.py --new"),
        (["bot.py"], 2, "vapitools play bot.py --new writes one"),
        (["a.call.yam"], 2, "a.call.yam: a call file ends in .yaml or .yml"),
        (["bot.py", "other.py", "a.yaml"], 2, "one bot at a time: bot.py or other.py"),
        (["none.yaml"], 2, "there is no file none.yaml"),
        (["bookin.call.yaml"], 2, "Did you mean 'booking.call.yaml'?"),
        (["bad.yaml"], 2, "bad.yaml:3: there is no step 'tol'. Did you mean 'tool'?"),
        (["nowhere.yaml"], 2, "say what is played against: vapitools play bot.py nowhere.yaml"),
        (["misfit.yaml"], 1, "misfit.yaml:3: there is no tool 'boo_table'. Did you mean 'book_"),
        (["nowhere.yaml", "--url", "http://127.0.0.1:1"], 1, "nothing answers at http://127.0.0"),
        (["nowhere.yaml", "--url", "luigi.com"], 2, "--url must begin with https:// or http://"),
        (["nowhere.yaml", "--url", "http://[::1"], 1, "the URL cannot be read"),
        (["none.py", "nowhere.yaml"], 2, "none.py"),
        (["bot.py", "nowhere.yaml", "--timeout", "0"], 2, "--timeout"),
        (
            ["bot.py", "nowhere.yaml", "--url", "http://a", "--secret", "NONE"],
            2,
            "there is none of the name given",
        ),
        (["app.py", "nowhere.yaml"], 2, "app.py is an app; serve it (vapitools serve app.py)"),
        (["fails.py", "nowhere.yaml"], 1, "its lifespan failed: OSError: no database"),
        (["exits.py", "nowhere.yaml"], 1, "its lifespan failed: SystemExit: no database"),
    ],
)
def test_what_stops_the_command_is_one_line(
    folder: Path, words: list[str], code: int, said: str
) -> None:
    write(folder, "bad.yaml", "  - tol: a")
    write(folder, "nowhere.yaml", "  - caller: Hi", head="call: A")
    write(folder, "misfit.yaml", "  - tool: boo_table")
    (folder / "app.py").write_text(
        "from starlette.applications import Starlette\napp = Starlette()"
    )
    lifespan = (
        "from contextlib import asynccontextmanager\nfrom vapitools import tool\n"
        "@tool\ndef a() -> str:\n    'A.'\n    return 'a'\n"
        "@asynccontextmanager\nasync def lifespan(app):\n    raise {}('no database')\n    yield\n"
    )
    (folder / "fails.py").write_text(lifespan.format("OSError"))
    (folder / "exits.py").write_text(lifespan.format("SystemExit"))

    result = run(*words)

    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""


def test_debug_shows_what_is_behind_an_error(folder: Path) -> None:
    (folder / "bot.py").write_text("import nothing_like_this", "utf-8")

    plain, debug = run("booking.call.yaml"), run("booking.call.yaml", "--debug")

    assert "Traceback" not in plain.stderr
    assert "Traceback" in debug.stderr
    assert plain.exit_code == debug.exit_code


def test_the_log_of_a_lifespan_that_fails_is_kept_apart(folder: Path) -> None:
    """The server logs a traceback of its own, where nobody has set up a log."""
    (folder / "bot.py").write_text(
        "from contextlib import asynccontextmanager\nfrom vapitools import tool\n"
        "@tool\ndef a() -> str:\n    'A.'\n    return 'a'\n"
        "@asynccontextmanager\nasync def lifespan(app):\n"
        "    raise OSError('no database')\n    yield\n"
    )
    file = write(folder, "a.yaml", "  - tool: a")

    process = start(folder, file)
    output, errors = process.communicate(timeout=20)

    assert (process.returncode, output) == (1, "")
    assert errors.splitlines() == ["Error: its lifespan failed: OSError: no database"]


def test_a_server_that_speaks_another_protocol_is_told(folder: Path) -> None:
    file = write(folder, "a.yaml", "  - tool: a", head="server_messages: []")

    with raw(lambda number: response("200 OK", b"", content_encoding="gzip")) as url:
        result = run(file, "--url", url)

    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_ctrl_c_ends_the_command_at_once(folder: Path) -> None:
    file = write(folder, "a.yaml", "  - tool: hang\n" * 20)

    process = start(folder, file)
    assert process.stderr is not None
    until(lambda: "hanging" in process.stderr.readline())  # type: ignore[union-attr]
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)

    assert process.returncode == 130
    assert "Traceback" not in output + errors
