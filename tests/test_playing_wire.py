"""What is sent: its order, its shape, who has signed it, and what Vapi fills in."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from vapitools import (
    Assistant,
    BearerToken,
    Encrypted,
    HmacSignature,
    Settings,
    SharedSecret,
    Toolset,
    router,
    tool,
)
from vapitools._encryption import PrivateKeys, make_private_key
from vapitools.auth import Verifier
from vapitools.errors import DefinitionError, PlayError
from vapitools.playing import (
    Bot,
    Cast,
    ControlDesk,
    LiveCall,
    Played,
    Stage,
    hosting,
    message,
    play,
    tool_calls,
    visiting,
)
from vapitools.playing._delivery import Server
from vapitools.playing._live_call import Kind, entry
from vapitools.playing._script import CallsTools, Ending, PlannedCall, Says
from vapitools.playing._stage import cast_of
from vapitools.server_messages import CLASSES, plain

from .conftest import shared
from .live import serving
from .openapi import check
from .webhooks import Webhook, calls_in, played, right, script, tools, webhook

CALLER = "+15550100010"


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    with webhook(right) as served:
        yield served


@pytest.fixture
def sent(hook: Webhook) -> Webhook:
    """The same, with nothing sent to it so far."""
    hook.answer = right
    hook.requests.clear()
    hook.bodies.clear()
    return hook


ASSISTANT: dict[str, Any] = {
    "name": "Luigi",
    "firstMessage": "Hello, this is {{restaurant}}!",
    "model": {
        "messages": [{"role": "system", "content": "You work for {{restaurant}}."}],
        "tools": [
            {
                "function": {"name": "book_table"},
                "parameters": [
                    {"key": "phone", "value": "{{customer.number}}"},
                    {"key": "guest", "value": {"id": "{{call.id}}", "at": ["{{ restaurant }}"]}},
                    {"key": "table", "value": 4},
                    {"key": "unknown", "value": "{{nobody.knows}}"},
                ],
                "messages": [{"type": "request-start", "content": "Let me look."}],
            }
        ],
    },
}
EVERYTHING = [*CLASSES, 'transcript[transcriptType="final"]', "tool-calls"]


def full_call(url: str, **fields: Any) -> Played:
    return played(
        url,
        Says("caller", "A table, please."),
        tools("book_table", "find_tables"),
        assistant=ASSISTANT,
        variables={"restaurant": "Luigi's"},
        customer={"number": CALLER, "name": "Mrs Green"},
        **fields,
    )


# --- the order ----------------------------------------------------------------------------


def test_messages_come_in_the_order_of_a_call(sent: Webhook) -> None:
    full_call(sent.url)

    speech = ["speech-update", "speech-update", "conversation-update"]
    assert sent.types == [
        "status-update",
        "assistant.started",
        *speech,  # Hello!
        *speech,  # A table, please.
        "tool-calls",
        "conversation-update",
        "status-update",
        "end-of-call-report",
    ]
    statuses = [m["status"] for m in sent.messages if m["type"] == "status-update"]
    assert statuses == ["in-progress", "ended"]


def test_a_call_that_we_place_rings_first(sent: Webhook) -> None:
    full_call(sent.url, kind="outbound", server_messages=["status-update"])

    assert [m["status"] for m in sent.messages if "status" in m] == [
        "queued",
        "ringing",
        "in-progress",
        "ended",
    ]
    assert sent.messages[0]["call"]["type"] == "outboundPhoneCall"


def test_only_what_the_assistant_wants_is_sent(sent: Webhook) -> None:
    assistant = {**ASSISTANT, "serverMessages": ["transcript", "tool-calls"]}

    played(sent.url, Says("caller", "Hi"), tools("book_table"), assistant=assistant)

    assert sent.types == ["transcript", "transcript", "tool-calls"]


# --- the shape ----------------------------------------------------------------------------


def test_all_three_lists_hold_the_same_calls_with_objects_for_arguments(sent: Webhook) -> None:
    full_call(sent.url)

    told = sent.the("tool-calls")
    names = [call["function"]["name"] for call in calls_in(told)]
    arguments = [call["function"]["arguments"] for call in calls_in(told)]
    joined = [each["toolCall"] for each in told["toolWithToolCallList"]]
    assert told["toolCallList"] == told["toolCalls"] == joined
    assert names == ["book_table", "find_tables"]
    assert all(isinstance(each, dict) for each in arguments)
    assert told["toolWithToolCallList"][0]["function"] == {"name": "book_table"}


def test_the_whole_assistant_and_all_that_was_said_ride_along(sent: Webhook) -> None:
    full_call(sent.url)

    told = sent.the("tool-calls")
    said = [(each["role"], each.get("message")) for each in told["artifact"]["messages"]]
    assert told["assistant"]["model"] == ASSISTANT["model"]
    assert told["customer"] == {"number": CALLER, "name": "Mrs Green"}
    assert told["artifact"]["variableValues"] == {"restaurant": "Luigi's"}
    assert said == [
        ("system", "You work for Luigi's."),
        ("bot", "Hello, this is Luigi's!"),
        ("user", "A table, please."),
        ("tool_calls", ""),
        ("bot", "Let me look."),
        ("bot", "One moment."),
    ]


def test_the_conversation_grows(sent: Webhook) -> None:
    full_call(sent.url)

    told = [m["conversation"] for m in sent.messages if m["type"] == "conversation-update"]
    assert [len(each) for each in told] == [1, 2, 7]
    assert all(later[: len(early)] == early for early, later in itertools.pairwise(told))
    assert [each["role"] for each in told[-1]] == [
        *("assistant", "user", "assistant", "assistant", "assistant", "tool", "tool")
    ]
    # In the conversation, arguments are text.
    asked = told[-1][2]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(asked)["phone"] == CALLER


def test_the_report_tells_the_whole_call(sent: Webhook) -> None:
    end = Ending(
        "customer-ended-call", {"analysis": {"summary": "A table."}, "summary": "A table."}
    )

    full_call(sent.url, end=end)

    report = sent.the("end-of-call-report")
    assert report["endedReason"] == "customer-ended-call"
    assert report["analysis"] == {"summary": "A table."}
    assert report["artifact"]["transcript"] == report["transcript"]
    assert report["transcript"].splitlines()[:2] == [
        "AI: Hello, this is Luigi's!",
        "User: A table, please.",
    ]
    assert report["call"]["status"] == "ended"


def test_a_web_call_has_no_phone_number(sent: Webhook) -> None:
    full_call(sent.url, kind="web")

    told = sent.the("tool-calls")
    assert told["call"]["type"] == "webCall"
    assert not {"phoneNumber", "customer"} & set(told)


# --- what Vapi fills in -------------------------------------------------------------------


def test_static_parameters_are_filled_and_count_more_than_the_models(sent: Webhook) -> None:
    call = CallsTools([PlannedCall("book_table", {"phone": "forged", "day": "1"})])

    played(
        sent.url,
        call,
        assistant=ASSISTANT,
        variables={"restaurant": "Luigi's"},
        customer={"number": CALLER},
    )

    told = sent.the("tool-calls")
    assert calls_in(told)[0]["function"]["arguments"] == {
        "phone": CALLER,
        "day": "1",
        "guest": {"id": told["call"]["id"], "at": ["Luigi's"]},
        "table": 4,
        "unknown": "{{nobody.knows}}",
    }


@tool
def pay(card: Annotated[str, Encrypted], amount: int) -> str:
    """Pay.

    Args:
        card: The number.
        amount: How much.
    """
    return f"{card[-4:]} {amount}"


def test_a_marked_argument_arrives_encrypted(sent: Webhook) -> None:
    keys = PrivateKeys([make_private_key()])
    call = script(CallsTools([PlannedCall("pay", {"card": "4111-1111", "amount": 5})]))

    with serving(sent, lifespan="off") as port:
        cast = cast_of(Bot(Toolset([pay])), f"http://127.0.0.1:{port}", keys.encrypt)
        asyncio.run(play(call, Stage(cast, ControlDesk())))

    arguments = calls_in(sent.the("tool-calls"))[0]["function"]["arguments"]
    assert keys.decrypt(arguments["card"]) == "4111-1111"
    assert arguments["amount"] == 5


def test_a_bot_reads_what_was_encrypted_for_it() -> None:
    call = script(CallsTools([PlannedCall("pay", {"card": "4111-1111", "amount": 5})]))

    with hosting(Bot(Toolset([pay]))) as stage:
        done = asyncio.run(play(call, stage))

    assert done.faults == []
    assert "1111 5" in json.dumps(done.to_json())


def test_what_nobody_can_encrypt_is_one_error(sent: Webhook) -> None:
    bot = Bot(Toolset([pay]))
    call = script(CallsTools([PlannedCall("pay", {"card": "1", "amount": 5})]))

    with (
        visiting(sent.url.removesuffix("/webhook"), bot=bot) as stage,
        pytest.raises(PlayError, match="DECRYPTION_KEYS"),
    ):
        asyncio.run(play(call, stage))


# --- headers and signatures ---------------------------------------------------------------


def test_the_headers_are_those_that_vapi_sends(sent: Webhook) -> None:
    captured = json.loads(
        shared("payloads/headers/captured_request_headers_2025-11.json").read_text()
    )

    full_call(sent.url)

    for request, told in zip(sent.requests, sent.messages, strict=True):
        headers = request.headers
        assert headers["x-call-id"] == told["call"]["id"]
        assert headers["cookie"] == f"callId={told['call']['id']}"
        assert headers["x-vapi-secret"] == ""
        assert headers["content-type"] == "application/json"
        assert set(captured) - {"baggage", "sentry-trace"} <= set(headers)


def test_headers_of_a_server_are_sent_once_in_whatever_spelling(sent: Webhook) -> None:
    server = {"url": sent.url, "headers": {"X-Vapi-Secret": "s3cret", "X-Mine": "1"}}

    played(sent.url, assistant={"server": server})

    raw = sent.requests[0].headers.raw
    assert [value for name, value in raw if name == b"x-vapi-secret"] == [b"s3cret"]
    assert sent.requests[0].headers["x-mine"] == "1"


@pytest.mark.parametrize("value", ["a\r\nX-Forged: 1", "Ünïcode", "a\0"])
def test_a_header_that_cannot_be_sent_is_one_error_without_its_value(value: str) -> None:
    server = {"headers": {"X-Mine": value}}

    with pytest.raises(PlayError, match="the header 'x-mine' cannot be sent") as caught:
        played("http://127.0.0.1:1/webhook", assistant={"server": server})

    assert value not in str(caught.value)


def test_cookies_are_not_kept(sent: Webhook) -> None:
    def with_cookie(told: dict[str, Any]) -> Any:
        return JSONResponse(right(told), headers={"set-cookie": "session=1; Path=/"})

    sent.answer = with_cookie

    full_call(sent.url)

    assert not any("session" in request.headers["cookie"] for request in sent.requests)


SECRET = "a-s3cret-of-forty-characters-and-more-of-it"
VERIFIERS = [
    pytest.param(SharedSecret(SECRET), SharedSecret("another-secret-that-is-wrong"), id="secret"),
    pytest.param(BearerToken(SECRET), BearerToken("another-token-that-is-wrong"), id="bearer"),
    pytest.param(HmacSignature(SECRET), HmacSignature("another-key-that-is-wrong"), id="hmac"),
]


@tool
def hello() -> str:
    """Say hello."""
    return "Hello."


@pytest.mark.parametrize(("right_one", "wrong_one"), VERIFIERS)
def test_who_signs_as_configured_is_let_in(right_one: Verifier, wrong_one: Verifier) -> None:
    app = router([hello], auth=right_one)
    call = script(CallsTools([PlannedCall("hello")]))

    with serving(app, lifespan="off") as port:
        cast = Cast(Server(f"http://127.0.0.1:{port}/webhook"))
        signed, forged, unsigned = (
            asyncio.run(play(call, Stage(cast, ControlDesk(), verifier)))
            for verifier in (right_one, wrong_one, None)
        )

    assert signed.faults == []
    assert "status" in {fault.rule for fault in forged.faults}
    assert "status" in {fault.rule for fault in unsigned.faults}


class OnlyVapi:
    """A verifier that nobody else can satisfy."""

    async def verify(self, delivery: Any) -> None:
        raise NotImplementedError


def test_what_only_vapi_can_sign_is_one_error(sent: Webhook) -> None:
    stage = Stage(Cast(Server(sent.url)), ControlDesk(), OnlyVapi())

    with pytest.raises(PlayError, match="can be made by Vapi alone"):
        asyncio.run(play(script(), stage))


def test_a_bot_with_a_secret_is_played_with_it() -> None:
    bot = Bot(Toolset([hello]), settings=Settings(server_secrets=(SECRET,)))

    with hosting(bot) as stage:
        call = asyncio.run(play(script(CallsTools([PlannedCall("hello")])), stage))

    assert call.faults == []


def test_no_secret_and_no_word_of_a_call_is_in_a_repr(sent: Webhook) -> None:
    bot = Bot(
        Toolset([hello]),
        assistants=[Assistant(name="Luigi", system_prompt="hush-hush", tools=[hello])],
        settings=Settings(server_secrets=(SECRET,)),
    )

    with hosting(bot) as stage:
        call = asyncio.run(play(script(CallsTools([PlannedCall("hello")])), stage))
        shown = repr([stage, stage.cast, call, call.events, LiveCall(assistant=ASSISTANT)])

    for hidden in (SECRET, "hush-hush", "'Hello.'", "this is {{restaurant}}"):
        assert hidden not in shown


# --- against Vapi's own description -------------------------------------------------------

SCHEMAS = {
    "assistant-request": "ServerMessageAssistantRequest",
    "assistant.speechStarted": "ServerMessageAssistantSpeech",
    "call.artifact.upload": "ServerMessageCallArtifactUpload",
    "call.delete.failed": "ServerMessageCallDeleteFailed",
    "call.deleted": "ServerMessageCallDeleted",
    "call.endpointing.request": "ServerMessageCallEndpointingRequest",
    "chat.created": "ServerMessageChatCreated",
    "chat.deleted": "ServerMessageChatDeleted",
    "conversation-update": "ServerMessageConversationUpdate",
    "end-of-call-report": "ServerMessageEndOfCallReport",
    "handoff-destination-request": "ServerMessageHandoffDestinationRequest",
    "hang": "ServerMessageHang",
    "knowledge-base-request": "ServerMessageKnowledgeBaseRequest",
    "language-change-detected": "ServerMessageLanguageChangeDetected",
    "model-output": "ServerMessageModelOutput",
    "phone-call-control": "ServerMessagePhoneCallControl",
    "session.created": "ServerMessageSessionCreated",
    "session.deleted": "ServerMessageSessionDeleted",
    "session.updated": "ServerMessageSessionUpdated",
    "speech-update": "ServerMessageSpeechUpdate",
    "status-update": "ServerMessageStatusUpdate",
    "transcript": "ServerMessageTranscript",
    "transfer-destination-request": "ServerMessageTransferDestinationRequest",
    "transfer-update": "ServerMessageTransferUpdate",
    "user-interrupted": "ServerMessageUserInterrupted",
    "voice-input": "ServerMessageVoiceInput",
    "voice-request": "ServerMessageVoiceRequest",
}


# Where the documentation has it otherwise, the message is as documented.
AS_DESCRIBED: Mapping[str, dict[str, Any]] = {
    "knowledge-base-request": {"messages": []},
    "model-output": {"output": {}},
}


@pytest.mark.parametrize("type_", SCHEMAS)
def test_a_message_is_as_vapi_describes_it(type_: str) -> None:
    told = {**message(type_)["message"], **AS_DESCRIBED.get(type_, {})}

    check(SCHEMAS[type_], told)


@pytest.mark.parametrize("kind", ["inbound", "outbound", "web"])
def test_a_call_is_as_vapi_describes_it(kind: Kind) -> None:
    call = LiveCall(kind, assistant=ASSISTANT, control_url="http://127.0.0.1/control/1")

    told = call.message("hang")["message"]["call"]

    check("Call", told)


def test_tool_calls_are_as_vapi_describes_them_but_for_objects() -> None:
    """On the wire arguments are objects; the description has text."""
    check("ServerMessageToolCalls", as_described()["message"])


def as_described() -> dict[str, Any]:
    body = tool_calls(("a", {"b": 1}), definition=lambda name: hello.definition())
    (called,) = body["message"]["toolCallList"]
    called["function"]["arguments"] = json.dumps(called["function"]["arguments"])
    return body


def test_what_was_said_is_as_vapi_describes_it() -> None:
    call = LiveCall(assistant=ASSISTANT)
    call.say("assistant", "Hello!")
    call.say("caller", "A table.")
    asked = entry("book_table", {"day": "1"})
    call.call_tools([asked])
    call.answer_tool(asked, "Booked.")
    call.add({"role": "system", "content": "Be short."})

    for said in call.artifact()["messages"]:
        check(DESCRIBED[said["role"]], said)
    for said in call.artifact()["messagesOpenAIFormatted"]:
        assert set(said) <= {"role", "content", "tool_calls", "tool_call_id"}


DESCRIBED = {
    "system": "SystemMessage",
    "bot": "BotMessage",
    "user": "UserMessage",
    "tool_calls": "ToolCallMessage",
    "tool_call_result": "ToolCallResultMessage",
}

CAPTURED = {
    "payloads/01_tool-calls_captured_2025-11_all-three-lists_object-args.json": tool_calls(
        ("a", {"b": 1}), call=LiveCall(assistant=ASSISTANT)
    ),
    "payloads/07_assistant-request_captured_2024_vapi4k.json": message("assistant-request"),
}


@pytest.mark.parametrize("path", CAPTURED)
def test_a_message_has_the_fields_of_a_captured_one(path: str) -> None:
    captured = json.loads(shared(path).read_text("utf-8"))["message"]
    made = CAPTURED[path]["message"]

    assert set(captured) - set(made) <= MISSING
    assert set(captured["call"]) - set(made["call"]) <= MISSING


# What no handler has been seen to read.
MISSING = {"transport", "cost", "costs", "webCallUrl", "workflowOverrides", "phoneCallProvider"} | {
    *("phoneCallProviderId", "phoneCallProviderDetails", "phoneCallTransport", "squadId"),
}
# What is only there once the call has it.
MISSING |= {"assistantId", "assistantOverrides", "monitor"}


# --- made-up messages ---------------------------------------------------------------------


@pytest.mark.parametrize("type_", [t for t in CLASSES if t not in ("tool-calls", "function-call")])
def test_every_message_can_be_made(type_: str) -> None:
    body = message(type_)

    assert body["message"]["type"] == type_
    assert body["message"]["call"]["id"]
    assert plain(type_) in {*SCHEMAS, "assistant.started", "campaign.predial"}


def test_a_misspelt_message_is_told() -> None:
    with pytest.raises(DefinitionError, match="did you mean 'status-update'"):
        message("status-updates")
    with pytest.raises(DefinitionError, match="use tool_calls"):
        message("tool-calls")


def test_fields_of_a_message_count_more() -> None:
    told = message("end-of-call-report", endedReason="voicemail", cost=1.5)["message"]

    assert (told["endedReason"], told["cost"]) == ("voicemail", 1.5)


# --- time-outs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (None, 20),
        ({}, 20),
        ({"url": "http://b"}, 20),
        ({"timeoutSeconds": 5}, 5),
        ({"timeoutSeconds": 9999}, 300),
        ({"timeoutSeconds": "x"}, 20),
        ({"timeoutSeconds": 0}, 20),
    ],
)
def test_an_answer_is_waited_for_as_long_as_the_server_says(given: Any, seconds: float) -> None:
    assert Server.of(given, Server("http://a")).seconds == seconds


def test_the_tools_own_limit_is_kept(sent: Webhook) -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        await asyncio.sleep(1)

    with serving(never, lifespan="off") as port:
        server = {"url": f"http://127.0.0.1:{port}", "timeoutSeconds": 0.2}
        assistant = {"model": {"tools": [{"function": {"name": "a"}, "server": server}]}}
        call = played(sent.url, tools("a"), assistant=assistant, limit=10)

    assert [fault.text for fault in call.faults] == ["there was no answer within 0.2 s"]
