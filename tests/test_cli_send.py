"""`vapitools send`: one body, posted as Vapi does, and what is wrong with the answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import HTMLResponse, Response
from typer.testing import CliRunner, Result

from vapitools.cli import app

from .conftest import shared
from .webhooks import Webhook, calls_in, entry_for, right, webhook
from .wire import RECORDED, entry, tool_calls

BOT = '''
from vapitools import ToolError, tool

print("loading")


@tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    print("adding")
    return a + b
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the commands run, with a bot in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in [name for name in os.environ if name.startswith("VAPI")]:
        monkeypatch.delenv(name)
    (tmp_path / "bot.py").write_text(BOT, "utf-8")
    yield tmp_path
    sys.modules.pop("bot", None)


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    with webhook(right) as served:
        yield served


def run(*words: str, stdin: bytes | None = None, **environ: str) -> Result:
    return CliRunner().invoke(app, ["send", *words], input=stdin, env=environ)


def write(folder: Path, body: Any, name: str = "body.json") -> str:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    (folder / name).write_bytes(content)
    return name


BODY = tool_calls(entry("add", {"a": 2}))


def test_a_body_is_answered_by_a_bot(folder: Path) -> None:
    result = run("bot.py", write(folder, BODY))

    first, *answer = result.stdout.splitlines()
    assert result.exit_code == 0
    assert first.startswith("status 200, ")
    assert json.loads("\n".join(answer)) == {
        "results": [{"name": "add", "toolCallId": "call_1", "result": "3"}]
    }
    assert "adding" in result.stderr


def test_a_body_is_sent_byte_for_byte(folder: Path, hook: Webhook) -> None:
    hook.answer = right
    content = b' {"message":\n{"type": "hang", "x": 1.50}} '

    result = run(write(folder, content), "--url", hook.url)

    assert result.exit_code == 0
    assert hook.bodies[-1] == content


def test_a_body_comes_from_stdin(folder: Path, hook: Webhook) -> None:
    hook.answer = right

    result = run("-", "--url", hook.url, stdin=json.dumps(BODY).encode())

    assert result.exit_code == 0
    assert json.loads(hook.bodies[-1]) == BODY


def test_json_tells_programs(folder: Path) -> None:
    result = run("bot.py", write(folder, BODY), "--json")

    told = json.loads(result.stdout)
    assert told.pop("seconds") >= 0
    assert told == {
        "status": 200,
        "answer": {"results": [{"name": "add", "toolCallId": "call_1", "result": "3"}]},
        "faults": [],
    }


def test_the_header_has_the_calls_id_where_it_can(folder: Path, hook: Webhook) -> None:
    hook.answer = right
    ids = ["c-1", "é\r\nX: 1", None]

    for id_ in ids:
        run(write(folder, tool_calls(entry("add"), call_id=id_)), "--url", hook.url)

    assert [r.headers["x-call-id"] for r in hook.requests[-3:]] == ["c-1", "unknown", "unknown"]


def test_it_is_signed_with_the_secret(folder: Path, hook: Webhook) -> None:
    hook.answer = right

    result = run(write(folder, BODY), "--url", hook.url, "--secret", "MINE", MINE="a-s3cret-of-it")

    assert hook.requests[-1].headers["x-vapi-secret"] == "a-s3cret-of-it"
    assert "s3cret" not in result.output


# --- wrong answers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda m: {"results": []}, "✗ add was not answered: the model waits"),
        (
            lambda m: {"results": [entry_for(c, "a\nb") for c in calls_in(m)]},
            "✗ the result of add has a line break: Vapi drops it [one-line]",
        ),
        (lambda m: HTMLResponse("<h1>\x1bHi</h1>\n<p>"), "✗ the answer is a web page"),
        (lambda m: Response("", 500), "status 500"),
        (lambda m: Response("[" * 100_000), "✗ the answer is no JSON"),
    ],
)
def test_a_wrong_answer_is_told(folder: Path, hook: Webhook, answer: Any, said: str) -> None:
    hook.answer = answer

    result = run(write(folder, BODY), "--url", hook.url)

    assert result.exit_code == 1
    assert said in result.stdout
    assert "\x1b" not in result.stdout
    assert len(result.stdout) < 5000


def test_a_warning_is_no_failure(folder: Path, hook: Webhook) -> None:
    hook.answer = lambda m: {
        "results": [{"toolCallId": c["id"], "result": "3"} for c in calls_in(m)]
    }

    result = run(write(folder, BODY), "--url", hook.url)

    assert result.exit_code == 0
    assert "! the answer to add has no name" in result.stdout


@pytest.mark.parametrize(
    ("type_", "answer", "code"),
    [
        ("assistant-request", {"assistantId": "a"}, 0),
        ("assistant-request", {}, 1),
        ("transfer-destination-request", {"error": "No."}, 0),
        ("transfer-destination-request", {}, 1),
        ("function-call", {"result": "3"}, 0),
        ("function-call", {"results": []}, 1),
        ("status-update", {}, 0),
        ("something.new", {}, 0),
    ],
)
def test_each_type_of_message_is_judged_by_its_own_rules(
    folder: Path, hook: Webhook, type_: str, answer: Any, code: int
) -> None:
    hook.answer = lambda m: answer
    call = {"functionCall": {"name": "add", "parameters": {}}}
    body = {"message": {"type": type_, **(call if type_ == "function-call" else {})}}

    result = run(write(folder, body), "--url", hook.url)

    assert result.exit_code == code, result.output


def test_what_wants_no_answer_may_be_answered_with_a_text(folder: Path, hook: Webhook) -> None:
    hook.answer = lambda m: Response("OK")

    result = run(write(folder, {"message": {"type": "hang"}}), "--url", hook.url)

    assert (result.exit_code, "OK" in result.stdout) == (0, True)


def test_calls_without_ids_are_judged_in_their_order(folder: Path, hook: Webhook) -> None:
    hook.answer = lambda m: {"results": [{"name": "a", "result": "1"}, {"name": "b"}]}
    body = tool_calls({"name": "a"}, {"name": "b"})

    result = run(write(folder, body), "--url", hook.url)

    assert "the answer to b has neither result nor error" in result.stdout
    assert "once" not in result.stdout


def test_a_body_that_is_no_message_is_sent_all_the_same(folder: Path) -> None:
    result = run("bot.py", write(folder, b"{"))

    assert result.exit_code == 1
    assert "✗ the body: the status was 400" in result.stdout


# --- bodies of others ---------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_body_is_answered_right_by_a_bot_of_ours(folder: Path, name: str) -> None:
    result = run("bot.py", write(folder, RECORDED[name]))

    assert result.exit_code == 0, result.output
    assert "✗" not in result.stdout


def test_a_captured_body_is_answered_right_by_a_bot_of_ours(folder: Path) -> None:
    path = shared("payloads/01_tool-calls_captured_2025-11_all-three-lists_object-args.json")

    result = run("bot.py", str(path))

    assert result.exit_code == 0, result.output


def test_a_bug_in_a_tool_is_shown_with_its_place(folder: Path) -> None:
    (folder / "bot.py").write_text(BOT.replace("return a + b", "raise KeyError(a)"), "utf-8")

    result = run("bot.py", write(folder, tool_calls(entry("add", {"a": 1}))))

    assert "bot.py:11: KeyError: 1" in result.stderr


def test_what_is_no_message_of_vapis_is_said(folder: Path) -> None:
    result = run("bot.py", write(folder, {"day": "2026-12-24"}))

    assert result.exit_code == 0
    assert "Note: the body is no message of Vapi's" in result.stderr


# --- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bot.py"], 2, "name a bot and one body: vapitools send bot.py body.json"),
        (["bot.py", "a.json", "b.json"], 2, "name a bot and one body"),
        (["bot.py", "other.py", "a.json"], 2, "name a bot and one body"),
        (["bot.py", "none.json"], 2, "none.json: No such file"),
        (["bot.py", "large.json"], 2, "a body has at most 10485760 bytes"),
        (["body.json"], 2, "say what is played against: a bot, or --url"),
        (["body.json", "--url", "luigi.com"], 2, "--url must begin with"),
        (["body.json", "--url", "http://127.0.0.1:1"], 1, "nothing answers at http://127.0.0.1:1"),
        (["none.py", "body.json"], 2, "none.py"),
    ],
)
def test_what_stops_the_command_is_one_line(
    folder: Path, words: list[str], code: int, said: str
) -> None:
    write(folder, BODY)
    if "large.json" in words:
        write(folder, b" " * 10_485_761, "large.json")

    result = run(*words)

    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output
