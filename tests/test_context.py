from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from vapitools import (
    AssistantDestination,
    CallContext,
    CallControlError,
    DefinitionError,
    SipDestination,
    messages,
    tool,
)
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


# --- the live call; tests/test_control.py sends the same commands over HTTP ---------------------


class Recorded:
    """A control as a bot's author writes one for a test."""

    def __init__(self, error: CallControlError | None = None) -> None:
        self.sent: list[tuple[str | None, Mapping[str, Any]]] = []
        self._error = error

    async def send(self, url: str | None, command: Mapping[str, Any]) -> None:
        if self._error is not None:
            raise self._error
        self.sent.append((url, command))


@tool
async def take_leave(call: CallContext) -> str:
    """Take leave."""
    try:
        await call.say("Goodbye!", end_call=True)
    except CallControlError:
        return "The call has ended."
    return "Left."


def test_a_tool_is_tested_with_a_control_of_ones_own() -> None:
    control = Recorded()

    answer = asyncio.run(take_leave(CallContext(control=control)))

    assert answer == "Left."
    said = {"type": "say", "content": "Goodbye!", "endCallAfterSpoken": True}
    assert control.sent == [(None, said)]


def test_a_tool_is_tested_for_a_call_that_has_ended() -> None:
    control = Recorded(CallControlError("say: the call has ended", status=404))

    assert asyncio.run(take_leave(CallContext(control=control))) == "The call has ended."


@pytest.mark.parametrize(
    ("monitor", "url"),
    [
        ({"controlUrl": "https://a.vapi.ai/x"}, "https://a.vapi.ai/x"),
        ({"controlUrl": ""}, None),
        ({"controlUrl": ["https://a.vapi.ai/x"]}, None),
        ({"listenUrl": "wss://a.vapi.ai/x"}, None),
        ("https://a.vapi.ai/x", None),
        (None, None),
    ],
)
def test_a_command_goes_to_the_address_in_the_message(monitor: Any, url: str | None) -> None:
    control = Recorded()
    body = json.dumps({"message": {"type": "tool-calls", "call": {"monitor": monitor}}}).encode()

    asyncio.run(CallContext(messages.parse(body), control=control).mute())

    assert control.sent == [(url, {"type": "control", "control": "mute-assistant"})]


def test_outside_a_server_there_is_no_call_to_tell() -> None:
    with pytest.raises(CallControlError, match=r"^say: .* make it with CallContext\(control=…\)"):
        asyncio.run(CallContext().say("Hello."))


@pytest.mark.parametrize(
    ("do", "problem"),
    [
        (lambda call: call.say(""), "say: content is empty; give the text"),
        (lambda call: call.say(" \n"), "say: content is empty"),
        (lambda call: call.say(None), "say: content must be text, not NoneType"),
        (lambda call: call.say(["private"]), "say: content must be text, not list"),
        (lambda call: call.add_message(""), "add-message: content is empty"),
        (lambda call: call.transfer("+15550100020", content=""), "transfer: content is empty"),
        (lambda call: call.handoff(AssistantDestination("B"), content=" "), "handoff: content is"),
    ],
)
def test_nothing_is_sent_without_a_text(do: Callable[[Any], Any], problem: str) -> None:
    control = Recorded()

    with pytest.raises(CallControlError) as raised:
        asyncio.run(do(CallContext(control=control)))

    assert str(raised.value).startswith(problem)
    assert "private" not in str(raised.value)
    assert control.sent == []


@pytest.mark.parametrize(
    ("do", "problem"),
    [
        (lambda call: call.transfer("Billing"), "destination: this text is none"),
        (lambda call: call.handoff("Billing"), "destination: this text is none"),
        (
            lambda call: call.transfer(AssistantDestination("Billing")),
            "transfer: takes a destination of the type number or sip; "
            "for 'assistant' use call.handoff(…)",
        ),
        (
            lambda call: call.handoff(SipDestination("sip:desk@example.com")),
            "handoff: takes a destination of the type assistant or squad; "
            "for 'sip' use call.transfer(…)",
        ),
        (lambda call: call.transfer({"type": "squad", "squadId": "sq-1"}), "transfer: takes a"),
        (lambda call: call.handoff("+15550100020"), "handoff: takes a destination of the type"),
    ],
)
def test_nobody_is_sent_to_where_nobody_can_go(do: Callable[[Any], Any], problem: str) -> None:
    control = Recorded()

    with pytest.raises(DefinitionError) as raised:
        asyncio.run(do(CallContext(control=control)))

    assert str(raised.value).startswith(problem)
    assert control.sent == []
