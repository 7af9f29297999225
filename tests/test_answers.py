from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given, strategies

from tests import openapi
from vapitools import (
    Assistant,
    AssistantDestination,
    Document,
    NumberDestination,
    RequestDelayed,
    RequestStart,
    SavedAssistant,
    SavedSquad,
    SipDestination,
    Squad,
    Toolset,
    answers,
    tool,
)
from vapitools.errors import ResultError

ID = "00000037-0000-4000-8000-000000000037"
NUMBER = {"type": "number", "number": "+15550100020"}
SIP = {"type": "sip", "sipUri": "sip:desk@example.com"}
BILLING = {"type": "assistant", "assistantName": "Billing"}
START = {"type": "request-start", "content": "One moment."}
SAID = {"type": "custom-message", "content": "We take it back."}
IN_SPANISH = {
    "type": "custom-message",
    "contents": [{"type": "text", "text": "Sí.", "language": "es"}],
}
LUIGI = Assistant(name="Luigi", model="openai/gpt-4o", system_prompt="Take bookings.")
SQUAD = Squad("Restaurant", [LUIGI, SavedAssistant(ID)], overrides={"metadata": {"a": "b"}})

SCHEMAS = {
    "assistant-request": "ServerMessageResponseAssistantRequest",
    "transfer-destination-request": "ServerMessageResponseTransferDestinationRequest",
    "handoff-destination-request": "ServerMessageResponseHandoffDestinationRequest",
    "knowledge-base-request": "ServerMessageResponseKnowledgeBaseRequest",
    "call.endpointing.request": "ServerMessageResponseCallEndpointingRequest",
    "campaign.predial": "ServerMessageResponseCampaignPredial",
}

# What a handler returns → what is sent.
ANSWERS: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    "assistant-request": [
        (ID, {"assistantId": ID}),
        (f" {ID.upper()}\n", {"assistantId": ID.upper()}),
        (SavedAssistant(ID), {"assistantId": ID}),
        (
            SavedAssistant(ID, variables={"name": "Ann"}),
            {"assistantId": ID, "assistantOverrides": {"variableValues": {"name": "Ann"}}},
        ),
        (
            SavedAssistant(
                ID,
                variables={"name": "Ann"},
                overrides={"firstMessage": "Hi!", "variableValues": {"name": "?", "vip": True}},
            ),
            {
                "assistantId": ID,
                "assistantOverrides": {
                    "firstMessage": "Hi!",
                    "variableValues": {"name": "Ann", "vip": True},
                },
            },
        ),
        (SavedSquad(ID), {"squadId": ID}),
        (
            SavedSquad(ID, overrides={"firstMessage": "Hi!"}),
            {"squadId": ID, "squadOverrides": {"firstMessage": "Hi!"}},
        ),
        (LUIGI, {"assistant": LUIGI.definition()}),
        (
            {"assistant": LUIGI, "assistantOverrides": {"variableValues": {"vip": True}}},
            {
                "assistant": LUIGI.definition(),
                "assistantOverrides": {"variableValues": {"vip": True}},
            },
        ),
        (
            {"squad": {"members": [{"assistant": LUIGI}, {"assistantId": ID}]}},
            {"squad": {"members": [{"assistant": LUIGI.definition()}, {"assistantId": ID}]}},
        ),
        (SQUAD, {"squad": SQUAD.definition()}),
        (
            {"squad": SQUAD, "squadOverrides": {"firstMessage": "Hi!"}},
            {"squad": SQUAD.definition(), "squadOverrides": {"firstMessage": "Hi!"}},
        ),
        ({"assistantId": ID, "assistantOverrides": None}, {"assistantId": ID}),
        (MappingProxyType({"assistantId": ID}), {"assistantId": ID}),
        ({"workflowId": ID, "workflowOverrides": {}}, {"workflowId": ID, "workflowOverrides": {}}),
        ("+15550100020", {"destination": NUMBER}),
        (" +15550100020 ", {"destination": NUMBER}),
        (NumberDestination("+15550100020"), {"destination": NUMBER}),
        (SipDestination("sip:desk@example.com"), {"destination": SIP}),
        ({"destination": NumberDestination("+15550100020")}, {"destination": NUMBER}),
        (NUMBER, {"destination": NUMBER}),
        ("sip:desk@example.com", {"destination": SIP}),
        ("We are closed today.", {"error": "We are closed today."}),
        ("We are closed.\nCall tomorrow.", {"error": "We are closed. Call tomorrow."}),
        ({"error": "Closed"}, {"error": "Closed"}),
    ],
    "transfer-destination-request": [
        ("+15550100020", {"destination": NUMBER}),
        (AssistantDestination("Billing"), {"destination": BILLING}),
        (SIP, {"destination": SIP}),
        (
            {"destination": NumberDestination("+15550100020"), "message": RequestStart("Hi.")},
            {"destination": NUMBER, "message": RequestStart("Hi.").to_json()},
        ),
        ({"destination": NUMBER, "message": START}, {"destination": NUMBER, "message": START}),
        *(
            (
                {"destination": NUMBER, "message": {**START, "type": type_}},
                {"destination": NUMBER, "message": {**START, "type": type_}},
            )
            for type_ in ["request-complete", "request-failed"]
        ),
        (
            {"destination": NUMBER, "message": RequestDelayed("Hi.", after=3)},
            {"destination": NUMBER, "message": RequestDelayed("Hi.", after=3).to_json()},
        ),
        ("Nobody is in.", {"error": "Nobody is in."}),
    ],
    "handoff-destination-request": [
        (AssistantDestination("Billing"), {"destination": BILLING}),
        (BILLING, {"destination": BILLING}),
        (
            {"type": "assistant", "assistant": LUIGI},
            {"destination": {"type": "assistant", "assistant": LUIGI.definition()}},
        ),
        (
            {"type": "squad", "squadId": ID},
            {"destination": {"type": "squad", "squadId": ID}},
        ),
        (
            {"destination": BILLING, "result": "Handed\nover."},
            {"destination": BILLING, "result": "Handed over."},
        ),
        ("Nobody is in.", {"error": "Nobody is in."}),
    ],
    "knowledge-base-request": [
        ([], {"documents": []}),
        (
            [Document("30 days.", 0.9), Document("No fee.", 1, uuid="d-1")],
            {
                "documents": [
                    {"content": "30 days.", "similarity": 0.9},
                    {"content": "No fee.", "similarity": 1, "uuid": "d-1"},
                ]
            },
        ),
        (
            ({"content": "30\ndays.", "similarity": 0, "uuid": None, "page": 4},),
            {"documents": [{"content": "30\ndays.", "similarity": 0}]},
        ),
        (
            {"documents": [Document("30 days.", 0.9)]},
            {"documents": [{"content": "30 days.", "similarity": 0.9}]},
        ),
        ("We take\nit back.", {"message": SAID}),
        (" Yes. ", {"message": {**SAID, "content": "Yes."}}),
        ({"message": SAID}, {"message": SAID}),
        ({"message": IN_SPANISH}, {"message": IN_SPANISH}),
        ("a " * 499 + "bc", {"message": {**SAID, "content": "a " * 499 + "bc"}}),
    ],
    "call.endpointing.request": [
        (0, {"timeoutSeconds": 0}),
        (0.4, {"timeoutSeconds": 0.4}),
        (15, {"timeoutSeconds": 15}),
        ({"timeoutSeconds": 1.5}, {"timeoutSeconds": 1.5}),
    ],
    "campaign.predial": [
        (True, {"eligible": True}),
        (False, {"eligible": False}),
        ({"eligible": False}, {"eligible": False}),
    ],
}
ALL_ANSWERS = [(type_, *each) for type_, given in ANSWERS.items() for each in given]

# In none of them may a part of it be told.
SECRET = "7f3a9c"
LONG = f"{SECRET} is a word. " * 80
WRONG: dict[str, list[Any]] = {
    "assistant-request": [
        None,
        5,
        True,
        ["+15550100020"],
        (LUIGI,),
        SavedAssistant(""),
        SavedAssistant,
        AssistantDestination("Billing"),
        Document("30 days.", 0.9),
        {},
        {"assistantId": 5},
        {"assistantId": " "},
        {"assistantId": None},
        {"assistantID": ID},
        {"assistantId": ID, "assistantOveride": {}},
        {"assistantId": ID, "assistantOverrides": "x"},
        {"assistantOverrides": {"firstMessage": "Hi!"}},
        {"assistant": "Luigi"},
        {"error": ""},
        {"error": "\n"},
        {"error": {"text": SECRET}},
        {"destination": BILLING},
        {"destination": {"type": "number", "numer": SECRET}},
        {"destination": SECRET},
        {"type": "number"},
        {1: ID},
    ],
    "transfer-destination-request": [
        None,
        ID,
        LUIGI,
        SQUAD,
        SavedAssistant(ID),
        {"message": START},
        {"destination": NUMBER, "message": "One moment."},
        {"destination": NUMBER, "message": {"type": "custom-message", "content": "One moment."}},
        {"destination": NUMBER, "message": {**START, "content": LONG}},
        {"type": "squad", "squadId": ID},
    ],
    "handoff-destination-request": [
        None,
        "Billing",
        "+15550100020",
        NumberDestination("+15550100020"),
        {"result": "Handed over."},
        {"destination": BILLING, "result": 5},
        LUIGI,
    ],
    "knowledge-base-request": [
        None,
        5,
        "",
        " ",
        LONG,
        "a " * 500 + "b",
        Document("30 days.", 0.9),
        ["30 days."],
        [None],
        [Document("30 days.", 0.9), SECRET],
        [Document("", 0.9)],
        [Document("30 days.", math.nan)],
        [Document("30 days.", True)],
        [{"content": SECRET}],
        [{"content": 5, "similarity": 1}],
        [{"content": SECRET, "similarity": "1"}],
        [{"content": SECRET, "similarity": 1, "uuid": 5}],
        {"documents": {}},
        {"documents": None},
        {"message": SECRET},
        {"message": {"type": "custom-message"}},
        {"message": {"type": ["custom-message"], "content": SECRET}},
        {"messages": []},
    ],
    "call.endpointing.request": [
        None,
        True,
        "1",
        -0.1,
        15.1,
        math.nan,
        math.inf,
        10**400,
        {},
        {"timeoutSeconds": None},
        {"timeoutSeconds": 1, "why": SECRET},
        {"timeout": 1},
        [1],
    ],
    "campaign.predial": [None, 0, 1, "yes", "true", [], {}, {"eligible": None}, {"eligible": 1}],
}
ALL_WRONG = [(type_, each) for type_, given in WRONG.items() for each in given]


def answer(type_: str, value: Any) -> dict[str, Any]:
    return answers.to_json(type_, value, Assistant.definition)


def is_by_the_api(type_: str, sent: Mapping[str, Any]) -> bool:
    # What is said when there is no destination; the schema asks for one all the same.
    if type_ == "handoff-destination-request" and "error" in sent:
        sent = {"destination": {}, **sent}
    return openapi.fits(SCHEMAS[type_], sent)


@pytest.mark.parametrize(("type_", "value", "sent"), ALL_ANSWERS)
def test_each_spelling_of_an_answer_is_sent_as_vapi_takes_it(
    type_: str, value: Any, sent: dict[str, Any]
) -> None:
    assert answer(type_, value) == sent


@pytest.mark.parametrize(("type_", "value", "sent"), ALL_ANSWERS)
def test_an_answer_is_one_that_the_api_describes(
    type_: str, value: Any, sent: dict[str, Any]
) -> None:
    described = openapi.schemas()[SCHEMAS[type_]]["properties"]

    assert answer(type_, value).keys() <= described.keys()
    assert is_by_the_api(type_, answer(type_, value))


@pytest.mark.parametrize("type_", SCHEMAS)
def test_every_field_of_an_answer_that_the_api_describes_can_be_given(type_: str) -> None:
    described = openapi.schemas()[SCHEMAS[type_]]["properties"]

    with pytest.raises(ResultError) as raised:
        answer(type_, {"?": "?"})

    assert set(described) == set(str(raised.value).partition("a dict with ")[2].split(", "))


@pytest.mark.parametrize(("type_", "value"), ALL_WRONG)
def test_what_is_no_answer_is_refused_and_nothing_of_it_is_told(type_: str, value: Any) -> None:
    with pytest.raises(ResultError) as raised:
        answer(type_, value)

    assert str(raised.value).startswith(f"got {type(value).__name__}; return ")
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_knowledge_base_is_told_what_it_can_answer() -> None:
    with pytest.raises(ResultError, match="return a list of Documents, or a sentence to say"):
        answer("knowledge-base-request", 5)


def test_every_type_that_is_answered_in_json_is_here() -> None:
    assert answers._KINDS.keys() == SCHEMAS.keys() == ANSWERS.keys() == WRONG.keys()


# --- what a text means --------------------------------------------------------------------

ROUTED = ["assistant-request", "transfer-destination-request", "handoff-destination-request"]
SENTENCES = [
    "We are closed.",
    "Closed.",
    "Nein!",
    "Really?",
    "我们今天不营业",
    "今日は休みです。",
    "Сегодня закрыто",
    "متأسفم",
    "¡Cerrado!",
    "It costs 5 < 6.",
    "Call +15550100020 tomorrow.",
    "a b",
]
FOR_MACHINES = [
    "",
    " ",
    "\n",
    "Billing",
    " Billing\n",
    "asst_7f3a9c",
    "7f3a9c",
    "00000037-0000-4000-8000-00000000003",
    "+1 (555) 010-0020",
    "+1 555 010 0020",
    "15550100020",
    "sip:",
    "sip:desk @example.com",
    "SIP: desk",
    "tel:+15550100020",
    "https://example.com/transfer?to=7",
    "ops@example.com",
    '{"assistantId": "7f3a9c"}',
    '{"error": "We are closed."}',
    "['a', 'b']",
    "<Response><Say>Closed now.</Say></Response>",
    "None",
    "…",
    "??? !!!",
]


@pytest.mark.parametrize("text", SENTENCES)
@pytest.mark.parametrize("type_", ROUTED)
def test_a_sentence_in_any_language_is_said(type_: str, text: str) -> None:
    assert answer(type_, text) == {"error": text}


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_is_said_instead_of_asking_the_model(text: str) -> None:
    message = {"type": "custom-message", "content": text}

    assert answer("knowledge-base-request", text) == {"message": message}


@pytest.mark.parametrize("text", FOR_MACHINES)
@pytest.mark.parametrize("type_", [*ROUTED, "knowledge-base-request"])
def test_what_looks_like_an_identifier_is_never_said(type_: str, text: str) -> None:
    with pytest.raises(ResultError):
        answer(type_, text)


@given(type_=strategies.sampled_from(ROUTED), text=strategies.text())
@example("assistant-request", ID)
@example("assistant-request", "Closed.\ud83d")
@example("assistant-request", "a\x00b c")
def test_a_text_is_an_id_or_a_destination_or_a_sentence_or_refused(type_: str, text: str) -> None:
    try:
        sent = answer(type_, text)
    except ResultError:
        return
    assert len(sent) == 1
    if "error" in sent:
        assert re.fullmatch(r"[^\x00-\x1f\ud800-\udfff]*[^\W\d_].*", sent["error"])
    else:
        assert text.strip() in json.dumps(sent, ensure_ascii=False)


# --- whatever is returned -----------------------------------------------------------------

_NAMES = strategies.sampled_from(
    """
    assistant assistantId assistantOverrides content destination documents eligible error members
    message number result similarity sipUri squad squadId squadOverrides timeoutSeconds type uuid
    workflow workflowId workflowOverrides
    """.split()
)
_SCALARS = (
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(max_size=20)
    | strategies.sampled_from(
        [ID, "+15550100020", "sip:a@b", "number", "sip", "assistant", "custom-message", LONG]
    )
)
_VALUES = strategies.recursive(
    _SCALARS | strategies.sampled_from([NUMBER, SIP, BILLING, START, SAID]),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(_NAMES, inner),
    max_leaves=8,
)
# Objects of the API's own go through as they are: what is in them is their author's.
_OBJECTS = set(
    """
    assistant assistantOverrides destination message squad squadOverrides workflow
    workflowOverrides
    """.split()
)


@given(type_=strategies.sampled_from(sorted(SCHEMAS)), value=_VALUES)
@example("campaign.predial", {"eligible": 10**400})
@example("assistant-request", {"destination": {"type": ["number"]}})
def test_whatever_is_returned_is_refused_or_becomes_an_answer_of_the_api(
    type_: str, value: Any
) -> None:
    try:
        sent = answer(type_, value)
    except ResultError:
        return
    assert is_by_the_api(
        type_, {k: v for k, v in sent.items() if k not in _OBJECTS} | BESIDE[type_]
    )
    assert all(isinstance(sent[name], dict) for name in _OBJECTS & sent.keys())


# What has to be there beside anything else.
BESIDE: dict[str, dict[str, Any]] = {type_: {} for type_ in SCHEMAS}
BESIDE["handoff-destination-request"] = {"destination": {}}


# --- records ------------------------------------------------------------------------------


def test_a_saved_assistant_keeps_what_it_was_given() -> None:
    overrides = {"variableValues": {"vip": True}}
    saved = SavedAssistant(ID, variables={"name": "Ann"}, overrides=overrides)

    answer("assistant-request", saved)["assistantOverrides"]["variableValues"]["name"] = "Bob"

    assert saved.variables == {"name": "Ann"}
    assert overrides == {"variableValues": {"vip": True}}


def test_an_assistant_is_defined_by_whoever_serves_it() -> None:
    @tool
    def book() -> None:
        """Book."""

    def inline(assistant: Assistant) -> dict[str, Any]:
        return assistant.definition(base_url="https://bot.example.com", tools=Toolset([book]))

    sent = answers.to_json("assistant-request", LUIGI, inline)

    assert sent["assistant"]["server"] == {"url": "https://bot.example.com/webhook"}
    assert [each["function"]["name"] for each in sent["assistant"]["model"]["tools"]] == ["book"]
    assert openapi.fits(SCHEMAS["assistant-request"], sent)


def test_each_assistant_of_a_squad_is_defined_by_whoever_serves_it() -> None:
    def inline(assistant: Assistant) -> dict[str, Any]:
        return assistant.definition(base_url="https://bot.example.com")

    sent = answers.to_json("assistant-request", SQUAD, inline)

    luigi, saved = sent["squad"]["members"]
    assert luigi["assistant"]["server"] == {"url": "https://bot.example.com/webhook"}
    assert saved == {"assistantId": ID}
    assert openapi.fits(SCHEMAS["assistant-request"], sent)


@pytest.mark.parametrize("in_squad", [False, True])
def test_an_assistant_that_cannot_be_defined_is_refused_in_words(in_squad: bool) -> None:
    nobody = Assistant(name="Nobody", system_prompt="Be kind.")
    value = Squad("S", [nobody]) if in_squad else nobody

    with pytest.raises(ResultError, match="'Nobody': to create it, a model is needed"):
        answers.to_json("assistant-request", value, Assistant.definition)
