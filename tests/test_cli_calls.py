"""`vapitools calls`, against Vapi's API in memory."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.restaurant import ANN, BOB, Switch, Vapi, switching
from vapitools.cli import app
from vapitools.testing import RecordedRequest

UNKNOWN = "5ee1862a-49a5-4935-93f0-e7c7ef8ca3a4"


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switching() as switch:
        yield switch


@pytest.fixture
def vapi(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> Vapi:
    monkeypatch.setenv("VAPI_API_KEY", "test-key")
    monkeypatch.setenv("VAPI_BASE_URL", switch.url)
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setenv("TZ", "UTC")
    return Vapi(switch)


def calls(*words: str) -> Result:
    return CliRunner().invoke(app, ["calls", *words])


def add(vapi: Vapi, **fields: Any) -> str:
    """The id of a call that is there."""
    given = {"customer": {"number": ANN}, "assistantId": vapi.luigi, **fields}
    id: str = vapi.fake.add("call", given)["id"]
    return id


ENDED = {
    "status": "ended",
    "startedAt": "2026-11-22T10:00:05.000Z",
    "endedAt": "2026-11-22T10:01:35.500Z",
    "endedReason": "customer-ended-call",
    "cost": 0.254,
}


def cells(line: str) -> list[str]:
    return re.split(" {2,}", line.strip())


def test_the_calls_are_shown_in_a_table_the_newest_first(vapi: Vapi) -> None:
    first, second = add(vapi, **ENDED), add(vapi, customer={"number": BOB}, assistantId=UNKNOWN)

    result = calls()

    rows = [cells(line) for line in result.stdout.splitlines()[1:]]
    assert result.exit_code == 0
    assert [row[0] for row in rows] == [second[:8], first[:8]]
    assert rows[1][2:] == [ANN, "ended", "Luigi", "1:30", "$0.25", "customer-ended-call"]
    assert rows[0][2:] == [BOB, "queued", UNKNOWN]


def test_a_call_that_lives_is_shown_with_its_time_up_to_now(vapi: Vapi) -> None:
    id = add(vapi, status="in-progress", startedAt="2020-01-01T00:00:00Z")

    minutes, _, seconds = _shown(calls(id).stdout)["Length"].partition(":")

    assert int(minutes) > 1_000_000
    assert len(seconds) == 2


def test_what_the_clock_of_vapi_says_of_the_future_is_no_duration(vapi: Vapi) -> None:
    id = add(vapi, status="in-progress", startedAt="2090-01-01T00:00:00Z")

    assert _shown(calls(id).stdout)["Length"] == "0:00"


def test_where_there_are_none_it_is_said(vapi: Vapi) -> None:
    assert calls().stdout.endswith("There is none.\n")


def test_a_limit_and_an_assistant_choose(vapi: Vapi) -> None:
    mine = [add(vapi) for _ in range(3)]
    add(vapi, assistantId=UNKNOWN)

    for who in ("luigi", vapi.luigi):
        shown = json.loads(calls("--limit", "2", "--assistant", who, "--json").stdout)
        assert [call["id"] for call in shown] == [mine[2], mine[1]]


def test_the_json_of_a_call_holds_no_secret_and_no_way_to_control_it(vapi: Vapi) -> None:
    assistant = {"name": "Own", "server": {"url": "https://a.example", "secret": "s3cret"}}
    id = add(vapi, assistant=assistant)

    result = calls(id, "--json")

    shown = json.loads(result.stdout)
    assert shown["id"] == id
    assert shown["assistant"]["server"]["url"] == "https://a.example"
    assert "s3cret" not in result.stdout
    assert "/control" not in result.stdout


def _shown(output: str) -> dict[str, str]:
    lines = [line.split(maxsplit=1) for line in output.splitlines()]
    return {line[0]: line[1].strip() if len(line) > 1 else "" for line in lines}


def test_one_call_is_shown_with_its_whole_id(vapi: Vapi) -> None:
    id = add(vapi, **ENDED)

    shown = _shown(calls(id).stdout)

    assert (shown["ID"], shown["Status"], shown["Assistant"]) == (id, "ended", "Luigi")


def test_the_beginning_of_an_id_is_enough(vapi: Vapi) -> None:
    ids = [add(vapi) for _ in range(2)]

    assert _shown(calls(ids[0][:8].upper()).stdout)["ID"] == ids[0]


@pytest.mark.parametrize(
    ("beginning", "text"), [("zzzzzzzz", "no call begins"), ("aaaaaaaa", "2 calls begin")]
)
def test_a_beginning_that_fits_not_one_is_not_guessed(
    vapi: Vapi, beginning: str, text: str
) -> None:
    for number in range(2):
        add(vapi, id=f"aaaaaaaa-0000-4000-8000-00000000000{number}")

    result = calls(beginning, "--end")

    assert result.exit_code == 2
    assert result.stderr == f"Error: {text} with {beginning!r}, of the last 2\n"


@pytest.mark.parametrize("id", ["", " ", "a"])
def test_an_id_that_is_as_good_as_none_ends_no_call(vapi: Vapi, id: str) -> None:
    live = add(vapi)

    result = calls(id, "--end")

    assert result.exit_code == 2
    assert vapi.fake.commands(live) == []


def test_what_a_stranger_has_chosen_does_not_steer_the_terminal(vapi: Vapi) -> None:
    add(vapi, customer={"sipUri": "sip:\x1b[2J[red]x@example.com\nfake"})

    result = calls()

    assert "\x1b" not in result.stdout
    assert "[red]x@example.com\\nfake" in result.stdout


# --- ending one ---------------------------------------------------------------------------


def test_a_call_is_ended(vapi: Vapi) -> None:
    id = add(vapi)

    result = calls(id[:8], "--end")

    assert result.exit_code == 0
    assert result.stdout == f"Call {id} is told to end.\n"
    assert vapi.fake.commands(id) == [{"type": "end-call"}]


def test_a_call_that_has_ended_is_said(vapi: Vapi) -> None:
    result = calls(add(vapi, **ENDED), "--end")

    assert result.exit_code == 1
    assert "the call has ended already (customer-ended-call)" in result.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--end"], "--end needs the ID of a call"),
        ([UNKNOWN, "--end", "--watch"], "--end does one thing; leave out --watch and --json"),
        ([UNKNOWN, "--end", "--json"], "--end does one thing; leave out --watch and --json"),
        (["--watch", "--json"], "--watch is for people; leave out --json"),
        ([UNKNOWN, "--assistant", "Luigi"], "--assistant is for the list; leave out ID"),
        (["--assistant", "Luigy"], "there is no assistant 'Luigy' at Vapi; did you mean 'Luigi'?"),
    ],
)
def test_what_is_written_wrongly_ends_with_2(vapi: Vapi, words: list[str], text: str) -> None:
    result = calls(*words)

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("variable", "value", "text", "code"),
    [
        ("VAPI_API_KEY", "", "VAPI_API_KEY is not set", 2),
        ("VAPI_API_KEY", "wrong-key", "401", 1),
        ("VAPI_BASE_URL", "http://127.0.0.1:9", "out of reach", 1),
    ],
)
def test_what_keeps_it_from_vapi_is_said_in_one_line(
    vapi: Vapi, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, text: str, code: int
) -> None:
    monkeypatch.setenv(variable, value)

    result = calls("--watch")

    assert result.exit_code == code
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "-key" not in result.stderr


def test_a_call_that_is_not_there_is_said(vapi: Vapi) -> None:
    result = calls(UNKNOWN)

    assert result.exit_code == 1
    assert "404" in result.stderr
    assert len(result.stderr.splitlines()) == 1


# --- watching -----------------------------------------------------------------------------


def at_look(number: int, act: Callable[[], object]) -> Callable[[RecordedRequest], None]:
    """Do something when the calls are asked for so many times."""
    looks = iter(range(1, 1000))

    def watch(came: RecordedRequest) -> None:
        if came.path.startswith("/call") and next(looks) == number:
            act()

    return watch


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_watching_looks_again_until_ctrl_c(vapi: Vapi) -> None:
    id = add(vapi)
    vapi.fake.on_request(at_look(2, lambda: vapi.fake.answer(id)))
    # The last look has no answer that could come before Ctrl-C.
    vapi.fake.hang("GET", "/call", after=3)
    vapi.fake.on_request(at_look(4, ctrl_c))

    result = calls("--watch", "--every", "0.1")

    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.count(id[:8]) == 3
    assert "in-progress" in result.stdout


@pytest.mark.parametrize("status", [500, 503])
def test_watching_survives_that_vapi_is_away(vapi: Vapi, status: int) -> None:
    id = add(vapi)
    # A read is repeated twice before it counts as failed.
    vapi.fake.fail("GET", "/call", status=status, after=1, times=3, headers={"retry-after": "0"})
    # The last look has no answer that could come before Ctrl-C.
    vapi.fake.hang("GET", "/call", after=2)
    vapi.fake.on_request(at_look(6, ctrl_c))

    result = calls("--watch", "--every", "0.1")

    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Not seen just now: GET /call: ")
    assert result.stdout.count(id[:8]) == 2


def test_watching_ends_when_the_key_is_refused(vapi: Vapi) -> None:
    vapi.fake.fail("GET", "/call", status=401, after=1, times=9)

    result = calls("--watch", "--every", "0.1")

    assert result.exit_code == 1
    assert "401" in result.stderr


def test_watching_one_call_ends_with_it(vapi: Vapi) -> None:
    id = add(vapi)
    vapi.fake.on_request(at_look(3, lambda: vapi.fake.end(id, "customer-busy")))

    result = calls(id, "--watch", "--every", "0.1")

    assert result.exit_code == 0
    assert "customer-busy" in result.stdout
    assert len([came for came in vapi.fake.requests if came.path == f"/call/{id}"]) == 3


def test_watching_looks_up_the_beginning_of_an_id_once(vapi: Vapi) -> None:
    id = add(vapi)
    vapi.fake.on_request(at_look(4, lambda: vapi.fake.end(id)))

    calls(id[:8], "--watch", "--every", "0.1")

    assert [came.path for came in vapi.fake.requests].count("/call") == 1
