"""`VapiClient` against the API in memory, on a real port."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.test_docs import rows
from vapitools import Assistant, _connection
from vapitools._failures import _HINTS
from vapitools.client import VapiClient
from vapitools.errors import ApiError, SettingsError
from vapitools.testing import FakeVapi

KEY = "test-key"


@pytest.fixture
def vapi() -> FakeVapi:
    return FakeVapi()


@pytest.fixture
def url(vapi: FakeVapi) -> Iterator[str]:
    with vapi.serve() as url:
        yield url


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAPI_API_KEY", "VAPI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


# --- the key and the address --------------------------------------------------------------


def test_key_and_address_come_from_the_environment(
    vapi: FakeVapi, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAPI_API_KEY", KEY)
    monkeypatch.setenv("VAPI_BASE_URL", f"{url}/")

    async def main() -> Any:
        async with VapiClient() as client:
            return await client.tools.list()

    assert asyncio.run(main()) == []
    assert [request.path for request in vapi.requests] == ["/tool"]


def test_what_is_passed_comes_before_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAPI_API_KEY", "another")
    monkeypatch.setenv("VAPI_BASE_URL", "http://127.0.0.1:9")

    async def main() -> Any:
        async with VapiClient(KEY, base_url=url) as client:
            return await client.tools.list()

    assert asyncio.run(main()) == []


def test_without_a_key_there_is_no_client() -> None:
    with pytest.raises(SettingsError, match="VAPI_API_KEY is not set"):
        VapiClient()


@pytest.mark.parametrize("passed", [{"api_key": ""}, {"base_url": ""}])
def test_an_empty_key_or_address_is_not_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, passed: dict[str, str]
) -> None:
    monkeypatch.setenv("VAPI_API_KEY", "of-another-organization")

    with pytest.raises(SettingsError):
        VapiClient(**passed)  # type: ignore[arg-type]


def test_without_an_address_it_is_vapis() -> None:
    assert repr(VapiClient(KEY)) == "<VapiClient https://api.vapi.ai>"


def test_a_wrong_key_is_refused_in_one_line(url: str) -> None:
    async def main() -> None:
        async with VapiClient("not-the-key", base_url=url) as client:
            await client.tools.list()

    with pytest.raises(ApiError) as raised:
        asyncio.run(main())

    assert str(raised.value).startswith("GET /tool: 401: ")
    assert str(raised.value).endswith("; " + _HINTS[401])
    assert "not-the-key" not in str(raised.value)


# --- what is there ------------------------------------------------------------------------

BODIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("tools", {"type": "endCall"}, {"messages": []}),
    ("assistants", {"name": "Luigi"}, {"name": "Mario"}),
    ("squads", {"members": []}, {"name": "Both", "members": []}),
    ("phone_numbers", {"provider": "vapi"}, {"name": "Main"}),
]


@pytest.mark.parametrize(("kind", "body", "change"), BODIES, ids=[kind for kind, *_ in BODIES])
def test_an_object_is_made_read_listed_changed_and_deleted(
    vapi: FakeVapi, url: str, kind: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    async def main() -> None:
        async with VapiClient(KEY, base_url=url) as client:
            resource = getattr(client, kind)
            made = await resource.create(body)
            assert await resource.get(made["id"]) == made
            assert await resource.list() == [made]
            changed = await resource.update(made["id"], change)
            assert {**changed, **change} == changed
            assert await resource.delete(made["id"]) is None
            with pytest.raises(ApiError, match=f"GET .*/{made['id']}: 404"):
                await resource.get(made["id"])

    asyncio.run(main())

    assert getattr(vapi, kind) == {}
    assert [request.method for request in vapi.writes] == ["POST", "PATCH", "DELETE"]


def test_an_assistant_is_made_from_its_declaration(vapi: FakeVapi, url: str) -> None:
    luigi = Assistant(name="Luigi", model="openai/gpt-4o", system_prompt="Take bookings.")

    async def main() -> Any:
        async with VapiClient(KEY, base_url=url) as client:
            return await client.assistants.create(luigi)

    made = asyncio.run(main())

    assert made["name"] == "Luigi"
    assert vapi.writes[0].body == luigi.definition()


def test_fields_beside_a_body_are_not_left_out_in_silence() -> None:
    made = VapiClient(KEY).assistants.create({"name": "Luigi"}, voice="vapi/Elliot")

    with pytest.raises(TypeError, match="voice would be left out"):
        asyncio.run(made)


def test_a_write_that_fails_after_it_was_done_is_not_done_twice(vapi: FakeVapi, url: str) -> None:
    vapi.fail("POST", "/assistant", status=500, done=True)

    async def main() -> None:
        async with VapiClient(KEY, base_url=url) as client:
            await client.assistants.create({"name": "Luigi"})

    with pytest.raises(ApiError) as raised:
        asyncio.run(main())

    assert raised.value.was_done
    assert len(vapi.assistants) == 1


def test_a_rate_limit_is_waited_for(vapi: FakeVapi, url: str) -> None:
    vapi.rate_limit(2)

    async def main() -> Any:
        async with VapiClient(KEY, base_url=url) as client:
            return await client.tools.create({"type": "endCall"})

    asyncio.run(main())

    assert len(vapi.tools) == 1
    assert len(vapi.writes) == 3


def test_what_the_page_says_of_errors_is_what_they_say() -> None:
    listed = {status: hint for status, _, hint in rows("client.md", "Status")}

    for status, hint in _HINTS.items():
        assert listed[str(status)] == hint


# --- the SDK ------------------------------------------------------------------------------

ASK = """
import asyncio, sys
from vapitools.client import VapiClient
async def main():
    async with VapiClient("test-key", base_url=sys.argv[1]) as client:
        await client.tools.list()
        made = await client.assistants.create({"name": "Luigi"})
        await client.assistants.update(made["id"], {"name": "Mario"})
asyncio.run(main())
print(*sys.modules)
"""


def test_of_the_sdk_only_its_connection_is_loaded(url: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ASK, url], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    loaded = [name for name in ran.stdout.split() if name.partition(".")[0] == "vapi"]
    assert "vapi.core.client_wrapper" in loaded
    assert {name.split(".")[1] for name in loaded if "." in name} == {"core"}
    assert len(loaded) < 20


def test_importing_the_client_loads_neither_the_sdk_nor_httpx() -> None:
    script = "import sys, vapitools.client; print(*sys.modules)"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert {"vapi", "httpx"}.isdisjoint(ran.stdout.split())


@pytest.mark.parametrize(("method", "name"), [("sdk", "AsyncVapi"), ("sdk_sync", "Vapi")])
def test_the_sdks_own_clients_have_the_same_key_and_address(method: str, name: str) -> None:
    sdk = getattr(VapiClient(KEY, base_url="http://127.0.0.1:9/base/", timeout=7), method)()

    assert (type(sdk).__module__.partition(".")[0], type(sdk).__name__) == ("vapi", name)
    settings = sdk._client_wrapper
    assert settings.get_base_url() == "http://127.0.0.1:9/base"
    assert settings.get_headers()["Authorization"] == f"Bearer {KEY}"
    assert settings.get_timeout() == 7


def test_the_environment_keeps_the_sdk_from_connecting_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "garbage://user:pass-word@proxy")

    with pytest.raises(SettingsError, match="HTTPS_PROXY") as raised:
        VapiClient(KEY).sdk_sync()

    assert "pass-word" not in str(raised.value)
    assert raised.value.__context__ is None


def test_a_client_shows_no_key() -> None:
    client = VapiClient(KEY, base_url="http://127.0.0.1:9")

    for part in (client, client.tools, client.calls, client._connection, vars(client)):
        assert KEY not in repr(part)
    assert _connection.Connection.__repr__ is not object.__repr__
