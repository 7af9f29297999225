from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies

import vapitools
from tests import openapi
from tests.test_docs import ROOT, rows
from vapitools import (
    ApiRequest,
    AssistantDestination,
    DefinitionError,
    Dtmf,
    EndCall,
    Handoff,
    Mcp,
    NumberDestination,
    Query,
    RequestComplete,
    RequestDelayed,
    RequestStart,
    SipDestination,
    Sms,
    TransferCall,
    Voicemail,
)
from vapitools.builtin_tools import TYPES, BuiltInTool, tool_json, tool_name

ID = "7a4c0e9e-2c1f-4f5b-9d57-0b1c8a7d1e11"
URL = "https://example.com/mcp"
PLAN = {"conditions": [{"type": "regex", "regex": "bye"}]}
DESK = {"type": "number", "number": "+15550100020"}

# Each tool, what is sent for it, and how the API calls that.
TOOLS: list[tuple[BuiltInTool, dict[str, Any], str]] = [
    (EndCall(), {"type": "endCall"}, "EndCall"),
    (
        EndCall(messages=[RequestStart("Bye."), {"type": "error", "content": "Hm."}]),
        {
            "type": "endCall",
            "messages": [
                {"type": "request-start", "content": "Bye."},
                {"type": "request-failed", "content": "Hm."},
            ],
        },
        "EndCall",
    ),
    (EndCall(rejection_plan=PLAN), {"type": "endCall", "rejectionPlan": PLAN}, "EndCall"),
    (TransferCall(), {"type": "transferCall"}, "TransferCall"),
    (
        TransferCall(
            "+15550100020",
            "sip:desk@example.com",
            NumberDestination("+15550100020", message="One moment."),
            SipDestination("sip:desk@example.com"),
            AssistantDestination("Billing", message="To billing."),
            DESK,
        ),
        {
            "type": "transferCall",
            "destinations": [
                DESK,
                {"type": "sip", "sipUri": "sip:desk@example.com"},
                {**DESK, "message": "One moment."},
                {"type": "sip", "sipUri": "sip:desk@example.com"},
                {"type": "assistant", "assistantName": "Billing", "message": "To billing."},
                DESK,
            ],
        },
        "TransferCall",
    ),
    (Dtmf(), {"type": "dtmf"}, "Dtmf"),
    (Dtmf(sip_info=True), {"type": "dtmf", "sipInfoDtmfEnabled": True}, "Dtmf"),
    (Voicemail(), {"type": "voicemail"}, "Voicemail"),
    (
        Voicemail(beep_detection=True),
        {"type": "voicemail", "beepDetectionEnabled": True},
        "Voicemail",
    ),
    (Handoff(), {"type": "handoff", "destinations": [{"type": "dynamic"}]}, "Handoff"),
    (
        Handoff(
            "Billing",
            ID,
            AssistantDestination(id=ID, overrides={"firstMessage": "Hi."}, description="Bills"),
            {"type": "squad", "squadId": ID},
            {"type": "dynamic", "server": {"url": URL}},
            default_result="Done.",
            function={"name": "hand_over", "parameters": {"why": {"type": "string"}}},
        ),
        {
            "type": "handoff",
            "destinations": [
                {"type": "assistant", "assistantName": "Billing"},
                {"type": "assistant", "assistantId": ID},
                {
                    "type": "assistant",
                    "assistantId": ID,
                    "assistantOverrides": {"firstMessage": "Hi."},
                    "description": "Bills",
                },
                {"type": "squad", "squadId": ID},
                {"type": "dynamic", "server": {"url": URL}},
            ],
            "defaultResult": "Done.",
            "function": {
                "name": "hand_over",
                "parameters": {"type": "object", "properties": {"why": {"type": "string"}}},
            },
        },
        "Handoff",
    ),
    (
        Query("menu", "What there is to eat.", [ID], model="gemini-2.5-flash"),
        {
            "type": "query",
            "knowledgeBases": [
                {
                    "provider": "google",
                    "name": "menu",
                    "model": "gemini-2.5-flash",
                    "description": "What there is to eat.",
                    "fileIds": [ID],
                }
            ],
        },
        "Query",
    ),
    (Mcp(URL), {"type": "mcp", "server": {"url": URL}}, "Mcp"),
    (
        Mcp(
            URL,
            headers={"X-Team": "desk"},
            credential_id=ID,
            protocol="sse",
            timeout=5,
            tool_messages={"find": [RequestDelayed("Hm.", after=3)], "add": []},
        ),
        {
            "type": "mcp",
            "server": {
                "url": URL,
                "headers": {"X-Team": "desk"},
                "credentialId": ID,
                "timeoutSeconds": 5,
            },
            "metadata": {"protocol": "sse"},
            "toolMessages": [
                {
                    "name": "find",
                    "messages": [
                        {
                            "type": "request-response-delayed",
                            "content": "Hm.",
                            "timingMilliseconds": 3000,
                        }
                    ],
                },
                {"name": "add", "messages": []},
            ],
        },
        "Mcp",
    ),
    (
        ApiRequest("https://example.com/orders/{{number}}", "GET"),
        {"type": "apiRequest", "method": "GET", "url": "https://example.com/orders/{{number}}"},
        "ApiRequest",
    ),
    (
        ApiRequest(
            URL,
            "POST",
            name="add_order",
            description="Adds an order.",
            body={"type": "object", "properties": {"dish": {"type": "string"}}},
            headers={"X-Api-Key": "k"},
            parameters={"caller": "{{customer.number}}", "tries": 3},
            timeout=30,
            credential_id=ID,
            encrypted_paths=["dish"],
            backoff_plan={"type": "fixed", "maxRetries": 2, "baseDelaySeconds": 1},
            variable_extraction_plan={"aliases": [{"key": "order", "value": "{{id}}"}]},
        ),
        {
            "type": "apiRequest",
            "name": "add_order",
            "description": "Adds an order.",
            "method": "POST",
            "url": URL,
            "body": {"type": "object", "properties": {"dish": {"type": "string"}}},
            "headers": {
                "type": "object",
                "properties": {"X-Api-Key": {"type": "string", "value": "k"}},
            },
            "parameters": [
                {"key": "caller", "value": "{{customer.number}}"},
                {"key": "tries", "value": 3},
            ],
            "timeoutSeconds": 30,
            "credentialId": ID,
            "encryptedPaths": ["dish"],
            "backoffPlan": {"type": "fixed", "maxRetries": 2, "baseDelaySeconds": 1},
            "variableExtractionPlan": {"aliases": [{"key": "order", "value": "{{id}}"}]},
        },
        "ApiRequest",
    ),
    (Sms(), {"type": "sms"}, "Sms"),
]


@pytest.mark.parametrize(("tool", "sent", "schema"), TOOLS)
def test_a_tool_is_written_as_vapi_takes_it(
    tool: BuiltInTool, sent: dict[str, Any], schema: str
) -> None:
    assert tool.to_json() == sent

    described = openapi.schemas()[f"Create{schema}ToolDTO"]["properties"]
    openapi.check(f"Create{schema}ToolDTO", sent)
    assert sent.keys() <= described.keys()


def test_every_field_of_the_api_can_be_given() -> None:
    written: dict[str, set[str]] = {}
    for _, sent, schema in TOOLS:
        written.setdefault(schema, {"messages", "rejectionPlan"}).update(sent)

    described = {schema: openapi.schemas()[f"Create{schema}ToolDTO"] for schema in written}
    assert written == {schema: set(each["properties"]) for schema, each in described.items()}


def described() -> dict[str, list[str]]:
    items = openapi.schemas()["OpenAIModel"]["properties"]["tools"]["items"]["anyOf"]
    found = map(openapi.named, items)
    return {each["properties"]["type"]["enum"][0]: each["required"] for each in found}


def test_the_types_and_what_they_need_are_those_of_the_api() -> None:
    assert {type_: {"type", *needed} for type_, needed in TYPES.items()} == {
        type_: set(required) for type_, required in described().items()
    }


@pytest.mark.parametrize("tool", [each for each, *_ in TOOLS], ids=lambda tool: tool.type)
def test_what_is_sent_is_a_fresh_copy(tool: BuiltInTool) -> None:
    first = copy.deepcopy(tool.to_json())

    for value in tool.to_json().values():
        if isinstance(value, (dict, list)):
            value.clear()

    assert tool.to_json() == first


def test_what_is_said_around_a_tool_is_written_as_for_ours() -> None:
    tool = Sms(messages=[RequestComplete("Sent.", end_call=True)])

    assert tool.to_json()["messages"] == [
        {"type": "request-complete", "content": "Sent.", "endCallAfterSpokenEnabled": True}
    ]


SHOWN = [cell for cell, _ in rows("assistants.md", "Tool | What the assistant can do with it")]


@pytest.mark.parametrize("written", SHOWN)
def test_each_tool_of_the_docs_is_one_of_the_api(written: str) -> None:
    sent = eval(written, vars(vapitools).copy()).to_json()

    openapi.check("OpenAIModel", {"provider": "openai", "model": "gpt-4o", "tools": [sent]})


def test_the_docs_name_every_tool() -> None:
    page = (ROOT / "docs" / "assistants.md").read_text("utf-8")
    with_a_class = {tool.type for tool, *_ in TOOLS}

    assert {cell.partition("(")[0] for cell in SHOWN} == {type(tool).__name__ for tool, *_ in TOOLS}
    assert [type_ for type_ in TYPES.keys() - with_a_class if f"`{type_}`" not in page] == []


# --- what can be wrong --------------------------------------------------------------------


def problems(make: Callable[[], object]) -> list[str]:
    with pytest.raises(DefinitionError) as raised:
        make()
    return list(raised.value.problems)


def anything(value: Any) -> Any:
    """A value that the type checkers let pass."""
    return value


A_MESSAGE = "Handoff(…, messages=[RequestStart('…')])"
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: EndCall(messages=anything("Bye.")), "EndCall: messages must be a list, such as"),
    (lambda: EndCall(messages=[anything("Bye.")]), "EndCall: messages: str is no spoken message"),
    (lambda: EndCall(messages=[{"type": "strat"}]), "did you mean 'start'?"),
    (lambda: Dtmf(rejection_plan={}), "Dtmf: rejection_plan must be like {'conditions': "),
    (lambda: Dtmf(rejection_plan={"conditions": [{"type": "x"}]}), "are regex, liquid and group"),
    (lambda: TransferCall("Billing"), "TransferCall: destination: this text is none; write a"),
    (lambda: TransferCall({"type": "squad", "squadId": ID}), "handed to a squad with Handoff"),
    (lambda: TransferCall(AssistantDestination(id=ID)), "by its name alone: AssistantDestination("),
    (
        lambda: TransferCall(AssistantDestination("Billing", overrides={"name": "x"})),
        "for an id or overrides use Handoff",
    ),
    (lambda: Handoff("+15550100020"), "Handoff: a call is handed to an assistant; for a number"),
    (lambda: Handoff("sip:desk@example.com"), "for a number use TransferCall"),
    (lambda: Handoff(DESK), "for a number use TransferCall"),
    (lambda: Handoff(""), "give one of name="),
    (lambda: Handoff(AssistantDestination("Billing", message="Hi.")), A_MESSAGE),
    (lambda: Handoff(function={}), "Handoff: its function needs a name: 1 to 64 of the letters"),
    (lambda: Handoff(function={"name": "a b"}), "its function needs a name"),
    (lambda: Query("", "x", [ID]), "Query: name must be text"),
    (lambda: Query("x", " ", [ID]), "Query: description must be text"),
    (lambda: Query("x", "x", []), "Query: file_ids must be a list of ids"),
    (lambda: Query("x", "x", ID), "Query: file_ids must be a list of ids"),
    (lambda: Query("x", "x", [""]), "each must be the id that Vapi has given to a file"),
    (lambda: Mcp("example.com"), "Mcp: url must be like 'https://example.com/orders'"),
    (lambda: Mcp(URL, protocol=anything("http")), "protocol='http' must be 'sse' or 'shttp'"),
    (lambda: Mcp(URL, timeout=0), "Mcp: timeout=0 must be 1 to 300 seconds"),
    (lambda: Mcp(URL, timeout=301), "Mcp: timeout=301 must be 1 to 300 seconds"),
    (lambda: Mcp(URL, timeout=True), "Mcp: timeout=True must be 1 to 300 seconds"),
    (lambda: Mcp(URL, credential_id="mine"), "credential_id must be a UUID, as Vapi gives it"),
    (lambda: Mcp(URL, headers=anything({"a": 1})), "Mcp: headers must be texts by name"),
    (lambda: Mcp(URL, headers=anything(["a"])), "Mcp: headers must be texts by name, such as"),
    (lambda: Mcp(URL, tool_messages={"find": [{"type": "x"}]}), "Mcp: find: messages: there is"),
    (lambda: ApiRequest("/orders", "GET"), "ApiRequest: url must be like 'https://"),
    (lambda: ApiRequest(URL, anything("get")), "method='get' must be one of GET, POST, PUT"),
    (lambda: ApiRequest(URL, "GET", name="n" * 41), "must be 1 to 40 of the letters"),
    (lambda: ApiRequest(URL, "GET", name="a b"), "the name 'a b' must be"),
    (lambda: ApiRequest(URL, "GET", body=anything(5)), "ApiRequest: body needs a 'type', one of"),
    (lambda: ApiRequest(URL, "GET", body={"day": {}}), "ApiRequest: body.day needs a 'type'"),
    (lambda: ApiRequest(URL, "GET", body={"type": "null"}), "body needs a 'type'"),
    (
        lambda: ApiRequest(URL, "GET", body={"days": {"type": "array"}}),
        "body.days[] needs a 'type'",
    ),
    (
        lambda: ApiRequest(URL, "GET", body={"type": "object", "properties": []}),
        "body: properties must be schemas by name",
    ),
    (lambda: ApiRequest(URL, "GET", headers={"a": 1}), "headers needs a 'type'"),
    (lambda: ApiRequest(URL, "GET", parameters=anything([])), "parameters must be values by name"),
    (lambda: tool_json({"type": "code"}), "tool 'code': it needs 'code'"),
    (lambda: tool_json({"type": "function"}), "tool 'function': it needs 'function', such as"),
    (lambda: tool_json({"type": "function", "function": 5}), "its function needs a name"),
    (
        lambda: tool_json(
            {"type": "function", "function": {"name": "x", "parameters": {"a": {"$ref": "#"}}}}
        ),
        "tool 'function': parameters.a needs a 'type'",
    ),
    (lambda: tool_json({"type": "sms", "messages": 5}), "tool 'sms': messages must be a list"),
]


@pytest.mark.parametrize(("make", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_cannot_be_used_is_refused_with_what_to_write(
    make: Callable[[], object], told: str
) -> None:
    (problem,) = problems(make)

    assert told in problem


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        lambda: TransferCall(
            "Billing", "Sales", messages=[{"type": "x"}], rejection_plan={"conditions": 5}
        )
    )

    assert [each.split()[1] for each in found] == [
        "destination:",
        "destination:",
        "messages:",
        "rejection_plan",
    ]


def test_a_url_may_begin_with_a_variable() -> None:
    assert Mcp("{{mcp_url}}").to_json()["server"] == {"url": "{{mcp_url}}"}


def test_a_schema_of_headers_is_taken_as_it_is() -> None:
    headers = {"type": "object", "properties": {"X-Case": {"type": "string"}}}

    assert ApiRequest(URL, "GET", headers=headers).to_json()["headers"] == headers


def test_a_header_may_be_named_type() -> None:
    sent = ApiRequest(URL, "GET", headers={"type": "order"}).to_json()["headers"]

    assert sent["properties"] == {"type": {"type": "string", "value": "order"}}


def test_no_secret_is_in_a_representation_or_an_error() -> None:
    secret = "s3cret"
    request = ApiRequest(
        f"https://example.com/{secret}",
        "GET",
        headers={"X-Api-Key": secret},
        parameters={"key": secret},
    )

    assert secret not in repr(request)
    assert secret not in repr(Mcp(f"https://example.com/{secret}", headers={"X-Key": secret}))
    assert secret not in str(problems(lambda: Mcp(secret, credential_id=secret)))


# --- the API's own objects ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ({"type": "function", "function": {"name": "book"}}, "book"),
        ({"type": "handoff", "function": {"name": "give"}}, "give"),
        (
            {"type": "apiRequest", "name": "order", "function": {"name": "api_request_tool"}},
            "order",
        ),
        ({"type": "bash", "name": "bash"}, "bash"),
        ({"type": "endCall"}, None),
        ({"type": "function", "function": 5}, None),
        ({"type": "bash", "name": 5}, None),
    ],
)
def test_a_tool_is_called_what_the_model_sees(tool: dict[str, Any], name: str | None) -> None:
    assert tool_name(tool) == name


def test_a_dict_is_copied() -> None:
    given_tool = {"type": "function", "function": {"name": "book", "parameters": {}}, "extra": [1]}
    before = copy.deepcopy(given_tool)

    made = tool_json(given_tool)
    made["extra"].clear()

    assert given_tool == before
    assert made["function"]["parameters"] == {"type": "object", "properties": {}}


_ANYTHING = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers()
    | strategies.sampled_from(["object", "array", "string", "book", "start", "liquid", *TYPES]),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(
            strategies.sampled_from(
                ["type", "function", "name", "parameters", "messages", "items", "properties"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(
    strategies.dictionaries(
        strategies.sampled_from(["function", "messages", "name", "url", "method"]), _ANYTHING
    ),
    strategies.sampled_from([*TYPES, "x"]) | _ANYTHING,
)
def test_whatever_is_written_is_a_tool_or_refused_in_words(tool: Any, type_: Any) -> None:
    try:
        made = tool_json({**tool, "type": type_})
    except DefinitionError as error:
        told = error.problems
    else:
        told = (f"tool {made['type']!r}: fine",) if made["type"] in TYPES else ()
    assert told
    assert all(each.startswith("tool") for each in told)
