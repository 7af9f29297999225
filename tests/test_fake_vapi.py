"""`FakeVapi` behaves as Vapi's API does, with its sharp edges."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from vapitools.testing import FakeVapi, RecordedRequest, _fields
from vapitools.testing._fields import Kind

from . import openapi

# Fixed, because the names of tests have to be the same in every process.
UNKNOWN = "0d7c0b53-6f6e-4c38-9e43-1f1f2f7f0c11"
KEY = {"authorization": "Bearer test-key"}
FUNCTION = {"name": "find_tables", "description": "Find free tables."}
TOOL = {"type": "function", "function": FUNCTION}
MODEL = {"provider": "openai", "model": "gpt-4o", "messages": [{"role": "system", "content": "…"}]}
CUSTOMER = {"number": "+15550100123"}
KINDS: list[Kind] = ["tool", "assistant", "squad", "phone-number"]
NEW: dict[str, dict[str, Any]] = {
    "tool": TOOL,
    "assistant": {"name": "Luigi", "model": MODEL},
    "squad": {"members": []},
    "phone-number": {"provider": "vapi"},
}
JSON = dict[str, Any]


@pytest.fixture
def fake() -> FakeVapi:
    return FakeVapi()


@pytest.fixture
def client(fake: FakeVapi) -> TestClient:
    return connect(fake)


def connect(fake: FakeVapi) -> TestClient:
    return TestClient(fake, headers=KEY, base_url="https://fake.example")


def create(client: TestClient, kind: str = "tool", **fields: Any) -> JSON:
    response = client.post(f"/{kind}", json={**NEW[kind], **fields})
    assert response.status_code == 201, response.text
    created: JSON = response.json()
    return created


def reasons(response: Any) -> Any:
    assert response.status_code == 400, response.text
    assert response.json()["error"] == "Bad Request"
    return response.json()["message"]


def dial(fake: FakeVapi, client: TestClient, **fields: Any) -> Any:
    number = fake.add("phone-number", NEW["phone-number"])
    assistant = fake.add("assistant", NEW["assistant"])
    body = {"assistantId": assistant["id"], "phoneNumberId": number["id"], "customer": CUSTOMER}
    return client.post("/call", json={**body, **fields})


@pytest.fixture
def on_a_port(fake: FakeVapi) -> Iterator[httpx.Client]:
    with fake.serve() as base_url, httpx.Client(base_url=base_url, headers=KEY) as client:
        yield client


# --- who asks ---


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer other"}, KEY | {"x": "y"}])
def test_only_the_right_key_is_let_in(fake: FakeVapi, headers: dict[str, str]) -> None:
    response = TestClient(fake, headers=headers).get("/tool")

    assert response.status_code == (200 if "x" in headers else 401)


def test_a_wrong_key_learns_nothing_but_that(fake: FakeVapi) -> None:
    id = fake.add("tool", TOOL)["id"]
    stranger = TestClient(fake, headers={"authorization": "Bearer é".encode()})  # type: ignore[dict-item]

    answers = {
        stranger.request(method, path, json=TOOL).text
        for method in ("GET", "PATCH", "DELETE", "POST")
        for path in ("/tool", f"/tool/{id}", f"/tool/{UNKNOWN}", "/nowhere")
    }

    assert [json.loads(answer) for answer in answers] == [
        {
            "message": "Invalid Key. Hot tip, you may be using the private key instead of the "
            "public key, or vice versa.",
            "error": "Unauthorized",
            "statusCode": 401,
        }
    ]
    assert list(fake.tools) == [id]


# --- one resource ---


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_created_can_be_read_listed_changed_and_deleted(
    client: TestClient, kind: str
) -> None:
    created = create(client, kind)
    path = f"/{kind}/{created['id']}"

    assert client.get(path).json() == created
    assert client.get(f"/{kind}").json() == [created]
    assert client.patch(path, json={"members": []} if kind == "squad" else {}).status_code == 200
    assert client.delete(path).json()["id"] == created["id"]
    assert client.get(f"/{kind}").json() == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_not_there_is_not_found(client: TestClient, kind: str, method: str) -> None:
    response = client.request(method, f"/{kind}/{UNKNOWN}", json=None if method == "GET" else {})

    assert response.status_code == 404
    assert response.json()["message"].endswith("Does Not Exist.")


@pytest.mark.parametrize("id", ["mine", "1", "%2e", f"{UNKNOWN}x", UNKNOWN.replace("-", "")])
def test_an_id_has_to_be_a_uuid(client: TestClient, id: str) -> None:
    assert reasons(client.get(f"/tool/{id}")) == ["id must be a UUID"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/tools"), ("PUT", "/tool"), ("POST", "/tool/x"), ("PATCH", "/tool")],
)
def test_another_route_is_not_there(client: TestClient, method: str, path: str) -> None:
    response = client.request(method, path, json={})

    assert response.status_code == 404
    assert response.json()["message"] == f"Cannot {method} {path}"


def test_a_resource_says_whose_it_is_and_since_when(client: TestClient) -> None:
    first, second = create(client, "tool"), create(client, "assistant")

    assert UUID(first["id"]) != UUID(second["id"])
    assert first["orgId"] == second["orgId"]
    assert first["createdAt"] == first["updatedAt"]
    assert datetime.strptime(first["createdAt"], "%Y-%m-%dT%H:%M:%S.%fZ")
    assert len(first["createdAt"]) == len("2026-01-01T00:00:00.000Z")


def test_no_two_things_happen_at_one_time(client: TestClient) -> None:
    ids = [create(client, "tool")["id"] for _ in range(20)]
    times = [client.get(f"/tool/{id}").json()["createdAt"] for id in ids]
    changed = client.patch(f"/tool/{ids[0]}", json={}).json()

    assert times == sorted(set(times))
    assert changed["updatedAt"] > times[-1]
    assert changed["createdAt"] == times[0]


def test_creating_twice_makes_two(client: TestClient, fake: FakeVapi) -> None:
    create(client)
    create(client)

    assert [tool["function"]["name"] for tool in fake.tools.values()] == ["find_tables"] * 2


def test_a_change_replaces_each_field_whole(client: TestClient) -> None:
    assistant = create(client, "assistant", firstMessage="Hello!")
    model = {"toolIds": [UNKNOWN]}

    changed = client.patch(f"/assistant/{assistant['id']}", json={"model": model}).json()

    assert changed["model"] == model
    assert changed["firstMessage"] == "Hello!"


def test_null_takes_a_field_away(client: TestClient) -> None:
    assistant = create(client, "assistant", firstMessage="Hello!")

    changed = client.patch(f"/assistant/{assistant['id']}", json={"firstMessage": None}).json()

    assert "firstMessage" not in changed


def test_a_change_makes_a_new_version(client: TestClient) -> None:
    tool = create(client)

    changed = client.patch(f"/tool/{tool['id']}", json={"async": True}).json()

    assert (tool["latestVersion"], changed["latestVersion"]) == ("v1", "v2")


# --- what is refused ---


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b"null", b""])
def test_a_body_has_to_be_an_object(client: TestClient, content: bytes) -> None:
    assert reasons(client.post("/tool", content=content))


def test_the_type_of_a_tool_cannot_be_sent_again(client: TestClient) -> None:
    tool = create(client)

    answer = client.patch(f"/tool/{tool['id']}", json={"type": "function", "async": True})

    assert reasons(answer) == ["property type should not exist"]
    assert client.get(f"/tool/{tool['id']}").json() == tool


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_field_is_refused(client: TestClient, fake: FakeVapi, kind: str) -> None:
    created = create(client, kind)
    body = {**NEW[kind], "foo": 1}

    answers = [
        client.post(f"/{kind}", json=body),
        client.patch(f"/{kind}/{created['id']}", json={"members": [], "foo": 1}),
    ]

    assert all("property foo should not exist" in reasons(answer) for answer in answers)
    assert client.get(f"/{kind}").json() == [created]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_read_cannot_be_written_back_whole(client: TestClient, kind: str) -> None:
    created = create(client, kind)

    told = reasons(client.patch(f"/{kind}/{created['id']}", json=created))

    own = ["id", "orgId", "createdAt", "updatedAt"]
    assert {f"property {name} should not exist" for name in own} <= set(told)


SERVER = "https://luigi.example.com"
REFUSED: list[tuple[str, JSON, str]] = [
    ("tool", {"type": "nope"}, "type must be one of"),
    ("tool", {"function": {"name": "find tables"}}, "function.name must match"),
    ("tool", {"function": {"name": "x" * 65}}, "function.name must match"),
    ("tool", {"function": {"description": "No name."}}, "function.name must match"),
    ("tool", {"function": {}}, "function.name must match"),
    ("tool", {"function": {"name": "x", "description": 1}}, "function.description must be a s"),
    ("tool", {"function": {"name": "x", "parameters": {}}}, "function.parameters.type must be"),
    ("tool", {"function": "find_tables"}, "function must be an object"),
    ("tool", {"function": {"name": "x", "parameters": []}}, "function.parameters must be an obj"),
    ("tool", {"messages": {}}, "messages must be an array"),
    ("tool", {"server": {"timeoutSeconds": 0}}, "server.timeoutSeconds must not be less than 1"),
    ("tool", {"server": {"timeoutSeconds": 301}}, "server.timeoutSeconds must not be greater"),
    ("tool", {"server": {"timeoutSeconds": "20"}}, "server.timeoutSeconds must be a number"),
    ("tool", {"server": {"timeoutSeconds": True}}, "server.timeoutSeconds must be a number"),
    ("tool", {"server": {"backoffPlan": {"maxRetries": 11}}}, "server.backoffPlan.maxRetries must"),
    ("tool", {"server": {"url": 1}}, "server.url must be a string"),
    ("tool", {"server": {"headers": []}}, "server.headers must be an object"),
    ("tool", {"destinations": []}, "property destinations should not exist"),
    ("assistant", {"name": "x" * 41}, "name must be shorter than or equal to 40 characters"),
    ("assistant", {"endCallMessage": "x" * 1001}, "endCallMessage must be shorter than"),
    ("assistant", {"firstMessage": 1}, "firstMessage must be a string"),
    ("assistant", {"firstMessageMode": "loud"}, "firstMessageMode must be one of"),
    ("assistant", {"serverMessages": ["tool-call"]}, "each value in serverMessages must be one"),
    ("assistant", {"serverMessages": "tool-calls"}, "serverMessages must be an array"),
    ("assistant", {"clientMessages": ["x"]}, "each value in clientMessages must be one"),
    ("assistant", {"maxDurationSeconds": 9}, "maxDurationSeconds must not be less than 10"),
    ("assistant", {"model": "gpt-4o"}, "model must be an object"),
    ("assistant", {"model": {**MODEL, "toolIds": ["x"]}}, "model.each value in toolIds must be"),
    ("assistant", {"model": {**MODEL, "toolRefs": [{}]}}, "model.toolRefs.0.toolId must be a UUID"),
    ("assistant", {"model": {**MODEL, "tools": [{"type": "x"}]}}, "model.tools.0.type must be one"),
    ("assistant", {"server": {"timeoutSeconds": 500}}, "server.timeoutSeconds must not be"),
    ("assistant", {"model": {**MODEL, "toolIds": "x"}}, "model.toolIds must be an array"),
    ("squad", {"members": None}, "members must be an array"),
    ("squad", {"name": 1}, "name must be a string"),
    ("squad", {"members": [{"assistantId": "x"}]}, "members.0.assistantId must be a UUID"),
    ("squad", {"members": [{"assistant": {"x": 1}}]}, "members.0.assistant.property x should not"),
    ("phone-number", {"provider": "pigeon"}, "provider must be one of"),
    ("phone-number", {"assistantId": "x"}, "assistantId must be a UUID"),
    ("phone-number", {"name": "x" * 41}, "name must be shorter than"),
    ("phone-number", {"server": {"timeoutSeconds": 0}}, "server.timeoutSeconds must not be less"),
    ("phone-number", {"twilioAuthToken": "x"}, "property twilioAuthToken should not exist"),
]


@pytest.mark.parametrize(("kind", "fields", "reason"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_vapi_refuses_is_refused(
    client: TestClient, fake: FakeVapi, kind: str, fields: JSON, reason: str
) -> None:
    told = reasons(client.post(f"/{kind}", json={**NEW[kind], **fields}))

    assert [each[: len(reason)] for each in told] == [reason]
    assert client.get(f"/{kind}").json() == []


API_REQUEST = {"type": "apiRequest", "method": "GET", "url": SERVER}


@pytest.mark.parametrize(
    ("tool", "reason"),
    [
        ({"type": "apiRequest", "url": SERVER}, "method must be a string"),
        (
            {**API_REQUEST, "name": "a b"},
            "name must match /^[a-zA-Z0-9_-]{1,40}$/ regular expression",
        ),
        ({**API_REQUEST, "timeoutSeconds": 0}, "timeoutSeconds must not be less than 1"),
        ({"type": "code"}, "code must be a string"),
    ],
)
def test_other_types_of_tools_have_rules_of_their_own(
    client: TestClient, tool: JSON, reason: str
) -> None:
    assert reasons(client.post("/tool", json=tool)) == [reason]


@pytest.mark.parametrize("tool", [API_REQUEST, {"type": "code", "code": ""}, {"type": "endCall"}])
def test_other_types_of_tools_are_taken(client: TestClient, tool: JSON) -> None:
    created = client.post("/tool", json=tool)

    assert created.status_code == 201
    assert client.patch(f"/tool/{created.json()['id']}", json={"messages": []}).status_code == 200


def test_every_problem_is_told_at_once(client: TestClient) -> None:
    told = reasons(client.post("/assistant", json={"name": "x" * 41, "foo": 1, "voice": "Elliot"}))

    assert len(told) == 3


TAKEN: list[tuple[str, JSON]] = [
    ("tool", {"function": {"name": "x" * 64, "description": "x" * 5000}}),
    ("tool", {"server": {"url": SERVER, "timeoutSeconds": 300, "secret": "hush", "new": 1}}),
    ("tool", {"parameters": [{"key": "a", "value": "{{customer.number}}"}]}),
    ("tool", {"messages": [{"type": "request-start", "content": "", "contents": []}]}),
    ("assistant", {"name": "x" * 40, "voice": {"provider": "new"}, "transcriber": None}),
    ("assistant", {"model": {**MODEL, "toolIds": [UNKNOWN], "tools": [TOOL]}}),
    ("assistant", {"serverMessages": ["tool-calls", 'transcript[transcriptType="final"]']}),
    ("squad", {"name": "Crew", "members": [{"assistantId": None, "assistant": {"name": "x"}}]}),
    ("phone-number", {"provider": "twilio", "number": "+1", "twilioAccountSid": "x"}),
]


@pytest.mark.parametrize(("kind", "fields"), TAKEN)
def test_what_vapi_takes_is_taken(client: TestClient, kind: str, fields: JSON) -> None:
    assert create(client, kind, **fields)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
FIELDS = (
    "type function parameters messages server model tools toolIds toolRefs members name metadata"
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from([*KINDS, "call"]), data=st.data())
def test_no_body_breaks_it(kind: Kind, data: st.DataObject) -> None:
    names = st.sampled_from([*FIELDS.split(), "customer", "customers", "schedulePlan", "assistant"])
    inner = st.dictionaries(names, JSON_VALUES, max_size=3) | JSON_VALUES
    body = data.draw(st.dictionaries(names, inner | st.lists(inner, max_size=2), max_size=4))
    fake = FakeVapi()
    client = connect(fake)

    created = client.post(f"/{kind}", json={**NEW.get(kind, {}), **body})
    changed = client.patch(f"/{kind}/{fake.add(kind, NEW.get(kind, {}))['id']}", json=body)

    assert created.status_code in (201, 400)
    assert changed.status_code in (200, 400)
    assert client.get(f"/{kind}").status_code == 200


# --- what is stored ---


def test_what_is_read_is_not_what_was_written(client: TestClient) -> None:
    properties = {"day": {"type": "string"}, "people": {"type": "integer"}}
    parameters = {"type": "object", "properties": properties}
    messages = [{"type": "request-start", "content": "…"}, {"type": "request-complete"}]

    tool = create(client, function={**FUNCTION, "parameters": parameters}, messages=messages)

    assert tool["async"] is False
    assert tool["messages"] == [
        {**messages[0], "contents": [], "conditions": [], "blocking": False},
        {**messages[1], "contents": [], "conditions": []},
    ]
    assert tool["function"]["parameters"]["properties"] == {
        "day": {"type": "string", "default": ""},
        "people": {"type": "integer"},
    }


def test_the_tools_inside_an_assistant_change_too(client: TestClient) -> None:
    tool = {**TOOL, "messages": [{"type": "request-failed", "content": "Sorry."}]}

    assistant = create(client, "assistant", model={**MODEL, "tools": [tool, {"type": "endCall"}]})

    assert assistant["model"]["tools"] == [
        {
            **tool,
            "async": False,
            "messages": [
                {"type": "request-failed", "content": "Sorry.", "contents": [], "conditions": []}
            ],
        },
        {"type": "endCall"},
    ]
    assert assistant["model"]["messages"] == MODEL["messages"]


def test_a_message_of_a_misspelled_type_is_one_of_failure(client: TestClient) -> None:
    tool = create(client, messages=[{"type": "request-begin", "content": "One moment."}])

    assert tool["messages"][0]["type"] == "request-failed"


def test_further_defaults_are_added_where_there_is_nothing() -> None:
    defaults = {
        "tool": {"rank": 1, "server": {"timeoutSeconds": 20}, "function": {"strict": False}}
    }
    client = connect(FakeVapi(extra_defaults=defaults))

    tool = create(client, server={"url": SERVER, "timeoutSeconds": 5})
    changed = client.patch(f"/tool/{tool['id']}", json={"server": {"url": SERVER}}).json()

    assert tool["rank"] == 1
    assert tool["server"] == {"url": SERVER, "timeoutSeconds": 5}
    assert tool["function"] == {**FUNCTION, "strict": False}
    assert changed["server"] == {"url": SERVER, "timeoutSeconds": 20}
    assert "rank" not in create(client, "assistant")


@pytest.mark.parametrize("returns", [True, False])
def test_a_secret_is_stored_and_perhaps_not_read_back(returns: bool) -> None:
    fake = FakeVapi(returns_secrets=returns)
    client, server = connect(fake), {"url": SERVER, "secret": "hush"}

    tool = create(client, server=server)
    model = {**MODEL, "tools": [{**TOOL, "server": server}]}
    assistant = create(client, "assistant", server=server, model=model)

    read = json.dumps(
        [tool, assistant, client.get("/tool").json(), client.get("/assistant").json()]
    )
    assert read.count("hush") == (6 if returns else 0)
    assert fake.tools[tool["id"]]["server"] == server
    assert tool["server"]["url"] == SERVER


def test_an_assistant_tells_whether_it_has_a_secret(client: TestClient) -> None:
    assistant = create(client, "assistant", server={"url": SERVER, "secret": "hush"})
    path = f"/assistant/{assistant['id']}"

    changed = client.patch(path, json={"server": {"url": SERVER}}).json()

    assert assistant["isServerUrlSecretSet"] is True
    assert changed["isServerUrlSecretSet"] is False


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("tool", "FunctionTool"),
        ("assistant", "Assistant"),
        ("squad", "Squad"),
        ("phone-number", "VapiPhoneNumber"),
    ],
)
def test_what_is_answered_is_what_vapi_describes(
    client: TestClient, kind: str, schema: str
) -> None:
    openapi.check(schema, create(client, kind))


def test_the_fields_are_those_that_vapi_describes() -> None:
    """The tables of fields and the description of the API name the same."""

    def fields(name: str) -> set[str]:
        return set(openapi.schemas()[name]["properties"])

    described = {
        schema["properties"]["type"]["enum"][0]: set(schema["properties"])
        for name, schema in openapi.schemas().items()
        if name.startswith("Create") and name.endswith("ToolDTO")
    }
    numbers = {
        schema["properties"]["provider"]["enum"][0]: set(schema["properties"])
        for name, schema in openapi.schemas().items()
        if name.startswith("Create") and name.endswith("PhoneNumberDTO")
    }
    assert described == _fields.TOOLS
    assert numbers == _fields.PHONE_NUMBERS
    assert fields("CreateAssistantDTO") == _fields.ASSISTANT
    assert fields("CreateSquadDTO") == _fields.SQUAD
    assert fields("CreateCallDTO") == _fields.CALL
    assert fields("UpdateCallDTO") == _fields.CALL_UPDATE


# --- lists ---


def names(response: Any) -> list[str]:
    return [tool["function"]["name"] for tool in response.json()]


def fill(client: TestClient, count: int) -> list[JSON]:
    return [create(client, function={"name": f"t{i}"}) for i in range(count)]


def test_a_list_begins_with_the_newest(client: TestClient) -> None:
    fill(client, 3)

    assert names(client.get("/tool")) == ["t2", "t1", "t0"]
    assert names(client.get("/tool", params={"limit": 2})) == ["t2", "t1"]
    assert names(client.get("/tool", params={"limit": 0})) == []


def test_a_list_can_begin_with_the_oldest() -> None:
    client = connect(FakeVapi(oldest_first=True))
    fill(client, 3)

    assert names(client.get("/tool", params={"limit": 2})) == ["t0", "t1"]


def test_a_list_ends_after_a_hundred(fake: FakeVapi, client: TestClient) -> None:
    for _ in range(101):
        fake.add("tool", TOOL)

    assert len(client.get("/tool").json()) == 100
    assert len(client.get("/tool", params={"limit": 1000}).json()) == 101
    assert reasons(client.get("/tool", params={"limit": 1001}))
    assert reasons(client.get("/tool", params={"limit": "many"}))


def test_the_pages_can_be_made_smaller() -> None:
    client = connect(FakeVapi(page_size=2))
    tools = fill(client, 5)

    first = client.get("/tool", params={"limit": 1000})
    last = first.json()[-1]["createdAt"]
    second = client.get("/tool", params={"createdAtLt": last, "limit": 1})

    assert names(first) == ["t4", "t3"]
    assert names(second) == ["t2"]
    assert len(tools) == 5


@pytest.mark.parametrize(
    ("comparison", "found"),
    [("Gt", ["t2"]), ("Ge", ["t2", "t1"]), ("Lt", ["t0"]), ("Le", ["t1", "t0"])],
)
def test_a_list_can_be_cut_at_a_time(client: TestClient, comparison: str, found: list[str]) -> None:
    middle = fill(client, 3)[1]
    client.patch(f"/tool/{middle['id']}", json={"async": True})
    moment = middle["createdAt"]
    zoned = moment.replace("Z", "+00:00")

    for text in (moment, zoned):
        assert names(client.get("/tool", params={f"createdAt{comparison}": text})) == found
    updated = names(client.get("/tool", params={f"updatedAt{comparison}": moment}))
    assert (
        updated == {"Gt": ["t2", "t1"], "Ge": ["t2", "t1"], "Lt": ["t0"], "Le": ["t0"]}[comparison]
    )


def test_a_time_has_to_be_one(client: TestClient) -> None:
    told = reasons(client.get("/tool", params={"createdAtGt": "yesterday"}))

    assert told == ["createdAtGt must be a valid ISO 8601 date string"]


def test_squads_can_be_listed_by_their_ids(client: TestClient) -> None:
    first, _, third = [create(client, "squad") for _ in range(3)]

    found = client.get("/squad", params={"idAny": [first["id"], third["id"]]}).json()

    assert found == [third, first]


# --- what refers to what ---


@pytest.mark.parametrize("how", ["toolIds", "toolRefs"])
def test_a_tool_that_an_assistant_holds_is_not_deleted(client: TestClient, how: str) -> None:
    tool = create(client)
    held = {"toolIds": [tool["id"]], "toolRefs": [{"toolId": tool["id"], "version": "v1"}]}
    assistant = create(client, "assistant", model={**MODEL, how: held[how]})

    refused = client.delete(f"/tool/{tool['id']}")
    client.patch(f"/assistant/{assistant['id']}", json={"model": MODEL})
    deleted = client.delete(f"/tool/{tool['id']}")

    assert (refused.status_code, refused.json()["error"]) == (409, "tool_pinned")
    assert deleted.status_code == 200
    assert client.delete(f"/tool/{tool['id']}").status_code == 404


@pytest.mark.parametrize("kind", ["squad", "phone-number"])
def test_an_assistant_that_is_referred_to_is_not_deleted(client: TestClient, kind: str) -> None:
    id = create(client, "assistant")["id"]
    fields = {"squad": {"members": [{"assistantId": id}]}, "phone-number": {"assistantId": id}}
    other = create(client, kind, **fields[kind])

    refused = client.delete(f"/assistant/{id}")
    client.delete(f"/{kind}/{other['id']}")
    deleted = client.delete(f"/assistant/{id}")

    assert (refused.status_code, refused.json()["error"]) == (409, "assistant_pinned")
    assert other["id"] in refused.json()["message"]
    assert deleted.status_code == 200


def test_an_assistant_may_hold_a_tool_that_is_not_there(fake: FakeVapi, client: TestClient) -> None:
    assistant = create(client, "assistant", model={**MODEL, "toolIds": [UNKNOWN]})
    call = dial(fake, client, assistantId=assistant["id"]).json()

    rung = fake.ring(call["id"])

    assert rung["status"] == "ended"
    assert rung["endedReason"] == "call.start.error-get-resources-validation"


# --- calls ---


def test_a_call_is_queued_and_can_be_renamed_and_deleted(
    fake: FakeVapi, client: TestClient
) -> None:
    call = dial(fake, client).json()
    path = f"/call/{call['id']}"

    renamed = client.patch(path, json={"name": "Mine"}).json()

    openapi.check("Call", call)
    assert (call["status"], call["type"]) == ("queued", "outboundPhoneCall")
    assert renamed["name"] == "Mine"
    assert reasons(client.patch(path, json={"status": "ended"}))
    assert client.get("/call").json() == [renamed]
    assert client.delete(path).status_code == 200
    assert client.get(path).status_code == 404


def test_a_call_for_later_is_scheduled(fake: FakeVapi, client: TestClient) -> None:
    plan = {"earliestAt": "2030-01-01T10:00:00Z"}

    assert dial(fake, client, schedulePlan=plan).json()["status"] == "scheduled"


def test_several_customers_are_several_calls(fake: FakeVapi, client: TestClient) -> None:
    customers = [CUSTOMER, {"number": "+15550100124"}]

    batch = dial(fake, client, customer=None, customers=customers).json()

    openapi.check("CallBatchResponse", batch)
    assert [call["customer"] for call in batch["results"]] == customers
    assert len(fake.calls) == 2


NOT_CALLED: list[tuple[JSON, str]] = [
    ({"assistantId": None}, "Couldn't Get Assistant. Need Either"),
    ({"phoneNumberId": None}, "Couldn't Get Phone Number. Need Either"),
    ({"assistantId": UNKNOWN}, "Couldn't Get Assistant. `assistantId`"),
    ({"phoneNumberId": UNKNOWN}, "Couldn't Get Phone Number. `phoneNumberId`"),
    ({"squadId": UNKNOWN}, "Couldn't Get Squad. `squadId`"),
    ({"assistantId": "Luigi"}, "assistantId must be a UUID"),
    ({"phoneNumberId": "+15550100"}, "phoneNumberId must be a UUID"),
    ({"customer": {"number": "5550100123"}}, "customer.number must be a valid phone number"),
    ({"customer": {"number": "+1 555 010"}}, "customer.number must be a valid phone number"),
    ({"customer": {"number": "+0555010012"}}, "customer.number must be a valid phone number"),
    ({"customers": [{"number": "1"}]}, "customers.0.number must be a valid phone number"),
    ({"customers": "all"}, "customers must be an array"),
    ({"customer": "+15550100123"}, "customer must be an object"),
    ({"customer": {"number": "a b", "numberE164CheckEnabled": False}}, "customer.number must m"),
    ({"customer": {**CUSTOMER, "name": "x" * 41}}, "customer.name must be shorter than"),
    ({"name": "x" * 41}, "name must be shorter than"),
    ({"schedulePlan": {"earliestAt": "soon"}}, "schedulePlan.earliestAt must be a valid"),
    ({"schedulePlan": {"earliestAt": "2030-01-01", "latestAt": 1}}, "schedulePlan.latestAt must"),
    ({"assistant": {"name": "x" * 41}}, "assistant.name must be shorter than"),
    ({"assistantOverrides": {"server": {"url": 1}}}, "assistantOverrides.server.url must be"),
    ({"foo": 1}, "property foo should not exist"),
]


@pytest.mark.parametrize(("fields", "reason"), NOT_CALLED, ids=[str(row[0]) for row in NOT_CALLED])
def test_a_call_that_vapi_refuses_is_refused(
    fake: FakeVapi, client: TestClient, fields: JSON, reason: str
) -> None:
    told = reasons(dial(fake, client, **fields))

    assert (told if isinstance(told, str) else "; ".join(told)).startswith(reason)
    assert fake.calls == {}


@pytest.mark.parametrize(
    "fields",
    [
        {"customer": {"number": "100", "numberE164CheckEnabled": False}},
        {"customer": {"sipUri": "sip:luigi@example.com"}},
        {"assistantId": None, "assistant": {"firstMessage": "Hello!"}},
        {"assistantOverrides": {"variableValues": {"name": "Ada"}, "server": {"url": SERVER}}},
        {"phoneNumberId": None, "transport": {"provider": "vapi.websocket"}, "customer": None},
    ],
)
def test_a_call_that_vapi_takes_is_taken(fake: FakeVapi, client: TestClient, fields: JSON) -> None:
    assert dial(fake, client, **fields).status_code == 201


def test_calls_are_listed_by_their_assistant_and_their_number(
    fake: FakeVapi, client: TestClient
) -> None:
    first, second = dial(fake, client).json(), dial(fake, client).json()

    for name in ("assistantId", "phoneNumberId", "id"):
        assert client.get("/call", params={name: first[name]}).json() == [first]
    assert client.get("/call", params={"createdAtGt": first["createdAt"]}).json() == [second]
    assert client.get("/call", params={"limit": 1}).json() == [second]


def test_a_live_call_takes_commands_where_it_says(fake: FakeVapi, client: TestClient) -> None:
    call = dial(fake, client).json()
    url, stranger = call["monitor"]["controlUrl"], TestClient(fake)
    say = {"type": "say", "content": "Hello!"}

    assert stranger.get(url).json()["message"] == f"Cannot GET /control/{call['id']}"
    statuses = [
        stranger.post(url, json=command).status_code for command in (say, {"type": "end-call"}, say)
    ]

    assert url == f"https://fake.example/control/{call['id']}"
    assert statuses == [200, 200, 404]
    assert fake.commands(call["id"]) == [say, {"type": "end-call"}]
    assert fake.calls[call["id"]]["status"] == "ended"
    assert stranger.post(f"/control/{UNKNOWN}", json=say).status_code == 404
    assert fake.commands(UNKNOWN) == []


def test_a_call_can_be_moved_along(fake: FakeVapi, client: TestClient) -> None:
    id = dial(fake, client).json()["id"]

    seen = [fake.ring(id), fake.answer(id), fake.end(id)]

    assert [call["status"] for call in seen] == ["ringing", "in-progress", "ended"]
    assert seen[2]["endedReason"] == "customer-ended-call"
    assert seen[2]["startedAt"] < seen[2]["endedAt"]
    openapi.check("Call", client.get(f"/call/{id}").json())


def test_a_call_can_be_there_before(fake: FakeVapi, client: TestClient) -> None:
    call = fake.add("call", {"status": "in-progress"})

    read = client.get(f"/call/{call['id']}").json()

    assert read["status"] == "in-progress"
    assert read["monitor"]["controlUrl"] == f"https://fake.example/control/{call['id']}"


# --- what the test does itself ---


def test_what_is_handed_out_is_a_copy(fake: FakeVapi) -> None:
    body: JSON = {"type": "function", "function": dict(FUNCTION)}
    added = fake.add("tool", body)
    id = added["id"]

    for copy in (added, fake.tools[id], fake.edit("tool", id, strict=[]), body):
        copy["function"]["name"] = "other"
    fake.tools.clear()

    assert fake.tools[id]["function"]["name"] == "find_tables"


def test_the_extra_defaults_are_a_copy() -> None:
    defaults: dict[str, Any] = {"tool": {"function": {"tags": ["a"]}}}
    fake = FakeVapi(extra_defaults=defaults)
    fake.add("tool", {"type": "function"})["function"]["tags"].append("b")
    defaults["tool"]["function"]["tags"].append("c")

    assert fake.add("tool", TOOL)["function"]["tags"] == ["a"]


def test_the_dashboard_can_add_edit_and_remove(fake: FakeVapi, client: TestClient) -> None:
    assistant = fake.add("assistant", {"name": "Luigi", "firstMessage": "Hi!"})
    path = f"/assistant/{assistant['id']}"

    edited = fake.edit("assistant", assistant["id"], firstMessage="Hello!", name=None)

    assert client.get(path).json() == edited
    assert edited["firstMessage"] == "Hello!"
    assert "name" not in edited
    assert edited["updatedAt"] > assistant["updatedAt"]
    fake.remove("assistant", assistant["id"])
    assert client.get(path).status_code == 404
    assert fake.writes == []


def test_a_mistake_of_the_test_is_told_in_words(fake: FakeVapi) -> None:
    tool = fake.add("tool", TOOL)
    fake.add("assistant", {"model": {"toolIds": [tool["id"]]}})

    with pytest.raises(Exception, match="404: Couldn't Get Squad"):
        fake.edit("squad", tool["id"], name="x")
    with pytest.raises(Exception, match="409: Couldn't Delete Tool"):
        fake.remove("tool", tool["id"])


def test_an_id_can_be_chosen(fake: FakeVapi) -> None:
    id = UNKNOWN

    fake.add("squad", {"id": id, "members": []})

    assert list(fake.squads) == [id]


def test_every_request_is_recorded(fake: FakeVapi, client: TestClient) -> None:
    tool = create(client)
    client.get("/tool", params={"limit": 1}, headers={"X-Mine": "yes"})
    TestClient(fake).delete("/tool/x")

    post, listing, stranger = fake.requests
    assert (post.method, post.path, post.status, post.body) == ("POST", "/tool", 201, TOOL)
    assert (listing.query, listing.body, listing.headers["x-mine"]) == ({"limit": "1"}, None, "yes")
    assert (stranger.method, stranger.status) == ("DELETE", 401)
    assert fake.writes == [post, stranger]
    assert list(fake.tools) == [tool["id"]]


def test_no_record_holds_the_key_and_no_repr_what_came(fake: FakeVapi, client: TestClient) -> None:
    create(client, server={"url": SERVER, "secret": "hush"})
    client.get("/tool", params={"x": "hush"})

    assert all("authorization" not in request.headers for request in fake.requests)
    assert "test-key" not in str([vars(request) for request in fake.requests])
    for text in (repr(fake), repr(fake.requests)):
        assert "hush" not in text
        assert "test-key" not in text
    assert repr(fake) == "<FakeVapi: 2 requests>"


def test_it_can_be_mounted(fake: FakeVapi) -> None:
    app = Starlette(routes=[Mount("/vapi", fake)])
    client = TestClient(app, headers=KEY, base_url="https://fake.example")
    call = fake.add("call", {})

    assert client.get("/vapi/tool").json() == []
    monitor = client.get(f"/vapi/call/{call['id']}").json()["monitor"]
    assert monitor["controlUrl"] == f"https://fake.example/vapi/control/{call['id']}"
    assert monitor["listenUrl"] == f"wss://fake.example/vapi/listen/{call['id']}"


def test_it_starts_and_stops_as_an_app_does(fake: FakeVapi) -> None:
    with TestClient(fake, headers=KEY) as client:
        assert client.get("/tool").status_code == 200


def test_nothing_of_it_runs_on_afterwards(fake: FakeVapi) -> None:
    before = threading.active_count()

    with fake.serve() as base_url:
        assert httpx.get(f"{base_url}/tool", headers=KEY).status_code == 200

    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base_url}/tool", headers=KEY)


def test_several_clients_may_write_at_once(fake: FakeVapi, on_a_port: httpx.Client) -> None:
    def work() -> None:
        for _ in range(10):
            on_a_port.post("/tool", json=TOOL)
            fake.add("tool", TOOL)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    times = [tool["createdAt"] for tool in fake.tools.values()]
    assert len(times) == 80
    assert times == sorted(set(times))


# --- trouble on demand ---


def test_a_request_fails_on_demand(fake: FakeVapi, client: TestClient) -> None:
    fake.fail("POST", "/tool", status=503, times=2, headers={"x-why": "busy"})

    answers = [client.post("/tool", json=TOOL) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 201]
    assert answers[0].headers["x-why"] == "busy"
    assert answers[0].json()["statusCode"] == 503
    assert len(fake.tools) == 1
    assert [request.status for request in fake.requests] == [503, 503, 201]


def test_a_request_fails_though_it_is_done(fake: FakeVapi, client: TestClient) -> None:
    fake.fail("POST", status=502, done=True)

    assert client.post("/tool", json=TOOL).status_code == 502
    assert len(fake.tools) == 1


@pytest.mark.parametrize(
    ("method", "path", "meets"),
    [
        ("*", "/", ["GET /tool", "POST /tool", "GET /tool/{id}", "GET /assistant"]),
        ("GET", "/tool", ["GET /tool", "GET /tool/{id}"]),
        ("get|post", "/tool", ["GET /tool", "POST /tool", "GET /tool/{id}"]),
        ("*", "/tool/{id}", ["GET /tool/{id}"]),
        ("*", "/t", []),
        ("PATCH", "/", []),
    ],
)
def test_trouble_meets_the_requests_it_is_for(
    fake: FakeVapi, client: TestClient, method: str, path: str, meets: list[str]
) -> None:
    id = fake.add("tool", TOOL)["id"]
    fake.fail(method, path, status=599, times=99)
    asked = ["GET /tool", "POST /tool", "GET /tool/{id}", "GET /assistant"]

    met = [
        each
        for each in asked
        if client.request(*each.format(id=id).split(), json=TOOL).status_code == 599
    ]

    assert met == meets


def test_trouble_may_come_later_and_one_after_another(fake: FakeVapi, client: TestClient) -> None:
    fake.fail("GET", "/tool", status=500, after=1)
    fake.fail("GET", "/tool", status=501)
    fake.fail("GET", "/assistant", status=502)

    statuses = [client.get("/tool").status_code for _ in range(3)]

    assert statuses == [501, 500, 200]
    assert client.get("/assistant").status_code == 502


def test_a_failure_has_the_body_that_is_wanted(fake: FakeVapi, client: TestClient) -> None:
    fake.fail(status=400, body={"message": "No."})
    fake.fail(status=502, body=b"<h1>Bad Gateway</h1>")

    assert client.get("/tool").json() == {"message": "No."}
    page = client.get("/tool")
    assert page.text == "<h1>Bad Gateway</h1>"
    assert page.headers["content-type"].startswith("text/html")


def test_the_limit_of_requests_tells_when_to_come_back(fake: FakeVapi, client: TestClient) -> None:
    fake.rate_limit(times=1, retry_after=2)

    limited = client.get("/tool")

    assert (limited.status_code, limited.headers["retry-after"]) == (429, "2")
    assert limited.json()["error"] == "Too Many Requests"
    assert client.get("/tool").status_code == 200


@pytest.mark.parametrize("done", [True, False])
def test_an_answer_gets_lost(
    fake: FakeVapi, on_a_port: httpx.Client, caplog: pytest.LogCaptureFixture, done: bool
) -> None:
    fake.drop("POST", "/tool", done=done)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        on_a_port.post("/tool", json=TOOL)

    assert len(fake.tools) == (1 if done else 0)
    assert fake.requests[0].status is None
    assert on_a_port.post("/tool", json=TOOL).status_code == 201
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_an_answer_gets_lost_without_a_port_too(fake: FakeVapi, client: TestClient) -> None:
    fake.drop()

    with pytest.raises(ConnectionError):
        client.post("/tool", json=TOOL)

    assert len(fake.tools) == 1


@pytest.mark.parametrize("done", [True, False])
def test_a_client_gives_up_waiting(fake: FakeVapi, on_a_port: httpx.Client, done: bool) -> None:
    fake.hang("POST", "/tool", done=done)

    with pytest.raises(httpx.ReadTimeout):
        on_a_port.post("/tool", json=TOOL, timeout=0.2)

    assert fake.requests[0].status is None
    assert on_a_port.get("/tool").status_code == 200
    assert len(fake.tools) == (1 if done else 0)


@pytest.mark.parametrize("done", [True, False])
def test_a_client_that_waits_gets_its_answer(
    fake: FakeVapi, on_a_port: httpx.Client, done: bool
) -> None:
    fake.hang("POST", "/tool", seconds=0.01, done=done)

    assert on_a_port.post("/tool", json=TOOL).status_code == 201
    assert len(fake.tools) == 1


def test_something_can_happen_between_two_requests(fake: FakeVapi, client: TestClient) -> None:
    assistant = create(client, "assistant", firstMessage="Hi!")

    def edit(request: RecordedRequest) -> None:
        if request.method == "PATCH":
            fake.edit("assistant", assistant["id"], firstMessage="Hello!")

    fake.on_request(edit)
    changed = client.patch(f"/assistant/{assistant['id']}", json={"name": "Mario"}).json()

    assert (changed["name"], changed["firstMessage"]) == ("Mario", "Hello!")


def test_a_callback_can_drop_a_request(fake: FakeVapi, on_a_port: httpx.Client) -> None:
    def drop(request: RecordedRequest) -> None:
        if request.method == "POST":
            raise ConnectionResetError

    fake.on_request(drop)
    with pytest.raises(httpx.RemoteProtocolError):
        on_a_port.post("/tool", json=TOOL)

    assert fake.tools == {}
    assert on_a_port.get("/tool").json() == []


# --- the official SDK ---


def test_the_clients_of_the_sdk_work_against_it(fake: FakeVapi) -> None:
    with fake.serve() as base_url:
        script = [sys.executable, "-m", "tests.sdk_calls", base_url]
        ran = subprocess.run(script, capture_output=True, text=True, timeout=600)

    assert ran.returncode == 0, ran.stderr
    expected = {
        "tool": "find_tables",
        "is_async": True,
        "name": "Mario",
        "provider": "openai",
        "control": True,
        "calls": True,
        "status": "queued",
        "in_use": 409,
        "gone": 404,
        "tools": 0,
        "assistants": 0,
        "wrong_key": 401,
    }
    assert json.loads(ran.stdout) == {"sync": expected, "async": expected}
