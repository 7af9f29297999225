"""`vapitools apply`: what it does, what it asks, and what is left when it is stopped."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .deploying import SECRET, URL, Desk, at_desk
from .servers import until

pty = pytest.importorskip("pty")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with at_desk(tmp_path, monkeypatch) as desk:
        yield desk


CREATING = ["POST /tool", "POST /tool", "POST /assistant"]


def creates(desk: Desk) -> list[str]:
    """What was made, without the corrections of a mark that follow."""
    return [write for write in desk.writes() if write.startswith("POST")]


# --- doing it -----------------------------------------------------------------------------


def test_what_is_declared_is_brought_to_vapi(desk: Desk) -> None:
    result = desk.apply()

    find, book = desk.the("tool", "find_tables"), desk.the("tool", "book_table")
    luigi = desk.the("assistant", "Luigi")
    assert result.exit_code == 0
    assert result.stdout == (
        "https://luigi.example.com\n"
        "+ create tool find_tables\n"
        "+ create tool book_table\n"
        "+ create assistant 'Luigi'\n"
        "3 to create.\n"
        f"created tool find_tables ({find['id']})\n"
        f"created tool book_table ({book['id']})\n"
        f"created assistant 'Luigi' ({luigi['id']})\n"
        "Done.\n"
        f"assistant 'Luigi' is {luigi['id']}\n"
        "Next: in the dashboard, under Phone Numbers, let a number lead there.\n"
    )
    assert luigi["model"]["toolIds"] == [find["id"], book["id"]]
    assert luigi["server"] == {"url": f"{URL}/webhook", "secret": SECRET}
    assert book["server"]["url"] == f"{URL}/tools/book_table"


def test_a_second_time_nothing_is_written(desk: Desk) -> None:
    desk.apply()
    before = desk.writes()

    result = desk.apply()

    assert result.exit_code == 0
    assert result.stdout == "https://luigi.example.com\nNothing to do: 3 unchanged.\n"
    assert desk.writes() == before


@pytest.mark.parametrize(
    "number",
    [{"assistantId": "the-assistant"}, {"server": {"url": f"{URL}/webhook"}}],
    ids=["of the assistant", "that asks this server"],
)
def test_what_comes_next_is_said_only_where_no_number_leads_there(
    desk: Desk, number: dict[str, Any]
) -> None:
    desk.vapi.add("phone-number", {"assistantId": "another", "server": None})
    body = {"id": "the-assistant", "name": "Luigi", "model": {"messages": []}}
    desk.vapi.add("assistant", body)
    desk.apply("--adopt", "--env", "staging")
    desk.vapi.add("phone-number", number)
    desk.write(('name="Luigi"', 'name="Luigi II"'))

    result = desk.apply()

    leads = "server" in number
    assert ("Next: " in result.stdout) is not leads
    assert result.exit_code == 0


def test_a_number_that_leads_to_what_is_new_needs_no_hint(desk: Desk) -> None:
    def connect(request: Any) -> None:
        for id in desk.vapi.assistants:
            desk.vapi.edit("phone-number", number, assistantId=id)

    number = desk.vapi.add("phone-number", {})["id"]
    desk.vapi.on_request(connect)

    assert "Next: " not in desk.apply().stdout


def test_what_was_done_is_done_though_the_numbers_cannot_be_read(desk: Desk) -> None:
    desk.vapi.fail("GET", "/phone-number", status=403)

    result = desk.apply()

    assert (result.exit_code, result.stderr) == (0, "loading\n")
    assert result.stdout.endswith(f"'Luigi' is {desk.the('assistant', 'Luigi')['id']}\n")


def test_the_secret_is_rotated(desk: Desk) -> None:
    desk.apply()

    result = desk.apply(VAPI_SERVER_SECRET="the-next-secret")

    assert result.exit_code == 0
    assert f"changed assistant 'Luigi' ({desk.the('assistant', 'Luigi')['id']})\n" in result.stdout
    for server in (desk.the("tool", "book_table"), desk.the("assistant", "Luigi")):
        assert server["server"]["secret"] == "the-next-secret"


def test_what_was_made_elsewhere_is_adopted(desk: Desk) -> None:
    id = desk.vapi.add("assistant", {"name": "Luigi", "voice": {"provider": "vapi"}})["id"]

    result = desk.apply("--adopt")

    assert result.exit_code == 0
    assert f"adopted assistant 'Luigi' ({id})\n" in result.stdout
    assert "Next: " not in result.stdout
    assert desk.the("assistant", "Luigi")["voice"] == {"provider": "vapi"}


def test_prune_deletes_what_is_no_longer_declared(desk: Desk) -> None:
    desk.apply()
    id = desk.the("tool", "book_table")["id"]
    mario = desk.vapi.add("assistant", {"name": "Mario", "model": {"toolIds": [id]}})["id"]
    desk.write(("[find_tables, book_table, ", "[find_tables, "))

    result = desk.apply("--prune")

    assert result.exit_code == 0
    assert f"detached from assistant 'Mario' ({mario})\n" in result.stdout
    assert f"deleted tool book_table ({id})\n" in result.stdout
    assert id not in desk.vapi.tools


def test_nothing_is_done_while_there_is_a_problem(desk: Desk) -> None:
    desk.vapi.add("assistant", {"name": "Luigi"})

    result = desk.apply()

    assert result.exit_code == 1
    assert "\nProblem: " in result.stdout
    assert desk.writes() == []


# --- asking -------------------------------------------------------------------------------


def test_where_nobody_can_be_asked_the_plan_is_shown_and_nothing_done(desk: Desk) -> None:
    result = desk.run("apply")

    assert result.exit_code == 2
    assert result.stdout.endswith("3 to create.\n")
    assert "--yes applies without asking" in result.stderr
    assert desk.writes() == []


@contextlib.contextmanager
def typing(desk: Desk, answer: bytes) -> Iterator[subprocess.Popen[str]]:
    """`vapitools apply` at a terminal, where this is typed when it asks."""
    ours, theirs = pty.openpty()
    process = desk.start(
        "apply", "bot.py", stdin=theirs, stdout=subprocess.PIPE, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        heard = b""
        while b"[y/N]" not in heard:
            assert select.select([ours], [], [], 30)[0], heard
            heard += os.read(ours, 1024)
        os.write(ours, answer)
        yield process
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize(
    ("answer", "code", "made"),
    [(b"y\n", 0, CREATING), (b"n\n", 2, []), (b"\n", 2, [])],
    ids=["yes", "no", "nothing"],
)
def test_at_a_terminal_it_asks(desk: Desk, answer: bytes, code: int, made: list[str]) -> None:
    with typing(desk, answer) as process:
        out, _ = process.communicate(timeout=30)

    assert process.returncode == code
    assert "3 to create.\n" in out
    assert creates(desk) == made


# --- JSON ---------------------------------------------------------------------------------


def test_json_says_what_was_done(desk: Desk) -> None:
    result = desk.apply("--json")

    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert result.stderr == "loading\n"
    assert answer["summary"]["create"] == 3
    assert answer["done"][2] == {
        "kind": "assistant",
        "name": "Luigi",
        "action": "create",
        "id": desk.the("assistant", "Luigi")["id"],
    }


def test_json_without_yes_is_the_plan(desk: Desk) -> None:
    result = desk.run("apply", "--json")

    answer = json.loads(result.stdout)
    assert result.exit_code == 2
    assert (answer["summary"]["create"], answer["done"]) == (3, [])


def test_json_asks_nobody_at_a_terminal_either(desk: Desk) -> None:
    ours, theirs = pty.openpty()
    words = ["apply", "bot.py", "--json"]
    process = desk.start(*words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    out, _ = process.communicate(timeout=30)

    assert process.returncode == 2
    assert json.loads(out)["done"] == []
    os.close(theirs)
    os.close(ours)


def test_json_is_whole_when_a_step_fails(desk: Desk) -> None:
    desk.vapi.fail("POST", "/assistant", status=400)

    result = desk.apply("--json")

    assert result.exit_code == 1
    assert [each["name"] for each in json.loads(result.stdout)["done"]] == [
        "find_tables",
        "book_table",
    ]
    assert "Error: create assistant 'Luigi': POST /assistant: 400" in result.stderr


def test_json_holds_the_problems(desk: Desk) -> None:
    desk.vapi.add("assistant", {"name": "Luigi"})

    result = desk.apply("--json")

    (problem,) = json.loads(result.stdout)["problems"]
    assert result.exit_code == 1
    assert f"Problem: {problem}\n" in result.stderr


# --- half way -----------------------------------------------------------------------------


def test_a_failure_says_what_was_done_and_can_be_gone_on_from(desk: Desk) -> None:
    desk.vapi.fail("POST", "/assistant", status=400, body={"message": f"no {SECRET}"})

    result = desk.apply()

    assert result.exit_code == 1
    assert "Error: create assistant 'Luigi': POST /assistant: 400: " in result.stderr
    assert f"created tool 'book_table' ({desk.the('tool', 'book_table')['id']})" in result.stderr
    assert "safe to plan and apply again" in result.stderr
    assert SECRET not in result.stderr + result.stdout
    assert desk.apply().exit_code == 0
    assert len(desk.vapi.tools) == 2


def interrupted(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a process said that Ctrl-C has ended."""
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return out, err.removeprefix("loading\n")


def started(desk: Desk) -> subprocess.Popen[str]:
    return desk.start("apply", "bot.py", "--yes", stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_an_interrupt_says_what_was_done_and_can_be_gone_on_from(desk: Desk) -> None:
    desk.vapi.hang("POST", "/tool", after=1, done=True)
    process = started(desk)
    until(lambda: len(creates(desk)) == 2)

    _, err = interrupted(process)

    assert process.returncode == 130
    assert err == (
        "Error: interrupted. Done so far: created tool find_tables "
        f"({desk.the('tool', 'find_tables')['id']}). The next step may be done, too. "
        "It is safe to plan and apply again: that goes on from here.\n"
    )
    assert desk.apply().exit_code == 0
    assert len(desk.vapi.tools) == 2


def test_an_interrupt_before_the_first_write_says_that_nothing_was_done(desk: Desk) -> None:
    desk.vapi.hang("GET", "/tool")
    process = started(desk)
    until(lambda: desk.vapi.requests)

    _, err = interrupted(process)

    assert process.returncode == 130
    assert err == "Error: interrupted; nothing was done\n"


def test_an_interrupt_of_the_first_write_claims_nothing(desk: Desk) -> None:
    desk.vapi.hang("POST", "/tool")
    process = started(desk)
    until(lambda: creates(desk))

    _, err = interrupted(process)

    assert process.returncode == 130
    assert err.startswith("Error: interrupted. Done so far: nothing for certain. The next step")


def test_an_interrupt_of_the_question_does_nothing(desk: Desk) -> None:
    with typing(desk, b"") as process:
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=30)

    assert process.returncode == 130
    assert desk.writes() == []


def test_what_is_said_at_a_terminal_comes_step_by_step(desk: Desk) -> None:
    desk.vapi.hang("POST", "/tool", after=1)
    process = started(desk)
    assert process.stdout is not None

    lines = [process.stdout.readline() for _ in range(6)]

    assert lines[-1].startswith("created tool find_tables (")
    interrupted(process)
