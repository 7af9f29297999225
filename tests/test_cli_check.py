"""`vapitools check`: what it prints, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from vapitools import SharedSecret, Toolset, router, tool
from vapitools.cli import app
from vapitools.testing import FakeVapi

from .live import serving

BOT = '''
from vapitools import Assistant, tool

print("loading")


@tool
def find_tables() -> str:
    """Find free tables for today."""
    raise AssertionError("it ran")


luigi = Assistant(
    name="Luigi",
    model="openai/gpt-4o",
    system_prompt="You take bookings. Use find_tables.",
    tools=[find_tables],
)
'''
UNDESCRIBED = "\n\n@tool\ndef book() -> str: ...\n\n\nmore = [book]\n"
LEFT_OVER = '\n\n@tool\ndef book() -> str:\n    """Book a table for today."""\n'
EVENTS = """

from vapitools import Events

events = Events()


@events.on("hang")
def hang(message): ...
"""
SQUAD = """

from vapitools import Squad

squad = Squad("Both", [luigi])
"""
TWICE = "\n\nother = Assistant(name='Luigi')\n"
SECRET = "s3cret-of-the-server"
KEY = "test-key"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that the command is started from, with nothing else set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("VAPI_API_KEY", "VAPI_BASE_URL", "VAPITOOLS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAPI_SERVER_SECRET", SECRET)
    yield tmp_path
    sys.modules.pop("bot", None)


def check(code: str, *words: str) -> Result:
    """Check a bot."""
    Path("bot.py").write_text(code)
    sys.modules.pop("bot", None)
    return CliRunner().invoke(app, ["check", "bot.py", *words])


def codes(code: str, *words: str) -> list[str]:
    """The codes of what is found in a bot, without that it is served on this machine."""
    found = json.loads(check(code, "--json", *words).stdout)
    return [finding["code"] for finding in found if finding["code"] != "local-url"]


def test_of_a_sound_bot_there_is_nothing_to_say() -> None:
    result = check(BOT)

    assert (result.exit_code, result.stdout) == (0, "nothing to say\n")
    assert result.stderr == "loading\n"


def test_each_finding_is_a_line_that_begins_with_its_place() -> None:
    result = check(BOT + UNDESCRIBED)

    line, summary = result.stdout.splitlines()
    assert line.startswith("bot.py:21: warning: tool book: the model is not told what it does;")
    assert line.endswith("[no-description]")
    assert summary == "1 warning"


def test_the_summary_counts_by_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAPI_SERVER_SECRET", "")

    summary = check(BOT + UNDESCRIBED + UNDESCRIBED.replace("book", "look") + TWICE)

    assert summary.stdout.splitlines()[-1] == "1 error, 2 warnings, 1 note"


@pytest.mark.parametrize(
    ("code", "words", "exit_code"),
    [
        (BOT, ["--strict"], 0),
        (BOT + LEFT_OVER, ["--strict"], 0),
        (BOT + UNDESCRIBED, [], 0),
        (BOT + UNDESCRIBED, ["--strict"], 1),
        (BOT + UNDESCRIBED, ["--strict", "--json"], 1),
        (BOT + TWICE, [], 1),
        (BOT + TWICE, ["--json"], 1),
    ],
)
def test_the_exit_code_is_for_errors_and_strictly_for_warnings(
    code: str, words: list[str], exit_code: int
) -> None:
    assert check(code, *words).exit_code == exit_code


def test_a_name_cannot_write_on_the_terminal() -> None:
    twice = "\n\na = Assistant(name='Lu\\x1b[2J\\ngi')\nb = Assistant(name='Lu\\x1b[2J\\ngi')\n"

    lines = check(BOT + twice).stdout.splitlines()

    assert len(lines) == 2
    assert lines[0].startswith(r"error: assistant Lu\x1b[2J\ngi: there are 2")


def test_what_is_left_over_in_the_module_is_found() -> None:
    assert codes(BOT + LEFT_OVER) == ["unused-tool"]


def test_programs_get_json() -> None:
    (finding,) = json.loads(check(BOT + UNDESCRIBED, "--json").stdout)

    assert finding["place"] == "bot.py:21"
    assert (finding["code"], finding["level"]) == ("no-description", "warning")
    assert json.loads(check(BOT, "--json").stdout) == []


@pytest.mark.parametrize(
    ("code", "words", "exit_code", "text"),
    [
        ("1 / 0", [], 1, "bot.py:1: ZeroDivisionError"),
        ("x = 1", [], 1, "there are no tools"),
        (BOT, ["--live"], 2, "--url"),
        (BOT, ["--live", "--url", "luigi"], 2, "--url must"),
        (BOT, ["--live", "--url", "http://a.invalid", "--secret", "NO"], 2, "--secret takes"),
    ],
)
def test_what_cannot_be_checked_is_said_in_one_line(
    code: str, words: list[str], exit_code: int, text: str
) -> None:
    result = check(code, *words)

    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert text in result.stderr
    assert "Traceback" not in result.stderr


# --- live ---------------------------------------------------------------------------------


@tool
def find_tables() -> str:
    """Find free tables for today."""
    return "none"


@pytest.fixture
def url() -> Iterator[str]:
    """Where a bot is served."""
    with serving(router([find_tables], auth=SharedSecret(SECRET))) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def vapi(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeVapi]:
    """Vapi's API, and the key to it."""
    fake = FakeVapi(KEY)
    with fake.serve() as address:
        monkeypatch.setenv("VAPI_BASE_URL", address)
        monkeypatch.setenv("VAPI_API_KEY", KEY)
        yield fake


def apply(url: str, *words: str, code: str = BOT) -> None:
    """Bring a bot to Vapi."""
    Path("bot.py").write_text(code)
    sys.modules.pop("bot", None)
    result = CliRunner().invoke(app, ["apply", "bot.py", "--url", url, "--yes", *words])
    assert result.exit_code == 0, result.output


def test_without_a_key_only_the_server_is_asked(url: str) -> None:
    result = check(BOT, "--live", "--url", url)

    assert result.exit_code == 0
    assert [line.rpartition("[")[2] for line in result.stdout.splitlines()] == [
        "local-url]",
        "not-checked]",
        "1 warning, 1 note",
    ]


def test_the_url_comes_from_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAPITOOLS_URL", url)

    assert codes(BOT, "--live") == ["not-checked"]


def test_what_is_live_is_not_asked_without_the_flag(vapi: FakeVapi) -> None:
    assert codes(BOT, "--url", "http://nowhere.invalid") == []
    assert vapi.requests == []


def test_a_secret_that_the_server_refuses_is_found(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", "other-secret")

    result = check(BOT, "--live", "--url", url, "--secret", "OTHER")

    assert result.exit_code == 1
    assert "[wrong-secret]" in result.stdout
    assert "other-secret" not in result.output
    assert SECRET not in result.output


def test_what_is_not_at_vapi_yet_is_found(url: str, vapi: FakeVapi) -> None:
    result = check(BOT, "--live", "--url", url, "--json")

    found = [(f["code"], f["subject"]) for f in json.loads(result.stdout)[1:]]
    assert found == [
        ("not-registered", "tool find_tables"),
        ("not-registered", "assistant Luigi"),
    ]
    assert result.exit_code == 1
    assert vapi.writes == []


def test_of_what_was_applied_there_is_nothing_to_say(url: str, vapi: FakeVapi) -> None:
    apply(url)
    written = len(vapi.writes)

    result = check(BOT, "--live", "--url", url)

    assert result.stdout.splitlines()[1:] == ["1 warning"]
    assert len(vapi.writes) == written
    assert SECRET not in result.output
    assert KEY not in result.output


@pytest.mark.parametrize("more", [EVENTS, SQUAD], ids=["events", "squad"])
def test_all_that_is_declared_is_compared(url: str, vapi: FakeVapi, more: str) -> None:
    apply(url, code=BOT + more)

    assert codes(BOT + more, "--live", "--url", url) == []
    assert codes(BOT, "--live", "--url", url) != [] or more is SQUAD


def test_a_squad_that_is_not_at_vapi_is_found(url: str, vapi: FakeVapi) -> None:
    apply(url)

    assert codes(BOT + SQUAD, "--live", "--url", url) == ["not-registered"]


def test_each_stage_is_compared_by_itself(url: str, vapi: FakeVapi) -> None:
    apply(url, "--env", "staging")

    assert codes(BOT, "--live", "--url", url, "--env", "staging") == []
    assert set(codes(BOT, "--live", "--url", url)) != set()


def test_a_credential_at_vapi_can_stand_for_the_secret(url: str, vapi: FakeVapi) -> None:
    credential = "6f1d0cf4-7b0f-4c1b-9a4e-5a1f8f5f8b11"
    apply(url, "--credential-id", credential)

    assert codes(BOT, "--live", "--url", url, "--credential-id", credential) == []
    assert "not-applied" in codes(BOT, "--live", "--url", url)


def one(bodies: dict[str, Any]) -> dict[str, Any]:
    """The only one."""
    (body,) = bodies.values()
    return dict(body)


def model_with(vapi: FakeVapi, **fields: Any) -> None:
    """Write into the model of the assistant, as the dashboard does."""
    assistant = one(vapi.assistants)
    vapi.edit("assistant", assistant["id"], model={**assistant["model"], **fields})


def test_what_has_changed_at_vapi_is_found(url: str, vapi: FakeVapi) -> None:
    apply(url)
    vapi.edit("assistant", one(vapi.assistants)["id"], model=None)

    assert "conflict" in codes(BOT, "--live", "--url", url)


def test_what_has_changed_in_the_code_is_found(url: str, vapi: FakeVapi) -> None:
    apply(url)
    changed = BOT.replace("for today", "for tonight").replace("You take", "You love")

    result = check(changed, "--live", "--url", url)

    lines = result.stdout.splitlines()[1:-1]
    assert [line.rpartition("[")[2] for line in lines] == ["not-applied]"] * 2
    assert "(function.description)" in lines[0]
    assert "(model.messages" in lines[1]


def test_a_tool_that_is_new_is_not_registered_and_not_attached(url: str, vapi: FakeVapi) -> None:
    apply(url)
    book = '\n@tool\ndef book() -> str:\n    """Book a table for today."""\n\n\nluigi'
    more = BOT.replace("\nluigi", book, 1).replace("[find_tables]", "[find_tables, book]")
    more = more.replace("Use find", "Use book, find")

    result = check(more, "--live", "--url", url)

    assert "tool book: it is not at Vapi" in result.stdout
    assert "assistant Luigi: at Vapi it lacks book;" in result.stdout
    assert "not-applied" not in result.stdout or "toolIds" not in result.stdout


def test_a_tool_that_is_gone_from_the_code_is_left_over(url: str, vapi: FakeVapi) -> None:
    book = '\n@tool\ndef book() -> str:\n    """Book a table for today."""\n\n\nluigi'
    more = BOT.replace("\nluigi", book, 1).replace("[find_tables]", "[find_tables, book]")
    apply(url, code=more)

    assert "left-over" in codes(BOT, "--live", "--url", url)


def test_a_tool_of_the_same_name_is_a_conflict(url: str, vapi: FakeVapi) -> None:
    definition = Toolset([find_tables]).definitions(base_url="https://other.example.com")[0]
    vapi.add("tool", definition)

    assert "conflict" in codes(BOT, "--live", "--url", url)


def test_an_id_that_does_not_exist_and_a_pin_are_found(url: str, vapi: FakeVapi) -> None:
    apply(url)
    id_ = one(vapi.tools)["id"]
    model_with(vapi, toolRefs=[{"toolId": id_, "version": 1}])
    vapi.edit("assistant", one(vapi.assistants)["id"])

    found = codes(BOT, "--live", "--url", url)

    assert found == ["broken-at-vapi"]


@pytest.mark.parametrize(("status", "text"), [(401, "VAPI_API_KEY"), (404, "404")])
def test_that_vapi_refuses_is_found(url: str, vapi: FakeVapi, status: int, text: str) -> None:
    vapi.fail(status=status, times=10)

    result = check(BOT, "--live", "--url", url)

    assert result.exit_code == 1
    assert "[api-error]" in result.stdout
    assert text in result.stdout
    assert KEY not in result.output


def test_an_assistant_without_a_name_cannot_be_compared(url: str, vapi: FakeVapi) -> None:
    result = check(BOT.replace('name="Luigi",', ""), "--live", "--url", url)

    assert "what is at Vapi was not compared: an assistant needs a name" in result.stdout
    assert vapi.requests == []
