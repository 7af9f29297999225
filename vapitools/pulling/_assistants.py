"""An assistant at Vapi → a module with its `Assistant(…)` and a function for each tool."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..assistants import Assistant
from ..builtin_tools import tool_name
from ..errors import DefinitionError
from ._builtin import built_in
from ._json import Object, as_list, as_object, is_object, objects, shown
from ._layout import (
    WIDTH,
    Bracket,
    Node,
    Part,
    Text,
    block,
    call,
    comment,
    docstring,
    expression,
    laid,
    wrapped,
)
from ._names import HOMES, variable
from ._stubs import DEFAULT_TIMEOUT, PLATFORM, secrets_text, stub
from ._types import Module
from ._withheld import without_secrets

_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# Longer ones stand by themselves.
_SHORT = 60
# What `vapitools apply` leaves at an assistant, to know it again.
_MARK = "vapitools"
_FIRST = frozenset({"name", "firstMessage", "model", "voice", "transcriber"})
_SHARED = frozenset({"messages", "toolIds", "toolRefs"})
_DROPPED = PLATFORM | {"isServerUrlSecretSet", "serverUrl"}
# The server that was, which is not the one that will be.
_OLD_SERVER = ("url", "credentialId")


def source(assistant: Object, tools: Sequence[Object]) -> str:
    """Python code that declares the assistant, with a function to be written for each tool.

    What the code cannot say stands in a comment, and what is secret is left out with one.

    Args:
        assistant: As `GET /assistant/{id}` returns it.
        tools: Those of its `tool_ids` that were found, as `GET /tool/{id}` returns them.
    """
    return _Writer(assistant, tools).write()


def tool_ids(assistant: Object) -> list[str]:
    """The ids of the tools that the assistant has besides those inside it, each once."""
    model = as_object(assistant.get("model"))
    pinned = (ref.get("toolId") for ref in objects(model.get("toolRefs")))
    ids = [*as_list(model.get("toolIds")), *pinned]
    return list(dict.fromkeys(id for id in ids if isinstance(id, str)))


class _Writer:
    def __init__(self, assistant: Object, tools: Sequence[Object]) -> None:
        model = as_object(assistant.get("model"))
        self._tools = {tool["id"]: tool for tool in tools}
        self._ids = tool_ids(assistant)
        self._inline = objects(model.get("tools"))
        # Each of its tools is looked at by itself.
        rest = {**assistant, "model": {k: v for k, v in model.items() if k != "tools"}}
        self._assistant, self._secrets = without_secrets(rest)
        self._model: dict[str, Any] = self._assistant["model"]
        self._module = Module()
        self._functions: list[str] = []
        self._members: list[Node] = []
        self._names: set[str] = set()
        self._kept: list[str] = []
        self._notes: list[str] = []

    def write(self) -> str:
        arguments = self._arguments()
        name = self._assistant.get("name")
        variable_ = self._module.names.take(variable(str(name or "").lower(), "assistant"))
        made = laid(Part(f"{variable_} = ", call("Assistant", [], arguments)))
        made = f"{self._comments()}{made}"
        code = "\n\n\n".join([*self._module.statements, *self._functions, made])
        gap = "\n\n" if code.startswith((*"@#", "def ")) else "\n"
        return f"{_head(name, self._assistant.get('id'))}\n\n{_imports(code)}\n{gap}{code}\n"

    def _arguments(self) -> dict[str, Node]:
        kept = {
            "tools": list(self._inside()),
            "toolIds": list(self._outside()),
            "toolRefs": list(self._pinned()),
        }
        extra: dict[str, Any] = {}
        arguments = {
            **self._said(("name", "firstMessage"), extra),
            **self._model_arguments({key: value for key, value in kept.items() if value}),
            **self._said(("voice", "transcriber"), extra),
            **self._tools_argument(),
            **self._said([key for key in self._assistant if key not in _FIRST], extra),
        }
        return {**arguments, **({"extra": expression(extra)} if extra else {})}

    def _tools_argument(self) -> dict[str, Node]:
        parts = tuple(Part("", node) for node in self._members)
        return {"tools": Bracket("[", parts, "]")} if parts else {}

    # --- tools ------------------------------------------------------------------------

    def _inside(self) -> Iterator[Object]:
        """Take the tools that stand in the assistant; yields those that cannot be written."""
        for tool in self._inline:
            if _is_function(tool):
                self._take_function(tool, is_inside=True)
                continue
            known, secrets = without_secrets(tool)
            made = built_in(known)
            name = tool_name(tool)
            if name in self._names:
                self._notes.append(f"another tool named {name!r}: {shown(known)}")
            elif made is not None:
                self._members.append(expression(made))
            elif not secrets:
                yield known
            else:
                self._notes.append(f"a tool that needs what is secret: {shown(known)}")
            self._secrets += [f"{tool.get('type')}.{path}" for path in secrets]
            self._names |= {name} if name else set()

    def _outside(self) -> Iterator[str]:
        """Take the tools that stand beside the assistant; yields the ids that are kept as such."""
        for id in self._ids:
            tool = self._tools.get(id)
            if tool is None:
                self._notes.append(f"the tool {id}, which does not exist: its calls fail")
            elif _is_function(tool):
                self._take_function(tool, is_inside=False)
            else:
                self._kept.append(f"{id} is a tool of the type {tool.get('type')}")
                yield id

    def _pinned(self) -> Iterator[Object]:
        for ref in objects(self._model.get("toolRefs")):
            tool = self._tools.get(ref.get("toolId", ""))
            if tool is not None and _is_function(tool):
                self._notes.append(f"model.toolRefs = {shown(ref)}: it has this version for good")
            elif tool is not None:
                yield ref

    def _take_function(self, tool: Object, *, is_inside: bool) -> None:
        name = tool["function"]["name"]
        if name in self._names:
            where = "inside it" if is_inside else tool["id"]
            self._notes.append(f"another tool named {name!r}: {where}")
            return
        self._names.add(name)
        made = stub(tool, self._module, is_inside=is_inside)
        self._functions.append(made.code)
        self._members.append(made.name)

    # --- the model --------------------------------------------------------------------

    def _model_arguments(self, kept: Mapping[str, Any]) -> dict[str, Node]:
        prompt, messages = _prompt(objects(self._model.get("messages")))
        said = {"messages": messages} if messages else {}
        fields = {k: v for k, v in self._model.items() if k not in _SHARED and v is not None}
        model = {**fields, **said, **kept}
        given = {} if prompt is None else {"system_prompt": prompt}
        system = [] if prompt is None else [{"role": "system", "content": prompt}]
        wanted = {**model, **({"messages": [*system, *messages]} if system or messages else {})}
        arguments = {} if prompt is None else {"system_prompt": self._prompt_node(prompt)}
        for value in (_short(model, "model"), model):
            if model and _is_said({"model": value, **given}, {"model": wanted}):
                return {**arguments, "model": expression(value)}
        if model:
            self._notes.append(f"model = {shown(model)}, which needs a prompt; apply keeps it")
        return arguments

    def _prompt_node(self, prompt: str) -> Node:
        if "\n" not in prompt and len(prompt) <= _SHORT:
            return Text(prompt)
        name = self._module.names.take("SYSTEM_PROMPT")
        self._module.statements.insert(0, f"{name} = {block(prompt)}")
        return name

    # --- the other fields -------------------------------------------------------------

    def _said(self, keys: Iterable[str], extra: dict[str, Any]) -> dict[str, Node]:
        """The arguments for these fields; what has none goes into `extra`."""
        arguments: dict[str, Node] = {}
        for key in keys:
            value = self._value(key)
            if value is None:
                continue
            word = re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", key)
            written = (_short(value, key), value)
            said = [each for each in written if _is_said({word: each}, {key: value})]
            if said:
                arguments[word] = expression(said[0])
            else:
                extra[key] = value
        return arguments

    def _value(self, key: str) -> Any:
        """What is to be said of a field, if anything is."""
        value = self._assistant.get(key)
        if key == "server":
            return self._server(as_object(value))
        if key == "metadata":
            return {k: v for k, v in as_object(value).items() if k != _MARK} or None
        if key == "serverUrl" and value:
            self._notes.append(f"serverUrl = {shown(value)}")
        return None if key in _DROPPED else value

    def _server(self, server: Object) -> Object | None:
        for key in _OLD_SERVER:
            if server.get(key):
                self._notes.append(f"server.{key} = {shown(server[key])}, until now")
        rest = {k: v for k, v in server.items() if v is not None and k not in _OLD_SERVER}
        if rest.get("timeoutSeconds") == DEFAULT_TIMEOUT:
            del rest["timeoutSeconds"]
        return rest or None

    def _comments(self) -> str:
        lines: list[str] = []
        if self._secrets:
            lines.append(comment(secrets_text(self._secrets)))
        if self._notes:
            lines.append(comment("Vapi also has the following of it, which is not said here:"))
            lines += [comment(f"- {note}") for note in self._notes]
        if self._kept:
            lines.append(comment(f"In toolIds, {', '.join(self._kept)}; they stay as they are."))
        return "".join(f"{line}\n" for line in lines)


# --- the file -----------------------------------------------------------------------------


def _head(name: object, id: object) -> str:
    lines = [f"The assistant {name!r}, as it was at Vapi." if name else "An assistant of Vapi's."]
    if id:
        lines += ["", f"Its id there is {id}."]
    wrapped_lines = (each for line in lines for each in wrapped(line, '"""') or [""])
    return docstring(wrapped_lines, "")[0]


def _imports(code: str) -> str:
    """The imports of what the code uses: the standard library's, then the others."""
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    by_home: dict[str, list[str]] = {}
    for name in sorted(used & HOMES.keys()):
        by_home.setdefault(HOMES[name], []).append(name)
    own = {"pydantic", "vapitools"}
    blocks = [sorted(by_home.keys() - own), sorted(by_home.keys() & own)]
    return "\n\n".join(
        "\n".join(_import(home, by_home[home]) for home in homes) for homes in blocks if homes
    )


def _import(home: str, names: Sequence[str]) -> str:
    line = f"from {home} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return laid(Part(f"from {home} import ", Bracket("(", tuple(Part("", n) for n in names), ")")))


# --- small --------------------------------------------------------------------------------


def _is_function(tool: Object) -> bool:
    name = as_object(tool.get("function")).get("name")
    is_named = isinstance(name, str) and _FUNCTION_NAME.fullmatch(name) is not None
    return tool.get("type") == "function" and is_named


def _prompt(messages: Sequence[Object]) -> tuple[str | None, list[Object]]:
    """The system prompt, where there is one that stands first, and the other messages."""
    first, *rest = messages or [{}]
    content = first.get("content")
    is_only = not any(message.get("role") == "system" for message in rest)
    is_plain = dict(first) == {"role": "system", "content": content}
    if is_plain and is_only and isinstance(content, str) and content.strip():
        return content, rest
    return None, list(messages)


def _short(value: Any, key: str) -> Any:
    """A model, a voice or a transcriber as text, if it can be one."""
    names = {"model": "model", "voice": "voiceId", "transcriber": "model"}
    if not is_object(value) or key not in names:
        return value
    provider, name = value.get("provider"), value.get(names[key])
    return provider if name is None else f"{provider}/{name}"


def _is_said(arguments: Mapping[str, Any], wanted: Object) -> bool:
    """Whether these arguments of `Assistant` say that and nothing else."""
    try:
        return Assistant(**arguments).declared() == wanted
    except (DefinitionError, TypeError):
        return False
