"""`vapitools call`, against Vapi's API in memory."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.restaurant import ANN, BACK, FRONT, Switch, Vapi, switching
from vapitools.cli import app

LATER = (datetime.now(timezone.utc) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switching() as switch:
        yield switch


@pytest.fixture
def vapi(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> Vapi:
    monkeypatch.setenv("VAPI_API_KEY", "test-key")
    monkeypatch.setenv("VAPI_BASE_URL", switch.url)
    return Vapi(switch)


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["call", *words])


def body(vapi: Vapi) -> Any:
    return vapi.fake.writes[-1].body


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal to ask at: what is written here has been typed there."""
    if sys.platform == "win32":
        pytest.skip("there are no such terminals")
    keyboard, terminal = os.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keyboard
    os.close(keyboard)


def test_a_call_is_shown_and_placed(vapi: Vapi) -> None:
    result = call(ANN, "--assistant", "luigi", "--yes")

    (placed,) = vapi.fake.calls.values()
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"To:        {ANN}",
        f"Assistant: Luigi ({vapi.luigi})",
        f"From:      {FRONT} Front desk ({vapi.front})",
        "When:      now",
        f"Call {placed['id']} is queued.",
        f"Watch it: vapitools calls {placed['id']} --watch",
    ]


def test_each_flag_is_in_the_body(vapi: Vapi) -> None:
    vapi.line(BACK, "Kitchen")

    result = call(
        *(ANN, "--squad", "Team", "--from", FRONT, "--var", "name=Ann", "--var", "at=a=b"),
        *("--webhook-url", "https://luigi.example.com/webhook", "--at", f"{LATER}Z", "--yes"),
    )

    assert result.exit_code == 0
    assert "Squad:     Team" in result.stdout
    assert f"When:      {LATER}Z" in result.stdout
    assert "is scheduled." in result.stdout
    assert body(vapi) == {
        "squadId": vapi.team,
        "squadOverrides": {
            "variableValues": {"name": "Ann", "at": "a=b"},
            "server": {"url": "https://luigi.example.com/webhook"},
        },
        "phoneNumberId": vapi.front,
        "customer": {"number": ANN},
        "schedulePlan": {"earliestAt": f"{LATER}:00.000Z"},
    }


def test_with_json_only_the_call_goes_to_stdout(vapi: Vapi) -> None:
    result = call(ANN, "--assistant", "Luigi", "--yes", "--json")

    shown = json.loads(result.stdout)
    assert shown["id"] in vapi.fake.calls
    assert shown["status"] == "queued"
    assert "monitor" not in shown
    assert "To:" in result.stderr


def test_the_name_of_an_id_is_shown(vapi: Vapi) -> None:
    result = call(ANN, "--assistant", vapi.luigi, "--from", vapi.front, "--yes")

    assert "Assistant: Luigi" in result.stdout
    assert f"From:      {FRONT}" in result.stdout


@pytest.mark.parametrize("answer", [b"y\n", b"yes\n"])
def test_at_a_terminal_it_asks_and_dials(
    vapi: Vapi, keyboard: int, capsys: pytest.CaptureFixture[str], answer: bytes
) -> None:
    os.write(keyboard, answer)

    app(["call", ANN, "--assistant", "Luigi"], standalone_mode=False)

    assert "Dial? [y/N]" in capsys.readouterr().out
    assert len(vapi.fake.calls) == 1


@pytest.mark.parametrize("answer", [b"n\n", b"\n"])
def test_without_a_yes_nobody_is_called(
    vapi: Vapi, keyboard: int, capsys: pytest.CaptureFixture[str], answer: bytes
) -> None:
    os.write(keyboard, answer)

    code = app(["call", ANN, "--assistant", "Luigi"], standalone_mode=False)

    assert code == 1
    assert capsys.readouterr().err == "Error: nobody was called\n"
    assert vapi.fake.writes == []


def test_without_a_terminal_it_wants_a_yes(vapi: Vapi) -> None:
    result = call(ANN, "--assistant", "Luigi")

    assert result.exit_code == 2
    assert result.stderr == "Error: there is no terminal to ask at; add --yes\n"
    assert vapi.fake.requests == []


USAGE = {
    "no number": (["555", "--assistant", "Luigi"], "NUMBER must be '+' and 7 to 15 digits"),
    "nobody": ([ANN], "give one of --assistant and --squad"),
    "both": ([ANN, "--assistant", "a", "--squad", "b"], "give one of --assistant and --squad"),
    "var": ([ANN, "--assistant", "a", "--var", "name"], "--var must be like --var name=Ann"),
    "no key": ([ANN, "--assistant", "a", "--var", "=Ann"], "--var must be like --var name=Ann"),
    "from": ([ANN, "--assistant", "a", "--from", "desk"], "--from must be the id of"),
    "webhook": ([ANN, "--assistant", "a", "--webhook-url", "x"], "--webhook-url must begin with"),
    "no time": ([ANN, "--assistant", "a", "--at", "noon"], "--at must be a time such as 2026"),
    "no offset": ([ANN, "--assistant", "a", "--at", LATER], "--at must say its offset, such as"),
    "past": ([ANN, "--assistant", "a", "--at", "2020-01-01T00:00Z"], "--at lies in the past"),
}


@pytest.mark.parametrize(("words", "text"), USAGE.values(), ids=USAGE)
def test_what_is_written_wrongly_ends_with_2_and_asks_nobody(
    vapi: Vapi, words: list[str], text: str
) -> None:
    result = call(*words, "--yes")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {text}")
    assert len(result.stderr.splitlines()) == 1
    assert vapi.fake.requests == []


def test_the_number_is_checked_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAPI_API_KEY", "")

    assert "NUMBER must be" in call("555", "--assistant", "Luigi").stderr


def test_all_that_is_written_wrongly_is_said(vapi: Vapi) -> None:
    result = call("555", "--from", "desk")

    assert len(result.stderr.splitlines()) == 3
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--assistant", "Luigy"], "there is no assistant 'Luigy' at Vapi; did you mean 'Luigi'?"),
        (["--assistant", "Luigi", "--from", ANN], f"--from: none of your numbers is {ANN}; there"),
    ],
)
def test_what_is_not_there_is_said(vapi: Vapi, words: list[str], text: str) -> None:
    result = call(ANN, *words, "--yes")

    assert result.exit_code == 2
    assert text in result.stderr
    assert vapi.fake.writes == []


def test_of_two_numbers_none_is_guessed(vapi: Vapi) -> None:
    vapi.line(BACK, "Kitchen")

    result = call(ANN, "--assistant", "Luigi", "--yes")

    assert result.exit_code == 2
    assert "give --from; there are: " in result.stderr
    assert BACK in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("VAPI_API_KEY", "", "VAPI_API_KEY is not set"),
        ("VAPI_API_KEY", "wrong-key", "401"),
        ("VAPI_BASE_URL", "http://127.0.0.1:9", "out of reach"),
        ("VAPI_BASE_URL", "nowhere", "VAPI_BASE_URL must be a URL"),
    ],
)
def test_what_keeps_it_from_vapi_is_said_in_one_line(
    vapi: Vapi, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, text: str
) -> None:
    monkeypatch.setenv(variable, value)

    result = call(ANN, "--assistant", "Luigi", "--yes")

    assert result.exit_code in (1, 2)
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "-key" not in result.stderr


def test_an_error_while_dialing_says_where_to_look_and_is_not_repeated(vapi: Vapi) -> None:
    vapi.fake.fail("POST", "/call", done=True, times=9)

    result = call(ANN, "--assistant", "Luigi", "--yes")

    assert result.exit_code == 1
    assert "look with `vapitools calls` before you try again" in result.stderr
    assert len(vapi.fake.calls) == 1


def test_an_interrupt_while_dialing_says_where_to_look(vapi: Vapi) -> None:
    vapi.fake.hang("POST", "/call", done=True)
    vapi.fake.on_request(
        lambda came: os.kill(os.getpid(), signal.SIGINT) if came.method == "POST" else None
    )

    result = call(ANN, "--assistant", "Luigi", "--yes")

    assert result.exit_code == 1
    assert "the call may have been placed: look with `vapitools calls`" in result.stderr
    assert len(vapi.fake.calls) == 1
