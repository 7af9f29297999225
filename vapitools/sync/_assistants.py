"""An assistant as it is declared, as it is stored, and what has to be sent.

Vapi replaces each field that is sent whole. So `model` is always sent whole, with all in it that
others have put there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..assistants import Assistant
from . import _marks
from ._comparison import Fields
from ._declaration import Declaration
from ._json import as_list, as_object
from ._marks import Mark
from ._remote import Stored

TOOLS = "model.toolIds"
INLINE = "model.tools."
_MODEL, _METADATA, _MESSAGES = "model.", "metadata.", "model.messages"
# What several people write into, so that only a part of it is ours.
_SHARED = frozenset({"messages", "tools", "toolIds"})


def declared(assistant: Assistant, declaration: Declaration, also: Iterable[str]) -> Fields:
    """The fields of an assistant that is to be there; its tools by their names.

    Args:
        assistant: The assistant.
        declaration: What else is to be there.
        also: The ids of tools that are not ours, which the declaration names too.
    """
    body = assistant.declared(
        base_url=declaration.url,
        server=declaration.server,
        tools=declaration.toolset,
        server_messages=declaration.server_messages,
        tool_ids=[],
    )
    model = as_object(body.pop("model", None))
    metadata = as_object(body.pop("metadata", None))
    names = [*declaration.tools_of(assistant).names, *also]
    return {
        **body,
        **{_METADATA + key: value for key, value in metadata.items()},
        **{_MODEL + key: value for key, value in model.items() if key not in _SHARED},
        **({_MESSAGES: model["messages"]} if model.get("messages") else {}),
        **{INLINE + key: tool for key, tool in _keyed(model.get("tools")).items()},
        **({TOOLS: sorted(names)} if names or assistant.tools is not None else {}),
    }


def ids_declared(assistant: Assistant) -> list[str]:
    """The tool ids that the declaration itself names in its model."""
    model = as_object(assistant.declared(tool_ids=[]).get("model"))
    return as_list(model.get("toolIds"))


def pins_declared(assistant: Assistant) -> list[str]:
    """The tool ids of which the declaration itself pins a version."""
    return [str(ref.get("toolId")) for ref in refs(assistant.declared(tool_ids=[]))]


def stored(
    assistant: Stored,
    fields: Fields,
    mark: Mark | None,
    tools: Mapping[str, str],
    replaced: Iterable[str] = (),
) -> Fields:
    """The same fields of an assistant at Vapi, and what was ours of it before.

    Args:
        assistant: The assistant at Vapi.
        fields: What is declared of it.
        mark: Its mark.
        tools: The names of our tools, by id.
        replaced: The names of function tools in the assistant itself that ours take the place of.
    """
    model = as_object(assistant.get("model"))
    inline = _keyed(model.get("tools"))
    before = [path for path in (mark.sent if mark else ()) if path.startswith(INLINE)]
    before += [f"{INLINE}function:{name}" for name in replaced]
    found: dict[str, Any] = {}
    for path in dict.fromkeys([*fields, *before, TOOLS]):
        if path == TOOLS:
            ids = {*tool_ids(assistant), *(str(ref.get("toolId")) for ref in refs(assistant))}
            names = sorted(tools[id] for id in ids if id in tools)
            if names or path in fields:
                found[path] = names
        elif path == _MESSAGES:
            found[path] = _like(fields[path], as_list(model.get("messages")))
        elif path.startswith(INLINE):
            found[path] = inline.get(path.removeprefix(INLINE))
        elif path.startswith(_MODEL):
            found[path] = model.get(path.removeprefix(_MODEL))
        elif path.startswith(_METADATA):
            found[path] = as_object(assistant.get("metadata")).get(path.removeprefix(_METADATA))
        else:
            found[path] = assistant.get(path)
    return found


def new(assistant: Assistant, declaration: Declaration, ids: Sequence[str]) -> dict[str, Any]:
    """The body that makes the assistant, without its mark.

    Raises:
        DefinitionError: It has no model.
    """
    return assistant.definition(
        base_url=declaration.url,
        server=declaration.server,
        tools=declaration.toolset,
        server_messages=declaration.server_messages,
        tool_ids=list(ids),
    )


def changed(
    assistant: Stored, fields: Fields, written: Iterable[str], ids: Mapping[str, str]
) -> dict[str, Any]:
    """The body that changes it, without its mark.

    Args:
        assistant: The assistant at Vapi.
        fields: What is declared of it.
        written: The fields that differ.
        ids: Our tools' names by id, those that are no longer declared among them.
    """
    written = list(written)
    body = {path: fields[path] for path in written if not path.startswith((_MODEL, _METADATA))}
    if any(path.startswith(_MODEL) for path in written):
        body["model"] = _merged(_kept(assistant, fields, written), fields, written, ids)
    return body


def _kept(assistant: Stored, fields: Fields, written: Sequence[str]) -> dict[str, Any]:
    """The model that is there. Another provider has no use for what was for the old one."""
    model = as_object(assistant.get("model"))
    mark = _marks.of_assistant(assistant)
    if "model.provider" not in written or mark is None:
        return model
    gone = [path for path in mark.sent if path not in fields]
    return {key: value for key, value in model.items() if _MODEL + key not in gone}


def marked(assistant: Stored, fields: Fields, mark: Mark) -> dict[str, Any]:
    """The assistant's metadata, whole, with the mark in it."""
    ours = {
        path.removeprefix(_METADATA): value
        for path, value in fields.items()
        if path.startswith(_METADATA)
    }
    return {**as_object(assistant.get("metadata")), **ours, _marks.KEY: mark.dump()}


def detached(assistant: Stored, ids: Iterable[str]) -> dict[str, Any]:
    """The body that takes tools from an assistant, whoever made that."""
    return {"model": _without(as_object(assistant.get("model")), set(ids))}


def has_tool(assistant: Stored, id: str) -> bool:
    """Whether an assistant at Vapi refers to a tool."""
    return id in tool_ids(assistant) or any(ref.get("toolId") == id for ref in refs(assistant))


def tool_ids(assistant: Stored) -> list[str]:
    """The ids in an assistant's `toolIds`."""
    return as_list(as_object(assistant.get("model")).get("toolIds"))


def refs(assistant: Stored) -> list[dict[str, Any]]:
    """The pinned versions in an assistant's `toolRefs`."""
    return [as_object(ref) for ref in as_list(as_object(assistant.get("model")).get("toolRefs"))]


def inline_names(assistant: Stored) -> list[str]:
    """The names of the function tools that stand in an assistant itself."""
    tools = as_list(as_object(assistant.get("model")).get("tools"))
    functions = (as_object(as_object(tool).get("function")) for tool in tools)
    return [str(function["name"]) for function in functions if function.get("name")]


def lost(sent: Mapping[str, Any], kept: Stored) -> list[str]:
    """What was sent in a model and is not there when it is read back."""
    before, after = as_object(sent.get("model")), as_object(kept.get("model"))
    missing = [f"tool {id}" for id in as_list(before.get("toolIds")) if id not in tool_ids(kept)]
    missing += [
        f"tool {key}"
        for key in _keyed(before.get("tools"))
        if key not in _keyed(after.get("tools"))
    ]
    roles = [len(as_list(model.get("messages"))) for model in (before, after)]
    return [*missing, *(["a message of the model"] if roles[0] > roles[1] else [])]


def _merged(
    model: Mapping[str, Any], fields: Fields, written: Sequence[str], ids: Mapping[str, str]
) -> dict[str, Any]:
    wanted = {id for id, name in ids.items() if name in fields.get(TOOLS, ())}
    merged = _without(model, set(ids) - wanted)
    present = as_list(merged.get("toolIds"))
    if added := [id for id in ids if id in wanted and id not in present]:
        merged["toolIds"] = [*present, *added]
    for path in written:
        key = path.removeprefix(_MODEL)
        if path.startswith(_MODEL) and key not in _SHARED and not path.startswith(INLINE):
            merged[key] = fields[path]
    if _MESSAGES in written:
        merged["messages"] = _joined(fields[_MESSAGES], as_list(model.get("messages")))
    inline = _keyed(model.get("tools"))
    for path in written:
        if path.startswith(INLINE):
            inline[path.removeprefix(INLINE)] = fields.get(path)
    if any(path.startswith(INLINE) for path in written):
        merged["tools"] = [tool for tool in inline.values() if tool is not None]
    return merged


def _without(model: Mapping[str, Any], ids: set[str]) -> dict[str, Any]:
    rest = dict(model)
    if "toolIds" in model:
        rest["toolIds"] = [id for id in as_list(model["toolIds"]) if id not in ids]
    if "toolRefs" in model:
        rest["toolRefs"] = [
            r for r in as_list(model["toolRefs"]) if as_object(r).get("toolId") not in ids
        ]
    return rest


def _like(declared: Sequence[Any], messages: Sequence[Any]) -> list[Any]:
    """Of the messages that are stored, those that a declaration like this one is about."""
    return [m for m in messages if _is_prompt(m)] if _is_prompts(declared) else list(messages)


def _joined(declared: Sequence[Any], messages: Sequence[Any]) -> list[Any]:
    rest = [m for m in messages if not _is_prompt(m)] if _is_prompts(declared) else []
    return [*declared, *rest]


def _is_prompts(messages: Sequence[Any]) -> bool:
    return all(_is_prompt(message) for message in messages)


def _is_prompt(message: Any) -> bool:
    return as_object(message).get("role") == "system"


def _keyed(tools: Any) -> dict[str, Any]:
    """The tools that stand in an assistant itself, each by its type and name."""
    found: dict[str, Any] = {}
    for tool in map(as_object, as_list(tools)):
        # Vapi gives built-in tools a function of its own.
        is_function = tool.get("type") == "function"
        name = as_object(tool.get("function")).get("name") if is_function else tool.get("name")
        key = f"{tool.get('type')}:{name}" if name else str(tool.get("type"))
        same = sum(1 for other in found if other == key or other.startswith(f"{key}#"))
        found[f"{key}#{same + 1}" if same else key] = tool
    return found
