from __future__ import annotations

import json
import time
from typing import Any

from vapitools import CallContext, messages
from vapitools.context import Customer, PhoneNumber


def context(message: dict[str, Any]) -> CallContext:
    body = json.dumps({"message": {"type": "tool-calls", **message}}).encode()
    return CallContext(messages.parse(body), tool_call_id="call_1")


def test_the_live_call_is_told() -> None:
    call = context(
        {
            "call": {"id": "c-1", "assistantId": "a-1"},
            "customer": {"number": "+15550100010", "name": "Ada", "extension": "7"},
            "phoneNumber": {"id": "p-1", "number": "+15550100000", "name": "Front desk"},
        }
    )

    assert (call.id, call.tool_call_id, call.assistant_id) == ("c-1", "call_1", "a-1")
    assert call.customer == Customer("+15550100010", "Ada", extension="7")
    assert call.phone_number == PhoneNumber("p-1", "+15550100000", "Front desk")


def test_what_stands_only_in_the_call_is_found_there() -> None:
    call = context(
        {
            "call": {
                "customer": {"sipUri": "sip:ada@example.com"},
                "phoneNumber": {"number": "+15550100000"},
                "phoneNumberId": "p-1",
            },
            "assistant": {"id": "a-1"},
        }
    )

    assert call.customer == Customer(sip_uri="sip:ada@example.com")
    assert call.phone_number == PhoneNumber("p-1", "+15550100000")
    assert call.assistant_id == "a-1"


def test_of_a_variable_that_comes_twice_the_newest_value_counts() -> None:
    call = context(
        {
            "assistant": {"variableValues": {"plan": "old", "tier": "gold"}},
            "call": {"assistantOverrides": {"variableValues": {"plan": "newer", "lang": "de"}}},
            "artifact": {"variableValues": {"plan": "newest"}},
        }
    )

    assert call.variables == {"plan": "newest", "tier": "gold", "lang": "de"}


def test_what_has_no_name_here_is_in_the_message() -> None:
    call = context({"call": {"id": "c-1", "transport": {"provider": "sip"}}})

    assert call.message["call"]["transport"] == {"provider": "sip"}


def test_odd_facts_are_taken_for_unknown() -> None:
    call = context(
        {
            "call": "c-1",
            "customer": ["+15550100010"],
            "phoneNumber": {"number": 5},
            "assistant": {"id": None, "variableValues": "none"},
        }
    )

    assert (call.id, call.assistant_id) == (None, None)
    assert call.customer == Customer()
    assert call.phone_number == PhoneNumber()
    assert call.variables == {}


def test_an_empty_context_knows_nothing_and_has_all_the_time() -> None:
    call = CallContext()

    assert (call.id, call.customer.number, dict(call.state)) == (None, None, {})
    assert call.remaining() == float("inf")


def test_the_remaining_time_never_gets_negative() -> None:
    assert 9 < CallContext(deadline=time.monotonic() + 10).remaining() <= 10
    assert CallContext(deadline=time.monotonic() - 10).remaining() == 0


def test_a_repr_shows_ids_only() -> None:
    call = context({"call": {"id": "c-1"}, "customer": {"number": "+15550100010"}})

    assert repr(call) == "CallContext(id='c-1', tool_call_id='call_1')"
