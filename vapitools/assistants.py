"""An assistant as a plain declaration, in the friendly spelling."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import DefinitionError
from .server_messages import CHOOSABLE
from .toolset import AnyTool, Toolset

Part = str | Mapping[str, Any]
"""`"provider/name"`, or the API's own object."""

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
}
_MAX_NAME = 40


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

# What can be given by keyword, in snake case. What is not among them would be dropped silently.
_FIELDS = """
    analysis_plan artifact_plan background_sound background_speech_denoising_plan client_messages
    compliance_plan credential_ids credentials end_call_message end_call_phrases
    first_message_interruptions_enabled first_message_mode hooks keypad_input_plan
    max_duration_seconds metadata model_output_in_messages_enabled monitor_plan observability_plan
    server start_speaking_plan stop_speaking_plan transport_configurations voicemail_detection
    voicemail_message
""".split()
_ARGUMENTS = (
    "name first_message system_prompt model voice transcriber tools server_messages".split()
)


class Assistant:
    """A voice assistant, declared.

    Args:
        name: At most 40 characters.
        first_message: What it says first.
        system_prompt: What it is told to be and to do.
        model: `"openai/gpt-4o"`, a name whose provider is plain, or the API's own object.
        voice: `"vapi/Elliot"`, or the API's own object.
        transcriber: `"deepgram/nova-3"`, or the API's own object.
        tools: What it can call. Without them, an assistant that is returned to an
            `assistant-request` gets the tools of the router. Either way it needs a model.
        server_messages: What Vapi is to send. Without it, what the server handles.
        extra: Fields that are newer than this package, in the API's own spelling.
        fields: Any other field of the API, in snake case: `max_duration_seconds=600`. What is in
            it is as the API takes it.

    Raises:
        DefinitionError: All that is wrong, each with what to write instead.
    """

    def __init__(
        self,
        *,
        name: str | None = None,
        first_message: str | None = None,
        system_prompt: str | None = None,
        model: Part | None = None,
        voice: Part | None = None,
        transcriber: Part | None = None,
        tools: Toolset | Iterable[AnyTool] | None = None,
        server_messages: Sequence[str] | None = None,
        extra: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        texts = {"name": name, "first_message": first_message, "system_prompt": system_prompt}
        problems = [*_text_problems(texts), *_field_problems(fields)]
        self.name = name
        self.tools = _toolset(tools, problems)
        self._model = _part("model", model, problems)
        if self._model is not None and system_prompt is not None:
            self._model = _with_prompt(self._model, system_prompt, problems)
        elif model is None:
            problems += _homeless(system_prompt=system_prompt, tools=self.tools)
        given: dict[str, Any] = {
            "name": name,
            "firstMessage": first_message,
            "voice": _part("voice", voice, problems),
            "transcriber": _part("transcriber", transcriber, problems),
            **{_camel(field): value for field, value in fields.items()},
        }
        self._fields = copy.deepcopy({k: v for k, v in given.items() if v is not None})
        self._extra = copy.deepcopy(dict(extra or {}))
        problems += _server_message_problems(server_messages)
        if problems:
            label = f"Assistant {name!r}" if name else "Assistant"
            raise DefinitionError(f"{label}: {problem}" for problem in problems)
        self._server_messages = None if server_messages is None else list(server_messages)

    def definition(
        self,
        *,
        base_url: str | None = None,
        server: Mapping[str, Any] | None = None,
        tools: Toolset | None = None,
        server_messages: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """The whole assistant, as `POST https://api.vapi.ai/assistant` takes it.

        Args:
            base_url: Where the router is reachable from outside: the assistant and each of its
                tools get their own address there.
            server: More of Vapi's `server` fields, such as `secret` or `credentialId`.
            tools: Its tools, when it was declared without.
            server_messages: What Vapi is to send, when that was not declared.
        """
        definition: dict[str, Any] = copy.deepcopy(self._fields)
        if self._model is not None:
            toolset = self.tools if self.tools is not None else tools or Toolset([])
            definition["model"] = _with_tools(
                self._model, toolset.definitions(base_url=base_url, server=server)
            )
        wanted = server_messages if self._server_messages is None else self._server_messages
        if wanted is not None:
            definition["serverMessages"] = list(wanted)
        # One with an address of its own is somebody else's, who is not to learn our secret.
        if base_url is not None and "url" not in definition.get("server", {}):
            url = f"{base_url.rstrip('/')}/webhook"
            definition["server"] = {"url": url, **(server or {}), **definition.get("server", {})}
        return {**definition, **copy.deepcopy(self._extra)}

    def __repr__(self) -> str:
        return f"<Assistant {self.name!r}>" if self.name else "<Assistant>"


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


def _toolset(tools: Toolset | Iterable[AnyTool] | None, problems: list[str]) -> Toolset | None:
    if tools is None or isinstance(tools, Toolset):
        return tools
    try:
        return Toolset(tools)
    except TypeError:
        problems.append("tools must be a list of tools, or a Toolset")
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
        f"{_did_you_mean(provider, [*spelling.providers, *spelling.nameless])}"
    )


def _with_prompt(model: dict[str, Any], prompt: str, problems: list[str]) -> dict[str, Any]:
    messages: Any = model.get("messages") or []
    try:
        has_prompt = any(message.get("role") == "system" for message in messages)
    except (AttributeError, TypeError):
        problems.append("the model's messages must be a list of {'role': …, 'content': …}")
        return model
    if has_prompt:
        problems.append("there is a system_prompt, and a system message in the model; keep one")
    return {**model, "messages": [{"role": "system", "content": prompt}, *messages]}


def _with_tools(model: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    copied = copy.deepcopy(dict(model))
    return {**copied, "tools": [*(copied.get("tools") or ()), *tools]} if tools else copied


# --- what can be wrong --------------------------------------------------------------------


def _text_problems(texts: Mapping[str, Any]) -> Iterable[str]:
    for word, value in texts.items():
        if value is not None and not isinstance(value, str):
            yield f"{word} must be text, not {type(value).__name__}"
    name = texts["name"]
    if isinstance(name, str) and len(name) > _MAX_NAME:
        yield f"the name has {len(name)} characters; {_MAX_NAME} are the most"


def _field_problems(fields: Mapping[str, Any]) -> Iterable[str]:
    if not isinstance(fields.get("server", {}), Mapping):
        yield "server must be the API's own object, such as {'url': 'https://…'}"
    for field in fields:
        if field not in _FIELDS:
            yield (
                f"an assistant has no {field!r}; fields of its model, voice or transcriber go into "
                "that object, such as model={'provider': 'openai', 'model': 'gpt-4o', "
                "'temperature': 0}, and fields newer than vapitools into extra={…}."
                f"{_did_you_mean(field, [*_ARGUMENTS, *_FIELDS])}"
            )


def _homeless(**parts: object) -> Iterable[str]:
    for word, value in parts.items():
        if value:
            yield f"{word} needs a model, such as model='openai/gpt-4o'"


def _server_message_problems(types: Sequence[str] | None) -> Iterable[str]:
    if types is not None and (isinstance(types, str) or not isinstance(types, Sequence)):
        yield "server_messages must be a list, such as ['tool-calls']"
        return
    for type_ in map(str, types or ()):
        if type_ not in CHOOSABLE:
            yield (
                f"server_messages: {type_!r} cannot be chosen; a type newer than vapitools goes "
                f"into extra={{'serverMessages': […]}}.{_did_you_mean(type_, CHOOSABLE)}"
            )


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {close[0]!r}?" if close and close[0] != word else ""
