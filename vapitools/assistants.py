"""An assistant as a plain declaration, in the friendly spelling."""

from __future__ import annotations

import copy
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, TypeGuard, TypeVar, get_args

from typing_extensions import Unpack

from ._spelling import did_you_mean
from .builtin_tools import BuiltInTool, is_between, is_id, tool_json, tool_name
from .errors import DefinitionError
from .server_messages import CHOOSABLE
from .tools import Tool
from .toolset import AnyTool, Toolset

T = TypeVar("T")

Part = str | Mapping[str, Any]
"""`"provider/name"`, or the API's own object."""
ToolLike = AnyTool | Toolset | BuiltInTool | Mapping[str, Any]
"""A tool of ours, several, one of Vapi's own, or the API's own object."""
FirstMessageMode = Literal[
    "assistant-speaks-first",
    "assistant-speaks-first-with-model-generated-message",
    "assistant-waits-for-user",
]

# How the names of models begin that only one provider makes.
_MAKERS = {
    "gpt-": "openai",
    "chatgpt-": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "claude-": "anthropic",
    "gemini-": "google",
    "grok-": "xai",
    "chat-latest": "openai",
    "deepseek-chat": "deep-seek",
    "deepseek-reasoner": "deep-seek",
    "MiniMax-": "minimax",
    "inflection_": "inflection-ai",
    "compound-beta": "groq",
}
_TEXTS = {
    "name": 40,
    "first_message": None,
    "system_prompt": None,
    "renamed_from": None,
    "voicemail_message": 1000,
    "end_call_message": 1000,
}
_FILLED = ("name", "system_prompt")
_MODES = get_args(FirstMessageMode)
_MIN_DURATION, _MAX_DURATION = 10, 43200
_NO_ID = "must be a UUID, as Vapi gives it"


@dataclass(frozen=True)
class _Spelling:
    """How a part of an assistant is written as text.

    Args:
        key: The field that the name goes into.
        example: One.
        providers: Those that need nothing besides the name.
        nameless: Those that have no names.
        makers: How names begin that say who the provider is.
    """

    key: str
    example: str
    providers: Sequence[str]
    nameless: Sequence[str] = ()
    makers: Mapping[str, str] | None = None

    def read(self, text: str) -> dict[str, str] | None:
        provider, slash, name = text.partition("/")
        if not slash:
            provider, name = self._maker(text), text
        if provider in self.providers and name.strip():
            return {"provider": provider, self.key: name}
        return {"provider": text} if text in self.nameless else None

    def _maker(self, name: str) -> str:
        makers = self.makers or {}
        return next((maker for start, maker in makers.items() if name.startswith(start)), "")


# The providers of https://docs.vapi.ai/api-reference/assistants/create
_SPELLINGS = {
    "model": _Spelling(
        "model",
        "openai/gpt-4o",
        """
        anthropic anthropic-bedrock anyscale cerebras deepinfra deep-seek google groq inflection-ai
        minimax openai openrouter perplexity-ai together-ai vapi xai
        """.split(),
        makers=_MAKERS,
    ),
    "voice": _Spelling(
        "voiceId",
        "vapi/Elliot",
        """
        11labs azure cartesia deepgram hume inworld lmnt microsoft minimax openai playht rime-ai
        smallest-ai tavus vapi wellsaid xai
        """.split(),
    ),
    "transcriber": _Spelling(
        "model",
        "deepgram/nova-3",
        "11labs cartesia deepgram gladia google openai soniox talkscriber xai".split(),
        nameless="assembly-ai azure vapi".split(),
    ),
}


@dataclass(frozen=True)
class SavedAssistant:
    """An assistant that is stored at Vapi.

    Args:
        id: Vapi's id of it.
        variables: Values for its `{{…}}`, for this call.
        overrides: Other fields of it that are different in this call, as the API takes them.
    """

    id: str
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    overrides: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> dict[str, Any]:
        """The answer to an `assistant-request`."""
        overrides = dict(self.overrides)
        if self.variables:
            overrides["variableValues"] = {
                **(overrides.get("variableValues") or {}),
                **self.variables,
            }
        return {"assistantId": self.id, **({"assistantOverrides": overrides} if overrides else {})}


class AssistantFields(TypedDict, total=False):
    """The fields of the API that need no spelling of ours. What is in them is as the API has it."""

    analysis_plan: Mapping[str, Any] | None
    artifact_plan: Mapping[str, Any] | None
    background_sound: str | None
    background_speech_denoising_plan: Mapping[str, Any] | None
    client_messages: Sequence[str] | None
    compliance_plan: Mapping[str, Any] | None
    credential_ids: Sequence[str] | None
    credentials: Sequence[Mapping[str, Any]] | None
    end_call_message: str | None
    end_call_phrases: Sequence[str] | None
    first_message_interruptions_enabled: bool | None
    first_message_mode: FirstMessageMode | None
    hooks: Sequence[Mapping[str, Any]] | None
    keypad_input_plan: Mapping[str, Any] | None
    max_duration_seconds: float | None
    metadata: Mapping[str, Any] | None
    model_output_in_messages_enabled: bool | None
    monitor_plan: Mapping[str, Any] | None
    observability_plan: Mapping[str, Any] | None
    server: Mapping[str, Any] | None
    start_speaking_plan: Mapping[str, Any] | None
    stop_speaking_plan: Mapping[str, Any] | None
    transport_configurations: Sequence[Mapping[str, Any]] | None
    voicemail_detection: Mapping[str, Any] | Literal["off"] | None
    voicemail_message: str | None


# What is not among them would be dropped silently.
_FIELDS = tuple(AssistantFields.__annotations__)
_ARGUMENTS = """
    name first_message system_prompt model voice transcriber tools server_messages renamed_from
""".split()


class Assistant:
    """A voice assistant, declared.

    Args:
        name: At most 40 characters.
        first_message: What it says first.
        system_prompt: What it is told to be and to do.
        model: `"openai/gpt-4o"`, a name whose provider is plain, or the API's own object. One that
            is declared needs a system prompt; without one, `apply` keeps the model that the
            assistant has at Vapi.
        voice: `"vapi/Elliot"`, or the API's own object.
        transcriber: `"deepgram/nova-3"`, or the API's own object.
        tools: What it can call: our tools, Vapi's own such as `EndCall()`, others as the API's own
            objects. Without them, an assistant that is returned to an `assistant-request` gets
            the tools of the router.
        server_messages: What Vapi is to send. Without it, what the server handles.
        renamed_from: The name that it had before, so that it is found again at Vapi.
        extra: Fields that are newer than this package, in the API's own spelling.
        fields: Any other field of the API, in snake case: `max_duration_seconds=600`. What is in
            it is as the API takes it.

    Attributes:
        name: Its name.
        renamed_from: The name that it had before.
        tools: Our tools alone; None when `tools` was not given.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        first_message: str | None = None,
        system_prompt: str | None = None,
        model: Part | None = None,
        voice: Part | None = None,
        transcriber: Part | None = None,
        tools: Toolset | Iterable[ToolLike] | None = None,
        server_messages: Sequence[str] | None = None,
        renamed_from: str | None = None,
        extra: Mapping[str, Any] | None = None,
        **fields: Unpack[AssistantFields],
    ) -> None:
        given: dict[str, Any] = {"name": name, "first_message": first_message, **fields}
        texts = {**given, "system_prompt": system_prompt, "renamed_from": renamed_from}
        problems = [*_text_problems(texts), *_field_problems(given)]
        self.name = name
        self.renamed_from = renamed_from
        self.tools, self._inline = _sorted(tools, problems)
        read = _part("model", model, problems)
        self._has_model = model is not None
        self._model = _with_prompt(read or {}, system_prompt, problems)
        if read is not None:
            problems += _model_problems(self._model)
        parts = {
            "voice": _part("voice", voice, problems),
            "transcriber": _part("transcriber", transcriber, problems),
        }
        named = {_camel(word): value for word, value in {**given, **parts}.items()}
        self._fields = copy.deepcopy({k: v for k, v in named.items() if v is not None})
        self._extra = copy.deepcopy(dict(extra or {}))
        problems += _clashes(self._model.get("tools"), self._inline, self.tools or ())
        problems += _server_message_problems(server_messages)
        problems += _extra_problems(extra or {})
        self._refuse(problems)
        self._server_messages = None if server_messages is None else list(server_messages)

    @property
    def inline_tools(self) -> list[dict[str, Any]]:
        """The tools that are not ours, as the API has them: the model's own, then the others."""
        return copy.deepcopy([*(self._model.get("tools") or ()), *self._inline])

    def declared(
        self,
        *,
        base_url: str | None = None,
        server: Mapping[str, Any] | None = None,
        tools: Toolset | None = None,
        server_messages: Sequence[str] | None = None,
        tool_ids: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """What is declared, as the API takes it, and nothing else.

        Without a declared model, `model` holds the `messages`, `tools` and `toolIds` alone.

        Args:
            base_url: Where the router is reachable from outside: the assistant and each of its
                tools get their own address there.
            server: More of Vapi's `server` fields, such as `secret` or `credentialId`.
            tools: Its tools, when it was declared without.
            server_messages: What Vapi is to send, when that was not declared.
            tool_ids: Vapi's ids of our tools. With them, our tools do not stand inline.
        """
        declared: dict[str, Any] = copy.deepcopy(self._fields)
        ours = self.tools if self.tools is not None else tools or Toolset([])
        inline = [] if tool_ids is not None else ours.definitions(base_url=base_url, server=server)
        if model := self._with_tools(inline, tool_ids or ()):
            declared["model"] = model
        wanted = server_messages if self._server_messages is None else self._server_messages
        if wanted is not None:
            declared["serverMessages"] = list(wanted)
        # One with an address of its own is somebody else's, who is not to learn our secret.
        if base_url is not None and "url" not in declared.get("server", {}):
            url = f"{base_url.rstrip('/')}/webhook"
            declared["server"] = {"url": url, **(server or {}), **declared.get("server", {})}
        return {**declared, **copy.deepcopy(self._extra)}

    def definition(
        self,
        *,
        base_url: str | None = None,
        server: Mapping[str, Any] | None = None,
        tools: Toolset | None = None,
        server_messages: Sequence[str] | None = None,
        tool_ids: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """The whole assistant, as `POST https://api.vapi.ai/assistant` takes it.

        Takes what `declared` takes.

        Raises:
            DefinitionError: A system prompt or tools are declared, and no model to hold them.
        """
        if not self._has_model:
            self._refuse(self._homeless(tool_ids))
        return self.declared(
            base_url=base_url,
            server=server,
            tools=tools if self._has_model else None,
            server_messages=server_messages,
            tool_ids=tool_ids,
        )

    def _with_tools(
        self, inline: Sequence[Mapping[str, Any]], ids: Sequence[str]
    ) -> dict[str, Any]:
        model = copy.deepcopy(self._model)
        if all_tools := [*self.inline_tools, *inline]:
            model["tools"] = all_tools
        if ids:
            model["toolIds"] = list(dict.fromkeys([*(model.get("toolIds") or ()), *ids]))
        return model

    def _homeless(self, tool_ids: Sequence[str] | None) -> Iterable[str]:
        """What lives in a model, of an assistant that has none."""
        parts = {"system_prompt": self._model, "tools": self._inline or self.tools or tool_ids}
        if words := [word for word, value in parts.items() if value]:
            yield (
                f"to create it, a model is needed for its {' and '.join(words)}, such as "
                "model='openai/gpt-4o'"
            )

    def _refuse(self, problems: Iterable[str]) -> None:
        label = f"Assistant {self.name!r}" if self.name else "Assistant"
        if found := [f"{label}: {problem}" for problem in problems]:
            raise DefinitionError(found)

    def __repr__(self) -> str:
        return f"<Assistant {self.name!r}>" if self.name else "<Assistant>"


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


def _sorted(
    tools: Toolset | Iterable[ToolLike] | None, problems: list[str]
) -> tuple[Toolset | None, list[dict[str, Any]]]:
    """Our tools, and the others as the API has them."""
    if tools is None or isinstance(tools, Toolset):
        return tools, []
    if isinstance(tools, (Tool, BuiltInTool, Mapping, str)) or not isinstance(tools, Iterable):
        problems.append("tools must be a list, such as [find_tables, EndCall()], or a Toolset")
        return None, []
    ours: list[AnyTool] = []
    others: list[dict[str, Any]] = []
    for tool in tools:
        if isinstance(tool, Toolset):
            ours += tool
        elif isinstance(tool, (BuiltInTool, Mapping)):
            read = _collect(problems, functools.partial(tool_json, tool))
            others += [] if read is None else [read]
        else:
            ours.append(tool)
    return _collect(problems, lambda: Toolset(ours)), others


def _collect(problems: list[str], step: Callable[[], T]) -> T | None:
    """Take one step; what is wrong with it joins the other problems."""
    try:
        return step()
    except DefinitionError as error:
        problems += error.problems
        return None


def _part(word: str, value: Part | None, problems: list[str]) -> dict[str, Any] | None:
    """A model, a voice or a transcriber as the API takes it."""
    if isinstance(value, Mapping):
        return copy.deepcopy(dict(value))
    spelling = _SPELLINGS[word]
    found = spelling.read(value) if isinstance(value, str) else None
    if found is None and value is not None:
        problems.append(_part_problem(word, value, spelling))
    return found


def _part_problem(word: str, value: object, spelling: _Spelling) -> str:
    provider = str(value).partition("/")[0]
    alone = f"; or alone: {', '.join(spelling.nameless)}" if spelling.nameless else ""
    return (
        f"{word}={value!r} must be like {spelling.example!r}, or the API's own object. "
        f"Providers that can be written so: {', '.join(spelling.providers)}{alone}."
        f"{did_you_mean(provider, [*spelling.providers, *spelling.nameless])}"
    )


def _with_prompt(model: dict[str, Any], prompt: str | None, problems: list[str]) -> dict[str, Any]:
    messages: Any = model.get("messages") or []
    if prompt is None or not _is_list(messages):
        return model
    if _has_prompt(messages):
        problems.append("there is a system_prompt, and a system message in the model; keep one")
    return {**model, "messages": [{"role": "system", "content": prompt}, *messages]}


def _has_prompt(messages: object) -> bool:
    return _is_list(messages) and any(
        _is_object(message)
        and message.get("role") == "system"
        and str(message.get("content") or "").strip()
        for message in messages
    )


# --- what can be wrong --------------------------------------------------------------------


def _text_problems(given: Mapping[str, Any]) -> Iterable[str]:
    for word, most in _TEXTS.items():
        value = given.get(word)
        if value is None:
            continue
        if not isinstance(value, str):
            yield f"{word} must be text, not {type(value).__name__}"
        elif most is not None and len(value) > most:
            yield f"the {word} has {len(value)} characters; {most} are the most"
        elif word in _FILLED and not value.strip():
            yield f"the {word} is blank; write one, or leave it out"


def _field_problems(given: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with the fields that stand outside of the model."""
    yield from _server_problems(given.get("server"))
    yield from _id_problems("credential_ids", given.get("credential_ids") or [])
    duration = given.get("max_duration_seconds")
    if duration is not None and not is_between(_MIN_DURATION, duration, _MAX_DURATION):
        yield f"max_duration_seconds={duration!r} must be {_MIN_DURATION} to {_MAX_DURATION}"
    mode = given.get("first_message_mode")
    if mode is not None and mode not in _MODES:
        hint = did_you_mean(str(mode), _MODES)
        yield f"first_message_mode={mode!r} must be one of {', '.join(_MODES)}.{hint}"
    for word in given:
        if word not in (*_ARGUMENTS, *_FIELDS):
            yield (
                f"an assistant has no {word!r}.{did_you_mean(word, [*_ARGUMENTS, *_FIELDS])} "
                "Fields of its model, voice or transcriber go into that object, such as "
                "model={'provider': 'openai', 'model': 'gpt-4o', 'temperature': 0}, and fields "
                "newer than vapitools into extra={…}."
            )


def _server_problems(server: object) -> Iterable[str]:
    if server is None:
        return
    if not _is_object(server):
        yield "server must be the API's own object, such as {'url': 'https://…'}"
    elif server.get("credentialId") is not None and not is_id(server["credentialId"]):
        yield f"server: credentialId {_NO_ID}"


def _model_problems(model: Mapping[str, Any]) -> Iterable[str]:
    messages: Any = model.get("messages") or []
    refs: Any = model.get("toolRefs") or []
    objects: dict[str, Any] = {"messages": messages, "tools": model.get("tools") or []}
    for word, value in objects.items():
        if not _is_list(value) or not all(map(_is_object, value)):
            yield f"the model's {word} must be a list of the API's own objects"
    # A model server of one's own may bring its own prompt.
    if not _has_prompt(messages) and model.get("provider") != "custom-llm":
        yield "the model needs a prompt: write system_prompt='You are …'"
    yield from _id_problems("the model's toolIds", model.get("toolIds") or [])
    pinned = [_is_object(each) and each.get("toolId") for each in refs] if _is_list(refs) else refs
    yield from _id_problems("the model's toolRefs", pinned)


def _id_problems(place: str, ids: object) -> Iterable[str]:
    if not _is_list(ids):
        yield f"{place} must be a list of ids"
        return
    yield from (f"{place}[{i}] {_NO_ID}" for i, each in enumerate(ids) if not is_id(each))


def _clashes(
    own: object, others: Iterable[Mapping[str, Any]], ours: Iterable[AnyTool]
) -> Iterable[str]:
    named = [each for each in own if _is_object(each)] if _is_list(own) else []
    names = [*map(tool_name, [*named, *others]), *(tool.name for tool in ours)]
    for name, count in Counter(names).items():
        if name is not None and count > 1:
            yield f"there are {count} tools named {name!r}; give one of them another name"


def _extra_problems(extra: Mapping[str, Any]) -> Iterable[str]:
    if "model" in extra:
        yield "extra: 'model' has an argument of its own; here it would lose the tools"


def _server_message_problems(types: Sequence[str] | None) -> Iterable[str]:
    if types is not None and (isinstance(types, str) or not isinstance(types, Sequence)):
        yield "server_messages must be a list, such as ['tool-calls']"
        return
    for type_ in map(str, types or ()):
        if type_ not in CHOOSABLE:
            yield (
                f"server_messages: {type_!r} cannot be chosen; a type newer than vapitools goes "
                f"into extra={{'serverMessages': […]}}.{did_you_mean(type_, CHOOSABLE)}"
            )


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))
