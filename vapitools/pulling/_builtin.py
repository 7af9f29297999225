"""Vapi's own tools as the calls that make them, where these say the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import builtin_tools
from ..builtin_tools import BuiltInTool
from ..destinations import (
    AssistantDestination,
    NumberDestination,
    SipDestination,
    destination_json,
)
from ._json import as_object
from ._spoken import UNSAYABLE, message
from ._stubs import PLATFORM

_CLASSES: Mapping[str, type[BuiltInTool]] = {
    "apiRequest": builtin_tools.ApiRequest,
    "dtmf": builtin_tools.Dtmf,
    "endCall": builtin_tools.EndCall,
    "handoff": builtin_tools.Handoff,
    "sms": builtin_tools.Sms,
    "transferCall": builtin_tools.TransferCall,
    "voicemail": builtin_tools.Voicemail,
}
# The API's field → the keyword, where one cannot be told from the other.
_KEYWORDS = {
    "sipInfoDtmfEnabled": "sip_info",
    "beepDetectionEnabled": "beep_detection",
    "rejectionPlan": "rejection_plan",
    "defaultResult": "default_result",
    "timeoutSeconds": "timeout",
    "credentialId": "credential_id",
    "encryptedPaths": "encrypted_paths",
    "backoffPlan": "backoff_plan",
    "variableExtractionPlan": "variable_extraction_plan",
}
_EMPTY: tuple[Any, ...] = (None, [], False)
_FIELDS = {
    "number": "number",
    "sipUri": "sip_uri",
    "assistantName": "name",
    "assistantId": "id",
    "assistant": "assistant",
    "assistantOverrides": "overrides",
    "message": "message",
    "description": "description",
    "extension": "extension",
    "callerId": "caller_id",
    "transferPlan": "transfer_plan",
    "sipHeaders": "sip_headers",
}
_DESTINATIONS: Mapping[str, Callable[..., Any]] = {
    "number": NumberDestination,
    "sip": SipDestination,
    "assistant": AssistantDestination,
}


def built_in(given: Mapping[str, Any]) -> BuiltInTool | Mapping[str, Any] | None:
    """The tool as a record, else as the API has it; None when `Assistant` does not take it."""
    try:
        settled = _settled(given)
    except UNSAYABLE:
        return None
    try:
        record = _record(settled)
        return record if record.to_json() == builtin_tools.tool_json(settled) else settled
    except UNSAYABLE:
        pass
    try:
        builtin_tools.tool_json(settled)
    except UNSAYABLE:
        return None
    return settled


def _settled(given: Mapping[str, Any]) -> dict[str, Any]:
    """The tool without what Vapi adds when it stores one."""
    kept = {k: v for k, v in given.items() if k not in PLATFORM and v not in _EMPTY}
    if "messages" in kept:
        # What is none of them stands as None, which nothing takes.
        kept["messages"] = [message(each) for each in kept["messages"]]
    if "destinations" in kept:
        kept["destinations"] = [_without_defaults(each) for each in kept["destinations"]]
    return kept


def _without_defaults(destination: Mapping[str, Any]) -> dict[str, Any]:
    added = ("numberE164CheckEnabled", True)
    return {k: v for k, v in destination.items() if v is not None and (k, v) != added}


def _record(tool: Mapping[str, Any]) -> BuiltInTool:
    fields = {key: value for key, value in tool.items() if key != "type"}
    if tool["type"] == "query":
        return _query(**fields)
    if tool["type"] == "mcp":
        return _mcp(**fields)
    names = _names_of(tool["type"])
    destinations = [_destination(each, names) for each in fields.pop("destinations", ())]
    if tool["type"] == "apiRequest" and "parameters" in fields:
        fields["parameters"] = {each["key"]: each["value"] for each in fields["parameters"]}
    keywords = {_KEYWORDS.get(key, key): value for key, value in fields.items()}
    make: Callable[..., BuiltInTool] = _CLASSES[tool["type"]]
    return make(*destinations, **keywords)


def _query(**fields: Any) -> BuiltInTool:
    (knowledge,) = fields.pop("knowledgeBases")
    keywords = {_KEYWORDS.get(key, key): value for key, value in fields.items()}
    return builtin_tools.Query(
        knowledge["name"],
        knowledge["description"],
        knowledge["fileIds"],
        model=knowledge.get("model"),
        **keywords,
    )


def _mcp(server: Any, metadata: Any = None, **fields: Any) -> BuiltInTool:
    spoken = fields.pop("toolMessages", ())
    keywords = {_KEYWORDS.get(key, key): value for key, value in fields.items()}
    return builtin_tools.Mcp(
        server["url"],
        credential_id=server.get("credentialId"),
        timeout=server.get("timeoutSeconds"),
        protocol=as_object(metadata).get("protocol"),
        tool_messages={each["name"]: each["messages"] for each in spoken},
        **keywords,
    )


# --- destinations -------------------------------------------------------------------------


def _names_of(type_: str) -> Callable[[str], dict[str, Any]]:
    """What reads a destination that is written as text."""
    return builtin_tools.assistant_json if type_ == "handoff" else destination_json


def _destination(given: Mapping[str, Any], read: Callable[[str], dict[str, Any]]) -> Any:
    """The destination as text, else as a record, else as the API has it."""
    for key in ("number", "sipUri", "assistantName", "assistantId"):
        if given.get(key) and _is_same(read, given[key], given):
            return given[key]
    try:
        record = _destination_record(given)
    except UNSAYABLE:
        return given
    return record if record.to_json() == given else given


def _is_same(read: Callable[[str], Any], text: str, given: Mapping[str, Any]) -> bool:
    try:
        return bool(read(text) == given)
    except UNSAYABLE:
        return False


def _destination_record(given: Mapping[str, Any]) -> Any:
    fields = {key: value for key, value in given.items() if key != "type"}
    is_checked = fields.pop("numberE164CheckEnabled", True)
    if isinstance(fields.get("message"), Mapping):
        contents = fields["message"]["contents"]
        fields["message"] = {each["language"]: each["text"] for each in contents}
    keywords = {_FIELDS[key]: value for key, value in fields.items()}
    return _DESTINATIONS[given["type"]](**keywords, **({} if is_checked else {"check": False}))
