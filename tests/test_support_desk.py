"""The example of a squad: its tools, what it knows, and to whom it hands a caller."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from vapitools import Assistant, CallControlError, SharedSecret, router

from .organization import URL, declared, organization
from .servers import post, serving
from .test_examples import ANNA, EXAMPLES, SECRET, SIGNED, ask, load, serve, tell

BEN = "+15550100011"
DESK, ORDERS = "Lumen front desk", "Lumen order desk"
LOADED = load("support_desk")
WORDS = " ".join(LOADED.KNOWLEDGE).split()


@pytest.fixture
def bot() -> ModuleType:
    """The shop's module."""
    return load("support_desk")


@pytest.fixture
def shop(bot: ModuleType) -> Iterator[TestClient]:
    """The shop, served."""
    with serve(bot) as client:
        yield client


def refund(**arguments: Any) -> tuple[str, dict[str, Any]]:
    """A call of `request_refund` about Anna's desk lamp, which has arrived."""
    return "request_refund", {"order": "1002", "reason": "broken", "caller": ANNA, **arguments}


# --- orders -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["1002", 1002, "A-1002", "order number 10 02", " 1002\n"])
def test_an_order_is_found_however_its_number_is_said(shop: TestClient, number: Any) -> None:
    [answer] = ask(shop, ("track_order", {"order": number, "caller": ANNA}))

    arrived = date.today() - timedelta(days=9)
    assert answer["result"] == f"The desk lamp arrived on {arrived:%A %d %B}."


def test_what_was_not_sent_is_being_packed(shop: TestClient) -> None:
    [answer] = ask(shop, ("track_order", {"order": "1004", "caller": BEN}))

    assert answer["result"].startswith("The night light is being packed.")


@pytest.mark.parametrize("tool", ["track_order", "request_refund"])
@pytest.mark.parametrize("number", ["1002", "9999", "", "none", "1002 1003", "١٠٠٢"])
@pytest.mark.parametrize("caller", [BEN, "+15550100099", "", "{{customer.number}}", None])
def test_of_the_orders_of_others_nothing_is_told(
    shop: TestClient, tool: str, number: str, caller: str | None
) -> None:
    arguments = {"order": number, "reason": "broken", "caller": caller}

    [answer] = ask(shop, (tool, arguments))

    assert answer["error"].startswith("There is no order of that number from this phone.")


def test_a_caller_without_a_number_has_no_order_without_one(
    bot: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold_in_person = bot.Order("1005", "", "lamp", Decimal("5.00"), sent=date.today())
    monkeypatch.setattr(bot, "shop", bot.Shop([sold_in_person], carrier_seconds=0))

    with serve(bot) as client:
        [answer] = ask(client, ("track_order", {"order": "1005"}))

    assert answer["error"].startswith("There is no order of that number from this phone.")


def test_the_shop_knows_the_callers_number_from_vapi_alone(bot: ModuleType) -> None:
    for tool in bot.tools:
        definition = tool.definition()
        assert "caller" not in definition["function"]["parameters"]["properties"]
        assert definition["parameters"] == [{"key": "caller", "value": "{{customer.number}}"}]


class Line:
    """A live call that writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.heard = asyncio.Event()

    async def send(self, url: str | None, command: Mapping[str, Any]) -> None:
        self.said.append(command["content"])
        self.heard.set()


class Ended:
    """A live call that has ended."""

    async def send(self, url: str | None, command: Mapping[str, Any]) -> None:
        raise CallControlError("say: the call has ended", status=404)


def test_the_caller_hears_what_is_known_while_the_carrier_is_asked(
    bot: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Line()

    async def answer_once_the_caller_has_heard(order: object) -> str:
        await line.heard.wait()
        return "in the van"

    monkeypatch.setattr(bot.shop, "ask_carrier", answer_once_the_caller_has_heard)
    app = router(bot.tools, auth=SharedSecret(SECRET), control=line)

    with TestClient(app, headers=SIGNED) as client:
        [answer] = ask(client, ("track_order", {"order": "1001", "caller": ANNA}))

    sent = date.today() - timedelta(days=2)
    assert line.said == [
        f"Your reading lamp left us on {sent:%A}. I am asking the carrier where it is."
    ]
    assert answer["result"] == "The reading lamp is in the van."


def test_who_has_hung_up_keeps_no_tool_from_its_answer(
    bot: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = bot._examples(date.today())
    monkeypatch.setattr(bot, "shop", bot.Shop(orders, carrier_seconds=0))
    app = router(bot.tools, auth=SharedSecret(SECRET), control=Ended())

    with TestClient(app, headers=SIGNED) as client:
        [answer] = ask(client, ("track_order", {"order": "1001", "caller": ANNA}))

    sent = date.today() - timedelta(days=2)
    assert answer["result"].startswith(f"The reading lamp left us on {sent:%A}, and is in the ")


def test_a_refund_is_noted_once_however_often_it_is_asked_for(shop: TestClient) -> None:
    answers = ask(shop, *[refund() for _ in range(10)])
    [later] = ask(shop, refund(reason="wrong item"))

    said = "59.00 euros for the desk lamp. They are paid within five days."
    results = sorted(answer["result"] for answer in answers)
    assert results == [f"It was noted before: {said}"] * 9 + [f"Noted: {said}"]
    assert later["result"] == f"It was noted before: {said}"


def test_a_repeated_delivery_gets_the_answer_of_the_first(shop: TestClient) -> None:
    name, arguments = refund()
    entry = {"id": "call_1", "name": name, "arguments": arguments}

    first = tell(shop, "tool-calls", call={"id": "c1"}, toolCallList=[entry])
    again = tell(shop, "tool-calls", call={"id": "c1"}, toolCallList=[entry])

    assert first["results"][0]["result"].startswith("Noted: ")
    assert again == first


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({"order": "1001"}, "It has not arrived yet."),
        ({"order": "1003", "caller": BEN, "reason": "changed my mind"}, "It arrived on "),
        ({"order": "1003", "caller": BEN, "reason": "Broken"}, "Noted: 149.00 euros"),
        ({"reason": "changed my mind"}, "Noted: 59.00 euros"),
        ({"reason": "no reason"}, "reason: wanted"),
        ({"reason": None}, "reason: wanted"),
    ],
)
def test_a_refund_has_its_rules(shop: TestClient, arguments: dict[str, Any], answer: str) -> None:
    [given] = ask(shop, refund(**arguments))

    assert (given.get("result") or given["error"]).startswith(answer)


def test_what_was_refused_is_not_noted(shop: TestClient) -> None:
    ask(shop, refund(order="1003", caller=BEN, reason="changed my mind"))

    [answer] = ask(shop, refund(order="1003", caller=BEN))

    assert answer["result"].startswith("Noted: ")


# --- what the shop knows ------------------------------------------------------------------


def documents(shop: TestClient, *said: str) -> list[tuple[str, float]]:
    """The topics that Vapi gets for what the user has said, and how well they fit."""
    messages = [{"role": "user", "content": text} for text in said]
    answer = tell(shop, "knowledge-base-request", messages=messages)
    return [(each["content"].split(":")[0], each["similarity"]) for each in answer["documents"]]


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Do you have a warranty?", "Warranty"),
        ("How do I send a lamp back?", "Returns"),
        ("Which bulbs do floor lamps take?", "Bulbs"),
        ("Which bulb is right?", "Bulbs"),
        ("Can I pay by PayPal?", "Payment"),
        ("WHAT ARE YOUR OPENING HOURS", "Opening hours"),
        ("What does shipping cost?", "Shipping"),
    ],
)
def test_a_question_finds_what_is_known(shop: TestClient, question: str, topic: str) -> None:
    (best, similarity), *_ = documents(shop, question)

    assert best == topic
    assert 0 < similarity <= 1


def test_the_last_question_counts(shop: TestClient) -> None:
    (best, _), *_ = documents(shop, "Can I pay by PayPal?", "And the warranty?")

    assert best == "Warranty"


def test_the_similarity_is_the_share_of_the_words_that_were_found(bot: ModuleType) -> None:
    whole, half = (bot.look_up(text)[0] for text in ("warranty repaired", "warranty unicorn"))

    assert (whole.similarity, half.similarity) == (1.0, 0.5)


def test_where_nothing_is_known_the_model_is_told_not_to_guess(shop: TestClient) -> None:
    assert documents(shop, "Do you sell bicycles?") == [
        ("If this was a question about the shop", 0.0)
    ]


@pytest.mark.parametrize("said", [[], [""], ["Hello, how are you?"], ["…?!"]], ids=repr)
def test_where_nothing_is_asked_nothing_is_answered(shop: TestClient, said: list[str]) -> None:
    assert documents(shop, *said) == []


@given(question=st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_question_finds_documents_that_can_be_sent(question: str) -> None:
    found = LOADED.look_up(question)

    assert len(found) <= LOADED.MOST_DOCUMENTS
    assert all(0 <= each.similarity <= 1 for each in found)
    assert found == sorted(found, key=lambda each: -each.similarity)


# --- to whom a caller goes ----------------------------------------------------------------


@pytest.mark.parametrize("topic", ["order", "refund", "Refund"])
def test_the_front_desk_hands_over_to_the_order_desk(
    shop: TestClient, bot: ModuleType, topic: str
) -> None:
    answer = tell(shop, "handoff-destination-request", parameters={"topic": topic})

    assert answer == {
        "destination": {
            "type": "assistant",
            "assistantName": ORDERS,
            "assistantOverrides": {"firstMessage": bot.OPENINGS[topic.lower()]},
        }
    }


@pytest.mark.parametrize("parameters", [{}, None, {"topic": "jobs"}, {"topic": None}], ids=repr)
def test_for_anything_else_there_is_no_colleague(shop: TestClient, parameters: Any) -> None:
    answer = tell(shop, "handoff-destination-request", parameters=parameters)

    assert answer["error"].startswith("There is no colleague for that.")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (datetime(2026, 11, 30, 9, 0), True),
        (datetime(2026, 11, 30, 16, 59), True),
        (datetime(2026, 11, 30, 8, 59), False),
        (datetime(2026, 11, 30, 17, 0), False),
        (datetime(2026, 11, 28, 12, 0), False),
    ],
    ids=["Monday at nine", "before five", "before nine", "at five", "Saturday"],
)
def test_people_are_there_in_opening_hours(
    bot: ModuleType, moment: datetime, is_open: bool
) -> None:
    assert bot.is_open(moment) is is_open


def test_who_wants_a_person_gets_one_in_opening_hours(
    shop: TestClient, bot: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    always, never = {day: range(24) for day in range(7)}, dict[int, range]()
    monkeypatch.setattr(bot, "OPENING_HOURS", always)
    nobody = tell(shop, "transfer-destination-request")
    monkeypatch.setenv("SHOP_PERSON", "+15550100020")
    person = tell(shop, "transfer-destination-request")
    monkeypatch.setattr(bot, "OPENING_HOURS", never)
    closed = tell(shop, "transfer-destination-request")

    assert person["destination"]["number"] == "+15550100020"
    assert closed == nobody
    assert closed["error"].endswith("People are there Monday to Friday from nine to five.")


def test_the_squad_answers_a_call_of_which_nothing_is_stored(
    shop: TestClient, bot: ModuleType
) -> None:
    squad = tell(shop, "assistant-request")["squad"]

    front, orders = [member["assistant"] for member in squad["members"]]
    assert [front["name"], orders["name"]] == [DESK, ORDERS]
    assert front["server"] == {"url": "http://testserver/webhook", "secret": SECRET}
    assert [each["type"] for each in front["model"]["tools"]] == [
        "handoff",
        "transferCall",
        "endCall",
    ]
    served = [each for each in orders["model"]["tools"] if each["type"] == "function"]
    assert [each["function"]["name"] for each in served] == bot.tools.names
    wanted = {"handoff-destination-request", "transfer-destination-request"}
    assert wanted <= set(front["serverMessages"])


# --- at Vapi ------------------------------------------------------------------------------


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The shop's module, where the address of its server is known."""
    monkeypatch.setenv("VAPITOOLS_URL", URL)
    monkeypatch.setenv("VAPI_SERVER_SECRET", f"{SECRET},an-old-one")
    return load("support_desk")


def test_the_squad_is_brought_to_vapi_and_found_there_again(known: ModuleType) -> None:
    assistants = [value for value in vars(known).values() if isinstance(value, Assistant)]
    options = {"squads": [known.support], "toolset": known.tools, "events": known.events}

    with organization() as org:
        org.apply(declared(*assistants, **options))

        [squad] = org.vapi.squads.values()
        members = [member["assistantId"] for member in squad["members"]]
        assert members == [org.assistant(name)["id"] for name in (DESK, ORDERS)]
        assert org.attached(DESK) == []
        assert org.attached(ORDERS) == known.tools.names
        with org.nothing_written():
            org.apply(declared(*assistants, **options))


def test_vapi_asks_for_knowledge_where_the_server_is(known: ModuleType) -> None:
    knowledge = known.front_desk.definition()["model"]["knowledgeBase"]

    assert knowledge == {
        "provider": "custom-knowledge-base",
        "server": {"url": f"{URL}/webhook", "secret": SECRET},
    }


def test_without_an_address_there_is_no_knowledge_base(
    bot: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAPITOOLS_URL", raising=False)

    assert load("support_desk").front_desk.definition()["model"].keys() == {
        "provider",
        "model",
        "messages",
        "tools",
    }


# --- as it stands -------------------------------------------------------------------------


def test_neither_words_nor_numbers_nor_secrets_are_logged(
    shop: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    documents(shop, "Do you know my secret wish?")
    tell(shop, "handoff-destination-request", parameters={"topic": "my secret wish"})
    ask(shop, refund(order="secret wish"), refund(reason="secret wish"), refund())

    for word in ("wish", ANNA, SECRET):
        assert word not in caplog.text


def test_the_support_answers_as_it_stands(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Is there a warranty?"}]
    body = {"message": {"type": "knowledge-base-request", "messages": messages}}

    with serving(tmp_path, str(EXAMPLES / "support_desk.py"), VAPI_SERVER_SECRET=SECRET) as server:
        knowledge = json.loads(post(f"{server.url}/webhook", body, **SIGNED))
        asked = {"message": {"type": "assistant-request"}}
        answer = json.loads(post(f"{server.url}/webhook", asked, **SIGNED))

    assert knowledge["documents"][0]["content"].startswith("Warranty: ")
    assert answer["squad"]["members"][0]["assistant"]["name"] == DESK
