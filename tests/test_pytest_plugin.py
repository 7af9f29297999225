"""What comes with the package for pytest."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vapitools import CallContext
from vapitools.client import VapiClient
from vapitools.testing import FakeVapi, RecordingControl

BOT = """
from vapitools import tool

@tool
def opening_hours() -> str:
    "Say when it is open."
    return "From 18:00 to 23:00."

@tool
def fail() -> str:
    "Has a bug."
    raise KeyError("x")
"""


def run_pytest(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", **environ},
        capture_output=True,
        encoding="utf-8",
    )


def write(folder: Path, **files: str) -> None:
    """Files of a project: `bot` is bot.py, the others are call files."""
    for name, text in files.items():
        suffix = "py" if name == "bot" or name.startswith("test_") else "call.yaml"
        (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")


def test_a_fake_vapi_is_where_the_environment_leads_to(fake_vapi: FakeVapi) -> None:
    async def register() -> None:
        async with VapiClient() as client:
            await client.assistants.create({"name": "Luigi"})

    asyncio.run(register())

    assert [each["name"] for each in fake_vapi.assistants.values()] == ["Luigi"]


def test_a_call_control_keeps_what_the_call_is_told(call_control: RecordingControl) -> None:
    asyncio.run(CallContext(control=call_control).say("Hello!"))

    assert call_control.said == ["Hello!"]


def test_call_files_are_tests_and_a_failure_shows_the_call(tmp_path: Path) -> None:
    write(
        tmp_path,
        bot=BOT,
        good="bot: bot.py\nsteps:\n  - tool: opening_hours\n    expect: 18:00\n",
        wrong="bot: bot.py\nsteps:\n  - tool: opening_hours\n    expect: closed\n",
        mistyped="bot: bot.py\nsteps:\n  - tool: opening_hour\n",
        test_mine="def test_mine(): pass\n",
    )

    ran = run_pytest(tmp_path)

    assert ran.returncode == 1
    assert "2 failed, 2 passed" in ran.stdout
    assert "call: wrong" in ran.stdout
    assert "wrong.call.yaml:3: opening_hours: expected a result with 'closed' in it" in ran.stdout
    assert "there is no tool 'opening_hour'. Did you mean 'opening_hours'?" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_a_call_file_that_names_no_bot_is_skipped_and_says_what_to_write(tmp_path: Path) -> None:
    write(tmp_path, homeless="steps:\n  - tool: opening_hours\n")

    ran = run_pytest(tmp_path, "-rs")

    assert "1 skipped" in ran.stdout
    assert "homeless.call.yaml names no bot; write `bot: bot.py` or `url: …`" in ran.stdout


def test_the_summary_of_pytest_shows_the_first_fault_and_the_whole_call_is_above(
    tmp_path: Path,
) -> None:
    (tmp_path / "calls").mkdir()
    wrong = "bot: ../bot.py\nsteps:\n  - tool: opening_hours\n    expect: closed\n"
    write(tmp_path, bot=BOT)
    write(tmp_path / "calls", wrong=wrong)

    ran = run_pytest(tmp_path, COLUMNS="200")

    call, _, summary = ran.stdout.partition("short test summary info")
    assert "::wrong - wrong.call.yaml:3: opening_hours: expected a result with" in summary
    assert "wrong: +15550100000 and assistant (calls" in call


def test_the_fixture_makes_calls_in_somebody_elses_project(tmp_path: Path) -> None:
    write(
        tmp_path,
        bot=BOT,
        test_bot=(
            "import bot\n"
            "def test_hours(vapi_call):\n"
            "    call = vapi_call([bot.opening_hours, bot.fail])\n"
            "    assert call.tool('opening_hours').value == 'From 18:00 to 23:00.'\n"
            "    call.tool('fail')\n"
        ),
    )

    ran = run_pytest(tmp_path)

    assert "KeyError: 'x'" in ran.stdout
    assert "AssertionError: fail raised KeyError" in ran.stdout


@pytest.mark.parametrize(
    "line",
    [
        "call(bot.fail)",
        "call(bot.fail, loud=True)",
        "exercise(bot.fail)",
        "vapi_call([bot.fail]).tool('fail')",
        "vapi_call([bot.fail]).tool('fial')",
        "vapi_call('http://127.0.0.1:9')",
    ],
    ids=["call", "a slip of call", "exercise", "TestCall", "a slip of TestCall", "nobody there"],
)
def test_a_failing_test_shows_its_own_line_and_none_of_ours(line: str, tmp_path: Path) -> None:
    write(
        tmp_path,
        bot=BOT,
        test_bot=(
            "import bot\n"
            "from vapitools.testing import call, exercise\n"
            f"def test_it(vapi_call):\n    {line}\n"
        ),
    )

    ran = run_pytest(tmp_path)

    assert "test_bot.py:4:" in ran.stdout
    assert "vapitools/testing" not in ran.stdout
    assert "pytest_plugin" not in ran.stdout
    assert "no running event loop" not in ran.stdout


def test_the_plugin_can_be_switched_off(tmp_path: Path) -> None:
    write(tmp_path, wrong="steps: nothing\n", test_mine="def test_mine(): pass\n")

    ran = run_pytest(tmp_path, "-p", "no:vapitools")

    assert ran.returncode == 0, ran.stdout


def test_the_plugin_loads_nothing_that_most_tests_do_not_need(tmp_path: Path) -> None:
    write(
        tmp_path,
        test_modules=(
            "import sys\n"
            "def test_it():\n"
            "    heavy = {'vapi', 'httpx', 'typer', 'rich', 'uvicorn', 'hypothesis', 'yaml'}\n"
            "    assert not heavy.intersection(sys.modules)\n"
        ),
    )

    # hypothesis has a plugin of its own.
    ran = run_pytest(tmp_path, "-p", "no:hypothesispytest")

    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("fixture", ["vapi_call", "fake_vapi", "call_control"])
def test_a_fixture_says_what_it_is_for(fixture: str, tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, "--fixtures")

    assert f"\n{fixture} -- " in ran.stdout
