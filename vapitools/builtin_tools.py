"""Vapi's own tools, which an assistant can call beside ours. No server of ours answers them.

The names are Vapi's: https://docs.vapi.ai/tools/default-tools
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Literal, TypeGuard, get_args

from . import spoken
from ._spelling import closest
from .destinations import AssistantDestination, Destination, destination_json
from .errors import DefinitionError
from .tools import Messages

Where = Destination | Mapping[str, Any] | str
"""A destination: ours, text, or the API's own object."""
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Protocol = Literal["sse", "shttp"]

# The types of https://docs.vapi.ai/api-reference/tools/create, each with what must be there.
TYPES: Mapping[str, Sequence[str]] = {
    "apiRequest": ("method", "url"),
    "bash": ("subType", "name"),
    "code": ("code",),
    "computer": ("subType", "name", "displayWidthPx", "displayHeightPx"),
    "dtmf": (),
    "endCall": (),
    "function": (),
    "gohighlevel.calendar.availability.check": (),
    "gohighlevel.calendar.event.create": (),
    "gohighlevel.contact.create": (),
    "gohighlevel.contact.get": (),
    "google.calendar.availability.check": (),
    "google.calendar.event.create": (),
    "google.sheets.row.append": (),
    "handoff": (),
    "mcp": (),
    "query": (),
    "sipRequest": ("verb",),
    "slack.message.send": (),
    "sms": (),
    "textEditor": ("subType", "name"),
    "transferCall": (),
    "voicemail": (),
}

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_URL = re.compile(r"(https?://|\{\{)\S+", re.IGNORECASE)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,40}")
_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MIN_TIMEOUT, _MAX_TIMEOUT = 1, 300


@dataclass(frozen=True, eq=False)
class BuiltInTool:
    """What every one of Vapi's own tools takes.

    Args:
        messages: What the assistant says around the call: `RequestStart` and its like.
        rejection_plan: When Vapi is to refuse the call, in the API's own words.
    """

    type: ClassVar[str]

    _: KW_ONLY
    messages: Messages = ()
    rejection_plan: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be used.

        Raises:
            DefinitionError: All that is wrong, each with what to write instead.
        """
        problems = [*self._problems(), *_message_problems(self.messages)]
        problems += _plan_problems(self.rejection_plan)
        if problems:
            raise DefinitionError(f"{type(self).__name__}: {problem}" for problem in problems)

    def to_json(self) -> dict[str, Any]:
        """The tool as the API takes it."""
        return {
            "type": self.type,
            **self._fields(),
            **_filled(
                messages=[spoken.to_json(message) for message in self.messages] or None,
                rejectionPlan=self.rejection_plan,
            ),
        }

    # Once for all of them: ten that are generated can be felt when the package is imported.
    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def _problems(self) -> Iterable[str]:
        return ()

    def _fields(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, eq=False)
class EndCall(BuiltInTool):
    """Lets the assistant hang up."""

    type = "endCall"


@dataclass(frozen=True, init=False, eq=False)
class TransferCall(BuiltInTool):
    """Lets the assistant transfer the call.

    Args:
        destinations: Where to: `"+15550100020"`, `"sip:desk@example.com"`, `NumberDestination`,
            `SipDestination`, `AssistantDestination("Billing")`, or the API's own objects.
            Without one, Vapi asks the server with a `transfer-destination-request`.
        messages: What the assistant says around the call: `RequestStart` and its like.
        rejection_plan: When Vapi is to refuse the call, in the API's own words.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """

    type = "transferCall"
    destinations: tuple[Where, ...]

    def __init__(
        self,
        *destinations: Where,
        messages: Messages = (),
        rejection_plan: Mapping[str, Any] | None = None,
    ) -> None:
        _set(self, destinations=destinations, messages=messages, rejection_plan=rejection_plan)
        self.__post_init__()

    def _problems(self) -> Iterable[str]:
        return _problems_in(_transfer_json, self.destinations)

    def _fields(self) -> dict[str, Any]:
        return _filled(destinations=[_transfer_json(each) for each in self.destinations] or None)


@dataclass(frozen=True, eq=False)
class Dtmf(BuiltInTool):
    """Lets the assistant press keys.

    Args:
        sip_info: Send the tones as SIP INFO messages instead of in the sound.
        messages: What the assistant says around the call: `RequestStart` and its like.
        rejection_plan: When Vapi is to refuse the call, in the API's own words.
    """

    type = "dtmf"
    sip_info: bool = False

    def _fields(self) -> dict[str, Any]:
        return _filled(sipInfoDtmfEnabled=self.sip_info or None)


@dataclass(frozen=True, eq=False)
class Voicemail(BuiltInTool):
    """Lets the assistant leave its `voicemail_message` and hang up.

    Args:
        beep_detection: Wait for the beep; for calls over Twilio.
        messages: What the assistant says around the call: `RequestStart` and its like.
        rejection_plan: When Vapi is to refuse the call, in the API's own words.
    """

    type = "voicemail"
    beep_detection: bool = False

    def _fields(self) -> dict[str, Any]:
        return _filled(beepDetectionEnabled=self.beep_detection or None)


@dataclass(frozen=True, init=False, eq=False)
class Handoff(BuiltInTool):
    """Lets the assistant hand the call over to another assistant, or to a squad.

    Args:
        destinations: To whom: the name of an assistant of the same squad, the id of one that is
            stored at Vapi, `AssistantDestination`, or the API's own objects. Without one, Vapi
            asks the server with a `handoff-destination-request`.
        default_result: What the model is told when the handoff brings no result of its own.
        function: What the model sees of the tool, in the API's own words (`OpenAIFunction`).
        messages: What the assistant says around the call: `RequestStart` and its like.
        rejection_plan: When Vapi is to refuse the call, in the API's own words.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """

    type = "handoff"
    destinations: tuple[Where, ...]
    default_result: str | None
    function: Mapping[str, Any] | None

    def __init__(
        self,
        *destinations: Where,
        default_result: str | None = None,
        function: Mapping[str, Any] | None = None,
        messages: Messages = (),
        rejection_plan: Mapping[str, Any] | None = None,
    ) -> None:
        _set(
            self,
            destinations=destinations,
            default_result=default_result,
            function=function,
            messages=messages,
            rejection_plan=rejection_plan,
        )
        self.__post_init__()

    def _problems(self) -> Iterable[str]:
        yield from _problems_in(_handoff_json, self.destinations)
        if self.function is not None:
            yield from _function_problems(self.function)

    def _fields(self) -> dict[str, Any]:
        named = [_handoff_json(each) for each in self.destinations]
        return _filled(
            destinations=named or [{"type": "dynamic"}],
            defaultResult=self.default_result,
            function=None if self.function is None else _function_json(self.function),
        )


@dataclass(frozen=True, eq=False)
class Query(BuiltInTool):
    """Lets the assistant look something up in files that are stored at Vapi.

    Args:
        name: The name of this knowledge.
        description: What can be found in it, for the model.
        file_ids: Vapi's ids of the files.
        model: The model of Google's that reads them.
        messages: What the assistant says around the call: `RequestStart` and its like.
        rejection_plan: When Vapi is to refuse the call, in the API's own words.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """

    type = "query"
    name: str
    description: str
    file_ids: Sequence[str]
    _: KW_ONLY
    model: str | None = None

    def _problems(self) -> Iterable[str]:
        for word, text in {"name": self.name, "description": self.description}.items():
            if not _is_filled(text):
                yield f"{word} must be text"
        if not _is_list(self.file_ids) or not self.file_ids:
            yield 'file_ids must be a list of ids, such as ["…"]; upload the files at Vapi first'
        elif not all(map(_is_filled, self.file_ids)):
            yield "file_ids: each must be the id that Vapi has given to a file"

    def _fields(self) -> dict[str, Any]:
        knowledge = _filled(
            provider="google",
            name=self.name,
            model=self.model,
            description=self.description,
            fileIds=list(self.file_ids),
        )
        return {"knowledgeBases": [knowledge]}


@dataclass(frozen=True, eq=False)
class Mcp(BuiltInTool):
    """Gives the assistant the tools of an MCP server.

    Args:
        url: Where the server is.
        headers: What to send with each request.
        credential_id: The id of the credential at Vapi that it asks for.
        protocol: `"sse"` for an older server; the default is Streamable HTTP.
        timeout: Seconds to wait for it, 1 to 300; Vapi's default is 20.
        tool_messages: What is said around one of its tools: `{"find": [RequestStart("…")]}`. An
            empty list says nothing.
        messages: What the assistant says around the others.
        rejection_plan: When Vapi is to refuse the call, in the API's own words.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """

    type = "mcp"
    # People put keys into such addresses.
    url: str = field(repr=False)
    _: KW_ONLY
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    credential_id: str | None = None
    protocol: Protocol | None = None
    timeout: float | None = None
    tool_messages: Mapping[str, Messages] = field(default_factory=dict[str, Messages])

    def _problems(self) -> Iterable[str]:
        yield from _request_problems(self.url, self.timeout, self.credential_id)
        if self.headers is not None and not _is_text_map(self.headers):
            yield "headers must be texts by name, such as {'X-Team': 'desk'}"
        if self.protocol is not None and self.protocol not in get_args(Protocol):
            yield f"protocol={self.protocol!r} must be 'sse' or 'shttp'"
        if not _is_object(self.tool_messages):
            yield "tool_messages must be lists of messages by the tool's name"
            return
        for name, messages in self.tool_messages.items():
            yield from (f"{name}: {problem}" for problem in _message_problems(messages))

    def _fields(self) -> dict[str, Any]:
        server = _filled(
            url=self.url,
            headers=self.headers,
            credentialId=self.credential_id,
            timeoutSeconds=self.timeout,
        )
        return _filled(
            server=server,
            metadata={"protocol": self.protocol} if self.protocol else None,
            toolMessages=[
                {"name": name, "messages": [spoken.to_json(message) for message in messages]}
                for name, messages in self.tool_messages.items()
            ]
            or None,
        )


@dataclass(frozen=True, eq=False)
class ApiRequest(BuiltInTool):
    """Lets the assistant send a request to any HTTP API; Vapi sends it, no server of yours.

    Args:
        url: Where to; `{{…}}` in it is filled in: `https://example.com/orders/{{number}}`.
        method: `"GET"`, `"POST"`, `"PUT"`, `"PATCH"` or `"DELETE"`.
        name: What the model calls it: 1 to 40 letters, digits, `_` and `-`.
        description: What it is for, for the model.
        body: What the model has to fill in, as a JSON Schema; or only its properties, by name.
        headers: Texts by name, which the model does not see; or the API's own JSON Schema.
        parameters: Values that go into the body beside what the model fills in, which it does not
            see. Texts may hold `{{customer.number}}` and its like.
        timeout: Seconds to wait for the answer, 1 to 300; Vapi's default is 20.
        credential_id: The id of the credential at Vapi that the API asks for.
        encrypted_paths: Which fields of the body Vapi is to encrypt.
        backoff_plan: How to try again, in the API's own words (`BackoffPlan`).
        variable_extraction_plan: What of the answer to keep for later, in the API's own words.
        messages: What the assistant says around the call: `RequestStart` and its like.
        rejection_plan: When Vapi is to refuse the call, in the API's own words.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """

    type = "apiRequest"
    url: str = field(repr=False)
    method: Method
    _: KW_ONLY
    name: str | None = None
    description: str | None = None
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] | None = field(default=None, repr=False)
    parameters: Mapping[str, Any] | None = field(default=None, repr=False)
    timeout: float | None = None
    credential_id: str | None = None
    encrypted_paths: Sequence[str] = ()
    backoff_plan: Mapping[str, Any] | None = None
    variable_extraction_plan: Mapping[str, Any] | None = None

    def _problems(self) -> Iterable[str]:
        yield from _request_problems(self.url, self.timeout, self.credential_id)
        if self.method not in get_args(Method):
            yield f"method={self.method!r} must be one of {', '.join(get_args(Method))}"
        if self.name is not None and not _fits(_NAME, self.name):
            yield f"the name {self.name!r} must be 1 to 40 of the letters a-z, A-Z, digits, _ and -"
        if self.body is not None:
            yield from _schema_problems(_object_schema(self.body), "body")
        if self.headers is not None and not _is_text_map(self.headers):
            yield from _schema_problems(self.headers, "headers")
        if not _is_list(self.encrypted_paths) or not all(map(_is_filled, self.encrypted_paths)):
            yield "encrypted_paths must be a list of paths, such as ['ssn']"
        for word in ("backoff_plan", "variable_extraction_plan"):
            if getattr(self, word) is not None and not _is_object(getattr(self, word)):
                yield f"{word} must be the API's own object"
        if self.parameters is not None and not _is_object(self.parameters):
            yield "parameters must be values by name, such as {'caller': '{{customer.number}}'}"

    def _fields(self) -> dict[str, Any]:
        return _filled(
            name=self.name,
            description=self.description,
            method=self.method,
            url=self.url,
            body=None if self.body is None else _object_schema(self.body),
            headers=None if self.headers is None else _header_schema(self.headers),
            parameters=[{"key": k, "value": v} for k, v in (self.parameters or {}).items()] or None,
            timeoutSeconds=self.timeout,
            credentialId=self.credential_id,
            encryptedPaths=list(self.encrypted_paths) or None,
            backoffPlan=self.backoff_plan,
            variableExtractionPlan=self.variable_extraction_plan,
        )


@dataclass(frozen=True, eq=False)
class Sms(BuiltInTool):
    """Lets the assistant send text messages, over Twilio."""

    type = "sms"


def tool_json(tool: BuiltInTool | Mapping[str, Any]) -> dict[str, Any]:
    """One of Vapi's own tools as the API takes it.

    A mapping is the API's own object; its `messages` may use the short types, and the `parameters`
    of its function may be the properties alone.

    Raises:
        DefinitionError: The API knows no such tool, or something of it is missing.
    """
    if isinstance(tool, BuiltInTool):
        return tool.to_json()
    if problems := list(_mapping_problems(tool)):
        label = f"tool {tool['type']!r}" if tool.get("type") in tuple(TYPES) else "tool"
        raise DefinitionError(f"{label}: {problem}" for problem in problems)
    made = copy.deepcopy(dict(tool))
    if "messages" in made:
        made["messages"] = [spoken.to_json(message) for message in made["messages"]]
    if "function" in made:
        made["function"] = _function_json(made["function"])
    return made


def tool_name(tool: Mapping[str, Any]) -> str | None:
    """What the model calls one of the API's own tools, where that is written down."""
    function = tool.get("function")
    name = function.get("name") if _is_object(function) else None
    found = name if tool.get("type") in ("function", "handoff") else tool.get("name")
    return found if isinstance(found, str) else None


def is_id(value: object) -> bool:
    """Whether it is an id as Vapi gives them: a UUID."""
    return _fits(_UUID, value)


def assistant_json(value: Where) -> dict[str, Any]:
    """A destination, where text is the name or the id of an assistant.

    Raises:
        DefinitionError: It is no destination.
    """
    if not isinstance(value, str):
        return destination_json(value)
    if is_id(value):
        return AssistantDestination(id=value).to_json()
    try:
        return destination_json(value)
    except DefinitionError:
        return AssistantDestination(value).to_json()


# --- destinations -------------------------------------------------------------------------


def _transfer_json(value: Where) -> dict[str, Any]:
    found = destination_json(value)
    if found["type"] == "squad":
        raise DefinitionError("a call is handed to a squad with Handoff")
    if found["type"] == "assistant" and set(found) & {
        "assistantId",
        "assistant",
        "assistantOverrides",
    }:
        raise DefinitionError(
            "a transfer goes to an assistant of the same squad, by its name alone: "
            "AssistantDestination('Billing'); for an id or overrides use Handoff"
        )
    return copy.deepcopy(found)


def _handoff_json(value: Where) -> dict[str, Any]:
    if isinstance(value, Mapping) and value.get("type") == "dynamic":
        return copy.deepcopy(dict(value))
    found = assistant_json(value)
    if found["type"] not in ("assistant", "squad"):
        raise DefinitionError("a call is handed to an assistant; for a number use TransferCall")
    if "message" in found:
        raise DefinitionError(
            "what is said before belongs to the tool: Handoff(…, messages=[RequestStart('…')])"
        )
    return copy.deepcopy(found)


# --- the API's own objects ----------------------------------------------------------------


def _mapping_problems(tool: Mapping[str, Any]) -> Iterator[str]:
    type_ = tool.get("type")
    if not isinstance(type_, str):
        yield "it needs a type, such as {'type': 'slack.message.send'}"
        return
    if type_ not in TYPES:
        close = closest(type_, TYPES)
        meant = f"did you mean {close!r}?" if close else f"there are: {', '.join(TYPES)}"
        yield f"Vapi has no tool of type {type_!r}; {meant}"
        return
    yield from (f"it needs {name!r}" for name in TYPES[type_] if not tool.get(name))
    if type_ == "function" and "function" not in tool:
        yield "it needs 'function', such as {'name': 'find_tables', 'parameters': {…}}"
    if "function" in tool:
        yield from _function_problems(tool["function"])
    if "messages" in tool:
        yield from _message_problems(tool["messages"])


def _function_problems(function: object) -> Iterator[str]:
    if not _is_object(function) or not _fits(_FUNCTION_NAME, function.get("name")):
        yield "its function needs a name: 1 to 64 of the letters a-z, A-Z, digits, '_' and '-'"
    elif "parameters" in function:
        yield from _schema_problems(_object_schema(function["parameters"]), "parameters")


def _function_json(function: Mapping[str, Any]) -> dict[str, Any]:
    copied = copy.deepcopy(dict(function))
    if "parameters" in copied:
        copied["parameters"] = _object_schema(copied["parameters"])
    return copied


def _message_problems(messages: object) -> Iterator[str]:
    if not _is_list(messages):
        yield "messages must be a list, such as [RequestStart('One moment.')]"
        return
    yield from _problems_in(spoken.to_json, messages)


def _plan_problems(plan: object) -> Iterator[str]:
    conditions = plan.get("conditions") if _is_object(plan) else None
    if plan is not None and not (_is_list(conditions) and all(map(_is_condition, conditions))):
        yield (
            "rejection_plan must be like {'conditions': [{'type': 'liquid', 'liquid': '…'}]}; "
            "the types are regex, liquid and group"
        )


def _is_condition(condition: object) -> bool:
    return _is_object(condition) and condition.get("type") in ("regex", "liquid", "group")


def _request_problems(url: object, timeout: object, credential_id: object) -> Iterator[str]:
    if not _fits(_URL, url):
        yield "url must be like 'https://example.com/orders'"
    if timeout is not None and not is_between(_MIN_TIMEOUT, timeout, _MAX_TIMEOUT):
        yield f"timeout={timeout!r} must be {_MIN_TIMEOUT} to {_MAX_TIMEOUT} seconds"
    if credential_id is not None and not is_id(credential_id):
        yield "credential_id must be a UUID, as Vapi gives it"


# --- JSON Schema --------------------------------------------------------------------------

_SCHEMA_TYPES = ("string", "number", "integer", "boolean", "array", "object")


def _object_schema(schema: Any) -> Any:
    """A whole schema of an object, where the properties alone are given."""
    if not _is_object(schema) or isinstance(schema.get("type"), str):
        return schema
    return {"type": "object", "properties": schema}


def _header_schema(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    if not _is_text_map(headers):
        return headers
    # `value` is not in the description of the API, but in its guide:
    # https://docs.vapi.ai/tools/api-request/configuration
    fixed = {name: {"type": "string", "value": text} for name, text in headers.items()}
    return {"type": "object", "properties": fixed}


def _schema_problems(schema: object, place: str) -> Iterator[str]:
    if not _is_object(schema) or schema.get("type") not in _SCHEMA_TYPES:
        yield f"{place} needs a 'type', one of {', '.join(_SCHEMA_TYPES)}"
        return
    properties = schema.get("properties", {})
    if not _is_object(properties):
        yield f"{place}: properties must be schemas by name"
        return
    for name, inner in properties.items():
        yield from _schema_problems(inner, f"{place}.{name}")
    if schema["type"] == "array" or "items" in schema:
        yield from _schema_problems(schema.get("items"), f"{place}[]")


# --- small --------------------------------------------------------------------------------


def _problems_in(convert: Callable[[Any], object], values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        try:
            convert(value)
        except DefinitionError as error:
            yield from error.problems


def _set(tool: BuiltInTool, **fields: Any) -> None:
    """Set the fields of a frozen record whose `__init__` is its own."""
    for name, value in fields.items():
        object.__setattr__(tool, name, value)


def _filled(**fields: Any) -> dict[str, Any]:
    """A copy of what is given."""
    return copy.deepcopy({name: value for name, value in fields.items() if value is not None})


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def is_between(least: float, value: object, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return least <= value <= most


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _is_text_map(value: object) -> bool:
    """Whether it is texts by name, and no schema."""
    return (
        _is_object(value)
        and all(isinstance(each, str) for pair in value.items() for each in pair)
        and value.get("type") not in _SCHEMA_TYPES
    )
