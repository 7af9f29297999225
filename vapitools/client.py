"""`VapiClient`: the endpoints of Vapi's API that a bot needs, over the SDK's own connection."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Any

from ._connection import Connection, import_sdk, within_environment
from ._resources import Resource
from .assistants import Assistant
from .calls import Calls
from .settings import Settings

_TIMEOUT = 30.0


class Assistants(Resource):
    """The assistants at Vapi. `vapitools.sync` keeps them and their tools as declared."""

    async def create(
        self, body: Assistant | Mapping[str, Any] | None = None, /, **fields: Any
    ) -> dict[str, Any]:
        """Make a new one, each time.

        Args:
            body: The declaration, or the API's own object.
            fields: In the place of `body`: what `Assistant` takes, such as `name="Luigi"`.

        Raises:
            DefinitionError: It cannot be an assistant.
        """
        if body is None:
            body = Assistant(**fields)
        elif fields:
            raise TypeError(f"with a body, {', '.join(fields)} would be left out; put it there")
        return await super().create(body.definition() if isinstance(body, Assistant) else body)


class VapiClient:
    """Vapi's API. Use it with `async with`, in one event loop.

    It loads in a fraction of a second, where the clients of the SDK take half a minute, and it
    never repeats what could be done twice. For all other endpoints there is `sdk()`.

    Args:
        api_key: The private key; by default `VAPI_API_KEY`.
        base_url: Where the API is; by default `VAPI_BASE_URL`, or https://api.vapi.ai.
        timeout: Seconds that each step of a request may take.

    Raises:
        SettingsError: There is no key, or it cannot be used.

    Attributes:
        assistants: What is at `/assistant`.
        tools: What is at `/tool`.
        squads: What is at `/squad`.
        phone_numbers: What is at `/phone-number`.
        calls: Phone calls: see `vapitools.calls`.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = _TIMEOUT,
    ) -> None:
        settings = Settings.from_environ(os.environ)
        self._connection = connection = Connection(
            settings.api_key if api_key is None else api_key,
            settings.api_url if base_url is None else base_url,
            timeout,
        )
        self.assistants = Assistants(connection, "assistant")
        self.tools = Resource(connection, "tool")
        self.squads = Resource(connection, "squad")
        self.phone_numbers = Resource(connection, "phone-number")
        self.calls = Calls(connection, settings.control_urls)

    async def __aenter__(self) -> VapiClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        await self.calls.aclose()
        await self._connection.aclose()

    def sdk(self) -> Any:
        """The SDK's own `AsyncVapi`, with this key and address, for every other endpoint.

        Its first use loads for half a minute. It repeats requests that fail: a call that it
        makes can be made three times, unless `request_options={"max_retries": 0}` is passed.

        Raises:
            SettingsError: The SDK is not there, or the environment keeps it from connecting.
        """
        return self._sdk("AsyncVapi")

    def sdk_sync(self) -> Any:
        """The SDK's own `Vapi`, as `sdk` is."""
        return self._sdk("Vapi")

    def _sdk(self, name: str) -> Any:
        connection = self._connection
        return within_environment(
            partial(
                getattr(import_sdk("vapi"), name),
                token=connection.api_key,
                base_url=connection.base_url,
                timeout=connection.timeout,
            )
        )

    def __repr__(self) -> str:
        return f"<VapiClient {self._connection.base_url}>"
