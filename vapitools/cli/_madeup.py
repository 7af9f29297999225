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
