"""The example bots, each as it stands, over HTTP."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from vapitools import Assistant, SharedSecret, router

from .conftest import SHARED
from .organization import declared, organization
from .servers import post, serving, until

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = ["restaurant", "clinic", "outbound_reminder", "support_desk"]
SECRET = "s3cret"
SIGNED = {"x-vapi-secret": SECRET}
RECORDED = [
    *sorted((Path(__file__).parent / "messages").glob("*.json")),
    *sorted(SHARED.glob("payloads/*.json")),
]
EVE = "2026-12-24"
ANNA = "+15550100010"


def load(name: str) -> ModuleType:
    """An example as a fresh module, so that no test sees what another one booked."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def serve(bot: ModuleType, **options: Any) -> TestClient:
    """The whole bot behind a secret, and a client that knows it."""
    app = router(bot.tools, events=bot.events, auth=SharedSecret(SECRET), **options)
    return TestClient(app, headers=SIGNED)


def tell(client: TestClient, type_: str, **fields: Any) -> Any:
    """Deliver a message as Vapi does, and return the answer."""
    response = client.post("/webhook", json={"message": {"type": type_, **fields}})
    assert response.status_code == 200
    return response.json()


def ask(client: TestClient, *calls: tuple[str, dict[str, Any]], path: str = "/webhook") -> Any:
    """Deliver tool calls in one message, as Vapi does, and return their results."""
    entries = [
        {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(calls)
    ]
    response = client.post(path, json={"message": {"type": "tool-calls", "toolCallList": entries}})
    assert response.status_code == 200
    results = response.json()["results"]
    assert [result["toolCallId"] for result in results] == [entry["id"] for entry in entries]
    return results


def booking(**arguments: Any) -> tuple[str, dict[str, Any]]:
    """A call of the restaurant's `book_table`."""
    return "book_table", {"day": EVE, "at": "18:00", "name": "Anna", **arguments}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_can_be_brought_to_vapi_and_is_found_there_again(name: str) -> None:
    bot = load(name)
    assistants = [value for value in vars(bot).values() if isinstance(value, Assistant)]

    with organization() as org:
        declaration = declared(*assistants, toolset=bot.tools, events=bot.events)
        org.apply(declaration)

        assert org.attached(assistants[0].name or "") == bot.tools.names
        with org.nothing_written():
            org.apply(declaration)


@pytest.mark.parametrize("name", NAMES)
def test_a_check_of_an_example_has_nothing_to_say(name: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "vapitools.cli", "check", str(EXAMPLES / f"{name}.py"), "--json"],
        env={**os.environ, "VAPI_SERVER_SECRET": SECRET},
        capture_output=True,
        check=True,
    )

    assert json.loads(ran.stdout) == []


# --- restaurant ---------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The restaurant's file, which is not there yet."""
    path = tmp_path / "book.sqlite"
    monkeypatch.setenv("RESTAURANT_DB", str(path))
    return path


@pytest.fixture
def restaurant(book: Path) -> Iterator[TestClient]:
    """The restaurant, with an empty book."""
    bot = load("restaurant")
    with serve(bot, lifespan=bot.lifespan) as client:
        yield client


def calls_in(book: Path) -> list[tuple[str | None, ...]]:
    """What the restaurant has kept of its calls."""
    with closing(sqlite3.connect(book)) as connection:
        return connection.execute("SELECT id, phone, summary FROM calls").fetchall()


def test_a_restaurant_table_that_is_booked_is_no_longer_offered(restaurant: TestClient) -> None:
    [before] = ask(restaurant, ("find_tables", {"day": EVE, "party_size": 8}))
    [booked] = ask(restaurant, booking(party_size="8"))
    [after] = ask(restaurant, ("find_tables", {"day": EVE, "party_size": 8}))

    assert json.loads(before["result"]) == ["18:00:00", "19:30:00", "21:00:00"]
    assert booked["result"] == "Booked for Anna, 8 people, Thursday 24 December at 18:00."
    assert json.loads(after["result"]) == ["19:30:00", "21:00:00"]


def test_a_larger_restaurant_table_is_given_when_the_small_ones_are_taken(
    restaurant: TestClient,
) -> None:
    answers = [ask(restaurant, booking())[0] for _ in range(4)]

    assert ["result" in answer for answer in answers] == [True, True, True, False]


def test_a_restaurant_table_is_never_booked_twice(restaurant: TestClient) -> None:
    ask(restaurant, booking(party_size=8))

    [second] = ask(restaurant, booking(party_size=8, name="Ben"))

    assert second["error"] == "That table was just taken. Offer another time."
    assert "result" not in second


def test_of_many_callers_at_once_one_gets_the_restaurant_table(restaurant: TestClient) -> None:
    answers = ask(restaurant, *[booking(party_size=8, name=f"Guest {i}") for i in range(20)])

    winners = [answer for answer in answers if "result" in answer]
    assert len(winners) == 1
    assert {answer.get("error") for answer in answers if answer not in winners} == {
        "That table was just taken. Offer another time."
    }


def test_a_repeated_delivery_books_one_restaurant_table(restaurant: TestClient) -> None:
    name, arguments = booking(party_size=8)
    call = {"id": "call_1", "name": name, "arguments": arguments}
    body = {"message": {"type": "tool-calls", "call": {"id": "c1"}, "toolCallList": [call]}}

    first = restaurant.post("/webhook", json=body).json()
    second = restaurant.post("/webhook", json=body).json()

    assert "result" in first["results"][0]
    assert second == first


def test_the_restaurant_knows_the_callers_number_from_vapi_alone() -> None:
    tools = load("restaurant").tools

    for name in ("book_table", "cancel_booking"):
        definition = tools[name].definition()
        assert "caller" not in definition["function"]["parameters"]["properties"]
        assert definition["parameters"] == [{"key": "caller", "value": "{{customer.number}}"}]


def test_a_restaurant_booking_is_cancelled_from_its_own_number_only(restaurant: TestClient) -> None:
    ask(restaurant, booking(party_size=8, caller=ANNA))
    cancel = ("cancel_booking", {"day": EVE})

    [stranger] = ask(restaurant, (cancel[0], {**cancel[1], "caller": "+15550100099"}))
    [anna] = ask(restaurant, (cancel[0], {**cancel[1], "caller": ANNA}))
    [again] = ask(restaurant, booking(party_size=8, caller=ANNA))

    assert stranger["error"].startswith("There is no booking")
    assert anna["result"] == "Cancelled."
    assert "result" in again


@pytest.mark.parametrize("caller", ["", "{{customer.number}}", None], ids=repr)
def test_without_a_number_no_restaurant_booking_can_be_cancelled(
    restaurant: TestClient, caller: str | None
) -> None:
    ask(restaurant, booking(caller=caller))

    [answer] = ask(restaurant, ("cancel_booking", {"day": EVE, "caller": caller}))

    assert answer["error"].startswith("The number is not known")


def test_the_restaurant_says_what_is_wrong_with_an_argument(restaurant: TestClient) -> None:
    late, crowd = ask(restaurant, booking(at="23:00"), booking(party_size=12))

    assert late["error"].startswith("Guests are seated at 18:00, 19:30, 21:00.")
    assert crowd["error"].startswith("party_size: wanted a whole number, 1 to 8, got ")


def test_the_restaurant_says_something_while_it_looks() -> None:
    messages = load("restaurant").tools["find_tables"].definition()["messages"]

    assert [message["type"] for message in messages] == [
        "request-start",
        "request-response-delayed",
    ]


def test_the_restaurant_is_part_of_an_app_of_ones_own(book: Path) -> None:
    bot = load("restaurant")
    vapi = Mount("/vapi", router(bot.tools, auth=SharedSecret(SECRET)))
    app = Starlette(routes=[vapi], lifespan=bot.lifespan)

    with TestClient(app, headers=SIGNED) as client:
        [answer] = ask(client, booking(), path="/vapi/webhook")

    assert answer["result"].startswith("Booked for Anna")


def test_the_restaurant_keeps_the_summary_of_a_call_once(
    restaurant: TestClient, book: Path
) -> None:
    call = {"id": "c1", "customer": {"number": ANNA}}

    for summary in ("Anna asks.", "Anna has booked."):
        assert tell(restaurant, "end-of-call-report", call=call, summary=summary) == {}
    tell(restaurant, "end-of-call-report", call={"id": "nobody picked up"})

    assert calls_in(book) == [("c1", ANNA, "Anna has booked.")]


def test_who_wants_a_person_gets_the_restaurants_manager(
    restaurant: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = tell(restaurant, "transfer-destination-request")
    monkeypatch.setenv("RESTAURANT_MANAGER", "+15550100020")
    manager = tell(restaurant, "transfer-destination-request")

    assert nobody == {"error": "Nobody can come to the phone now. Please call again after five."}
    assert manager["destination"]["number"] == "+15550100020"


# --- clinic -------------------------------------------------------------------------------

MONDAY = "2026-11-30T10:00"
PATIENT = {"name": "Ada Moss", "born": "1985-03-02"}


@pytest.fixture
def clinic_bot(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The clinic's module. The clinic is open, whatever time it is."""
    bot = load("clinic")
    monkeypatch.setattr(bot, "OPENING_HOURS", range(24))
    return bot


@pytest.fixture
def clinic(clinic_bot: ModuleType) -> Iterator[TestClient]:
    """The clinic, with an empty diary."""
    with serve(clinic_bot) as client:
        yield client


def appointment(**arguments: Any) -> tuple[str, dict[str, Any]]:
    """A call of the clinic's `book_appointment`."""
    first = {"patient": PATIENT, "doctor": "Dr. Ruth Weiss", "at": MONDAY}
    return "book_appointment", {**first, **arguments}


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({}, ["Dr. Amara Okafor", "Dr. Jonas Lind", "Dr. Mei Tanaka", "Dr. Ruth Weiss"]),
        ({"specialty": "Heart"}, ["Dr. Amara Okafor", "Dr. Ruth Weiss"]),
        ({"specialty": "heart", "languages": ["german"]}, ["Dr. Ruth Weiss"]),
        ({"specialty": None, "languages": "Japanese"}, ["Dr. Mei Tanaka"]),
    ],
    ids=["all", "by specialty", "by both", "one language where a list is due"],
)
def test_the_clinic_finds_doctors(
    clinic: TestClient, arguments: dict[str, Any], names: list[str]
) -> None:
    [answer] = ask(clinic, ("find_doctors", arguments))

    assert [doctor["name"] for doctor in json.loads(answer["result"])] == names


def test_the_clinic_finds_again_what_was_booked(clinic: TestClient) -> None:
    [booked] = ask(clinic, appointment())
    [found] = ask(clinic, ("next_appointment", {"name": "ada moss", "born": "1985-03-02"}))
    [stranger] = ask(clinic, ("next_appointment", {"name": "Ada Moss", "born": "1999-01-01"}))

    assert booked["result"] == "Ada Moss sees Dr. Ruth Weiss on Monday 30 November at 10:00."
    assert found["result"] == "Monday 30 November at 10:00 with Dr. Ruth Weiss."
    assert stranger["error"].startswith("There is no appointment")


def test_the_clinic_takes_a_patient_that_came_as_text(clinic: TestClient) -> None:
    [answer] = ask(clinic, appointment(patient=json.dumps(PATIENT), at=f"{MONDAY}:00Z"))

    assert answer["result"] == "Ada Moss sees Dr. Ruth Weiss on Monday 30 November at 10:00."


def test_the_clinic_says_what_is_missing_of_a_patient(clinic: TestClient) -> None:
    [answer] = ask(clinic, appointment(patient={"name": "A"}))

    assert answer["error"].startswith("patient.name: wanted text, at least 2 characters, got ")
    assert "patient.born: wanted a date such as 2026-12-24, got nothing" in answer["error"]


def test_of_many_patients_at_once_one_gets_the_clinics_appointment(clinic: TestClient) -> None:
    answers = ask(clinic, *[appointment(patient={**PATIENT, "name": f"P{i}"}) for i in range(10)])

    assert sum("result" in answer for answer in answers) == 1


def test_the_clinics_slow_archive_holds_nobody_else_up(monkeypatch: pytest.MonkeyPatch) -> None:
    bot = load("clinic")
    all_waiting = threading.Barrier(5)
    monkeypatch.setattr(bot, "time", SimpleNamespace(sleep=lambda _: all_waiting.wait(10)))
    slow = ("next_appointment", {"name": "Ada Moss", "born": "1985-03-02"})

    with serve(bot) as client:
        answers = ask(client, *[slow] * 5)

    assert {answer["error"] for answer in answers} == {
        "There is no appointment under that name and date of birth."
    }


def test_the_model_sees_the_clinics_patient_field_by_field() -> None:
    parameters = load("clinic").tools["book_appointment"].parameters

    patient = parameters["properties"]["patient"]
    assert list(patient["properties"]) == ["name", "born", "insurance", "allergies"]
    assert patient["required"] == ["name", "born"]
    assert patient["properties"]["insurance"]["enum"] == ["public", "private"]


def test_by_day_the_clinic_answers_a_call_with_its_own_desk(
    clinic: TestClient, clinic_bot: ModuleType
) -> None:
    answer = tell(clinic, "assistant-request", call={"customer": {"number": ANNA}})

    assistant = answer["assistant"]
    tools = assistant["model"]["tools"]
    assert [tool["function"]["name"] for tool in tools] == clinic_bot.tools.names
    assert assistant["server"] == {"url": "http://testserver/webhook", "secret": SECRET}
    assert answer["assistantOverrides"]["variableValues"] == {"greeting": "Welcome to the clinic."}


def test_by_night_the_clinic_answers_a_call_with_a_sentence(
    clinic: TestClient, clinic_bot: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clinic_bot, "OPENING_HOURS", range(0))

    answer = tell(clinic, "assistant-request")

    assert answer == {"error": "The clinic is closed. Please call between eight and six."}


def test_the_clinic_greets_who_has_booked_and_tells_no_name(clinic: TestClient) -> None:
    from_anna, from_ben = ({"customer": {"number": number}} for number in (ANNA, "+15550100099"))
    from_nowhere: dict[str, Any] = {}
    for doctor, call in [("Dr. Ruth Weiss", from_anna), ("Dr. Jonas Lind", from_nowhere)]:
        name, arguments = appointment(doctor=doctor)
        entry = {"id": "call_1", "name": name, "arguments": arguments}
        assert "result" in tell(clinic, "tool-calls", call=call, toolCallList=[entry])["results"][0]

    greetings = [
        tell(clinic, "assistant-request", call=call)["assistantOverrides"]["variableValues"]
        for call in (from_anna, from_ben, from_nowhere)
    ]

    assert greetings == [
        {"greeting": "Welcome back."},
        {"greeting": "Welcome to the clinic."},
        {"greeting": "Welcome to the clinic."},
    ]


# --- all ----------------------------------------------------------------------------------


@pytest.fixture
def outbound_reminder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The salon, with an empty diary. It has its own tests in `test_outbound_reminder`."""
    monkeypatch.setenv("SALON_DB", str(tmp_path / "salon.sqlite"))
    bot = load("outbound_reminder")
    with serve(bot, lifespan=bot.lifespan) as client:
        yield client


@pytest.fixture
def support_desk() -> Iterator[TestClient]:
    """The lamp shop. It has its own tests in `test_support_desk`."""
    with serve(load("support_desk")) as client:
        yield client


@pytest.fixture(params=NAMES)
def example(request: pytest.FixtureRequest) -> TestClient:
    """Each of them."""
    client: TestClient = request.getfixturevalue(request.param)
    return client


@pytest.mark.parametrize("headers", [{}, {"x-vapi-secret": "wrong"}], ids=["none", "wrong"])
@pytest.mark.parametrize("type_", ["tool-calls", "end-of-call-report", "assistant-request"])
def test_a_stranger_gets_nothing_of_an_example(
    example: TestClient, headers: dict[str, str], type_: str
) -> None:
    del example.headers["x-vapi-secret"]

    response = example.post("/webhook", json={"message": {"type": type_}}, headers=headers)

    assert (response.status_code, response.content) == (401, b"")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_an_example_takes_what_vapi_really_sends(
    example: TestClient, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    json_ = {"content-type": "application/json"}

    response = example.post("/webhook", content=path.read_bytes(), headers=json_)

    assert response.status_code == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


# --- as they stand ------------------------------------------------------------------------


def test_the_restaurant_keeps_a_summary_as_it_stands(tmp_path: Path) -> None:
    report = {"type": "end-of-call-report", "call": {"id": "c1"}, "summary": "Anna has booked."}
    body = {"message": report}

    with serving(tmp_path, str(EXAMPLES / "restaurant.py"), VAPI_SERVER_SECRET=SECRET) as server:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            post(f"{server.url}/webhook", body)
        answer = post(f"{server.url}/webhook", body, **SIGNED)
        kept = until(lambda: calls_in(tmp_path / "restaurant.sqlite"))

    assert answer == b"{}"
    assert kept == [("c1", None, "Anna has booked.")]


def test_the_clinic_answers_a_call_as_it_stands(tmp_path: Path) -> None:
    body = {"message": {"type": "assistant-request"}}

    with serving(tmp_path, str(EXAMPLES / "clinic.py"), VAPI_SERVER_SECRET=SECRET) as server:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            post(f"{server.url}/webhook", body)
        answer = json.loads(post(f"{server.url}/webhook", body, **SIGNED))

    assert answer.keys() in ({"error"}, {"assistant", "assistantOverrides"})
    assert "Sorry" not in answer.get("error", "")
