"""The example that calls people: its tools, its reports, and the program that dials."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from .organization import Organization, declared, organization
from .servers import post, serving, until
from .test_examples import ANNA, EXAMPLES, SECRET, SIGNED, load, serve, tell

BEN = "+15550100011"
LINE = {"provider": "vapi", "number": "+15550100001", "name": "Salon"}


def open_day(after: int) -> date:
    """The first day that is so many days away, or more, on which the salon is open."""
    days = (date.today() + timedelta(days=after + i) for i in range(7))
    return next(day for day in days if day.weekday() in range(1, 6))


DAY = open_day(after=7)
TEN = datetime.combine(DAY, time(10))
ELEVEN = datetime.combine(DAY, time(11))


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The salon's file."""
    path = tmp_path / "salon.sqlite"
    monkeypatch.setenv("SALON_DB", str(path))
    return path


@pytest.fixture
def bot(db: Path) -> ModuleType:
    """The salon's module, and Anna in its diary."""
    module = load("outbound_reminder")
    asyncio.run(module.Diary(str(db)).open())
    add(module, ANNA, "Anna Moss", TEN)
    return module


@pytest.fixture
def salon(bot: ModuleType) -> Iterator[TestClient]:
    """The salon, served."""
    with serve(bot, lifespan=bot.lifespan) as client:
        yield client


def diary(bot: ModuleType) -> Any:
    return bot.Diary(os.environ["SALON_DB"])


def add(bot: ModuleType, phone: str, name: str, at: datetime) -> None:
    assert asyncio.run(diary(bot).add(phone, name, at))


def due(bot: ModuleType, day: date = DAY) -> list[str]:
    """Who is to be called about that day."""
    return [one.name for one in asyncio.run(diary(bot).due(day))]


def rows(db: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(db)) as connection:
        return connection.execute(query).fetchall()


def states(db: Path) -> list[tuple[Any, ...]]:
    return rows(db, "SELECT name, at, state FROM appointments ORDER BY id")


def on_call(
    salon: TestClient, name: str, number: str | None = ANNA, about: Any = "1", **arguments: Any
) -> dict[str, Any]:
    """Call a tool in a call with that number, which was placed about that appointment."""
    call = {
        "customer": {"number": number},
        "assistantOverrides": {"variableValues": {"appointment": about}},
    }
    entry = {"id": "call_1", "name": name, "arguments": arguments}
    [result] = tell(salon, "tool-calls", call=call, toolCallList=[entry])["results"]
    return dict(result)


# --- the tools ----------------------------------------------------------------------------


def test_an_appointment_is_confirmed_however_often(salon: TestClient, db: Path) -> None:
    answers = [on_call(salon, "confirm_appointment") for _ in range(2)]

    assert [answer["result"] for answer in answers] == [f"Confirmed: {TEN:%A %d %B} at 10:00."] * 2
    assert states(db) == [("Anna Moss", str(TEN), "confirmed")]


def test_a_time_that_is_cancelled_is_free_for_others(salon: TestClient, bot: ModuleType) -> None:
    before = json.loads(on_call(salon, "find_times", day=str(DAY))["result"])
    cancelled = [on_call(salon, "cancel_appointment")["result"] for _ in range(2)]
    after = json.loads(on_call(salon, "find_times", day=str(DAY))["result"])
    add(bot, BEN, "Ben Ode", TEN)

    assert cancelled == ["Cancelled."] * 2
    assert set(after) - set(before) == {"10:00:00"}


def test_what_was_cancelled_is_not_confirmed_but_can_be_moved(salon: TestClient, db: Path) -> None:
    on_call(salon, "cancel_appointment")

    confirmed = on_call(salon, "confirm_appointment")
    moved = on_call(salon, "move_appointment", to=ELEVEN.isoformat())

    assert confirmed["error"].startswith("It was cancelled.")
    assert moved["result"] == f"Moved to {ELEVEN:%A %d %B} at 11:00."
    assert states(db) == [("Anna Moss", str(ELEVEN), "confirmed")]


def test_what_was_cancelled_does_not_come_back_over_somebody_else(
    salon: TestClient, bot: ModuleType, db: Path
) -> None:
    on_call(salon, "cancel_appointment")
    add(bot, BEN, "Ben Ode", TEN)

    answer = on_call(salon, "move_appointment", to=TEN.isoformat())

    assert answer["error"].startswith("That time was just taken.")
    assert [state for *_, state in states(db)] == ["cancelled", "booked"]


@pytest.mark.parametrize("zone", ["", "Z", "+05:00"])
def test_an_appointment_moves_by_the_salons_own_clock(
    salon: TestClient, db: Path, zone: str
) -> None:
    answer = on_call(salon, "move_appointment", to=f"{ELEVEN.isoformat()}{zone}")

    assert answer["result"] == f"Moved to {ELEVEN:%A %d %B} at 11:00."
    assert states(db)[0][1] == str(ELEVEN)


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("yesterday", "to: wanted a date and time such as"),
        ("", "to: wanted"),
        ("2026-02-30T10:00", "to: wanted"),
        ("0001-01-01T00:00", "That time is over: today is "),
        ("2020-12-24T10:00", "That time is over: today is "),
        ("9999-12-31T23:59:59", "The diary goes 90 days ahead."),
        (f"{DAY}T03:00", "The salon takes people from Tuesday to Saturday"),
        (f"{DAY}T10:30", "The salon takes people from Tuesday to Saturday"),
        (f"{DAY}T10:00:30", "The salon takes people from Tuesday to Saturday"),
    ],
)
def test_a_time_at_which_nobody_can_come_is_refused(
    salon: TestClient, db: Path, to: str, error: str
) -> None:
    answer = on_call(salon, "move_appointment", to=to)

    assert answer["error"].startswith(error)
    assert states(db) == [("Anna Moss", str(TEN), "booked")]


def test_no_time_is_offered_on_a_day_that_is_over_or_closed(salon: TestClient) -> None:
    monday = DAY + timedelta(days=7 - DAY.weekday())
    days = [date.today() - timedelta(days=1), monday, date.max]

    answers = [on_call(salon, "find_times", day=str(day)) for day in days]

    assert [answer["result"] for answer in answers] == ["[]"] * 3


@pytest.mark.parametrize("tool", ["confirm_appointment", "cancel_appointment"])
@pytest.mark.parametrize(
    ("number", "about"),
    [
        (BEN, "1"),
        (BEN, None),
        (None, "1"),
        (None, None),
        ("", "1"),
        (ANNA, "2"),
        (ANNA, "1 OR 1=1"),
        (ANNA, {"a": 1}),
    ],
    ids=repr,
)
def test_nobody_touches_an_appointment_that_is_not_theirs(
    salon: TestClient, db: Path, tool: str, number: str | None, about: Any
) -> None:
    answer = on_call(salon, tool, number, about)

    assert answer["error"].startswith("There is no appointment for this phone number.")
    assert states(db) == [("Anna Moss", str(TEN), "booked")]


def test_who_calls_back_means_the_next_appointment(
    salon: TestClient, bot: ModuleType, db: Path
) -> None:
    earlier = datetime.combine(open_day(after=2), time(9))
    add(bot, ANNA, "Ada Moss", earlier)

    called_back = on_call(salon, "confirm_appointment", about=None)
    called = on_call(salon, "cancel_appointment", about="1")

    assert called_back["result"] == f"Confirmed: {earlier:%A %d %B} at 09:00."
    assert called["result"] == "Cancelled."
    assert [state for *_, state in states(db)] == ["cancelled", "confirmed"]


def test_the_model_has_no_say_in_whose_appointment_it_is(bot: ModuleType) -> None:
    properties = {tool.name: list(tool.parameters["properties"]) for tool in bot.tools}

    assert properties == {
        "find_times": ["day"],
        "confirm_appointment": [],
        "move_appointment": ["to"],
        "cancel_appointment": [],
    }


def test_of_many_who_move_to_one_time_one_gets_it(bot: ModuleType, db: Path) -> None:
    for hour in range(11, 17):
        add(bot, f"+155501000{hour}", f"Guest {hour}", datetime.combine(DAY, time(hour)))
    nine = datetime.combine(DAY, time(9))

    async def all_at_once() -> list[bool]:
        book = diary(bot)
        everybody = await book.due(DAY)
        return list(await asyncio.gather(*[book.move(one, nine) for one in everybody]))

    moved = asyncio.run(all_at_once())

    assert sorted(moved) == [False] * 6 + [True]
    assert len(rows(db, f"SELECT 1 FROM appointments WHERE at = '{nine}'")) == 1


def test_a_repeated_delivery_moves_once(salon: TestClient, bot: ModuleType, db: Path) -> None:
    def body(id_: str, to: datetime) -> dict[str, Any]:
        call = {"id": "c1", "customer": {"number": ANNA}}
        entry = {"id": id_, "name": "move_appointment", "arguments": {"to": to.isoformat()}}
        return {"call": call, "toolCallList": [entry]}

    first = tell(salon, "tool-calls", **body("call_1", ELEVEN))
    tell(salon, "tool-calls", **body("call_2", TEN))
    again = tell(salon, "tool-calls", **body("call_1", ELEVEN))

    assert again == first
    assert states(db)[0][1] == str(TEN)


# --- the reports --------------------------------------------------------------------------


def report(salon: TestClient, id_: str | None = "c1", **fields: Any) -> None:
    """Deliver the report of a call with Anna."""
    call = {"id": id_, "customer": {"number": ANNA}}
    assert tell(salon, "end-of-call-report", call=call, **fields) == {}


def called(bot: ModuleType, call: str = "c1") -> None:
    """Note a call about Anna's appointment, as the program does."""

    async def note() -> None:
        book = diary(bot)
        [one] = await book.due(DAY)
        assert await book.begin(one)
        await book.placed(one, call)

    asyncio.run(note())


def test_a_report_that_comes_twice_is_kept_once(salon: TestClient, db: Path) -> None:
    report(salon, endedReason="customer-ended-call", summary="Anna comes.")
    report(salon)

    assert rows(db, "SELECT call, phone, reason, reached, summary FROM reports") == [
        ("c1", ANNA, "customer-ended-call", 1, "Anna comes.")
    ]


@pytest.mark.parametrize(
    "reason",
    ["voicemail", "customer-did-not-answer", "customer-busy", "silence-timed-out", "new", None],
)
def test_who_was_not_reached_is_called_again(
    salon: TestClient, bot: ModuleType, db: Path, reason: str | None
) -> None:
    called(bot)

    waiting = due(bot)
    report(salon, endedReason=reason)

    assert waiting == []
    assert due(bot) == ["Anna Moss"]
    assert rows(db, "SELECT reason, reached FROM reports") == [(reason, 0)]


def test_who_was_reached_is_called_no_more(salon: TestClient, bot: ModuleType) -> None:
    called(bot)

    report(salon, endedReason="customer-ended-call")

    assert due(bot) == []


def test_nobody_is_called_in_vain_for_ever(salon: TestClient, bot: ModuleType) -> None:
    for call in ("c1", "c2", "c3"):
        called(bot, call)
        report(salon, call, endedReason="voicemail")

    assert due(bot) == []


def test_a_report_that_comes_before_the_program_knows_the_call_counts(
    salon: TestClient, bot: ModuleType
) -> None:
    report(salon, endedReason="customer-busy")

    called(bot)

    assert due(bot) == ["Anna Moss"]


def test_a_report_of_no_call_is_not_kept(salon: TestClient, db: Path) -> None:
    report(salon, None, endedReason="voicemail")

    assert rows(db, "SELECT * FROM reports") == []


@pytest.mark.parametrize("tool", ["confirm_appointment", "cancel_appointment"])
def test_who_has_said_what_they_want_is_not_called(
    salon: TestClient, bot: ModuleType, tool: str
) -> None:
    on_call(salon, tool)

    assert due(bot) == []


def test_who_moves_to_another_day_is_reminded_of_that(salon: TestClient, bot: ModuleType) -> None:
    later = open_day(after=14)
    called(bot)
    report(salon, endedReason="customer-ended-call")

    on_call(salon, "move_appointment", to=f"{later}T10:00")

    assert (due(bot), due(bot, later)) == ([], ["Anna Moss"])


def test_who_moves_within_the_day_is_not_called_about_it(
    salon: TestClient, bot: ModuleType
) -> None:
    on_call(salon, "move_appointment", to=ELEVEN.isoformat())

    assert due(bot) == []


def test_neither_words_nor_numbers_nor_secrets_are_logged_or_kept(
    salon: TestClient, db: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    private: dict[str, Any] = {
        "artifact": {"transcript": "User: my secret wish"},
        "recordingUrl": "https://rec",
    }

    report(salon, endedReason="voicemail", **private)
    on_call(salon, "move_appointment", to="a secret wish")
    on_call(salon, "confirm_appointment", BEN)

    for word in ("wish", "https://rec", ANNA, BEN, SECRET):
        assert word not in caplog.text
    assert b"wish" not in db.read_bytes()


# --- who calls back -----------------------------------------------------------------------


def test_who_calls_back_is_greeted_by_name(salon: TestClient, bot: ModuleType) -> None:
    answer = tell(salon, "assistant-request", call={"customer": {"number": ANNA}})

    when = f"{TEN:%A %d %B} at 10:00"
    overrides = answer["assistantOverrides"]
    assert overrides["firstMessage"] == (
        f"Salon Marta, hello Anna Moss! Is it about the appointment on {when}?"
    )
    assert overrides["variableValues"] == {
        "appointment": "1",
        "about": f"Anna Moss has an appointment on {when}, which is booked.",
    }
    assert answer["assistant"]["server"]["secret"] == SECRET
    tools = answer["assistant"]["model"]["tools"]
    assert [each["function"]["name"] for each in tools[1:]] == bot.tools.names


@pytest.mark.parametrize("number", [BEN, None, "", "anonymous"], ids=repr)
def test_of_a_stranger_nothing_is_known(salon: TestClient, number: str | None) -> None:
    answer = tell(salon, "assistant-request", call={"customer": {"number": number}})

    assert answer["assistantOverrides"] == {
        "variableValues": {"about": "Nothing is known of the caller."}
    }


def test_who_has_cancelled_is_a_stranger_again(salon: TestClient) -> None:
    on_call(salon, "cancel_appointment")

    answer = tell(salon, "assistant-request", call={"customer": {"number": ANNA}})

    assert "firstMessage" not in answer["assistantOverrides"]


# --- the program --------------------------------------------------------------------------


@pytest.fixture
def org(bot: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[Organization]:
    """An organization that has Marta and one phone number."""
    with organization() as org:
        org.apply(declared(bot.marta, toolset=bot.tools, events=bot.events))
        org.vapi.add("phone-number", LINE)
        monkeypatch.setenv("VAPI_API_KEY", "test-key")
        monkeypatch.setenv("VAPI_BASE_URL", org.api)
        yield org


@pytest.fixture
def run(bot: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the program with these words, where this is typed. Returns why it has ended."""

    def run(*words: str, typed: str = "") -> str | int | None:
        monkeypatch.setattr(sys, "argv", ["outbound_reminder.py", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            bot.main()
        except SystemExit as ended:
            return ended.code
        return None

    return run


DIAL = ("--day", str(DAY), "--dial")


def test_without_dial_nobody_is_called_and_no_key_is_needed(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VAPI_API_KEY", raising=False)

    assert run("--day", str(DAY)) is None

    assert capsys.readouterr().out.splitlines() == [
        f"To be called about {DAY:%A %d %B}: 1",
        f"  10:00  Anna Moss, {ANNA}",
        "Nobody was called. To call them, add --dial.",
    ]


def test_who_is_due_is_called_once(run: Any, org: Organization) -> None:
    first = run(*DIAL, typed="y\n")
    second = run(*DIAL, "--yes")

    assert (first, second) == (None, None)
    [call] = org.vapi.calls.values()
    assert call["assistantId"] == org.assistant("Marta")["id"]
    assert call["customer"] == {"number": ANNA}
    assert call["name"] == "Reminder 1"
    assert call["assistantOverrides"]["variableValues"]["appointment"] == "1"
    assert call["assistantOverrides"]["firstMessage"].startswith(
        "Hello, this is Salon Marta, for Anna Moss. Your appointment is on "
    )


@pytest.mark.parametrize("typed", ["n\n", "\n", "yesterday\n", ""], ids=repr)
def test_nobody_is_called_without_a_yes(
    run: Any, bot: ModuleType, org: Organization, typed: str
) -> None:
    assert run(*DIAL, typed=typed) == "Nobody was called."

    assert org.vapi.calls == {}
    assert due(bot) == ["Anna Moss"]


def test_a_call_that_was_refused_is_no_call(
    run: Any, bot: ModuleType, org: Organization, capsys: pytest.CaptureFixture[str]
) -> None:
    add(bot, BEN, "Ben Ode", ELEVEN)
    org.vapi.fail("POST", "/call", status=400, body={"message": ["no credit"], "statusCode": 400})

    assert run(*DIAL, "--yes") == 1

    assert "Anna Moss: POST /call: 400: no credit" in capsys.readouterr().err
    assert [call["customer"]["number"] for call in org.vapi.calls.values()] == [BEN]
    assert due(bot) == ["Anna Moss"]


def test_where_nobody_knows_whether_the_phone_rings_it_does_not_ring_again(
    run: Any, org: Organization, capsys: pytest.CaptureFixture[str]
) -> None:
    org.vapi.drop("POST", "/call")

    first = run(*DIAL, "--yes")
    run(*DIAL, "--yes")

    assert first == 1
    assert "look with `vapitools calls`" in capsys.readouterr().err
    assert len(org.vapi.calls) == 1


def test_two_programs_at_once_call_nobody_twice(bot: ModuleType) -> None:
    async def all_at_once() -> list[bool]:
        book = diary(bot)
        [one] = await book.due(DAY)
        return list(await asyncio.gather(*[book.begin(one) for _ in range(10)]))

    assert sorted(asyncio.run(all_at_once())) == [False] * 9 + [True]


def test_a_report_that_was_lost_is_asked_for(run: Any, org: Organization, db: Path) -> None:
    run(*DIAL, "--yes")
    [first] = org.vapi.calls
    org.vapi.end(first, "voicemail")

    run(*DIAL, "--yes")

    assert len(org.vapi.calls) == 2
    assert rows(db, "SELECT call, phone, reason FROM reports") == [(first, ANNA, "voicemail")]


def test_a_call_that_was_deleted_at_vapi_keeps_nobody_from_being_called(
    run: Any, org: Organization
) -> None:
    run(*DIAL, "--yes")
    [first] = org.vapi.calls
    org.vapi.remove("call", first)

    assert run(*DIAL, "--yes") is None

    assert len(org.vapi.calls) == 1


def test_a_call_that_goes_on_is_waited_for(run: Any, org: Organization) -> None:
    run(*DIAL, "--yes")
    [first] = org.vapi.calls
    org.vapi.answer(first)

    run(*DIAL, "--yes")

    assert len(org.vapi.calls) == 1


def test_without_a_key_it_says_so(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAPI_API_KEY", raising=False)

    assert "VAPI_API_KEY" in run(*DIAL, "--yes")


def test_before_the_assistant_was_applied_it_says_so(
    run: Any, org: Organization, capsys: pytest.CaptureFixture[str], bot: ModuleType
) -> None:
    org.vapi.remove("assistant", org.assistant("Marta")["id"])

    assert run(*DIAL, "--yes") == 1

    assert "there is no assistant 'Marta' at Vapi" in capsys.readouterr().err
    assert due(bot) == ["Anna Moss"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("5550100010", "Ben", TEN.isoformat()), "write + and 7 to 15 digits"),
        ((BEN, "Ben", "tomorrow"), "write it like 2026-12-24T10:00"),
        ((BEN, "Ben", f"{TEN.isoformat()}+01:00"), "by the salon's clock"),
    ],
)
def test_what_cannot_be_written_down_is_said(
    run: Any, db: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], error: str
) -> None:
    assert run("add", *words) == 2

    assert error in capsys.readouterr().err
    assert len(states(db)) == 1


def test_a_time_is_written_down_once(run: Any, db: Path) -> None:
    assert run("add", BEN, "Ben Ode", TEN.isoformat()) == "error: Somebody else has that time."
    assert run("add", BEN, "Ben Ode", ELEVEN.isoformat()) is None
    assert run("add", BEN, "Ben Ode", f"{DAY}T04:00").startswith("error: The salon takes people")

    assert [name for name, *_ in states(db)] == ["Anna Moss", "Ben Ode"]


# --- as it stands -------------------------------------------------------------------------


def test_the_program_and_the_server_share_a_file_as_they_stand(tmp_path: Path) -> None:
    program = str(EXAMPLES / "outbound_reminder.py")
    environ = {key: value for key, value in os.environ.items() if "VAPI" not in key}

    def said(*words: str) -> list[str]:
        ran = subprocess.run(
            [sys.executable, program, *words],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            check=True,
            text=True,
        )
        return ran.stdout.splitlines()

    said("add", ANNA, "Anna Moss", TEN.isoformat())
    before = said("--day", str(DAY))
    confirm = {"id": "call_1", "name": "confirm_appointment", "arguments": {}}
    call = {"id": "c1", "customer": {"number": ANNA}}
    body = {"message": {"type": "tool-calls", "call": call, "toolCallList": [confirm]}}
    ended = {"type": "end-of-call-report", "call": call, "endedReason": "customer-ended-call"}
    with serving(tmp_path, program, VAPI_SERVER_SECRET=SECRET) as server:
        answer = json.loads(post(f"{server.url}/webhook", body, **SIGNED))
        post(f"{server.url}/webhook", {"message": ended}, **SIGNED)
        kept = until(lambda: rows(tmp_path / "salon.sqlite", "SELECT call, reason FROM reports"))
    after = said("--day", str(DAY))

    assert before[0] == f"To be called about {DAY:%A %d %B}: 1"
    assert answer["results"][0]["result"] == f"Confirmed: {TEN:%A %d %B} at 10:00."
    assert kept == [("c1", "customer-ended-call")]
    assert after == [f"To be called about {DAY:%A %d %B}: nobody"]
