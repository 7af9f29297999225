"""What is replaced in a recorded body, what stays, and that a call still makes sense."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vapitools import messages
from vapitools.recording import Redactor, redacted

from .conftest import SHARED, shared
from .signatures import examples

MESSAGES = sorted((SHARED / "payloads").glob("*.json"))


def body(*arguments: Any, **fields: Any) -> dict[str, Any]:
    """A body with tool calls that have these arguments."""
    entries = [
        {"id": f"call_{i}", "type": "function", "function": {"name": "book", "arguments": each}}
        for i, each in enumerate(arguments)
    ]
    return {"message": {"type": "tool-calls", "toolCallList": entries, **fields}}


def arguments(changed: dict[str, Any], index: int = 0) -> Any:
    return changed["message"]["toolCallList"][index]["function"]["arguments"]


def argument(value: Any, name: str = "note") -> Any:
    """What becomes of one argument."""
    return arguments(redacted(body({name: value})))[name]


def text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- what shows by its looks --------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("+14155552671", "+15550100001"),
        ("Call +1 415 555 2671 now.", "Call +1 555 010 0001 now."),
        ("(415) 555-2671", "(555) 010-0001"),
        ("415.555.2671", "555.010.0001"),
        ("+49 170 1234567", "+15 550 100001"),
        ("0049 (0)170 1234567", "1555 (0)100 001"),
        ("+44 20 7946 0018 - 4", "+15 55 0100 001"),
        ("tel. +34 612 345 678!", "tel. +15 550 100 001!"),
        ("4155552671", "5550100001"),
        ("maria.rossi+x@mail.example.it", "person1@example.com"),
        ("<Maria@Example.org>", "<person1@example.com>"),
        ("It is maria dot rossi at gmail dot com.", "It is person1@example.com."),
        ("4111 1111 1111 1111", "9000 0000 0000 0001"),
        ("4111-1111-1111-1111", "9000-0000-0000-0001"),
        ("no. 123456789012345", "no. 900000000000001"),
        ("078-05-1120", "900-00-0001"),
        ("DE89 3704 0044 0532 0130 00", "DE00 0000 0000 0000 0000 01"),
        ("from 10.1.2.3:80", "from 192.0.2.1:80"),
        ("from fe80::1ff:fe23:4567:890a", "from 2001:db8::1"),
        ("sip:maria@pbx.example.net:5060;lr", "sip:person1@sip.example.com;lr"),
        ("sip:+14155552671@10.1.2.3", "sip:+15550100001@192.0.2.1"),
        ("tel:+14155552671", "tel:+15550100001"),
        ("AC0123456789abcdef0123456789abcdef", "AC00000000000000000000000000000001"),
        ("Bearer abcdefgh12345678", "Bearer secret-1"),
        ("sk-proj-abcdefgh12345678", "secret-1"),
        ("https://u:p@a.example.com/x?k=v&n=1#t=5", "https://user@a.example.com/x?k=secret-1&n=secret-2#t=secret-3"),
        ("https://a.example.com/hooks/T0AB1CD2E/book", "https://a.example.com/hooks/secret-1/book"),
        ("https://a.example.com/c/%2B14155552671", "https://a.example.com/c/+15550100001"),
        ('Not JSON: "email": "maria"', 'Not JSON: "email": "person1@example.com"'),
    ],
)  # fmt: skip
def test_what_shows_by_its_looks_is_replaced_in_any_text(said: str, kept: str) -> None:
    assert argument(said) == kept
    assert redacted({"message": {"type": "hang", "new": [said]}})["message"]["new"] == [kept]


@pytest.mark.parametrize(
    "value",
    [
        "2026-12-24", "2026-12-24T18:00:00.000Z", "2026-12-24 18:00", "24.12.2026", "12/24/2026",
        "18:00", "18:00-19:30", "6 PM", "12.50 EUR", "1,234,567.00", "1.234.567", "table 12",
        "inside", "San Francisco", "https://luigi.example.com/webhook", "calendar-book12",
        "Europe/London", "v1.2.3", "booking_1758747035", "{{customer.number}}", "", "Zoë",
        12, 1763784256708, 1763784256, 0.7, 1763784231393.999, True, None, [], {},
    ],
)  # fmt: skip
def test_dates_amounts_and_other_values_stay(value: Any) -> None:
    assert argument(value) == value


def test_a_number_is_the_same_one_in_every_spelling() -> None:
    spellings = ["+1 415-555-2671", "(415) 555-2671", "4155552671", "+14155552671", "555-2671"]
    german = ["+49 170 1234567", "0170 1234567", "491701234567", "170 123 4567", "170123456"]

    changed = redacted(body({"texts": spellings}, {"texts": german}))

    assert arguments(changed)["texts"] == [
        "+1 555-010-0001", "(555) 010-0001", "5550100001", "+15550100001", "010-0001",
    ]  # fmt: skip
    assert arguments(changed, 1)["texts"] == [
        "+15 550 100002", "1555 0100002", "15550100002", "555 010 0002", "900000001",
    ]  # fmt: skip


def test_two_values_do_not_become_one() -> None:
    changed = redacted(body({"a": "+15550100001", "b": "+14155552671", "c": "+14155552672"}))

    assert list(arguments(changed).values()) == ["+15550100001", "+15550100002", "+15550100003"]


# --- what its name says -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "Maria Rossi"), ("first_name", "Maria"), ("lastName", "Rossi"),
        ("surname", "de Rossi"), ("guestName", "Maria"), ("nameOnCard", "MARIA ROSSI"),
        ("guest", "Maria"), ("nachname", "Müller"), ("name", "山田太郎"), ("name", "Li"),
        ("address", "Via Roma 12, Milano"), ("street", "Main Street"), ("address_line_1", "12 Elm"),
        ("zip", "94103"), ("zipCode", 94103), ("postal_code", "SW1A 1AA"),
        ("date_of_birth", "1985-04-12"), ("dob", "04/12/1985"), ("birthday", "April 12th, 1985"),
        ("born", "the twelfth of April"), ("birthYear", 1985),
        ("ssn", "078051120"), ("passport", "C01X00T47"), ("passportNumber", 12345678),
        ("email", "maria"), ("emailAddress", "maria@example.org"), ("phone", "five five five"),
        ("phone_number", 4155552671), ("mobile", "+39 333 1234567"), ("card", "4111111111111111"),
        ("cardNumber", 4111111111111111), ("cvv", "123"), ("iban", "DE89370400440532013000"),
        ("insurance_number", "A123456780"), ("insuranceID", "XY-99-1"), ("member_id", "M-1207"),
        ("api_key", "hunter2"), ("password", "hunter2"), ("name", "{{Maria"),
        ("auth", "hunter2"), ("basicAuth", "hunter2"), ("auth_header", "Basic 4u"),
        ("pwd", "hunter2"), ("pass", "hunter2"),
        ("db_pass", "hunter2"), ("pass", 481516), ("bearer", "hunter2"), ("jwt", "hunter2"),
        ("signature", "hunter2"), ("x-signature", "hunter2"), ("session", "s3cr3t-s3ss10n"),
        ("session_id", "sess_8fk2j1"), ("mother", "Anna"), ("father", "Li"), ("daughter", "eva"),
        ("booked_for", "Ulf Zander"), ("reservationFor", "Ulf"), ("booked_by", "山田太郎"),
        ("host_name", "Ulf Zander"), ("host", "Ulf"), ("contact", "Ulf O'Zander-Li"),
        ("account", "12345"), ("account", 12345), ("fromAccount", "12 345 678"),
        ("policy", "HX-129-4410"), ("member", "M-1207"), ("customer", "20881"),
    ],
)  # fmt: skip
def test_what_its_name_says_is_personal_is_replaced(name: str, value: Any) -> None:
    changed = argument(value, name)

    assert type(changed) is type(value)
    assert str(value).casefold() not in str(changed).casefold()
    assert argument([value, [value]], name) == [changed, [changed]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("file_name", "menu"), ("fileName", "menu"), ("product_name", "Pizza"),
        ("restaurantName", "Luigi"), ("tool_name", "book"), ("card_type", "visa"),
        ("phoneType", "mobile"), ("email_subject", "Hello"), ("isMobile", True),
        ("insuranceProvider", "Acme"), ("doctor_id", "d-1"), ("bookinguid", "abc"),
        ("city", "Danville"), ("birth_country", "Italy"), ("name", "{{customer.name}}"),
        ("auth", "none"), ("auth_method", "pin"), ("boarding_pass", "B2"),
        ("pass", True), ("signature_dish", "Lasagne"),
        ("session", "morning"), ("session", "2026-12-24"), ("session_id", 4), ("sessions", "two"),
        ("booked_for", "2026-12-24"), ("booked_for", "tomorrow"), ("booked_for", "Friday evening"),
        ("booked_for", 4), ("host_name", "db1.example.com"), ("host_name", "Web.Example.org"),
        ("host_name", "localhost"), ("host", "db-1"), ("contact", "Phone"), ("contact", "by mail"),
        ("account", "savings"), ("account", 12), ("account_type", "giro"), ("first", "Ulf"),
        ("policy", "24 hours"), ("customer", 2), ("age", 42), ("gender", "f"),
        ("name", "Mr {{name}}"), ("name", "unknown"), ("name", None), ("name", ""), ("number", 7),
    ],
)  # fmt: skip
def test_what_only_sounds_personal_stays(name: str, value: Any) -> None:
    assert argument(value, name) == value


@pytest.mark.parametrize(
    "parts",
    [
        {"first": "Ulf", "last": "Zander"},
        {"First": "ulf", "Last": "zander"},
        {"given": "Ulf", "family": "Zander", "middle": "Birk"},
        {"first": "Ulf", "surname": "Zander"},
        {"first": "April", "last": "Quoc"},
    ],
)
def test_a_first_and_a_last_name_beside_each_other_are_replaced(parts: dict[str, str]) -> None:
    said = f"I am {' '.join(parts.values())}."

    changed = redacted(body({"guests": [parts]}, transcript=said))

    found = text_of(changed).casefold()
    assert [part for part in parts.values() if part.casefold() in found] == []


def test_a_first_name_of_the_customer_needs_no_other() -> None:
    sent = {"message": {"type": "hang", "customer": {"first": "Ulf", "age": 42}}}

    assert redacted(sent)["message"]["customer"] == {"first": "Testbabe", "age": 42}


@pytest.mark.parametrize(
    "both",
    [
        {"first": "Monday", "last": "Friday"},
        {"first": "2026-12-24", "last": "2026-12-26"},
        {"first": "10 AM", "last": "6 PM"},
        {"first": 1, "last": 9},
        {"first": "Soup", "second": "Fish"},
    ],
)
def test_what_is_first_and_last_and_nobody_stays(both: Any) -> None:
    assert argument(both) == both


def test_a_secret_of_another_service_is_replaced_whatever_is_in_it() -> None:
    changed = argument({"user": "ulf", "key": {"x": "hunter2"}}, "auth")

    assert changed == {"user": "secret-1", "key": {"x": "secret-2"}}


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("name", "Maria Rossi", "Testbabe Samplebabi"),
        ("signature", "Maria Rossi", "Testbabe Samplebabi"),
        ("signature", "9f86d081884c7d65", "secret-1"),
        ("session", "sess_8fk2j1", "xxxx_9xa0a1"),
        ("booked_for", "Maria", "Testbabe"),
        ("account", "12345", "99999"),
        ("dob", "04/12/1985", "02/02/1901"),
        ("dob", "April 12, 1985", "February 02, 1901"),
        ("zip", "94103", "99999"),
        ("passport", "C01X00T47", "X90X00X01"),
        ("phone", 4155552671, 5550100001),
        ("phone", "0151-1234 5678", "1555-0100 001"),
        ("phone", "612 345 678", "155 501 00001"),
        ("phone", "Maria, 415 555 2671", "+15550100001"),
        ("card", 4111111111111111, 9000000000000001),
        ("address", "Via Roma 12", "1 Sample Street"),
        ("iban", "DE89 3704 0044 0532 0130 00", "DE00 0000 0000 0000 0000 01"),
    ],
)
def test_what_is_made_up_is_of_the_same_kind(name: str, value: Any, kept: Any) -> None:
    assert argument(value, name) == kept


@given(st.dates(dt.date(1910, 1, 1)))
def test_a_date_of_birth_stays_a_date(day: dt.date) -> None:
    changed = dt.date.fromisoformat(argument(day.isoformat(), "birth_date"))

    assert changed != day


def test_what_is_said_of_the_customer_is_replaced_everywhere() -> None:
    customer = {"name": "Maria Rossi", "email": "maria@example.org", "number": "+14155552671"}
    said = "User: I am maria Rossi, maria@example.org. AI: Thank you, Maria! (415) 555-2671?"
    sent = {
        "message": {
            "type": "end-of-call-report",
            "call": {"id": "c-1", "customer": customer},
            "transcript": said,
            "artifact": {"messages": [{"role": "user", "message": "ROSSI"}]},
        }
    }

    message = redacted(sent)["message"]

    assert message["call"]["customer"] == {
        "name": "Testbabe Samplebabi", "email": "person1@example.com", "number": "+15550100001",
    }  # fmt: skip
    assert message["transcript"] == (
        "User: I am testbabe Samplebabi, person1@example.com. "
        "AI: Thank you, Testbabe! (555) 010-0001?"
    ).replace("testbabe Samplebabi", "Testbabe Samplebabi")
    assert message["artifact"]["messages"][0]["message"] == "SAMPLEBABI"


def test_a_date_of_birth_is_found_in_other_spellings() -> None:
    said = [
        "born April 12, 1985",
        "04/12/1985",
        "12.4.1985",
        "the 12th of April 1985",
        "2026-04-12",
    ]

    changed = arguments(redacted(body({"dob": "1985-04-12", "said": said})))

    assert changed["dob"] == "1901-02-02"
    assert all("1985" not in text for text in changed["said"])
    assert changed["said"][-1] == "2026-04-12"


def test_names_of_tools_assistants_and_voices_stay() -> None:
    sent = {
        "message": {
            "type": "tool-calls",
            "assistant": {
                "name": "Luigi",
                "model": {"tools": [{"type": "function", "function": {"name": "book"}}]},
                "voice": {"voiceId": "Elliot", "provider": "vapi"},
            },
            "phoneNumber": {"name": "Front desk"},
            "toolCallList": [{"id": "call_1", "name": "book", "arguments": {"name": "Book"}}],
            "artifact": {"messages": [{"role": "tool", "name": "book", "toolCallId": "call_1"}]},
        }
    }  # fmt: skip

    message = redacted(sent)["message"]

    assert message["assistant"] == sent["message"]["assistant"]
    assert message["phoneNumber"] == sent["message"]["phoneNumber"]
    assert message["artifact"] == sent["message"]["artifact"]
    assert message["toolCallList"][0] == {
        "id": "call_1", "name": "book", "arguments": {"name": "Testbabe"},
    }  # fmt: skip


def test_secrets_urls_of_the_call_and_account_ids_are_replaced() -> None:
    call = {
        "id": "0a1b2c3d-1111-4222-8333-444455556666",
        "orgId": "9f9f9f9f-1111-4222-8333-444455556666",
        "monitor": {
            "controlUrl": "https://a.vapi.ai/c/control",
            "listenUrl": "wss://a.vapi.ai/c/l",
        },
        "transport": {"callSid": "CA0123456789abcdef0123456789abcdef"},
    }
    assistant = {
        "server": {"url": "https://b.example.com", "secret": "pa", "headers": {"x": "hush"}}
    }
    tool = {"parameters": [{"key": "apiToken", "value": "hush-hush"}]}
    sent = body(
        {}, call=call, assistant=assistant, recordingUrl="https://s.vapi.ai/1.wav", tool=tool
    )

    message = redacted(sent)["message"]

    assert message["call"] == {
        "id": "00000001-0000-4000-8000-000000000001",
        "orgId": "00000002-0000-4000-8000-000000000002",
        "monitor": {
            "controlUrl": "https://made-up.invalid/1",
            "listenUrl": "wss://made-up.invalid/2",
        },
        "transport": {"callSid": "CA00000000000000000000000000000003"},
    }
    assert message["recordingUrl"] == "https://made-up.invalid/3.wav"
    assert message["assistant"]["server"] == {
        "url": "https://b.example.com", "secret": "secret-1", "headers": {"x": "secret-2"},
    }  # fmt: skip
    assert message["tool"]["parameters"] == [{"key": "apiToken", "value": "secret-3"}]


# --- shapes -------------------------------------------------------------------------------


def test_arguments_in_a_string_stay_json_and_as_they_were_where_nothing_is_private() -> None:
    private = '{\n  "name": "Maria \\"M\\" Rossi", "n": 1.50}'
    twice = json.dumps('{"email": "maria@example.org"}')
    plain = '{\n "day":  "today" }'

    changed = redacted(body(private, twice, plain))

    assert json.loads(arguments(changed))["n"] == 1.5
    assert "Maria" not in arguments(changed)
    assert json.loads(json.loads(arguments(changed, 1))) == {"email": "person1@example.com"}
    assert arguments(changed, 2) == plain


@pytest.mark.parametrize(
    "broken",
    ['{"name": "Maria Rossi", "day": ', '{"name": "Maria Rossi", "name": "unknown"}'],
    ids=["cut off", "a name twice"],
)
def test_arguments_that_are_no_json_are_redacted_too(broken: str) -> None:
    changed = redacted(body(broken, transcript="I am Maria."))

    assert "Maria" not in text_of(changed)
    assert arguments(changed).startswith('{"name": "')


def test_names_of_fields_can_be_private_as_well() -> None:
    changed = redacted(
        body({"guests": {"Maria": 1, "+14155552671": 2, "inside": 3}, "name": "Maria"})
    )

    assert arguments(changed)["guests"] == {"Testbabe": 1, "+15550100001": 2, "inside": 3}


def test_a_body_is_not_changed_itself() -> None:
    sent = body({"name": "Maria"}, '{"name": "Maria"}')
    before = copy.deepcopy(sent)

    redacted(sent)

    assert sent == before


def test_what_one_body_tells_is_found_in_the_next() -> None:
    redactor = Redactor()

    first = redactor.redacted(body({"name": "Maria Rossi", "zip": "94103"}))
    second = redactor.redacted({"message": {"type": "transcript", "transcript": "Maria, in 94103"}})

    assert arguments(first)["name"].split()[0] + ", in 99999" == second["message"]["transcript"]


def test_it_tells_what_finds_the_news() -> None:
    redactor = Redactor()
    redactor.redacted(body({"name": "Maria Rossi"}))

    news = redactor.news()

    assert news is not None
    assert news.search("so maria said")
    assert redactor.news() is None


# --- whatever comes -----------------------------------------------------------------------

LETTERS = "bcfghjlmnpqrtvwzäéß"
WORD = st.text(LETTERS, min_size=4, max_size=10).map(str.capitalize)
NAMES = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
DIGITS = st.text("0123456789", min_size=9, max_size=15)
EMAILS = st.from_regex(r"[a-z][a-z0-9._]{2,12}[a-z]@[a-z]{3,9}\.example\.net", fullmatch=True)
PHONES = st.from_regex(
    r"\+(1|39|44|49)[2-9][0-9]{9}|\+34( [6-9][0-9]{2}){3}|0[1-9][0-9]{2}-[2-9][0-9]{3} [0-9]{3}",
    fullmatch=True,
)
CARDS = st.from_regex(r"4[0-9]{3} [0-9]{4} [0-9]{4} [0-9]{4}", fullmatch=True)
SECRETS = st.text("bcdfghjk0123456789", min_size=12, max_size=30).map("k".__add__)
PRIVATE = {
    "name": NAMES,
    "firstName": WORD,
    "email": EMAILS,
    "phone": PHONES,
    "card_number": CARDS,
    "ssn": DIGITS,
    "apiKey": SECRETS,
    "street": NAMES.map(lambda name: f"{name} 12"),
    "dateOfBirth": st.dates(dt.date(1920, 1, 1), dt.date(2010, 1, 1)).map(str),
}


@st.composite
def private_bodies(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:
    """A body, and the private values in it."""
    chosen = draw(st.lists(st.sampled_from(sorted(PRIVATE)), min_size=1, max_size=4, unique=True))
    values = {name: draw(PRIVATE[name]) for name in chosen}
    given_: Any = {**values, "day": "2026-12-24", "people": 4}
    shape = draw(st.sampled_from(["object", "text", "twice", "variables", "nested"]))
    said = " and ".join(draw(st.permutations(list(values.values()))))
    fields: dict[str, Any] = {"transcript": f"User: {said}.", "artifact": {"messages": [said]}}
    if shape == "variables":
        fields["artifact"]["variableValues"] = given_
        return body({"day": "x"}, **fields), list(values.values())
    sent = {
        "object": given_,
        "text": json.dumps(given_, ensure_ascii=draw(st.booleans()), indent=2),
        "twice": json.dumps(json.dumps(given_)),
        "nested": {"who": [given_]},
    }[shape]
    made = body(sent, **fields)
    made["message"]["toolCalls"] = copy.deepcopy(made["message"]["toolCallList"])
    return made, list(values.values())


@examples(100)
@given(private_bodies())
def test_no_private_value_survives_anywhere(case: tuple[dict[str, Any], list[str]]) -> None:
    sent, values = case

    changed = text_of(redacted(sent)).casefold()

    assert [value for value in values if value.casefold() in changed] == []


@examples(100)
@given(private_bodies())
def test_the_tool_calls_are_the_same_ones(case: tuple[dict[str, Any], list[str]]) -> None:
    sent, _ = case

    before, after = (messages.parse(json.dumps(each).encode()) for each in (sent, redacted(sent)))

    assert after.type == before.type
    for old, new in zip(before.tool_calls, after.tool_calls, strict=True):
        assert (new.id, new.name) == (old.id, old.name)
        assert json.loads(new.arguments).keys() == json.loads(old.arguments).keys()


@examples(100)
@given(private_bodies())
def test_redacting_twice_changes_nothing_more(case: tuple[dict[str, Any], list[str]]) -> None:
    sent, _ = case
    redactor = Redactor()

    once = redactor.redacted(sent)

    assert redactor.redacted(once) == once
    assert redacted(once) == once


KEYS = st.text(max_size=9) | st.sampled_from(["message", "arguments", "customer", *PRIVATE])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@examples(60)
@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_whatever_comes_keeps_its_shape(sent: dict[str, Any]) -> None:
    changed = redacted(sent)

    assert shape(changed) == shape(sent)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.name[:40])
def test_real_bodies_keep_their_calls_and_can_be_redacted_twice(path: Any) -> None:
    sent = json.loads(shared(f"payloads/{path.name}").read_text("utf-8"))

    once = redacted(sent)

    before, after = (messages.parse(json.dumps(each).encode()) for each in (sent, once))
    assert after.type == before.type
    assert [(c.id, c.name) for c in after.tool_calls] == [(c.id, c.name) for c in before.tool_calls]
    assert redacted(once) == once
    assert shape(once) == shape(sent)
    assert "scrubbed-secret" not in text_of(once)


def test_a_long_text_takes_no_time_that_grows_beyond_it() -> None:
    texts = [
        "a" * 200_000,
        "1 " * 100_000,
        "(" * 200_000,
        "a:" * 100_000,
        '"a' * 100_000,
        "a.b@" * 50_000,
    ]

    changed = redacted({"message": {"type": "hang", "texts": texts}})

    assert len(changed["message"]["texts"]) == len(texts)
