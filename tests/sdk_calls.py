"""The official SDK's own clients at work: `python -m tests.sdk_calls BASE_URL`.

A process of its own, because loading the clients takes half a minute and half a gigabyte. Prints
what came of each step as one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from vapi import AsyncVapi, Vapi
from vapi.core.api_error import ApiError

TOOL = {
    "type": "function",
    "function": {
        "name": "find_tables",
        "description": "Find free tables.",
        "parameters": {"type": "object", "properties": {"day": {"type": "string"}}},
    },
    "messages": [{"type": "request-start", "content": "One moment."}],
    "server": {"url": "https://luigi.example.com"},
}
MODEL = {
    "provider": "openai",
    "model": "gpt-4o",
    "messages": [{"role": "system", "content": "You take bookings."}],
}
ONCE: Any = {"max_retries": 0}


def main(base_url: str) -> None:
    """Do the same with both clients."""
    steps = {"sync": with_vapi(base_url), "async": asyncio.run(with_async_vapi(base_url))}
    print(json.dumps(steps))


def with_vapi(base_url: str) -> dict[str, Any]:
    client = Vapi(token="test-key", base_url=base_url)
    tool: Any = client.tools.create(request=TOOL)
    changed: Any = client.tools.update(tool.id, request={"async": True})
    model: Any = {**MODEL, "toolIds": [tool.id]}
    assistant = client.assistants.create(name="Luigi", model=model)
    number: Any = client.phone_numbers.create(request={"provider": "vapi"})
    renamed = client.assistants.update(assistant.id, name="Mario")
    call: Any = client.calls.create(
        assistant_id=assistant.id,
        phone_number_id=number.id,
        customer={"number": "+15550100123"},
    )
    listed = client.calls.list(assistant_id=assistant.id)
    status = client.calls.get(call.id).status
    in_use = _status(lambda: client.tools.delete(tool.id, request_options=ONCE))
    client.assistants.delete(assistant.id)
    client.tools.delete(tool.id)
    return {
        "tool": tool.function.name,
        "is_async": changed.async_,
        "name": renamed.name,
        "provider": assistant.model.provider,
        "control": call.monitor.control_url.startswith(base_url),
        "calls": [each.id for each in listed] == [call.id],
        "status": status,
        "in_use": in_use,
        "gone": _status(lambda: client.tools.get(tool.id, request_options=ONCE)),
        "tools": len(client.tools.list()),
        "assistants": len(client.assistants.list()),
        "wrong_key": _status(lambda: Vapi(token="wrong", base_url=base_url).tools.list()),
    }


async def with_async_vapi(base_url: str) -> dict[str, Any]:
    client = AsyncVapi(token="test-key", base_url=base_url)
    tool: Any = await client.tools.create(request=TOOL)
    changed: Any = await client.tools.update(tool.id, request={"async": True})
    model: Any = {**MODEL, "toolIds": [tool.id]}
    assistant = await client.assistants.create(name="Luigi", model=model)
    number: Any = await client.phone_numbers.create(request={"provider": "vapi"})
    renamed = await client.assistants.update(assistant.id, name="Mario")
    call: Any = await client.calls.create(
        assistant_id=assistant.id,
        phone_number_id=number.id,
        customer={"number": "+15550100123"},
    )
    listed = await client.calls.list(assistant_id=assistant.id)
    status = (await client.calls.get(call.id)).status
    in_use = await _async_status(client.tools.delete(tool.id, request_options=ONCE))
    await client.assistants.delete(assistant.id)
    await client.tools.delete(tool.id)
    wrong = AsyncVapi(token="wrong", base_url=base_url)
    return {
        "tool": tool.function.name,
        "is_async": changed.async_,
        "name": renamed.name,
        "provider": assistant.model.provider,
        "control": call.monitor.control_url.startswith(base_url),
        "calls": [each.id for each in listed] == [call.id],
        "status": status,
        "in_use": in_use,
        "gone": await _async_status(client.tools.get(tool.id, request_options=ONCE)),
        "tools": len(await client.tools.list()),
        "assistants": len(await client.assistants.list()),
        "wrong_key": await _async_status(wrong.tools.list()),
    }


def _status(ask: Any) -> int | None:
    try:
        ask()
    except ApiError as error:
        return error.status_code
    return None


async def _async_status(asking: Any) -> int | None:
    try:
        await asking
    except ApiError as error:
        return error.status_code
    return None


if __name__ == "__main__":
    main(sys.argv[1])
