"""What Vapi makes of what was written: what is read back is not byte for byte the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._shapes import is_object
from ._fields import TOOL_MESSAGES, Kind
from ._parts import Body, is_array, items, part

_ASYNC = ("function", "code")


def stored(kind: Kind, body: Body) -> Body:
    """The body as it is stored."""
    if kind == "tool":
        return _tool(body)
    if kind == "assistant":
        return _assistant(body)
    return {"status": "active", **body} if kind == "phone-number" else body


def merged(body: Body, defaults: Mapping[str, Any]) -> Body:
    """The body with the defaults that it does not have, at every depth."""
    return {**defaults, **{key: _merged(value, defaults.get(key)) for key, value in body.items()}}


def _merged(value: Any, default: Any) -> Any:
    return merged(value, default) if is_object(value) and is_object(default) else value


def without_secrets(value: Any) -> Any:
    """The same with no `server.secret` in it, wherever that stands."""
    if is_array(value):
        return [without_secrets(each) for each in value]
    if not is_object(value):
        return value
    return {key: _without_secret(key, without_secrets(each)) for key, each in value.items()}


def _without_secret(key: str, value: Any) -> Any:
    if key != "server" or not is_object(value):
        return value
    return {name: each for name, each in value.items() if name != "secret"}


def _assistant(body: Body) -> Body:
    # This is not taken back: somebody who writes what was read is refused.
    added: Body = {"isServerUrlSecretSet": bool(part(body, "server").get("secret"))}
    model = part(body, "model")
    if "tools" in model:
        tools = [_tool(tool) if is_object(tool) else tool for tool in items(model, "tools")]
        added["model"] = {**model, "tools": tools}
    return {**body, **added}


def _tool(tool: Body) -> Body:
    added: Body = {"async": tool.get("async", False)} if tool.get("type") in _ASYNC else {}
    if "messages" in tool:
        added["messages"] = [
            _message(message) if is_object(message) else message
            for message in items(tool, "messages")
        ]
    if properties := part(part(part(tool, "function"), "parameters"), "properties"):
        added["function"] = _with_properties(tool["function"], properties)
    return {**tool, **added}


def _message(message: Body) -> Body:
    type = message.get("type")
    # So Vapi takes a misspelled type: the caller hears of a failure.
    type = type if type in TOOL_MESSAGES else "request-failed"
    blocking = {"blocking": False} if type == "request-start" else {}
    return {"contents": [], "conditions": [], **blocking, **message, "type": type}


def _with_properties(function: Body, properties: Body) -> Body:
    stored = {name: _property(schema) for name, schema in properties.items()}
    return {**function, "parameters": {**function["parameters"], "properties": stored}}


def _property(schema: Any) -> Any:
    is_text = is_object(schema) and schema.get("type") == "string"
    return {"default": "", **schema} if is_text else schema
