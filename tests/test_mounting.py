"""The router in apps of one's own, and below a prefix behind a proxy."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from vapitools import CallContext, SharedSecret, router, tool
from vapitools.auth import Delivery

from . import wire
from .servers import until

SECRET = "s3cret-of-ours"
SIGNED = {"x-vapi-secret": SECRET}


@tool
async def tables(call: CallContext) -> str:
    """Say how many tables there are."""
    return f"{call.state['tables']} tables"


CALL = wire.tool_calls(wire.entry("tables"))
ANSWER = {"name": "tables", "toolCallId": "call_1", "result": "7 tables"}


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[dict[str, Any]]:
    yield {"tables": 7}


def ours(**options: Any) -> ASGIApp:
    return router([tables], **{"auth": SharedSecret(SECRET), **options})


def in_starlette() -> ASGIApp:
    return Starlette(routes=[Mount("/vapi", ours())], lifespan=lifespan)


def in_fastapi() -> ASGIApp:
    app = FastAPI(lifespan=lifespan)
    app.mount("/vapi", ours())
    return app


def in_two_mounts() -> ASGIApp:
    inner = Starlette(routes=[Mount("/vapi", ours())])
    return Starlette(routes=[Mount("/bots/{bot}", inner)], lifespan=lifespan)


@contextmanager
def served(app: ASGIApp, **options: Any) -> Iterator[str]:
    """The address of a real server."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", **options))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=server.run, args=([sock],))
        thread.start()
        try:
            until(lambda: server.started)
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def check(url: str) -> None:
    """See that everything is there below this address, for those who may."""
    with httpx.Client(trust_env=False) as client:
        webhook = client.post(f"{url}/webhook", json=CALL, headers=SIGNED)
        own_url = client.post(f"{url}/tools/tables", json={}, headers=SIGNED)
        stranger = client.post(f"{url}/webhook", json=CALL)
        health = client.get(f"{url}/health")

    assert webhook.json() == {"results": [ANSWER]}
    assert own_url.json() == {"result": "7 tables"}
    assert (stranger.status_code, stranger.content) == (401, b"")
    assert health.json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("make", "prefix"),
    [
        (in_starlette, "/vapi"),
        (in_fastapi, "/vapi"),
        (in_two_mounts, "/bots/luigi/vapi"),
    ],
    ids=["Starlette", "FastAPI", "two mounts"],
)
def test_mounted_it_answers_with_the_state_of_the_outer_app(
    make: Callable[[], ASGIApp], prefix: str
) -> None:
    with served(make()) as url:
        check(f"{url}{prefix}")


def test_only_what_is_below_the_prefix_is_answered() -> None:
    with served(in_starlette()) as url, httpx.Client(base_url=url, trust_env=False) as client:
        for path in ("/webhook", "/tools/tables", "/health", "/vapi/vapi/webhook"):
            assert client.post(path, json=CALL, headers=SIGNED).status_code == 404


# --- behind a proxy -----------------------------------------------------------------------


def stripping(prefix: str, target: str) -> ASGIApp:
    """A proxy that passes on what is below a prefix, without it, as nginx and Caddy can."""

    async def forward(request: Request) -> Response:
        async with httpx.AsyncClient(trust_env=False) as client:
            passed = await client.request(
                request.method,
                target + request.url.path.removeprefix(prefix),
                headers=[(k, v) for k, v in request.headers.items() if k != "host"],
                content=await request.body(),
            )
        return Response(passed.content, passed.status_code, dict(passed.headers))

    return Starlette(routes=[Route(f"{prefix}/{{path:path}}", forward, methods=["GET", "POST"])])


@pytest.mark.parametrize(
    ("app", "below", "options"),
    [
        (lambda: ours(lifespan=lifespan), "", {}),
        (lambda: ours(lifespan=lifespan), "", {"root_path": "/luigi"}),
        (in_starlette, "/vapi", {"root_path": "/luigi"}),
        (in_fastapi, "/vapi", {"root_path": "/luigi"}),
    ],
    ids=["the router", "the router, told", "Starlette, told", "FastAPI, told"],
)
def test_a_proxy_can_strip_the_prefix(
    app: Callable[[], ASGIApp], below: str, options: dict[str, Any]
) -> None:
    with served(app(), **options) as inside, served(stripping("/luigi", inside)) as outside:
        check(f"{outside}/luigi{below}")


def test_a_proxy_can_leave_the_prefix() -> None:
    with served(Starlette(routes=[Mount("/luigi", in_starlette())], lifespan=lifespan)) as url:
        check(f"{url}/luigi/vapi")


class Noting:
    """Lets everybody in, and notes where to."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def verify(self, delivery: Delivery) -> None:
        self.paths.append(delivery.path)


def test_a_server_that_knows_its_prefix_tells_a_verifier_the_path_that_vapi_has_called() -> None:
    auth = Noting()
    app = ours(auth=auth, lifespan=lifespan)

    with served(app, root_path="/luigi") as inside, served(stripping("/luigi", inside)) as outside:
        httpx.post(f"{outside}/luigi/webhook", json=CALL, trust_env=False)

    assert auth.paths == ["/luigi/webhook"]
