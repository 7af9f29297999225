"""Phone calls, against Vapi's API in memory, over real connections."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, strategies

from tests import openapi
from tests.restaurant import ANN, BACK, BOB, FRONT, Switch, Vapi, switching
from vapitools import Assistant, CallControlError, DefinitionError, SavedAssistant, Squad, tool
from vapitools._call_request import checked
from vapitools.answers import SavedSquad
from vapitools.calls import Call, Calls
from vapitools.client import VapiClient
from vapitools.errors import ApiError

UNKNOWN = "5ee1862a-49a5-4935-93f0-e7c7ef8ca3a4"
LATER = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=1)


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switching() as switch:
        yield switch


@pytest.fixture
def vapi(switch: Switch) -> Vapi:
    return Vapi(switch)


@tool
def find_tables() -> str:
    """Find free tables."""
    return "none"


WHOLE = Assistant(
    name="Mario", model="openai/gpt-4o", system_prompt="Be kind.", tools=[find_tables]
)


# --- what is sent -------------------------------------------------------------------------


def test_a_call_is_placed_with_the_assistant_and_the_only_number(vapi: Vapi) -> None:
    call = vapi.create()

    assert vapi.fake.writes[-1].body == {
        "assistantId": vapi.luigi,
        "phoneNumberId": vapi.front,
        "customer": {"number": ANN},
    }
    assert (call.id, call.status) == (next(iter(vapi.fake.calls)), "queued")


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


WEBHOOK = "https://luigi.example.com/webhook"
SOONER = LATER - timedelta(days=2)
ELSEWHERE = LATER.astimezone(timezone(timedelta(hours=2)))

# What is given, and what of it is in the body.
Case = Callable[[Vapi], tuple[dict[str, Any], dict[str, Any]]]
CASES: dict[str, Case] = {
    "by id": lambda vapi: ({"assistant": vapi.luigi}, {"assistantId": vapi.luigi}),
    "assistant_id": lambda vapi: ({"assistant_id": vapi.luigi}, {"assistantId": vapi.luigi}),
    "another case": lambda vapi: ({"assistant": "luigi"}, {"assistantId": vapi.luigi}),
    "saved": lambda vapi: (
        {"assistant": SavedAssistant(vapi.luigi, {"a": 1, "b": 1}), "variables": {"b": 2}},
        {
            "assistantId": vapi.luigi,
            "assistantOverrides": {"variableValues": {"a": 1, "b": 2}},
        },
    ),
    "the API's own": lambda _: ({"assistant": {"name": "Own"}}, {"assistant": {"name": "Own"}}),
    "squad": lambda vapi: (
        {"squad": "Team", "variables": {"a": 1}},
        {"squadId": vapi.team, "squadOverrides": {"variableValues": {"a": 1}}},
    ),
    "saved squad": lambda vapi: (
        {"squad": SavedSquad(vapi.team, {"firstMessage": "Hi!"})},
        {"squadId": vapi.team, "squadOverrides": {"firstMessage": "Hi!"}},
    ),
    "from an id": lambda vapi: ({"from_": vapi.front}, {"phoneNumberId": vapi.front}),
    "from a number": lambda vapi: ({"from_": FRONT}, {"phoneNumberId": vapi.front}),
    "a named customer": lambda _: (
        {"to": {"number": ANN, "name": "Ann"}},
        {"customer": {"number": ANN, "name": "Ann"}},
    ),
    "SIP": lambda _: (
        {"to": "sip:ann@example.com"},
        {"customer": {"sipUri": "sip:ann@example.com"}},
    ),
    "a trunk's own number": lambda _: (
        {"to": {"number": "1234", "numberE164CheckEnabled": False}},
        {"customer": {"number": "1234", "numberE164CheckEnabled": False}},
    ),
    "webhook": lambda _: (
        {"webhook_url": WEBHOOK},
        {"assistantOverrides": {"server": {"url": WEBHOOK}}},
    ),
    "webhook with a secret": lambda _: (
        {"webhook_url": WEBHOOK, "server": {"secret": "s3cret"}},
        {"assistantOverrides": {"server": {"url": WEBHOOK, "secret": "s3cret"}}},
    ),
    "overrides": lambda _: (
        {
            "overrides": {"variableValues": {"a": 1}, "server": {"timeoutSeconds": 9}},
            "variables": {"b": 2},
            "webhook_url": WEBHOOK,
        },
        {
            "assistantOverrides": {
                "variableValues": {"a": 1, "b": 2},
                "server": {"timeoutSeconds": 9, "url": WEBHOOK},
            }
        },
    ),
    "later": lambda _: ({"schedule": ELSEWHERE}, {"schedulePlan": {"earliestAt": iso(LATER)}}),
    "within": lambda _: (
        {"schedule": (SOONER, ELSEWHERE)},
        {"schedulePlan": {"earliestAt": iso(SOONER), "latestAt": iso(LATER)}},
    ),
    "name": lambda _: ({"name": "Reminder"}, {"name": "Reminder"}),
    "extra": lambda _: ({"extra": {"assistantVersion": "v1"}}, {"assistantVersion": "v1"}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_given_is_in_the_body_as_the_api_takes_it(vapi: Vapi, case: Case) -> None:
    vapi.line(BACK, "Kitchen")
    given, expected = case(vapi)

    body = vapi.sent(**{"from_": FRONT, **given})

    assert {**body, **expected} == body
    openapi.check("CreateCallDTO", body)


def test_an_assistant_of_ones_own_is_sent_whole_with_the_address_of_its_tools(vapi: Vapi) -> None:
    body = vapi.sent(assistant=WHOLE, url="https://luigi.example.com", server={"secret": "s3cret"})

    sent = body["assistant"]
    assert sent == WHOLE.definition(
        base_url="https://luigi.example.com", server={"secret": "s3cret"}
    )
    assert sent["model"]["tools"][0]["server"]["url"].startswith("https://luigi.example.com/")
    assert "assistantOverrides" not in body
    openapi.check("CreateCallDTO", body)


def test_a_squad_of_ones_own_is_sent_whole(vapi: Vapi) -> None:
    squad = Squad("Pair", [WHOLE])

    body = vapi.sent(squad=squad, url="https://luigi.example.com", variables={"a": 1})

    assert body["squad"] == squad.definition(base_url="https://luigi.example.com")
    assert body["squadOverrides"] == {"variableValues": {"a": 1}}
    openapi.check("CreateCallDTO", body)


def test_extra_can_say_from_where_to_call(vapi: Vapi) -> None:
    vapi.line(BACK, "Kitchen")

    body = vapi.sent(extra={"phoneNumberId": vapi.front})

    assert body["phoneNumberId"] == vapi.front
    assert [request.path for request in vapi.fake.requests] == ["/assistant", "/call"]


def test_ids_are_sent_without_looking_them_up(vapi: Vapi) -> None:
    vapi.create(assistant_id=vapi.luigi, from_=vapi.front)

    assert [request.path for request in vapi.fake.requests] == ["/call"]


# --- what is refused before anybody is called ---------------------------------------------

WRONG = {
    "no number": ({"to": "555"}, "to must be '+' and 7 to 15 digits"),
    "number of another type": ({"to": 15550100020}, "to must be '+' and 7 to 15 digits"),
    "several": ({"to": [ANN, BOB]}, "write calls.create_batch("),
    "nobody": ({"to": {"name": "Ann"}}, "to needs a number"),
    "a long name of the customer": ({"to": {"number": ANN, "name": "n" * 41}}, "41 characters"),
    "nobody speaks": ({"assistant": None}, "give one of assistant"),
    "two speak": ({"squad": "Team", "assistant": "Luigi"}, "give one of assistant"),
    "blank": ({"assistant": " "}, "assistant must be the name or the id"),
    "a number speaks": ({"assistant": 7}, "assistant must be the name or the id"),
    "a number is a squad": ({"squad": 7}, "squad must be the name or the id"),
    "a name as an id": ({"assistant_id": "Luigi"}, "assistant_id must be a UUID"),
    "from": ({"from_": "desk"}, "from_ must be the id of a phone number"),
    "webhook": ({"webhook_url": "luigi.example.com"}, "webhook_url must begin with https://"),
    "webhook with no host": ({"webhook_url": "https:///webhook"}, "webhook_url must begin"),
    "url": ({"url": "https://luigi.example.com"}, "url is for an Assistant or a Squad"),
    "server": ({"server": {"secret": "s3cret"}}, "server needs webhook_url"),
    "variables": ({"variables": {"day": LATER}}, "variables holds a value that JSON"),
    "no variables": ({"variables": ["a"]}, "variables must be a dict"),
    "not a number": ({"variables": {"a": float("nan")}}, "variables holds a value that JSON"),
    "naive": ({"schedule": datetime(2030, 1, 1)}, "schedule must say its time zone, such as dat"),
    "no moment": ({"schedule": "tomorrow"}, "schedule must be a datetime, or"),
    "three moments": ({"schedule": (LATER, LATER, LATER)}, "schedule must be a datetime, or"),
    "backwards": ({"schedule": (LATER, LATER - timedelta(1))}, "the earliest before the latest"),
    "past": ({"schedule": LATER - timedelta(days=3)}, "schedule lies in the past"),
    "a long name": ({"name": "n" * 41}, "the name has 41 characters"),
    "no option": ({"asistant": "Luigi"}, "no option 'asistant'; did you mean 'assistant'"),
}


@pytest.mark.parametrize(("given", "text"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_and_nothing_is_asked(
    vapi: Vapi, given: dict[str, Any], text: str
) -> None:
    with pytest.raises(DefinitionError, match=re.escape(text)) as raised:
        vapi.create(**given)

    assert len(raised.value.problems) == 1
    assert vapi.fake.requests == []


def test_all_that_is_wrong_is_said_at_once_and_no_number_or_secret(vapi: Vapi) -> None:
    with pytest.raises(DefinitionError) as raised:
        vapi.create(to="5550100020", assistant="", name="n" * 50, server={"secret": "s3cret"})

    assert len(raised.value.problems) == 4
    assert not any(word in str(raised.value) for word in ("5550100020 ", "s3cret"))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"assistant": "Luigy"}, "there is no assistant 'Luigy' at Vapi; did you mean 'Luigi'?"),
        ({"assistant": "Zorro"}, "there is no assistant 'Zorro' at Vapi; there are: Luigi"),
        ({"squad": "Tea"}, "there is no squad 'Tea' at Vapi; did you mean 'Team'?"),
        ({"from_": BOB}, f"from_: none of your numbers is {BOB}; there are: {FRONT} Front desk"),
    ],
)
def test_what_is_not_there_is_said_and_what_is_there(
    vapi: Vapi, given: dict[str, Any], text: str
) -> None:
    with pytest.raises(DefinitionError) as raised:
        vapi.create(**given)

    assert text in str(raised.value)
    assert vapi.fake.calls == {}


def test_of_two_assistants_of_one_name_none_is_guessed(vapi: Vapi) -> None:
    other = vapi.fake.add("assistant", {"name": "Luigi"})["id"]

    with pytest.raises(DefinitionError, match=r"2 .* are named 'Luigi'; give an id: ") as raised:
        vapi.create()

    assert vapi.luigi in str(raised.value)
    assert other in str(raised.value)


def test_the_exact_spelling_of_a_name_comes_first(vapi: Vapi) -> None:
    other = vapi.fake.add("assistant", {"name": "LUIGI"})["id"]

    assert vapi.sent(assistant="LUIGI")["assistantId"] == other
    with pytest.raises(DefinitionError, match="give an id"):
        vapi.create(assistant="luigi")


def test_of_two_numbers_none_is_guessed(vapi: Vapi) -> None:
    vapi.line(BACK, "Kitchen")

    with pytest.raises(DefinitionError, match="give from_='…'; there are: ") as raised:
        vapi.create()

    assert FRONT in str(raised.value)
    assert BACK in str(raised.value)


def test_a_number_that_is_there_twice_is_not_guessed(vapi: Vapi) -> None:
    vapi.line(FRONT, "Imported twice")

    with pytest.raises(DefinitionError, match="from_: give the id of one; there are: "):
        vapi.create(from_=FRONT)


def test_without_a_number_to_call_from_the_error_says_so(vapi: Vapi) -> None:
    vapi.fake.remove("phone-number", vapi.front)

    with pytest.raises(DefinitionError, match="there is no phone number at Vapi"):
        vapi.create()


def test_all_that_is_not_found_is_said_at_once(vapi: Vapi) -> None:
    with pytest.raises(DefinitionError) as raised:
        vapi.create(assistant="Zorro", from_=BOB)

    assert len(raised.value.problems) == 2


def test_where_there_is_none_at_all_it_is_said(vapi: Vapi) -> None:
    vapi.fake.remove("squad", vapi.team)

    with pytest.raises(DefinitionError, match="no squad 'Team' at Vapi; there is none"):
        vapi.create(squad="Team")


def test_a_long_list_of_names_is_cut(vapi: Vapi) -> None:
    for i in range(30):
        vapi.fake.add("assistant", {"name": f"Number {i}"})

    with pytest.raises(DefinitionError, match="…") as raised:
        vapi.create(assistant="Zorro")

    assert len(str(raised.value)) < 250


@given(strategies.text() | strategies.integers() | strategies.none())
def test_only_a_number_or_a_sip_address_is_ever_called(to: Any) -> None:
    try:
        customer = checked([to], {"assistant": "Luigi"})[0]
    except DefinitionError:
        return

    assert customer.get("sipUri", "").startswith(("sip", "SIP", "Sip")) or (
        customer["number"][0] == "+" and customer["number"][1:].isdigit()
    )


@given(strategies.dictionaries(strategies.text(), strategies.integers() | strategies.text()))
def test_any_object_in_the_place_of_a_customer_is_taken_or_refused(to: dict[str, Any]) -> None:
    with contextlib.suppress(DefinitionError):
        checked([to], {"assistant": "Luigi"})


# --- never placed twice -------------------------------------------------------------------


def unknown(vapi: Vapi, **options: Any) -> ApiError:
    """The error of a call of which nobody knows whether it was placed."""
    with pytest.raises(ApiError, match="look with `vapitools calls`") as raised:
        vapi.run(
            lambda calls: calls.create(to=ANN, assistant_id=vapi.luigi, from_=vapi.front), **options
        )
    assert raised.value.was_done
    assert len([request for request in vapi.fake.writes if request.path == "/call"]) == 1
    assert ANN not in str(raised.value)
    return raised.value


@pytest.mark.parametrize("done", [True, False])
def test_an_error_of_the_server_is_not_repeated(vapi: Vapi, done: bool) -> None:
    vapi.fake.fail("POST", "/call", status=500, times=9, done=done)

    error = unknown(vapi)

    assert error.status == 500
    assert len(vapi.fake.calls) == done


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_error_of_a_gateway_is_not_repeated(vapi: Vapi, status: int) -> None:
    vapi.fake.fail("POST", "/call", status=status, times=9, done=True, body=b"<html>")

    unknown(vapi)

    assert len(vapi.fake.calls) == 1


def test_a_lost_answer_is_not_asked_for_again(vapi: Vapi) -> None:
    vapi.fake.drop("POST", "/call", times=9)

    unknown(vapi)

    assert len(vapi.fake.calls) == 1


def test_a_time_out_is_not_repeated(vapi: Vapi) -> None:
    vapi.fake.hang("POST", "/call", times=9, done=True)

    unknown(vapi, timeout=0.2)

    assert len(vapi.fake.calls) == 1


@pytest.mark.parametrize("body", [b"[]", b"{}", b"<html>", b""])
def test_an_answer_that_tells_of_no_call_is_not_asked_for_again(vapi: Vapi, body: bytes) -> None:
    vapi.fake.fail("POST", "/call", status=201, times=9, done=True, body=body)

    unknown(vapi)

    assert len(vapi.fake.calls) == 1


def test_too_many_requests_are_repeated_and_place_one_call(vapi: Vapi) -> None:
    vapi.fake.fail("POST", "/call", status=429, headers={"retry-after": "0.01"})

    vapi.create()

    assert len(vapi.fake.calls) == 1


def test_a_refusal_is_passed_on(vapi: Vapi) -> None:
    with pytest.raises(ApiError, match="400") as raised:
        vapi.create(assistant_id=UNKNOWN)

    assert not raised.value.was_done
    assert vapi.fake.calls == {}


def test_a_batch_is_not_repeated_either(vapi: Vapi) -> None:
    vapi.fake.drop("POST", "/call", times=9)

    with pytest.raises(ApiError, match="look with `vapitools calls`"):
        vapi.run(lambda calls: calls.create_batch(to=[ANN, BOB], assistant="Luigi"))

    assert len(vapi.fake.calls) == 2


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"results": [{}]}', b'{"results": 7}'])
def test_an_answer_that_tells_of_no_batch_is_said(vapi: Vapi, body: bytes) -> None:
    vapi.fake.fail("POST", "/call", status=201, done=True, body=body)

    with pytest.raises(ApiError, match=r"no batch of calls.*look with `vapitools calls`"):
        vapi.run(lambda calls: calls.create_batch(to=[ANN, BOB], assistant="Luigi"))


# --- several, and in two steps ------------------------------------------------------------


def test_a_batch_calls_everybody_with_one_request(vapi: Vapi) -> None:
    batch = vapi.run(lambda calls: calls.create_batch(to=[ANN, {"number": BOB}], assistant="Luigi"))

    body = vapi.fake.writes[-1].body
    assert len(vapi.fake.writes) == 1
    assert body["customers"] == [{"number": ANN}, {"number": BOB}]
    assert [call.to for call in batch.calls] == [ANN, BOB]
    assert batch.errors == ()
    openapi.check("CreateCallDTO", body)


def test_what_vapi_refuses_of_a_batch_is_told(vapi: Vapi) -> None:
    refused = {"customer": {"number": BOB}, "error": "Daily limit."}
    vapi.fake.fail(
        "POST", "/call", status=201, body={"results": [{"id": "1"}], "errors": [refused]}
    )

    batch = vapi.run(lambda calls: calls.create_batch(to=[ANN, BOB], assistant="Luigi"))

    assert [call.id for call in batch.calls] == ["1"]
    assert batch.errors == (refused,)
    assert repr(batch) == "<CallBatch: 1 made, 1 refused>"


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ([], "there is nobody to call"),
        ([ANN, "555"], r"to\[1\] must be"),
        ([ANN, BOB, {"number": ANN}], r"to\[2\] is the same as to\[0\]"),
        (["sip:a@example.com", "sip:a@example.com"], r"to\[1\] is the same as to\[0\]"),
    ],
)
def test_a_batch_that_is_wrong_calls_nobody(vapi: Vapi, to: list[Any], text: str) -> None:
    with pytest.raises(DefinitionError, match=text):
        vapi.run(lambda calls: calls.create_batch(to=to, assistant="Luigi"))

    assert vapi.fake.requests == []


def test_people_behind_one_number_with_extensions_are_several(vapi: Vapi) -> None:
    people = [{"number": ANN, "extension": "1"}, {"number": ANN, "extension": "2"}]

    batch = vapi.run(lambda calls: calls.create_batch(to=people, assistant="Luigi"))

    assert len(batch.calls) == 2


def test_a_prepared_call_is_looked_up_and_calls_nobody_until_it_is_placed(vapi: Vapi) -> None:
    prepared = vapi.run(lambda calls: calls.prepare(to=ANN, assistant=vapi.luigi, from_=vapi.front))
    before = vapi.fake.writes

    call = vapi.run(lambda calls: calls.place(prepared))

    assert before == []
    assert prepared.speaker is not None
    assert prepared.speaker["name"] == "Luigi"
    assert prepared.phone_number is not None
    assert prepared.phone_number["number"] == FRONT
    assert list(vapi.fake.calls) == [call.id]
    assert repr(prepared) == "<PreparedCall>"


def test_preparing_finds_an_id_that_is_not_there(vapi: Vapi) -> None:
    with pytest.raises(ApiError, match="404"):
        vapi.run(lambda calls: calls.prepare(to=ANN, assistant=UNKNOWN))


# --- what is known of calls ---------------------------------------------------------------


def test_calls_are_listed_with_the_newest_first(vapi: Vapi) -> None:
    ids = [vapi.fake.add("call", {})["id"] for _ in range(3)]

    calls = vapi.run(lambda calls: calls.list())

    assert [call.id for call in calls] == ids[::-1]


def test_a_limit_asks_for_no_more_than_that(vapi: Vapi) -> None:
    ids = [vapi.fake.add("call", {})["id"] for _ in range(120)]

    few = vapi.run(lambda calls: calls.list(limit=2))
    asked = len(vapi.fake.requests)
    many = vapi.run(lambda calls: calls.list(limit=110))

    assert [call.id for call in few] == [ids[-1], ids[-2]]
    assert asked == 1
    assert vapi.fake.requests[0].query["limit"] == "2"
    assert [call.id for call in many] == ids[:-111:-1]


def test_calls_of_one_assistant_can_be_listed(vapi: Vapi) -> None:
    mine = vapi.fake.add("call", {"assistantId": vapi.luigi})["id"]
    vapi.fake.add("call", {})

    by_name = vapi.run(lambda calls: calls.list(assistant="luigi"))
    by_id = vapi.run(lambda calls: calls.list(assistant=vapi.luigi))

    assert [call.id for call in by_name] == [call.id for call in by_id] == [mine]


def test_calls_since_a_moment_and_by_a_filter_of_the_api_can_be_listed(vapi: Vapi) -> None:
    vapi.fake.add("call", {"phoneNumberId": vapi.front})
    last = Call(vapi.fake.add("call", {"phoneNumberId": vapi.front}))
    vapi.fake.add("call", {})
    assert last.created_at is not None
    since = last.created_at.astimezone(timezone(timedelta(hours=5)))

    calls = vapi.run(lambda calls: calls.list(since=since, phoneNumberId=vapi.front))

    assert [call.id for call in calls] == [last.id]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"limit": 0}, "limit must be 1 or more"),
        ({"since": datetime(2026, 1, 1)}, "since must say its time zone"),
        ({"assistant": "Zorro"}, "there is no assistant 'Zorro'"),
    ],
)
def test_a_list_that_is_wrongly_asked_for_is_refused(
    vapi: Vapi, given: dict[str, Any], text: str
) -> None:
    with pytest.raises(DefinitionError, match=text):
        vapi.run(lambda calls: calls.list(**given))


ENDED = {
    "id": UNKNOWN,
    "status": "ended",
    "createdAt": "2026-11-22T10:00:00.000Z",
    "startedAt": "2026-11-22T10:00:05.000Z",
    "endedAt": "2026-11-22T10:01:35.500Z",
    "endedReason": "customer-ended-call",
    "customer": {"number": ANN, "name": "Ann"},
    "assistantId": UNKNOWN,
    "cost": 0.25,
    "artifact": {"transcript": "AI: private words"},
}


def test_a_call_tells_what_is_known_of_it() -> None:
    call = Call(ENDED)

    assert (call.id, call.status, call.ended_reason) == (UNKNOWN, "ended", "customer-ended-call")
    assert call.created_at == datetime(2026, 11, 22, 10, tzinfo=timezone.utc)
    assert call.duration == timedelta(seconds=90.5)
    assert (call.to, call.assistant_id, call.cost) == (ANN, UNKNOWN, 0.25)


def test_a_repr_holds_neither_words_nor_the_whole_number() -> None:
    assert repr(Call(ENDED)) == f"<Call {UNKNOWN} to …0020: ended>"
    assert repr(Call({"id": "1", "customer": {"sipUri": "sip:ann@example.com"}})) == (
        "<Call 1 to …: None>"
    )
    assert repr(Call({"id": "1", "customer": {"number": "+12345"}})) == "<Call 1 to …: None>"
    assert repr(Call({"id": "1"})) == "<Call 1: None>"


json_values = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.floats() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    max_leaves=5,
)


@given(strategies.fixed_dictionaries({}, optional=dict.fromkeys(ENDED, json_values)))
def test_whatever_vapi_says_of_a_call_can_be_read(raw: dict[str, Any]) -> None:
    call = Call({**raw, "id": "1"})

    for name in vars(Call):
        if isinstance(vars(Call)[name], property):
            getattr(call, name)
    repr(call)


# --- the live call ------------------------------------------------------------------------


def test_a_live_call_is_told_to_end(vapi: Vapi) -> None:
    call = vapi.create()
    vapi.fake.answer(call.id)

    vapi.run(lambda calls: calls.end(call.id))

    assert vapi.fake.commands(call.id) == [{"type": "end-call"}]
    assert vapi.run(lambda calls: calls.get(call.id)).status == "ended"


def test_a_call_that_has_ended_cannot_be_ended(vapi: Vapi) -> None:
    call = vapi.create()
    vapi.fake.end(call.id, "customer-busy")

    with pytest.raises(CallControlError, match=r"ended already \(customer-busy\)"):
        vapi.run(lambda calls: calls.end(call.id))


def test_a_scheduled_call_is_deleted_so_that_it_is_not_placed(vapi: Vapi) -> None:
    call = vapi.create(schedule=LATER)

    vapi.run(lambda calls: calls.end(call.id))

    assert vapi.fake.calls == {}


def test_a_live_call_can_be_controlled_by_its_id(vapi: Vapi) -> None:
    call = vapi.create()

    async def use(calls: Calls) -> None:
        control = await calls.control(call.id)
        await control.say("One moment.")
        await control.add_message("Be brief.", trigger_response=False)
        await control.mute()
        await control.unmute()
        await (await calls.control(call.id)).transfer(BOB)
        assert (control.id, control.customer.number) == (call.id, ANN)

    vapi.run(use)

    assert [command["type"] for command in vapi.fake.commands(call.id)] == [
        "say", "add-message", "control", "control", "transfer",
    ]  # fmt: skip


def test_a_call_is_controlled_only_at_vapi_and_at_the_api_itself(vapi: Vapi) -> None:
    call = vapi.create()
    elsewhere = {**vapi.fake.calls[call.id], "monitor": {"controlUrl": "http://127.0.0.1:1/x"}}
    vapi.fake.fail("GET", "/call", body=elsewhere, status=200)

    with pytest.raises(CallControlError, match="not an allowed one"):
        vapi.run(lambda calls: calls.end(call.id))


def test_other_addresses_can_be_allowed(vapi: Vapi, monkeypatch: pytest.MonkeyPatch) -> None:
    call = vapi.create()
    monkeypatch.setenv("VAPITOOLS_CONTROL_URLS", "http://127.0.0.1:1")
    elsewhere = {**vapi.fake.calls[call.id], "monitor": {"controlUrl": "http://127.0.0.1:1/x"}}
    vapi.fake.fail("GET", "/call", body=elsewhere, status=200)

    with pytest.raises(CallControlError, match="out of reach"):
        vapi.run(lambda calls: calls.end(call.id))


def test_an_api_at_an_address_that_cannot_be_allowed_keeps_no_call_from_being_told() -> None:
    calls = VapiClient("test-key", base_url="http://[::1]:1").calls

    with pytest.raises(CallControlError, match="no address for commands"):
        asyncio.run(calls._context(Call({"id": UNKNOWN})).say("Hi."))


@pytest.mark.parametrize("ask", [Calls.get, Calls.end, Calls.control])
def test_a_call_that_is_not_there_is_said(
    vapi: Vapi, ask: Callable[[Calls, str], Awaitable[Any]]
) -> None:
    with pytest.raises(ApiError, match="404"):
        vapi.run(lambda calls: ask(calls, UNKNOWN))
