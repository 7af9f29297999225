from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, strategies

from tests.conftest import shared
from vapitools import AssistantDestination, DefinitionError, NumberDestination, SipDestination
from vapitools.destinations import Destination, destination_json

DESTINATIONS: dict[str, tuple[Destination, dict[str, Any]]] = {
    "TransferDestinationNumber": (
        NumberDestination("+15550100020"),
        {"type": "number", "number": "+15550100020"},
    ),
    "TransferDestinationNumber, whole": (
        NumberDestination(
            "+15550100020",
            message="One moment.",
            extension="7",
            caller_id="{{customer.number}}",
            description="For invoices.",
            transfer_plan={"mode": "warm-transfer-say-summary"},
        ),
        {
            "type": "number",
            "number": "+15550100020",
            "message": "One moment.",
            "extension": "7",
            "callerId": "{{customer.number}}",
            "description": "For invoices.",
            "transferPlan": {"mode": "warm-transfer-say-summary"},
        },
    ),
    "TransferDestinationNumber, of a trunk": (
        NumberDestination("7001", check=False),
        {"type": "number", "number": "7001", "numberE164CheckEnabled": False},
    ),
    "TransferDestinationNumber, silent": (
        NumberDestination("+15550100020", message=""),
        {"type": "number", "number": "+15550100020", "message": ""},
    ),
    "TransferDestinationSip": (
        SipDestination("sip:desk@example.com"),
        {"type": "sip", "sipUri": "sip:desk@example.com"},
    ),
    "TransferDestinationSip, whole": (
        SipDestination(
            "sips:+15550100020@example.com:5061;transport=tls",
            message={"en": "One moment.", "es": "Un momento."},
            caller_id="+15550100000",
            description="The front desk.",
            transfer_plan={"mode": "blind-transfer", "dialTimeout": 30},
            sip_headers={"X-Case": "7"},
        ),
        {
            "type": "sip",
            "sipUri": "sips:+15550100020@example.com:5061;transport=tls",
            "message": {
                "type": "custom-message",
                "contents": [
                    {"type": "text", "text": "One moment.", "language": "en"},
                    {"type": "text", "text": "Un momento.", "language": "es"},
                ],
            },
            "callerId": "+15550100000",
            "description": "The front desk.",
            "transferPlan": {"mode": "blind-transfer", "dialTimeout": 30},
            "sipHeaders": {"X-Case": "7"},
        },
    ),
    "TransferDestinationAssistant": (
        AssistantDestination("Billing", message="Now to billing.", description="For invoices."),
        {
            "type": "assistant",
            "assistantName": "Billing",
            "message": "Now to billing.",
            "description": "For invoices.",
        },
    ),
    "HandoffDestinationAssistant": (
        AssistantDestination(id="a-1", overrides={"firstMessage": "Billing, hello!"}),
        {
            "type": "assistant",
            "assistantId": "a-1",
            "assistantOverrides": {"firstMessage": "Billing, hello!"},
        },
    ),
    "HandoffDestinationAssistant, of this call alone": (
        AssistantDestination(assistant={"name": "Billing"}),
        {"type": "assistant", "assistant": {"name": "Billing"}},
    ),
}


@pytest.mark.parametrize(("destination", "sent"), DESTINATIONS.values(), ids=DESTINATIONS)
def test_a_destination_is_written_as_vapi_takes_it(
    destination: Destination, sent: dict[str, Any]
) -> None:
    assert destination.to_json() == sent
    assert destination_json(destination) == sent
    assert destination_json(sent) == sent


@pytest.mark.parametrize("schema", DESTINATIONS)
def test_a_destination_is_one_that_the_api_describes(schema: str) -> None:
    api = json.loads(shared("openapi.json").read_text("utf-8"))
    name, sent = schema.partition(",")[0], DESTINATIONS[schema][0].to_json()

    assert sent.keys() <= api["components"]["schemas"][name]["properties"].keys()
    jsonschema.validate(sent, {"$ref": f"#/components/schemas/{name}", **api})


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("+15550100020", {"type": "number", "number": "+15550100020"}),
        ("+1234567", {"type": "number", "number": "+1234567"}),
        ("+123456789012345", {"type": "number", "number": "+123456789012345"}),
        ("sip:desk@example.com", {"type": "sip", "sipUri": "sip:desk@example.com"}),
        ("SIPS:desk@example.com", {"type": "sip", "sipUri": "SIPS:desk@example.com"}),
    ],
)
def test_text_can_be_a_number_or_a_sip_address(text: str, sent: dict[str, Any]) -> None:
    assert destination_json(text) == sent


NO_NUMBERS = [
    "", "+", "15550100020", "+123456", "+1234567890123456", "+0155501000", "+1 555 010 0020",
    "+1-555-0100020", "+1555010002O", "tel:+15550100020", "+15550100020\n", "+١٢٣٤٥٦٧٨٩",
    "+15550100020,7", "{{customer.number}}",
]  # fmt: skip
NO_SIP_URIS = [
    "", "sip:", "desk@example.com", "sip desk@example.com", "sip:desk @example.com",
    "sip:desk@example.com\r\nX-Evil: 1", "<sip:desk@example.com>", 'sip:"desk"@example.com',
    "https://example.com", "sip:desk@exämple.com", "xsip:desk@example.com",
]  # fmt: skip


@pytest.mark.parametrize("number", [*NO_NUMBERS, None, 15550100020])
def test_a_number_that_is_none_says_what_to_write(number: Any) -> None:
    with pytest.raises(DefinitionError) as raised:
        NumberDestination(number)

    assert raised.value.problems == (
        "NumberDestination: number must be '+' and 7 to 15 digits, such as '+15550100020'; "
        "for what your own SIP trunk dials, add check=False",
    )


@pytest.mark.parametrize("uri", [*NO_SIP_URIS, None])
def test_a_sip_address_that_is_none_says_what_to_write(uri: Any) -> None:
    with pytest.raises(DefinitionError, match=r"^SipDestination: sip_uri must begin with 'sip:'"):
        SipDestination(uri)


@pytest.mark.parametrize("number", ["7001", "desk", "+001234567890", "a" * 40])
def test_a_number_of_a_trunk_can_be_of_letters(number: str) -> None:
    assert NumberDestination(number, check=False).number == number


@pytest.mark.parametrize("number", ["70", "a" * 41, "70 01", "++7001", "7001\n", "déjà", ""])
def test_a_number_of_a_trunk_has_limits_too(number: str) -> None:
    with pytest.raises(DefinitionError, match="number must be 3 to 40 letters and digits"):
        NumberDestination(number, check=False)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: NumberDestination("+15550100020", extension=""), "extension must have 1 to 10"),
        (lambda: NumberDestination("+15550100020", extension="1" * 11), "extension must have 1"),
        (lambda: NumberDestination("+15550100020", caller_id=""), "caller_id must have 1 to 40"),
        (lambda: SipDestination("sip:a@b", caller_id="1" * 41), "caller_id must have 1 to 40"),
        (lambda: SipDestination("sip:a@b", sip_headers={"X Case": "7"}), "a name must be letters"),
        (lambda: SipDestination("sip:a@b", sip_headers={"X-A\r\nX-B": ""}), "a name must be let"),
        (lambda: SipDestination("sip:a@b", sip_headers={"X-A": "7\r\nX-B: 8"}), "text on one line"),
        (lambda: AssistantDestination(), "give one of name='…', id='…' and assistant={…}"),
        (lambda: AssistantDestination(""), "give one of"),
        (lambda: AssistantDestination("Billing", id="a-1"), "give one of"),
        (lambda: AssistantDestination(id="a-1", assistant={"name": "B"}), "give one of"),
        (lambda: AssistantDestination(assistant={}), "give one of"),
    ],
)
def test_a_mistake_is_told_at_once(make: Callable[[], object], problem: str) -> None:
    with pytest.raises(DefinitionError, match=re.escape(problem)):
        make()


def test_all_mistakes_are_told_together() -> None:
    with pytest.raises(DefinitionError) as raised:
        NumberDestination("x", extension="", caller_id="")

    assert len(raised.value.problems) == 3


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("Billing", "this text is none; write a number such as '+15550100020', 'sip:desk@"),
        (None, "this NoneType is none"),
        (["+15550100020"], "this list is none"),
        ({}, "its type must be one of number, sip, assistant, squad"),
        ({"type": "phone", "number": "+15550100020"}, "its type must be one of number, sip"),
        ({"type": ["number"], "number": "+15550100020"}, "its type must be one of number, sip"),
        ({"type": "dynamic"}, "its type must be one of number, sip, assistant, squad"),
        ({"type": "number", "phone": "+15550100020"}, "a 'number' one needs number"),
        ({"type": "sip", "sipUri": ""}, "a 'sip' one needs sipUri"),
        ({"type": "assistant"}, "needs assistantName or assistantId or assistant"),
        ({"type": "squad", "squadId": None}, "a 'squad' one needs squadId or squad"),
    ],
)
def test_what_is_no_destination_says_what_to_write(value: Any, problem: str) -> None:
    with pytest.raises(DefinitionError, match=re.escape(problem)):
        destination_json(value)


@pytest.mark.parametrize("make", [NumberDestination, SipDestination, destination_json])
def test_an_error_does_not_tell_the_destination(make: Callable[[str], object]) -> None:
    with pytest.raises(DefinitionError) as raised:
        make("private 4711")

    assert "private" not in str(raised.value)
    assert "4711" not in str(raised.value)


@given(strategies.text() | strategies.from_regex(r"\A(\+[0-9]+|sips?:.*)", fullmatch=True))
@example("+15550100020")
def test_text_is_a_destination_that_no_reader_takes_for_another(text: str) -> None:
    try:
        sent = destination_json(text)
    except DefinitionError:
        return

    key = {"number": "number", "sip": "sipUri"}[sent["type"]]
    assert sent == {"type": sent["type"], key: text}
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text


def test_what_is_sent_can_be_changed_without_changing_the_destination() -> None:
    given_ = {"type": "assistant", "assistant": {"name": "Billing"}}
    destination = AssistantDestination(assistant={"name": "Billing"})

    destination_json(given_)["type"] = "x"
    destination.to_json()["assistant"]["name"] = "x"

    assert given_["type"] == "assistant"
    assert destination.to_json()["assistant"] == {"name": "Billing"}


def test_a_null_in_the_apis_own_object_is_not_sent() -> None:
    given = {"type": "assistant", "assistantName": None, "assistantId": "a-1"}

    assert destination_json(given) == {"type": "assistant", "assistantId": "a-1"}
