"""What is wrong with a body, in the words of the platform.

Only what Vapi refuses too is refused here: nested fields that its description leaves open pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from .._shapes import is_object
from ._fields import (
    ASSISTANT,
    CALL,
    CALL_UPDATE,
    CLIENT_MESSAGES,
    FIRST_MESSAGE_MODES,
    PHONE_NUMBERS,
    SERVER_MESSAGES,
    SQUAD,
    TOOLS,
    Kind,
)
from ._parts import Body, items, parts

Problems = Iterator[str]
Check = Callable[[Body], Problems]

_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_REQUEST_NAME = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_E164 = re.compile(r"\+[1-9][0-9]{2,14}")
_ANY_NUMBER = re.compile(r"\+?[a-zA-Z0-9]+")

_IDS = ("assistantId", "squadId", "workflowId", "phoneNumberId", "customerId")
_NOT_E164 = (
    "must be a valid phone number in the E.164 format. "
    "Hot tip, you may be missing the country code (Eg. US: +1)."
)


def problems(kind: Kind, body: Body, stored: Body | None = None) -> list[str]:
    """One sentence for each problem of a body.

    Args:
        kind: The resource.
        body: What to create, or to change.
        stored: The resource that is to be changed; None for a new one.
    """
    return list(_CHECKS[kind](body, stored))


def is_uuid(value: Any) -> bool:
    """Whether it is an id."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False


def moment(text: Any) -> datetime | None:
    """The time that an ISO string tells; None when it tells none."""
    try:
        read = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
    except (TypeError, ValueError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=timezone.utc)


def _tool(body: Body, stored: Body | None) -> Problems:
    if stored is not None and "type" in body:
        yield "property type should not exist"
    type = str((stored or body).get("type"))
    if type not in TOOLS:
        yield f"type must be one of the following values: {', '.join(TOOLS)}"
        return
    yield from _unknown(body, TOOLS[type])
    yield from _tool_fields(body, type, new=stored is None)


def _tool_fields(body: Body, type: str, *, new: bool) -> Problems:
    yield from _objects(body, "function", "server", "rejectionPlan", "variableExtractionPlan")
    yield from _lists(body, "messages", "parameters", "destinations")
    yield from _server(body)
    yield from _inside(body, "function", _function)
    if type == "apiRequest":
        yield from _api_request(body, new=new)
    if type == "code" and new and "code" not in body:
        yield "code must be a string"


def _function(function: Body) -> Problems:
    if not _FUNCTION_NAME.fullmatch(str(function.get("name", ""))):
        yield "name must match /^[a-zA-Z0-9_-]{1,64}$/ regular expression"
    yield from _strings(function, "description")
    yield from _objects(function, "parameters")
    yield from _inside(function, "parameters", _parameters)


def _parameters(schema: Body) -> Problems:
    if schema.get("type") != "object":
        yield "type must be one of the following values: object"


def _api_request(body: Body, *, new: bool) -> Problems:
    if new:
        yield from (f"{name} must be a string" for name in ("method", "url") if name not in body)
    if "name" in body and not _REQUEST_NAME.fullmatch(str(body["name"])):
        yield "name must match /^[a-zA-Z0-9_-]{1,40}$/ regular expression"
    yield from _between(body, "timeoutSeconds", 1, 300)


def _assistant(body: Body, stored: Body | None) -> Problems:
    yield from _unknown(body, ASSISTANT)
    yield from _objects(body, "model", "voice", "transcriber", "server", "metadata", "monitorPlan")
    yield from _strings(body, "name", "firstMessage", "endCallMessage", "voicemailMessage")
    yield from _lengths(body, name=40, endCallMessage=1000, voicemailMessage=1000)
    yield from _choices(body, "serverMessages", SERVER_MESSAGES)
    yield from _choices(body, "clientMessages", CLIENT_MESSAGES)
    yield from _choice(body, "firstMessageMode", FIRST_MESSAGE_MODES)
    yield from _between(body, "maxDurationSeconds", 10, 43200)
    yield from _server(body)
    yield from _inside(body, "model", _model)


def _model(model: Body) -> Problems:
    yield from _lists(model, "tools", "toolIds", "toolRefs", "messages")
    if not all(is_uuid(id) for id in items(model, "toolIds")):
        yield "each value in toolIds must be a UUID"
    yield from _each(model, "toolRefs", _tool_ref)
    yield from _each(model, "tools", lambda tool: _tool(tool, None))


def _tool_ref(ref: Body) -> Problems:
    if not is_uuid(ref.get("toolId")):
        yield "toolId must be a UUID"


def _squad(body: Body, stored: Body | None) -> Problems:
    yield from _unknown(body, SQUAD)
    yield from _strings(body, "name")
    if not isinstance(body.get("members"), list):
        yield "members must be an array"
    yield from _each(body, "members", _member)


def _member(member: Body) -> Problems:
    yield from _ids(member)
    yield from _inside(member, "assistant", _inline_assistant)


def _phone_number(body: Body, stored: Body | None) -> Problems:
    provider = str({**(stored or {}), **body}.get("provider"))
    if provider not in PHONE_NUMBERS:
        yield f"provider must be one of the following values: {', '.join(PHONE_NUMBERS)}"
        return
    yield from _unknown(body, PHONE_NUMBERS[provider])
    yield from _ids(body)
    yield from _lengths(body, name=40)
    yield from _server(body)


def _call(body: Body, stored: Body | None) -> Problems:
    yield from _unknown(body, CALL if stored is None else CALL_UPDATE)
    yield from _lengths(body, name=40)
    if stored is None:
        yield from _new_call(body)


def _new_call(body: Body) -> Problems:
    yield from _ids(body)
    yield from _objects(body, "assistant", "assistantOverrides", "customer", "schedulePlan")
    yield from _lists(body, "customers")
    yield from _inside(body, "assistant", _inline_assistant)
    yield from _inside(body, "assistantOverrides", _server)
    yield from _inside(body, "customer", _customer)
    yield from _each(body, "customers", _customer)
    yield from _inside(body, "schedulePlan", _schedule)


def _customer(customer: Body) -> Problems:
    number = customer.get("number")
    if number is not None:
        yield from _number(str(number), strict=customer.get("numberE164CheckEnabled", True))
    yield from _lengths(customer, name=40, email=40, externalId=40, extension=10)


def _number(number: str, *, strict: bool) -> Problems:
    if strict and not _E164.fullmatch(number):
        yield f"number {_NOT_E164}"
    if not strict and not (_ANY_NUMBER.fullmatch(number) and 3 <= len(number) <= 40):
        yield "number must match /^\\+?[a-zA-Z0-9]+$/ regular expression"


def _schedule(plan: Body) -> Problems:
    if moment(plan.get("earliestAt")) is None:
        yield "earliestAt must be a valid ISO 8601 date string"
    if "latestAt" in plan and moment(plan["latestAt"]) is None:
        yield "latestAt must be a valid ISO 8601 date string"


def _inline_assistant(assistant: Body) -> Problems:
    return _assistant(assistant, None)


def _server(body: Body) -> Problems:
    yield from _inside(body, "server", _server_fields)


def _server_fields(server: Body) -> Problems:
    yield from _strings(server, "url", "secret", "credentialId")
    yield from _objects(server, "headers", "backoffPlan")
    yield from _between(server, "timeoutSeconds", 1, 300)
    yield from _inside(server, "backoffPlan", lambda plan: _between(plan, "maxRetries", 0, 10))


# --- rules -----------------------------------------------------------------------------------


def _unknown(body: Body, known: Collection[str]) -> Problems:
    yield from (f"property {name} should not exist" for name in body if name not in known)


def _ids(body: Body) -> Problems:
    given = [name for name in _IDS if body.get(name) is not None]
    yield from (f"{name} must be a UUID" for name in given if not is_uuid(body[name]))


def _objects(body: Body, *names: str) -> Problems:
    yield from _typed(body, names, dict, "an object")


def _lists(body: Body, *names: str) -> Problems:
    yield from _typed(body, names, list, "an array")


def _strings(body: Body, *names: str) -> Problems:
    yield from _typed(body, names, str, "a string")


def _typed(body: Body, names: Iterable[str], type: type, article: str) -> Problems:
    given = [name for name in names if body.get(name) is not None]
    yield from (f"{name} must be {article}" for name in given if not isinstance(body[name], type))


def _lengths(body: Body, **longest: int) -> Problems:
    for name, most in longest.items():
        if isinstance(body.get(name), str) and len(body[name]) > most:
            yield f"{name} must be shorter than or equal to {most} characters"


def _between(body: Body, name: str, least: int, most: int) -> Problems:
    value = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield f"{name} must be a number conforming to the specified constraints"
    elif value < least:
        yield f"{name} must not be less than {least}"
    elif value > most:
        yield f"{name} must not be greater than {most}"


def _choice(body: Body, name: str, choices: Collection[str]) -> Problems:
    if body.get(name) is not None and body[name] not in choices:
        yield f"{name} must be one of the following values: {', '.join(choices)}"


def _choices(body: Body, name: str, choices: Collection[str]) -> Problems:
    yield from _lists(body, name)
    if not all(each in choices for each in items(body, name)):
        values = ", ".join(choices)
        yield f"each value in {name} must be one of the following values: {values}"


def _inside(body: Body, name: str, check: Check) -> Problems:
    """The problems of the object of this name, which need not be there."""
    if is_object(body.get(name)):
        yield from (f"{name}.{problem}" for problem in check(body[name]))


def _each(body: Body, name: str, check: Check) -> Problems:
    """The problems of each object in the array of this name."""
    for i, item in enumerate(parts(body, name)):
        yield from (f"{name}.{i}.{problem}" for problem in check(item))


_CHECKS: dict[Kind, Callable[[Body, Body | None], Problems]] = {
    "tool": _tool,
    "assistant": _assistant,
    "squad": _squad,
    "phone-number": _phone_number,
    "call": _call,
}
