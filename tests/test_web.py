"""The HTTP side: who is let in, how a body is read, and what the status is."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message

from vapitools import (
    Assistant,
    AssistantRequest,
    CallContext,
    Events,
    Settings,
    SharedSecret,
    router,
    tool,
)
from vapitools.auth import Delivery
from vapitools.errors import AuthenticationError, DefinitionError

from . import wire
from .wire import JSON_TYPE, Reply, entry, tool_calls

SECRET = "s3cret-of-ours"
SIGNED = (*JSON_TYPE, (b"x-vapi-secret", SECRET.encode()))


@tool
async def greet(name: str = "you") -> str:
    """Say hello."""
    return f"Hello, {name}!"


CALL = json.dumps(tool_calls(entry("greet", {"name": "Ann"}))).encode()
GREETING = {"name": "greet", "toolCallId": "call_1", "result": "Hello, Ann!"}


def app(**options: Any) -> ASGIApp:
    return router([greet], **{"auth": None, **options})


def exchange(events: list[Message], **options: Any) -> Reply:
    """One request, which may not wait for more than there is."""

    async def in_time() -> Reply:
        limited = app(settings=Settings(max_body_bytes=1000))
        return await asyncio.wait_for(wire.exchange(limited, events, **options), 5)

    return asyncio.run(in_time())


def chunk(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


GONE: Message = {"type": "http.disconnect"}


def test_a_message_is_answered_as_json() -> None:
    reply = wire.post(app(), CALL)

    assert reply.result == GREETING
    assert reply.headers == {
        "content-type": "application/json",
        "content-length": str(len(reply.body)),
    }


def test_a_message_that_wants_no_answer_is_acknowledged() -> None:
    reply = wire.post(app(), wire.RECORDED["status-update"])

    assert (reply.status, reply.body) == (200, b"{}")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'"x"', b"7", b'{"a": 1}'], ids=repr)
def test_a_body_that_is_no_message_is_acknowledged_and_noted(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reply = wire.post(app(), body)

    assert (reply.status, reply.body) == (200, b"{}")
    assert caplog.messages == ["a body came that is no message of Vapi's; it was answered {}"]


@pytest.mark.parametrize("body", [b"", b"{", b"name=Ann", b"\x00\xff"], ids=repr)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    reply = wire.post(app(), body)

    assert (reply.status, reply.json()) == (400, {"error": "the body is not JSON"})


# --- one tool's own url -------------------------------------------------------------------


def test_a_tools_own_url_takes_messages() -> None:
    assert wire.post(app(), CALL, "/tools/greet").result == GREETING


def test_a_tools_own_url_takes_a_call_that_names_no_tool() -> None:
    body = tool_calls({"id": "call_1", "arguments": {"name": "Ann"}})

    assert wire.post(app(), body, "/tools/greet").result == GREETING


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"name": "Bo"}', {"result": "Hello, Bo!"}),
        (b"", {"result": "Hello, you!"}),
        (b'{"name": []}', {"error": "name: wanted text, got a list"}),
        (b"[1]", {"error": "arguments: wanted a JSON object, got something else"}),
    ],
    ids=repr,
)
def test_a_tools_own_url_takes_bare_arguments(body: bytes, answer: dict[str, str]) -> None:
    reply = wire.post(app(), body, "/tools/greet")

    assert (reply.status, reply.json()) == (200, answer)


def test_the_url_of_an_unknown_tool_names_those_there_are() -> None:
    reply = wire.post(app(), {}, "/tools/nope")

    assert reply.status == 200
    assert reply.json() == {"error": "There is no such tool. The tools are: greet."}


# --- how a body comes ---------------------------------------------------------------------


def test_a_body_in_pieces_is_read_whole() -> None:
    pieces = [chunk(bytes([byte])) for byte in CALL]

    assert exchange([*pieces, chunk(b"", more=False)]).result == GREETING


def test_a_slow_body_holds_up_no_other_request() -> None:
    served = app()

    async def scenario() -> None:
        slow = asyncio.create_task(wire.exchange(served, [chunk(CALL[:9])]))
        quick = await wire.send(served, CALL)
        assert quick.result == GREETING
        assert not slow.done()
        slow.cancel()

    asyncio.run(scenario())


@pytest.mark.parametrize("before", [[], [chunk(CALL[:20])], [chunk(CALL)]], ids=len)
def test_a_sender_that_goes_away_before_the_end_is_not_answered(before: list[Message]) -> None:
    reply = exchange([*before, GONE])

    assert reply.status == 0


TOO_LARGE: dict[str, tuple[list[Message], bytes]] = {
    "declared, and not read": ([], b"1001"),
    "declared in thousands of digits": ([], b"9" * 5000),
    "not declared": ([chunk(b" " * 600), chunk(b" " * 600)], b""),
    "declared too small": ([chunk(b" " * 1001, more=False)], b"5"),
    "declared oddly": ([chunk(b" " * 1001, more=False)], b"-5 bytes"),
}


@pytest.mark.parametrize(("events", "declared"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_body_over_the_limit_is_refused(events: list[Message], declared: bytes) -> None:
    reply = exchange(events, headers=[(b"content-length", declared)])

    assert reply.status == 413
    assert reply.json() == {"error": "the body is larger than 1000 bytes"}


@pytest.mark.parametrize("declared", [b"5", b"999", b"", b"x", b"\xb2"], ids=repr)
def test_a_length_that_lies_below_the_limit_changes_nothing(declared: bytes) -> None:
    headers = [*JSON_TYPE, (b"content-length", declared)]

    assert exchange(wire.whole(CALL), headers=headers).result == GREETING


TYPES = [
    (b"application/json", 200),
    (b"Application/JSON; charset=utf-8", 200),
    (b"application/vnd.vapi+json", 200),
    (b"", 200),
    (b"text/plain", 415),
    (b"application/x-www-form-urlencoded", 415),
    (b"multipart/form-data; boundary=x/json", 415),
    (b"\xff\xfe", 415),
]


@pytest.mark.parametrize(("type_", "status"), TYPES, ids=[repr(type_) for type_, _ in TYPES])
def test_a_body_has_to_say_that_it_is_json(type_: bytes, status: int) -> None:
    reply = wire.post(app(), CALL, headers=[(b"content-type", type_)])

    assert reply.status == status


def test_a_body_without_a_type_is_taken() -> None:
    assert wire.post(app(), CALL, headers=[]).result == GREETING


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/webhook", 405),
        ("HEAD", "/webhook", 405),
        ("PUT", "/webhook", 405),
        ("OPTIONS", "/webhook", 405),
        ("X\n", "/webhook", 405),
        ("GET", "/tools/greet", 405),
        ("POST", "/health", 405),
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("GET", "/tools", 404),
        ("POST", "/", 404),
        ("POST", "/webhook/x", 404),
        ("POST", "/tools/a/b", 404),
    ],
)
def test_each_url_has_its_methods(method: str, path: str, status: int) -> None:
    reply = asyncio.run(wire.send(app(), b"", path, method=method))

    assert reply.status == status


def test_the_definitions_are_shown_only_when_asked_for() -> None:
    shown = asyncio.run(wire.send(app(show_tools=True), b"", "/tools", method="GET"))

    assert [item["function"]["name"] for item in shown.json()] == ["greet"]


def test_what_is_no_tool_is_an_error_when_the_router_is_made() -> None:
    with pytest.raises(DefinitionError, match="put @tool on it"):
        router([print], auth=None)  # type: ignore[list-item]


# --- who is let in ------------------------------------------------------------------------


STRANGERS = [
    [],
    [(b"x-vapi-secret", b"")],
    [(b"x-vapi-secret", b"WRONG-ONE")],
    [(b"x-vapi-secret", SECRET.encode())] * 2,
    [(b"authorization", b"Basic " + SECRET.encode())],
]


@pytest.mark.parametrize("headers", STRANGERS, ids=["none", "empty", "wrong", "doubled", "scheme"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/webhook"), ("POST", "/tools/greet"), ("GET", "/tools")]
)
def test_a_stranger_gets_an_empty_401_before_the_body_is_read(
    headers: list[tuple[bytes, bytes]],
    method: str,
    path: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    served = app(auth=SharedSecret(SECRET), show_tools=True)
    sent = [*headers, (b"content-length", b"99999999999")]

    # There is no body: who asks for one waits for ever.
    refused = wire.exchange(served, [], path, method=method, headers=sent)
    reply = asyncio.run(asyncio.wait_for(refused, 5))

    assert (reply.status, reply.body) == (401, b"")
    assert reply.headers == {"content-length": "0", "connection": "close"}
    assert len(caplog.messages) == 1
    assert SECRET not in caplog.text
    assert "WRONG-ONE" not in caplog.text


def test_who_knows_the_secret_is_let_in() -> None:
    served = app(auth=SharedSecret("old", SECRET))

    assert wire.post(served, CALL, headers=SIGNED).result == GREETING


def test_the_health_of_the_server_is_no_secret() -> None:
    served = app(auth=SharedSecret(SECRET))

    reply = asyncio.run(wire.send(served, b"", "/health", method="GET", headers=[]))

    assert reply.json() == {"status": "ok"}


class BodyVerifier:
    """Knows the sender by the body, as a signature does."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []

    async def verify(self, delivery: Delivery) -> None:
        body = await delivery.body()
        self.seen.append((delivery.method, delivery.path, body))
        if b"trust me" not in body:
            raise AuthenticationError("the body is not trusted")


@pytest.mark.parametrize(("body", "status"), [(b'{"a": "trust me"}', 200), (CALL, 401)])
def test_a_verifier_can_read_the_raw_body(body: bytes, status: int) -> None:
    verifier = BodyVerifier()

    reply = wire.post(app(auth=verifier), body)

    assert reply.status == status
    assert verifier.seen == [("POST", "/webhook", body)]


@pytest.mark.parametrize("value", [False, bool(())], ids=["False", "of a check"])
def test_a_verifier_that_returns_false_lets_nobody_in(value: bool) -> None:
    class Returning:
        async def verify(self, delivery: Delivery) -> Any:
            return value

    assert wire.post(app(auth=Returning()), CALL).status == 401


def test_a_stranger_learns_no_limit_from_a_body_that_is_too_large(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reply = wire.post(app(auth=BodyVerifier(), settings=Settings(max_body_bytes=5)), CALL)

    assert (reply.status, reply.body) == (413, b"")
    assert "larger than 5 bytes" in caplog.text


WRONG: dict[str, dict[str, Any]] = {
    "auth takes a verifier, such as SharedSecret('…'), and not a str": {"auth": "s3cret"},
    "auth takes a verifier, such as SharedSecret('…'), and not a class": {"auth": SharedSecret},
    "events takes an Events(), and not a list": {"events": [Events()]},
    "events takes an Events(), and not a class": {"events": Events},
}


@pytest.mark.parametrize(("problem", "wrong"), WRONG.items(), ids=WRONG)
def test_what_is_handed_in_wrongly_is_an_error_at_once(problem: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError) as caught:
        app(**wrong)

    assert str(caught.value) == f"router: {problem}"


def test_a_wrong_address_is_noted_for_it_looks_like_no_call_at_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    served = app()

    assert wire.post(served, CALL, "/").status == 404
    assert wire.post(served, CALL, "/webhooks").status == 404
    assert wire.post(served, CALL, "/forged\nline").status == 404
    assert [line.split(";")[0] for line in caplog.messages] == [
        "nothing is at POST /",
        "nothing is at POST /webhooks",
        "nothing is at POST (not printable)",
    ]


@pytest.mark.parametrize(
    "forged",
    [(b"host", b"a.example/x?#"), (b"x-forwarded-proto", b"javascript"), (b"host", b"a b")],
    ids=["a path in the host", "another scheme", "a blank"],
)
def test_no_inline_assistant_is_sent_to_an_address_that_is_none(
    forged: tuple[bytes, bytes],
) -> None:
    events = Events()

    @events.on("assistant-request", fallback="Please call again.")
    def who(_: AssistantRequest) -> Assistant:
        return Assistant(name="Luigi", model="openai/gpt-4o", system_prompt="Hi.")

    message = {"message": {"type": "assistant-request"}}
    reply = wire.post(app(events=events), message, headers=[*JSON_TYPE, forged])

    assert reply.json() == {"error": "Please call again."}


def test_a_slash_at_the_end_is_no_other_address() -> None:
    assert wire.post(app(), CALL, "/webhook/").result == GREETING


def test_a_refusal_of_who_was_let_in_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert wire.post(app(), b"{bad").status == 400

    assert "refused a request with 400: the body is not JSON" in caplog.text


# --- in an app of one's own ---------------------------------------------------------------


def test_mounted_it_answers_below_its_prefix() -> None:
    outer = Starlette(routes=[Mount("/vapi", app())])

    assert wire.post(outer, CALL, "/vapi/webhook").result == GREETING
    assert wire.post(outer, CALL, "/vapi/tools/greet").result == GREETING
    assert wire.post(outer, CALL, "/webhook").status == 404


def test_what_the_lifespan_yields_is_the_state_of_a_call() -> None:
    @tool
    def table_count(call: CallContext) -> int:
        return int(call.state["tables"])

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await router([table_count], auth=None)({**scope, "state": {"tables": 7}}, receive, send)

    assert wire.post(with_state, tool_calls(entry("table_count"))).result["result"] == "7"


def test_every_request_logs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="vapitools"):
        wire.post(app(), CALL)

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("greet ")
