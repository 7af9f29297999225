"""A made-up call, for trying a tool with nobody on the line."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from typing import Any, cast

from ..toolset import AnyTool

CUSTOMER = "+15550100000"

_TEMPLATE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")

_SAMPLES = {
    "date-time": "2030-01-31T19:00:00",
    "time": "19:00",
    "duration": "PT1H",
    "email": "ann@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def facts(customer: str = CUSTOMER) -> dict[str, Any]:
    """What a message says of its call, beside the tool calls."""
    caller = {"number": customer}
    return {
        "call": {"id": f"made-up-{uuid.uuid4()}", "type": "inboundPhoneCall", "customer": caller},
        "customer": caller,
        "phoneNumber": {"id": "made-up-phone-number", "number": "+15550109999"},
    }


def message(tool: str, arguments: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """A webhook body with one tool call, in the shape that Vapi sends."""
    function = {"name": tool, "arguments": dict(arguments)}
    calls = [{"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": function}]
    timestamp = int(dt.datetime.now().timestamp() * 1000)
    return {
        "message": {
            "timestamp": timestamp,
            "type": "tool-calls",
            "toolCalls": calls,
            "toolCallList": calls,
            **facts,
        }
    }


def static_parameters(tool: AnyTool, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The static parameters, filled in as Vapi does. What it would take from elsewhere stays."""
    parameters = tool.definition().get("parameters", [])
    return {entry["key"]: _filled(entry["value"], facts) for entry in parameters}


def sample_arguments(tool: AnyTool) -> dict[str, Any]:
    """A value for each parameter that must be there."""
    sample: dict[str, Any] = _sample(tool.parameters)
    return {**sample, **static_parameters(tool, facts())}


def _filled(value: Any, facts: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {key: _filled(item, facts) for key, item in fields.items()}
    if isinstance(value, list):
        return [_filled(item, facts) for item in cast("list[object]", value)]
    if isinstance(value, str):
        return _TEMPLATE.sub(lambda found: _looked_up(found, facts), value)
    return value


def _looked_up(found: re.Match[str], facts: Mapping[str, Any]) -> str:
    section, _, name = found[1].partition(".")
    value = facts[section].get(name) if section in facts else None
    return str(value) if isinstance(value, str) else found[0]


def _sample(schema: Mapping[str, Any]) -> Any:
    if schema["type"] == "object":
        required = schema.get("required", ())
        return {name: _sample(schema["properties"][name]) for name in required}
    if schema["type"] == "array":
        return [_sample(schema["items"])]
    if schema["type"] == "string":
        return _sample_text(schema)
    return True if schema["type"] == "boolean" else 1


def _sample_text(schema: Mapping[str, Any]) -> str:
    if schema.get("enum"):
        return str(schema["enum"][0])
    if schema.get("format") == "date":
        return (dt.date.today() + dt.timedelta(days=1)).isoformat()
    return _SAMPLES.get(schema.get("format", ""), "text")
