"""On AWS Lambda, through Mangum: events in the shape of AWS's own documentation."""

from __future__ import annotations

import asyncio
import copy
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mangum import Mangum

from vapitools import CallContext, Events, SharedSecret, Toolset, router, tool
from vapitools.server_messages import ServerMessage

Handler = Any

EVENTS = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parent / "lambda").glob("*.json"))
}
assert EVENTS


class Context:
    """What Lambda hands over beside the event."""

    function_name = "luigi"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:luigi"
    memory_limit_in_mb = 256
    aws_request_id = "01234567-89ab-4cde-8f01-23456789abcd"
    log_group_name = log_stream_name = "luigi"
    identity = client_context = None

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


CONTEXT: Any = Context()


class Bot:
    """Tools that count, and an app that opens and closes something."""

    def __init__(self) -> None:
        self.greeted: list[str] = []
        self.open = 0
        self.let_go = threading.Event()

    @tool
    async def greet(self, name: str, call: CallContext) -> str:
        self.greeted.append(name)
        return f"{call.state['greeting']}, {name}!"

    @tool
    def greet_in_thread(self, name: str) -> str:
        self.greeted.append(name)
        return f"Hello from a thread, {name}!"

    @tool(timeout=0.1)
    def wait(self) -> str:
        self.let_go.wait(15)
        return "too late"

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[dict[str, Any]]:
        self.open += 1
        yield {"greeting": "Hello"}
        self.open -= 1

    def handler(self, **options: Any) -> Handler:
        tools = Toolset([self.greet, self.greet_in_thread, self.wait])
        auth = SharedSecret("s3cret-of-ours")
        return Mangum(router(tools, auth=auth, lifespan=self.lifespan), **options)


def use_new_loop() -> asyncio.AbstractEventLoop:
    """As Mangum finds it when Lambda has started the process."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


@pytest.fixture(autouse=True)
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop of the process, as far as a test does not take another."""
    loop = use_new_loop()
    yield loop
    loop.close()
    asyncio.set_event_loop(None)


def changed(event: dict[str, Any], **call: Any) -> dict[str, Any]:
    """The event with other fields in its tool call."""
    body = json.loads(event["body"])
    entry = body["message"]["toolCallList"][0]
    entry["id"] = call.pop("id", entry["id"])
    entry["function"] |= call
    return {**event, "body": json.dumps(body)}


def result(answer: dict[str, Any]) -> dict[str, Any]:
    """The only entry of an answer, which Lambda could send as it is."""
    json.dumps(answer)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert answer["headers"]["content-type"] == "application/json"
    (entry,) = json.loads(answer["body"])["results"]
    return dict(entry)


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_tool_call_is_answered(event: dict[str, Any]) -> None:
    bot = Bot()

    answer = bot.handler()(event, CONTEXT)

    assert result(answer) == {"name": "greet", "toolCallId": "call_1", "result": "Hello, Zoë!"}
    assert bot.greeted == ["Zoë"]


@pytest.mark.parametrize("secret", [None, "", "guess", ["s3cret-of-ours"] * 2], ids=repr)
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_stranger_is_refused(event: dict[str, Any], secret: Any) -> None:
    bot = Bot()
    event = copy.deepcopy(event)
    doubled = isinstance(secret, list)
    for name in ("headers", "multiValueHeaders"):
        headers = event.get(name, {})
        headers.pop("x-vapi-secret", None)
        if name == "multiValueHeaders" and event.get(name) and secret is not None:
            headers["x-vapi-secret"] = secret if doubled else [secret]
        elif name == "headers" and secret is not None:
            headers["x-vapi-secret"] = ",".join(secret) if doubled else secret

    answer = bot.handler()(event, CONTEXT)

    assert (answer["statusCode"], answer["body"]) == (401, "")
    assert bot.greeted == []


@pytest.mark.parametrize("lifespan", ["auto", "on"])
def test_each_event_opens_and_closes_what_the_tools_need(lifespan: str) -> None:
    bot = Bot()
    handler = bot.handler(lifespan=lifespan)

    for id_ in ("call_1", "call_2"):
        answer = handler(changed(EVENTS["http-api-v2"], id=id_), CONTEXT)
        assert result(answer)["result"] == "Hello, Zoë!"

    assert bot.open == 0


def test_handlers_of_events_have_ended_when_lambda_gets_the_answer() -> None:
    events, told = Events(), list[str]()

    @events.on_any
    async def note(message: ServerMessage) -> None:
        await asyncio.sleep(0.01)
        told.append(str(message.type))

    @events.on_any
    def note_in_thread(message: ServerMessage) -> None:
        told.append("in a thread")

    handler = Mangum(router(events=events, auth=None))
    body = json.dumps({"message": {"type": "status-update"}})

    for _ in range(2):
        answer = handler({**EVENTS["function-url"], "body": body}, CONTEXT)
        assert (answer["statusCode"], answer["body"]) == (200, "{}")

    assert sorted(told) == ["in a thread", "in a thread", "status-update", "status-update"]


def test_a_stage_in_the_path_is_stripped() -> None:
    event = copy.deepcopy(EVENTS["http-api-v2"])
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/prod/webhook"
    handler = Bot().handler(api_gateway_base_path="/prod")

    assert result(handler(event, CONTEXT))["result"] == "Hello, Zoë!"


# --- the next event in the same process ---------------------------------------------------


@pytest.mark.parametrize("another", [False, True], ids=["same loop", "another loop"])
@pytest.mark.parametrize("name", ["greet", "greet_in_thread"])
def test_a_call_that_is_delivered_again_does_not_run_again(name: str, another: bool) -> None:
    bot = Bot()
    handler = bot.handler()
    event = changed(EVENTS["rest-api-v1"], name=name)

    first = handler(event, CONTEXT)
    loop = use_new_loop() if another else asyncio.get_event_loop()
    again = handler(event, CONTEXT)
    other = handler(changed(event, id="call_2"), CONTEXT)
    loop.close()

    assert result(again) == result(first)
    assert result(other)["result"] == result(first)["result"]
    assert bot.greeted == ["Zoë", "Zoë"]


def test_a_tool_that_goes_on_when_its_event_is_over_harms_no_other(
    loop: asyncio.AbstractEventLoop,
) -> None:
    bot = Bot()
    handler = bot.handler()
    event = changed(EVENTS["function-url"], name="wait", arguments={})

    late = handler(event, CONTEXT)
    loop.close()
    with_another = use_new_loop()
    bot.let_go.set()
    for name in ("greet", "greet_in_thread"):
        call = changed(EVENTS["function-url"], id=name, name=name)
        assert "Zoë" in result(handler(call, CONTEXT))["result"]
    again = handler(event, CONTEXT)
    with_another.close()

    assert result(late)["error"].startswith("The tool took too long.")
    assert result(again) == result(late)
